//! What is kept of an authority between starts: the account's key, and the certificate with its own.
//!
//! The folder is its owner's alone, and so is each file; a file is put in place as a whole. Its name is
//! made of what it is for, so that other names, another account or another authority begin anew.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

/// See the module.
#[derive(Clone, Debug)]
pub(crate) struct Folder(PathBuf);

impl Folder {
    /// Makes the folder where it is absent.
    pub(crate) fn create(path: &Path) -> io::Result<Self> {
        match DirBuilder::new().mode(0o700).create(path) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        std::fs::set_permissions(path, PermissionsExt::from_mode(0o700))?;
        Ok(Self(path.to_owned()))
    }

    /// A folder that may not be there.
    pub(crate) fn at(path: &Path) -> Self {
        Self(path.to_owned())
    }

    /// The certificate for these names, with its key, if there is one.
    pub(crate) fn certificate(
        &self,
        names: &[String],
        directory: &str,
    ) -> io::Result<Option<Vec<u8>>> {
        self.read(&certificate(names, directory))
    }

    /// Keeps one.
    pub(crate) fn keep_certificate(
        &self,
        names: &[String],
        directory: &str,
        pem: &str,
    ) -> io::Result<()> {
        self.write(&certificate(names, directory), pem.as_bytes())
    }

    /// The account with an authority, if there is one.
    pub(crate) fn account(
        &self,
        directory: &str,
        contact: Option<&str>,
    ) -> io::Result<Option<Vec<u8>>> {
        self.read(&account(directory, contact))
    }

    /// Keeps one.
    pub(crate) fn keep_account(
        &self,
        directory: &str,
        contact: Option<&str>,
        json: &[u8],
    ) -> io::Result<()> {
        self.write(&account(directory, contact), json)
    }

    /// Has the next order make another.
    pub(crate) fn forget_account(&self, directory: &str, contact: Option<&str>) {
        // Where it stays, the next order finds so again.
        std::fs::remove_file(self.0.join(account(directory, contact))).ok();
    }

    fn read(&self, name: &str) -> io::Result<Option<Vec<u8>>> {
        match std::fs::read(self.0.join(name)) {
            Ok(content) => Ok(Some(content)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn write(&self, name: &str, content: &[u8]) -> io::Result<()> {
        let path = self.0.join(name);
        let beside = self.0.join(format!("{name}.new"));
        let mut file =
            OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
        file.write_all(content)?;
        file.sync_all()?;
        std::fs::rename(&beside, &path)?;
        File::open(&self.0)?.sync_all()
    }
}

/// The first name, for people, and a digest of all.
fn certificate(names: &[String], directory: &str) -> String {
    let first = names.first().map(String::as_str).unwrap_or_default();
    format!("{first}-{}.pem", digest(names, directory))
}

fn account(directory: &str, contact: Option<&str>) -> String {
    let contact = contact.map(str::to_owned);
    format!("account-{}.json", digest(contact.as_slice(), directory))
}

fn digest(parts: &[String], directory: &str) -> String {
    let mut digest = Sha256::new();
    for part in parts.iter().map(String::as_str).chain([directory]) {
        digest.update(part);
        digest.update([0]);
    }
    digest.finalize().iter().take(6).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_else_may_look_into_the_folder_or_a_file() {
        let data = tempfile::tempdir().unwrap();
        let path = data.path().join("tls");
        let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
        let folder = Folder::create(&path).unwrap();
        folder.write("a.key", b"1").unwrap();
        folder.write("a.key", b"2").unwrap();
        assert_eq!((mode(&path), mode(&path.join("a.key"))), (0o700, 0o600));
        assert_eq!(folder.read("a.key").unwrap().unwrap(), b"2");
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).unwrap();
        Folder::create(&path).unwrap();
        assert_eq!(mode(&path), 0o700);
    }

    #[test]
    fn other_names_and_other_authorities_are_other_files() {
        let names =
            |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let one = certificate(&names(&["a.example"]), "https://one/");
        assert!(one.starts_with("a.example-") && one.ends_with(".pem"), "{one}");
        assert_ne!(one, certificate(&names(&["a.example"]), "https://two/"));
        assert_ne!(one, certificate(&names(&["a.example", "b.example"]), "https://one/"));
    }
}
