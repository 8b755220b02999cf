//! Writes a lake in which persons were merged, for tests of readers that are not ours, and prints as
//! JSON what they should find: how many events, how many persons have them now, and how many persons
//! there are.
//!
//! `merged_persons <folder>`

use std::error::Error;
use std::path::Path;
use std::time::Duration;

use event::{Change, PersonId, Row, TeamId, Timestamp, Token, encode_row};
use hogflare_lake::{Lake, LakeSink, Options};
use journal::{JournalId, Offset, Record};
use sink::Sink;
use uuid::Uuid;

const TEAM: TeamId = TeamId(2);
const NOON: i64 = 1_760_000_000_000_000;
const DAY: i64 = 86_400_000_000;

/// Visitors, each with a person of its own at first.
const VISITORS: usize = 900;
/// So many of them turn out to be one user, again and again.
const VISITORS_OF_A_USER: usize = 9;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args().nth(1).ok_or("expected a folder")?;
    let journal_id = JournalId::from_uuid(Uuid::from_u128(7));
    // No grace, so that all files are merged at once.
    let options = Options { grace: Duration::ZERO, ..Options::new(journal_id) };
    let (lake, sink) = Lake::open(Path::new(&folder), options).await?;
    let mut writer = Writer { sink, end: Offset::ZERO };
    let rows = (0..VISITORS).flat_map(|visitor| [event(visitor, 0), created(visitor)]);
    writer.commit(rows.collect()).await?;
    // One by one the visitors of a user become the next one's person: the first is moved eight times.
    for step in 1..VISITORS_OF_A_USER {
        let users = (0..VISITORS).step_by(VISITORS_OF_A_USER);
        let rows = users.flat_map(|user| merge(user, step)).collect();
        writer.commit(rows).await?;
    }
    // Rows that come late, with the person of long ago.
    writer.commit((0..VISITORS).map(|visitor| event(visitor, 3)).collect()).await?;
    while lake.compact_once().await? {}
    lake.project_metadata().await?;
    let users = VISITORS / VISITORS_OF_A_USER;
    println!(r#"{{"events": {}, "merged": {users}, "persons": {users}}}"#, 2 * VISITORS);
    Ok(())
}

struct Writer {
    sink: LakeSink,
    end: Offset,
}

impl Writer {
    async fn commit(&mut self, rows: Vec<Row>) -> Result<(), Box<dyn Error>> {
        let mut payload = Vec::new();
        rows.iter().for_each(|row| encode_row(row, &mut payload));
        let record =
            Record { first: self.end, rows: u32::try_from(rows.len())?, payload: payload.into() };
        self.end = record.end();
        self.sink.write(vec![record]).await?;
        self.sink.flush().await?;
        Ok(())
    }
}

fn distinct_id(visitor: usize) -> String {
    format!("visitor {visitor}")
}

fn person(visitor: usize) -> PersonId {
    let distinct_id = event::DistinctId::new(distinct_id(visitor));
    PersonId::of_first_distinct_id(TEAM, &Token::new("phc_a"), &distinct_id)
}

fn event(visitor: usize, days_later: i64) -> Row {
    let (person_id_high, person_id_low) = person(visitor).0.as_u64_pair();
    Row {
        uuid_low: visitor as u64,
        event: "visit".to_owned(),
        distinct_id: distinct_id(visitor),
        timestamp_micros: NOON + days_later * DAY,
        created_at_micros: NOON + days_later * DAY,
        team_id: TEAM.0,
        token: "phc_a".to_owned(),
        person_id_high,
        person_id_low,
        properties: "{}".to_owned(),
        ..Row::default()
    }
}

fn created(visitor: usize) -> Row {
    saved(visitor, 0, false)
}

fn saved(visitor: usize, version: i64, is_deleted: bool) -> Row {
    let change = Change::Person {
        team: TEAM,
        id: person(visitor),
        version,
        created_at: Timestamp::from_micros(NOON),
        is_identified: version > 0,
        last_seen_at: None,
        properties: format!(r#"{{"version":{version}}}"#),
        is_deleted,
    };
    change.into_row(Timestamp::from_micros(NOON))
}

/// The person of a user's visitors so far becomes that of the next visitor.
fn merge(user: usize, step: usize) -> Vec<Row> {
    let (old, kept, version) = (user + step - 1, user + step, i64::try_from(step).unwrap_or(0));
    let moved = (user..kept).map(|visitor| Change::Override {
        team: TEAM,
        old_person_id: person(visitor),
        person_id: person(kept),
        version,
    });
    let mut rows: Vec<Row> =
        moved.map(|change| change.into_row(Timestamp::from_micros(NOON))).collect();
    rows.extend([saved(old, version + 1, true), saved(kept, version, false)]);
    rows
}
