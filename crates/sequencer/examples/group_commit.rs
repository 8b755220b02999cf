//! Prints what an event costs on the sequencer's thread, on a real disk.
//!
//! `cargo run --release -p hogflare-sequencer --example group_commit -- [directory] [properties bytes]`
//!
//! Linux only, since it reads the CPU time of threads from `/proc`. A throwaway directory is used
//! and removed.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use event::{DistinctId, Event, TeamId, Timestamp, Token, UuidOrigin};
use hogflare_sequencer::{Handle, Options, Submitted, start};
use identity::{Settings, Store, StoreOptions};
use journal::{Fs, Journal, RealFs};
use uuid::Uuid;

const TASKS: usize = 64;
const SUBMISSIONS_OF_A_TASK: usize = 150;
const EVENTS_OF_A_SUBMISSION: usize = 100;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let parent = arguments.next().map_or_else(std::env::temp_dir, PathBuf::from);
    let properties_bytes = arguments.next().map_or(Ok(800), |bytes| bytes.parse())?;
    let directory = parent.join(format!("sequencer-throughput-{}", std::process::id()));
    let measured = measure(&directory, properties_bytes);
    fs::remove_dir_all(&directory)?;
    measured
}

fn measure(directory: &Path, properties_bytes: usize) -> Result<(), Box<dyn Error>> {
    let files: Arc<dyn Fs> = Arc::new(RealFs);
    fs::create_dir_all(directory)?;
    let (writer, journal) =
        Journal::open(Arc::clone(&files), &directory.join("journal"), journal::Options::default())?;
    let persons = Store::open(
        &directory.join("state.db"),
        journal.id().as_uuid(),
        Settings::default(),
        StoreOptions::default(),
    )?;
    let dedup_dir = directory.join("dedup");
    let (handle, guard) =
        start(writer, journal, files, &dedup_dir, Box::new(persons), Options::default())?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let started = Instant::now();
    let properties = format!(r#"{{"text":"{}"}}"#, "x".repeat(properties_bytes));
    let appended = runtime.block_on(run_tasks(&handle, &properties));
    let elapsed = started.elapsed();
    let window = handle.dedup_window();
    println!(
        "{appended} events in {elapsed:.2?}: {:.0}/s",
        appended as f64 / elapsed.as_secs_f64()
    );
    for thread in ["sequencer-event", "sequencer-dedup"] {
        let cpu = cpu_time(thread)?;
        println!("{thread}: {} ns of CPU an event", cpu.as_nanos() / u128::from(appended.max(1)));
    }
    println!("dedup: {} keys, at most {} bytes", window.keys, window.peak_memory_bytes);
    guard.stop()?;
    Ok(())
}

async fn run_tasks(handle: &Handle, properties: &str) -> u64 {
    let task = || tokio::spawn(run_task(handle.clone(), properties.to_owned()));
    let tasks: Vec<_> = (0..TASKS).map(|_| task()).collect();
    let mut appended = 0;
    for task in tasks {
        appended += task.await.unwrap_or_default();
    }
    appended
}

async fn run_task(handle: Handle, properties: String) -> u64 {
    let mut appended = 0;
    for _ in 0..SUBMISSIONS_OF_A_TASK {
        let events = (0..EVENTS_OF_A_SUBMISSION).map(|_| event(&properties)).collect();
        match handle.submit(events).await {
            Ok(receipt) => appended += u64::from(receipt.appended),
            Err(rejected) => eprintln!("{rejected}"),
        }
    }
    appended
}

fn event(properties: &str) -> Submitted {
    let now = Timestamp::now();
    let event = Event {
        uuid: Uuid::new_v4(),
        uuid_origin: UuidOrigin::Client,
        token: Token::new("phc_throughput"),
        event: "$pageview".to_owned(),
        distinct_id: DistinctId::new("0190a6a5-7c1d-7b3e-8f00-000000000000"),
        timestamp: now,
        created_at: now,
        sent_at: None,
        properties: properties.to_owned(),
        set: None,
        set_once: None,
        group_set: None,
        elements_chain: String::new(),
        session_id: None,
        window_id: None,
        process_person_profile: true,
        cookieless: false,
        has_place: false,
        keeps_persons: false,
        context: None,
        extra: None,
        table: Default::default(),
        reason: None,
    };
    Submitted { event, team: TeamId(1) }
}

/// The CPU time of this process's thread of that name.
fn cpu_time(name: &str) -> Result<Duration, Box<dyn Error>> {
    for task in fs::read_dir("/proc/self/task")? {
        let task = task?.path();
        if fs::read_to_string(task.join("comm"))?.trim() == name {
            let statistics = fs::read_to_string(task.join("schedstat"))?;
            let nanos = statistics.split(' ').next().unwrap_or_default().parse()?;
            return Ok(Duration::from_nanos(nanos));
        }
    }
    Err(format!("there is no thread {name}").into())
}
