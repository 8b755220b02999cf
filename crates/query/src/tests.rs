//! What SQL says of persons: the latest of each, and events with the person they belong to now.

use std::collections::{BTreeMap, BTreeSet};

use event::{
    Change, Erasure, ErasureKind, PersonId, Pseudonym, Row, TeamId, Timestamp, encode_row,
};
use futures::StreamExt;
use journal::{JournalId, Offset, Record};
use lake::{Lake, LakeSink, Options};
use sink::Sink;
use tempfile::TempDir;
use uuid::Uuid;

use crate::kept::Question;
use crate::{Engine, Format, Limits};

const JOURNAL: JournalId = JournalId::from_uuid(Uuid::from_u128(7));
const NOON: i64 = 1_700_000_000_000_000;
const TEAM: TeamId = TeamId(2);

struct Asked {
    _dir: TempDir,
    lake: Lake,
    engine: Engine,
    sink: LakeSink,
    end: u64,
}

impl Asked {
    async fn open() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (lake, sink) = Lake::open(dir.path(), Options::new(JOURNAL)).await.unwrap();
        let engine = Engine::new(lake.clone(), Limits::default()).unwrap();
        Self { _dir: dir, lake, engine, sink, end: 0 }
    }

    async fn write(&mut self, rows: Vec<Row>) {
        let mut payload = Vec::new();
        rows.iter().for_each(|row| encode_row(row, &mut payload));
        let (first, rows) = (Offset::new(self.end), rows.len() as u32);
        self.sink.write(vec![Record { first, rows, payload: payload.into() }]).await.unwrap();
        self.end += u64::from(rows);
    }

    async fn change(&mut self, changes: impl IntoIterator<Item = Change>) {
        let row = |change: Change| change.into_row(Timestamp::from_micros(NOON));
        self.write(changes.into_iter().map(row).collect()).await;
    }

    async fn commit(&mut self) {
        self.sink.flush().await.unwrap();
    }

    /// The answer as CSV without its first line.
    async fn ask(&self, sql: &str) -> Vec<String> {
        let answer = self.engine.answer(sql, Format::Csv).await.unwrap();
        String::from_utf8(answer).unwrap().lines().skip(1).map(str::to_owned).collect()
    }

    /// Likewise, as it is sent; nothing where it fails.
    async fn written(&self, sql: &str) -> Vec<String> {
        let mut text = Vec::new();
        if let Ok(mut written) = self.engine.write(sql, Format::Csv).await {
            while let Some(piece) = written.next().await {
                text.extend(piece.unwrap());
            }
        }
        String::from_utf8(text).unwrap().lines().skip(1).map(str::to_owned).collect()
    }

    /// The plan as it is run.
    async fn plan(&self, sql: &str) -> String {
        self.ask(&format!("EXPLAIN {sql}")).await.join("\n")
    }
}

fn person(number: u128) -> PersonId {
    PersonId(Uuid::from_u128(number))
}

fn id(number: u128) -> String {
    Uuid::from_u128(number).to_string()
}

fn event(number: usize, team: TeamId, of: u128) -> Row {
    let (person_id_high, person_id_low) = Uuid::from_u128(of).as_u64_pair();
    Row {
        event: format!("event {number}"),
        token: "phc_a".into(),
        properties: "{}".into(),
        timestamp_micros: NOON + number as i64,
        team_id: team.0,
        person_id_high,
        person_id_low,
        ..Row::default()
    }
}

fn events_of(persons: &[u128]) -> Vec<Row> {
    persons.iter().enumerate().map(|(number, &of)| event(number, TEAM, of)).collect()
}

fn moved(old: u128, to: u128, version: i64) -> Change {
    Change::Override { team: TEAM, old_person_id: person(old), person_id: person(to), version }
}

fn saved(number: u128, version: i64, plan: &str, is_deleted: bool) -> Change {
    Change::Person {
        team: TEAM,
        id: person(number),
        version,
        created_at: Timestamp::from_micros(NOON),
        is_identified: false,
        last_seen_at: None,
        properties: format!(r#"{{"plan":"{plan}"}}"#),
        is_deleted,
    }
}

const PERSONS: &str = "SELECT id, version, properties->>'plan' FROM persons ORDER BY id";

#[tokio::test]
async fn the_latest_version_of_each_person_is_shown_and_no_deleted_one() {
    let mut asked = Asked::open().await;
    asked.change([saved(1, 0, "free", false), saved(2, 0, "free", false)]).await;
    asked.commit().await;
    asked.change([saved(1, 2, "pro", false), saved(3, 0, "free", false)]).await;
    asked.commit().await;
    // Rows may lie in any order; the version alone counts.
    asked.change([saved(1, 1, "trial", false), saved(2, 1, "free", true)]).await;
    let expected = [format!("{},2,pro", id(1)), format!("{},0,free", id(3))];
    assert_eq!(asked.ask(PERSONS).await, expected);
    assert_eq!(asked.ask("SELECT count(*) FROM persons_raw").await, ["6"]);
    let one = format!("SELECT version FROM persons WHERE id = '{}'", id(1));
    assert_eq!(asked.ask(&one).await, ["2"]);
    let former = "SELECT id FROM persons WHERE properties->>'plan' = 'trial'";
    assert!(asked.ask(former).await.is_empty(), "an older version is not found by what it said");
    let version = "SELECT id FROM persons WHERE version < 2 ORDER BY id";
    assert_eq!(asked.ask(version).await, [id(3)]);
}

#[tokio::test]
async fn a_merge_of_files_changes_no_answer() {
    let mut asked = Asked::open().await;
    for version in 0..8 {
        let changes = (0..50).map(|number| saved(number, version, "pro", number % 7 == 0));
        asked.change(changes.chain([moved(60, 61 + version as u128, version)])).await;
        asked.commit().await;
    }
    asked.write(events_of(&[60])).await;
    let questions = [PERSONS, "SELECT count(*) FROM persons", "SELECT person_id FROM events"];
    let mut before = Vec::new();
    for question in questions {
        before.push(asked.ask(question).await);
    }
    while asked.lake.compact_once().await.unwrap() {}
    assert_eq!(asked.ask("SELECT count(*) FROM persons_raw").await, ["50"]);
    for (question, before) in questions.into_iter().zip(before) {
        assert_eq!(asked.ask(question).await, before, "{question}");
    }
    assert_eq!(asked.ask("SELECT person_id FROM events").await, [id(68)]);
}

#[tokio::test]
async fn every_table_of_persons_and_groups_shows_the_latest() {
    let mut asked = Asked::open().await;
    let distinct_id = |version, to, is_deleted| Change::DistinctId {
        team: TEAM,
        distinct_id: "user".into(),
        person_id: person(to),
        version,
        is_deleted,
    };
    let group = |version, properties: &str| Change::Group {
        team: TEAM,
        type_index: 1,
        key: "acme".into(),
        created_at: Timestamp::from_micros(NOON),
        properties: properties.into(),
        version,
        is_deleted: false,
    };
    let name = |name: &str| Change::GroupType { team: TEAM, index: 1, name: name.into() };
    asked.change([distinct_id(0, 1, false), distinct_id(1, 2, false)]).await;
    asked.change([group(2, r#"{"n":2}"#), group(1, r#"{"n":1}"#), name("company")]).await;
    asked.change([moved(1, 2, 1), moved(1, 3, 2)]).await;
    let ids = "SELECT distinct_id, person_id FROM person_distinct_ids";
    assert_eq!(asked.ask(ids).await, [format!("user,{}", id(2))]);
    let overrides = "SELECT old_person_id, person_id FROM person_overrides";
    assert_eq!(asked.ask(overrides).await, [format!("{},{}", id(1), id(3))]);
    let groups = "SELECT group_key, group_properties->>'n', group_type FROM groups
                  JOIN group_types USING (team_id, group_type_index)";
    assert_eq!(asked.ask(groups).await, ["acme,2,company"]);
    asked.change([distinct_id(2, 2, true)]).await;
    assert!(asked.ask(ids).await.is_empty());
}

#[tokio::test]
async fn events_have_the_person_they_belong_to_now() {
    let mut asked = Asked::open().await;
    asked.write(events_of(&[1, 2, 3, 9])).await;
    asked.commit().await;
    let persons = "SELECT person_id FROM events ORDER BY timestamp";
    assert_eq!(asked.ask(persons).await, [1, 2, 3, 9].map(id));
    asked.change([moved(1, 2, 1)]).await;
    assert_eq!(asked.ask(persons).await, [2, 2, 3, 9].map(id), "from the tail");
    asked.commit().await;
    assert_eq!(asked.ask(persons).await, [2, 2, 3, 9].map(id), "from a file");
    // The second merge names the earlier id again, so that nobody follows a chain.
    asked.change([moved(2, 3, 1), moved(1, 3, 2)]).await;
    assert_eq!(asked.ask(persons).await, [3, 3, 3, 9].map(id));
    asked.commit().await;
    asked.write(events_of(&[1])).await;
    assert_eq!(asked.ask("SELECT count(DISTINCT person_id) FROM events").await, ["2"]);
    let raw = "SELECT person_id FROM events_raw ORDER BY timestamp, journal_offset";
    assert_eq!(asked.ask(raw).await, [1, 1, 2, 3, 9].map(id), "the table has what was written");
    asked.change([moved(1, 1, 3)]).await;
    assert_eq!(asked.ask(persons).await, [1, 1, 3, 3, 9].map(id), "it is a person again");
}

#[tokio::test]
async fn another_projects_persons_are_left_alone() {
    let mut asked = Asked::open().await;
    asked.write(vec![event(0, TEAM, 1), event(1, TeamId(3), 1)]).await;
    asked.change([moved(1, 2, 1)]).await;
    let persons = "SELECT team_id, person_id FROM events ORDER BY team_id";
    assert_eq!(asked.ask(persons).await, [format!("2,{}", id(2)), format!("3,{}", id(1))]);
}

#[tokio::test]
async fn filters_see_the_present_person() {
    let mut asked = Asked::open().await;
    asked.write(events_of(&[1, 2, 3])).await;
    asked.commit().await;
    asked.write(events_of(&[1, 2, 3])).await;
    asked.change([moved(1, 2, 1)]).await;
    let counts = [(1, "0"), (2, "4"), (3, "2")];
    for (number, count) in counts {
        let of = format!("SELECT count(*) FROM events WHERE person_id = '{}'", id(number));
        assert_eq!(asked.ask(&of).await, [count], "{number}");
        let grouped = format!(
            "SELECT count(*) FROM (SELECT person_id FROM events
             WHERE event <> 'x' GROUP BY person_id) WHERE person_id = '{}'",
            id(number)
        );
        let expected = if count == "0" { "0" } else { "1" };
        assert_eq!(asked.ask(&grouped).await, [expected], "{number}");
    }
    let joined = "SELECT count(*) FROM events JOIN person_overrides o USING (person_id)";
    assert_eq!(asked.ask(joined).await, ["4"]);
}

#[tokio::test]
async fn who_does_not_ask_for_persons_does_not_pay_for_them() {
    let mut asked = Asked::open().await;
    asked.write(events_of(&[1, 2, 3])).await;
    asked.commit().await;
    let persons = "SELECT person_id FROM events WHERE event = 'event 1' LIMIT 1";
    assert!(!asked.plan(persons).await.contains("merged_person"), "there are no overrides");
    asked.change([moved(1, 2, 1)]).await;
    let plan = asked.plan(persons).await;
    assert!(plan.contains("merged_person"), "{plan}");
    assert!(plan.contains("predicate=event@"), "the filter reaches the files: {plan}");
    let others = "SELECT count(*), max(event) FROM events WHERE timestamp > '2020-01-01'";
    let plan = asked.plan(others).await;
    assert!(!plan.contains("merged_person") && !plan.contains("person_id"), "{plan}");
    assert!(plan.contains("predicate=timestamp@"), "{plan}");
}

#[tokio::test]
async fn a_query_sees_events_and_overrides_of_one_moment() {
    let mut asked = Asked::open().await;
    asked.write(events_of(&[1])).await;
    asked.commit().await;
    let begun = asked.engine.query("SELECT person_id FROM events").await.unwrap();
    asked.change([moved(1, 2, 1)]).await;
    asked.commit().await;
    assert_eq!(asked.ask("SELECT person_id FROM events").await, [id(2)]);
    let batches = begun.collect().await.unwrap();
    let found = arrow::util::pretty::pretty_format_batches(&batches).unwrap().to_string();
    assert!(found.contains(&id(1)), "{found}");
}

/// Merges at random, and an obvious account of them.
#[tokio::test]
async fn distinct_persons_count_as_a_plain_account_of_the_merges_says() {
    let mut asked = Asked::open().await;
    let mut now: BTreeMap<u128, u128> = (0..40).map(|number| (number, number)).collect();
    let mut seed = 7_u64;
    let mut random = |below: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        u128::from((seed >> 33) % below)
    };
    asked.write(events_of(&(0..40).collect::<Vec<_>>())).await;
    for version in 1..25 {
        let (from, to) = (now[&random(40)], now[&random(40)]);
        let all: Vec<u128> =
            now.iter().filter(|(_, person)| **person == from).map(|(id, _)| *id).collect();
        asked.change(all.iter().map(|old| moved(*old, to, version))).await;
        now.extend(all.into_iter().map(|old| (old, to)));
        if version % 2 == 0 {
            asked.commit().await;
        }
        if version % 6 == 0 {
            asked.lake.compact_once().await.unwrap();
        }
        let expected: Vec<String> = now.values().map(|person| id(*person)).collect();
        let found = asked.ask("SELECT person_id FROM events ORDER BY timestamp").await;
        assert_eq!(found, expected, "after {version} merges");
    }
}

/// Many rows in files and in the tail, in no order, so that versions of a key meet across batches.
#[tokio::test]
async fn the_latest_of_many_rows_is_what_a_plain_account_says() {
    let mut asked = Asked::open().await;
    let mut newest: BTreeMap<u128, i64> = BTreeMap::new();
    for part in 0..4_u64 {
        let number = |n: u64| u128::from((n * 7_919 + part * 31) % 9_000);
        let version = |n: u64| (n as i64 * 104_729 + part as i64 * 13) % 1_000;
        let rows: Vec<_> = (0..20_000).map(|n| (number(n), version(n))).collect();
        for (number, version) in &rows {
            let newest = newest.entry(*number).or_insert(*version);
            *newest = *version.max(newest);
        }
        let is_gone = |version: i64| version % 10 == 0;
        asked.change(rows.into_iter().map(|(n, v)| saved(n, v, "pro", is_gone(v)))).await;
        if part < 3 {
            asked.commit().await;
        }
    }
    let there: Vec<_> = newest.iter().filter(|(_, version)| **version % 10 != 0).collect();
    assert!(there.len() < newest.len() && there.len() > 1_000);
    let expected: Vec<_> =
        there.iter().map(|(n, version)| format!("{},{version}", id(**n))).collect();
    assert_eq!(asked.ask("SELECT id, version FROM persons ORDER BY id").await, expected);
    let versions: i64 = there.iter().map(|(_, version)| **version).sum();
    let sums = format!("{},{versions}", there.len());
    assert_eq!(asked.ask("SELECT count(*), sum(version) FROM persons").await, [sums]);
    let (first, version) = there[7];
    let one =
        format!("SELECT version, properties->>'plan' FROM persons WHERE id = '{}'", id(*first));
    assert_eq!(asked.ask(&one).await, [format!("{version},pro")]);
    assert!(asked.plan(&one).await.contains("predicate=id@"), "a key skips what cannot have it");
    assert_eq!(asked.ask("SELECT is_deleted FROM persons LIMIT 3").await, ["0"; 3]);
    let joined =
        "SELECT count(*) FROM persons a JOIN persons b ON a.id = b.id AND b.version >= 500";
    let half = there.iter().filter(|(_, version)| **version >= 500).count();
    assert_eq!(asked.ask(joined).await, [half.to_string()]);
}

#[tokio::test]
async fn only_the_tail_is_sorted() {
    let mut asked = Asked::open().await;
    for version in 0..2 {
        asked.change((0..10).map(|number| saved(number, version, "pro", false))).await;
        asked.commit().await;
    }
    let persons = "SELECT count(*) FROM persons";
    let plan = asked.plan(persons).await;
    assert!(plan.contains("LatestRows") && !plan.contains("SortExec"), "{plan}");
    asked.change([saved(1, 5, "pro", false)]).await;
    assert_eq!(asked.plan(persons).await.matches("SortExec").count(), 1);
    assert_eq!(asked.ask(persons).await, ["10"]);
}

/// The erasure of these distinct ids.
fn erasure(distinct_ids: &[&str], pseudonym: Option<&str>) -> Row {
    let kind = match pseudonym {
        None => ErasureKind::Delete,
        Some(name) => ErasureKind::Anonymize(Pseudonym {
            distinct_id: name.to_owned(),
            person_id: person(1 << 90),
        }),
    };
    let erasure = Erasure {
        id: Uuid::new_v4(),
        team: TEAM,
        tokens: Vec::new(),
        kind,
        distinct_ids: distinct_ids.iter().map(|&id| id.to_owned()).collect(),
        person_ids: vec![person(0)],
        requested_at: Timestamp::from_micros(NOON),
        recordings_end: None,
    };
    erasure.into_row()
}

/// Three events of each of Jane and Joe.
fn events_of_both() -> Vec<Row> {
    let row = |number: usize| Row {
        distinct_id: ["jane", "joe"][number % 2].into(),
        properties: format!(r#"{{"$browser":"Firefox","plan":"pro","n":{number}}}"#),
        ..event(number, TEAM, (number % 2) as u128)
    };
    (0..6).map(row).collect()
}

#[tokio::test]
async fn who_is_deleted_is_in_no_answer_as_soon_as_the_lake_has_read_it() {
    let mut asked = Asked::open().await;
    asked.write(events_of_both()).await;
    asked.commit().await;
    asked.write(events_of_both()).await;
    let questions = [
        ("SELECT count(*) FROM events", "6"),
        ("SELECT count(*) FROM events WHERE distinct_id = 'jane'", "0"),
        ("SELECT count(distinct person_id) FROM events_raw", "1"),
        ("SELECT max(properties->>'n') FROM events", "5"),
        ("SELECT event FROM events WHERE event IN ('event 0', 'event 1') LIMIT 1", "event 1"),
        ("SELECT distinct_id FROM events ORDER BY timestamp LIMIT 1", "joe"),
    ];
    asked.write(vec![erasure(&["jane"], None)]).await;
    for station in ["in the tail", "committed", "erased"] {
        for (question, answer) in questions {
            assert_eq!(asked.ask(question).await, [answer], "{question} {station}");
        }
        match station {
            "in the tail" => asked.commit().await,
            _ => while asked.lake.erase_once().await.unwrap() {},
        }
    }
}

#[tokio::test]
async fn who_is_anonymous_counts_under_the_pseudonym_as_soon_as_the_lake_has_read_it() {
    let mut asked = Asked::open().await;
    asked.write(events_of_both()).await;
    asked.commit().await;
    let pseudonym = id(1 << 90);
    let questions = [
        ("SELECT count(*) FROM events", "6"),
        ("SELECT count(*) FROM events WHERE distinct_id = 'jane'", "0"),
        // Within the file no distinct id is as large.
        ("SELECT count(*) FROM events WHERE distinct_id = 'zorro'", "3"),
        ("SELECT count(distinct person_id) FROM events", "2"),
        ("SELECT person_id FROM events WHERE distinct_id = 'zorro' LIMIT 1", pseudonym.as_str()),
        ("SELECT count(*) FROM events WHERE properties->>'plan' = 'pro'", "3"),
        ("SELECT count(browser) FROM events", "6"),
    ];
    asked.write(vec![erasure(&["jane"], Some("zorro"))]).await;
    for station in ["in the tail", "committed", "erased"] {
        for (question, answer) in questions {
            assert_eq!(asked.ask(question).await, [answer], "{question} {station}");
        }
        match station {
            "in the tail" => asked.commit().await,
            _ => while asked.lake.erase_once().await.unwrap() {},
        }
    }
}

#[tokio::test]
async fn persons_are_erased_where_no_row_says_that_they_are_gone() {
    let mut asked = Asked::open().await;
    for version in 0..2 {
        asked.change([saved(0, version, "pro", false), saved(1, version, "free", false)]).await;
        asked.commit().await;
    }
    asked.change([saved(0, 2, "pro", false), saved(1, 2, "pro", false)]).await;
    asked.write(vec![erasure(&["jane"], Some("zorro"))]).await;
    let expected = [format!("{},2,pro", id(1))];
    for station in ["in the tail", "committed", "erased"] {
        assert_eq!(asked.ask(PERSONS).await, expected, "{station}");
        assert_eq!(asked.ask("SELECT count(*) FROM persons").await, ["1"], "{station}");
        let one = format!("SELECT properties->>'plan' FROM persons WHERE id = '{}'", id(0));
        assert!(asked.ask(&one).await.is_empty(), "{station}");
        match station {
            "in the tail" => asked.commit().await,
            "committed" => {
                let plan = asked.plan("SELECT count(*) FROM persons").await;
                assert!(plan.contains("ErasedRows") && !plan.contains("SortExec"), "{plan}");
                while asked.lake.erase_once().await.unwrap() {}
            }
            _ => {}
        }
    }
}

#[tokio::test]
async fn files_are_searched_for_whoever_became_the_person() {
    let mut asked = Asked::open().await;
    asked.write(events_of(&[1, 2, 3, 4])).await;
    asked.commit().await;
    asked.change([moved(1, 3, 1), moved(2, 3, 2)]).await;
    let of_one = format!("SELECT event FROM events WHERE person_id = '{}' ORDER BY event", id(3));
    assert_eq!(asked.ask(&of_one).await, ["event 0", "event 1", "event 2"]);
    let plan = asked.plan(&of_one).await;
    for (number, is_searched) in [(1, true), (2, true), (3, true), (4, false)] {
        let in_files = plan.split("predicate=").nth(1).unwrap();
        assert_eq!(in_files.contains(&id(number)), is_searched, "{number}: {plan}");
    }
    let nobody = "SELECT count(*) FROM events WHERE person_id = 'nobody'";
    assert_eq!(asked.ask(nobody).await, ["0"]);
    let not = format!("SELECT event FROM events WHERE person_id <> '{}'", id(3));
    assert_eq!(asked.ask(&not).await, ["event 3"]);
}

/// Rows of this many days, the newest committed first, some of them in no file.
async fn of_days(days: i64) -> Asked {
    let mut asked = Asked::open().await;
    let day = |day: i64| {
        let micros = |number: usize| NOON + day * 86_400_000_000 + (number as i64 * 7_919) % 1_000;
        let row = |number: usize| Row {
            event: format!("{day} {number}"),
            timestamp_micros: micros(number),
            properties: format!(r#"{{"n":{number}}}"#),
            ..event(number, TEAM, number as u128 % 5 + 1)
        };
        (0..40).map(row).collect::<Vec<_>>()
    };
    for number in (0..days).rev() {
        asked.write(day(number)).await;
        if number % 3 != 0 {
            asked.commit().await;
        }
    }
    asked
}

#[tokio::test]
async fn the_latest_rows_are_found_in_whatever_file_they_are() {
    let asked = of_days(7).await;
    let all = "SELECT event, properties->>'n' AS n FROM events_raw";
    for (filter, limit) in [
        ("", 5),
        ("", 100),
        ("WHERE timestamp < '2023-11-17T00:00:00Z'", 45),
        ("WHERE person_id = '00000000-0000-0000-0000-000000000003'", 12),
        ("WHERE person_id = '00000000-0000-0000-0000-000000000003' AND properties->>'n' = '2'", 3),
        ("WHERE event IN ('6 1', '2 9')", 9),
    ] {
        let latest = format!("{all} {filter} ORDER BY timestamp DESC, event LIMIT {limit}");
        // A function of the time that no file knows a range of.
        let plainly = format!(
            "{all} {} ORDER BY epoch_us(timestamp) DESC, event LIMIT {limit}",
            filter.replace("timestamp <", "timestamp + INTERVAL '0 seconds' <")
        );
        let found = asked.ask(&latest).await;
        assert!(!found.is_empty(), "{filter}");
        assert_eq!(found, asked.ask(&plainly).await, "{latest}");
    }
}

#[tokio::test]
async fn files_beside_the_times_that_are_asked_for_are_not_opened() {
    let mut asked = of_days(6).await;
    asked.commit().await;
    let analyzed = |sql: &str| format!("EXPLAIN ANALYZE {sql}");
    let one_day = "SELECT event FROM events WHERE timestamp >= '2023-11-16T00:00:00Z'
                   AND timestamp < '2023-11-17T00:00:00Z'";
    let plan = asked.ask(&analyzed(one_day)).await.join("\n");
    let pruned = "files_ranges_pruned_statistics=";
    let counted = plan.split(pruned).nth(1).unwrap_or_else(|| panic!("{plan}"));
    assert!(counted.starts_with("6 total → 1 matched"), "{counted}");
}

#[tokio::test]
async fn whoever_reads_one_project_sees_nothing_of_another() {
    let mut asked = Asked::open().await;
    let other = TeamId(3);
    asked.write(vec![event(0, TEAM, 1), event(1, other, 2), event(2, TeamId(0), 3)]).await;
    asked.change([saved(1, 0, "free", false)]).await;
    asked.commit().await;
    asked.write(vec![event(3, other, 2)]).await;
    let all = asked.engine.clone();
    let names = all.answer("SHOW TABLES", Format::Csv).await.unwrap();
    let names = String::from_utf8(names).unwrap();
    let names = names
        .lines()
        .filter_map(|line| line.split(',').nth(2).filter(|_| line.contains("default")));
    let names: Vec<String> = names.map(str::to_owned).collect();
    assert!(names.len() > 12, "{names:?}");

    asked.engine = all.of_projects([other.0]);
    assert_eq!(asked.ask("SELECT event FROM events ORDER BY 1").await, ["event 1", "event 3"]);
    assert_eq!(asked.ask("SELECT count(*) FROM persons").await, ["0"]);
    for table in &names {
        let of_others = format!("SELECT count(*) FROM {table} WHERE team_id <> 3");
        assert_eq!(asked.ask(&of_others).await, ["0"], "{table}");
        let in_all = format!("SELECT count(*) FROM hogflare.default.{table} WHERE team_id <> 3");
        assert_eq!(asked.ask(&in_all).await, ["0"], "{table}");
    }
    asked.engine = all.of_projects([TEAM.0, other.0]);
    assert_eq!(asked.ask("SELECT count(*) FROM events").await, ["3"]);
    asked.engine = all.of_projects([]);
    assert_eq!(asked.ask("SELECT count(*) FROM events").await, ["0"]);
    asked.engine = all;
    assert_eq!(asked.ask("SELECT count(*) FROM events").await, ["4"]);
}

#[tokio::test]
async fn an_answer_is_kept_until_something_comes() {
    let mut asked = Asked::open().await;
    asked.write(events_of(&[1, 2])).await;
    let count = "SELECT count(*) FROM events";
    let is_kept = |asked: &Asked, sql: &str, teams: Option<&BTreeSet<i64>>| {
        let question = Question::sql(sql, Format::Csv, teams);
        asked.engine.kept().get(asked.lake.version().number(), &question).is_some()
    };
    assert!(!is_kept(&asked, count, None));
    assert_eq!(asked.written(count).await, ["2"]);
    assert!(is_kept(&asked, count, None));
    assert_eq!(asked.written(count).await, ["2"]);
    // Another project's answer is another one.
    let all = asked.engine.clone();
    asked.engine = all.of_projects([5]);
    assert_eq!(asked.written(count).await, ["0"]);
    assert!(is_kept(&asked, count, Some(&BTreeSet::from([5]))));
    asked.engine = all;
    // The tail alone makes it another version, and so does a commit.
    asked.write(events_of(&[3])).await;
    assert!(!is_kept(&asked, count, None));
    assert_eq!(asked.written(count).await, ["3"]);
    asked.commit().await;
    assert!(!is_kept(&asked, count, None));
    assert_eq!(asked.written(count).await, ["3"]);
    for passing in [
        "SELECT now()",
        "SELECT count(*) FROM events WHERE timestamp < now()",
        "SELECT 1 WHERE 1 < (SELECT count(*) FROM events WHERE random() < 2)",
        "EXPLAIN ANALYZE SELECT 1",
        "SELECT nothing",
    ] {
        asked.written(passing).await;
        assert!(!is_kept(&asked, passing, None), "{passing}");
    }
}
