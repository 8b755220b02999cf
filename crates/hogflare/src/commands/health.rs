//! `hogflare health`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::ArgMatches;

use crate::config::{self, Https, Sources};
use crate::local_client::{self, Way};

/// How long the server may take to answer.
const PATIENCE: Duration = Duration::from_secs(3);

/// Asks the server of `APP_ADDR` whether it lives, for health checks in images, which have no other HTTP
/// client. Of other settings it asks no more than that the configuration file can be read, and whether https
/// is spoken there: then it asks by plain http, where that is answered, since a server without a certificate
/// lives, too; or by https, whatever the certificate.
pub(crate) fn run(flags: &ArgMatches) -> anyhow::Result<ExitCode> {
    let sources = Sources::collect(flags)?;
    let (listening, way) = match config::https(&sources)? {
        Some(Https { http_addr: Some(address), .. }) => (address, Way::Http),
        Some(_) => (config::app_addr(&sources)?, Way::Https),
        None => (config::app_addr(&sources)?, Way::Http),
    };
    let address = on_this_machine(listening);
    let answer = super::small_runtime()?
        .block_on(async {
            let asked = local_client::get_by_tcp(address, way, "/healthz");
            tokio::time::timeout(PATIENCE, asked).await
        })
        .with_context(|| format!("{address} has not answered within {PATIENCE:?}"))?
        .with_context(|| format!("{address} does not answer"))?;
    match answer.status.is_success() {
        true => Ok(ExitCode::SUCCESS),
        false => bail!("{address} answers {}", answer.status),
    }
}

/// Where a server that listens there is reached from its own machine.
fn on_this_machine(listening: SocketAddr) -> SocketAddr {
    let ip = match listening.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    SocketAddr::new(ip, listening.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_means_all_is_asked_on_loopback() {
        let asked = |listening: &str| on_this_machine(listening.parse().unwrap()).to_string();
        assert_eq!(asked("0.0.0.0:8080"), "127.0.0.1:8080");
        assert_eq!(asked("[::]:8080"), "[::1]:8080");
        assert_eq!(asked("192.0.2.1:80"), "192.0.2.1:80");
    }
}
