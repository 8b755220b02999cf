//! A store in a temporary folder.

use hogflare_state::{Role, Store, User};
use tempfile::TempDir;

use crate::people::{owner_of, user_of};

/// A store that goes with its folder.
pub(crate) struct TestStore {
    pub(crate) store: Store,
    folder: TempDir,
}

impl TestStore {
    /// An empty store.
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("settings.db")).unwrap();
        Self { store, folder }
    }

    /// A store with an owner.
    pub(crate) fn with_owner() -> (Self, User) {
        let test = Self::new();
        let owner = owner_of(&test.store);
        (test, owner)
    }

    /// Somebody who has a password.
    pub(crate) fn user(&self, address: &str, role: Role) -> User {
        user_of(&self.store, address, role)
    }

    /// The store as another process finds it.
    pub(crate) fn reopened(&self) -> Store {
        Store::open(&self.folder.path().join("settings.db")).unwrap()
    }

    /// All bytes that are stored.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let files = std::fs::read_dir(self.folder.path()).unwrap();
        files.flat_map(|file| std::fs::read(file.unwrap().path()).unwrap()).collect()
    }
}
