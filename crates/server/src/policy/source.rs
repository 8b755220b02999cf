//! Where the policy comes from: settings, the tables of a file, and what people settled.
//!
//! Whichever of them changes, the policy is made anew of all three. What is wrong changes nothing.

use std::sync::{Arc, Mutex, PoisonError};

use state::{Error, Store};

use super::{Base, CurrentPolicy, Made, Policy, PolicyFile};

/// Makes the policy, and remembers of what.
#[derive(Debug)]
pub struct PolicySource {
    base: Base,
    store: Arc<Store>,
    current: CurrentPolicy,
    read: Mutex<Read>,
}

/// What the policy was made of.
#[derive(Debug)]
struct Read {
    tables: PolicyFile,
    /// The store's number of what people settled; `None` while that was never read.
    version: Option<i64>,
}

impl PolicySource {
    /// Begins with these tables. Nodes may start before what they share is there: it is taken over
    /// once it is.
    ///
    /// # Errors
    /// When settings and tables contradict each other, or the store cannot be read.
    pub fn start(base: Base, tables: PolicyFile, store: Arc<Store>) -> Result<Self, String> {
        let (made, version) = match made(&store) {
            Ok((made, version)) => (made, Some(version)),
            Err(Error::Unreachable(_)) => (Made::default(), None),
            Err(error) => return Err(error.to_string()),
        };
        let policy = Policy::with_made(&base, tables.clone(), &made)?;
        if version.is_some() {
            reserve(&store, &policy)?;
        }
        let read = Mutex::new(Read { tables, version });
        Ok(Self { base, store, current: CurrentPolicy::new(policy), read })
    }

    /// The policy that holds now.
    pub fn current(&self) -> &CurrentPolicy {
        &self.current
    }

    /// Takes other tables of the file.
    ///
    /// # Errors
    /// When they are wrong; what held before still holds.
    pub fn set_tables(&self, tables: PolicyFile) -> Result<(), String> {
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        let (made, version) = made(&self.store).map_err(|error| error.to_string())?;
        let policy = Policy::with_made(&self.base, tables.clone(), &made)?;
        reserve(&self.store, &policy)?;
        self.current.set(policy);
        *read = Read { tables, version: Some(version) };
        Ok(())
    }

    /// Takes over what people settled since, here or on another node; says whether they did.
    ///
    /// # Errors
    /// When the store cannot be read; what held before still holds.
    pub fn refresh(&self) -> Result<bool, String> {
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        let version = self.store.projects_version().map_err(|error| error.to_string())?;
        if read.version == Some(version) {
            return Ok(false);
        }
        let (made, version) = made(&self.store).map_err(|error| error.to_string())?;
        let policy = Policy::with_made(&self.base, read.tables.clone(), &made)?;
        reserve(&self.store, &policy)?;
        self.current.set(policy);
        read.version = Some(version);
        Ok(true)
    }
}

/// What people settled. Its number is read first: what comes in between is then read once more.
fn made(store: &Store) -> Result<(Made, i64), Error> {
    let version = store.projects_version()?;
    let blocked = store.blocked_tokens()?.into_iter().map(|blocked| blocked.token).collect();
    Ok((Made { projects: store.projects()?, blocked }, version))
}

/// No project that people make gets the number of one that is configured, or was.
fn reserve(store: &Store, policy: &Policy) -> Result<(), String> {
    let highest = policy.highest_configured_team();
    store.reserve_teams(highest).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use event::{TeamId, Token};
    use state::{By, NewProject};

    use super::*;

    fn source(folder: &tempfile::TempDir) -> PolicySource {
        let store = Store::open(&folder.path().join("settings.db")).unwrap();
        let base = Base { projects: "phc_a=7".parse().unwrap(), ..Base::default() };
        PolicySource::start(base, PolicyFile::default(), Arc::new(store)).unwrap()
    }

    fn project(token: &str) -> NewProject {
        let (name, time_zone) = ("Shop".to_owned(), "Europe/Berlin".to_owned());
        NewProject { name, time_zone, token: Some(token.to_owned()) }
    }

    #[test]
    fn projects_that_people_make_hold_at_once_and_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let by = By::program(event::Timestamp::EPOCH);
        let source = source(&folder);
        let token = Token::new("phc_b");
        assert!(!source.current().get().is_project(&token));
        assert!(!source.refresh().unwrap());
        source.store.create_project(&project("phc_b"), &by).unwrap();
        assert!(source.refresh().unwrap());
        for source in [source, self::source(&folder)] {
            let policy = source.current().get();
            let found = policy.project(&token);
            assert_eq!((found.team, found.is_made), (TeamId(8), true), "above what is configured");
            assert_eq!(found.insights.time_zone.iana_name(), Some("Europe/Berlin"));
            source.set_tables(PolicyFile::default()).unwrap();
            assert!(source.current().get().is_project(&token), "a changed file takes none away");
        }
    }

    #[test]
    fn what_is_configured_comes_first() {
        let folder = tempfile::tempdir().unwrap();
        let source = source(&folder);
        let by = By::program(event::Timestamp::EPOCH);
        source.store.create_project(&project("phc_a"), &by).unwrap();
        source.refresh().unwrap();
        let policy = source.current().get();
        assert_eq!(policy.project(&Token::new("phc_a")).team, TeamId(7));
    }

    #[test]
    fn events_of_a_blocked_token_are_dropped_until_it_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let source = source(&folder);
        let by = By::program(event::Timestamp::EPOCH);
        let drops = |source: &PolicySource| {
            let policy = source.current().get();
            policy.drop_rules.iter().any(|rule| rule.fits("phc_c", "jane", "$pageview"))
        };
        source.store.block_token("phc_c", &by).unwrap();
        assert!(!drops(&source));
        source.refresh().unwrap();
        assert!(drops(&source));
        source.store.unblock_token("phc_c", &by).unwrap();
        source.refresh().unwrap();
        assert!(!drops(&source));
    }
}
