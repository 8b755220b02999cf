//! The lake as the archive of the journal, for sinks that fell behind.

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{Int64Type, TimestampMicrosecondType};
use arrow::ipc::reader::StreamReader;
use async_trait::async_trait;
use event::{
    Change, ErasureFields, PersonId, PersonMode, Row, Table, TeamId, Timestamp, encode_row,
};
use journal::{JournalId, Offset, Record};
use sink::{Archive, Error};
use uuid::Uuid;

use crate::format::{plain, plain_schema};
use crate::{Engine, views};

/// Most rows fetched at a time.
const CHUNK_ROWS: usize = 2_000;
/// Bytes of properties fetched at a time, at least one row.
const CHUNK_BYTES: i64 = 4 << 20;

#[async_trait]
impl Archive for Engine {
    async fn end(&self, journal_id: JournalId) -> Result<Offset, Error> {
        Ok(self.source().version().cursor(journal_id).map_or(Offset::ZERO, |cursor| cursor.offset))
    }

    /// Rows as the journal had them, but for changes whose place later ones took. Of an erasure it is
    /// there that it was, and not who.
    async fn records(
        &self,
        journal_id: JournalId,
        from: Offset,
        end: Offset,
    ) -> Result<Vec<Record>, Error> {
        let from = format!("journal_id = '{journal_id}' AND journal_offset >= {from}");
        let places = self.rows_of(&places(&format!("{from} AND journal_offset < {end}"))).await?;
        let Some(last) = last_of_chunk(&places)? else {
            return Ok(Vec::new());
        };
        let mut records = Vec::new();
        for table in Table::ALL {
            let name = name_of(table);
            let rows = format!("SELECT * FROM {name} WHERE {from} AND journal_offset <= {last}");
            for batch in &self.rows_of(&rows).await? {
                append_records(table, batch, &mut records)?;
            }
        }
        records.sort_by_key(|record| record.first);
        Ok(records)
    }
}

impl Engine {
    async fn rows_of(&self, sql: &str) -> Result<Vec<RecordBatch>, Error> {
        let failed = |error: crate::Error| Error::transient(format!("reading the lake: {error}"));
        let rows = self.query(sql).await.map_err(failed)?.collect().await.map_err(failed)?;
        let plain = rows.iter().map(|rows| plain(rows, &plain_schema(&rows.schema())));
        plain.collect::<Result<_, _>>().map_err(|error| failed(error.into()))
    }
}

/// What the table itself is called in SQL.
fn name_of(table: Table) -> String {
    views::name_of(lake::Table::of(table))
}

/// The query for the next rows of all tables: where they are, and what they weigh.
fn places(range: &str) -> String {
    let of_table = |table: Table| {
        let bytes = match table {
            Table::Events | Table::Heatmaps | Table::Quarantine | Table::Persons => {
                "octet_length(properties)"
            }
            Table::Otel => "octet_length(body)",
            Table::Groups => "octet_length(group_properties)",
            _ => "0",
        };
        let name = name_of(table);
        format!("SELECT journal_offset, CAST({bytes} AS BIGINT) AS bytes FROM {name} WHERE {range}")
    };
    let all = Table::ALL.map(of_table).join(" UNION ALL ");
    format!("{all} ORDER BY journal_offset LIMIT {CHUNK_ROWS}")
}

/// The last of the offsets whose rows are fetched together, by the weights of those to come; `None`
/// when there are none.
fn last_of_chunk(places: &[RecordBatch]) -> Result<Option<i64>, Error> {
    let (mut last, mut bytes) = (None, 0);
    for batch in places {
        let columns = Columns(batch);
        for index in 0..batch.num_rows() {
            bytes += columns.integer("bytes", index)?.unwrap_or_default();
            if last.is_some() && bytes > CHUNK_BYTES {
                return Ok(last);
            }
            last = columns.integer("journal_offset", index)?.or(last);
        }
    }
    Ok(last)
}

/// A row as a record of its own.
fn record(row: &Row, offset: i64) -> Record {
    let mut payload = Vec::new();
    encode_row(row, &mut payload);
    let first = Offset::new(u64::try_from(offset).unwrap_or_default());
    Record { first, rows: 1, payload: payload.into() }
}

/// Appends a batch's rows, each as a record of its own.
fn append_records(
    table: Table,
    batch: &RecordBatch,
    records: &mut Vec<Record>,
) -> Result<(), Error> {
    let columns = Columns(batch);
    for index in 0..batch.num_rows() {
        let row = match table {
            Table::Events => columns.event(index)?,
            Table::Heatmaps | Table::Quarantine => columns.beside(table, index)?,
            Table::Otel => columns.resource(index)?,
            Table::Erasures => columns.erasure(index)?,
            _ => columns.change(table, index)?,
        };
        let offset = columns.integer("journal_offset", index)?.unwrap_or_default();
        records.push(record(&row, offset));
    }
    Ok(())
}

/// Reads an answer in the format `arrow` whose columns are all of `events_raw` as rows, each as a record of
/// its own, with the journal that it was in.
///
/// # Errors
/// When the answer is something else.
pub fn event_records(arrow: &[u8]) -> Result<Vec<(JournalId, Record)>, Error> {
    let misread = |error| Error::paused(format!("the answer is no Arrow stream: {error}"));
    let mut found = Vec::new();
    for batch in StreamReader::try_new(arrow, None).map_err(misread)? {
        let batch = batch.map_err(misread)?;
        let mut records = Vec::new();
        append_records(Table::Events, &batch, &mut records)?;
        for (index, record) in records.into_iter().enumerate() {
            let (high, low) = Columns(&batch).uuid("journal_id", index)?;
            found.push((JournalId::from_uuid(Uuid::from_u64_pair(high, low)), record));
        }
    }
    Ok(found)
}

/// Reads columns by name.
struct Columns<'a>(&'a RecordBatch);

impl Columns<'_> {
    /// The row of a change as the journal had it.
    fn change(&self, table: Table, index: usize) -> Result<Row, Error> {
        let team = TeamId(self.number("team_id", index)?);
        let change = match table {
            Table::Persons => Change::Person {
                team,
                id: self.person("id", index)?,
                version: self.number("version", index)?,
                created_at: self.moment("created_at", index)?,
                is_identified: self.number("is_identified", index)? != 0,
                last_seen_at: self.timestamp("last_seen_at", index)?.map(Timestamp::from_micros),
                properties: self.text("properties", index)?.unwrap_or_default(),
                is_deleted: self.number("is_deleted", index)? != 0,
            },
            Table::PersonDistinctIds => Change::DistinctId {
                team,
                distinct_id: self.text("distinct_id", index)?.unwrap_or_default(),
                person_id: self.person("person_id", index)?,
                version: self.number("version", index)?,
                is_deleted: self.number("is_deleted", index)? != 0,
            },
            Table::PersonOverrides => Change::Override {
                team,
                old_person_id: self.person("old_person_id", index)?,
                person_id: self.person("person_id", index)?,
                version: self.number("version", index)?,
            },
            Table::Groups => Change::Group {
                team,
                type_index: self.number("group_type_index", index)?,
                key: self.text("group_key", index)?.unwrap_or_default(),
                created_at: self.moment("created_at", index)?,
                properties: self.text("group_properties", index)?.unwrap_or_default(),
                version: self.number("version", index)?,
                is_deleted: self.number("is_deleted", index)? != 0,
            },
            _ => Change::GroupType {
                team,
                index: self.number("group_type_index", index)?,
                name: self.text("group_type", index)?.unwrap_or_default(),
            },
        };
        Ok(change.into_row(self.moment("changed_at", index)?))
    }

    /// The row of an event as the journal had it.
    fn event(&self, index: usize) -> Result<Row, Error> {
        let (uuid_high, uuid_low) = self.uuid("uuid", index)?;
        let (person_id_high, person_id_low) = self.uuid("person_id", index)?;
        let mode = match self.text("person_mode", index)?.as_deref() {
            Some("propertyless") => PersonMode::Propertyless,
            Some("force_upgrade") => PersonMode::ForceUpgrade,
            _ => PersonMode::Full,
        };
        let groups = (0..5).map(|number| self.text(&format!("group_{number}"), index));
        let groups: Vec<Option<String>> = groups.collect::<Result<_, _>>()?;
        let used = groups.iter().rposition(Option::is_some).map_or(0, |last| last + 1);
        Ok(Row {
            uuid_high,
            uuid_low,
            event: self.text("event", index)?.unwrap_or_default(),
            distinct_id: self.text("distinct_id", index)?.unwrap_or_default(),
            timestamp_micros: self.timestamp("timestamp", index)?.unwrap_or_default(),
            created_at_micros: self.timestamp("created_at", index)?.unwrap_or_default(),
            team_id: self.integer("team_id", index)?.unwrap_or_default(),
            token: self.text("token", index)?.unwrap_or_default(),
            person_id_high,
            person_id_low,
            person_mode: mode.into(),
            person_created_at_micros: self.timestamp("person_created_at", index)?,
            person_properties: self.text("person_properties", index)?,
            properties: self.text("properties", index)?.unwrap_or_default(),
            elements_chain: self.text("elements_chain", index)?.unwrap_or_default(),
            groups: groups.into_iter().take(used).map(Option::unwrap_or_default).collect(),
            group_properties: self.text("group_properties", index)?,
            session_id: self.text("session_id", index)?,
            window_id: self.text("window_id", index)?,
            context: self.text("context", index)?,
            extra: self.text("extra", index)?,
            sent_at_micros: self.timestamp("sent_at", index)?,
            // The lake has them merged, as `person_properties`.
            set: None,
            set_once: None,
            table_number: Table::Events.into(),
            reason: None,
            change: None,
            erasure: None,
        })
    }

    /// The row of what is kept beside the events, as the journal had it, as far as its table has it.
    fn beside(&self, table: Table, index: usize) -> Result<Row, Error> {
        let (uuid_high, uuid_low) = self.uuid("uuid", index)?;
        let row = Row {
            uuid_high,
            uuid_low,
            event: self.text("event", index)?.unwrap_or_default(),
            distinct_id: self.text("distinct_id", index)?.unwrap_or_default(),
            timestamp_micros: self.timestamp("timestamp", index)?.unwrap_or_default(),
            created_at_micros: self.timestamp("created_at", index)?.unwrap_or_default(),
            team_id: self.integer("team_id", index)?.unwrap_or_default(),
            token: self.text("token", index)?.unwrap_or_default(),
            properties: self.text("properties", index)?.unwrap_or_default(),
            table_number: table.into(),
            ..Row::default()
        };
        Ok(match table {
            Table::Quarantine => Row {
                reason: self.text("reason", index)?,
                set: self.text("set", index)?,
                set_once: self.text("set_once", index)?,
                context: self.text("context", index)?,
                extra: self.text("extra", index)?,
                ..row
            },
            _ => Row {
                session_id: self.text("session_id", index)?,
                window_id: self.text("window_id", index)?,
                ..row
            },
        })
    }

    /// The row of a resource of OpenTelemetry as the journal had it.
    fn resource(&self, index: usize) -> Result<Row, Error> {
        let (uuid_high, uuid_low) = self.uuid("uuid", index)?;
        Ok(Row {
            uuid_high,
            uuid_low,
            event: self.text("signal", index)?.unwrap_or_default(),
            created_at_micros: self.timestamp("received_at", index)?.unwrap_or_default(),
            team_id: self.integer("team_id", index)?.unwrap_or_default(),
            token: self.text("token", index)?.unwrap_or_default(),
            context: self.text("resource", index)?,
            properties: self.text("body", index)?.unwrap_or_default(),
            table_number: Table::Otel.into(),
            ..Row::default()
        })
    }

    /// The row of an erasure, of which nobody knows any more who it was.
    fn erasure(&self, index: usize) -> Result<Row, Error> {
        let (uuid_high, uuid_low) = self.uuid("id", index)?;
        let count = u16::try_from(self.number("distinct_ids", index)?).unwrap_or(u16::MAX);
        let fields = ErasureFields {
            is_anonymize: self.text("kind", index)?.as_deref() == Some("anonymize"),
            distinct_ids: vec![String::new(); count.into()],
            ..ErasureFields::default()
        };
        Ok(Row {
            uuid_high,
            uuid_low,
            created_at_micros: self.timestamp("requested_at", index)?.unwrap_or_default(),
            team_id: self.integer("team_id", index)?.unwrap_or_default(),
            table_number: Table::Erasures.into(),
            erasure: Some(Box::new(fields)),
            ..Row::default()
        })
    }

    fn text(&self, name: &str, index: usize) -> Result<Option<String>, Error> {
        let column = self.column(name)?;
        let text = column.as_string_opt::<i32>().ok_or_else(|| misread(name))?;
        Ok(column.is_valid(index).then(|| text.value(index).to_owned()))
    }

    fn integer(&self, name: &str, index: usize) -> Result<Option<i64>, Error> {
        let column = self.column(name)?;
        let numbers = column.as_primitive_opt::<Int64Type>().ok_or_else(|| misread(name))?;
        Ok(column.is_valid(index).then(|| numbers.value(index)))
    }

    fn timestamp(&self, name: &str, index: usize) -> Result<Option<i64>, Error> {
        let column = self.column(name)?;
        let times =
            column.as_primitive_opt::<TimestampMicrosecondType>().ok_or_else(|| misread(name))?;
        Ok(column.is_valid(index).then(|| times.value(index)))
    }

    /// A number that is never NULL.
    fn number(&self, name: &str, index: usize) -> Result<i64, Error> {
        self.integer(name, index)?.ok_or_else(|| misread(name))
    }

    /// A time that is never NULL.
    fn moment(&self, name: &str, index: usize) -> Result<Timestamp, Error> {
        self.timestamp(name, index)?.map(Timestamp::from_micros).ok_or_else(|| misread(name))
    }

    fn person(&self, name: &str, index: usize) -> Result<PersonId, Error> {
        let (high, low) = self.uuid(name, index)?;
        Ok(PersonId(Uuid::from_u64_pair(high, low)))
    }

    fn uuid(&self, name: &str, index: usize) -> Result<(u64, u64), Error> {
        let text = self.text(name, index)?.unwrap_or_default();
        let uuid: Uuid = text.parse().map_err(|_| misread(name))?;
        Ok(uuid.as_u64_pair())
    }

    fn column(&self, name: &str) -> Result<&dyn Array, Error> {
        self.0.column_by_name(name).map(|column| &**column).ok_or_else(|| misread(name))
    }
}

fn misread(name: &str) -> Error {
    Error::paused(format!("the lake's column {name} is not what rows are made of"))
}

#[cfg(test)]
mod tests {
    use event::decode_rows;
    use lake::{Lake, LakeSink, Options};
    use sink::Sink;
    use tempfile::TempDir;

    use super::*;
    use crate::Limits;

    const JOURNAL: JournalId = JournalId::from_uuid(Uuid::from_u128(7));

    struct Archived {
        _dir: TempDir,
        engine: Engine,
        sink: LakeSink,
    }

    impl Archived {
        /// An archive of these rows, half of them committed.
        async fn of(rows: &[Row]) -> Self {
            let dir = tempfile::tempdir().unwrap();
            let (lake, sink) = Lake::open(dir.path(), Options::new(JOURNAL)).await.unwrap();
            let engine = Engine::new(lake, Limits::default()).unwrap();
            let mut archived = Self { _dir: dir, engine, sink };
            let (committed, tail) = rows.split_at(rows.len() / 2);
            archived.write(committed, 0).await;
            archived.sink.flush().await.unwrap();
            archived.write(tail, committed.len()).await;
            archived
        }

        async fn write(&mut self, rows: &[Row], first: usize) {
            let records = rows.iter().zip(first as i64..).map(|(row, at)| record(row, at));
            self.sink.write(records.collect()).await.unwrap();
        }

        /// Everything, chunk by chunk, as sinks ask for it.
        async fn rows(&self, end: u64) -> Vec<Row> {
            let mut rows = Vec::new();
            let mut from = Offset::ZERO;
            while from < Offset::new(end) {
                let chunk = self.engine.records(JOURNAL, from, Offset::new(end)).await.unwrap();
                for record in chunk {
                    assert_eq!(record.first, from, "no gap");
                    from = record.end();
                    rows.extend(decode_rows(record.payload).unwrap());
                }
            }
            rows
        }
    }

    fn row(number: usize, table: Table) -> Row {
        Row {
            event: format!("event {number}"),
            properties: format!(r#"{{"n":{number}}}"#),
            token: "phc_a".into(),
            timestamp_micros: 1_700_000_000_000_000 - number as i64,
            created_at_micros: 1_700_000_000_000_000,
            table_number: table.into(),
            ..Row::default()
        }
    }

    #[tokio::test]
    async fn rows_of_other_tables_come_back_as_far_as_these_have_them() {
        let tables = [Table::Events, Table::Heatmaps, Table::Events, Table::Quarantine];
        let tables = tables.into_iter().chain([Table::Otel]).cycle();
        let rows: Vec<Row> =
            (0..CHUNK_ROWS + 500).zip(tables).map(|(number, table)| row(number, table)).collect();
        let archived = Archived::of(&rows).await;
        let found = archived.rows(rows.len() as u64).await;
        assert_eq!(found.len(), rows.len());
        for (found, row) in found.iter().zip(&rows) {
            assert_eq!(found.table(), row.table());
            let timestamp_micros = match row.table() {
                Table::Otel => 0,
                _ => row.timestamp_micros,
            };
            let reason = (row.table() == Table::Quarantine).then(|| "unknown_table".to_owned());
            assert_eq!(*found, Row { timestamp_micros, reason, ..row.clone() });
        }
    }

    #[tokio::test]
    async fn an_erasure_comes_back_without_whose_it_was() {
        let fields = ErasureFields {
            is_anonymize: true,
            distinct_ids: vec!["jane".to_owned(), "j".to_owned()],
            ..ErasureFields::default()
        };
        let erasure = Row {
            team_id: 2,
            created_at_micros: 5,
            table_number: Table::Erasures.into(),
            erasure: Some(Box::new(fields)),
            ..Row::default()
        };
        let found = Archived::of(&[row(1, Table::Events), erasure]).await.rows(2).await.remove(1);
        let fields = found.erasure.as_deref().unwrap();
        assert!(fields.is_anonymize);
        assert_eq!(fields.distinct_ids, ["", ""]);
        assert_eq!((found.team_id, found.created_at_micros), (2, 5));
    }

    #[tokio::test]
    async fn changes_of_persons_and_groups_come_back_as_they_were() {
        let (team, at) = (TeamId(2), Timestamp::from_micros);
        let person = |number| PersonId(Uuid::from_u128(number));
        let changes = [
            Change::Person {
                team,
                id: person(1),
                version: 3,
                created_at: at(5),
                is_identified: true,
                last_seen_at: None,
                properties: r#"{"plan":"pro"}"#.to_owned(),
                is_deleted: false,
            },
            Change::DistinctId {
                team,
                distinct_id: "user-1".to_owned(),
                person_id: person(1),
                version: 1,
                is_deleted: true,
            },
            Change::Override { team, old_person_id: person(8), person_id: person(1), version: 4 },
            Change::Group {
                team,
                type_index: 4,
                key: "acme".to_owned(),
                created_at: at(11),
                properties: "{}".to_owned(),
                version: 12,
                is_deleted: false,
            },
            Change::GroupType { team, index: 4, name: "company".to_owned() },
        ];
        let rows: Vec<Row> =
            (90..).zip(changes).map(|(micros, change)| change.into_row(at(micros))).collect();
        let archived = Archived::of(&rows).await;
        assert_eq!(archived.rows(5).await, rows);
    }

    #[tokio::test]
    async fn nothing_at_or_behind_the_end_is_given() {
        let rows: Vec<Row> = (0..10).map(|number| row(number, Table::Events)).collect();
        let archived = Archived::of(&rows).await;
        assert_eq!(archived.rows(7).await.len(), 7);
        let none = archived.engine.records(JOURNAL, Offset::new(10), Offset::new(20)).await;
        assert!(none.unwrap().is_empty());
    }
}
