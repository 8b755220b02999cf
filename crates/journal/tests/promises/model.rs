//! A journal beside a model of what it promises.
//!
//! The model keeps what was committed, and apart from it what was in flight when the process ended:
//! a prefix of that may be found later, or nothing. After every step what the journal shows must
//! be what the model says.

use std::fmt::Debug;

use hogflare_journal::sim::{Fault, Op, SimFs};
use hogflare_journal::{Batch, CommitError, Hold, Journal, Offset, Reader, Record, Writer};
use proptest::prelude::*;

use crate::support::{drain, small, try_open};

/// What is done to the journal.
#[derive(Clone, Debug)]
pub enum Step {
    Commit(Group),
    /// A new segment is begun, and a change fails meanwhile or not.
    Roll(Option<Op>),
    /// Some operations fail during a commit.
    FailingCommit(Group, Vec<Failure>),
    /// The same, and the process is killed before it can go on.
    FailingCommitAndKill(Group, Vec<Failure>),
    /// Every change fails during a commit, the fence behind it too.
    DeadDisk(Group),
    /// The disk has only so much room left during a commit.
    FullDisk(Group, u64),
    /// The power goes during a commit, after so many changes.
    CrashingCommit(Group, u32),
    PowerLoss,
    Kill,
    /// The power goes while the journal is opened again, after so many changes, and again.
    CrashingOpens(Vec<u32>),
    /// An operation fails while the journal is opened again.
    FailingOpen(Op, u32),
    CleanRestart,
    /// Somebody has seen this many offsets more than the journal may still have.
    Advance(u16),
    Trim,
    FailingTrim(Op, u32),
    CrashingTrim(u32),
}

/// Rows and payload bytes of the batches of one group.
pub type Group = Vec<(u8, u16)>;

/// An operation that fails after so many of its kind, and how.
pub type Failure = (Op, u32, Fault);

/// Yields steps, mostly commits.
pub fn steps() -> impl Strategy<Value = Vec<Step>> {
    let trim_op = prop_oneof![Just(Op::Remove), Just(Op::SyncDir)];
    let step = prop_oneof![
        8 => group().prop_map(Step::Commit),
        2 => prop::option::of(commit_op()).prop_map(Step::Roll),
        4 => (group(), failures()).prop_map(|(group, failures)| Step::FailingCommit(group, failures)),
        2 => (group(), failures())
            .prop_map(|(group, failures)| Step::FailingCommitAndKill(group, failures)),
        1 => group().prop_map(Step::DeadDisk),
        1 => (group(), 0..20_000_u64).prop_map(|(group, room)| Step::FullDisk(group, room)),
        4 => (group(), 0..12_u32).prop_map(|(group, changes)| Step::CrashingCommit(group, changes)),
        3 => Just(Step::PowerLoss),
        1 => Just(Step::Kill),
        2 => prop::collection::vec(0..14_u32, 1..4).prop_map(Step::CrashingOpens),
        1 => (commit_op(), 0..3_u32).prop_map(|(op, passes)| Step::FailingOpen(op, passes)),
        1 => Just(Step::CleanRestart),
        3 => any::<u16>().prop_map(Step::Advance),
        2 => Just(Step::Trim),
        1 => (trim_op, 0..3_u32).prop_map(|(op, passes)| Step::FailingTrim(op, passes)),
        1 => (0..6_u32).prop_map(Step::CrashingTrim),
    ];
    prop::collection::vec(step, 1..40)
}

/// Yields groups; many records have the same sizes, some fill whole pages, so that what an earlier
/// life left behind would fit in.
fn group() -> impl Strategy<Value = Group> {
    let bytes = prop_oneof![
        3 => Just(16_u16),
        2 => Just(4056),
        3 => 8..400_u16,
        2 => 400..6000_u16,
        1 => 6000..16_000_u16
    ];
    prop::collection::vec((1..3_u8, bytes), 1..5)
}

fn failures() -> impl Strategy<Value = Vec<Failure>> {
    let fault = prop_oneof![Just(Fault::Io), Just(Fault::NoSpace)];
    prop::collection::vec((commit_op(), 0..2_u32, fault), 1..4)
}

fn commit_op() -> impl Strategy<Value = Op> {
    prop_oneof![
        4 => Just(Op::SyncData),
        3 => Just(Op::Write),
        1 => Just(Op::Allocate),
        1 => Just(Op::SetLen),
        1 => Just(Op::Create),
        1 => Just(Op::SyncAll),
        1 => Just(Op::Rename),
        1 => Just(Op::SyncDir),
        1 => Just(Op::Remove),
    ]
}

/// The first difference between the journal and the model.
pub type Verdict = Result<(), String>;

/// A journal under test.
#[derive(Debug)]
pub struct Model {
    fs: SimFs,
    open: Option<Opened>,
    /// What was committed, in order.
    committed: Vec<Record>,
    /// How many of them the journal has trimmed. A trim that was not synced may be undone.
    trimmed: usize,
    /// Groups of which a prefix may be found after the next start.
    in_flight: Vec<Vec<Record>>,
    /// The lowest offset that is still needed.
    held: Offset,
    /// The highest offset that the reader has seen.
    seen: Offset,
    /// Makes payloads differ from each other.
    serial: u64,
}

#[derive(Debug)]
struct Opened {
    writer: Writer,
    journal: Journal,
    hold: Hold,
    reader: Reader,
    /// How many of the committed records the reader has read.
    read: usize,
}

impl Model {
    pub fn new(fs: SimFs) -> Self {
        Self {
            fs,
            open: None,
            committed: Vec::new(),
            trimmed: 0,
            in_flight: Vec::new(),
            held: Offset::ZERO,
            seen: Offset::ZERO,
            serial: 0,
        }
    }

    /// Takes all steps and looks at the journal after each.
    pub fn run(mut self, steps: &[Step]) -> Verdict {
        self.reopen()?;
        for (index, step) in steps.iter().enumerate() {
            self.step(step)
                .and_then(|()| self.check())
                .map_err(|problem| format!("step {index}, {step:?}: {problem}"))?;
        }
        self.close();
        self.fs = self.fs.power_loss();
        self.reopen()?;
        self.check()
    }

    fn step(&mut self, step: &Step) -> Verdict {
        match step {
            Step::Commit(group) => self.commit(group)?.map_err(show),
            Step::Roll(failing) => {
                self.plan(&failing.map(|op| (op, 0, Fault::Io)).into_iter().collect::<Vec<_>>());
                self.opened()?.writer.roll();
                self.fs.fail_all(None);
                Ok(())
            }
            Step::FailingCommit(group, failures) => {
                self.plan(failures);
                self.commit_and_recover(group)
            }
            Step::FailingCommitAndKill(group, failures) => {
                self.plan(failures);
                self.commit(group)?.ok();
                self.fs.fail_all(None);
                self.fs = self.fs.kill();
                self.reopen()
            }
            Step::DeadDisk(group) => {
                self.fs.fail_all(Some(Fault::Io));
                self.commit_and_recover(group)
            }
            Step::FullDisk(group, room) => {
                let used = self.opened()?.journal.disk_bytes();
                self.fs.set_capacity(used + room);
                let committed = self.commit_and_recover(group);
                self.fs.set_capacity(1 << 40);
                committed
            }
            Step::CrashingCommit(group, changes) => {
                self.fs.crash_after(*changes);
                self.commit_and_recover(group)
            }
            Step::PowerLoss => {
                self.fs = self.fs.power_loss();
                self.reopen()
            }
            Step::Kill => {
                self.fs = self.fs.kill();
                self.reopen()
            }
            Step::CrashingOpens(crashes) => self.crash_while_opening(crashes),
            Step::FailingOpen(op, passes) => self.fail_while_opening(*op, *passes),
            Step::CleanRestart => {
                self.close();
                self.reopen()
            }
            Step::Advance(by) => self.advance(*by),
            Step::Trim => self.opened()?.journal.trim().map(|_| ()).map_err(show),
            Step::FailingTrim(op, passes) => {
                self.fs.fail(*op, *passes, Fault::Io);
                self.opened()?.journal.trim().ok();
                self.fs.fail_all(None);
                Ok(())
            }
            Step::CrashingTrim(changes) => {
                self.fs.crash_after(*changes);
                self.opened()?.journal.trim().ok();
                self.reopen_after_crash()
            }
        }
    }

    fn plan(&self, failures: &[Failure]) {
        for (op, passes, fault) in failures {
            self.fs.fail(*op, *passes, *fault);
        }
    }

    fn opened(&mut self) -> Result<&mut Opened, String> {
        self.open.as_mut().ok_or_else(|| "the journal is not open".to_owned())
    }

    /// Commits a group and checks the answer, whichever it is.
    fn commit(&mut self, group: &Group) -> Result<Result<(), CommitError>, String> {
        let first = self.opened()?.writer.next_offset();
        let records = self.records(first, group);
        let batches: Vec<_> = records
            .iter()
            .map(|record| Batch { rows: record.rows, payload: record.payload.clone() })
            .collect();
        let opened = self.opened()?;
        let answer = opened.writer.commit(&batches);
        let is_fenced = opened.writer.is_fenced();
        match answer {
            Ok(range) => {
                let end = records.last().map_or(first, Record::end);
                ensure(range == (first..end), || format!("committed {range:?}"))?;
                self.committed.extend(records);
                self.in_flight.clear();
                Ok(Ok(()))
            }
            Err(error) => {
                if is_fenced {
                    self.in_flight.clear();
                } else {
                    self.in_flight.push(records);
                }
                Ok(Err(error))
            }
        }
    }

    /// Commits a group with faults under way, then lifts them; the next commit must work.
    fn commit_and_recover(&mut self, group: &Group) -> Verdict {
        let answer = self.commit(group)?;
        self.fs.fail_all(None);
        if !self.fs.is_alive() {
            if let (Ok(()), Some(last)) = (&answer, self.committed.last()) {
                return Err(format!("{} was acknowledged after the power had gone", last.end()));
            }
            return self.reopen_after_crash();
        }
        self.fs.set_capacity(1 << 40);
        if answer.is_err() {
            self.check()?;
            self.commit(&vec![(1, 16)])?.map_err(show)?;
        }
        Ok(())
    }

    fn reopen_after_crash(&mut self) -> Verdict {
        if self.fs.is_alive() {
            return Ok(());
        }
        self.fs = self.fs.power_loss();
        self.reopen()
    }

    fn crash_while_opening(&mut self, crashes: &[u32]) -> Verdict {
        self.fs = self.fs.power_loss();
        for changes in crashes {
            self.fs.crash_after(*changes);
            let opened = try_open(&self.fs, self.options());
            if self.fs.is_alive() {
                drop(opened);
            }
            self.fs = self.fs.power_loss();
        }
        self.reopen()
    }

    fn fail_while_opening(&mut self, op: Op, passes: u32) -> Verdict {
        self.fs = self.fs.kill();
        self.fs.fail(op, passes, Fault::Io);
        // What this process finds and does not see through is lost to a crash.
        let opened = try_open(&self.fs, self.options());
        self.fs.fail_all(None);
        drop(opened);
        self.fs = self.fs.power_loss();
        self.reopen()
    }

    fn options(&self) -> hogflare_journal::Options {
        hogflare_journal::Options { at_least: self.seen, ..small() }
    }

    fn close(&mut self) {
        if let Some(opened) = self.open.take() {
            opened.writer.close().ok();
        }
    }

    /// Opens the journal and finds out what became of the groups that were in flight.
    fn reopen(&mut self) -> Verdict {
        // The handles of the process that ended can do nothing any more.
        self.open = None;
        let (writer, journal) = try_open(&self.fs, self.options()).map_err(show)?;
        let hold = journal.hold("test", self.held);
        let found = drain(&mut journal.reader(journal.cursor(journal.first())).map_err(show)?)
            .map_err(show)?;
        self.note_trimmed(journal.first())?;
        self.accept(found)?;
        let end = self.committed.last().map_or(Offset::ZERO, Record::end);
        let next = writer.next_offset();
        ensure(next >= end && next >= self.seen, || format!("went back to offset {next}"))?;

        let start = journal.cursor(self.held.max(journal.first()));
        let reader = journal.reader(start).map_err(show)?;
        let read = self.committed.iter().take_while(|record| record.end() <= start.offset).count();
        self.open = Some(Opened { writer, journal, hold, reader, read });
        Ok(())
    }

    /// Compares what a new process finds with what was committed.
    fn accept(&mut self, found: Vec<Record>) -> Verdict {
        let expected = self.committed.get(self.trimmed..).unwrap_or_default();
        let (committed, more) = found.split_at(expected.len().min(found.len()));
        ensure(committed == expected, || difference(committed, expected))?;
        let is_in_flight = |group: &Vec<Record>| group.starts_with(more);
        ensure(more.is_empty() || self.in_flight.iter().any(is_in_flight), || {
            format!("found {} rows that were never committed: {more:?}", more.len())
        })?;
        self.committed.extend_from_slice(more);
        self.in_flight.clear();
        Ok(())
    }

    fn advance(&mut self, by: u16) -> Verdict {
        let opened = self.opened()?;
        let range = opened.journal.synced().rows_since(opened.hold.at());
        let to = opened.hold.at().advanced(u64::from(by) % (range + 1));
        opened.hold.advance(to);
        self.held = to;
        Ok(())
    }

    /// Looks at the journal as a reader does that has followed it.
    fn check(&mut self) -> Verdict {
        let first = self.opened()?.journal.first();
        self.note_trimmed(first)?;
        let opened = self.open.as_mut().ok_or("the journal is not open")?;
        let found = drain(&mut opened.reader).map_err(show)?;
        let expected = self.committed.get(opened.read..).unwrap_or_default();
        ensure(found == expected, || difference(&found, expected))?;
        opened.read += found.len();
        self.seen = self.seen.max(opened.reader.offset());
        let synced = opened.journal.synced();
        ensure(self.seen <= synced, || format!("read up to {}, synced {synced}", self.seen))
    }

    /// Finds out what was trimmed, and whether it was allowed to go.
    fn note_trimmed(&mut self, first: Offset) -> Verdict {
        self.trimmed = self.committed.partition_point(|record| record.first < first);
        match self.committed.get(..self.trimmed).and_then(|trimmed| trimmed.last()) {
            Some(last) if last.end() > self.held => {
                Err(format!("rows up to {} were trimmed, {} was held", last.end(), self.held))
            }
            _ => Ok(()),
        }
    }

    fn records(&mut self, first: Offset, group: &Group) -> Vec<Record> {
        let mut first = first;
        let mut records = Vec::new();
        for (rows, bytes) in group {
            self.serial += 1;
            let mut payload = self.serial.to_le_bytes().to_vec();
            payload.resize(usize::from(*bytes), self.serial as u8);
            let record = Record { first, rows: u32::from(*rows), payload: payload.into() };
            first = record.end();
            records.push(record);
        }
        records
    }
}

fn ensure(holds: bool, problem: impl FnOnce() -> String) -> Verdict {
    if holds { Ok(()) } else { Err(problem()) }
}

fn show(error: impl std::fmt::Display) -> String {
    error.to_string()
}

fn difference(found: &[Record], expected: &[Record]) -> String {
    let brief = |records: &[Record]| -> Vec<_> {
        records.iter().map(|record| (record.first.get(), record.payload.len())).collect()
    };
    format!("found {:?}, expected {:?}", brief(found), brief(expected))
}
