//! Connections: accepted within a limit, encrypted where that is wanted, given a time for their headers,
//! and ended politely.

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
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixListener};
use tokio::sync::{Semaphore, watch};
use tokio_io_timeout::TimeoutStream;
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt;
use tracing::{debug, warn};

use crate::metrics;

/// How long to wait when no connection can be accepted.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// How long somebody may take to read that this is no plain http.
const PARTING: Duration = Duration::from_secs(2);

/// What is spoken over TLS.
pub const HTTPS_PROTOCOL: &[u8] = b"http/1.1";
/// What an authority asks for that looks whether a name is ours; the handshake is all it wants.
const ACME_PROTOCOL: &[u8] = b"acme-tls/1";
/// The first byte of TLS.
const TLS_RECORD: u8 = 0x16;

/// What a request without TLS gets where TLS is spoken.
const NOT_PLAIN: &[u8] = b"HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain\r\n\
    content-length: 43\r\nconnection: close\r\n\r\nthis port speaks https, ask it by https://\n";

/// How connections are treated.
#[derive(Clone, Copy, Debug)]
pub struct ListenerOptions {
    /// Connections at a time; further ones wait to be accepted.
    pub max_connections: usize,
    /// How long a client may take to agree on encryption.
    pub handshake_timeout: Duration,
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
            handshake_timeout: Duration::from_secs(10),
            header_timeout: Duration::from_secs(75),
            crowded_header_timeout: Duration::from_secs(5),
            write_timeout: Duration::from_secs(30),
            drain_timeout: Duration::from_secs(20),
        }
    }
}

impl ListenerOptions {
    /// As many places as connections may be, for one listener or for several.
    pub fn places(&self) -> Places {
        Places(Arc::new(Semaphore::new(self.max_connections)))
    }

    fn header_timeout_with(&self, free_connections: usize) -> Duration {
        match free_connections < self.max_connections / 4 {
            true => self.crowded_header_timeout,
            false => self.header_timeout,
        }
    }
}

/// The places of connections.
#[derive(Clone, Debug)]
pub struct Places(Arc<Semaphore>);

/// Who is at the other end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer {
    address: Option<SocketAddr>,
    is_encrypted: bool,
}

impl Peer {
    /// The peer's address, where it has one.
    pub(crate) fn ip(&self) -> Option<IpAddr> {
        self.address.map(|address| address.ip())
    }

    /// Whether its connection to us is encrypted.
    pub(crate) fn is_encrypted(&self) -> bool {
        self.is_encrypted
    }
}

/// A bound address or socket file.
pub enum Listener {
    /// TCP.
    Tcp(TcpListener),
    /// TLS over TCP, and what connections are encrypted with.
    Tls(TcpListener, TlsAcceptor),
    /// A socket file.
    Unix(UnixListener),
}

impl std::fmt::Debug for Listener {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Tcp(socket) => f.debug_tuple("Tcp").field(socket).finish(),
            Self::Tls(socket, _) => f.debug_tuple("Tls").field(socket).finish(),
            Self::Unix(socket) => f.debug_tuple("Unix").field(socket).finish(),
        }
    }
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

    /// Binds an address whose connections are encrypted.
    ///
    /// # Errors
    /// When it is taken or not ours.
    pub async fn bind_encrypted(address: SocketAddr, tls: TlsAcceptor) -> std::io::Result<Self> {
        let socket = TcpListener::bind(address).await?;
        Ok(Self::Tls(socket, tls))
    }

    /// Serves until `stop` turns true, then lets open requests finish.
    pub async fn serve(
        self,
        router: Router,
        options: ListenerOptions,
        stop: watch::Receiver<bool>,
    ) {
        self.serve_within(options.places(), router, options, stop).await;
    }

    /// Likewise, with places that other listeners use, too.
    pub async fn serve_within(
        self,
        Places(places): Places,
        router: Router,
        options: ListenerOptions,
        mut stop: watch::Receiver<bool>,
    ) {
        let graceful = GracefulShutdown::new();
        loop {
            let next = async { (Arc::clone(&places).acquire_owned().await, self.accept().await) };
            let (place, accepted) = tokio::select! {
                next = next => next,
                _ = stop.wait_for(|stop| *stop) => break,
            };
            let (arrival, peer) = match accepted {
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
            let header_timeout = options.header_timeout_with(places.available_permits());
            let handshake_timeout = options.handshake_timeout.min(header_timeout);
            let (watcher, mut stop) = (graceful.watcher(), stop.clone());
            tokio::spawn(async move {
                let ready = tokio::select! {
                    biased;
                    ready = arrival.ready(handshake_timeout, options) => ready,
                    // Who has not asked for anything yet is not waited for.
                    _ = stop.wait_for(|stop| *stop) => None,
                };
                let Some(connection) = ready else { return };
                let served = http1::Builder::new()
                    .timer(TokioTimer::new())
                    .header_read_timeout(header_timeout)
                    .serve_connection(TokioIo::new(connection), service);
                if let Err(error) = watcher.watch(served).await {
                    debug!(%error, "connection ended early");
                }
                drop(place);
            });
        }
        drop(self);
        if tokio::time::timeout(options.drain_timeout, graceful.shutdown()).await.is_err() {
            warn!("some requests did not finish in time");
        }
    }

    async fn accept(&self) -> std::io::Result<(Arrival, Peer)> {
        let (arrival, address) = match self {
            Self::Tcp(listener) => {
                let (stream, address) = accept_tcp(listener).await?;
                (Arrival::Plain(Box::new(stream)), Some(address))
            }
            Self::Tls(listener, tls) => {
                let (stream, address) = accept_tcp(listener).await?;
                (Arrival::Encrypted(stream, tls.clone()), Some(address))
            }
            Self::Unix(listener) => {
                let (stream, _) = listener.accept().await?;
                (Arrival::Plain(Box::new(stream)), None)
            }
        };
        let is_encrypted = matches!(arrival, Arrival::Encrypted(..));
        Ok((arrival, Peer { address, is_encrypted }))
    }
}

async fn accept_tcp(listener: &TcpListener) -> std::io::Result<(TcpStream, SocketAddr)> {
    let (stream, address) = listener.accept().await?;
    // Without it answers wait for the client's delayed acknowledgement; no more than that.
    stream.set_nodelay(true).ok();
    Ok((stream, address))
}

/// A connection that was accepted.
enum Arrival {
    Plain(Box<dyn Connection>),
    Encrypted(TcpStream, TlsAcceptor),
}

impl Arrival {
    /// What requests come by; `None` for whoever does not get so far, or wants no more.
    async fn ready(
        self,
        handshake_timeout: Duration,
        options: ListenerOptions,
    ) -> Option<Box<dyn Connection>> {
        let (stream, tls) = match self {
            Self::Plain(connection) => return Some(Box::new(with_timeout(connection, options))),
            Self::Encrypted(stream, tls) => (stream, tls),
        };
        let encrypted = encrypt(stream, tls, options);
        match tokio::time::timeout(handshake_timeout, encrypted).await {
            Ok(Ok(connection)) => connection,
            Ok(Err(error)) => {
                metrics::handshake_failed("refused");
                debug!(%error, "no encryption could be agreed on");
                None
            }
            Err(_) => {
                metrics::handshake_failed("too_slow");
                None
            }
        }
    }
}

/// Agrees with the client on encryption. Who asks in plain http is told so.
async fn encrypt(
    mut stream: TcpStream,
    tls: TlsAcceptor,
    options: ListenerOptions,
) -> std::io::Result<Option<Box<dyn Connection>>> {
    let mut first = [0];
    let is_gone = stream.peek(&mut first).await? == 0;
    if is_gone {
        return Ok(None);
    }
    if first != [TLS_RECORD] {
        metrics::handshake_failed("plain");
        if first[0].is_ascii_uppercase() {
            stream.write_all(NOT_PLAIN).await?;
            stream.shutdown().await?;
            // Closed with something unread it would be reset, and the answer lost.
            let rest = async { while matches!(stream.read(&mut [0; 1024]).await, Ok(1..)) {} };
            tokio::time::timeout(PARTING, rest).await.ok();
        }
        return Ok(None);
    }
    let stream = tls.accept(with_timeout(Box::new(stream), options)).await?;
    let was_looked_at = stream.get_ref().1.alpn_protocol() == Some(ACME_PROTOCOL);
    match was_looked_at {
        true => Ok(None),
        false => Ok(Some(Box::new(stream))),
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
