//! The contents of one file: as processes see them, and as they are on the disk.

use std::collections::{BTreeMap, BTreeSet};

use super::random::Random;

const PAGE_BYTES: usize = 4096;
/// What a disk writes as a whole.
const SECTOR_BYTES: usize = 512;

type Page = Box<[u8; PAGE_BYTES]>;
type Pages = BTreeMap<u64, Page>;

/// A file.
#[derive(Debug, Default)]
pub(super) struct Inode {
    seen: Pages,
    seen_len: u64,
    disk: Pages,
    disk_len: u64,
    /// Pages that are seen and not on the disk.
    dirty: BTreeSet<u64>,
    /// The shortest that the file was since its length was synced.
    cut: Option<u64>,
}

impl Inode {
    pub(super) fn len(&self) -> u64 {
        self.seen_len
    }

    pub(super) fn read(&self, buffer: &mut [u8], position: u64) -> usize {
        let left = usize::try_from(self.seen_len.saturating_sub(position)).unwrap_or(usize::MAX);
        let count = left.min(buffer.len());
        let mut done = 0;
        while done < count {
            let (page, at) = place(position + done as u64);
            let some = (PAGE_BYTES - at).min(count - done);
            let target = &mut buffer[done..done + some];
            match self.seen.get(&page) {
                Some(page) => target.copy_from_slice(&page[at..at + some]),
                None => target.fill(0),
            }
            done += some;
        }
        count
    }

    pub(super) fn write(&mut self, bytes: &[u8], position: u64) {
        let mut done = 0;
        while done < bytes.len() {
            let (page, at) = place(position + done as u64);
            let some = (PAGE_BYTES - at).min(bytes.len() - done);
            let seen = self.seen.entry(page).or_insert_with(blank);
            seen[at..at + some].copy_from_slice(&bytes[done..done + some]);
            self.dirty.insert(page);
            done += some;
        }
        self.seen_len = self.seen_len.max(position + bytes.len() as u64);
    }

    pub(super) fn set_len(&mut self, len: u64) {
        if len < self.seen_len {
            truncate(&mut self.seen, len);
            self.dirty.retain(|page| *page * (PAGE_BYTES as u64) < len);
            self.cut = Some(self.cut.map_or(len, |cut| cut.min(len)));
        }
        self.seen_len = len;
    }

    /// Puts everything on the disk.
    pub(super) fn sync(&mut self) {
        self.sync_len();
        for page in std::mem::take(&mut self.dirty) {
            self.write_back(page);
        }
    }

    /// Counts every page as written, though only some are.
    pub(super) fn fail_sync(&mut self, random: &mut Random) {
        for page in std::mem::take(&mut self.dirty) {
            if random.one_in(2) {
                self.write_back(page);
            }
        }
    }

    /// Puts one dirty page on the disk, as a kernel does when it likes.
    pub(super) fn write_back_some(&mut self, random: &mut Random) {
        let chosen = random.below(self.dirty.len() as u64);
        let chosen = usize::try_from(chosen).unwrap_or(0);
        if let Some(page) = self.dirty.iter().nth(chosen).copied() {
            self.write_back(page);
        }
    }

    /// Leaves what is on the disk, and of the rest whatever chance decides.
    pub(super) fn lose_power(&mut self, random: &mut Random) {
        if random.one_in(2) {
            self.sync_len();
        }
        for page in std::mem::take(&mut self.dirty) {
            match random.below(3) {
                0 => {}
                1 => self.write_back(page),
                _ => self.tear(page, random),
            }
        }
        truncate(&mut self.disk, self.disk_len);
        self.cut = None;
        self.seen = self.disk.clone();
        self.seen_len = self.disk_len;
    }

    pub(super) fn flip(&mut self, position: u64, bits: u8) {
        let (page, at) = place(position);
        for pages in [&mut self.seen, &mut self.disk] {
            pages.entry(page).or_insert_with(blank)[at] ^= bits;
        }
    }

    fn sync_len(&mut self) {
        if let Some(cut) = self.cut.take() {
            truncate(&mut self.disk, cut);
        }
        self.disk_len = self.seen_len;
    }

    fn write_back(&mut self, page: u64) {
        if let Some(seen) = self.seen.get(&page) {
            self.disk.insert(page, seen.clone());
        }
    }

    /// Puts some sectors of a page on the disk.
    fn tear(&mut self, page: u64, random: &mut Random) {
        let Some(seen) = self.seen.get(&page) else { return };
        let disk = self.disk.entry(page).or_insert_with(blank);
        for (old, new) in disk.chunks_mut(SECTOR_BYTES).zip(seen.chunks(SECTOR_BYTES)) {
            if random.one_in(2) {
                old.copy_from_slice(new);
            }
        }
    }
}

fn blank() -> Page {
    Box::new([0; PAGE_BYTES])
}

fn place(position: u64) -> (u64, usize) {
    let page_bytes = PAGE_BYTES as u64;
    (position / page_bytes, usize::try_from(position % page_bytes).unwrap_or(0))
}

/// Forgets everything behind `len`.
fn truncate(pages: &mut Pages, len: u64) {
    let (last, at) = place(len);
    pages.retain(|page, _| *page <= last);
    if let Some(page) = pages.get_mut(&last) {
        page[at..].fill(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(inode: &Inode) -> Vec<u8> {
        let mut bytes = vec![0; inode.len() as usize];
        assert_eq!(inode.read(&mut bytes, 0), bytes.len());
        bytes
    }

    #[test]
    fn synced_bytes_survive_and_others_may_not() {
        let mut outcomes = BTreeSet::new();
        for seed in 0..64 {
            let mut inode = Inode::default();
            inode.write(b"synced", 0);
            inode.sync();
            inode.write(b"UNSYNCED", 600);
            inode.lose_power(&mut Random::new(seed));
            let bytes = read(&inode);
            assert!(bytes.starts_with(b"synced"));
            outcomes.insert((bytes.len(), bytes.ends_with(b"UNSYNCED")));
        }
        assert_eq!(outcomes, [(6, false), (608, false), (608, true)].into());
    }

    #[test]
    fn after_a_failed_sync_a_second_one_saves_nothing() {
        let survived = (0..64).filter(|seed| {
            let mut random = Random::new(*seed);
            let mut inode = Inode::default();
            inode.write(b"bytes", 0);
            inode.fail_sync(&mut random);
            assert_eq!(read(&inode), b"bytes");
            inode.sync();
            inode.lose_power(&mut random);
            read(&inode) == b"bytes"
        });
        assert!((8..56).contains(&survived.count()));
    }

    #[test]
    fn a_cut_that_was_not_synced_may_be_undone() {
        let mut lengths = BTreeSet::new();
        for seed in 0..64 {
            let mut inode = Inode::default();
            inode.write(&[7; 5000], 0);
            inode.sync();
            inode.set_len(10);
            inode.set_len(20);
            inode.lose_power(&mut Random::new(seed));
            let bytes = read(&inode);
            assert!(bytes == [7; 5000] || (bytes[..10] == [7; 10] && bytes[10..] == [0; 10]));
            lengths.insert(bytes.len());
        }
        assert_eq!(lengths, [20, 5000].into());
    }
}
