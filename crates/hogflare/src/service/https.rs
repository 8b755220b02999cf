//! The public address: plain http, or https with plain http beside it.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context;
use server::{Beside, EdgeState, HTTPS_PROTOCOL, Listener, ListenerOptions};
use tls::{Acme, Files};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tracing::{error, info};

use crate::config::{Certificate, Config, Https};
use crate::data_dir::DataDir;

/// What metrics and the log call it.
const DOOR: &str = "https";

/// The public addresses, bound.
pub(super) struct Public {
    main: Listener,
    plain: Option<(Listener, Beside)>,
    certificate: Option<Held>,
}

/// What looks after the certificate.
#[derive(Clone)]
enum Held {
    Files(Arc<Files>),
    Acme(Arc<Acme>),
}

/// Reads what there is of a certificate, and binds.
pub(super) async fn bind(config: &Config, data_dir: &DataDir) -> anyhow::Result<Public> {
    let Some(https) = &config.https else {
        let main = Listener::bind(config.app_addr).await;
        let main = main.with_context(|| cannot_listen(config.app_addr, "APP_ADDR"))?;
        return Ok(Public { main, plain: None, certificate: None });
    };
    let certificate = tokio::task::block_in_place(|| held(https, data_dir))?;
    let tls = match certificate.clone() {
        Held::Files(files) => tls::acceptor(files, &[HTTPS_PROTOCOL]),
        Held::Acme(acme) => tls::acceptor(acme, &[HTTPS_PROTOCOL, tls::ACME_PROTOCOL]),
    }?;
    let main = Listener::bind_encrypted(config.app_addr, tls).await;
    let main = main.with_context(|| cannot_listen(config.app_addr, "APP_ADDR"))?;
    let plain = match https.http_addr {
        Some(address) => {
            let plain = Listener::bind(address).await;
            let name = "HOGFLARE_HTTP_ADDR; `off` does without";
            let plain = plain.with_context(|| cannot_listen(address, name))?;
            Some((plain, Beside { port: config.app_addr.port() }))
        }
        None => None,
    };
    Ok(Public { main, plain, certificate: Some(certificate) })
}

fn held(https: &Https, data_dir: &DataDir) -> anyhow::Result<Held> {
    match &https.certificate {
        Certificate::Files(paths) => {
            let files = Files::read(paths.clone(), DOOR);
            let files = files.context("HOGFLARE_TLS_CERT, HOGFLARE_TLS_KEY")?;
            info!("the certificate was read: {}", files.validity());
            Ok(Held::Files(Arc::new(files)))
        }
        Certificate::Acme { names, authority } => {
            let acme = Acme::open(names.clone(), authority.clone(), &data_dir.tls(), DOOR);
            Ok(Held::Acme(Arc::new(acme.context("HOGFLARE_TLS_DOMAIN")?)))
        }
    }
}

/// Serves them with as many connections as are allowed in all, and looks after the certificate.
pub(super) fn serve(
    public: Public,
    listeners: &mut JoinSet<()>,
    state: &EdgeState,
    options: ListenerOptions,
    stop: &watch::Receiver<bool>,
) {
    let places = options.places();
    if let Some((plain, beside)) = public.plain {
        let router = server::plain_router(state.clone(), beside);
        listeners.spawn(plain.serve_within(places.clone(), router, options, stop.clone()));
    }
    let router = server::router(state.clone());
    listeners.spawn(public.main.serve_within(places, router, options, stop.clone()));
    match public.certificate {
        Some(Held::Files(files)) => drop(follow(files, stop)),
        // After the address: the authority comes there.
        Some(Held::Acme(acme)) => drop(tokio::spawn(acme.run(stop.clone()))),
        None => {}
    }
}

/// Reads a certificate's files again when they change.
pub(super) fn follow(files: Arc<Files>, stop: &watch::Receiver<bool>) -> JoinHandle<()> {
    let stop = stop.clone();
    tokio::spawn(async move {
        if let Err(error) = files.follow(stop).await {
            error!(%error, "changed certificates are not noticed");
        }
    })
}

fn cannot_listen(address: SocketAddr, setting: &str) -> String {
    let hint = match address.port() {
        ..1024 => "; a port below 1024 needs the capability CAP_NET_BIND_SERVICE",
        _ => "",
    };
    format!("cannot listen on {address} ({setting}){hint}")
}
