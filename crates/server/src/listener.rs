//! Connections: accepted within a limit, given a time for their headers, and ended politely.

use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::{Semaphore, watch};
use tokio_io_timeout::TimeoutStream;
use tower::ServiceExt;
use tracing::{debug, warn};

/// How long to wait when no connection can be accepted.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How connections are treated.
#[derive(Clone, Copy, Debug)]
pub struct ListenerOptions {
    /// Connections at a time; further ones wait to be accepted.
    pub max_connections: usize,
    /// How long a client may take to send a request's headers, idle time between requests included.
    pub header_timeout: Duration,
    /// The same while most connections are taken, so that a crowd cannot lock others out for long.
    pub crowded_header_timeout: Duration,
    /// How long a client may take nothing of its answer.
    pub write_timeout: Duration,
    /// How long open requests may take to finish when the service stops.
    pub drain_timeout: Duration,
}

impl Default for ListenerOptions {
    fn default() -> Self {
        Self {
            max_connections: 16_384,
            header_timeout: Duration::from_secs(75),
            crowded_header_timeout: Duration::from_secs(5),
            write_timeout: Duration::from_secs(30),
            drain_timeout: Duration::from_secs(20),
        }
    }
}

impl ListenerOptions {
    fn header_timeout_with(&self, free_connections: usize) -> Duration {
        match free_connections < self.max_connections / 4 {
            true => self.crowded_header_timeout,
            false => self.header_timeout,
        }
    }
}

/// Who is at the other end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer(Option<SocketAddr>);

impl Peer {
    /// The peer's address, where it has one.
    pub(crate) fn ip(&self) -> Option<IpAddr> {
        self.0.map(|address| address.ip())
    }
}

/// A bound address or socket file.
#[derive(Debug)]
pub enum Listener {
    /// TCP.
    Tcp(TcpListener),
    /// A socket file.
    Unix(UnixListener),
}

impl Listener {
    /// Binds an address.
    ///
    /// # Errors
    /// When it is taken or not ours.
    pub async fn bind(address: SocketAddr) -> std::io::Result<Self> {
        TcpListener::bind(address).await.map(Self::Tcp)
    }

    /// Binds a socket file in place of an abandoned one; only its owner may connect.
    ///
    /// # Errors
    /// When the folder cannot be written or the path is too long for a socket.
    pub fn bind_file(path: &Path) -> std::io::Result<Self> {
        use std::os::unix::fs::PermissionsExt;
        match std::fs::remove_file(path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let listener = UnixListener::bind(path)?;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
        Ok(Self::Unix(listener))
    }

    /// Serves until `stop` turns true, then lets open requests finish.
    pub async fn serve(
        self,
        router: Router,
        options: ListenerOptions,
        mut stop: watch::Receiver<bool>,
    ) {
        let open = Arc::new(Semaphore::new(options.max_connections));
        let graceful = GracefulShutdown::new();
        loop {
            let next = async { (Arc::clone(&open).acquire_owned().await, self.accept().await) };
            let (slot, accepted) = tokio::select! {
                next = next => next,
                _ = stop.wait_for(|stop| *stop) => break,
            };
            let (connection, peer) = match accepted {
                Ok(accepted) => accepted,
                Err(error) if is_of_one_client(&error) => continue,
                Err(error) => {
                    // Out of file descriptors, most likely: give connections time to end.
                    warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            };
            let router = router.clone();
            let service = hyper::service::service_fn(move |request: Request<Incoming>| {
                let mut request = request.map(Body::new);
                request.extensions_mut().insert(peer);
                router.clone().oneshot(request)
            });
            let served = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(options.header_timeout_with(open.available_permits()))
                .serve_connection(TokioIo::new(with_timeout(connection, options)), service);
            let served = graceful.watch(served);
            tokio::spawn(async move {
                if let Err(error) = served.await {
                    debug!(%error, "connection ended early");
                }
                drop(slot);
            });
        }
        drop(self);
        if tokio::time::timeout(options.drain_timeout, graceful.shutdown()).await.is_err() {
            warn!("some requests did not finish in time");
        }
    }

    async fn accept(&self) -> std::io::Result<(Box<dyn Connection>, Peer)> {
        match self {
            Self::Tcp(listener) => {
                let (stream, address) = listener.accept().await?;
                // Without it answers wait for the client's delayed acknowledgement; no more than that.
                stream.set_nodelay(true).ok();
                Ok((Box::new(stream), Peer(Some(address))))
            }
            Self::Unix(listener) => {
                let (stream, _) = listener.accept().await?;
                Ok((Box::new(stream), Peer(None)))
            }
        }
    }
}

/// Whether the client went away before it was accepted.
fn is_of_one_client(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

/// A client that asks and does not read would otherwise keep its place for ever.
fn with_timeout(
    connection: Box<dyn Connection>,
    options: ListenerOptions,
) -> Pin<Box<TimeoutStream<Box<dyn Connection>>>> {
    let mut stream = TimeoutStream::new(connection);
    stream.set_write_timeout(Some(options.write_timeout));
    Box::pin(stream)
}

trait Connection: AsyncRead + AsyncWrite + Unpin + Send {}

impl<C: AsyncRead + AsyncWrite + Unpin + Send> Connection for C {}
