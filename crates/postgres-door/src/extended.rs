//! The extended protocol: prepared statements, parameters, portals.
//!
//! What is prepared is the text. It is planned to describe it, and planned anew over the newest version of
//! the lake each time it runs.

use std::cmp::max;
use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;
use datafusion::arrow::datatypes::Schema;
use futures::{Sink, SinkExt, StreamExt};
use pgwire::api::portal::{Format, Portal, PortalExecutionState};
use pgwire::api::query::ExtendedQueryHandler;
use pgwire::api::results::{
    DescribePortalResponse, DescribeStatementResponse, FieldFormat, FieldInfo, QueryResponse,
    Response, Tag,
};
use pgwire::api::stmt::{QueryParser, StoredStatement};
use pgwire::api::store::PortalStore;
use pgwire::api::{ClientInfo, ClientPortalStore, DEFAULT_NAME, PgWireConnectionState, Type};
use pgwire::error::{PgWireError, PgWireResult};
use pgwire::messages::PgWireBackendMessage;
use pgwire::messages::extendedquery::{
    Bind, BindComplete, Close, CloseComplete, Execute, Parse, ParseComplete, PortalSuspended,
    Sync as SyncMessage, TARGET_TYPE_BYTE_STATEMENT,
};
use pgwire::messages::response::{EmptyQueryResponse, ReadyForQuery, TransactionStatus};

use crate::asking::Described;
use crate::error::wrong;
use crate::parameters;
use crate::rows::described;
use crate::session::Session;
use crate::simple::{Outcome, in_failed, refuse_in_failed};
use crate::statement::{Action, understand};

/// What a statement weighs beyond its text: trees take many times as much.
const TREE_FACTOR: usize = 20;
/// Parameters of a statement.
const MOST_PARAMETERS: usize = 1_000;

/// A statement that was prepared.
#[derive(Clone, Debug)]
pub(crate) struct Prepared {
    action: Action,
    /// Of a question.
    described: Option<Described>,
}

#[async_trait]
impl QueryParser for Session {
    type Statement = Arc<Prepared>;

    async fn parse_sql<C>(
        &self,
        client: &C,
        text: &str,
        types: &[Option<Type>],
    ) -> PgWireResult<Self::Statement>
    where
        C: ClientInfo + Unpin + Send + Sync,
    {
        let mut actions = match understand(text) {
            Err(_) if client.transaction_status() == TransactionStatus::Error => {
                return Err(in_failed());
            }
            actions => actions?,
        };
        let action = actions.pop().unwrap_or(Action::Nothing);
        if !actions.is_empty() {
            return Err(wrong("42601", "one statement at a time can be prepared"));
        }
        refuse_in_failed(client, &action)?;
        if types.len() > MOST_PARAMETERS {
            return Err(wrong("54000", format!("more than {MOST_PARAMETERS} parameters")));
        }
        let described = match &action {
            Action::Ask(question) => Some(self.describe(question, types).await?),
            _ => None,
        };
        Ok(Arc::new(Prepared { action, described }))
    }

    fn get_parameter_types(&self, prepared: &Self::Statement) -> PgWireResult<Vec<Type>> {
        let needed = prepared.described.iter().flat_map(|described| &described.needed);
        Ok(needed.map(|needed| parameters::told(None, needed.as_ref())).collect())
    }

    fn get_result_schema(
        &self,
        prepared: &Self::Statement,
        format: Option<&Format>,
    ) -> PgWireResult<Vec<FieldInfo>> {
        let text =
            |name: &str| FieldInfo::new(name.to_owned(), None, None, Type::TEXT, FieldFormat::Text);
        Ok(match (&prepared.action, &prepared.described) {
            (Action::Show(Some(name)), _) => vec![text(name)],
            (Action::Show(None), _) => ["name", "setting", "description"].map(text).to_vec(),
            (_, Some(Described { schema, .. })) => {
                let schema: &Schema = schema;
                described(schema, format.unwrap_or(&Format::UnifiedText))
            }
            _ => Vec::new(),
        })
    }
}

#[async_trait]
impl ExtendedQueryHandler for Session {
    type Statement = Arc<Prepared>;
    type QueryParser = Self;

    fn query_parser(&self) -> Arc<Self> {
        Arc::new(self.clone())
    }

    async fn on_parse<C>(&self, client: &mut C, message: Parse) -> PgWireResult<()>
    where
        C: ClientInfo + ClientPortalStore + Sink<PgWireBackendMessage> + Unpin + Send + Sync,
        C::PortalStore: PortalStore<Statement = Self::Statement>,
        C::Error: Debug,
        PgWireError: From<<C as Sink<PgWireBackendMessage>>::Error>,
    {
        let bytes = message.query.len().saturating_mul(TREE_FACTOR);
        self.statements().add(message.name.as_deref(), bytes)?;
        let parsed = StoredStatement::parse(client, &message, self.query_parser());
        let prepared = self.unless_cancelled(parsed).await?;
        client.portal_store().put_statement(Arc::new(prepared));
        client.feed(PgWireBackendMessage::ParseComplete(ParseComplete::new())).await?;
        Ok(())
    }

    async fn on_bind<C>(&self, client: &mut C, message: Bind) -> PgWireResult<()>
    where
        C: ClientInfo + ClientPortalStore + Sink<PgWireBackendMessage> + Unpin + Send + Sync,
        C::PortalStore: PortalStore<Statement = Self::Statement>,
        C::Error: Debug,
        PgWireError: From<<C as Sink<PgWireBackendMessage>>::Error>,
    {
        let name = message.statement_name.as_deref().unwrap_or(DEFAULT_NAME);
        let found = client.portal_store().get_statement(name);
        let statement = found.ok_or_else(|| PgWireError::StatementNotFound(name.to_owned()))?;
        let needed = statement.statement.described.as_ref().map_or(0, |it| it.needed.len());
        let given = message.parameters.len();
        if given != needed {
            let message = format!("{given} parameters are bound, the statement needs {needed}");
            return Err(wrong("08P01", message));
        }
        let bytes = message.parameters.iter().flatten().map(|value| value.len()).sum();
        self.portals().add(message.portal_name.as_deref(), bytes)?;
        let portal = Portal::try_new(&message, statement)?;
        client.portal_store().put_portal(Arc::new(portal));
        client.feed(PgWireBackendMessage::BindComplete(BindComplete::new())).await?;
        Ok(())
    }

    async fn on_execute<C>(&self, client: &mut C, message: Execute) -> PgWireResult<()>
    where
        C: ClientInfo + ClientPortalStore + Sink<PgWireBackendMessage> + Unpin + Send + Sync,
        C::PortalStore: PortalStore<Statement = Self::Statement>,
        C::Error: Debug,
        PgWireError: From<<C as Sink<PgWireBackendMessage>>::Error>,
    {
        if !matches!(client.state(), PgWireConnectionState::ReadyForQuery) {
            return Err(PgWireError::NotReadyForQuery);
        }
        let name = message.name.as_deref().unwrap_or(DEFAULT_NAME);
        let found = client.portal_store().get_portal(name);
        let portal = found.ok_or_else(|| wrong("34000", format!("no portal \"{name}\"")))?;
        client.set_state(PgWireConnectionState::QueryInProgress);
        let most = usize::try_from(message.max_rows).unwrap_or_default();
        self.unless_cancelled(self.run(client, &portal, most)).await?;
        client.set_state(PgWireConnectionState::ReadyForQuery);
        Ok(())
    }

    async fn on_sync<C>(&self, client: &mut C, _: SyncMessage) -> PgWireResult<()>
    where
        C: ClientInfo + ClientPortalStore + Sink<PgWireBackendMessage> + Unpin + Send + Sync,
        C::PortalStore: PortalStore<Statement = Self::Statement>,
        C::Error: Debug,
        PgWireError: From<<C as Sink<PgWireBackendMessage>>::Error>,
    {
        let status = client.transaction_status();
        // A portal lasts as long as its transaction.
        if status != TransactionStatus::Transaction {
            self.clear_portals(client);
        }
        client.send(PgWireBackendMessage::ReadyForQuery(ReadyForQuery::new(status))).await?;
        Ok(())
    }

    async fn on_close<C>(&self, client: &mut C, message: Close) -> PgWireResult<()>
    where
        C: ClientInfo + ClientPortalStore + Sink<PgWireBackendMessage> + Unpin + Send + Sync,
        C::PortalStore: PortalStore<Statement = Self::Statement>,
        C::Error: Debug,
        PgWireError: From<<C as Sink<PgWireBackendMessage>>::Error>,
    {
        let name = message.name.as_deref().unwrap_or(DEFAULT_NAME);
        match message.target_type == TARGET_TYPE_BYTE_STATEMENT {
            true => self.forget(client, name),
            false => {
                client.portal_store().rm_portal(name);
                self.portals().remove(name);
            }
        }
        client.feed(PgWireBackendMessage::CloseComplete(CloseComplete::new())).await?;
        Ok(())
    }

    async fn do_describe_statement<C>(
        &self,
        _: &mut C,
        target: &StoredStatement<Self::Statement>,
    ) -> PgWireResult<DescribeStatementResponse>
    where
        C: ClientInfo + ClientPortalStore + Sink<PgWireBackendMessage> + Unpin + Send + Sync,
        C::PortalStore: PortalStore<Statement = Self::Statement>,
        C::Error: Debug,
        PgWireError: From<<C as Sink<PgWireBackendMessage>>::Error>,
    {
        let needed = target.statement.described.as_ref().map_or(&[][..], |it| &it.needed);
        let declared = &target.parameter_types;
        let types = (0..max(needed.len(), declared.len())).map(|index| {
            let declared = declared.get(index).and_then(Option::as_ref);
            parameters::told(declared, needed.get(index).and_then(Option::as_ref))
        });
        let columns = self.get_result_schema(&target.statement, None)?;
        Ok(DescribeStatementResponse::new(types.collect(), columns))
    }

    async fn do_describe_portal<C>(
        &self,
        _: &mut C,
        target: &Portal<Self::Statement>,
    ) -> PgWireResult<DescribePortalResponse>
    where
        C: ClientInfo + ClientPortalStore + Sink<PgWireBackendMessage> + Unpin + Send + Sync,
        C::PortalStore: PortalStore<Statement = Self::Statement>,
        C::Error: Debug,
        PgWireError: From<<C as Sink<PgWireBackendMessage>>::Error>,
    {
        let prepared = &target.statement.statement;
        let columns = self.get_result_schema(prepared, Some(&target.result_column_format))?;
        Ok(DescribePortalResponse::new(columns))
    }

    async fn do_query<C>(
        &self,
        _: &mut C,
        _: &Portal<Self::Statement>,
        _: usize,
    ) -> PgWireResult<Response>
    where
        C: ClientInfo + ClientPortalStore + Sink<PgWireBackendMessage> + Unpin + Send + Sync,
        C::PortalStore: PortalStore<Statement = Self::Statement>,
        C::Error: Debug,
        PgWireError: From<<C as Sink<PgWireBackendMessage>>::Error>,
    {
        // Answers go to the client as they come.
        Err(PgWireError::NotReadyForQuery)
    }
}

impl Session {
    /// Runs a portal, or goes on with it, for so many rows; with 0 for all.
    async fn run<C>(
        &self,
        client: &mut C,
        portal: &Portal<Arc<Prepared>>,
        most: usize,
    ) -> PgWireResult<()>
    where
        C: ClientInfo + ClientPortalStore + Sink<PgWireBackendMessage> + Unpin + Send + Sync,
        C::PortalStore: PortalStore,
        C::Error: Debug,
        PgWireError: From<<C as Sink<PgWireBackendMessage>>::Error>,
    {
        let state = portal.state();
        let mut state = state.lock().await;
        // Whatever goes wrong on the way, a portal is not run twice.
        let mut answer = match std::mem::replace(&mut *state, PortalExecutionState::Finished) {
            PortalExecutionState::Initial => match self.first_run(client, portal).await? {
                Outcome::Rows(answer) => answer,
                Outcome::Tag(tag) => {
                    client.feed(PgWireBackendMessage::CommandComplete(tag.into())).await?;
                    return Ok(());
                }
                Outcome::Nothing => {
                    let nothing =
                        PgWireBackendMessage::EmptyQueryResponse(EmptyQueryResponse::new());
                    client.feed(nothing).await?;
                    return Ok(());
                }
            },
            PortalExecutionState::Suspended(answer) => answer,
            PortalExecutionState::Finished => {
                QueryResponse::new(Arc::default(), futures::stream::empty())
            }
        };
        let mut count = 0;
        while most == 0 || count < most {
            let Some(row) = answer.data_rows().next().await else {
                let tag = Tag::new(answer.command_tag()).with_rows(count);
                client.feed(PgWireBackendMessage::CommandComplete(tag.into())).await?;
                return Ok(());
            };
            client.feed(PgWireBackendMessage::DataRow(row?)).await?;
            count += 1;
        }
        *state = PortalExecutionState::Suspended(answer);
        client.feed(PgWireBackendMessage::PortalSuspended(PortalSuspended::new())).await?;
        Ok(())
    }

    async fn first_run<C>(
        &self,
        client: &mut C,
        portal: &Portal<Arc<Prepared>>,
    ) -> PgWireResult<Outcome>
    where
        C: ClientInfo + ClientPortalStore + Unpin + Send + Sync,
        C::PortalStore: PortalStore,
    {
        let prepared = &portal.statement.statement;
        let Action::Ask(question) = &prepared.action else {
            return self.act(client, &prepared.action).await;
        };
        refuse_in_failed(client, &prepared.action)?;
        let bind = |needed: &[Option<_>]| {
            let values = needed.iter().enumerate().map(|(index, needed)| {
                let declared = portal.statement.parameter_types.get(index);
                let declared = declared.and_then(Option::as_ref);
                parameters::value(portal, index, declared, needed.as_ref())
            });
            values.collect()
        };
        Ok(Outcome::Rows(self.ask(question, &portal.result_column_format, bind).await?))
    }
}
