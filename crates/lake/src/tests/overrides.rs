//! Files that are written anew have the persons that their rows belong to by then.

use event::{Change, PersonId, TeamId};

use super::*;

fn person(number: u64) -> PersonId {
    PersonId(Uuid::from_u128(number.into()))
}

fn visit(number: u64) -> Row {
    let (person_id_high, person_id_low) = person(number).0.as_u64_pair();
    Row { person_id_high, person_id_low, team_id: 2, ..rows_at(NOON, 1).remove(0) }
}

fn moved(old: u64, new: u64, version: i64) -> Row {
    let change = Change::Override {
        team: TeamId(2),
        old_person_id: person(old),
        person_id: person(new),
        version,
    };
    change.into_row(Timestamp::from_micros(NOON))
}

/// The persons in files as they are, of rows in journal order.
fn persons(lake: &TestLake) -> Vec<u128> {
    let mut found = Vec::new();
    for file in lake.files() {
        let rows = read(&file);
        let offsets = rows.column_by_name("journal_offset").unwrap().as_primitive::<Int64Type>();
        let ids = rows.column_by_name("person_id").unwrap().as_string::<i32>();
        let id = |row| ids.value(row).parse::<Uuid>().unwrap().as_u128();
        found.extend((0..rows.num_rows()).map(|row| (offsets.value(row), id(row))));
    }
    found.sort_unstable();
    found.into_iter().map(|(_, person)| person).collect()
}

#[tokio::test]
async fn plain_files_count_merged_persons_as_one_once_they_are_merged() {
    let mut lake = TestLake::open().await;
    for number in [1, 2, 3, 9] {
        lake.write(vec![visit(number)]).await;
        lake.flush().await;
    }
    // 1 becomes 2, and both become 3; the row of 1 in another project is nobody's business.
    lake.write(vec![moved(1, 2, 1)]).await;
    lake.write(vec![moved(1, 3, 2), moved(2, 3, 1), Row { team_id: 5, ..visit(1) }]).await;
    lake.flush().await;
    assert_eq!(persons(&lake), [1, 2, 3, 9, 1]);
    while lake.lake.compact_once().await.unwrap() {}
    assert_eq!(persons(&lake), [3, 3, 3, 9, 1]);
    // Rows that come late keep the override that they need, and so do further merges of persons.
    lake.write(vec![visit(1), moved(3, 9, 1), moved(2, 9, 2), moved(1, 9, 3)]).await;
    lake.flush().await;
    while lake.lake.compact_once().await.unwrap() {}
    assert_eq!(persons(&lake), [9, 9, 9, 9, 1, 9]);
    lake.restart().await;
    assert_eq!(lake.lake.row_count(), 6 + 3, "the newest override of each, and every visit");
}
