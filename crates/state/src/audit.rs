//! Who did what, when and from where.

use event::Timestamp;
use serde::Serialize;
use uuid::Uuid;

use crate::database::Transaction;
use crate::text::shown;
use crate::{By, Error, Store};

/// Most entries of one page.
const MOST: i64 = 1_000;

/// Something that was done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// Grows with time.
    pub id: Uuid,
    /// When.
    #[serde(serialize_with = "shown")]
    pub at: Timestamp,
    /// Who: an email address, or what a key or the program is called.
    pub who: String,
    /// From which address.
    pub address: Option<String>,
    /// What, such as `project.create`.
    pub action: String,
    /// To what.
    pub subject: String,
}

/// Some of the log, the newest first.
#[derive(Clone, Debug, Serialize)]
pub struct Page {
    /// What was done.
    pub entries: Vec<Entry>,
    /// `before` of the next page, if there may be one.
    pub next: Option<Uuid>,
}

impl Store {
    /// What was done before an entry, or lately.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn audit(&self, before: Option<Uuid>, limit: usize) -> Result<Page, Error> {
        let limit = i64::try_from(limit).unwrap_or(MOST).clamp(1, MOST);
        // Above every id.
        let before = before.map_or("g".to_owned(), |id| id.to_string());
        let find = "SELECT id, at, who, address, action, subject FROM audit_log
            WHERE id < $1 ORDER BY id DESC LIMIT $2";
        let rows = self
            .read(|transaction| transaction.query(find, &[before.clone().into(), limit.into()]))?;
        let entries = rows.into_iter().map(|mut row| {
            Ok(Entry {
                id: row.named("an id")?,
                at: row.time()?,
                who: row.text()?,
                address: row.optional_text()?,
                action: row.text()?,
                subject: row.text()?,
            })
        });
        let entries = entries.collect::<Result<Vec<_>, Error>>()?;
        let is_full = i64::try_from(entries.len()).is_ok_and(|count| count == limit);
        let next = entries.last().filter(|_| is_full).map(|last| last.id);
        Ok(Page { entries, next })
    }

    /// Notes what is not kept here, such as an erasure.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn note(&self, by: &By, action: &str, subject: &str) -> Result<(), Error> {
        self.write(|transaction| note(transaction, by, action, subject))
    }
}

/// Notes what was done, in the transaction that does it.
pub(crate) fn note(
    transaction: &mut dyn Transaction,
    by: &By,
    action: &str,
    subject: &str,
) -> Result<(), Error> {
    let add = "INSERT INTO audit_log (id, at, who, address, action, subject)
        VALUES ($1, $2, $3, $4, $5, $6)";
    let address = by.address.map(|address| address.to_string());
    let values = [
        Uuid::now_v7().into(),
        by.at.into(),
        by.who.as_str().into(),
        address.into(),
        action.into(),
        subject.into(),
    ];
    transaction.execute(add, &values).map(drop)
}
