//! The lake as the archive of the journal, for sinks that fell behind.

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{Int64Type, TimestampMicrosecondType};
use async_trait::async_trait;
use event::{PersonMode, Row, encode_row};
use journal::{JournalId, Offset, Record};
use sink::{Archive, Error};
use uuid::Uuid;

use crate::Engine;

/// Most rows fetched at a time.
const CHUNK_ROWS: usize = 2_000;
/// Bytes of properties fetched at a time, at least one row.
const CHUNK_BYTES: i64 = 4 << 20;

#[async_trait]
impl Archive for Engine {
    async fn end(&self, journal_id: JournalId) -> Result<Offset, Error> {
        Ok(self.lake().version().cursor(journal_id).map_or(Offset::ZERO, |cursor| cursor.offset))
    }

    async fn records(
        &self,
        journal_id: JournalId,
        from: Offset,
        end: Offset,
    ) -> Result<Vec<Record>, Error> {
        let rows = format!(
            "FROM events_raw WHERE journal_id = '{journal_id}' AND journal_offset >= {from}"
        );
        let sizes = format!(
            "SELECT journal_offset, CAST(octet_length(properties) AS BIGINT) AS bytes {rows} \
             AND journal_offset < {end} ORDER BY journal_offset LIMIT {CHUNK_ROWS}"
        );
        let Some(last) = last_of_chunk(&self.rows_of(&sizes).await?)? else {
            return Ok(Vec::new());
        };
        let chunk = format!("SELECT * {rows} AND journal_offset <= {last} ORDER BY journal_offset");
        let mut records = Vec::new();
        for batch in &self.rows_of(&chunk).await? {
            append_records(batch, &mut records)?;
        }
        Ok(records)
    }
}

impl Engine {
    async fn rows_of(&self, sql: &str) -> Result<Vec<RecordBatch>, Error> {
        let failed = |error: crate::Error| Error::transient(format!("reading the lake: {error}"));
        self.query(sql).await.map_err(failed)?.collect().await.map_err(failed)
    }
}

/// The offset of the last row that still fits a chunk, by the sizes of the rows to come.
fn last_of_chunk(sizes: &[RecordBatch]) -> Result<Option<i64>, Error> {
    let (mut last, mut bytes) = (None, 0);
    for batch in sizes {
        let columns = Columns(batch);
        for index in 0..batch.num_rows() {
            bytes += columns.integer("bytes", index)?.unwrap_or_default();
            if last.is_some() && bytes > CHUNK_BYTES {
                return Ok(last);
            }
            last = columns.integer("journal_offset", index)?;
        }
    }
    Ok(last)
}

/// Appends a batch's rows, each as a record of its own.
fn append_records(batch: &RecordBatch, records: &mut Vec<Record>) -> Result<(), Error> {
    let columns = Columns(batch);
    for index in 0..batch.num_rows() {
        let row = columns.row(index)?;
        let offset = columns.integer("journal_offset", index)?.unwrap_or_default();
        let mut payload = Vec::new();
        encode_row(&row, &mut payload);
        let first = Offset::new(u64::try_from(offset).unwrap_or_default());
        records.push(Record { first, rows: 1, payload: payload.into() });
    }
    Ok(())
}

/// Reads columns by name.
struct Columns<'a>(&'a RecordBatch);

impl Columns<'_> {
    /// The row as the journal had it.
    fn row(&self, index: usize) -> Result<Row, Error> {
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
            table_number: event::Table::Events.into(),
            reason: None,
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
