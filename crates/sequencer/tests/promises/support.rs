//! A sequencer on a simulated disk, and events to give it.

use std::path::Path;
use std::sync::Arc;

use event::{DistinctId, Event, Row, TeamId, Timestamp, Token, UuidOrigin, decode_rows};
use identity::{Keeper, Stateless};
use journal::sim::SimFs;
use journal::{Fs, Journal, Offset, Record};
use sequencer::{DedupOptions, Handle, JoinGuard, Options, Receipt, Rejected, Submitted};
use uuid::Uuid;

pub(crate) const NOW: Timestamp = Timestamp::from_micros(1_750_000_000_000_000);

/// A running sequencer with its journal.
pub(crate) struct Running {
    pub(crate) handle: Handle,
    pub(crate) guard: JoinGuard,
    pub(crate) journal: Journal,
}

/// Small segments, so that tests see several.
pub(crate) fn journal_options() -> journal::Options {
    journal::Options { segment_bytes: 64 << 10, ..Default::default() }
}

/// Small runs, so that tests see several.
pub(crate) fn options() -> Options {
    let dedup =
        DedupOptions { max_keys: 32_768, merge_reserve_bytes: 0, ..DedupOptions::default() };
    Options { dedup, ..Options::default() }
}

pub(crate) fn start(fs: &SimFs) -> Running {
    start_on(Arc::new(fs.clone()), journal_options(), options())
}

pub(crate) fn start_on(fs: Arc<dyn Fs>, journal: journal::Options, options: Options) -> Running {
    try_start_on(fs, journal, options).unwrap()
}

pub(crate) fn try_start_on(
    fs: Arc<dyn Fs>,
    journal: journal::Options,
    options: Options,
) -> Result<Running, Box<dyn std::error::Error>> {
    start_keeping(fs, journal, options, |_| Box::new(Stateless))
}

/// Starts with what keeps the persons of this journal.
pub(crate) fn start_keeping(
    fs: Arc<dyn Fs>,
    journal: journal::Options,
    options: Options,
    keeper: impl FnOnce(&Journal) -> Box<dyn Keeper>,
) -> Result<Running, Box<dyn std::error::Error>> {
    let (writer, journal) = Journal::open(Arc::clone(&fs), Path::new("data/journal"), journal)?;
    let (dedup_dir, keeper) = (Path::new("data/dedup"), keeper(&journal));
    let (handle, guard) =
        sequencer::start(writer, journal.clone(), fs, dedup_dir, keeper, options)?;
    Ok(Running { handle, guard, journal })
}

impl Running {
    pub(crate) async fn submit(&self, events: &[Submitted]) -> Result<Receipt, Rejected> {
        self.handle.submit(events.to_vec()).await
    }

    /// Submits and returns how many were appended, and how many were duplicates.
    pub(crate) async fn counts(&self, events: &[Submitted]) -> (u32, u32) {
        let receipt = self.submit(events).await.unwrap();
        (receipt.appended, receipt.duplicates)
    }

    pub(crate) fn rows(&self) -> Vec<Row> {
        self.numbered_rows().into_iter().map(|(_, row)| row).collect()
    }

    pub(crate) fn numbered_rows(&self) -> Vec<(Offset, Row)> {
        rows_from(&self.journal, self.journal.first())
    }

    pub(crate) fn stop(self) {
        self.guard.stop().unwrap();
    }
}

/// All rows of a journal from an offset on.
pub(crate) fn rows_from(journal: &Journal, from: Offset) -> Vec<(Offset, Row)> {
    let number = |record: Record| {
        let rows = decode_rows(record.payload).unwrap();
        assert_eq!(rows.len(), record.rows as usize);
        (record.first.get()..).map(Offset::new).zip(rows)
    };
    records_from(journal, from)
        .into_iter()
        .flat_map(number)
        .filter(|&(offset, _)| offset >= from)
        .collect()
}

pub(crate) fn records_from(journal: &Journal, from: Offset) -> Vec<Record> {
    let mut reader = journal.reader(journal.cursor(from)).unwrap();
    let mut all = Vec::new();
    loop {
        let records = reader.read(1 << 20).unwrap();
        if records.is_empty() {
            return all;
        }
        all.extend(records);
    }
}

/// The event that has this number, always the same.
pub(crate) fn event(number: u64) -> Submitted {
    let event = Event {
        uuid: Uuid::from_u128(u128::from(number) + 1),
        uuid_origin: UuidOrigin::Client,
        token: Token::new("phc_test"),
        event: "purchase".into(),
        distinct_id: DistinctId::new("user-1"),
        timestamp: NOW,
        created_at: NOW,
        sent_at: None,
        properties: r#"{"price":12.5}"#.into(),
        set: None,
        set_once: None,
        group_set: None,
        elements_chain: String::new(),
        session_id: None,
        window_id: None,
        process_person_profile: true,
        cookieless: false,
        has_place: false,
        keeps_persons: false,
        context: None,
        extra: None,
        table: Default::default(),
        reason: None,
    };
    Submitted { event, team: TeamId(1) }
}

pub(crate) fn events(numbers: impl IntoIterator<Item = u64>) -> Vec<Submitted> {
    numbers.into_iter().map(event).collect()
}

/// The number of an event, from its row.
pub(crate) fn number_of(row: &Row) -> u64 {
    row.uuid().as_u128() as u64 - 1
}

/// The event with so many bytes of properties.
pub(crate) fn event_of_bytes(number: u64, bytes: usize) -> Submitted {
    let mut submitted = event(number);
    submitted.event.properties = format!(r#"{{"text":"{}"}}"#, "x".repeat(bytes));
    submitted
}
