//! A store in a database of its own.

use std::sync::Arc;

use hogflare_state::{Role, Store, User};

use crate::people::{owner_of, user_of};
use crate::server::{Server, shared};

/// A store, and its database.
pub(crate) struct TestStore {
    pub(crate) store: Store,
    database: String,
    server: Arc<Server>,
}

impl TestStore {
    /// An empty store.
    pub(crate) fn new() -> Self {
        let server = shared();
        let database = server.database();
        let store = Store::open_shared(server.connect(&database)).unwrap();
        Self { store, database, server }
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

    /// The store as another node finds it.
    pub(crate) fn reopened(&self) -> Store {
        Store::open_shared(self.server.connect(&self.database)).unwrap()
    }

    /// All that is stored, with binary values as text of digits.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.server.dump(&self.database)
    }

    /// Ends every connection to the database.
    pub(crate) fn cut(&self) {
        let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = ";
        self.server.run("postgres", &format!("{end}'{}'", self.database)).unwrap();
    }
}
