//! What people keep of a project: insights, dashboards, queries, and notes on its events and properties.
//!
//! A definition is JSON that only whoever shows it understands; whether it can be answered is checked
//! before it comes here.

use event::Timestamp;
use serde::Serialize;
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::database::{Row, Transaction, Value};
use crate::error::wrong;
use crate::text::{name, shown};
use crate::{By, Error, Refusal, Secret, Store, User, audit};

/// Longest definition and description.
const DEFINITION_BYTES: usize = 256 << 10;
const DESCRIPTION_BYTES: usize = 8 << 10;

/// What is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SavedKind {
    /// A question of an insight.
    Insight,
    /// Insights, side by side.
    Dashboard,
    /// SQL.
    Query,
    /// What people say of an event or a property.
    Note,
}

impl SavedKind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Insight, Self::Dashboard, Self::Query, Self::Note];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Insight => "insight",
            Self::Dashboard => "dashboard",
            Self::Query => "query",
            Self::Note => "note",
        }
    }
}

impl std::str::FromStr for SavedKind {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|kind| kind.name() == name).ok_or(())
    }
}

/// What is to be kept.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// What people call it.
    pub name: String,
    /// What they say of it.
    pub description: String,
    /// What it is: JSON.
    pub definition: Box<RawValue>,
}

/// What is kept.
#[derive(Clone, Debug, Serialize)]
pub struct Saved {
    /// Which.
    pub id: Uuid,
    /// What.
    #[serde(skip)]
    pub kind: SavedKind,
    /// The number of its project.
    pub project: i64,
    /// What people call it.
    pub name: String,
    /// What they say of it.
    pub description: String,
    /// What it is.
    pub definition: Box<RawValue>,
    /// Who made it, while that is a user.
    pub owner: Option<String>,
    /// When.
    #[serde(serialize_with = "shown")]
    pub created_at: Timestamp,
    /// When it was changed last.
    #[serde(serialize_with = "shown")]
    pub updated_at: Timestamp,
    /// Whether it has a link that anybody may follow.
    pub is_shared: bool,
}

const SELECT: &str = "SELECT saved.id, saved.kind, saved.team_id, saved.name, saved.description, \
     saved.definition, users.email, saved.created_at, saved.updated_at, \
     CASE WHEN saved.share_hash IS NULL THEN 0 ELSE 1 END \
     FROM saved LEFT JOIN users ON users.id = saved.owner_id";

fn saved(row: &mut Row) -> Result<Saved, Error> {
    Ok(Saved {
        id: row.named("an id")?,
        kind: row.named("a kind")?,
        project: row.integer()?,
        name: row.text()?,
        description: row.text()?,
        definition: RawValue::from_string(row.text()?)
            .map_err(|error| Error::Damaged { what: "a definition", value: error.to_string() })?,
        owner: row.optional_text()?,
        created_at: row.time()?,
        updated_at: row.time()?,
        is_shared: row.flag()?,
    })
}

impl Store {
    /// What is kept of a project, by name.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn saved(&self, kind: SavedKind, team: i64) -> Result<Vec<Saved>, Error> {
        let find = format!(
            "{SELECT} WHERE saved.team_id = $1 AND saved.kind = $2 ORDER BY saved.name, saved.id"
        );
        let values = [team.into(), kind.name().into()];
        let rows = self.read(|transaction| transaction.query(&find, &values))?;
        rows.into_iter().map(|mut row| saved(&mut row)).collect()
    }

    /// One of what is kept.
    ///
    /// # Errors
    /// When there is none.
    pub fn saved_one(&self, kind: SavedKind, id: Uuid) -> Result<Saved, Error> {
        self.read(|transaction| find(transaction, kind, id))
    }

    /// Keeps something.
    ///
    /// # Errors
    /// When its name cannot be one, or it is too long.
    pub fn save(
        &self,
        (kind, team): (SavedKind, i64),
        wanted: &Wanted,
        owner: Option<&User>,
        by: &By,
    ) -> Result<Saved, Error> {
        let [name, description, definition] = checked(wanted)?;
        let id = Uuid::now_v7();
        self.write(|transaction| {
            let add =
                "INSERT INTO saved (id, kind, team_id, name, description, definition, owner_id,
                created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8)";
            let values = [
                id.into(),
                kind.name().into(),
                team.into(),
                name.clone(),
                description.clone(),
                definition.clone(),
                owner.map(|owner| owner.id).into(),
                by.at.into(),
            ];
            transaction.execute(add, &values)?;
            note(transaction, by, kind, "create", &wanted.name)?;
            find(transaction, kind, id)
        })
    }

    /// Puts something else in its place.
    ///
    /// # Errors
    /// When there is none, its name cannot be one, or it is too long.
    pub fn change_saved(
        &self,
        kind: SavedKind,
        id: Uuid,
        wanted: &Wanted,
        by: &By,
    ) -> Result<Saved, Error> {
        let [name, description, definition] = checked(wanted)?;
        self.write(|transaction| {
            find(transaction, kind, id)?;
            let change = "UPDATE saved SET name = $2, description = $3, definition = $4,
                updated_at = $5 WHERE id = $1";
            let values =
                [id.into(), name.clone(), description.clone(), definition.clone(), by.at.into()];
            transaction.execute(change, &values)?;
            note(transaction, by, kind, "change", &wanted.name)?;
            find(transaction, kind, id)
        })
    }

    /// Keeps it no longer.
    ///
    /// # Errors
    /// When there is none.
    pub fn delete_saved(&self, kind: SavedKind, id: Uuid, by: &By) -> Result<(), Error> {
        self.write(|transaction| {
            let found = find(transaction, kind, id)?;
            transaction.execute("DELETE FROM saved WHERE id = $1", &[id.into()])?;
            note(transaction, by, kind, "delete", &found.name)
        })
    }

    /// Makes a link that anybody may follow, in place of an earlier one; it is told this once.
    ///
    /// # Errors
    /// When there is none.
    pub fn share(&self, kind: SavedKind, id: Uuid, by: &By) -> Result<Secret, Error> {
        let secret = Secret::new("hfp")?;
        self.write(|transaction| {
            let found = find(transaction, kind, id)?;
            let share = "UPDATE saved SET share_hash = $2 WHERE id = $1";
            transaction.execute(share, &[id.into(), secret.hash().into()])?;
            note(transaction, by, kind, "share", &found.name)
        })?;
        Ok(secret)
    }

    /// Ends what a link opens.
    ///
    /// # Errors
    /// When there is none.
    pub fn unshare(&self, kind: SavedKind, id: Uuid, by: &By) -> Result<(), Error> {
        self.write(|transaction| {
            let found = find(transaction, kind, id)?;
            let unshare = "UPDATE saved SET share_hash = NULL WHERE id = $1";
            transaction.execute(unshare, &[id.into()])?;
            note(transaction, by, kind, "unshare", &found.name)
        })
    }

    /// What a link opens.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn shared(&self, link: &Secret) -> Result<Option<Saved>, Error> {
        let find = format!("{SELECT} WHERE saved.share_hash = $1");
        let found = self.read(|transaction| transaction.first(&find, &[link.hash().into()]))?;
        found.map(|mut row| saved(&mut row)).transpose()
    }
}

fn find(transaction: &mut dyn Transaction, kind: SavedKind, id: Uuid) -> Result<Saved, Error> {
    let find = format!("{SELECT} WHERE saved.id = $1 AND saved.kind = $2");
    let found = transaction.first(&find, &[id.into(), kind.name().into()])?;
    saved(&mut found.ok_or(Refusal::NoSuch(kind.name()))?)
}

fn checked(wanted: &Wanted) -> Result<[Value; 3], Error> {
    if wanted.description.len() > DESCRIPTION_BYTES {
        return Err(wrong("description", format!("at most {DESCRIPTION_BYTES} bytes")));
    }
    if wanted.definition.get().len() > DEFINITION_BYTES {
        return Err(wrong("definition", format!("at most {DEFINITION_BYTES} bytes")));
    }
    if wanted.description.contains('\0') {
        return Err(wrong("description", "text without U+0000"));
    }
    let name = name("name", &wanted.name)?;
    Ok([name.into(), wanted.description.as_str().into(), wanted.definition.get().into()])
}

fn note(
    transaction: &mut dyn Transaction,
    by: &By,
    kind: SavedKind,
    what: &str,
    name: &str,
) -> Result<(), Error> {
    audit::note(transaction, by, &format!("{}.{what}", kind.name()), name.trim())
}
