//! Projects that people make, beside those of the configuration.

use event::Timestamp;
use serde::Serialize;

use crate::database::{Row, Transaction};
use crate::error::wrong;
use crate::text::{name, shown};
use crate::{By, Error, Refusal, Secret, Store, audit};

/// Longest token, as PostHog has it in a path.
const TOKEN_CHARACTERS: usize = 200;

const COLUMNS: &str = "team_id, token, name, time_zone, created_by, created_at";

/// A project as it is wanted.
#[derive(Clone, Debug)]
pub struct NewProject {
    /// What people call it.
    pub name: String,
    /// IANA name of its time zone, which the caller knows to exist.
    pub time_zone: String,
    /// Its API key, where events come with one that nobody owns yet; else one is made.
    pub token: Option<String>,
}

/// A project.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Project {
    /// Its number.
    pub team_id: i64,
    /// Its API key, which is public.
    pub token: String,
    /// What people call it.
    pub name: String,
    /// IANA name of its time zone.
    pub time_zone: String,
    /// Who made it.
    pub created_by: String,
    /// When.
    #[serde(serialize_with = "shown")]
    pub created_at: Timestamp,
}

fn project(row: &mut Row) -> Result<Project, Error> {
    Ok(Project {
        team_id: row.integer()?,
        token: row.text()?,
        name: row.text()?,
        time_zone: row.text()?,
        created_by: row.text()?,
        created_at: row.time()?,
    })
}

impl Store {
    /// All projects that people made, by number.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn projects(&self) -> Result<Vec<Project>, Error> {
        let find = format!("SELECT {COLUMNS} FROM projects ORDER BY team_id");
        let rows = self.read(|transaction| transaction.query(&find, &[]))?;
        rows.into_iter().map(|mut row| project(&mut row)).collect()
    }

    /// A number that changes whenever projects or blocked tokens do, on whichever node.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn projects_version(&self) -> Result<i64, Error> {
        let find = "SELECT value FROM counters WHERE name = 'projects'";
        Ok(self.read(|transaction| transaction.number(find, &[]))?.unwrap_or(0))
    }

    /// Keeps numbers up to this one from being given: projects of the configuration have or had them.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn reserve_teams(&self, highest: i64) -> Result<(), Error> {
        if self.read(highest_team)? >= highest {
            return Ok(());
        }
        self.write(|transaction| {
            let known = highest_team(transaction)?;
            count(transaction, "highest_team", known.max(highest))
        })
    }

    /// Makes a project, with the next number.
    ///
    /// # Errors
    /// When the name or the token cannot be one, or the token has a project.
    pub fn create_project(&self, wanted: &NewProject, by: &By) -> Result<Project, Error> {
        let name = name("name", &wanted.name)?;
        let token = match &wanted.token {
            Some(token) => checked(token)?,
            None => Secret::new("phc")?.reveal().to_owned(),
        };
        self.write(|transaction| {
            let find = "SELECT 1 FROM projects WHERE token = $1";
            if transaction.number(find, &[token.as_str().into()])?.is_some() {
                return Err(Refusal::Taken("project").into());
            }
            let team = highest_team(transaction)?.saturating_add(1);
            count(transaction, "highest_team", team)?;
            let add = format!("INSERT INTO projects ({COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6)");
            let values = [
                team.into(),
                token.as_str().into(),
                name.as_str().into(),
                wanted.time_zone.as_str().into(),
                by.who.as_str().into(),
                by.at.into(),
            ];
            transaction.execute(&add, &values)?;
            let unblock = "DELETE FROM blocked_tokens WHERE token = $1";
            transaction.execute(unblock, &[token.as_str().into()])?;
            note_change(transaction)?;
            audit::note(transaction, by, "project.create", &format!("{team} {name}"))?;
            find_project(transaction, team)
        })
    }

    /// Gives a project another name and time zone.
    ///
    /// # Errors
    /// When people made none of that number, or the name cannot be one.
    pub fn change_project(
        &self,
        team: i64,
        new_name: &str,
        time_zone: &str,
        by: &By,
    ) -> Result<Project, Error> {
        let name = name("name", new_name)?;
        self.write(|transaction| {
            let change = "UPDATE projects SET name = $2, time_zone = $3 WHERE team_id = $1";
            transaction.execute(change, &[team.into(), name.as_str().into(), time_zone.into()])?;
            let changed = find_project(transaction, team)?;
            note_change(transaction)?;
            audit::note(transaction, by, "project.change", &format!("{team} {name}"))?;
            Ok(changed)
        })
    }
}

fn find_project(transaction: &mut dyn Transaction, team: i64) -> Result<Project, Error> {
    let find = format!("SELECT {COLUMNS} FROM projects WHERE team_id = $1");
    let found = transaction.first(&find, &[team.into()])?;
    project(&mut found.ok_or(Refusal::NoSuch("project"))?)
}

fn highest_team(transaction: &mut dyn Transaction) -> Result<i64, Error> {
    let find = "SELECT value FROM counters WHERE name = 'highest_team'";
    Ok(transaction.number(find, &[])?.unwrap_or(0))
}

/// Has every node read projects and blocked tokens again.
pub(crate) fn note_change(transaction: &mut dyn Transaction) -> Result<(), Error> {
    let find = "SELECT value FROM counters WHERE name = 'projects'";
    let version = transaction.number(find, &[])?.unwrap_or(0);
    count(transaction, "projects", version + 1)
}

fn count(transaction: &mut dyn Transaction, name: &str, value: i64) -> Result<(), Error> {
    let set = "INSERT INTO counters (name, value) VALUES ($1, $2)
        ON CONFLICT (name) DO UPDATE SET value = excluded.value";
    transaction.execute(set, &[name.into(), value.into()]).map(drop)
}

/// A token as SDKs can send it, and that is no secret.
pub(crate) fn checked(token: &str) -> Result<String, Error> {
    let is_fine = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    let is_token = (1..=TOKEN_CHARACTERS).contains(&token.len()) && token.chars().all(is_fine);
    let is_secret = ["phx_", "phs_", "hfr_", "hfa_"].iter().any(|start| token.starts_with(start));
    match is_token && !is_secret {
        true => Ok(token.to_owned()),
        false => Err(wrong("token", "letters, digits, - and _, such as phc_my_project")),
    }
}
