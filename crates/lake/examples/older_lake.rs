//! Writes a lake as a version of this program would that knew fewer columns, for tests of what becomes of it.
//!
//! `older_lake <folder> <events> <column>…`

use std::error::Error;
use std::path::Path;
use std::time::Duration;

use event::{Row, encode_row};
use hogflare_lake::{Lake, Options, forget_columns};
use journal::{JournalId, Offset, Record};
use sink::Sink;
use uuid::Uuid;

const NOON: i64 = 1_760_000_000_000_000;
const DAY: i64 = 86_400_000_000;
const DAYS: u64 = 4;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().ok_or("expected a folder")?;
    let events: u64 = arguments.next().ok_or("expected a number of events")?.parse()?;
    forget_columns(arguments.map(|name| &*name.leak()).collect());
    let journal_id = JournalId::from_uuid(Uuid::from_u128(7));
    let options = Options { grace: Duration::from_hours(1), ..Options::new(journal_id) };
    let (lake, mut sink) = Lake::open(Path::new(&folder), options).await?;
    let rows: Vec<Row> = (0..events).map(event).collect();
    let mut end = Offset::ZERO;
    for some in rows.chunks(rows.len().div_ceil(3).max(1)) {
        let mut payload = Vec::new();
        some.iter().for_each(|row| encode_row(row, &mut payload));
        let rows = u32::try_from(some.len())?;
        let record = Record { first: end, rows, payload: payload.into() };
        end = record.end();
        sink.write(vec![record]).await?;
        sink.flush().await?;
    }
    lake.project_metadata().await?;
    Ok(())
}

fn event(number: u64) -> Row {
    let browser = ["Chrome", "Firefox", "Safari"][number as usize % 3];
    let width = [1_280, 1_920][number as usize % 2];
    Row {
        uuid_low: number + 1,
        event: "$pageview".into(),
        token: "phc_a".into(),
        team_id: 1,
        distinct_id: format!("user {}", number % 50),
        person_id_low: number % 50 + 1,
        timestamp_micros: NOON + (number % DAYS) as i64 * DAY + number as i64,
        created_at_micros: NOON + number as i64,
        properties: format!(r#"{{"$browser":"{browser}","$screen_width":{width},"n":{number}}}"#),
        ..Row::default()
    }
}
