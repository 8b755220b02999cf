//! A crowd beside the load: connections that do nothing, and clients that never come to an end.

use std::net::SocketAddr;
use std::str::FromStr;
use std::time::Duration;

use anyhow::{Context, ensure};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::http::Connection;

/// Files of this process that are not connections.
const OTHER_FILES: u64 = 256;
/// Connections that are opened at once; the kernel's queue holds no more.
const AT_ONCE: usize = 256;
/// How often a slow client sends a byte.
const PACE: Duration = Duration::from_millis(500);
/// A body that no slow client ever finishes.
const SLOW_HEAD: &[u8] = b"POST /batch/ HTTP/1.1\r\nHost: 127.0.0.1\r\n\
    Content-Type: application/json\r\nContent-Length: 100000\r\n\r\n{";
/// What an idle connection has asked before.
const LIVENESS: &[u8] = b"GET /_liveness HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";

/// How many there are of each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub(crate) struct CrowdSize {
    /// Connections that were used once and are kept.
    pub(crate) idle: usize,
    /// Clients that send a body byte by byte.
    pub(crate) slow: usize,
}

impl FromStr for CrowdSize {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parsed = text.split_once(',').and_then(|(idle, slow)| {
            Some(Self { idle: idle.trim().parse().ok()?, slow: slow.trim().parse().ok()? })
        });
        parsed.ok_or_else(|| "expected IDLE,SLOW such as 10000,200".to_owned())
    }
}

/// The crowd; it leaves when dropped.
#[derive(Debug)]
pub(crate) struct Crowd {
    idle: Vec<Connection>,
    slow: JoinSet<()>,
}

impl Crowd {
    /// Gathers; returns once everyone is connected.
    pub(crate) async fn gather(address: SocketAddr, size: CrowdSize) -> anyhow::Result<Self> {
        let files = (size.idle + size.slow) as u64 + OTHER_FILES;
        let allowed = rlimit::increase_nofile_limit(files)?;
        ensure!(allowed >= files, "the crowd needs {files} open files, {allowed} are allowed");
        let mut crowd = Self { idle: Vec::with_capacity(size.idle), slow: JoinSet::new() };
        while crowd.idle.len() < size.idle {
            let now = AT_ONCE.min(size.idle - crowd.idle.len());
            let opened = (0..now).map(|_| used_once(address)).collect::<JoinSet<_>>();
            for connection in opened.join_all().await {
                crowd.idle.push(connection.context("an idle connection failed")?);
            }
        }
        for number in 0..size.slow {
            let mut stream = TcpStream::connect(address).await?;
            stream.write_all(SLOW_HEAD).await?;
            // They do not know each other, so they do not keep step.
            let phase = PACE.mul_f64(number as f64 / size.slow as f64);
            crowd.slow.spawn(async move {
                sleep(phase).await;
                while stream.write_all(b" ").await.is_ok() {
                    sleep(PACE).await;
                }
            });
        }
        Ok(crowd)
    }

    /// Says whether everyone is still there.
    pub(crate) async fn is_complete(&mut self) -> bool {
        for connection in &mut self.idle {
            if connection.exchange(LIVENESS).await.is_err() {
                return false;
            }
        }
        self.slow.try_join_next().is_none()
    }
}

async fn used_once(address: SocketAddr) -> std::io::Result<Connection> {
    let mut connection = Connection::open(address).await?;
    connection.exchange(LIVENESS).await?;
    Ok(connection)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_has_two_numbers() {
        assert_eq!("10000, 200".parse(), Ok(CrowdSize { idle: 10_000, slow: 200 }));
        assert!("10000".parse::<CrowdSize>().is_err());
    }
}
