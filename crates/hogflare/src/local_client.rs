//! HTTP to the server of a data folder, through its socket, or to one of this machine by TCP.

use std::net::SocketAddr;
use std::path::Path;

use bytes::Bytes;
use http::{Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};

/// What the server answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) body: Bytes,
}

/// An answer whose body is on its way.
#[derive(Debug)]
pub(crate) struct Arriving(Response<Incoming>);

impl Arriving {
    pub(crate) fn status(&self) -> StatusCode {
        self.0.status()
    }

    /// The next piece of the body; `None` after the last.
    pub(crate) async fn next(&mut self) -> anyhow::Result<Option<Bytes>> {
        while let Some(frame) = self.0.body_mut().frame().await {
            if let Ok(data) = frame?.into_data() {
                return Ok(Some(data));
            }
        }
        Ok(None)
    }

    /// The rest of the body.
    pub(crate) async fn rest(self) -> anyhow::Result<Bytes> {
        Ok(self.0.into_body().collect().await?.to_bytes())
    }
}

/// Posts JSON, and does not wait for the whole answer.
pub(crate) async fn begin(socket: &Path, path: &str, json: Bytes) -> anyhow::Result<Arriving> {
    let request = Request::post(path)
        .header(header::HOST, "localhost")
        .header(header::CONTENT_TYPE, "application/json")
        .body(Full::new(json))?;
    let stream = UnixStream::connect(socket).await?;
    Ok(Arriving(request_over(stream, request).await?))
}

/// Posts JSON.
pub(crate) async fn post(socket: &Path, path: &str, json: Bytes) -> anyhow::Result<Answer> {
    let answer = begin(socket, path, json).await?;
    Ok(Answer { status: answer.status(), body: answer.rest().await? })
}

/// Gets a page.
pub(crate) async fn get(socket: &Path, path: &str) -> anyhow::Result<Answer> {
    get_over(UnixStream::connect(socket).await?, path).await
}

/// How strangers come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    Http,
    /// Whatever the certificate.
    Https,
}

/// Gets a page of a server of this machine by TCP, as strangers do.
pub(crate) async fn get_by_tcp(
    address: SocketAddr,
    way: Way,
    path: &str,
) -> anyhow::Result<Answer> {
    let stream = TcpStream::connect(address).await?;
    match way {
        Way::Http => get_over(stream, path).await,
        Way::Https => get_over(tls::connect_to_this_machine(stream).await?, path).await,
    }
}

async fn get_over<S>(stream: S, path: &str) -> anyhow::Result<Answer>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let request =
        Request::get(path).header(header::HOST, "localhost").body(Full::new(Bytes::new()))?;
    let answer = Arriving(request_over(stream, request).await?);
    Ok(Answer { status: answer.status(), body: answer.rest().await? })
}

async fn request_over<S>(
    stream: S,
    request: Request<Full<Bytes>>,
) -> anyhow::Result<Response<Incoming>>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    Ok(sender.send_request(request).await?)
}
