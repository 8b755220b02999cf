//! What is added to events: the database of places, and the salts of cookieless visitors.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use enrich::cookieless::Salts;
use enrich::{Enricher, GeoIp, Settings};
use event::Timestamp;
use tokio::sync::watch;
use tracing::{error, info};

use crate::data_dir::{DataDir, random_bytes, write_private};

/// How often salts are looked after: a day begins somewhere every hour.
const INTERVAL: Duration = Duration::from_secs(600);

/// Makes the enricher, and keeps its salts until `stopped` turns true.
pub(crate) fn start(
    geoip: Option<&Path>,
    data_dir: &DataDir,
    stopped: watch::Receiver<bool>,
) -> anyhow::Result<Arc<Enricher>> {
    let geoip = geoip.map(read_geoip).transpose()?;
    let enricher = Arc::new(Enricher::new(Settings { geoip, ..Settings::default() }));
    let mut kept = KeptSalts::read(data_dir.cookieless_salts())?;
    enricher.set_salts(kept.renewed()?);
    tokio::spawn(keep(kept, Arc::clone(&enricher), stopped));
    Ok(enricher)
}

fn read_geoip(path: &Path) -> anyhow::Result<GeoIp> {
    let wrong = || format!("HOGFLARE_GEOIP={}: expected a readable .mmdb file", path.display());
    let geoip = std::fs::read(path).map_err(anyhow::Error::from);
    let geoip = geoip.and_then(|bytes| Ok(GeoIp::from_bytes(bytes)?)).with_context(wrong)?;
    info!(database = geoip.database_type(), "locating addresses");
    Ok(geoip)
}

async fn keep(mut kept: KeptSalts, enricher: Arc<Enricher>, mut stopped: watch::Receiver<bool>) {
    while tokio::time::timeout(INTERVAL, stopped.wait_for(|stop| *stop)).await.is_err() {
        match kept.renewed() {
            Ok(salts) => enricher.set_salts(salts),
            // Without a salt that is kept, events of a new day are quarantined rather than given ids
            // that a restart would change.
            Err(error) => {
                error!(error = format!("{error:#}"), "cannot keep the salts of cookieless visitors")
            }
        }
    }
}

/// Salts, in a file that only the owner may read.
struct KeptSalts {
    path: PathBuf,
    salts: Salts,
}

impl KeptSalts {
    fn read(path: PathBuf) -> anyhow::Result<Self> {
        let salts = match std::fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes)
                .with_context(|| format!("{} is damaged; remove it", path.display()))?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Salts::default(),
            Err(error) => return Err(error).with_context(|| path.display().to_string()),
        };
        Ok(Self { path, salts })
    }

    /// The salts of now; those of days that are over are deleted from the file too.
    fn renewed(&mut self) -> anyhow::Result<Salts> {
        let mut salts = self.salts.clone();
        let mut failed = None;
        let random = || {
            random_bytes().unwrap_or_else(|error| {
                failed = Some(error);
                [0; 32]
            })
        };
        let is_changed = salts.renew(Timestamp::now(), random);
        if let Some(error) = failed {
            return Err(error).context("no random bytes");
        }
        if is_changed {
            let json = serde_json::to_vec(&salts)?;
            write_private(&self.path, &json)
                .with_context(|| format!("cannot write {}", self.path.display()))?;
            self.salts = salts;
        }
        Ok(self.salts.clone())
    }
}
