//! Questions in two steps, for doors that must know the columns of an answer before anybody asks for its
//! rows.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use arrow::datatypes::{DataType, Field, SchemaRef};
use arrow::record_batch::RecordBatch;
use datafusion::common::metadata::ScalarAndMetadata;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::common::{ParamValues, ScalarValue};
use datafusion::logical_expr::{Expr, ExprSchemable, LogicalPlan};
use datafusion::prelude::SessionContext;
use datafusion::sql::parser;
use datafusion::sql::sqlparser::ast::Statement;
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::engine::Session;
use crate::format::{plain, plain_schema};
use crate::threads::Running;
use crate::{Engine, Error, as_meant, guard, views};

/// How many pieces may wait for whoever reads them.
const WAITING: usize = 2;

/// Highest number of a parameter.
const MOST_PARAMETERS: usize = 1_000;

/// A statement that was planned over the newest version of the lake, and was not run yet.
pub struct Planned {
    context: SessionContext,
    plan: LogicalPlan,
    deadline: Instant,
}

/// The rows of an answer on their way, in pieces of whoever asked. Dropping it ends the query.
#[derive(Debug)]
pub struct Pieces<T> {
    /// `None` says that this was all.
    pieces: mpsc::Receiver<Option<Result<T, Error>>>,
    deadline: Instant,
    limit: Duration,
    is_over: bool,
    _running: Running,
}

impl Engine {
    /// Plans one statement over the newest version of the lake, on the engine's own threads. `text` is the
    /// statement as it was asked; `add` may put more into the session than the lake has.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn plan(
        &self,
        text: &str,
        statement: Statement,
        add: impl FnOnce(&SessionContext) -> Result<(), Error> + Send + 'static,
    ) -> Result<Planned, Error> {
        let mut statement = statement;
        guard::check_statement(&statement)?;
        as_meant::parsed(&mut statement)?;
        let (engine, text) = (self.clone(), text.to_owned());
        let deadline = Instant::now() + self.limits().time;
        self.run(async move {
            let Session { context, .. } = engine.session().await?;
            views::register_sessions(&context, &text).await?;
            add(&context)?;
            let statement = parser::Statement::Statement(Box::new(statement));
            let plan = context.state().statement_to_plan(statement).await?;
            guard::check(&plan)?;
            Ok(Planned { context, plan, deadline })
        })
        .await
    }

    /// Runs what was planned on the engine's own threads; each batch of rows becomes a piece there.
    ///
    /// # Errors
    /// See [`Error`]; errors of rows yet to come are in the answer.
    pub fn begin<T: Send + 'static>(
        &self,
        planned: Planned,
        mut piece: impl FnMut(&RecordBatch) -> Result<T, Error> + Send + 'static,
    ) -> Result<Pieces<T>, Error> {
        let limit = self.limits().time;
        let deadline = planned.deadline;
        let (sender, pieces) = mpsc::channel(WAITING);
        let running = self.start(async move {
            let Planned { context, plan, .. } = planned;
            let answer = async {
                let answer = context.execute_logical_plan(plan).await?.execute_stream().await?;
                Ok::<_, Error>(crate::Answer::new(answer, deadline, limit))
            };
            let answer = tokio::time::timeout_at(deadline, answer).await;
            let mut answer = match answer.unwrap_or(Err(Error::TimedOut { limit })) {
                Ok(answer) => answer,
                Err(error) => {
                    // Who does not read any more does not miss it.
                    sender.send(Some(Err(error))).await.ok();
                    return;
                }
            };
            let schema = plain_schema(&answer.schema());
            while let Some(batch) = answer.next().await {
                let made = batch.and_then(|batch| piece(&plain(&batch, &schema)?));
                let is_last = made.is_err();
                // Whoever reads too slowly has their time, and no more.
                let sent = tokio::time::timeout_at(deadline, sender.send(Some(made))).await;
                if is_last || !matches!(sent, Ok(Ok(()))) {
                    return;
                }
            }
            tokio::time::timeout_at(deadline, sender.send(None)).await.ok();
        })?;
        Ok(Pieces { pieces, deadline, limit, is_over: false, _running: running })
    }

    /// The tables and views that there are, with their columns.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn tables(&self) -> Result<BTreeMap<String, SchemaRef>, Error> {
        let engine = self.clone();
        self.run(async move {
            let Session { context, .. } = engine.session().await?;
            views::register_sessions(&context, "sessions").await?;
            let mut tables = BTreeMap::new();
            let names = context
                .catalog(crate::engine::CATALOG)
                .and_then(|catalog| catalog.schema(crate::engine::SCHEMA))
                .map(|schema| schema.table_names());
            for name in names.unwrap_or_default() {
                let table = context.table_provider(name.as_str()).await?;
                tables.insert(name, plain_schema(&table.schema()));
            }
            Ok(tables)
        })
        .await
    }
}

impl Planned {
    /// The columns of the answer.
    pub fn schema(&self) -> SchemaRef {
        plain_schema(&Arc::new(self.plan.schema().as_arrow().clone()))
    }

    /// The types of its parameters `$1`, `$2`, as far as the statement tells them.
    ///
    /// # Errors
    /// When there is one with a name, or too high a number.
    pub fn parameters(&self) -> Result<Vec<Option<DataType>>, Error> {
        let mut known = self.plan.get_parameter_types()?;
        for (name, kind) in cast_parameters(&self.plan)? {
            known.entry(name).or_default().get_or_insert(kind);
        }
        let mut parameters = Vec::new();
        for (name, kind) in known {
            let number = name.strip_prefix('$').and_then(|number| number.parse::<usize>().ok());
            let number = number.filter(|number| (1..=MOST_PARAMETERS).contains(number));
            let Some(number) = number else {
                return Err(Error::Invalid(format!(
                    "{name}: parameters are $1 to ${MOST_PARAMETERS}"
                )));
            };
            if parameters.len() < number {
                parameters.resize(number, None);
            }
            if let Some(slot) = parameters.get_mut(number - 1) {
                *slot = kind.map(plain_type);
            }
        }
        Ok(parameters)
    }

    /// The same with values in place of its parameters.
    ///
    /// # Errors
    /// When they do not fit.
    pub fn with(self, values: Vec<ScalarValue>) -> Result<Self, Error> {
        if values.is_empty() {
            return Ok(self);
        }
        let values = values.into_iter().map(ScalarAndMetadata::from).collect();
        let plan = self.plan.replace_params_with_values(&ParamValues::List(values))?;
        Ok(Self { plan, ..self })
    }
}

impl<T> Pieces<T> {
    /// The next piece; `None` after the last, and after an error.
    pub async fn next(&mut self) -> Option<Result<T, Error>> {
        if self.is_over {
            return None;
        }
        // The limit holds even where the query is stuck in one function call.
        let next = match tokio::time::timeout_at(self.deadline, self.pieces.recv()).await {
            Ok(Some(next)) => next,
            // What did not say that it was at its end was not.
            Ok(None) if Instant::now() < self.deadline => {
                Some(Err(Error::Failed("the query broke off".into())))
            }
            _ => Some(Err(Error::TimedOut { limit: self.limit })),
        };
        self.is_over = !matches!(next, Some(Ok(_)));
        next
    }
}

impl std::fmt::Debug for Planned {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Planned").field("schema", &self.schema()).finish_non_exhaustive()
    }
}

/// What `column = ANY($1)` says of its parameter: a list of what the column has.
fn list_of(expression: &Expr, plan: &LogicalPlan) -> Option<(String, DataType)> {
    let Expr::ScalarFunction(call) = expression else { return None };
    let [Expr::Placeholder(parameter), wanted] = call.args.as_slice() else { return None };
    let input = *plan.inputs().first()?;
    let kind = wanted.get_type(input.schema()).ok().filter(|_| call.func.name() == "array_has")?;
    let item = Field::new_list_field(plain_type(kind), true);
    Some((parameter.id.clone(), DataType::List(Arc::new(item))))
}

/// Whoever sends a text sends a plain one.
fn plain_type(kind: DataType) -> DataType {
    match kind {
        DataType::Utf8View => DataType::Utf8,
        other => other,
    }
}

/// Parameters whose type is said by a cast, `$1::bigint`, or by where they stand, `LIMIT $1`.
fn cast_parameters(plan: &LogicalPlan) -> Result<Vec<(String, DataType)>, Error> {
    let mut found = Vec::new();
    plan.apply_with_subqueries(|plan| {
        if let LogicalPlan::Limit(limit) = plan {
            for count in [&limit.skip, &limit.fetch].into_iter().flatten() {
                if let Expr::Placeholder(parameter) = &**count {
                    found.push((parameter.id.clone(), DataType::Int64));
                }
            }
        }
        plan.apply_expressions(|expression| {
            expression.apply(|expression| {
                if let Expr::Cast(cast) = expression
                    && let Expr::Placeholder(parameter) = &*cast.expr
                {
                    found.push((parameter.id.clone(), cast.data_type.clone()));
                }
                if let Some((parameter, kind)) = list_of(expression, plan) {
                    found.push((parameter, kind));
                }
                Ok(TreeNodeRecursion::Continue)
            })
        })
    })?;
    Ok(found)
}
