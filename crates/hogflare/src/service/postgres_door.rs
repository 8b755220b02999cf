//! The door for clients that speak PostgreSQL: the edge says who may read what.

use std::sync::Arc;

use anyhow::Context;
use async_trait::async_trait;
use postgres_door::{Door, Keeper, Options, Refusal, Shown};
use query::Engine;
use server::{EdgeState, NotRead};
use tls::Files;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tracing::info;

use super::https;
use crate::config::Config;

/// The door, and the files of its certificate.
pub(super) struct Bound {
    door: Door,
    certificate: Option<Arc<Files>>,
}

/// Binds the door, where one is wanted.
pub(super) async fn bind(config: &Config) -> anyhow::Result<Option<Bound>> {
    let Some(wanted) = &config.postgres_door else { return Ok(None) };
    let certificate = match wanted.tls.clone() {
        Some(paths) => {
            let files = Files::read(paths, "postgresql");
            Some(Arc::new(files.context("HOGFLARE_PG_TLS_CERT, HOGFLARE_PG_TLS_KEY")?))
        }
        None => None,
    };
    let tls = match certificate.clone() {
        Some(files) => Some(tls::acceptor(files, &[postgres_door::PROTOCOL])?),
        None => None,
    };
    let door = Door::bind(wanted.address, tls, Options::default())
        .await
        .with_context(|| format!("cannot listen on {} (HOGFLARE_PG_ADDR)", wanted.address))?;
    info!(addr = %wanted.address, tls = wanted.tls.is_some(), "PostgreSQL clients may come");
    Ok(Some(Bound { door, certificate }))
}

/// Serves it beside the other listeners.
pub(super) fn serve(
    bound: Option<Bound>,
    listeners: &mut JoinSet<()>,
    state: &EdgeState,
    stop: &watch::Receiver<bool>,
) {
    if let Some(Bound { door, certificate }) = bound {
        if let Some(files) = certificate {
            https::follow(files, stop);
        }
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
