//! A stand-in for a Cloudflare pipeline: counts rows, keeps none, and may be far away.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::http::Head;

/// A stand-in that listens on loopback.
#[derive(Debug)]
pub(crate) struct Pipeline {
    address: SocketAddr,
    taken: Arc<Taken>,
    accepting: tokio::task::JoinHandle<()>,
}

/// What came.
#[derive(Debug, Default)]
struct Taken {
    has_request: AtomicBool,
    rows: AtomicU64,
}

impl Pipeline {
    /// Starts on a free port; a request that is there as a whole is answered after `latency`.
    pub(crate) async fn start(latency: Duration) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let taken = Arc::<Taken>::default();
        let shared = Arc::clone(&taken);
        let accepting = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, latency, Arc::clone(&shared)));
            }
        });
        Ok(Self { address, taken, accepting })
    }

    /// Where rows go.
    pub(crate) fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// Whether a request began to come.
    pub(crate) fn has_request(&self) -> bool {
        self.taken.has_request.load(Ordering::Relaxed)
    }

    /// Rows that came, and whose latency is over.
    pub(crate) fn rows(&self) -> u64 {
        self.taken.rows.load(Ordering::Relaxed)
    }
}

impl Drop for Pipeline {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// Answers requests until the connection ends, or breaks, which its sender will notice.
async fn serve(mut stream: TcpStream, latency: Duration, taken: Arc<Taken>) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut buffer = Vec::with_capacity(1 << 20);
    while stream.read_buf(&mut buffer).await? > 0 {
        taken.has_request.store(true, Ordering::Relaxed);
        let Some(head) = Head::parse_lengths(&buffer)? else { continue };
        let end = head.bytes + head.body_bytes;
        if buffer.len() < end {
            read_rest(&mut stream, &mut buffer, end).await?;
        }
        let rows = count_objects(&buffer[head.bytes..end]);
        buffer.drain(..end);
        if !latency.is_zero() {
            tokio::time::sleep(latency).await;
        }
        taken.rows.fetch_add(rows, Ordering::Relaxed);
        let body = format!(r#"{{"success":true,"result":{{"committed":{rows}}}}}"#);
        let answer = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(answer.as_bytes()).await?;
    }
    Ok(())
}

async fn read_rest(stream: &mut TcpStream, buffer: &mut Vec<u8>, end: usize) -> io::Result<()> {
    buffer.reserve(end - buffer.len());
    while buffer.len() < end {
        if stream.read_buf(buffer).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(())
}

/// Objects in an array, those within them not counted.
fn count_objects(json: &[u8]) -> u64 {
    let (mut depth, mut objects) = (0_u32, 0);
    let mut bytes = json.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => skip_string(&mut bytes),
            b'{' | b'[' => {
                depth += 1;
                objects += u64::from(depth == 2 && *byte == b'{');
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    objects
}

fn skip_string(bytes: &mut std::slice::Iter<'_, u8>) {
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => return,
            b'\\' => drop(bytes.next()),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::http::Connection;

    #[test]
    fn rows_are_counted_whatever_they_hold() {
        assert_eq!(count_objects(b"[]"), 0);
        assert_eq!(count_objects(br#"[{"a":{"b":[{}]}},{"c":"}],{\"{"},{}]"#), 3);
    }

    #[tokio::test]
    async fn requests_are_answered_with_the_number_of_rows() {
        let latency = Duration::from_millis(20);
        let pipeline = Pipeline::start(latency).await.unwrap();
        let mut connection = Connection::open(pipeline.address).await.unwrap();
        assert!(!pipeline.has_request());
        let begin = Instant::now();
        for _ in 0..2 {
            let request = b"POST / HTTP/1.1\r\nContent-Length: 7\r\n\r\n[{},{}]";
            assert_eq!(connection.exchange(request).await.unwrap(), 200);
            assert_eq!(connection.body(), br#"{"success":true,"result":{"committed":2}}"#);
        }
        assert!(pipeline.has_request() && begin.elapsed() >= 2 * latency);
        assert_eq!(pipeline.rows(), 4);
    }
}
