//! Requests made ahead, so that making and compressing them costs nothing while it counts.

use std::fmt;
use std::io::Write;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::case::Case;
use crate::events::Composer;

/// How much to make.
#[derive(Clone, Debug)]
pub(crate) struct Preparation {
    /// Events of all requests.
    pub(crate) events: u64,
    /// Bytes of all requests; fewer are made where this is not enough.
    pub(crate) most_bytes: usize,
    /// How many people events are about; without it most are about somebody new.
    pub(crate) persons: Option<u32>,
    /// Level of gzip.
    pub(crate) gzip_level: u32,
}

/// Requests of one case, ready to be written to a socket. Runs against different servers may send
/// the same ones; one server gets each once.
#[derive(Debug)]
pub(crate) struct Requests {
    case: Case,
    shards: Vec<Shard>,
    took: Duration,
}

/// What one thread made: requests one behind the other.
#[derive(Debug, Default)]
struct Shard {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Requests {
    /// Makes requests, on as many threads as there are cores.
    pub(crate) fn prepare(case: Case, preparation: &Preparation) -> Self {
        let started = Instant::now();
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let count =
            usize::try_from(preparation.events.div_ceil(case.events())).unwrap_or(usize::MAX);
        let shards = Mutex::new(Vec::new());
        std::thread::scope(|scope| {
            for thread in 0..threads {
                let shards = &shards;
                scope.spawn(move || {
                    let share = count / threads + usize::from(thread < count % threads);
                    let most_bytes = preparation.most_bytes / threads;
                    let mut composer = Composer::new(thread as u64, preparation.persons);
                    let make = || request(case, &composer.body(case), preparation.gzip_level);
                    let shard = Shard::fill(share, most_bytes, make);
                    shards.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).push(shard);
                });
            }
        });
        let shards = shards.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner());
        Self { case, shards, took: started.elapsed() }
    }

    /// What the requests are.
    pub(crate) fn case(&self) -> Case {
        self.case
    }

    /// The request of this number, `None` behind the last.
    pub(crate) fn get(&self, mut number: usize) -> Option<&[u8]> {
        for shard in &self.shards {
            match shard.ends.len() {
                len if number < len => return Some(shard.get(number)),
                len => number -= len,
            }
        }
        None
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.shards.iter().map(|shard| shard.ends.len()).sum()
    }

    fn bytes(&self) -> usize {
        self.shards.iter().map(|shard| shard.bytes.len()).sum()
    }
}

impl fmt::Display for Requests {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (count, bytes) = (self.count(), self.bytes());
        let events = count as u64 * self.case.events();
        let (mean, mib) = (bytes / count.max(1), bytes >> 20);
        let seconds = self.took.as_secs_f64();
        write!(
            f,
            "{events} events in {count} requests of {mean} B, {mib} MiB, made in {seconds:.1} s"
        )
    }
}

impl Shard {
    fn fill(count: usize, most_bytes: usize, mut make: impl FnMut() -> Vec<u8>) -> Self {
        let mut shard = Self::default();
        while shard.ends.len() < count && shard.bytes.len() < most_bytes {
            shard.bytes.append(&mut make());
            shard.ends.push(shard.bytes.len());
        }
        shard
    }

    fn get(&self, index: usize) -> &[u8] {
        let start = if index == 0 { 0 } else { self.ends[index - 1] };
        &self.bytes[start..self.ends[index]]
    }
}

/// Head and body.
fn request(case: Case, json: &str, gzip_level: u32) -> Vec<u8> {
    let body = match case.is_gzip() {
        true => gzip(json.as_bytes(), gzip_level),
        false => json.as_bytes().to_vec(),
    };
    let (path, headers, length) = (case.path(), case.headers(), body.len());
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{headers}Content-Length: {length}\r\n\r\n"
    );
    [head.into_bytes(), body].concat()
}

fn gzip(bytes: &[u8], level: u32) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::new(level));
    encoder.write_all(bytes).expect("a Vec grows");
    encoder.finish().expect("a Vec grows")
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    fn prepared(case: Case, events: u64, most_bytes: usize) -> Requests {
        Requests::prepare(case, &Preparation { events, most_bytes, persons: None, gzip_level: 1 })
    }

    #[test]
    fn every_request_is_there_once_and_whole() {
        let requests = prepared(Case::Browser20, 205, 1 << 20);
        assert_eq!(requests.count(), 11);
        for number in 0..11 {
            let request = requests.get(number).unwrap();
            let body = request.windows(4).position(|end| end == b"\r\n\r\n").unwrap() + 4;
            let mut json = String::new();
            flate2::read::GzDecoder::new(&request[body..]).read_to_string(&mut json).unwrap();
            assert!(request.starts_with(b"POST /e/ HTTP/1.1\r\n"));
            assert_eq!(json.matches("\"uuid\":").count(), 20);
        }
        assert!(requests.get(11).is_none());
    }

    #[test]
    fn memory_is_bounded() {
        let requests = prepared(Case::Single, 1_000_000, 100_000);
        assert!(requests.bytes() < 120_000);
        assert!(requests.count() > 100);
    }
}
