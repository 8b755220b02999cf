//! The little of HTTP/1.1 that a load generator needs: one request at a time on a kept connection.

use std::io;
use std::net::SocketAddr;

use anyhow::ensure;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Most bytes of an answer's head, far more than the server sends.
const HEAD_BYTES: usize = 16 * 1_024;

/// A connection to the server.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
    body_start: usize,
}

impl Connection {
    /// Connects.
    pub(crate) async fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: Vec::with_capacity(HEAD_BYTES), body_start: 0 })
    }

    /// Sends a request and reads the whole answer; returns its status.
    pub(crate) async fn exchange(&mut self, request: &[u8]) -> io::Result<u16> {
        self.stream.write_all(request).await?;
        self.buffer.clear();
        loop {
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            match Head::parse(&self.buffer)? {
                Some(head) if self.buffer.len() >= head.bytes + head.body_bytes => {
                    self.body_start = head.bytes;
                    return Ok(head.status);
                }
                Some(_) => {}
                None if self.buffer.len() > HEAD_BYTES => return Err(invalid("a head too long")),
                None => {}
            }
        }
    }

    /// Body of the last answer.
    pub(crate) fn body(&self) -> &[u8] {
        self.buffer.get(self.body_start..).unwrap_or_default()
    }
}

/// Sends one request, `METHOD PATH` with further headers, and returns the body of the answer.
///
/// # Errors
/// Also when the answer is anything but 200.
pub(crate) async fn ask(
    address: SocketAddr,
    what: &str,
    headers: &str,
    json: &str,
) -> anyhow::Result<String> {
    let mut connection = Connection::open(address).await?;
    let request = format!(
        "{what} HTTP/1.1\r\nHost: 127.0.0.1\r\n{headers}Content-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{json}",
        json.len()
    );
    let status = connection.exchange(request.as_bytes()).await?;
    let body = String::from_utf8_lossy(connection.body()).into_owned();
    ensure!(status == 200, "{what} answered {status}: {body}");
    Ok(body)
}

/// What comes before a body, of an answer or of a request.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Head {
    /// Status of an answer.
    status: u16,
    /// Length of the head itself.
    pub(crate) bytes: usize,
    /// Length of the body behind it.
    pub(crate) body_bytes: usize,
}

impl Head {
    /// The head of an answer; `None` when more of it must be read.
    fn parse(buffer: &[u8]) -> io::Result<Option<Self>> {
        let Some(head) = Self::parse_lengths(buffer)? else { return Ok(None) };
        let status = buffer
            .get(9..12)
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| digits.parse().ok())
            .ok_or_else(|| invalid("no status"))?;
        Ok(Some(Self { status, ..head }))
    }

    /// The lengths that a head tells; the status is left 0.
    pub(crate) fn parse_lengths(buffer: &[u8]) -> io::Result<Option<Self>> {
        let Some(end) = buffer.windows(4).position(|bytes| bytes == b"\r\n\r\n") else {
            return Ok(None);
        };
        let mut body_bytes = 0;
        for line in buffer[..end].split(|&byte| byte == b'\n').skip(1) {
            let Some(colon) = line.iter().position(|&byte| byte == b':') else { continue };
            let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
            if name.eq_ignore_ascii_case(b"content-length") {
                body_bytes = std::str::from_utf8(value)
                    .ok()
                    .and_then(|digits| digits.parse().ok())
                    .ok_or_else(|| invalid("a length that is none"))?;
            } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
                return Err(invalid("a body without a length"));
            }
        }
        Ok(Some(Self { status: 0, bytes: end + 4, body_bytes }))
    }
}

fn invalid(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("the other side sent {what}"))
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    #[test]
    fn a_head_is_read_once_it_is_whole() {
        let head = b"HTTP/1.1 503 Service Unavailable\r\ncontent-Length: 12\r\nx: y\r\n\r\nabc";
        for length in 0..head.len() - 3 {
            assert_eq!(Head::parse(&head[..length]).unwrap(), None);
        }
        let parsed = Head::parse(head).unwrap().unwrap();
        assert_eq!(parsed, Head { status: 503, bytes: head.len() - 3, body_bytes: 12 });
        assert!(Head::parse(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").is_err());
    }

    #[tokio::test]
    async fn a_connection_is_kept_and_an_answer_may_come_in_pieces() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            for _ in 0..2 {
                let mut request = [0; 4];
                stream.read_exact(&mut request).await.unwrap();
                for piece in ["HTTP/1.1 200 OK\r\nContent-", "Length: 5\r\n\r\nhe", "llo"] {
                    stream.write_all(piece.as_bytes()).await.unwrap();
                    tokio::task::yield_now().await;
                }
            }
        });
        let mut connection = Connection::open(address).await.unwrap();
        for _ in 0..2 {
            assert_eq!(connection.exchange(b"ping").await.unwrap(), 200);
            assert_eq!(connection.body(), b"hello");
        }
        server.await.unwrap();
        assert!(connection.exchange(b"ping").await.is_err());
    }
}
