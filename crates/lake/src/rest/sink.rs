//! The catalog as a sink of the journal.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use event::Erasures;
use journal::{Cursor, Fs, Journal, Offset, Record};
use sink::{CursorFile, Error, Importance, Retry, Sink, erased};

use super::client::Client;
use super::commit::Committer;
use super::table::CatalogTable;
use super::{Config, metrics};
use crate::{Table, batch, blocking};

/// All tables have their rows, nobody was told.
const AFTER_ALL: &str = "catalog-after-all";

/// What the sink stands in.
#[derive(Debug)]
pub struct Context<'a> {
    /// Whose rows it takes.
    pub journal: Journal,
    /// What is not sent any more.
    pub erasures: Erasures,
    /// Whether ingestion may stop for it.
    pub importance: Importance,
    /// The file system of cursors.
    pub fs: Arc<dyn Fs>,
    /// The folder of cursors.
    pub cursors: &'a Path,
}

/// Writes rows to the tables of a catalog, each exactly once.
///
/// The catalog's cursors say what each table has. The sink's own, in a file, only says below which
/// offset all of them have everything, so that a start need not read the journal from its beginning.
#[derive(Debug)]
pub struct CatalogSink {
    config: Config,
    client: Client,
    journal: Journal,
    erasures: Erasures,
    importance: Importance,
    cursor: CursorFile,
    /// How far this folder has ever wanted to commit, in a file too: it tells a commit that arrived late
    /// from one that was made with another copy of the folder.
    intention: CursorFile,
    intended: Option<Offset>,
    /// None before the catalog has answered.
    tables: Vec<CatalogTable>,
    /// Everything below waits in memory, or is in the tables.
    end: Offset,
    waiting_bytes: usize,
    /// Whether rows were committed of which the journal has not heard.
    is_ahead: bool,
}

impl CatalogSink {
    /// Prepares the sink; the catalog is asked later.
    ///
    /// # Errors
    /// When no client can be built.
    pub fn new(config: Config, context: Context<'_>) -> Result<Self, Error> {
        let Context { journal, erasures, importance, fs, cursors } = context;
        let failed = |error: &dyn std::fmt::Display| {
            Error::paused(format!("the catalog's sink cannot begin: {error}"))
        };
        fs.create_dir_all(cursors).map_err(|error| failed(&error))?;
        let client = Client::new(config.clone()).map_err(|error| failed(&error))?;
        let name = cursor_name(&config);
        let intention = CursorFile::new(fs.clone(), cursors.join(format!("{name}-intended.json")));
        let cursor = CursorFile::new(fs, cursors.join(format!("{name}.json")));
        let intended = None;
        let (tables, end, waiting_bytes, is_ahead) = (Vec::new(), Offset::ZERO, 0, false);
        Ok(Self {
            config,
            client,
            journal,
            erasures,
            importance,
            cursor,
            intention,
            intended,
            tables,
            end,
            waiting_bytes,
            is_ahead,
        })
    }

    /// Makes the tables ready, where that is not done yet.
    async fn settle(&mut self) -> Result<(), Error> {
        if !self.tables.is_empty() {
            return Ok(());
        }
        self.client.make_namespace().await?;
        let id = self.journal.id();
        let mut tables = Vec::new();
        for table in Table::all() {
            tables.push(CatalogTable::settle(table, &self.client, &self.config, id).await?);
        }
        let furthest = tables.iter().filter_map(|table| table.committed).max();
        let intention = self.intention.load()?.filter(|cursor| cursor.journal_id == id);
        self.intended = intention.map(|cursor| cursor.offset);
        let end = self.intended.unwrap_or_else(|| self.journal.synced());
        if let Some(furthest) = furthest.filter(|furthest| *furthest > end) {
            // New rows would get offsets that the catalog takes for rows that it has.
            return Err(Error::paused(format!(
                "the catalog has rows of journal {id} up to {furthest}, and this data folder knows of \
                 {end} at most: it is an older copy; begin with an empty one",
            )));
        }
        self.tables = tables;
        Ok(())
    }

    /// Takes the rows that no table has yet.
    async fn append(&mut self, records: Vec<Record>) -> Result<(), Error> {
        let Some(end) = records.last().map(Record::end).filter(|end| *end > self.end) else {
            return Ok(());
        };
        let (journal_id, from, erasures) = (self.journal.id(), self.end, self.erasures.clone());
        let committed: HashMap<_, _> =
            self.tables.iter().map(|table| (table.table.rows(), table.committed)).collect();
        let decoded = blocking::run(move || {
            let records: Vec<&Record> = records.iter().collect();
            let erased = erasures.view();
            batch::by_table(&records, journal_id, |row, offset| {
                let known = committed.get(&row.table()).copied().flatten();
                let is_new = offset >= from && known.is_none_or(|known| offset >= known);
                is_new
                    && !erased
                        .as_ref()
                        .is_some_and(|all| erased::goes(all, row, journal_id, offset))
            })
        });
        let (decoded, _) = decoded.await?;
        let bytes: usize = decoded.iter().map(|(_, rows)| rows.get_array_memory_size()).sum();
        if self.waiting_bytes > 0 && self.waiting_bytes + bytes > self.config.batch_bytes {
            self.commit().await?;
            self.is_ahead = true;
        }
        for (table, rows) in decoded {
            let found = self.tables.iter_mut().find(|known| known.table == table);
            if let Some(table) = found.filter(|_| rows.num_rows() > 0) {
                table.waiting.push(rows);
            }
        }
        self.end = end;
        self.waiting_bytes += bytes;
        self.report();
        Ok(())
    }

    /// Commits what waits, table by table. One that needs an operator, or is asked too often, does not
    /// keep the others from their rows.
    async fn commit(&mut self) -> Result<(), Error> {
        if self.intended < Some(self.end) {
            self.intention.store(self.journal.cursor(self.end))?;
            self.intended = Some(self.end);
        }
        let (client, config, journal_id) = (&self.client, &self.config, self.journal.id());
        let intended = self.intended.unwrap_or(self.end);
        let committer = Committer { client, config, journal_id, intended };
        let mut failure = None;
        for table in &mut self.tables {
            match committer.commit(table, self.end).await {
                Err(error) if error.retry == Retry::Backoff => return Err(error),
                Err(error) => failure = failure.or(Some(error)),
                Ok(()) => {}
            }
        }
        if let Some(error) = failure {
            return Err(error);
        }
        journal::failpoint(AFTER_ALL);
        self.waiting_bytes = 0;
        self.report();
        self.cursor.store(self.journal.cursor(self.end))
    }

    fn report(&self) {
        ::metrics::gauge!(metrics::WAITING_BYTES).set(self.waiting_bytes as f64);
    }
}

#[async_trait]
impl Sink for CatalogSink {
    fn name(&self) -> &'static str {
        "catalog"
    }

    fn importance(&self) -> Importance {
        self.importance
    }

    async fn load_cursor(&mut self) -> Result<Option<Cursor>, Error> {
        let cursor = self.cursor.load()?;
        self.settle().await?;
        Ok(cursor)
    }

    async fn write(&mut self, records: Vec<Record>) -> Result<(), Error> {
        for some in crate::sink::portions(records) {
            self.append(some).await?;
        }
        Ok(())
    }

    async fn flush(&mut self) -> Result<Offset, Error> {
        self.commit().await?;
        self.is_ahead = false;
        Ok(self.end)
    }

    /// Sooner when much waits: the journal lets go of nothing before a flush.
    fn flush_interval(&self) -> Duration {
        let is_much = self.waiting_bytes / 3 >= self.config.batch_bytes / 4;
        match self.is_ahead || is_much {
            true => Duration::ZERO,
            false => self.config.commit_interval,
        }
    }
}

/// Each catalog has a cursor of its own.
fn cursor_name(config: &Config) -> String {
    let warehouse = config.warehouse.as_deref().unwrap_or_default();
    let name = format!("{} {warehouse} {}", config.uri, config.namespace.join("."));
    let id = uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_URL, name.as_bytes());
    format!("catalog-{}", id.simple())
}
