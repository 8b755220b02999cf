//! Asking the engine.

use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, SchemaRef};
use futures::stream;
use metrics::counter;
use pgwire::api::Type;
use pgwire::api::portal::Format;
use pgwire::api::results::{FieldInfo, QueryResponse};
use pgwire::error::PgWireResult;
use pgwire::messages::data::DataRow;
use query::{Engine, Pieces, Planned};

use crate::error::of_engine;
use crate::parameters;
use crate::rows::{Writer, described};
use crate::session::Known;
use crate::statement::Question;

/// What is known of a question before it is asked.
#[derive(Clone, Debug)]
pub(crate) struct Described {
    /// What its parameters must be, as far as it tells.
    pub(crate) needed: Vec<Option<DataType>>,
    /// The columns of its answer.
    pub(crate) schema: SchemaRef,
}

impl Known {
    /// Plans a question over the newest version of the lake.
    async fn plan(&self, question: &Question) -> PgWireResult<(Engine, Planned)> {
        let engine = self.engine().await?;
        let catalog = self.catalog(&engine).await?;
        let statement = catalog.resolve(question.statement.clone());
        let add = move |context: &_| catalog.add(context).map_err(Into::into);
        let planned = engine.plan(&question.text, statement, add).await;
        Ok((engine, planned.map_err(|error| of_engine(&error))?))
    }

    /// Describes a question whose parameters have these types, as far as the client says.
    pub(crate) async fn describe(
        &self,
        question: &Question,
        declared: &[Option<Type>],
    ) -> PgWireResult<Described> {
        let (_, planned) = self.plan(question).await?;
        let needed = planned.parameters().map_err(|error| of_engine(&error))?;
        let nulls = needed.iter().enumerate().map(|(index, needed)| {
            let declared = declared.get(index).and_then(Option::as_ref);
            parameters::null(declared, needed.as_ref())
        });
        let nulls = nulls.collect::<PgWireResult<Vec<_>>>()?;
        let planned = planned.with(nulls).map_err(|error| of_engine(&error))?;
        Ok(Described { needed, schema: planned.schema() })
    }

    /// Asks; `bind` gives the values of parameters.
    pub(crate) async fn ask(
        &self,
        question: &Question,
        format: &Format,
        bind: impl FnOnce(&[Option<DataType>]) -> PgWireResult<Vec<datafusion::common::ScalarValue>>
        + Send,
    ) -> PgWireResult<QueryResponse> {
        counter!("hogflare_postgres_queries_total").increment(1);
        let (engine, planned) = self.plan(question).await?;
        let needed = planned.parameters().map_err(|error| of_engine(&error))?;
        let values = bind(&needed)?;
        let planned = planned.with(values).map_err(|error| of_engine(&error))?;
        let schema = planned.schema();
        let fields = Arc::new(described(&schema, format));
        let mut writer = Writer::new(&schema, Arc::clone(&fields));
        let pieces = engine.begin(planned, move |batch| writer.write(batch));
        let pieces = pieces.map_err(|error| of_engine(&error))?;
        Ok(answer(fields, pieces))
    }
}

/// Rows as they come.
fn answer(fields: Arc<Vec<FieldInfo>>, pieces: Pieces<Vec<DataRow>>) -> QueryResponse {
    let state = (pieces, Vec::new().into_iter());
    let rows = stream::unfold(state, |(mut pieces, mut rows)| async move {
        loop {
            if let Some(row) = rows.next() {
                return Some((Ok(row), (pieces, rows)));
            }
            match pieces.next().await? {
                Ok(more) => rows = more.into_iter(),
                Err(error) => return Some((Err(of_engine(&error)), (pieces, rows))),
            }
        }
    });
    QueryResponse::new(fields, rows)
}

/// Rows of text that are known already.
pub(crate) fn told(columns: &[&str], rows: Vec<Vec<String>>) -> PgWireResult<QueryResponse> {
    use pgwire::api::results::{DataRowEncoder, FieldFormat};
    let fields = columns
        .iter()
        .map(|name| FieldInfo::new((*name).to_owned(), None, None, Type::TEXT, FieldFormat::Text));
    let fields = Arc::new(fields.collect::<Vec<_>>());
    let mut encoder = DataRowEncoder::new(Arc::clone(&fields));
    let mut encoded = Vec::with_capacity(rows.len());
    for row in rows {
        for cell in row {
            encoder.encode_field(&cell)?;
        }
        encoded.push(Ok(encoder.take_row()));
    }
    let mut answer = QueryResponse::new(fields, stream::iter(encoded));
    answer.set_command_tag("SHOW");
    Ok(answer)
}
