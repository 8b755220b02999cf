//! Who may come in: the store of users and keys, the first owner, and the link for them.

use std::sync::Arc;

use event::Timestamp;
use identity::postgres::Options;
use server::{Access, Key};
use state::{By, Connect, Connecting, Email, Password, Store};
use tracing::{info, warn};

use crate::config::{Config, State};
use crate::data_dir::DataDir;

/// Opens what people configured, and makes what a first start needs.
pub(super) fn start(config: &Config, data_dir: &DataDir) -> anyhow::Result<Access> {
    let read_key = match &config.read_key {
        Some(key) => key.0.clone(),
        None => data_dir.read_key_or_new()?,
    };
    let admin_key = match &config.admin_key {
        Some(key) => key.0.clone(),
        None => data_dir.admin_key_or_new()?,
    };
    let store = Arc::new(open(config, data_dir)?);
    if let Some((email, password)) = &config.owner {
        unless_absent(make_owner(&store, email, password))?;
    }
    let mut access = Access::new(store, Key::new(read_key), Key::new(admin_key));
    access.public_url = config.public_url.clone();
    access.terms = config.session_terms;
    Ok(access)
}

/// Without an owner, prints the link by which whoever sees it becomes one. Not a line of the log, which
/// may go where more people read.
pub(super) fn invite_owner(access: &Access, config: &Config) -> anyhow::Result<()> {
    let Some(link) = unless_absent(access.store.new_setup_link())?.flatten() else { return Ok(()) };
    let host = match &config.public_url {
        Some(url) => url.to_string(),
        None => {
            let scheme = if config.https.is_some() { "https" } else { "http" };
            match config.app_addr.ip().is_unspecified() {
                true => format!("{scheme}://localhost:{}", config.app_addr.port()),
                false => format!("{scheme}://{}", config.app_addr),
            }
        }
    };
    println!("\n  Nobody owns this Hogflare yet. Follow this link, which works once:\n");
    println!("  {host}/setup?token={}\n", link.secret.reveal());
    Ok(())
}

/// Opens what people configured: where persons are in PostgreSQL, so is this.
pub(crate) fn open(config: &Config, data_dir: &DataDir) -> Result<Store, state::Error> {
    let State::Postgres(address) = &config.state else { return Store::open(&data_dir.settings()) };
    let place = address.to_string();
    let address = Arc::clone(address);
    let open = move || -> Connecting {
        let address = Arc::clone(&address);
        Box::pin(async move {
            let options = Options::default();
            address.client(&options).await.map_err(|error| error.to_string())
        })
    };
    Store::open_shared(Connect { place, open: Arc::new(open) })
}

/// PostgreSQL need not be there yet; whoever has to come in first can when it is, and this starts again.
fn unless_absent<T>(done: Result<T, state::Error>) -> Result<Option<T>, state::Error> {
    match done {
        Ok(done) => Ok(Some(done)),
        Err(error @ state::Error::Unreachable(_)) => {
            warn!(%error, "whether there is an owner is not known");
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

fn make_owner(store: &Store, email: &Email, password: &Password) -> Result<(), state::Error> {
    let by = By::program(Timestamp::now());
    match store.create_owner(email, password, &by)? {
        Some(owner) => info!(email = %owner.email, "an owner was made of HOGFLARE_ADMIN_PASSWORD"),
        None => info!("there is an owner already, HOGFLARE_ADMIN_PASSWORD changes nothing"),
    }
    Ok(())
}
