//! One connection, from its first byte to its last.

use std::io;
use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use futures::{FutureExt, StreamExt};
use pgwire::api::{ClientInfo, DefaultClient, NoopHandler, PgWireConnectionState};
use pgwire::error::{ErrorInfo, PgWireError};
use pgwire::messages::PgWireFrontendMessage;
use pgwire::tokio::server::{PgWireMessageServerCodec, process_error, process_message};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::Instant;
use tokio_util::codec::{Framed, FramedParts};
use tracing::debug;

use crate::TlsAcceptor;
use crate::error::fatal;
use crate::extended::Prepared;
use crate::session::{Session, Shared};
use crate::socket::{Kind, Socket, Wire, timed};

/// How long somebody may take to come in.
const STARTUP: Duration = Duration::from_secs(10);
/// Longest message before somebody came in.
const SMALL: usize = 16 << 10;
/// Longest message afterwards: a statement, or its parameters.
const LARGE: usize = 2 << 20;

/// What the first eight bytes of a connection may ask.
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];
const GSS_REQUEST: [u8; 8] = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x30];
/// The first byte of TLS.
const TLS_RECORD: u8 = 0x16;

type Messages = Framed<Wire, PgWireMessageServerCodec<Arc<Prepared>>>;

/// What a connection needs.
pub(crate) struct Arrival {
    pub(crate) stream: TcpStream,
    pub(crate) peer: SocketAddr,
    pub(crate) shared: Arc<Shared>,
    pub(crate) tls: Option<TlsAcceptor>,
    /// A place among those who have not come in yet.
    pub(crate) waiting: OwnedSemaphorePermit,
    /// Turns true when connections without a statement are to end.
    pub(crate) stop: watch::Receiver<bool>,
}

/// Serves a connection until its end.
pub(crate) async fn serve(arrival: Arrival) -> io::Result<()> {
    let Arrival { stream, peer, shared, tls, waiting, mut stop } = arrival;
    let startup = Instant::now() + STARTUP;
    stream.set_nodelay(true)?;
    let socket = Socket::new(stream);
    let negotiated = tokio::time::timeout_at(startup, negotiate(&socket, peer, tls));
    let Ok(Some(mut messages)) = negotiated.await.unwrap_or(Ok(None)) else { return Ok(()) };
    let session = Session::new(shared, peer.ip());
    let handlers = Arc::new(session.clone());
    let mut waiting = Some(waiting);
    loop {
        if session.is_in() {
            waiting = None;
        }
        let (longest, end) = match waiting {
            Some(_) => (SMALL, Some(startup)),
            None => (LARGE, None),
        };
        messages.get_mut().expect(longest);
        let next = tokio::select! {
            next = next_of(&mut messages) => next,
            () = at(end) => return Ok(()),
            () = stopped(&mut stop) => return say_goodbye(&mut messages).await,
        };
        let message = match next {
            Some(Ok(message)) => message,
            Some(Err(error)) => return process_error(&mut messages, error, true).await,
            None => return Ok(()),
        };
        if matches!(message, PgWireFrontendMessage::Terminate(_)) {
            return Ok(());
        }
        let is_cancel = matches!(message, PgWireFrontendMessage::CancelRequest(_));
        let is_extended = message.is_extended_query();
        let handler = || Arc::clone(&handlers);
        let done = process_message(
            message,
            &mut messages,
            handler(),
            handler(),
            handler(),
            Arc::new(NoopHandler),
            handler(),
        );
        // Who has gone does not wait for an answer any more; what would make it ends with it.
        let done = tokio::select! {
            done = done => done,
            () = socket.closed() => return Ok(()),
            () = at(end) => return Ok(()),
        };
        if is_cancel {
            return Ok(());
        }
        if let Err(error) = done {
            let error = ErrorInfo::from(error);
            let is_end = error.is_fatal() || !session.is_in();
            debug!(from = %peer.ip(), code = error.code, "a PostgreSQL client was told of an error");
            let error = PgWireError::UserError(Box::new(error));
            process_error(&mut messages, error, is_end || is_extended).await?;
            if is_end {
                return Ok(());
            }
        }
    }
}

/// The next message. The library takes the counts within one at their word, and panics where they are
/// wrong; that is an error of whoever sent them.
async fn next_of(messages: &mut Messages) -> Option<Result<PgWireFrontendMessage, PgWireError>> {
    match AssertUnwindSafe(messages.next()).catch_unwind().await {
        Ok(next) => next,
        Err(_) => Some(Err(fatal("08P01", "a message is not what it says it is"))),
    }
}

/// Waits until connections are to end.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    // Whoever would say so has gone, which says it too.
    stop.wait_for(|stop| *stop).await.ok();
}

/// A moment, or never.
async fn at(end: Option<Instant>) {
    match end {
        Some(end) => tokio::time::sleep_until(end).await,
        None => std::future::pending().await,
    }
}

/// Tells whoever is connected that the server stops.
async fn say_goodbye(messages: &mut Messages) -> io::Result<()> {
    let error = fatal("57P01", "the server stops");
    process_error(messages, error, true).await
}

/// Finds out whether TLS is wished for, and gives what messages are read from.
async fn negotiate(
    socket: &Socket,
    peer: SocketAddr,
    tls: Option<TlsAcceptor>,
) -> io::Result<Option<Messages>> {
    let mut plain = timed(socket.clone());
    let encrypt = |tls: TlsAcceptor, plain| async move {
        let stream = tls.accept(plain).await?;
        let kind = Kind::Tls(Box::new(stream));
        io::Result::Ok(Some(messages(kind, peer, true, &[])))
    };
    match (socket.first_byte().await?, &tls) {
        (None, _) => return Ok(None),
        (Some(TLS_RECORD), Some(tls)) => return encrypt(tls.clone(), plain).await,
        (Some(TLS_RECORD), None) => return Ok(None),
        _ => {}
    }
    // Each may be asked for once.
    for _ in 0..3 {
        let mut first = [0; 8];
        plain.read_exact(&mut first).await?;
        match (first, &tls) {
            (SSL_REQUEST, Some(tls)) => {
                plain.write_all(b"S").await?;
                plain.flush().await?;
                return encrypt(tls.clone(), plain).await;
            }
            (SSL_REQUEST | GSS_REQUEST, _) => {
                plain.write_all(b"N").await?;
                plain.flush().await?;
            }
            _ => return Ok(Some(messages(Kind::Plain(plain), peer, false, &first))),
        }
    }
    Ok(None)
}

fn messages(kind: Kind, peer: SocketAddr, is_secure: bool, read: &[u8]) -> Messages {
    let client = DefaultClient::new(peer, is_secure);
    let codec = PgWireMessageServerCodec::new(client);
    let mut parts =
        FramedParts::new::<pgwire::messages::PgWireBackendMessage>(Wire::new(kind), codec);
    parts.read_buf = BytesMut::from(read);
    let mut messages = Framed::from_parts(parts);
    messages.set_state(PgWireConnectionState::AwaitingStartup);
    messages
}
