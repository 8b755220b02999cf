//! The simple protocol: statements as text, one answer each.

use std::fmt::Debug;

use async_trait::async_trait;
use futures::future::{Either, select};
use futures::{Sink, SinkExt, StreamExt};
use pgwire::api::portal::Format;
use pgwire::api::query::{SimpleQueryHandler, send_ready_for_query};
use pgwire::api::results::{QueryResponse, Response, Tag};
use pgwire::api::store::PortalStore;
use pgwire::api::{ClientInfo, ClientPortalStore, PgWireConnectionState};
use pgwire::error::{PgWireError, PgWireResult};
use pgwire::messages::PgWireBackendMessage;
use pgwire::messages::data::RowDescription;
use pgwire::messages::response::{EmptyQueryResponse, TransactionStatus};
use pgwire::messages::simplequery::Query;

use crate::asking::told;
use crate::error::wrong;
use crate::session::Session;
use crate::statement::{Action, understand};

/// What came of a statement.
pub(crate) enum Outcome {
    /// Rows.
    Rows(QueryResponse),
    /// A word.
    Tag(Tag),
    /// There was no statement.
    Nothing,
}

impl Session {
    /// Does what needs no parameters. In a transaction that failed nothing is done but to end it.
    pub(crate) async fn act<C>(&self, client: &mut C, action: &Action) -> PgWireResult<Outcome>
    where
        C: ClientInfo + ClientPortalStore + Unpin + Send + Sync,
        C::PortalStore: PortalStore,
    {
        refuse_in_failed(client, action)?;
        Ok(match action {
            Action::Nothing => Outcome::Nothing,
            Action::Ask(question) => {
                let none = |needed: &[_]| match needed.is_empty() {
                    true => Ok(Vec::new()),
                    false => Err(wrong("42P02", "there is no value for $1")),
                };
                Outcome::Rows(self.ask(question, &Format::UnifiedText, none).await?)
            }
            Action::Show(name) => Outcome::Rows(self.show(name.as_deref())?),
            Action::Set(name, value) => match self.settings().set(name, value.clone()) {
                true => Outcome::Tag(Tag::new("SET")),
                false => return Err(unknown_setting(name)),
            },
            Action::Reset(tag) => {
                self.settings().reset();
                Outcome::Tag(Tag::new(tag))
            }
            Action::Begin(tag) => {
                client.set_transaction_status(TransactionStatus::Transaction);
                Outcome::Tag(Tag::new(tag))
            }
            Action::End(tag) => {
                let has_failed = client.transaction_status() == TransactionStatus::Error;
                client.set_transaction_status(TransactionStatus::Idle);
                self.clear_portals(client);
                Outcome::Tag(Tag::new(if has_failed { "ROLLBACK" } else { tag }))
            }
            Action::Deallocate(name) => {
                match name {
                    Some(name) => self.forget(client, name),
                    None => {
                        let names = self.statements().all();
                        names.iter().for_each(|name| self.forget(client, name));
                    }
                }
                Outcome::Tag(Tag::new(if name.is_some() { "DEALLOCATE" } else { "DEALLOCATE ALL" }))
            }
            Action::Done(tag) => Outcome::Tag(Tag::new(tag)),
        })
    }

    pub(crate) fn forget<C>(&self, client: &C, name: &str)
    where
        C: ClientPortalStore,
        C::PortalStore: PortalStore,
    {
        client.portal_store().rm_statement(name);
        self.statements().remove(name);
    }

    /// Ends all portals.
    pub(crate) fn clear_portals<C>(&self, client: &C)
    where
        C: ClientPortalStore,
        C::PortalStore: PortalStore,
    {
        client.portal_store().clear_portals();
        self.portals().clear();
    }

    fn show(&self, name: Option<&str>) -> PgWireResult<QueryResponse> {
        match name {
            None => {
                let all = self.settings().all().into_iter();
                let rows = all.map(|(name, value)| vec![name, value, String::new()]);
                told(&["name", "setting", "description"], rows.collect())
            }
            Some(name) => {
                let value = self.settings().show(name).ok_or_else(|| unknown_setting(name))?;
                told(&[name], vec![vec![value]])
            }
        }
    }

    async fn answer<C>(&self, client: &mut C, text: &str) -> PgWireResult<()>
    where
        C: ClientInfo + ClientPortalStore + Sink<PgWireBackendMessage> + Unpin + Send + Sync,
        C::PortalStore: PortalStore,
        C::Error: Debug,
        PgWireError: From<<C as Sink<PgWireBackendMessage>>::Error>,
    {
        let actions = match understand(text) {
            Err(_) if client.transaction_status() == TransactionStatus::Error => {
                return Err(in_failed());
            }
            actions => actions?,
        };
        for action in &actions {
            match self.act(client, action).await? {
                Outcome::Nothing => {
                    let nothing =
                        PgWireBackendMessage::EmptyQueryResponse(EmptyQueryResponse::new());
                    client.feed(nothing).await?;
                }
                Outcome::Tag(tag) => {
                    client.feed(PgWireBackendMessage::CommandComplete(tag.into())).await?;
                }
                Outcome::Rows(mut answer) => {
                    let columns = answer.row_schema().iter().map(Into::into).collect();
                    let columns = RowDescription::new(columns);
                    client.feed(PgWireBackendMessage::RowDescription(columns)).await?;
                    let mut count = 0;
                    while let Some(row) = answer.data_rows().next().await {
                        client.feed(PgWireBackendMessage::DataRow(row?)).await?;
                        count += 1;
                    }
                    let tag = Tag::new(answer.command_tag()).with_rows(count);
                    client.feed(PgWireBackendMessage::CommandComplete(tag.into())).await?;
                }
            }
        }
        Ok(())
    }
}

/// What is said of a setting that is none.
fn unknown_setting(name: &str) -> PgWireError {
    wrong("42704", format!("unrecognized configuration parameter \"{name}\""))
}

/// Refuses what is not the end of a transaction that failed.
pub(crate) fn refuse_in_failed(client: &impl ClientInfo, action: &Action) -> PgWireResult<()> {
    let is_end = matches!(action, Action::End(_) | Action::Nothing);
    match client.transaction_status() == TransactionStatus::Error && !is_end {
        true => Err(in_failed()),
        false => Ok(()),
    }
}

pub(crate) fn in_failed() -> PgWireError {
    wrong("25P02", "the transaction has failed; nothing is done until its end")
}

#[async_trait]
impl SimpleQueryHandler for Session {
    async fn on_query<C>(&self, client: &mut C, query: Query) -> PgWireResult<()>
    where
        C: ClientInfo + ClientPortalStore + Sink<PgWireBackendMessage> + Unpin + Send + Sync,
        C::PortalStore: PortalStore,
        C::Error: Debug,
        PgWireError: From<<C as Sink<PgWireBackendMessage>>::Error>,
    {
        if !matches!(client.state(), PgWireConnectionState::ReadyForQuery) {
            return Err(PgWireError::NotReadyForQuery);
        }
        client.set_state(PgWireConnectionState::QueryInProgress);
        self.unless_cancelled(self.answer(client, &query.query)).await?;
        client.set_state(PgWireConnectionState::ReadyForQuery);
        let status = client.transaction_status();
        send_ready_for_query(client, status).await
    }

    async fn do_query<C>(&self, _: &mut C, _: &str) -> PgWireResult<Vec<Response>>
    where
        C: ClientInfo + ClientPortalStore + Sink<PgWireBackendMessage> + Unpin + Send + Sync,
        C::PortalStore: PortalStore,
        C::Error: Debug,
        PgWireError: From<<C as Sink<PgWireBackendMessage>>::Error>,
    {
        // Answers go to the client as they come.
        Err(PgWireError::NotReadyForQuery)
    }
}

impl Session {
    /// Does something until it is done, or until the client says that it is not to be.
    pub(crate) async fn unless_cancelled<T>(
        &self,
        doing: impl Future<Output = PgWireResult<T>> + Send,
    ) -> PgWireResult<T> {
        let Some(handle) = self.cancel() else { return doing.await };
        let cancelled = handle.start_query().await;
        let doing = std::pin::pin!(doing);
        match select(doing, cancelled).await {
            Either::Left((done, _)) => done,
            Either::Right(_) => Err(wrong("57014", "the query was cancelled, as was asked for")),
        }
    }
}
