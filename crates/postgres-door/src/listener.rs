//! Who comes is let wait, or in, or told that there is no room.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use metrics::{counter, gauge};
use pgwire::api::ConnectionManager;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tracing::{debug, warn};

use crate::connection::{self, Arrival};
use crate::session::Shared;
use crate::{Keeper, TlsAcceptor};

/// How long to wait when no connection can be accepted.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How many may come.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Connections at a time.
    pub connections: usize,
    /// Those of them that have not shown a key yet.
    pub waiting: usize,
    /// How long statements may take to finish when the service stops.
    pub drain_timeout: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self { connections: 128, waiting: 32, drain_timeout: Duration::from_secs(5) }
    }
}

/// A bound address.
pub struct Door {
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    options: Options,
}

impl std::fmt::Debug for Door {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Door").field("listener", &self.listener).finish_non_exhaustive()
    }
}

impl Door {
    /// Binds an address. Where it is not this machine's own, keys are only taken encrypted.
    ///
    /// # Errors
    /// When it is taken or not ours.
    pub async fn bind(
        address: SocketAddr,
        tls: Option<TlsAcceptor>,
        options: Options,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        Ok(Self { listener, tls, options })
    }

    /// Serves until `stop` turns true, then lets statements finish.
    pub async fn serve(self, keeper: Arc<dyn Keeper>, mut stop: watch::Receiver<bool>) {
        let Self { listener, tls, options } = self;
        let is_local = listener.local_addr().is_ok_and(|address| address.ip().is_loopback());
        let shared = Arc::new(Shared::new(keeper, Arc::new(ConnectionManager::new()), !is_local));
        let places = Arc::new(Semaphore::new(options.connections));
        let waiting = Arc::new(Semaphore::new(options.waiting));
        let mut served = JoinSet::new();
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                Some(_) = served.join_next() => continue,
                _ = stop.wait_for(|stop| *stop) => break,
            };
            let (stream, peer) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    debug!(%error, "cannot accept a PostgreSQL client");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            };
            let place = Arc::clone(&places).try_acquire_owned();
            let (Ok(place), Ok(waiting)) = (place, Arc::clone(&waiting).try_acquire_owned()) else {
                counter!("hogflare_postgres_logins_refused_total", "reason" => "no_room")
                    .increment(1);
                continue;
            };
            let (shared, tls, stop) = (Arc::clone(&shared), tls.clone(), stop.clone());
            served.spawn(async move {
                let _open = Open::new();
                let arrival = Arrival { stream, peer, shared, tls, waiting, stop };
                if let Err(error) = connection::serve(arrival).await {
                    debug!(%error, "a PostgreSQL client's connection ended early");
                }
                drop(place);
            });
        }
        drop(listener);
        let finished = async { while served.join_next().await.is_some() {} };
        if tokio::time::timeout(options.drain_timeout, finished).await.is_err() {
            warn!("some PostgreSQL clients' statements did not finish in time");
        }
    }
}

/// Counts a connection while there is one.
struct Open;

impl Open {
    fn new() -> Self {
        gauge!("hogflare_postgres_connections").increment(1.0);
        Self
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        gauge!("hogflare_postgres_connections").decrement(1.0);
    }
}
