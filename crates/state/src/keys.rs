//! API keys: `phx_…` of a person, `phs_…` of projects.
//!
//! A personal key can do what its scopes and its owner's role both allow, as the role is when it is
//! shown. A secure key is of one or more projects, and stays when its maker goes.

use event::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::database::Row;
use crate::error::wrong;
use crate::text::{name, shown, shown_if_any};
use crate::{By, Error, Permission, Refusal, Secret, Store, User, audit, users};

/// Microseconds for which the use of a key is noted once.
const NOTED_EVERY: i64 = 60_000_000;

/// Whose a key is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KeyKind {
    /// A person's: `phx_…`.
    Personal,
    /// That of projects: `phs_…`.
    Secure,
}

impl KeyKind {
    const fn prefix(self) -> &'static str {
        match self {
            Self::Personal => "phx",
            Self::Secure => "phs",
        }
    }
}

/// A key as it is wanted.
#[derive(Clone, Debug)]
pub struct NewKey {
    /// Whose.
    pub kind: KeyKind,
    /// What it is for.
    pub label: String,
    /// What it may do.
    pub scopes: Vec<Permission>,
    /// Projects that it is limited to; of a personal key none for all.
    pub projects: Vec<i64>,
    /// Until when.
    pub expires_at: Option<Timestamp>,
}

/// A key, without what is secret of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ApiKey {
    /// Which.
    pub id: Uuid,
    /// Whose.
    pub kind: KeyKind,
    /// What it is for.
    pub label: String,
    /// Its last characters.
    pub hint: String,
    /// What it may do.
    pub scopes: Vec<Permission>,
    /// Projects that it is limited to; none for all.
    pub projects: Vec<i64>,
    /// Who made it.
    pub created_by: String,
    /// When.
    #[serde(serialize_with = "shown")]
    pub created_at: Timestamp,
    /// Until when.
    #[serde(serialize_with = "shown_if_any")]
    pub expires_at: Option<Timestamp>,
    /// When it was used last, to the minute.
    #[serde(serialize_with = "shown_if_any")]
    pub used_at: Option<Timestamp>,
}

/// A key that was shown.
#[derive(Clone, Debug)]
pub struct KnownKey {
    /// The key.
    pub key: ApiKey,
    /// Whose it is.
    pub user: Option<User>,
}

impl KnownKey {
    /// Whether it comes with a permission.
    pub fn may(&self, permission: Permission) -> bool {
        let by_role = self.user.as_ref().is_none_or(|user| user.role.may(permission));
        by_role && self.key.scopes.contains(&permission)
    }
}

/// The columns of [`key`].
const COLUMNS: &str = "api_keys.id, api_keys.user_id, api_keys.label, api_keys.hint, api_keys.scopes, \
     api_keys.projects, api_keys.created_by, api_keys.created_at, api_keys.expires_at, api_keys.used_at";

/// Reads [`COLUMNS`].
fn key(row: &mut Row) -> Result<ApiKey, Error> {
    Ok(ApiKey {
        id: row.named("an id")?,
        kind: match row.optional_id()? {
            Some(_) => KeyKind::Personal,
            None => KeyKind::Secure,
        },
        label: row.text()?,
        hint: row.text()?,
        scopes: row.text()?.split_whitespace().filter_map(|name| name.parse().ok()).collect(),
        projects: row.text()?.split_whitespace().filter_map(|team| team.parse().ok()).collect(),
        created_by: row.text()?,
        created_at: row.time()?,
        expires_at: row.optional_time()?,
        used_at: row.optional_time()?,
    })
}

impl Store {
    /// Makes a key; its secret is told this once.
    ///
    /// # Errors
    /// When it could do more than its maker, or something of it is not what it must be.
    pub fn create_key(
        &self,
        wanted: &NewKey,
        maker: &User,
        by: &By,
    ) -> Result<(ApiKey, Secret), Error> {
        let label = name("label", &wanted.label)?;
        check(wanted, maker, by.at)?;
        let (id, secret) = (Uuid::now_v7(), Secret::new(wanted.kind.prefix())?);
        let made = self.write(|transaction| {
            let whose = Some(maker.id).filter(|_| wanted.kind == KeyKind::Personal);
            let values = [
                id.into(),
                secret.hash().into(),
                whose.into(),
                label.as_str().into(),
                secret.hint().into(),
                words(&wanted.scopes).into(),
                words(&wanted.projects).into(),
                maker.email.as_str().into(),
                by.at.into(),
                wanted.expires_at.into(),
            ];
            let add = "INSERT INTO api_keys (id, hash, user_id, label, hint, scopes, projects,
                created_by, created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
            transaction.execute(add, &values)?;
            audit::note(transaction, by, "key.create", &label)?;
            let find = format!("SELECT {COLUMNS} FROM api_keys WHERE id = $1");
            let found = transaction.first(&find, &[id.into()])?;
            key(&mut found.ok_or(Refusal::NoSuch("key"))?)
        })?;
        Ok((made, secret))
    }

    /// The keys of a user, or with `None` all there are, the newest first.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn keys(&self, whose: Option<Uuid>) -> Result<Vec<ApiKey>, Error> {
        let (condition, values) = match whose {
            Some(id) => ("WHERE api_keys.user_id = $1", vec![id.into()]),
            None => ("", Vec::new()),
        };
        let find = format!("SELECT {COLUMNS} FROM api_keys {condition} ORDER BY api_keys.id DESC");
        let rows = self.read(|transaction| transaction.query(&find, &values))?;
        rows.into_iter().map(|mut row| key(&mut row)).collect()
    }

    /// Deletes a key of a user, or with `None` any.
    ///
    /// # Errors
    /// When there is none.
    pub fn delete_key(&self, id: Uuid, whose: Option<Uuid>, by: &By) -> Result<(), Error> {
        self.write(|transaction| {
            let find = "SELECT label, user_id FROM api_keys WHERE id = $1";
            let found = transaction.first(find, &[id.into()])?;
            let mut row = found.ok_or(Refusal::NoSuch("key"))?;
            let (label, owner) = (row.text()?, row.optional_id()?);
            if whose.is_some() && owner != whose {
                return Err(Refusal::NoSuch("key").into());
            }
            transaction.execute("DELETE FROM api_keys WHERE id = $1", &[id.into()])?;
            audit::note(transaction, by, "key.delete", &label)
        })
    }

    /// The key that is shown, unless it is over.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn key(&self, secret: &Secret, now: Timestamp) -> Result<Option<KnownKey>, Error> {
        let find = format!(
            "SELECT {COLUMNS}, {} FROM api_keys LEFT JOIN users ON users.id = api_keys.user_id
             WHERE api_keys.hash = $1",
            users::COLUMNS
        );
        let found = self.read(|transaction| {
            let Some(mut row) = transaction.first(&find, &[secret.hash().into()])? else {
                return Ok(None);
            };
            let key = key(&mut row)?;
            let user = match key.kind {
                KeyKind::Personal => Some(users::user(&mut row)?),
                KeyKind::Secure => None,
            };
            Ok(Some(KnownKey { key, user }))
        })?;
        let is_over = |known: &KnownKey| known.key.expires_at.is_some_and(|end| end <= now);
        let Some(known) = found.filter(|known| !is_over(known)) else { return Ok(None) };
        let is_noted = |used: Timestamp| now.micros_since(used) < NOTED_EVERY;
        if !known.key.used_at.is_some_and(is_noted) {
            self.write(|transaction| {
                let note = "UPDATE api_keys SET used_at = $2 WHERE id = $1";
                transaction.execute(note, &[known.key.id.into(), now.into()]).map(drop)
            })?;
        }
        Ok(Some(known))
    }
}

fn check(wanted: &NewKey, maker: &User, now: Timestamp) -> Result<(), Error> {
    let too_wide = |scope: &&Permission| !scope.is_scope() || !maker.role.may(**scope);
    if let Some(scope) = wanted.scopes.iter().find(too_wide) {
        return Err(Refusal::ScopeTooWide(scope.to_string()).into());
    }
    if wanted.scopes.is_empty() {
        return Err(wrong("scopes", "one or more"));
    }
    if wanted.projects.iter().any(|team| *team < 1) || wanted.projects.len() > 100 {
        return Err(wrong("projects", "numbers of projects, 100 at most"));
    }
    if wanted.kind == KeyKind::Secure {
        if !maker.role.may(Permission::Projects) {
            return Err(Refusal::NotAllowed(maker.role).into());
        }
        if wanted.projects.is_empty() {
            return Err(wrong("projects", "the projects of a secure key"));
        }
    }
    match wanted.expires_at.is_some_and(|end| end <= now) {
        true => Err(wrong("expires_at", "a time that is yet to come")),
        false => Ok(()),
    }
}

fn words<T: ToString>(parts: &[T]) -> String {
    parts.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}
