//! `hogflare doctor`: what is wrong, before users notice.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::ExitCode;

use clap::ArgMatches;
use identity::postgres::{self, Address, Availability};
use journal::{Fs, RealFs};
use lake::rest::{self, Access, Attached, Found};
use serde_json::Value;
use sink::DeadLetters;
use sink::pipelines::Stream;
use tls::{Acme, Files, Paths, Validity};

use crate::config::{Certificate, Config, Https, PostgresDoor, Sources, State};
use crate::data_dir::DataDir;
use crate::local_client;

/// Seconds that a certificate has left when it should have been renewed: a day.
const SOON_OVER: i64 = 86_400;

/// What one check found.
enum Finding {
    Good(String),
    Notice(String),
    Bad(String),
}

use Finding::{Bad, Good, Notice};

/// Checks configuration, disk and sinks, a line each; fails when something is bad.
pub(crate) fn run(flags: &ArgMatches) -> anyhow::Result<ExitCode> {
    let config = match Sources::collect(flags).and_then(|sources| Config::parse(&sources)) {
        Ok(config) => config,
        Err(error) => return Ok(print(&[("configuration", Bad(error.to_string()))])),
    };
    let mut findings = vec![("configuration", Good("every setting can be read".into()))];
    let runtime = super::small_runtime()?;
    match DataDir::existing(&config.data_dir) {
        Ok(data_dir) => {
            findings.push(("data folder", Good(data_dir.path().display().to_string())));
            findings.push(("disk", disk(&config, &data_dir)));
            findings.push(("read key", read_key(&config, &data_dir)));
            findings.extend(dead_letters(&data_dir).map(|found| ("dead letters", found)));
            findings.extend(runtime.block_on(server(&data_dir)));
        }
        Err(error) => {
            findings.push(("data folder", Notice(format!("{error:#}; the first start makes it"))))
        }
    }
    if let State::Postgres(address) = &config.state {
        findings.push(("persons", postgres(address)));
    }
    if let Some(https) = &config.https {
        findings.push(("https", certificate_of(https, &config.data_dir.join("tls"))));
    }
    if let Some(door) = &config.postgres_door {
        findings.push(("PostgreSQL clients", certificate(door)));
    }
    if let Some(pipelines) = &config.pipelines {
        let mut asked = BTreeSet::new();
        for stream in pipelines.all().filter(|stream| asked.insert(&stream.config.endpoint)) {
            findings.push(("pipeline", runtime.block_on(reach(stream))));
        }
    }
    if let Some(tee) = &config.tee {
        findings.push(("tee", runtime.block_on(reach_posthog(&tee.posthog))));
    }
    if let Some(catalog) = &config.catalog {
        findings.push(("catalog", runtime.block_on(reach_catalog(catalog))));
    }
    Ok(print(&findings))
}

fn disk(config: &Config, data_dir: &DataDir) -> Finding {
    match RealFs.space(data_dir.path()) {
        Ok(space) => {
            let (free, reserve) = (space.free_bytes, config.journal_reserve_bytes);
            let text = format!("{} free", mebibytes(free));
            match free {
                free if free < reserve => Bad(format!(
                    "{text}, less than the reserve of {}: requests get 503",
                    mebibytes(reserve)
                )),
                free if free < 2 * reserve => Notice(format!("{text}, close to the reserve")),
                _ => Good(text),
            }
        }
        Err(error) => Bad(error.to_string()),
    }
}

fn read_key(config: &Config, data_dir: &DataDir) -> Finding {
    match (&config.read_key, data_dir.read_key()) {
        (Some(_), _) => Good("given by HOGFLARE_READ_KEY".into()),
        (None, Ok(_)) => Good("in the data folder; `hogflare key show` prints it".into()),
        (None, Err(error)) => Notice(format!("{error:#}")),
    }
}

/// What the running server says of its sinks.
async fn server(data_dir: &DataDir) -> Vec<(&'static str, Finding)> {
    let running = match data_dir.try_share() {
        Ok(Some(_)) => return vec![("server", Notice("not running".into()))],
        Ok(None) => local_client::get(&data_dir.socket(), "/_readiness").await,
        Err(error) => Err(error),
    };
    let answer = match running {
        Ok(answer) => answer,
        Err(error) => return vec![("server", Bad(format!("runs but does not answer: {error:#}")))],
    };
    let mut findings = vec![match answer.status.is_success() {
        true => ("server", Good("running".into())),
        false => ("server", Bad(format!("answers {}", answer.status))),
    }];
    let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    if let Some(reason) = body["reasons"]["persons"].as_str() {
        findings.push(("persons", Bad(format!("the server cannot settle events: {reason}"))));
    }
    for (sink, health) in body["sinks"].as_object().into_iter().flatten() {
        let text = format!("{sink}: {}", health.as_str().unwrap_or("unknown"));
        let reason = body["reasons"][sink].as_str().unwrap_or("the log says why");
        findings.push(match health.as_str() {
            Some("working") => ("sink", Good(text)),
            Some("retrying") => ("sink", Notice(format!("{text}: {reason}"))),
            _ => ("sink", Bad(format!("{text}: {reason}"))),
        });
    }
    findings
}

/// Whether persons can be reached from here.
fn postgres(address: &Address) -> Finding {
    let options = postgres::Options::default();
    let reader = postgres::Reader::new(address.clone(), options, Availability::default());
    match reader.and_then(|reader| reader.check()) {
        Ok(true) => Good(format!("PostgreSQL at {address} has the tables of this version")),
        Ok(false) => Notice(format!(
            "PostgreSQL at {address} has no tables of this version yet; the next start makes them"
        )),
        Err(error) => Bad(format!("PostgreSQL at {address}: {error}")),
    }
}

/// Whether browsers could be shown a certificate, and for how long.
fn certificate_of(https: &Https, kept: &Path) -> Finding {
    match &https.certificate {
        Certificate::Files(paths) => in_files(paths, "the certificate can be used"),
        Certificate::Acme { names, authority } => {
            let names = names.join(", ");
            match Acme::kept_in(kept, https.certificate.names(), authority) {
                Ok(Some(validity)) => good_for(validity, &format!("the certificate for {names}")),
                Ok(None) => Notice(format!(
                    "there is no certificate for {names} yet; the server asks {} for one, and its log says why \
                     it got none",
                    authority.directory
                )),
                Err(error) => Bad(format!("the certificate for {names} cannot be used: {error}")),
            }
        }
    }
}

/// Whether PostgreSQL clients could be let in.
fn certificate(door: &PostgresDoor) -> Finding {
    match &door.tls {
        None => Good(format!("let in at {}, from this machine alone", door.address)),
        Some(paths) => {
            let text = format!("let in at {}, and its certificate can be used", door.address);
            in_files(paths, &text)
        }
    }
}

fn in_files(paths: &Paths, text: &str) -> Finding {
    match Files::read(paths.clone(), "doctor") {
        Ok(files) => good_for(files.validity(), text),
        Err(error) => Bad(format!("the certificate cannot be used: {error}")),
    }
}

/// How long a certificate is good. Who renews it does so when a third of its time is left, or earlier.
fn good_for(validity: Validity, text: &str) -> Finding {
    let text = format!("{text}: {validity}");
    match validity.seconds_left() {
        ..0 => Bad(text),
        0..SOON_OVER => Notice(format!("{text}, and nobody has renewed it")),
        _ => Good(text),
    }
}

/// Sends an empty array, which stores nothing.
async fn reach(stream: &Stream) -> Finding {
    let name = stream.name;
    match sink::pipelines::probe(&stream.config).await {
        Ok(()) => Good(format!(
            "{name}: reachable, and takes the token. A new pipeline shows its first rows after \
             3 to 7 minutes, later ones after its roll interval"
        )),
        Err(error) => Bad(format!("{name}: {error}")),
    }
}

/// Asks for its first page, which stores nothing.
async fn reach_posthog(posthog: &sink::posthog::Config) -> Finding {
    let host = posthog.url.host_str().unwrap_or_default();
    match sink::posthog::probe(posthog).await {
        Ok(status) if status.is_redirection() && host.ends_with("posthog.com") => Notice(format!(
            "{host}: answers, and leads elsewhere; events go to us.i.posthog.com or eu.i.posthog.com"
        )),
        Ok(status) => Good(format!(
            "{host}: answers ({status}). Whether it takes events shows in hogflare_tee_requests_total"
        )),
        Err(error) => Bad(format!("{host}: {error}")),
    }
}

/// Reads what tables there are, or writes an object beside them.
async fn reach_catalog(catalog: &rest::Config) -> Finding {
    let host = catalog.uri.host_str().unwrap_or_default();
    if catalog.access == Access::Read {
        return match read_catalog(catalog).await {
            Ok(found) if found.troubles.is_empty() => Good(format!(
                "{host}: its tables can be read, and have {} rows",
                found.version.file_rows()
            )),
            Ok(found) => Bad(format!("{host}: {}", found.troubles.join("; "))),
            Err(error) => Bad(format!("{host}: {error}")),
        };
    }
    match rest::probe(catalog).await {
        Ok(0) => Notice(format!(
            "{host}: answers, and has no tables yet; the next start makes them, and then the storage \
             can be checked, too"
        )),
        Ok(tables) => Good(format!(
            "{host}: has {tables} tables that can be written to, and so can their storage"
        )),
        Err(error) => Bad(format!("{host}: {error}")),
    }
}

async fn read_catalog(catalog: &rest::Config) -> Result<Found, sink::Error> {
    Attached::new(catalog.clone())?.read().await
}

/// Rows that a pipeline refused, in a folder for each sink.
fn dead_letters(data_dir: &DataDir) -> Option<Finding> {
    let folders = std::fs::read_dir(data_dir.dead_letters()).ok()?;
    let mut letters = 0;
    for folder in folders.flatten() {
        let files = DeadLetters::new("doctor", folder.path()).files().ok()?;
        for file in files {
            letters += std::fs::read_to_string(file).ok()?.lines().count();
        }
    }
    (letters > 0).then(|| {
        Notice(format!(
            "{letters} rows were refused; `hogflare resend --dry-run` says why, \
             `hogflare resend` sends them again"
        ))
    })
}

fn mebibytes(bytes: u64) -> String {
    format!("{} MiB", bytes >> 20)
}

fn print(findings: &[(&str, Finding)]) -> ExitCode {
    for (subject, finding) in findings {
        match finding {
            Good(text) => println!("  ok    {subject}: {text}"),
            Notice(text) => println!("  note  {subject}: {text}"),
            Bad(text) => println!("  BAD   {subject}: {text}"),
        }
    }
    match findings.iter().any(|(_, finding)| matches!(finding, Bad(_))) {
        true => ExitCode::FAILURE,
        false => ExitCode::SUCCESS,
    }
}
