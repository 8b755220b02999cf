//! `hogflare import files`.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, bail};
use uuid::Uuid;

use crate::batch::{Batch, Persons};
use crate::columns::{Kind, Mapping};
use crate::day::Days;
use crate::import::{Batches, Import, Options, hand_over};
use crate::item::{Item, Maker, Reject, uuid_of};
use crate::record::{Record, quoted};
use crate::source::{Reading, SourceFile};
use crate::summary::{self, Outcome};
use crate::time::TimeReader;

/// Files of a folder that are read; others are left alone.
const ENDINGS: &[&str] =
    &["parquet", "jsonl", "ndjson", "csv", "tsv", "gz", "zst", "zstd", "br", "sz", "lz4"];
/// Rows behind a position that a run before may have sent: what was under way, and acknowledged moments ago.
const ROWS_IN_DOUBT: u64 = 200_000;

/// What is said of files.
#[derive(Clone, Debug)]
pub struct FilesOptions {
    /// Files, folders and patterns.
    pub paths: Vec<String>,
    /// What columns of other names are.
    pub mapping: Mapping,
    /// How times are read.
    pub times: TimeReader,
    /// What stands between values of CSV, where it is not what the name says.
    pub delimiter: Option<u8>,
}

/// Brings what is in files.
///
/// # Errors
/// When a file cannot be read, too many rows are none, or the server takes nothing.
pub async fn import_files(files: FilesOptions, options: Options) -> anyhow::Result<Outcome> {
    let FilesOptions { paths, mapping, times, delimiter } = files;
    let reading = Arc::new(Reading { mapping, times, delimiter });
    let sources = inspected(&paths, &reading)?;
    let of = |kind: Kind| {
        sources.iter().filter(move |file| file.kind == kind).cloned().collect::<Vec<_>>()
    };
    let (persons, events) = (of(Kind::Persons), of(Kind::Events));
    let total = sources.iter().map(|file| file.bytes).sum();
    let import = Arc::new(Import::new(options, total)?);
    if import.options.is_dry_run {
        return dry_run(&import, &sources, &reading);
    }
    // Persons first: their events then find them as they are, and change nothing.
    let keeps = import.options.keeps_persons || !persons.is_empty();
    let events_as = if keeps { Persons::Keep } else { Persons::Change };
    for (files, treated) in [(persons, Persons::Only), (events, events_as)] {
        let (read, reading) = (files.clone(), Arc::clone(&reading));
        import
            .phase(treated, move |import, batches| {
                read.iter().try_for_each(|file| read_file(import, file, &reading, treated, batches))
            })
            .await?;
        for file in &files {
            finish(&import, file)?;
        }
    }
    import.outcome().await
}

/// A file of which nothing could be brought may have been read with the wrong words, and is not over.
fn finish(import: &Import, file: &SourceFile) -> anyhow::Result<()> {
    let (source, ..) = import.source(&file.fingerprint, &name(file))?;
    let ledger = import.ledger();
    match ledger.days(source)?.is_empty() {
        true => ledger.restart(source),
        false => ledger.finish(source),
    }
}

fn name(file: &SourceFile) -> String {
    file.path.display().to_string()
}

/// All files, each content once.
fn inspected(paths: &[String], reading: &Reading) -> anyhow::Result<Vec<SourceFile>> {
    let (mut files, mut known) = (Vec::new(), HashSet::new());
    for path in paths {
        for path in expanded(path)? {
            match SourceFile::inspect(&path, reading)? {
                None => eprintln!("hogflare: {} is empty", path.display()),
                Some(file) if !known.insert(file.fingerprint.clone()) => {
                    eprintln!("hogflare: {} is a copy of another", path.display());
                }
                Some(file) => files.push(file),
            }
        }
    }
    match files.is_empty() {
        true => bail!("there is nothing to bring"),
        false => Ok(files),
    }
}

fn expanded(path: &str) -> anyhow::Result<Vec<PathBuf>> {
    let plain = Path::new(path);
    if plain.is_file() {
        return Ok(vec![plain.to_owned()]);
    }
    let mut files = Vec::new();
    if plain.is_dir() {
        walk(plain, &mut files)?;
    } else {
        for found in glob::glob(path).with_context(|| path.to_owned())? {
            let found = found?;
            match found.is_dir() {
                true => walk(&found, &mut files)?,
                false => files.push(found),
            }
        }
    }
    files.sort();
    match files.is_empty() {
        true => bail!("{path}: there is no such file, or none that could be brought"),
        false => Ok(files),
    }
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    let entries = std::fs::read_dir(folder).with_context(|| format!("{}", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() {
            walk(&path, files)?;
        } else if path
            .extension()
            .and_then(|end| end.to_str())
            .is_some_and(|end| ENDINGS.contains(&end))
        {
            files.push(path);
        }
    }
    Ok(())
}

/// Reads a file from where the ledger stands.
fn read_file(
    import: &Import,
    file: &SourceFile,
    reading: &Reading,
    persons: Persons,
    batches: &Batches,
) -> anyhow::Result<()> {
    let (source, mark, standing) = import.source(&file.fingerprint, &name(file))?;
    if standing.is_done {
        import.bar.read(file.bytes);
        return Ok(());
    }
    let is_resumed = !standing.position.is_empty();
    let from: u64 = standing.position.parse().unwrap_or(0);
    if !is_resumed {
        let begun = crate::ledger::Progress { position: Some("0".into()), ..Default::default() };
        import.ledger().advance(source, &begun)?;
    }
    let source_name: Arc<str> = name(file).into();
    let maker = maker(import, &mark, reading);
    let mut people = People::new(import, file.kind);
    let new_batch = |row: u64| {
        let mut batch = Batch::new(source, Arc::clone(&source_name), persons);
        batch.is_repeated = is_resumed && row < from + ROWS_IN_DOUBT;
        batch
    };
    let (mut row, mut batch) = (from, new_batch(from));
    for record in file.rows(from, reading, &import.bar)? {
        let record = match record {
            Ok(record) => record,
            Err(error) => {
                // What comes before the damage is brought.
                people.note()?;
                batch.progress.position = Some(row.to_string());
                hand_over(batches, batch)?;
                return Err(error).with_context(|| format!("{source_name}, behind row {row}"));
            }
        };
        row += 1;
        let made = match record {
            Ok(record) => {
                let record = reading.mapping.apply(record);
                people.made(&maker, &record, row).map_err(|reject| (reject, record.json()))
            }
            Err(rejected) => Err(rejected),
        };
        match made {
            Ok(item) => item.into_iter().for_each(|item| batch.push(row, item)),
            Err((reject, content)) => {
                batch.progress.rejected += 1;
                import.rejects().put(&source_name, row, &reject, &content)?;
            }
        }
        if batch.is_full(import.sender.most_bytes()) {
            people.note()?;
            batch.progress.position = Some(row.to_string());
            hand_over(batches, std::mem::replace(&mut batch, new_batch(row)))?;
        }
    }
    people.note()?;
    batch.progress.position = Some(row.to_string());
    hand_over(batches, batch)
}

fn maker<'a>(import: &'a Import, mark: &'a str, reading: &'a Reading) -> Maker<'a> {
    Maker { mark, token: &import.options.token, times: &reading.times, now: import.now }
}

/// Makes rows of either kind of file what is sent.
struct People<'a> {
    import: &'a Import,
    kind: Kind,
    /// Persons of which the ledger does not know yet.
    new: BTreeMap<String, String>,
}

impl<'a> People<'a> {
    fn new(import: &'a Import, kind: Kind) -> Self {
        Self { import, kind, new: BTreeMap::new() }
    }

    fn made(
        &mut self,
        maker: &Maker<'_>,
        record: &Record,
        row: u64,
    ) -> Result<Option<Item>, Reject> {
        match self.kind {
            Kind::Events => maker.event(record, row).map(Some),
            Kind::Persons => self.person(maker, record),
        }
    }

    /// A distinct id and its person. The first of a person's has the properties; others become its too.
    fn person(&mut self, maker: &Maker<'_>, record: &Record) -> Result<Option<Item>, Reject> {
        let is_deleted =
            record.text("is_deleted").is_some_and(|text| text == "true" || text == "1");
        if is_deleted {
            return Ok(None);
        }
        let distinct_id =
            record.text("distinct_id").ok_or_else(|| Reject::new("no_distinct_id", ""))?;
        let person = record.text("person_id").ok_or_else(|| Reject::new("no_person_id", ""))?;
        let bad = |()| Reject::new("bad_properties", "not a JSON object");
        let properties =
            record.get("properties").map_or(Ok(None), |cell| cell.object().map_err(bad))?;
        let since = maker.time(record, "created_at").unwrap_or(maker.now);
        let known = |error: anyhow::Error| Reject::new("ledger", format!("{error:#}"));
        let first = match self.new.get(&person) {
            Some(first) => Some(first.clone()),
            None => self.import.ledger().first_distinct_id(&person).map_err(known)?,
        };
        let keeps = self.import.options.keeps_persons;
        Ok(Some(match first {
            Some(first) if first != distinct_id => {
                merge(maker, &person, &first, &distinct_id, since)
            }
            _ => {
                self.new.insert(person.clone(), distinct_id.clone());
                let properties = properties.unwrap_or_else(|| "{}".to_owned());
                told(maker, &person, &distinct_id, since, &properties, keeps)
            }
        }))
    }

    /// Before anything is sent that depends on it.
    fn note(&mut self) -> anyhow::Result<()> {
        let new: Vec<_> = std::mem::take(&mut self.new).into_iter().collect();
        match new.is_empty() {
            true => Ok(()),
            false => self.import.ledger().note_persons(&new),
        }
    }
}

/// A distinct id is the person's who has another.
pub(crate) fn merge(
    maker: &Maker<'_>,
    person: &str,
    first: &str,
    other: &str,
    since: event::Timestamp,
) -> Item {
    let uuid: Uuid = uuid_of(&format!("merge:{person}:{first}:{other}"));
    let properties = format!("{{\"alias\":{}}}", quoted(other));
    maker.change(uuid, "$merge_dangerously", first, since, &properties)
}

/// A person has these properties.
pub(crate) fn told(
    maker: &Maker<'_>,
    person: &str,
    distinct_id: &str,
    since: event::Timestamp,
    properties: &str,
    keeps: bool,
) -> Item {
    let uuid = uuid_of(&format!("person:{person}:{distinct_id}:{properties}"));
    let how = if keeps { "$set_once" } else { "$set" };
    maker.change(uuid, "$set", distinct_id, since, &format!("{{\"{how}\":{properties}}}"))
}

/// Counts by day, and sends nothing.
fn dry_run(import: &Import, files: &[SourceFile], reading: &Reading) -> anyhow::Result<Outcome> {
    let (mut days, mut persons, mut rejected) = (Days::new(), 0_u64, 0_u64);
    for file in files {
        let maker = maker(import, &file.fingerprint, reading);
        for (row, record) in (1..).zip(file.rows(0, reading, &import.bar)?) {
            let record =
                record.with_context(|| format!("{}, behind row {}", name(file), row - 1))?;
            let made = record.and_then(|record| {
                let record = reading.mapping.apply(record);
                match file.kind {
                    Kind::Events => maker
                        .event(&record, row)
                        .map(Some)
                        .map_err(|reject| (reject, record.json())),
                    Kind::Persons => Ok(None),
                }
            });
            match made {
                Ok(Some(item)) => {
                    item.day.into_iter().for_each(|day| *days.entry(day).or_default() += 1);
                }
                Ok(None) => persons += 1,
                Err((reject, content)) => {
                    rejected += 1;
                    import.rejects().put(&name(file), row, &reject, &content)?;
                }
            }
        }
    }
    let mut rejects = import.rejects();
    rejects.flush()?;
    let mut text = summary::table(&days, None);
    text.push_str(&format!(
        "{persons} distinct ids of persons, {rejected} rows that cannot be brought\n"
    ));
    for (reason, rows) in &rejects.reasons {
        text.push_str(&format!("  {rows:>10}  {reason}\n"));
    }
    Ok(Outcome { text, is_whole: true })
}
