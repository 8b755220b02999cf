//! Coming in: a key as password, a project as database.

use std::fmt::Debug;

use async_trait::async_trait;
use futures::{Sink, SinkExt};
use metrics::counter;
use pgwire::api::auth::{
    ServerParameterProvider, StartupHandler, finish_authentication, protocol_negotiation,
    save_startup_parameters_to_metadata,
};
use pgwire::api::cancel::CancelHandler;
use pgwire::api::{
    ClientInfo, METADATA_DATABASE, METADATA_USER, PgWireConnectionState, PidSecretKeyGenerator,
    RandomPidSecretKeyGenerator,
};
use pgwire::error::{PgWireError, PgWireResult};
use pgwire::messages::cancel::CancelRequest;
use pgwire::messages::startup::Authentication;
use pgwire::messages::{PgWireBackendMessage, PgWireFrontendMessage};
use tracing::{info, warn};

use crate::error::{fatal, of_login};
use crate::session::Session;
use crate::settings::TOLD;
use crate::{Refusal, Shown};

/// The database that stands for all projects.
pub(crate) const ALL_PROJECTS: &str = "hogflare";

impl Session {
    async fn log_in<C>(&self, client: &mut C, key: String) -> PgWireResult<()>
    where
        C: ClientInfo + Sink<PgWireBackendMessage> + Unpin + Send + Sync,
        C::Error: Debug,
        PgWireError: From<<C as Sink<PgWireBackendMessage>>::Error>,
    {
        let said = |name: &str| client.metadata().get(name).cloned().unwrap_or_default();
        let (user, database) = (said(METADATA_USER), said(METADATA_DATABASE));
        // A client that is told of no database names it after the user.
        let is_all = database.is_empty() || database == user || database == ALL_PROJECTS;
        let project = (!is_all).then_some(database);
        let shown = Shown { key, project, from: self.from };
        if let Err(refusal) = self.shared.keeper.log_in(&shown).await {
            counter!("hogflare_postgres_logins_refused_total", "reason" => reason(&refusal))
                .increment(1);
            warn!(from = %self.from, reason = reason(&refusal), "a PostgreSQL client was refused");
            return Err(of_login(&refusal));
        }
        counter!("hogflare_postgres_logins_total").increment(1);
        let project = shown.project.as_deref().unwrap_or_default();
        info!(from = %self.from, project, "a PostgreSQL client came in");
        let (pid, secret) = self.shared.generator.generate(client);
        client.set_pid_and_secret_key(pid, secret.clone());
        let cancel = self.shared.connections.register(pid, secret);
        self.enter(shown, user, cancel);
        let name = client.metadata().get("application_name").cloned();
        self.settings().set("application_name", name);
        finish_authentication(client, self).await
    }
}

fn reason(refusal: &Refusal) -> &'static str {
    match refusal {
        Refusal::Unknown => "unknown",
        Refusal::Forbidden(_) => "forbidden",
        Refusal::NoProject(_) => "no_project",
        Refusal::TooMany(_) => "too_many_tries",
        Refusal::Unavailable => "unavailable",
    }
}

#[async_trait]
impl StartupHandler for Session {
    async fn on_startup<C>(
        &self,
        client: &mut C,
        message: PgWireFrontendMessage,
    ) -> PgWireResult<()>
    where
        C: ClientInfo + Sink<PgWireBackendMessage> + Unpin + Send + Sync,
        C::Error: Debug,
        PgWireError: From<<C as Sink<PgWireBackendMessage>>::Error>,
    {
        let awaited = client.state();
        match (awaited, message) {
            (PgWireConnectionState::AwaitingStartup, PgWireFrontendMessage::Startup(startup)) => {
                if self.shared.needs_tls && !client.is_secure() {
                    return Err(fatal("28000", "keys are shown encrypted only: sslmode=require"));
                }
                protocol_negotiation(client, &startup).await?;
                save_startup_parameters_to_metadata(client, &startup);
                client.set_state(PgWireConnectionState::AuthenticationInProgress);
                let ask = PgWireBackendMessage::Authentication(Authentication::CleartextPassword);
                client.send(ask).await?;
                Ok(())
            }
            (
                PgWireConnectionState::AuthenticationInProgress,
                PgWireFrontendMessage::PasswordMessageFamily(password),
            ) => {
                let key = password.into_password()?.password;
                self.log_in(client, key).await
            }
            _ => Err(fatal("08P01", "this was not expected before the password")),
        }
    }
}

impl ServerParameterProvider for Session {
    fn server_parameters<C>(&self, _: &C) -> Option<std::collections::HashMap<String, String>>
    where
        C: ClientInfo,
    {
        let settings = self.settings();
        let told = TOLD
            .iter()
            .filter_map(|(name, setting)| Some(((*name).to_owned(), settings.show(setting)?)));
        Some(told.collect())
    }
}

#[async_trait]
impl CancelHandler for Session {
    async fn on_cancel_request(&self, asked: CancelRequest) {
        self.shared.connections.cancel(asked.pid, &asked.secret_key).await;
    }
}

/// Numbers of connections, which begin anew with the process.
pub(crate) type Generator = RandomPidSecretKeyGenerator;
