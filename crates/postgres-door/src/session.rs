//! What is known of one connection.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use pgwire::api::{ConnectionGuard, ConnectionHandle, ConnectionManager};
use pgwire::error::{PgWireError, PgWireResult};
use query::Engine;
use tokio::sync::OnceCell;

use crate::catalog::Catalog;
use crate::error::{of_engine, of_keeper};
use crate::names::Names;
use crate::settings::Settings;
use crate::startup::Generator;
use crate::{Keeper, Shown};

/// What all connections share.
pub(crate) struct Shared {
    pub(crate) keeper: Arc<dyn Keeper>,
    /// Who can be told to give up.
    pub(crate) connections: Arc<ConnectionManager>,
    /// Whether keys may only be shown encrypted.
    pub(crate) needs_tls: bool,
    pub(crate) generator: Generator,
}

impl Shared {
    pub(crate) fn new(
        keeper: Arc<dyn Keeper>,
        connections: Arc<ConnectionManager>,
        needs_tls: bool,
    ) -> Self {
        Self { keeper, connections, needs_tls, generator: Generator::default() }
    }
}

/// A connection; the handlers of its messages are in other files.
#[derive(Clone)]
pub(crate) struct Session(Arc<Known>);

/// See the module.
pub(crate) struct Known {
    pub(crate) shared: Arc<Shared>,
    pub(crate) from: IpAddr,
    shown: OnceLock<Shown>,
    user: OnceLock<String>,
    settings: Mutex<Settings>,
    /// Prepared statements, of which there is an end.
    statements: Mutex<Names>,
    /// Likewise of portals.
    portals: Mutex<Names>,
    catalog: OnceCell<Arc<Catalog>>,
    cancel: OnceLock<(Arc<ConnectionHandle>, ConnectionGuard)>,
}

impl std::ops::Deref for Session {
    type Target = Known;

    fn deref(&self) -> &Known {
        &self.0
    }
}

impl Session {
    pub(crate) fn new(shared: Arc<Shared>, from: IpAddr) -> Self {
        Self(Arc::new(Known {
            shared,
            from,
            shown: OnceLock::new(),
            user: OnceLock::new(),
            settings: Mutex::default(),
            statements: Mutex::default(),
            portals: Mutex::default(),
            catalog: OnceCell::new(),
            cancel: OnceLock::new(),
        }))
    }
}

impl Known {
    /// Remembers who came in.
    pub(crate) fn enter(
        &self,
        shown: Shown,
        user: String,
        cancel: (Arc<ConnectionHandle>, ConnectionGuard),
    ) {
        self.shown.get_or_init(|| shown);
        self.user.get_or_init(|| user);
        self.cancel.get_or_init(|| cancel);
    }

    /// Whether somebody came in.
    pub(crate) fn is_in(&self) -> bool {
        self.shown.get().is_some()
    }

    /// What they call themselves.
    pub(crate) fn user(&self) -> &str {
        self.user.get().map_or("", String::as_str)
    }

    /// How the present statement is cancelled.
    pub(crate) fn cancel(&self) -> Option<&Arc<ConnectionHandle>> {
        self.cancel.get().map(|(handle, _)| handle)
    }

    pub(crate) fn settings(&self) -> MutexGuard<'_, Settings> {
        self.settings.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Prepared statements.
    pub(crate) fn statements(&self) -> MutexGuard<'_, Names> {
        self.statements.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Portals.
    pub(crate) fn portals(&self) -> MutexGuard<'_, Names> {
        self.portals.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The engine over what may be read now: keys that are over end here.
    pub(crate) async fn engine(&self) -> PgWireResult<Engine> {
        let shown = self.shown.get().ok_or(PgWireError::UserNameRequired)?;
        self.shared.keeper.engine(shown).await.map_err(|refusal| of_keeper(&refusal))
    }

    /// What clients ask of a database beside its rows.
    pub(crate) async fn catalog(&self, engine: &Engine) -> PgWireResult<Arc<Catalog>> {
        let make = || async {
            let tables = engine.tables().await.map_err(|error| of_engine(&error))?;
            let settings = self.settings().all();
            Catalog::new(&tables, self.user(), &settings)
                .map(Arc::new)
                .map_err(|error| of_engine(&error.into()))
        };
        self.catalog.get_or_try_init(make).await.cloned()
    }
}
