//! The closed loop: each connection sends its next request once the last one is answered.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context;
use tokio::task::JoinSet;

use crate::http::Connection;
use crate::requests::Requests;

/// How long a connection waits before it tries a server again that does not listen.
const RECONNECT_DELAY: Duration = Duration::from_millis(50);
/// How long the last answers may take.
const LAST_ANSWERS: Duration = Duration::from_secs(30);

/// Connections at work.
#[derive(Debug)]
pub(crate) struct Load {
    started: Instant,
    stop: Arc<AtomicBool>,
    connections: JoinSet<Log>,
    logs: Vec<Log>,
}

/// What became of all requests.
#[derive(Debug)]
pub(crate) struct Outcome {
    started: Instant,
    answers: Vec<Answer>,
    /// Requests without an answer: whether they were stored is unknown.
    pub(crate) unanswered: u64,
}

/// A request that was answered.
#[derive(Clone, Copy, Debug)]
struct Answer {
    at_us: u32,
    latency_us: u32,
    status: u16,
}

#[derive(Debug, Default)]
struct Log {
    answers: Vec<Answer>,
    unanswered: u64,
}

impl Load {
    /// Opens the connections and begins.
    pub(crate) fn start(address: SocketAddr, connections: u16, requests: &Arc<Requests>) -> Self {
        let mut load = Self {
            started: Instant::now(),
            stop: Arc::default(),
            connections: JoinSet::new(),
            logs: Vec::new(),
        };
        let next = Arc::new(AtomicUsize::new(0));
        for _ in 0..connections {
            let sender = Sender {
                address,
                requests: Arc::clone(requests),
                next: Arc::clone(&next),
                stop: Arc::clone(&load.stop),
                started: load.started,
                log: Log::default(),
            };
            load.connections.spawn(sender.run());
        }
        load
    }

    /// Lets it run for so long, or until there are no requests left.
    pub(crate) async fn run_for(&mut self, duration: Duration) {
        let all = async {
            while let Some(Ok(log)) = self.connections.join_next().await {
                self.logs.push(log);
            }
        };
        // Time being up is the usual end.
        tokio::time::timeout(duration, all).await.unwrap_or_default();
    }

    /// Whether the requests made ahead were too few.
    pub(crate) fn ran_out(&self) -> bool {
        self.connections.is_empty()
    }

    /// Sends no more, and waits for the answers to what was sent.
    pub(crate) async fn stop(self) -> anyhow::Result<Outcome> {
        self.stop.store(true, Ordering::Relaxed);
        let rest = tokio::time::timeout(LAST_ANSWERS, self.connections.join_all());
        let rest = rest.await.context("the last answers do not come")?;
        let mut outcome = Outcome { started: self.started, answers: Vec::new(), unanswered: 0 };
        for mut log in self.logs.into_iter().chain(rest) {
            outcome.answers.append(&mut log.answers);
            outcome.unanswered += log.unanswered;
        }
        Ok(outcome)
    }
}

impl Outcome {
    /// Requests that were acknowledged.
    pub(crate) fn acknowledged(&self) -> u64 {
        self.answers.iter().filter(|answer| answer.is_ack()).count() as u64
    }

    /// Requests that were answered otherwise, by status.
    pub(crate) fn refused(&self) -> BTreeMap<u16, u64> {
        let mut refused = BTreeMap::new();
        for answer in self.answers.iter().filter(|answer| !answer.is_ack()) {
            *refused.entry(answer.status).or_default() += 1;
        }
        refused
    }

    /// Microseconds of each acknowledgement that came in this window.
    pub(crate) fn ack_latencies(&self, from: Instant, to: Instant) -> Vec<u32> {
        let (from, to) = (micros(from - self.started), micros(to - self.started));
        let within = |answer: &&Answer| answer.is_ack() && (from..to).contains(&answer.at_us);
        self.answers.iter().filter(within).map(|answer| answer.latency_us).collect()
    }
}

impl Answer {
    fn is_ack(&self) -> bool {
        self.status == 200
    }
}

/// One connection's task.
struct Sender {
    address: SocketAddr,
    requests: Arc<Requests>,
    next: Arc<AtomicUsize>,
    stop: Arc<AtomicBool>,
    started: Instant,
    log: Log,
}

impl Sender {
    async fn run(mut self) -> Log {
        while !self.is_stopped() {
            match Connection::open(self.address).await {
                Ok(connection) => self.send_until_broken(connection).await,
                Err(_) => tokio::time::sleep(RECONNECT_DELAY).await,
            }
            if self.next.load(Ordering::Relaxed) >= self.requests.count() {
                break;
            }
        }
        self.log
    }

    /// Sends until the connection breaks, the time is up, or nothing is left to send.
    async fn send_until_broken(&mut self, mut connection: Connection) {
        while !self.is_stopped() {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            let Some(request) = self.requests.get(number) else { return };
            let sent = Instant::now();
            let Ok(status) = connection.exchange(request).await else {
                self.log.unanswered += 1;
                return;
            };
            let latency_us = micros(sent.elapsed());
            let at_us = micros(self.started.elapsed());
            self.log.answers.push(Answer { at_us, latency_us, status });
        }
    }

    fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}

/// Enough for an hour.
fn micros(duration: Duration) -> u32 {
    u32::try_from(duration.as_micros()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;
    use crate::case::Case;
    use crate::http::Head;
    use crate::requests::Preparation;

    /// Answers every tenth request with 503, and closes the connection on every hundredth.
    async fn serve_badly(listener: TcpListener) {
        let seen = Arc::new(AtomicUsize::new(0));
        while let Ok((mut stream, _)) = listener.accept().await {
            let seen = Arc::clone(&seen);
            tokio::spawn(async move {
                let mut buffer = Vec::new();
                while stream.read_buf(&mut buffer).await.unwrap_or(0) > 0 {
                    let Some(head) = Head::parse_lengths(&buffer).unwrap() else { continue };
                    if buffer.len() < head.bytes + head.body_bytes {
                        continue;
                    }
                    buffer.clear();
                    let number = seen.fetch_add(1, Ordering::Relaxed) + 1;
                    let status = match number {
                        number if number % 100 == 0 => return,
                        number if number % 10 == 0 => "503 Busy",
                        _ => "200 OK",
                    };
                    let answer = format!("HTTP/1.1 {status}\r\nContent-Length: 2\r\n\r\n{{}}");
                    stream.write_all(answer.as_bytes()).await.unwrap();
                }
            });
        }
    }

    #[tokio::test]
    async fn every_request_is_sent_once_and_counted_once() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(serve_badly(listener));
        let preparation =
            Preparation { events: 1_000, most_bytes: 1 << 20, persons: None, gzip_level: 1 };
        let requests = Arc::new(Requests::prepare(Case::Single, &preparation));
        let begin = Instant::now();
        let mut load = Load::start(address, 4, &requests);
        load.run_for(Duration::from_secs(20)).await;
        assert!(load.ran_out());
        let outcome = load.stop().await.unwrap();
        assert_eq!(outcome.acknowledged(), 900);
        assert_eq!(outcome.refused(), BTreeMap::from([(503, 90)]));
        assert_eq!(outcome.unanswered, 10);
        assert_eq!(outcome.ack_latencies(begin, Instant::now()).len(), 900);
    }
}
