//! The door for clients that speak PostgreSQL: the edge says who may read what.

use std::sync::Arc;

use anyhow::Context;
use async_trait::async_trait;
use postgres_door::{Door, Keeper, Options, Refusal, Shown, Tls};
use query::Engine;
use server::{EdgeState, NotRead};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tracing::info;

use crate::config::Config;

/// Binds the door, where one is wanted.
pub(super) async fn bind(config: &Config) -> anyhow::Result<Option<Door>> {
    let Some(wanted) = &config.postgres_door else { return Ok(None) };
    let tls = match wanted.tls.clone() {
        Some((certificate, key)) => {
            Some(Tls::read(certificate, key).context("HOGFLARE_PG_TLS_CERT, HOGFLARE_PG_TLS_KEY")?)
        }
        None => None,
    };
    let door = Door::bind(wanted.address, tls, Options::default())
        .await
        .with_context(|| format!("cannot listen on {} (HOGFLARE_PG_ADDR)", wanted.address))?;
    info!(addr = %wanted.address, tls = wanted.tls.is_some(), "PostgreSQL clients may come");
    Ok(Some(door))
}

/// Serves it beside the other listeners.
pub(super) fn serve(
    door: Option<Door>,
    listeners: &mut JoinSet<()>,
    state: &EdgeState,
    stop: &watch::Receiver<bool>,
) {
    if let Some(door) = door {
        listeners.spawn(door.serve(Arc::new(Edge(state.clone())), stop.clone()));
    }
}

/// Decides as HTTP does.
#[derive(Debug)]
struct Edge(EdgeState);

#[async_trait]
impl Keeper for Edge {
    async fn log_in(&self, shown: &Shown) -> Result<(), Refusal> {
        let tried = self.0.try_key(&shown.key, shown.project.as_deref(), shown.from).await;
        tried.map_err(refusal)
    }

    async fn engine(&self, shown: &Shown) -> Result<Engine, Refusal> {
        let engine = self.0.engine_for_key(&shown.key, shown.project.as_deref(), shown.from).await;
        engine.map_err(refusal)
    }
}

fn refusal(not: NotRead) -> Refusal {
    match not {
        NotRead::Unknown => Refusal::Unknown,
        NotRead::Forbidden(why) => Refusal::Forbidden(why),
        NotRead::NoProject(project) => Refusal::NoProject(project),
        NotRead::TooMany(wait) => Refusal::TooMany(wait),
        NotRead::Unavailable => Refusal::Unavailable,
    }
}
