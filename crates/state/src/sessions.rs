//! Sessions: who is logged in.

use std::time::Duration;

use event::Timestamp;
use uuid::Uuid;

use crate::database::Transaction;
use crate::{By, Email, Error, Refusal, Secret, Store, User, audit, password, users};

/// How often the use of a session is noted at most.
const NOTED_EVERY: Duration = Duration::from_secs(60);

/// How long sessions last.
#[derive(Clone, Copy, Debug)]
pub struct SessionTerms {
    /// Without being used.
    pub idle: Duration,
    /// In all.
    pub lifetime: Duration,
}

impl Default for SessionTerms {
    /// A week without being used, and a month in all.
    fn default() -> Self {
        const A_DAY: u64 = 86_400;
        Self { idle: Duration::from_secs(7 * A_DAY), lifetime: Duration::from_secs(30 * A_DAY) }
    }
}

impl SessionTerms {
    /// Sessions that were used before the first, or began before the second, are over.
    fn ends(self, now: Timestamp) -> (Timestamp, Timestamp) {
        let before = |duration| now.plus_micros(-micros(duration));
        (before(self.idle), before(self.lifetime))
    }

    /// Often enough that a session does not end while it is used.
    fn noted_every(self) -> Duration {
        NOTED_EVERY.min(self.idle / 4)
    }
}

/// Somebody who is logged in.
#[derive(Clone, Debug)]
pub struct Session {
    /// Who.
    pub user: User,
    /// When it is over at the latest.
    pub expires_at: Timestamp,
}

impl Store {
    /// Begins a session of whoever knows the password.
    ///
    /// # Errors
    /// When email or password are wrong, which takes the same time.
    pub fn log_in(
        &self,
        email: &str,
        shown: &str,
        terms: SessionTerms,
        by: &By,
    ) -> Result<(Secret, User), Error> {
        let email = email.parse::<Email>().ok();
        let email = email.as_ref().map_or("", Email::as_str);
        let find =
            format!("SELECT users.password, {} FROM users WHERE users.email = $1", users::COLUMNS);
        let found = self.read(|transaction| {
            let Some(mut row) = transaction.first(&find, &[email.into()])? else { return Ok(None) };
            Ok(Some((row.optional_text()?, users::user(&mut row)?)))
        })?;
        let (kept, user) = found.unzip();
        match (password::verify(shown, kept.flatten().as_deref()), user) {
            (true, Some(user)) => {
                let by = By { who: user.email.to_string(), ..by.clone() };
                Ok((self.begin_session(user.id, terms, &by)?, user))
            }
            _ => Err(Refusal::NotRecognized.into()),
        }
    }

    /// Begins a session of somebody who is known otherwise.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn begin_session(&self, user: Uuid, terms: SessionTerms, by: &By) -> Result<Secret, Error> {
        let secret = Secret::new("hfs")?;
        self.write(|transaction| {
            let (idle, lifetime) = terms.ends(by.at);
            let end = "DELETE FROM sessions WHERE used_at <= $1 OR created_at <= $2";
            transaction.execute(end, &[idle.into(), lifetime.into()])?;
            let add =
                "INSERT INTO sessions (hash, user_id, created_at, used_at) VALUES ($1, $2, $3, $3)";
            transaction.execute(add, &[secret.hash().into(), user.into(), by.at.into()])?;
            see(transaction, user, by.at)?;
            audit::note(transaction, by, "session.begin", &by.who)
        })?;
        Ok(secret)
    }

    /// Whose session this is, unless it is over.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn session(
        &self,
        session: &Secret,
        terms: SessionTerms,
        now: Timestamp,
    ) -> Result<Option<Session>, Error> {
        let find = format!(
            "SELECT sessions.created_at, sessions.used_at, {} FROM sessions
             JOIN users ON users.id = sessions.user_id WHERE sessions.hash = $1",
            users::COLUMNS
        );
        let found = self.read(|transaction| {
            let Some(mut row) = transaction.first(&find, &[session.hash().into()])? else {
                return Ok(None);
            };
            Ok(Some((row.time()?, row.time()?, users::user(&mut row)?)))
        })?;
        let Some((created_at, used_at, user)) = found else { return Ok(None) };
        let (idle, lifetime) = terms.ends(now);
        if used_at <= idle || created_at <= lifetime {
            return Ok(None);
        }
        if now.micros_since(used_at) >= micros(terms.noted_every()) {
            self.write(|transaction| {
                let note = "UPDATE sessions SET used_at = $2 WHERE hash = $1";
                transaction.execute(note, &[session.hash().into(), now.into()])?;
                see(transaction, user.id, now)
            })?;
        }
        let expires_at = created_at.plus_micros(micros(terms.lifetime));
        Ok(Some(Session { user, expires_at }))
    }

    /// Ends a session.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn end_session(&self, session: &Secret, by: &By) -> Result<(), Error> {
        self.write(|transaction| {
            let end = "DELETE FROM sessions WHERE hash = $1";
            match transaction.execute(end, &[session.hash().into()])? {
                0 => Ok(()),
                _ => audit::note(transaction, by, "session.end", &by.who),
            }
        })
    }
}

fn see(transaction: &mut dyn Transaction, user: Uuid, now: Timestamp) -> Result<(), Error> {
    let note = "UPDATE users SET seen_at = $2 WHERE id = $1";
    transaction.execute(note, &[user.into(), now.into()]).map(drop)
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}
