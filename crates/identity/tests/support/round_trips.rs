//! A way to PostgreSQL on which answers are held back until all that is asked at once was asked.
//!
//! Whoever waits for an answer in the middle waits for ever: so what passes is one round trip for each
//! `COMMIT`.

use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex};
use std::thread;

use tempfile::TempDir;

/// Ends whatever is asked at once.
const END: &[u8] = b"COMMIT\0";
const BEGIN: &[u8] = b"BEGIN ISOLATION";

#[derive(Default)]
struct Gate {
    /// Whether a transaction was begun and not ended.
    is_asking: bool,
    ended: usize,
}

/// A way to PostgreSQL.
pub(crate) struct RoundTrips {
    pub(crate) folder: TempDir,
    gate: Arc<(Mutex<Gate>, Condvar)>,
}

impl RoundTrips {
    pub(crate) fn to(socket: &Path) -> Self {
        let folder = TempDir::with_prefix("hogflare-way-").unwrap();
        let listener = UnixListener::bind(folder.path().join(".s.PGSQL.5432")).unwrap();
        let gate: Arc<(Mutex<Gate>, Condvar)> = Arc::default();
        let (socket, shared) = (socket.to_owned(), Arc::clone(&gate));
        thread::spawn(move || {
            for client in listener.incoming() {
                let (client, server) = (client.unwrap(), UnixStream::connect(&socket).unwrap());
                let gate = Arc::clone(&shared);
                let ends = (client.try_clone().unwrap(), server.try_clone().unwrap());
                thread::spawn(move || ask(ends.0, ends.1, &gate));
                let gate = Arc::clone(&shared);
                thread::spawn(move || answer(server, client, &gate));
            }
        });
        Self { folder, gate }
    }

    /// How many there were.
    pub(crate) fn count(&self) -> usize {
        self.gate.0.lock().unwrap().ended
    }
}

fn ask(mut client: UnixStream, mut server: UnixStream, gate: &(Mutex<Gate>, Condvar)) {
    let (mut buffer, mut seen) = (vec![0; 1 << 16], Vec::new());
    while let Ok(length @ 1..) = client.read(&mut buffer) {
        seen.extend_from_slice(&buffer[..length]);
        {
            let mut gate = gate.0.lock().unwrap();
            let count = |what: &[u8]| seen.windows(what.len()).filter(|part| *part == what).count();
            gate.is_asking = count(BEGIN) > count(END);
            gate.ended = count(END);
        }
        gate.1.notify_all();
        if server.write_all(&buffer[..length]).is_err() {
            return;
        }
    }
}

fn answer(mut server: UnixStream, mut client: UnixStream, gate: &(Mutex<Gate>, Condvar)) {
    let mut buffer = vec![0; 1 << 16];
    while let Ok(length @ 1..) = server.read(&mut buffer) {
        drop(gate.1.wait_while(gate.0.lock().unwrap(), |gate| gate.is_asking).unwrap());
        if client.write_all(&buffer[..length]).is_err() {
            return;
        }
    }
}
