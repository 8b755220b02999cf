//! Tables that keep the latest: merges drop what was superseded, and never the newest.

use event::{Change, PersonId, TeamId};

use super::projection::{assert_metadata_shows, metadata_of};
use super::*;

/// Things of one kind in these tests; rows of the same number, but for so many, are of one key.
const KEYS: u64 = 7;

/// A row of a table that keeps the latest, by its number; its version is the time.
pub(super) fn row(table: event::Table, number: u64, at: i64) -> Row {
    let (team, key) = (TeamId((number % 2) as i64), number % KEYS);
    let person = |number: u64| PersonId(Uuid::from_u128(number.into()));
    let change = match table {
        event::Table::Persons => Change::Person {
            team,
            id: person(key),
            version: at,
            created_at: Timestamp::from_micros(NOON),
            is_identified: key.is_multiple_of(2),
            last_seen_at: key.is_multiple_of(3).then(|| Timestamp::from_micros(at)),
            properties: format!(r#"{{"n":{number}}}"#),
            is_deleted: number.is_multiple_of(5),
        },
        event::Table::PersonDistinctIds => Change::DistinctId {
            team,
            distinct_id: format!("user {key}"),
            person_id: person(number),
            version: at,
            is_deleted: number.is_multiple_of(5),
        },
        event::Table::PersonOverrides => Change::Override {
            team,
            old_person_id: person(key),
            person_id: person(100 + number),
            version: at,
        },
        event::Table::Groups => Change::Group {
            team,
            type_index: (number % 3) as i64,
            key: format!("acme {key}"),
            created_at: Timestamp::from_micros(NOON),
            properties: format!(r#"{{"n":{number}}}"#),
            version: at,
            is_deleted: number.is_multiple_of(5),
        },
        _ => Change::GroupType { team, index: key as i64, name: format!("type {number}") },
    };
    change.into_row(Timestamp::from_micros(at))
}

/// What the row is a version of, and which.
fn key_of(row: &Row) -> (String, i64) {
    match Change::of_row(row).unwrap() {
        Change::Person { team, id, version, .. } => (format!("{team:?} {id:?}"), version),
        Change::DistinctId { team, distinct_id, version, .. } => {
            (format!("{team:?} {distinct_id}"), version)
        }
        Change::Override { team, old_person_id, version, .. } => {
            (format!("{team:?} {old_person_id:?}"), version)
        }
        Change::Group { team, type_index, key, version, .. } => {
            (format!("{team:?} {type_index} {key}"), version)
        }
        Change::GroupType { team, index, .. } => {
            (format!("{team:?} {index}"), row.created_at_micros)
        }
    }
}

/// Of all versions written a table has some, each once, and of each key the latest.
pub(super) fn assert_latest(table: &Table, found: &[u64], written: &[(u64, Row)]) {
    let name = table.name();
    assert!(found.is_sorted_by(|left, right| left < right), "{name}: {found:?}");
    let written: BTreeMap<u64, (String, i64)> =
        written.iter().map(|(offset, row)| (*offset, key_of(row))).collect();
    let mut newest: BTreeMap<&str, i64> = BTreeMap::new();
    for (key, version) in written.values() {
        let newest = newest.entry(key).or_insert(*version);
        *newest = *version.max(newest);
    }
    let mut found_newest: BTreeMap<&str, i64> = BTreeMap::new();
    for offset in found {
        let (key, version) = &written[offset];
        let newest = found_newest.entry(key).or_insert(*version);
        *newest = *version.max(newest);
    }
    assert_eq!(found_newest, newest, "{name}");
}

fn tables() -> impl Iterator<Item = event::Table> {
    event::Table::ALL.into_iter().filter(|table| table.keeps_latest())
}

/// Writes eight files of each table, `count` rows each, versions growing or falling with time.
async fn with_eight_files(count: u64, version: impl Fn(i64) -> i64) -> TestLake {
    let mut lake = TestLake::open().await;
    for file in 0..8 {
        for table in tables() {
            let at = |number: u64| NOON + version((file * count + number) as i64);
            lake.write((0..count).map(|number| row(table, number, at(number))).collect()).await;
        }
        lake.flush().await;
    }
    lake
}

#[tokio::test]
async fn a_merge_keeps_one_row_a_key_the_one_of_the_highest_version() {
    // Growing by a day each, since versions of a key come on any day; and falling, as they lie.
    for step in [DAY_MICROS, -1] {
        let lake = with_eight_files(100, |number| number * step).await;
        let keys = |table: event::Table| match table {
            // The number's remainders by 2, 3 and 7 make the key.
            event::Table::Groups => 42,
            _ => 14,
        };
        for table in tables() {
            assert_eq!(offsets_in(&lake.lake.version(), Table::of(table)).len(), 800);
        }
        while lake.lake.compact_once().await.unwrap() {}
        for table in tables() {
            let files = lake.lake.version().files(Table::of(table)).to_vec();
            assert_eq!(files.len(), 1, "{table:?}");
            assert_eq!(files[0].rows, keys(table), "{table:?}");
        }
        lake.assert_whole();
        lake.lake.project_metadata().await.unwrap();
        assert_metadata_shows(&lake).await;
    }
}

/// Inputs larger than what is read of them at a time, so that versions meet across reads.
#[tokio::test]
async fn a_merge_of_many_rows_keeps_one_row_a_key() {
    let lake = with_eight_files(6_000, |number| number / 3).await;
    while lake.lake.compact_once().await.unwrap() {}
    let files = lake.lake.version().files(Table::of(event::Table::Persons)).to_vec();
    assert_eq!(files.iter().map(|file| file.rows).collect::<Vec<_>>(), [14]);
    lake.assert_whole();
}

#[tokio::test]
async fn a_deletion_stays_since_it_may_hide_rows_elsewhere() {
    let mut lake = TestLake::open().await;
    for number in 0..8 {
        let changes = (0..2).map(|version| row(event::Table::Persons, 0, NOON + number + version));
        lake.write(changes.collect()).await;
        lake.flush().await;
    }
    assert!(lake.lake.compact_once().await.unwrap());
    let rows = everything(&lake.lake.version(), Table::of(event::Table::Persons));
    let column = |name| rows.column_by_name(name).unwrap().as_primitive::<Int64Type>().value(0);
    assert_eq!((rows.num_rows(), column("is_deleted"), column("version")), (1, 1, NOON + 8));
}

#[tokio::test]
async fn files_are_sorted_by_key_and_version_and_lie_in_no_day() {
    let mut lake = TestLake::open().await;
    let groups = Table::of(event::Table::Groups);
    let at = |number: u64| NOON + (number as i64 * 7_919 % 100) * DAY_MICROS;
    lake.write((0..200).map(|number| row(event::Table::Groups, number, at(number))).collect())
        .await;
    lake.flush().await;
    lake.lake.project_metadata().await.unwrap();
    let files = lake.lake.version().files(groups).to_vec();
    assert_eq!((files.len(), files[0].day), (1, None));
    let rows = read(&files[0]);
    let number = |name| rows.column_by_name(name).unwrap().as_primitive::<Int64Type>().values();
    let keys = rows.column_by_name("group_key").unwrap().as_string::<i32>();
    assert!((0..rows.num_rows()).is_sorted_by_key(|row| {
        let (team, index) = (number("team_id")[row], number("group_type_index")[row]);
        (team, index, keys.value(row), number("version")[row])
    }));
    let metadata = metadata_of(&lake, groups);
    assert!(metadata.default_partition_spec().is_unpartitioned());
    assert_eq!(metadata.partition_specs_iter().count(), 1);
    assert_eq!(metadata.default_sort_order().fields.len(), 4);
}
