//! The data folder: what lies where in it, who owns it, and its read key.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use rustix::fs::{FlockOperation, flock};

/// The file that marks a folder into which a backup is being put.
pub(crate) const RESTORING: &str = "restoring";

/// A data folder that exists.
#[derive(Clone, Debug)]
pub(crate) struct DataDir {
    path: PathBuf,
}

/// Held by the one process that may change the folder, or shared by those that read it; released when
/// dropped or when the process dies.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: Option<File>,
}

impl DataDir {
    /// The folder, made where it is absent; only its owner may look into it.
    pub(crate) fn create(path: &Path) -> anyhow::Result<Self> {
        if !path.is_dir() {
            std::fs::create_dir_all(path)
                .and_then(|()| std::fs::set_permissions(path, PermissionsExt::from_mode(0o700)))
                .with_context(|| format!("cannot make the data folder {}", path.display()))?;
        }
        Self::existing(path)
    }

    /// The folder, which a reader never makes.
    pub(crate) fn existing(path: &Path) -> anyhow::Result<Self> {
        let path = path.canonicalize().with_context(|| {
            format!("no data folder at {} (see HOGFLARE_DATA_DIR or --data-dir)", path.display())
        })?;
        if path.join(RESTORING).try_exists()? {
            bail!(
                "a restore into {} was cut short; remove what is in it, and restore again",
                path.display()
            );
        }
        Ok(Self { path })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn journal(&self) -> PathBuf {
        self.path.join("journal")
    }

    pub(crate) fn recordings_journal(&self) -> PathBuf {
        self.path.join("recordings-journal")
    }

    pub(crate) fn tee_journal(&self) -> PathBuf {
        self.path.join("tee-journal")
    }

    pub(crate) fn recordings(&self) -> PathBuf {
        self.path.join("recordings")
    }

    pub(crate) fn dedup(&self) -> PathBuf {
        self.path.join("dedup")
    }

    pub(crate) fn lake(&self) -> PathBuf {
        self.path.join("lake")
    }

    pub(crate) fn cursors(&self) -> PathBuf {
        self.path.join("cursors")
    }

    pub(crate) fn dead_letters(&self) -> PathBuf {
        self.path.join("dead-letters")
    }

    pub(crate) fn resends(&self) -> PathBuf {
        self.path.join("resend")
    }

    pub(crate) fn cookieless_salts(&self) -> PathBuf {
        self.path.join("cookieless-salts.json")
    }

    pub(crate) fn persons(&self) -> PathBuf {
        self.path.join("state.db")
    }

    pub(crate) fn settings(&self) -> PathBuf {
        self.path.join("settings.db")
    }

    pub(crate) fn quotas(&self) -> PathBuf {
        self.path.join("quotas.json")
    }

    pub(crate) fn erasures(&self) -> PathBuf {
        self.path.join("erasures")
    }

    pub(crate) fn tls(&self) -> PathBuf {
        self.path.join("tls")
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.path.join("hogflare.sock")
    }

    /// Takes the folder, or `None` where another process has it.
    pub(crate) fn try_lock(&self) -> anyhow::Result<Option<Lock>> {
        let path = self.path.join("lock");
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .with_context(|| format!("cannot open {}", path.display()))?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Some(Lock { _file: Some(file) })),
            Err(rustix::io::Errno::WOULDBLOCK) => Ok(None),
            Err(error) => Err(error).with_context(|| format!("cannot lock {}", path.display())),
        }
    }

    /// Keeps servers out of the folder while it is read, or `None` where one serves it.
    pub(crate) fn try_share(&self) -> anyhow::Result<Option<Lock>> {
        let path = self.path.join("lock");
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(Some(Lock { _file: None }));
            }
            Err(error) => {
                return Err(error).with_context(|| format!("cannot open {}", path.display()));
            }
        };
        match flock(&file, FlockOperation::NonBlockingLockShared) {
            Ok(()) => Ok(Some(Lock { _file: Some(file) })),
            Err(rustix::io::Errno::WOULDBLOCK) => Ok(None),
            Err(error) => Err(error).with_context(|| format!("cannot lock {}", path.display())),
        }
    }

    /// Takes the folder, or says who has it.
    pub(crate) fn lock(&self) -> anyhow::Result<Lock> {
        match self.try_lock()? {
            Some(lock) => Ok(lock),
            None => bail!("another hogflare uses {}", self.path.display()),
        }
    }

    /// The read key that was made at the first start.
    pub(crate) fn read_key(&self) -> anyhow::Result<String> {
        self.key("read-key")
    }

    /// The read key, made now where there is none.
    pub(crate) fn read_key_or_new(&self) -> anyhow::Result<String> {
        self.key_or_new("read-key", "hfr")
    }

    /// The administrator's key that was made at the first start.
    pub(crate) fn admin_key(&self) -> anyhow::Result<String> {
        self.key("admin-key")
    }

    /// The administrator's key, made now where there is none.
    pub(crate) fn admin_key_or_new(&self) -> anyhow::Result<String> {
        self.key_or_new("admin-key", "hfa")
    }

    fn key(&self, name: &str) -> anyhow::Result<String> {
        let path = self.path.join(name);
        let key = std::fs::read_to_string(&path).with_context(|| {
            format!(
                "no {} at {}; `hogflare serve` makes one",
                name.replace('-', " "),
                path.display()
            )
        })?;
        Ok(key.trim().to_owned())
    }

    fn key_or_new(&self, name: &str, prefix: &str) -> anyhow::Result<String> {
        let path = self.path.join(name);
        if path.try_exists().with_context(|| format!("cannot read {}", path.display()))? {
            return match self.key(name)?.as_str() {
                "" => bail!("{} is empty; remove it to get a new key", path.display()),
                key => Ok(key.to_owned()),
            };
        }
        let key = new_key(prefix)?;
        // All of it or nothing: a start that is cut short must not leave a key that is none.
        write_private(&path, format!("{key}\n").as_bytes())
            .with_context(|| format!("cannot make {}", path.display()))?;
        Ok(key)
    }
}

/// 256 random bits.
pub(crate) fn random_bytes() -> std::io::Result<[u8; 32]> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(std::io::Error::other)?;
    Ok(bytes)
}

/// Puts a file in place of an older one, durable and for its owner only.
pub(crate) fn write_private(path: &Path, content: &[u8]) -> std::io::Result<()> {
    let beside = path.with_extension("new");
    let mut file =
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
    file.write_all(content)?;
    file.sync_all()?;
    std::fs::rename(&beside, path)?;
    File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()
}

/// A key of 256 random bits.
fn new_key(prefix: &str) -> anyhow::Result<String> {
    let digits = random_bytes()?;
    let digits = digits.iter().map(|byte| format!("{byte:02x}"));
    Ok(format!("{prefix}_{}", digits.collect::<String>()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_read_key_is_made_once_and_kept_secret() {
        let folder = tempfile::tempdir().unwrap();
        let data_dir = DataDir::create(&folder.path().join("data")).unwrap();
        let key = data_dir.read_key_or_new().unwrap();
        assert_eq!(data_dir.read_key_or_new().unwrap(), key);
        assert_eq!(data_dir.read_key().unwrap(), key);
        let mode = data_dir.path().join("read-key").metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn one_process_has_the_folder_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let data_dir = DataDir::create(folder.path()).unwrap();
        let lock = data_dir.lock().unwrap();
        assert!(data_dir.lock().unwrap_err().to_string().contains("another hogflare"));
        assert!(data_dir.try_share().unwrap().is_none());
        drop(lock);
        assert!(data_dir.lock().is_ok());
    }

    #[test]
    fn readers_share_the_folder_and_keep_servers_out() {
        let folder = tempfile::tempdir().unwrap();
        let data_dir = DataDir::create(folder.path()).unwrap();
        drop(data_dir.lock().unwrap());
        let readers = [data_dir.try_share().unwrap(), data_dir.try_share().unwrap()];
        assert!(readers.iter().all(Option::is_some));
        assert!(data_dir.try_lock().unwrap().is_none());
    }

    #[test]
    fn a_reader_never_makes_a_folder() {
        let folder = tempfile::tempdir().unwrap();
        let absent = folder.path().join("absent");
        assert!(DataDir::existing(&absent).is_err());
        assert!(!absent.exists());
    }
}
