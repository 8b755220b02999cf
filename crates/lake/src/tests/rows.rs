//! Rows come back from files as they went into the journal.

use arrow::array::{Array, ArrayRef};
use arrow::util::display::array_value_to_string;
use event::{ChangeFields, PersonMode, Promoted, StoredRow, Value};

use super::*;

/// Rows with every column set, with none, and with what is hard to store.
fn rows_of_every_kind() -> Vec<Row> {
    let full = Row {
        uuid_high: 0x0195_0000_0000_7000,
        uuid_low: 0x8000_0000_0000_0001,
        event: "purchase".into(),
        distinct_id: "Jürgen \u{1F980}".into(),
        timestamp_micros: NOON,
        created_at_micros: NOON + 1,
        team_id: 42,
        token: "phc_a".into(),
        person_id_high: 1,
        person_id_low: 2,
        person_mode: PersonMode::Propertyless.into(),
        person_created_at_micros: Some(NOON - 5),
        person_properties: Some(r#"{"plan":"pro"}"#.into()),
        properties: r#"{"$current_url":"https:\/\/x.y\/?a=\u00e9","$host":"x.y","$browser":"Chrome",
            "$browser_version":129.0,"$screen_width":1280.9,"$screen_height":"900","$ip":"::1",
            "$os":{"a":"misfit"},"utm_source":null,"big":"#
            .to_owned() + &format!("\"{}\"}}", "x".repeat(100_000)),
        elements_chain: "a:href=\"/\"".into(),
        groups: vec!["acme".into(), String::new(), "eu".into()],
        group_properties: Some("{}".into()),
        session_id: Some("s".into()),
        window_id: Some(String::new()),
        context: Some("[1]".into()),
        extra: Some("null".into()),
        sent_at_micros: Some(-1),
        set: None,
        set_once: None,
        table_number: 0,
        reason: None,
        change: Some(Box::new(ChangeFields {
            version: i64::MAX,
            is_deleted: true,
            is_identified: true,
            since_micros: i64::MIN,
            last_seen_at_micros: Some(-1),
            old_person_id_high: 3,
            old_person_id_low: 4,
            group_type_index: 4,
            group: "Jürgen \u{1F980}".into(),
        })),
        erasure: None,
    };
    let far = |timestamp_micros| Row { timestamp_micros, ..full.clone() };
    let broken = Row { properties: "not JSON".into(), person_mode: 99, ..full.clone() };
    let nothing = Row::default();
    let kinds = [full.clone(), nothing, broken, far(i64::MIN), far(i64::MAX), far(-1), far(0)];
    let of_table = |table: event::Table| kinds.clone().map(|row| of(table, row));
    event::Table::ALL.into_iter().flat_map(of_table).collect()
}

fn of(table: event::Table, row: Row) -> Row {
    let change = row.change.or_else(|| table.keeps_latest().then(Box::default));
    Row { table_number: table.into(), created_at_micros: row.timestamp_micros, change, ..row }
}

#[tokio::test]
async fn rows_of_every_kind_come_back_from_files() {
    let mut lake = TestLake::open().await;
    let rows = rows_of_every_kind();
    lake.write(rows.clone()).await;
    assert_rows(&lake, &rows);
    lake.flush().await;
    assert_rows(&lake, &rows);
    lake.restart().await;
    assert_rows(&lake, &rows);
}

/// Compares columns with what the descriptions of the tables say of the rows.
fn assert_rows(lake: &TestLake, rows: &[Row]) {
    lake.assert_whole();
    for table in event::Table::ALL {
        let found = everything(&lake.lake.version(), Table::of(table));
        assert_eq!(found.num_rows(), rows.len() / event::Table::ALL.len(), "{table:?}");
        assert_table(table, &found, rows);
    }
}

fn assert_table(table: event::Table, found: &RecordBatch, rows: &[Row]) {
    let offsets = found.column_by_name("journal_offset").unwrap().as_primitive::<Int64Type>();
    for (at, &offset) in offsets.values().iter().enumerate() {
        let row = &rows[offset as usize];
        let promoted = Promoted::of(&row.properties);
        let journal_id = JOURNAL.as_uuid();
        let stored =
            StoredRow { row, promoted: &promoted, journal_id, journal_offset: offset as u64 };
        for (column, array) in table.columns().iter().zip(found.columns()) {
            assert_eq!(text_of(array, at), expected((column.value)(stored)), "{}", column.name);
        }
    }
}

fn expected(value: Value<'_>) -> Option<String> {
    match value {
        Value::Null => None,
        Value::Text(text) => Some(text.into_owned()),
        Value::Uuid(uuid) => Some(uuid.to_string()),
        Value::Integer(number) | Value::Timestamp(number) => Some(number.to_string()),
    }
}

fn text_of(array: &ArrayRef, at: usize) -> Option<String> {
    use arrow::datatypes::TimestampMicrosecondType;
    if array.is_null(at) {
        return None;
    }
    match array.as_primitive_opt::<TimestampMicrosecondType>() {
        Some(timestamps) => Some(timestamps.value(at).to_string()),
        None => Some(array_value_to_string(array, at).unwrap()),
    }
}

#[tokio::test]
async fn files_are_sorted_by_token_event_and_timestamp() {
    let mut lake = TestLake::open().await;
    for _ in 0..8 {
        lake.write(rows_at(NOON, 500)).await;
        lake.flush().await;
    }
    assert!(lake.lake.compact_once().await.unwrap());
    let rows = read(&lake.files()[0]);
    assert_eq!(rows.num_rows(), 4_000);
    let key = |row| {
        let text = |name| rows.column_by_name(name).unwrap().as_string::<i32>().value(row);
        (text("token"), text("event"), events().times(&rows)[row])
    };
    assert!((0..rows.num_rows()).is_sorted_by_key(key));
}

#[tokio::test]
async fn a_record_that_cannot_be_decoded_stops_the_sink() {
    let mut lake = TestLake::open().await;
    let mut cut = record(Offset::ZERO, &rows_at(NOON, 3));
    cut.payload.truncate(cut.payload.len() - 1);
    let error = lake.sink.write(vec![cut]).await.unwrap_err();
    assert_eq!(error.retry, sink::Retry::Paused);
    let mut short = record(Offset::ZERO, &rows_at(NOON, 3));
    short.rows = 4;
    assert!(lake.sink.write(vec![short]).await.is_err());
    assert_eq!(lake.lake.row_count(), 0);
}
