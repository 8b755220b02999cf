//! Connections of clients that do not play along.

#![allow(clippy::unwrap_used)]

use std::time::Duration;

use axum::Router;
use axum::routing::get;
use hogflare_server::{Listener, ListenerOptions};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;

const ASK: &[u8] = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n";

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_and_does_not_read_gives_way_to_others() {
    let answer = "x".repeat(64 << 20);
    let router = Router::new().route("/", get(|| async { answer }));
    let options = ListenerOptions {
        max_connections: 1,
        write_timeout: Duration::from_millis(200),
        ..ListenerOptions::default()
    };
    let listener = Listener::bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let Listener::Tcp(socket) = &listener else { unreachable!("it was bound to TCP") };
    let address = socket.local_addr().unwrap();
    let (_stop, stopped) = watch::channel(false);
    tokio::spawn(listener.serve(router, options, stopped));

    let mut deaf = TcpStream::connect(address).await.unwrap();
    deaf.write_all(ASK).await.unwrap();
    let mut other = TcpStream::connect(address).await.unwrap();
    other.write_all(ASK).await.unwrap();
    let mut status = [0; 15];
    other.read_exact(&mut status).await.unwrap();
    assert_eq!(&status, b"HTTP/1.1 200 OK");
}
