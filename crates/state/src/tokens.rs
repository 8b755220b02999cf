//! Tokens whose events are not wanted.

use event::Timestamp;
use serde::Serialize;

use crate::projects::{checked, note_change};
use crate::text::shown;
use crate::{By, Error, Refusal, Store, audit};

/// A token whose events are acknowledged and dropped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BlockedToken {
    /// The token.
    pub token: String,
    /// Who blocked it.
    pub created_by: String,
    /// When.
    #[serde(serialize_with = "shown")]
    pub created_at: Timestamp,
}

impl Store {
    /// All of them, by name.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn blocked_tokens(&self) -> Result<Vec<BlockedToken>, Error> {
        let find = "SELECT token, created_by, created_at FROM blocked_tokens ORDER BY token";
        let rows = self.read(|transaction| transaction.query(find, &[]))?;
        let rows = rows.into_iter().map(|mut row| {
            Ok(BlockedToken {
                token: row.text()?,
                created_by: row.text()?,
                created_at: row.time()?,
            })
        });
        rows.collect()
    }

    /// Blocks a token that no project has.
    ///
    /// # Errors
    /// When it cannot be one, or people made a project with it.
    pub fn block_token(&self, token: &str, by: &By) -> Result<(), Error> {
        let token = checked(token)?;
        self.write(|transaction| {
            let find = "SELECT 1 FROM projects WHERE token = $1";
            if transaction.number(find, &[token.as_str().into()])?.is_some() {
                return Err(Refusal::Taken("project").into());
            }
            let add =
                "INSERT INTO blocked_tokens (token, created_by, created_at) VALUES ($1, $2, $3)
                ON CONFLICT (token) DO NOTHING";
            let values = [token.as_str().into(), by.who.as_str().into(), by.at.into()];
            transaction.execute(add, &values)?;
            note_change(transaction)?;
            audit::note(transaction, by, "token.block", &token)
        })
    }

    /// Takes a token's events again.
    ///
    /// # Errors
    /// When it is not blocked.
    pub fn unblock_token(&self, token: &str, by: &By) -> Result<(), Error> {
        let token = checked(token)?;
        self.write(|transaction| {
            let remove = "DELETE FROM blocked_tokens WHERE token = $1";
            if transaction.execute(remove, &[token.as_str().into()])? == 0 {
                return Err(Refusal::NoSuch("blocked token").into());
            }
            note_change(transaction)?;
            audit::note(transaction, by, "token.unblock", &token)
        })
    }
}
