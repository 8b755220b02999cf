//! Settings of https: whose certificate is shown, and where.

use std::net::SocketAddr;
use std::path::PathBuf;

use tls::{Authority, Paths};

use super::parse::{needs, parse_by};
use super::{ConfigError, Sources};

/// The ports that browsers ask without being told.
const HTTPS_PORT: u16 = 443;
const HTTP_PORT: u16 = 80;

/// The settings that have the public address speak https.
const WANTED_BY: [&str; 3] = ["HOGFLARE_TLS_CERT", "HOGFLARE_TLS_KEY", "HOGFLARE_TLS_DOMAIN"];

/// How the public address speaks https.
#[derive(Clone, Debug)]
pub(crate) struct Https {
    pub(crate) certificate: Certificate,
    /// Where plain http is answered beside it.
    pub(crate) http_addr: Option<SocketAddr>,
}

/// Where the certificate comes from.
#[derive(Clone, Debug)]
pub(crate) enum Certificate {
    /// Two files.
    Files(Paths),
    /// An authority, for these names.
    Acme { names: Vec<String>, authority: Authority },
}

impl Certificate {
    /// The names that an authority is asked for.
    pub(crate) fn names(&self) -> &[String] {
        match self {
            Self::Files(_) => &[],
            Self::Acme { names, .. } => names,
        }
    }
}

/// Where the service listens.
pub(crate) fn app_addr(sources: &Sources) -> Result<SocketAddr, ConfigError> {
    if is_wanted(sources) && !sources.is_given("APP_ADDR") {
        return Ok(SocketAddr::from(([0, 0, 0, 0], HTTPS_PORT)));
    }
    parse_by(sources, "APP_ADDR", |text| {
        text.parse().map_err(|_| "an address such as 0.0.0.0:8080".to_owned())
    })
}

/// How it speaks https, where it does.
pub(crate) fn https(sources: &Sources) -> Result<Option<Https>, ConfigError> {
    if !is_wanted(sources) {
        let beside = [
            "HOGFLARE_HTTP_ADDR",
            "HOGFLARE_TLS_CONTACT",
            "HOGFLARE_TLS_ACME_URL",
            "HOGFLARE_TLS_ACME_ROOT",
        ];
        return match beside.into_iter().find(|name| sources.is_given(name)) {
            Some(name) => {
                Err(needs(name, "HOGFLARE_TLS_DOMAIN or HOGFLARE_TLS_CERT to be set too"))
            }
            None => Ok(None),
        };
    }
    let certificate = match files(sources)? {
        Some(files) => Certificate::Files(files),
        None => acme(sources)?,
    };
    Ok(Some(Https { certificate, http_addr: http_addr(sources)? }))
}

fn is_wanted(sources: &Sources) -> bool {
    WANTED_BY.iter().any(|name| sources.is_given(name))
}

fn files(sources: &Sources) -> Result<Option<Paths>, ConfigError> {
    let paths = paths(sources, "HOGFLARE_TLS_CERT", "HOGFLARE_TLS_KEY")?;
    let of_acme = [
        "HOGFLARE_TLS_DOMAIN",
        "HOGFLARE_TLS_CONTACT",
        "HOGFLARE_TLS_ACME_URL",
        "HOGFLARE_TLS_ACME_ROOT",
    ];
    match of_acme.into_iter().find(|name| paths.is_some() && sources.is_given(name)) {
        Some(name) => Err(needs(
            name,
            "not to be set beside HOGFLARE_TLS_CERT: the certificate is the one or the other",
        )),
        None => Ok(paths),
    }
}

/// The files of a certificate and its key, of which neither is of use alone.
pub(super) fn paths(
    sources: &Sources,
    certificate: &str,
    key: &str,
) -> Result<Option<Paths>, ConfigError> {
    let path = |name| sources.get(name).map(|path| PathBuf::from(path.trim()));
    match (path(certificate), path(key)) {
        (Some(certificate), Some(key)) => Ok(Some(Paths { certificate, key })),
        (None, None) => Ok(None),
        (Some(_), None) => Err(needs(certificate, &format!("{key} to be set too"))),
        (None, Some(_)) => Err(needs(key, &format!("{certificate} to be set too"))),
    }
}

fn acme(sources: &Sources) -> Result<Certificate, ConfigError> {
    let names = parse_by(sources, "HOGFLARE_TLS_DOMAIN", |text| {
        let names: Vec<String> =
            text.split(',').map(|name| name.trim().to_ascii_lowercase()).collect();
        match names.iter().all(|name| is_name(name)) {
            true => Ok(names),
            false => Err("names such as stats.example.com, with commas between them".to_owned()),
        }
    })?;
    let directory =
        parse_by(sources, "HOGFLARE_TLS_ACME_URL", |text| match text.parse::<http::Uri>() {
            Ok(url) if url.scheme_str() == Some("https") => Ok(text.to_owned()),
            _ => Err("the https URL of a directory".to_owned()),
        })?;
    let contact = match sources.get("HOGFLARE_TLS_CONTACT") {
        Some(_) => Some(parse_by(sources, "HOGFLARE_TLS_CONTACT", |text| {
            let address = text.parse::<state::Email>();
            address
                .map(|address| address.to_string())
                .map_err(|_| "an address such as jane@example.com".to_owned())
        })?),
        None => None,
    };
    let root = sources.get("HOGFLARE_TLS_ACME_ROOT").map(|path| PathBuf::from(path.trim()));
    Ok(Certificate::Acme { names, authority: Authority { directory, contact, root } })
}

/// Whether it is the name of a host, which is what an authority can find.
fn is_name(name: &str) -> bool {
    let is_label = |label: &str| {
        let is_plain = label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
        is_plain
            && (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let is_number = name.parse::<std::net::IpAddr>().is_ok();
    !is_number && name.len() <= 253 && name.split('.').all(is_label)
}

/// Port 80 beside port 443, unless something is said.
fn http_addr(sources: &Sources) -> Result<Option<SocketAddr>, ConfigError> {
    let https = app_addr(sources)?;
    match sources.get("HOGFLARE_HTTP_ADDR").map(str::trim) {
        None if https.port() == HTTPS_PORT => Ok(Some(SocketAddr::new(https.ip(), HTTP_PORT))),
        None | Some("off") => Ok(None),
        Some(_) => parse_by(sources, "HOGFLARE_HTTP_ADDR", |text| match text.parse() {
            Ok(address) if address != https => Ok(Some(address)),
            Ok(_) => Err("another address than APP_ADDR".to_owned()),
            Err(_) => Err("an address such as 0.0.0.0:80, or off".to_owned()),
        }),
    }
}
