//! HTTP to the server of a data folder, through its socket.

use std::path::Path;

use bytes::Bytes;
use http::{Request, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use tokio::net::UnixStream;

/// What the server answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) body: Bytes,
}

/// Posts JSON.
pub(crate) async fn post(socket: &Path, path: &str, json: Bytes) -> anyhow::Result<Answer> {
    let request = Request::post(path)
        .header(header::HOST, "localhost")
        .header(header::CONTENT_TYPE, "application/json")
        .body(Full::new(json))?;
    send(socket, request).await
}

/// Gets a page.
pub(crate) async fn get(socket: &Path, path: &str) -> anyhow::Result<Answer> {
    let request =
        Request::get(path).header(header::HOST, "localhost").body(Full::new(Bytes::new()))?;
    send(socket, request).await
}

async fn send(socket: &Path, request: Request<Full<Bytes>>) -> anyhow::Result<Answer> {
    let stream = UnixStream::connect(socket).await?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    let response = sender.send_request(request).await?;
    let status = response.status();
    let body = response.into_body().collect().await?.to_bytes();
    Ok(Answer { status, body })
}
