//! The statements of one insight, all over one version of the lake.

use arrow::array::AsArray;
use arrow::compute::{cast, concat_batches};
use arrow::datatypes::{DataType, Float64Type, TimeUnit, TimestampMicrosecondType};
use arrow::record_batch::RecordBatch;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion::prelude::SessionContext;
use jiff::Timestamp;
use std::sync::Arc;
use tokio::time::Instant;

use super::condition::Conditions;
use super::range::{Clock, DateRange};
use super::scope::Source;
use super::series::{Node, field};
use super::wrong::Wrong;
use super::{Project, property, sql};
use crate::engine::Session;
use crate::interval::Calendar;
use crate::kept::Of;
use crate::overrides::Overrides;
use crate::{Answer, Engine, Error, Interval, Limits};

/// Rows at a time, where they are short.
const LONG_BATCH: usize = 32 * 1_024;

/// Whoever asks: a session, and the project.
pub(crate) struct Asking {
    context: SessionContext,
    deadline: Instant,
    limits: Limits,
    /// Who was merged into whom.
    pub(crate) overrides: Arc<Overrides>,
    /// Of what all statements are asked.
    pub(crate) of: Of,
    pub(crate) project: Project,
    pub(crate) now: Timestamp,
}

impl Asking {
    pub(crate) async fn open(
        engine: &Engine,
        project: Project,
        now: Timestamp,
    ) -> Result<Self, Error> {
        let limits = engine.limits();
        let deadline = Instant::now() + limits.time;
        let Session { context, overrides, of } = engine.session().await?;
        Ok(Self { context, deadline, limits, overrides, of, project, now })
    }

    /// The rows of a statement that was made here, as they come.
    pub(crate) async fn stream(&self, statement: &str) -> Result<Answer, Error> {
        self.stream_of(&self.context, statement).await
    }

    async fn stream_of(&self, context: &SessionContext, given: &str) -> Result<Answer, Error> {
        let by_column = |table| property::by_column(given, table);
        let statement = by_column("events").or_else(|| by_column("events_raw"));
        let statement = statement.as_deref().unwrap_or(given);
        let stream = context.sql(statement).await?.execute_stream().await?;
        Ok(Answer::new(stream, self.deadline, self.limits.time))
    }

    /// Likewise, for operators, which number persons and so know themselves who was merged.
    pub(crate) async fn stream_events(&self, statement: &str) -> Result<Answer, Error> {
        let statement = of_rows(statement);
        if statement.contains("properties") {
            return self.stream(&statement).await;
        }
        // Rows without JSON are short, so more of them come at a time, and threads wait less often.
        let mut state = self.context.state();
        state.config_mut().options_mut().execution.batch_size = LONG_BATCH;
        self.stream_of(&SessionContext::new_with_state(state), &statement).await
    }

    /// What is held of the memory that queries share.
    pub(crate) fn memory(&self, holder: &str) -> MemoryReservation {
        MemoryConsumer::new(holder).register(&self.context.runtime_env().memory_pool)
    }

    /// All rows of a statement that was made here.
    pub(crate) async fn rows(&self, statement: &str) -> Result<Rows, Error> {
        let answer = self.stream(statement).await?;
        let schema = answer.schema();
        let batches = answer.collect().await?;
        Ok(Rows(concat_batches(&schema, &batches).map_err(misread)?))
    }

    /// The project's clocks.
    pub(crate) fn clock(&self, interval: Interval, is_exact: bool) -> Clock {
        let (week_start, zone) = (self.project.week_start, self.project.time_zone.clone());
        Clock { now: self.now, calendar: Calendar { interval, week_start, zone }, is_exact }
    }

    /// When the first event of any series was, where a range begins with it; now, where none was.
    pub(crate) async fn earliest_of(
        &self,
        asked: &DateRange,
        clock: &Clock,
        series: &[Node],
    ) -> Result<Timestamp, Error> {
        if !asked.is_all_time() {
            return Ok(self.now);
        }
        let mut conditions = Conditions::new(clock);
        let events = series
            .iter()
            .enumerate()
            .map(|(index, node)| Ok(node.conditions(&mut conditions, &field(index))?.0));
        let events: Vec<String> = events.collect::<Result<_, Wrong>>()?;
        let mut found = vec![format!("e.team_id = {}", self.project.team)];
        if !events.iter().any(|events| events == "TRUE") {
            found.push(sql::any(events));
        }
        let source = Source::new(found, conditions.joins).sql();
        let rows = self.rows(&format!("SELECT min(e.timestamp) AS earliest\n{source}")).await?;
        Ok(rows.moments("earliest")?.first().copied().flatten().unwrap_or(self.now))
    }
}

/// The same of events as they were written, unless a condition or a value asks whose they are.
fn of_rows(statement: &str) -> String {
    const FROM: &str = "FROM events AS e";
    let is_one = |text: &str| statement.matches(text).count() == 1;
    match is_one("e.person_id") && is_one(FROM) {
        true => statement.replacen(FROM, "FROM events_raw AS e", 1),
        false => statement.to_owned(),
    }
}

/// The rows of an answer.
#[derive(Debug)]
pub(crate) struct Rows(RecordBatch);

impl Rows {
    /// Rows that an operator made.
    pub(crate) const fn of(rows: RecordBatch) -> Self {
        Self(rows)
    }

    pub(crate) fn len(&self) -> usize {
        self.0.num_rows()
    }

    fn column(&self, name: &str, kind: &DataType) -> Result<arrow::array::ArrayRef, Error> {
        let column = self.0.column_by_name(name);
        let column = column.ok_or_else(|| Error::Failed(format!("no column {name}")))?;
        cast(column, kind).map_err(misread)
    }

    /// A column of moments.
    pub(crate) fn moments(&self, name: &str) -> Result<Vec<Option<Timestamp>>, Error> {
        let kind = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
        let column = self.column(name, &kind)?;
        let column = column.as_primitive::<TimestampMicrosecondType>();
        Ok(column.iter().map(|micros| Timestamp::from_microsecond(micros?).ok()).collect())
    }

    /// A column of numbers; NULL is 0, as in charts.
    pub(crate) fn numbers(&self, name: &str) -> Result<Vec<f64>, Error> {
        let column = self.column(name, &DataType::Float64)?;
        Ok(column.as_primitive::<Float64Type>().iter().map(Option::unwrap_or_default).collect())
    }

    /// A column of texts; NULL is empty.
    pub(crate) fn texts(&self, name: &str) -> Result<Vec<String>, Error> {
        let column = self.column(name, &DataType::Utf8)?;
        let texts = column.as_string::<i32>();
        Ok(texts.iter().map(|text| text.unwrap_or_default().to_owned()).collect())
    }
}

fn misread(error: arrow::error::ArrowError) -> Error {
    Error::Failed(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_read_as_written_unless_it_matters_whose_they_are() {
        let plain = "SELECT e.person_id AS person_id FROM events AS e WHERE TRUE";
        assert_eq!(of_rows(plain), plain.replace("events", "events_raw"));
        for asks in [
            format!("{plain} AND e.person_id = 'x'"),
            format!("{plain} AND e.event = 'FROM events AS e'"),
        ] {
            assert_eq!(of_rows(&asks), asks);
        }
    }
}
