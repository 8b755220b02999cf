//! What the start tells whoever reads the log.

use lake::Lake;
use lake::rest::{self, Access};
use tracing::{info, warn};

use crate::config::{self, Config};
use crate::data_dir::DataDir;

fn is_written(catalog: &&rest::Config) -> bool {
    catalog.access == Access::Write
}

/// Says where data goes.
pub(crate) fn start(config: &Config, data_dir: &DataDir, lake: Option<&Lake>) {
    info!(version = env!("CARGO_PKG_VERSION"), data_dir = %data_dir.path().display(), "hogflare");
    match lake {
        Some(lake) => {
            info!(path = %data_dir.lake().display(), rows = lake.row_count(), "lake");
        }
        None => match (&config.pipelines, config.catalog.as_ref().filter(is_written)) {
            (_, None) => info!("the lake is off, rows go to the pipeline only"),
            (None, Some(_)) => info!("the lake is off, rows go to the catalog only"),
            (Some(_), Some(_)) => info!("the lake is off, rows go to pipeline and catalog"),
        },
    }
    if let Some(catalog) = &config.catalog {
        let (host, warehouse) = (catalog.uri.host_str().unwrap_or_default(), &catalog.warehouse);
        let warehouse = warehouse.as_deref().unwrap_or_default();
        info!(host, warehouse, namespace = catalog.namespace.join("."), "catalog");
    }
    if config.asks_catalog() {
        info!(
            "questions are answered by the catalog's tables, as they were when it was last asked"
        );
    }
    if let Some(pipelines) = &config.pipelines {
        for stream in pipelines.all() {
            let host = stream.config.endpoint.host_str().unwrap_or_default();
            info!(sink = stream.name, host, "pipeline");
        }
        if pipelines.is_next_needless {
            warn!("CLOUDFLARE_PIPELINE_NEXT_ENDPOINT gets events already, and is ignored");
        }
        if config.lake_enabled && !config.lake_given {
            info!("rows go to the pipeline and to the lake; HOGFLARE_LAKE=off turns the lake off");
        }
    }
    if let Some(tee) = &config.tee {
        let (host, recordings) = (tee.posthog.url.host_str().unwrap_or_default(), tee.recordings);
        info!(host, recordings, "every request goes on to PostHog, too");
    }
    if config.trusted_proxies.trusts_worker() {
        info!("x-hogflare-* headers are believed: only the Worker in front may reach this address");
    }
    for name in config::unknown_variables() {
        warn!(name, "there is no such setting; the variable has no effect");
    }
    if config.signing_secret.is_some() {
        warn!("requests must be signed: browsers cannot send any (POSTHOG_SIGNING_SECRET)");
    }
}
