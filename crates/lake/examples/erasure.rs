//! Measures how long it takes to erase one person from a large lake, and how much memory.
//!
//! `erasure <folder> <thousands of rows> [delete|anonymize]`
//!
//! Events of thirty days, a thousand of each user, come in the order of time, are committed and merged
//! as they would be, then one user is erased. Prints what it took as JSON.

use std::error::Error;
use std::path::Path;
use std::time::{Duration, Instant};

use event::{Erasure, ErasureKind, PersonId, Pseudonym, Row, TeamId, Timestamp, encode_row};
use hogflare_lake::{Lake, LakeSink, Options, Table};
use journal::{JournalId, Offset, Record};
use sink::Sink;
use uuid::Uuid;

const TEAM: TeamId = TeamId(2);
const FIRST: i64 = 1_760_000_000_000_000;
const DAYS_MICROS: i64 = 30 * 86_400_000_000;
/// Rows of a record.
const RECORD_ROWS: u64 = 5_000;
/// Rows of a commit.
const COMMIT_ROWS: u64 = 100_000;
/// Rows of a user.
const USER_ROWS: u64 = 1_000;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, thousands, ..] = arguments.as_slice() else {
        return Err("expected a folder and how many thousand rows".into());
    };
    let rows = thousands.parse::<u64>()? * USER_ROWS;
    let options = Options {
        grace: Duration::ZERO,
        tail_bytes: 512 << 20,
        ..Options::new(JournalId::from_uuid(Uuid::from_u128(7)))
    };
    let (lake, sink) = Lake::open(Path::new(folder), options).await?;
    let mut writer = Writer { sink, end: Offset::ZERO };
    for first in (0..rows).step_by(usize::try_from(RECORD_ROWS)?) {
        writer
            .write((first..first + RECORD_ROWS).map(|number| event(number, rows)).collect())
            .await?;
        if (first + RECORD_ROWS).is_multiple_of(COMMIT_ROWS) {
            writer.sink.flush().await?;
            while lake.compact_once().await? {}
        }
    }
    lake.project_metadata().await?;
    let events = Table::of(event::Table::Events);
    let files = lake.version().files(events).len();
    let bytes: u64 = lake.version().files(events).iter().map(|file| file.bytes).sum();
    let before = peak_kib()?;

    let is_anonymize = arguments.get(2).is_some_and(|kind| kind == "anonymize");
    writer.write(vec![erasure(is_anonymize)]).await?;
    writer.sink.flush().await?;
    let started = Instant::now();
    while lake.erase_once().await? {}
    let pass = started.elapsed();
    let started = Instant::now();
    lake.project_metadata().await?;
    let projection = started.elapsed();
    let progress = lake.erasures().await?.pop().ok_or("no erasure was read")?;
    println!(
        r#"{{"rows": {rows}, "files": {files}, "bytes": {bytes}, "pass_seconds": {:.1}, "projection_seconds": {:.2}, "peak_kib_before": {before}, "peak_kib": {}, "erased": "{:?}"}}"#,
        pass.as_secs_f64(),
        projection.as_secs_f64(),
        peak_kib()?,
        progress.rows,
    );
    Ok(())
}

struct Writer {
    sink: LakeSink,
    end: Offset,
}

impl Writer {
    async fn write(&mut self, rows: Vec<Row>) -> Result<(), Box<dyn Error>> {
        let mut payload = Vec::new();
        rows.iter().for_each(|row| encode_row(row, &mut payload));
        let record =
            Record { first: self.end, rows: u32::try_from(rows.len())?, payload: payload.into() };
        self.end = record.end();
        self.sink.write(vec![record]).await?;
        Ok(())
    }
}

fn distinct_id(user: u64) -> String {
    format!("user-{user:08}@example.com")
}

fn event(number: u64, rows: u64) -> Row {
    // Users take turns, so that every file has rows of each; of the prime, each has as many.
    let user = number * 7_919 % (rows / USER_ROWS).max(1);
    let distinct_id = distinct_id(user);
    let (person_id_high, person_id_low) = PersonId::in_project(TEAM, &distinct_id).0.as_u64_pair();
    let micros = FIRST
        + i64::try_from(u128::from(number) * DAYS_MICROS as u128 / u128::from(rows)).unwrap_or(0);
    let page = number % 997;
    Row {
        uuid_high: number.wrapping_mul(0xd1b5_4a32_d192_ed03),
        uuid_low: number,
        event: ["$pageview", "$autocapture", "$pageleave", "purchase"][(number % 4) as usize]
            .into(),
        distinct_id,
        person_id_high,
        person_id_low,
        team_id: TEAM.0,
        token: "phc_a".into(),
        timestamp_micros: micros,
        created_at_micros: micros,
        session_id: Some(format!("0199-{:x}", number / 40)),
        properties: format!(
            r#"{{"$current_url":"https://shop.example.com/products/{page}?ref={number}","$host":"shop.example.com","$pathname":"/products/{page}","$browser":"Chrome","$browser_version":{},"$os":"Windows","$device_type":"Desktop","$screen_width":1920,"$screen_height":1080,"$lib":"web","$lib_version":"1.200.{}","$ip":"192.0.2.{}","$geoip_country_code":"DE","$session_id":"0199-{:x}","amount":{},"title":"Product number {page} of the shop"}}"#,
            100 + number % 30,
            number % 7,
            number % 250,
            number / 40,
            number % 1_000,
        ),
        ..Row::default()
    }
}

fn erasure(is_anonymize: bool) -> Row {
    let pseudonym = Pseudonym::of(Uuid::new_v4(), Uuid::new_v4());
    let erasure = Erasure {
        id: Uuid::now_v7(),
        team: TEAM,
        tokens: vec!["phc_a".to_owned()],
        kind: match is_anonymize {
            true => ErasureKind::Anonymize(pseudonym),
            false => ErasureKind::Delete,
        },
        distinct_ids: vec![distinct_id(7)],
        person_ids: vec![PersonId::in_project(TEAM, &distinct_id(7))],
        requested_at: Timestamp::from_micros(FIRST + DAYS_MICROS),
        recordings_end: None,
    };
    erasure.into_row()
}

/// The most memory that the process had so far.
fn peak_kib() -> Result<u64, Box<dyn Error>> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    Ok(line.ok_or("no VmHWM")?.trim().trim_end_matches(" kB").parse()?)
}
