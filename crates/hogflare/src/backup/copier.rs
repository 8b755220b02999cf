//! Copies files with their checksums, and links those that a backup has already.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use anyhow::Context;
use journal::{Fs, RealFs};
use sha2::{Digest, Sha256};

use super::manifest;
use super::{Backup, DATA};

const CHUNK_BYTES: usize = 1 << 20;
/// A smaller file is copied anew each time: it may have been replaced by one of the same size between two
/// ticks of the disk's clock.
const LINKED_FROM_BYTES: u64 = 4 << 10;

/// Copies into a backup that is being made.
#[derive(Debug)]
pub(super) struct Copier {
    /// The data folder.
    from: PathBuf,
    /// `data/` of the backup.
    to: PathBuf,
    previous: Option<Backup>,
    pub(super) files: BTreeMap<String, manifest::File>,
    /// Those that the backup before has, too.
    linked: BTreeSet<String>,
    progress: Progress,
    /// Where the disk is the data folder's own: what must stay free there.
    reserve_bytes: Option<u64>,
}

/// Files and their bytes.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Amount {
    pub(crate) files: u64,
    pub(crate) bytes: u64,
}

impl Copier {
    /// Copies from a data folder into a backup; a backup on the same disk leaves the reserve to requests.
    pub(super) fn new(
        from: &Path,
        backup: &Path,
        previous: Option<Backup>,
        reserve_bytes: u64,
    ) -> anyhow::Result<Self> {
        let to = backup.join(DATA);
        create_dir(&to)?;
        let device = |path: &Path| fs::metadata(path).map(|metadata| metadata.dev());
        let is_same_disk = device(from)? == device(&to)?;
        Ok(Self {
            from: from.to_path_buf(),
            to,
            previous,
            files: BTreeMap::new(),
            linked: BTreeSet::new(),
            progress: Progress::default(),
            reserve_bytes: is_same_disk.then_some(reserve_bytes),
        })
    }

    pub(super) fn from(&self) -> &Path {
        &self.from
    }

    /// What was copied, not linked.
    pub(super) fn copied(&self) -> Amount {
        let copied = self.files.iter().filter(|(name, _)| !self.linked.contains(*name));
        copied.fold(Amount::default(), |all, (_, file)| Amount {
            files: all.files + 1,
            bytes: all.bytes + file.bytes,
        })
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.files.contains_key(name)
    }

    /// Copies a file as it is, unless that was done; `false` where there is none.
    pub(super) fn copy(&mut self, name: &str) -> anyhow::Result<bool> {
        match self.has(name) {
            true => Ok(true),
            false => self.copy_up_to(name, None),
        }
    }

    /// Copies the first bytes of a file; `false` where there is none.
    pub(super) fn copy_up_to(&mut self, name: &str, most: Option<u64>) -> anyhow::Result<bool> {
        let path = self.from.join(name);
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(error).with_context(|| cannot("open", &path)),
        };
        let metadata = file.metadata().with_context(|| cannot("read", &path))?;
        let bytes = most.unwrap_or(metadata.len());
        let modified = metadata.mtime() * 1_000_000_000 + metadata.mtime_nsec();
        if self.link(name, bytes, modified)? {
            return Ok(true);
        }
        self.ensure_room(bytes)?;
        let target = self.target(name)?;
        let mut source = file.take(bytes);
        let copied = copy_synced(&mut source, &target, &mut self.progress)
            .with_context(|| format!("cannot copy {} to {}", path.display(), target.display()))?;
        anyhow::ensure!(
            most.is_none_or(|most| copied.bytes == most),
            "{} is too short",
            path.display()
        );
        let Copied { bytes, sha256 } = copied;
        self.files
            .insert(name.to_owned(), manifest::File { bytes, sha256, modified: Some(modified) });
        Ok(true)
    }

    /// Copies files that are all in a folder or below, as far as `is_wanted`; those that vanish meanwhile are
    /// left out. Returns their names.
    pub(super) fn copy_folder(
        &mut self,
        folder: &str,
        is_wanted: fn(&str) -> bool,
    ) -> anyhow::Result<Vec<String>> {
        let mut copied = Vec::new();
        for name in names_below(&self.from, folder)? {
            if is_wanted(&name) && self.copy(&name)? {
                copied.push(name);
            }
        }
        Ok(copied)
    }

    /// Makes sure that there is room for so many bytes more.
    pub(super) fn ensure_room(&self, bytes: u64) -> anyhow::Result<()> {
        let Some(reserve) = self.reserve_bytes else { return Ok(()) };
        let free = RealFs.space(&self.to).with_context(|| cannot("examine", &self.to))?.free_bytes;
        anyhow::ensure!(
            free.saturating_sub(bytes) >= reserve,
            "the disk is too full for a backup beside the data: it would leave less than {} free, below \
             which requests are refused (HOGFLARE_JOURNAL_RESERVE); back up to another disk",
            megabytes(reserve)
        );
        Ok(())
    }

    /// Takes in a file that was made in the backup itself.
    pub(super) fn take_in(&mut self, name: &str) -> anyhow::Result<()> {
        let path = self.to.join(name);
        let Copied { bytes, sha256 } = digest(&path, &mut self.progress)?;
        File::open(&path)?.sync_all().with_context(|| cannot("sync", &path))?;
        self.files.insert(name.to_owned(), manifest::File { bytes, sha256, modified: None });
        Ok(())
    }

    /// Leaves out what turned out not to belong to the backup.
    pub(super) fn leave_out(&mut self, name: &str) -> anyhow::Result<()> {
        self.files.remove(name);
        self.linked.remove(name);
        let path = self.to.join(name);
        fs::remove_file(&path).with_context(|| cannot("remove", &path))
    }

    /// Where a file of the backup goes, in a folder that is made.
    pub(super) fn target(&self, name: &str) -> anyhow::Result<PathBuf> {
        let path = self.to.join(name);
        create_dir(path.parent().unwrap_or(&self.to))?;
        Ok(path)
    }

    /// Links a file that the backup before has as it is.
    fn link(&mut self, name: &str, bytes: u64, modified: i64) -> anyhow::Result<bool> {
        let Some(previous) = &self.previous else { return Ok(false) };
        let Some(known) = previous.manifest.files.get(name) else { return Ok(false) };
        let is_same = known.bytes == bytes && known.modified == Some(modified);
        if !is_same || bytes < LINKED_FROM_BYTES {
            return Ok(false);
        }
        let (known, source) = (known.clone(), previous.path.join(DATA).join(name));
        // One that was cut short since is not taken for whole.
        if fs::metadata(&source).is_ok_and(|source| source.len() == bytes)
            && fs::hard_link(&source, self.target(name)?).is_ok()
        {
            self.files.insert(name.to_owned(), known);
            self.linked.insert(name.to_owned());
            return Ok(true);
        }
        Ok(false)
    }
}

/// What was read.
#[derive(Debug)]
pub(super) struct Copied {
    pub(super) bytes: u64,
    pub(super) sha256: String,
}

/// Tells people at a terminal how far it is.
#[derive(Debug, Default)]
pub(super) struct Progress {
    bytes: u64,
    told_at: Option<std::time::Instant>,
}

impl Progress {
    fn add(&mut self, bytes: usize) {
        use std::io::IsTerminal;
        self.bytes += bytes as u64;
        let is_due = self.told_at.is_none_or(|at| at.elapsed().as_millis() > 500);
        if is_due && io::stderr().is_terminal() {
            self.told_at = Some(std::time::Instant::now());
            eprint!("\r{} … ", megabytes(self.bytes));
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.told_at.is_some() {
            eprint!("\r\x1b[K");
        }
    }
}

/// Bytes as people read them.
pub(crate) fn megabytes(bytes: u64) -> String {
    format!("{}.{} MB", bytes / 1_000_000, bytes / 100_000 % 10)
}

/// Writes what is read to a new file that only its owner reads, and syncs it.
pub(super) fn copy_synced(
    source: &mut impl Read,
    target: &Path,
    progress: &mut Progress,
) -> io::Result<Copied> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(target)?;
    let copied = pump(source, progress, |bytes| file.write_all(bytes))?;
    file.sync_all()?;
    Ok(copied)
}

/// The checksum of a file.
pub(super) fn digest(path: &Path, progress: &mut Progress) -> anyhow::Result<Copied> {
    let mut read = || pump(&mut File::open(path)?, progress, |_| Ok(()));
    read().with_context(|| cannot("read", path))
}

fn pump(
    source: &mut impl Read,
    progress: &mut Progress,
    mut take: impl FnMut(&[u8]) -> io::Result<()>,
) -> io::Result<Copied> {
    let (mut hash, mut bytes, mut chunk) = (Sha256::new(), 0, vec![0; CHUNK_BYTES]);
    loop {
        let read = match source.read(&mut chunk) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        let part = chunk.get(..read).unwrap_or_default();
        hash.update(part);
        take(part)?;
        bytes += read as u64;
        progress.add(read);
    }
    Ok(Copied { bytes, sha256: hex::encode(hash.finalize()) })
}

/// Writes a new small file for its owner, and syncs it.
pub(super) fn write_synced(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let mut options = OpenOptions::new();
    let mut write = || {
        let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(path)?;
        file.write_all(bytes)?;
        file.sync_all()
    };
    write().with_context(|| cannot("write", path))
}

/// Makes a folder for its owner, with those above it.
pub(super) fn create_dir(path: &Path) -> anyhow::Result<()> {
    let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.with_context(|| cannot("make", path))
}

/// Syncs a folder, and all below it: the names in them are durable then.
pub(super) fn sync_folders(folder: &Path) -> anyhow::Result<()> {
    let sync = |path: &Path| File::open(path).and_then(|folder| folder.sync_all());
    for entry in fs::read_dir(folder).with_context(|| cannot("read", folder))? {
        let path = entry?.path();
        if path.is_dir() {
            sync_folders(&path)?;
        }
    }
    sync(folder).with_context(|| cannot("sync", folder))
}

/// The files below a folder of the data folder, by their paths in the data folder.
pub(super) fn names_below(data_dir: &Path, folder: &str) -> anyhow::Result<BTreeSet<String>> {
    let mut names = BTreeSet::new();
    let mut folders = vec![data_dir.join(folder)];
    while let Some(path) = folders.pop() {
        let entries = match fs::read_dir(&path) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            Err(error) => return Err(error).with_context(|| cannot("read", &path)),
        };
        for entry in entries {
            let entry = entry.with_context(|| cannot("read", &path))?;
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if let Some(name) = path.strip_prefix(data_dir).ok().and_then(Path::to_str) {
                names.insert(name.to_owned());
            }
        }
    }
    Ok(names)
}

pub(super) fn cannot(what: &str, path: &Path) -> String {
    format!("cannot {what} {}", path.display())
}
