//! temp
use std::hint::black_box;
use std::time::Instant;
use bytes::Bytes;
use hogflare_capture::{Lane, Request, Settings, Unbounded, decode_events};
use event::Timestamp;
use http::HeaderMap;
#[global_allocator]
static A: mimalloc::MiMalloc = mimalloc::MiMalloc;
fn main() {
    for path in std::env::args().skip(1) {
        let raw = std::fs::read(&path).unwrap();
        let nl = raw.iter().position(|b| *b == b'\n').unwrap();
        let head = String::from_utf8(raw[..nl].to_vec()).unwrap();
        let parts: Vec<&str> = head.split('\t').collect();
        let (p, q) = parts[1].split_once('?').map_or((parts[1], None), |(a, b)| (a, Some(b)));
        let events: usize = parts[2].parse().unwrap();
        let mut headers = HeaderMap::new();
        for h in &parts[3..] { let (n, v) = h.split_once(": ").unwrap(); headers.insert(n.parse::<http::HeaderName>().unwrap(), v.parse().unwrap()); }
        let mut bodies = vec![];
        let mut rest = &raw[nl + 1..];
        while !rest.is_empty() {
            let n = usize::from_str_radix(std::str::from_utf8(&rest[..8]).unwrap(), 16).unwrap();
            bodies.push(Bytes::copy_from_slice(&rest[8..8 + n]));
            rest = &rest[8 + n..];
        }
        let settings = Settings::default();
        let reps = (20_000 / (events * bodies.len())).max(1);
        let mut best = f64::MAX;
        for _ in 0..9 {
            let t = Instant::now();
            for _ in 0..reps {
                for b in &bodies {
                    let r = Request { lane: if p.starts_with("/batch") { Lane::Batch } else { Lane::Capture }, path: p, query: q, headers: &headers, body: b.clone(), received_at: Timestamp::from_millis(1_717_800_000_000), client_ip: Some([203, 0, 113, 7].into()) };
                    black_box(decode_events(&r, &settings, &mut Unbounded).unwrap());
                }
            }
            best = best.min(t.elapsed().as_secs_f64());
        }
        println!("{:40} {:.2} µs/event", path.rsplit('/').next().unwrap(), best * 1e6 / (reps * bodies.len() * events) as f64);
    }
}
