//! A journal's folder in the making: what was honestly written, and what became of it.

use std::io::IoSlice;
use std::ops::Range;
use std::path::Path;

use journal::sim::SimFs;
use journal::{Fs, Record};

use super::format::{ALIGNMENT, RECORD_HEADER_BYTES, RECORDS_START, RecordHeader, SegmentHeader};
use super::script::{Operation, Script};

/// Fills a record of one page.
const PAGE_PAYLOAD_BYTES: usize = 4096 - RECORD_HEADER_BYTES;
const MOST_SEGMENTS: usize = 6;

/// A segment's file.
#[derive(Debug)]
struct Segment {
    header: SegmentHeader,
    bytes: Vec<u8>,
    records: Vec<Written>,
}

/// A record that was honestly written.
#[derive(Clone, Debug)]
struct Written {
    record: Record,
    place: Range<usize>,
    synced: u64,
}

/// Something that happens to a file after all was written.
#[derive(Debug)]
enum Damage {
    Flip { position: usize, bits: u8 },
    Overwrite { position: usize, bytes: Vec<u8> },
    Cut { length: usize },
    Remove,
    Forge { position: usize, header: RecordHeader, payload: Vec<u8> },
    ForgeHeader { header: SegmentHeader },
}

/// Writes a journal, and keeps the damage for later.
#[derive(Debug, Default)]
pub(super) struct Folder {
    segments: Vec<Segment>,
    damages: Vec<(usize, Damage)>,
    strangers: Vec<String>,
    /// The offset of the next row.
    next: u64,
    /// The offset after the last row written; less than `next` behind a gap.
    records_end: u64,
    is_closed: bool,
}

impl Folder {
    pub(super) fn apply(&mut self, operation: Operation, script: &mut Script<'_>) {
        match operation {
            Operation::Group => self.group(script),
            Operation::Segment => self.segment(script.byte()),
            Operation::Close => self.close(),
            Operation::Room => self.room(usize::from(script.byte()) * 64),
            Operation::Stranger => self.stranger(script.byte()),
            _ if self.segments.is_empty() => {}
            _ => {
                let index = usize::from(script.byte()) % self.segments.len();
                let damage = self.damage(operation, index, script);
                self.damages.push((index, damage));
            }
        }
    }

    fn group(&mut self, script: &mut Script<'_>) {
        if self.segments.is_empty() || self.is_closed {
            self.segment(0);
        }
        if self.is_closed {
            return;
        }
        let synced = self.next;
        let shape = script.byte();
        for number in 0..shape % 3 + 1 {
            let bytes = match script.byte() {
                255 => PAGE_PAYLOAD_BYTES,
                bytes => usize::from(bytes),
            };
            let rows = u32::from(shape >> 4) % 4 + 1;
            let payload = vec![self.next as u8 ^ number | 1; bytes];
            self.append(synced, rows, payload);
        }
    }

    /// Appends one record, as the writer does; one without rows is the closing one.
    fn append(&mut self, synced: u64, rows: u32, payload: Vec<u8>) {
        let Some(segment) = self.segments.last_mut() else { return };
        let header =
            RecordHeader { first: self.next, synced, rows, payload_bytes: payload.len() as u32 };
        let end = segment.records.last().map_or(RECORDS_START, |written| written.place.end);
        let bytes = header.encode(segment.header.seed(), end, &payload);
        let place = end..end + bytes.len();
        segment.bytes.truncate(end);
        segment.bytes.extend(bytes);
        let first = journal::Offset::new(self.next);
        let record = Record { first, rows, payload: payload.into() };
        segment.records.push(Written { record, place, synced });
        self.next += u64::from(rows);
        self.records_end = self.next;
    }

    fn segment(&mut self, gap: u8) {
        if self.segments.len() >= MOST_SEGMENTS {
            return;
        }
        let is_name_taken = self.segments.last().is_some_and(|last| last.header.first == self.next);
        self.next += u64::from(gap % 8).max(u64::from(is_name_taken));
        let header = SegmentHeader {
            version: 1,
            journal_id: 7,
            first: self.next,
            previous_end: self.records_end.min(self.next),
            salt: 0x5eed + self.segments.len() as u64,
        };
        let mut bytes = header.encode().to_vec();
        bytes.resize(RECORDS_START, 0);
        self.segments.push(Segment { header, bytes, records: Vec::new() });
        self.is_closed = false;
    }

    fn close(&mut self) {
        let has_records = self.segments.last().is_some_and(|last| !last.records.is_empty());
        if has_records && !self.is_closed {
            self.append(self.next, 0, Vec::new());
            self.is_closed = true;
        }
    }

    fn room(&mut self, bytes: usize) {
        if let Some(last) = self.segments.last_mut().filter(|_| !self.is_closed) {
            last.bytes.resize(last.bytes.len() + bytes, 0);
        }
    }

    fn stranger(&mut self, choice: u8) {
        let number = u64::from(choice / 4);
        self.strangers.push(match choice % 4 {
            0 => format!("{number:020}.segment.tmp"),
            1 => format!("{number:019}.segment"),
            2 => "lost+found".to_owned(),
            _ => format!("{number:020}.segment.bak"),
        });
    }

    fn damage(&self, operation: Operation, index: usize, script: &mut Script<'_>) -> Damage {
        let Some(Segment { header, bytes, records }) = self.segments.get(index) else {
            return Damage::Remove;
        };
        // Mostly at or just behind the beginning of a record, where it matters.
        let near_record = |script: &mut Script<'_>| {
            let start =
                records.get(usize::from(script.byte())).map_or(0, |found| found.place.start);
            start + usize::from(script.byte())
        };
        match operation {
            Operation::Flip => Damage::Flip { position: near_record(script), bits: script.byte() },
            Operation::Zero => {
                let position = near_record(script);
                let bytes = vec![0; usize::from(script.u16() % 8192)];
                Damage::Overwrite { position, bytes }
            }
            Operation::Overwrite => {
                let position = near_record(script);
                let count = script.byte();
                Damage::Overwrite { position, bytes: script.bytes(usize::from(count)).to_vec() }
            }
            Operation::Cut => Damage::Cut { length: near_record(script).min(bytes.len()) },
            Operation::ForgeRecord => {
                let position = near_record(script).max(RECORDS_START) / ALIGNMENT * ALIGNMENT;
                let payload = vec![0xf0; usize::from(script.byte())];
                let header = RecordHeader {
                    first: script.near(self.next),
                    synced: script.near(self.next),
                    rows: match script.byte() {
                        255 => script.u32(),
                        rows => u32::from(rows) % 5,
                    },
                    payload_bytes: match script.byte() {
                        255 => script.u32(),
                        _ => payload.len() as u32,
                    },
                };
                Damage::Forge { position, header, payload }
            }
            Operation::ForgeHeader => Damage::ForgeHeader {
                header: SegmentHeader {
                    version: u32::from(script.byte() % 3),
                    journal_id: 7 + script.byte() / 200,
                    first: script.near(header.first.wrapping_add(100)),
                    previous_end: script.near(header.previous_end),
                    salt: header.salt,
                },
            },
            _ => Damage::Remove,
        }
    }

    /// Lets the damage happen.
    pub(super) fn finish(self) -> Finished {
        let files = self.segments.iter().map(|segment| Some(segment.bytes.clone())).collect();
        let mut finished = Finished {
            segments: self.segments,
            files,
            strangers: self.strangers,
            is_forged: false,
        };
        for (index, damage) in self.damages {
            finished.apply(index, damage);
        }
        finished
    }
}

/// A folder as the journal finds it, beside what was honestly written.
#[derive(Debug)]
pub(super) struct Finished {
    segments: Vec<Segment>,
    /// What became of each segment's file.
    files: Vec<Option<Vec<u8>>>,
    strangers: Vec<String>,
    is_forged: bool,
}

impl Finished {
    fn apply(&mut self, index: usize, damage: Damage) {
        let (Some(segment), Some(file)) = (self.segments.get(index), self.files.get_mut(index))
        else {
            return;
        };
        let Some(bytes) = file else { return };
        match damage {
            Damage::Flip { position, bits } => {
                if let Some(byte) = bytes.get_mut(position) {
                    *byte ^= bits;
                }
            }
            Damage::Overwrite { position, bytes: new } => overwrite(bytes, position, &new),
            Damage::Cut { length } => bytes.truncate(length),
            Damage::Remove => *file = None,
            Damage::Forge { position, header, payload } => {
                self.is_forged = true;
                overwrite(
                    bytes,
                    position,
                    &header.encode(segment.header.seed(), position, &payload),
                );
            }
            Damage::ForgeHeader { header } => {
                self.is_forged = true;
                overwrite(bytes, 0, &header.encode());
            }
        }
    }

    /// Whether anything is not as it was written.
    pub(super) fn is_changed(&self) -> bool {
        let mut files = self.segments.iter().zip(&self.files);
        files.any(|(segment, file)| file.as_ref() != Some(&segment.bytes))
    }

    /// Whether a checksum is right that no writer made.
    pub(super) fn is_forged(&self) -> bool {
        self.is_forged
    }

    /// Puts the files on a disk, synced.
    pub(super) fn store(&self, fs: &SimFs, dir: &Path) {
        fs.create_dir_all(dir).expect("an empty disk");
        for (segment, file) in self.segments.iter().zip(&self.files) {
            if let Some(bytes) = file {
                store(fs, &dir.join(segment.header.file_name()), bytes);
            }
        }
        for name in &self.strangers {
            // One of that name may be there already.
            if fs.open_read(&dir.join(name)).is_err() {
                store(fs, &dir.join(name), b"not a segment");
            }
        }
        fs.sync_dir(Path::new("/")).expect("a disk that works");
        fs.sync_dir(dir).expect("a disk that works");
    }

    /// Compares what was found with what was written.
    pub(super) fn check(&self, found: &[Record]) {
        let written: Vec<(usize, &Written)> = self.written().collect();
        let front = match found.first() {
            Some(first) => written.iter().position(|(_, known)| known.record.first == first.first),
            None => Some(0),
        };
        let front = front.expect("the first record was never written");
        let back = front + found.len();
        let expected = written.get(front..back).expect("more was found than was written");
        for ((_, known), record) in expected.iter().zip(found) {
            assert_eq!(&known.record, record, "a record that was never written");
        }
        // Files that are gone from the front look like a trim.
        let oldest = self.files.iter().position(Option::is_some).unwrap_or(self.files.len());
        assert!(written.iter().take(front).all(|(index, _)| *index < oldest), "lost at the front");
        let missing = written.get(back..).unwrap_or_default();
        let is_whole = missing.iter().all(|(index, known)| self.is_behind_damage(*index, known));
        assert!(
            is_whole || found.is_empty() && self.is_all_older_gone(oldest),
            "lost in the middle"
        );
        let end = expected.last().map_or(0, |(_, known)| known.record.end().get());
        self.refused_if_proven_lost(oldest, end, missing);
    }

    /// Whether the files that are left hold no record, so that nothing was to be found.
    fn is_all_older_gone(&self, oldest: usize) -> bool {
        self.written().all(|(index, _)| index < oldest)
    }

    /// Every record with rows, with the number of its segment.
    fn written(&self) -> impl Iterator<Item = (usize, &Written)> {
        self.segments.iter().enumerate().flat_map(|(index, segment)| {
            let records = segment.records.iter().filter(|known| known.record.rows > 0);
            records.map(move |known| (index, known))
        })
    }

    /// Whether something at or in front of a record is not as it was written.
    fn is_behind_damage(&self, index: usize, known: &Written) -> bool {
        let earlier = self.segments.iter().zip(&self.files).take(index);
        let mut earlier = earlier.map(|(segment, file)| file.as_ref() == Some(&segment.bytes));
        earlier.any(|is_same| !is_same) || !self.is_same(index, 0..known.place.end)
    }

    fn is_same(&self, index: usize, range: Range<usize>) -> bool {
        let now = self.files.get(index).and_then(Option::as_ref);
        let then = self.segments.get(index).and_then(|segment| segment.bytes.get(range.clone()));
        then.is_some() && now.and_then(|bytes| bytes.get(range)) == then
    }

    /// What is missing must not be known to any undamaged header.
    fn refused_if_proven_lost(&self, oldest: usize, end: u64, missing: &[(usize, &Written)]) {
        let Some((_, first_missing)) = missing.iter().find(|(index, _)| *index >= oldest) else {
            return;
        };
        assert!(first_missing.record.first.get() >= end);
        for (index, segment) in self.segments.iter().enumerate().skip(oldest) {
            if !self.is_same(index, 0..64) {
                continue;
            }
            let lost = first_missing.record.end().get();
            assert!(segment.header.previous_end < lost, "segment {index} knew of offset {lost}");
            for known in &segment.records {
                let header = known.place.start..known.place.start + RECORD_HEADER_BYTES;
                let knows = known.synced >= lost && self.is_same(index, header);
                assert!(!knows, "a record knew that offset {lost} was synced");
            }
        }
    }
}

fn store(fs: &SimFs, path: &Path, bytes: &[u8]) {
    let file = fs.create_new(path).expect("a name of its own");
    file.write_at(&[IoSlice::new(bytes)], 0).expect("a disk that works");
    file.sync_all().expect("a disk that works");
}

/// Writes over what is there; a file does not grow by it.
fn overwrite(bytes: &mut [u8], position: usize, new: &[u8]) {
    for (old, new) in bytes.iter_mut().skip(position).zip(new) {
        *old = *new;
    }
}
