//! From text to what the parts of the service take.

use std::collections::HashSet;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use enrich::IpPolicy;
use event::{Table, Token};
use identity::postgres::Address;
use identity::{GROUP_TYPES, GroupTypes};
use lake::rest::{self, Access, TableNames};
use recordings::Retention;
use server::policy::{self, ConfiguredProjects, Policy, PolicyFile, UnknownTokens};
use server::{PublicUrl, TrustedProxies};
use sink::pipelines::{Route, Stream, Streams, TableStream};
use state::{Email, Password, SHORTEST_PASSWORD, SessionTerms};

use super::https::{self, Https};
use super::{ConfigError, Sources};

/// The service's configuration.
#[derive(Debug)]
pub(crate) struct Config {
    pub(crate) app_addr: SocketAddr,
    /// How it speaks https there; otherwise plain http.
    pub(crate) https: Option<Https>,
    pub(crate) pipelines: Option<Pipelines>,
    /// The catalog whose tables get every row.
    pub(crate) catalog: Option<lake::rest::Config>,
    /// The PostHog that gets every request.
    pub(crate) tee: Option<TeeSettings>,
    pub(crate) api_key: Option<Token>,
    pub(crate) recording_endpoint: Option<String>,
    pub(crate) signing_secret: Option<Secret>,
    pub(crate) data_dir: PathBuf,
    pub(crate) lake_enabled: bool,
    pub(crate) lake_given: bool,
    pub(crate) ack: AckMode,
    pub(crate) read_key: Option<Secret>,
    pub(crate) admin_key: Option<Secret>,
    /// The first owner, where nobody can follow a link.
    pub(crate) owner: Option<(Email, Password)>,
    pub(crate) public_url: Option<PublicUrl>,
    pub(crate) session_terms: SessionTerms,
    pub(crate) policy: PolicyStart,
    pub(crate) geoip: Option<PathBuf>,
    pub(crate) max_connections: usize,
    pub(crate) journal_budget_bytes: Option<u64>,
    pub(crate) journal_reserve_bytes: u64,
    pub(crate) retention: Option<lake::Retention>,
    pub(crate) recordings: Retention,
    pub(crate) state: State,
    pub(crate) person_properties_on_events: bool,
    pub(crate) group_types: GroupTypes,
    pub(crate) dedup_window: Duration,
    pub(crate) memory_budget_bytes: usize,
    pub(crate) trusted_proxies: TrustedProxies,
    pub(crate) postgres_door: Option<PostgresDoor>,
    pub(crate) drain_timeout: Duration,
}

/// Where persons and groups are kept.
#[derive(Clone, Debug)]
pub(crate) enum State {
    /// In the data folder.
    Embedded,
    /// In PostgreSQL, with other nodes.
    Postgres(Arc<Address>),
    /// Nowhere.
    None,
}

/// The streams at Cloudflare.
#[derive(Clone, Debug)]
pub(crate) struct Pipelines {
    pub(crate) streams: Streams,
    /// Whether the next stream is one that gets events already.
    pub(crate) is_next_needless: bool,
    /// Those that get the rows of a table beside `events`.
    pub(crate) tables: Vec<(Table, Stream)>,
    /// Session recordings; the main stream where they have none of their own.
    pub(crate) recordings: Stream,
}

impl Pipelines {
    /// Every stream, by the name of its sink.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Stream> {
        let tables = self.tables.iter().map(|(_, stream)| stream);
        self.streams.iter().chain(self.streams.next()).chain(tables).chain([&self.recordings])
    }
}

/// What goes on to a PostHog, and where it is.
#[derive(Clone, Debug)]
pub(crate) struct TeeSettings {
    pub(crate) posthog: sink::posthog::Config,
    /// Whose requests; everybody's where none are named.
    pub(crate) tokens: Option<HashSet<String>>,
    pub(crate) recordings: bool,
    pub(crate) budget_bytes: Option<u64>,
}

/// Where clients that speak PostgreSQL come in.
#[derive(Clone, Debug)]
pub(crate) struct PostgresDoor {
    pub(crate) address: SocketAddr,
    /// The files of a certificate and its key.
    pub(crate) tls: Option<tls::Paths>,
}

/// The policy to begin with, and where to look for another.
#[derive(Debug)]
pub(crate) struct PolicyStart {
    pub(crate) base: policy::Base,
    pub(crate) tables: PolicyFile,
    /// The file whose changes are followed.
    pub(crate) file: Option<PathBuf>,
}

/// When a request is acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AckMode {
    /// Once the journal has it on disk.
    Durable,
    /// Once the pipeline holds it too.
    Delivered,
}

/// Text that is never printed.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Secret(pub(crate) String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

/// Timeout of a request to a pipeline under `HOGFLARE_ACK=delivered`, unless one is given.
const DELIVERED_TIMEOUT: Duration = Duration::from_secs(4);

impl Config {
    /// Parses the settings and checks that they fit each other.
    pub(crate) fn parse(sources: &Sources) -> Result<Self, ConfigError> {
        let secret = |name| sources.get(name).map(|text| Secret(text.trim().to_owned()));
        let api_key = sources.get("POSTHOG_API_KEY").map(|text| Token::new(text.trim()));
        let policy = policy_start(sources, api_key.as_ref())?;
        let https = https::https(sources)?;
        let config = Self {
            app_addr: https::app_addr(sources)?,
            pipelines: pipelines(sources)?,
            catalog: catalog(sources)?,
            tee: tee(sources)?,
            api_key,
            recording_endpoint: sources
                .get("POSTHOG_SESSION_RECORDING_ENDPOINT")
                .map(str::to_owned),
            signing_secret: secret("POSTHOG_SIGNING_SECRET"),
            data_dir: PathBuf::from(sources.get("HOGFLARE_DATA_DIR").unwrap_or_default()),
            lake_enabled: parse_by(sources, "HOGFLARE_LAKE", on_or_off)?,
            lake_given: sources.is_given("HOGFLARE_LAKE"),
            ack: parse_by(sources, "HOGFLARE_ACK", |text| match text {
                "durable" => Ok(AckMode::Durable),
                "delivered" => Ok(AckMode::Delivered),
                _ => Err("durable or delivered".to_owned()),
            })?,
            read_key: secret("HOGFLARE_READ_KEY"),
            admin_key: secret("HOGFLARE_ADMIN_KEY"),
            owner: owner(sources)?,
            public_url: public_url(sources, https.as_ref())?,
            session_terms: SessionTerms {
                idle: parse_by(sources, "HOGFLARE_SESSION_IDLE", duration)?,
                lifetime: parse_by(sources, "HOGFLARE_SESSION_LIFETIME", duration)?,
            },
            policy,
            geoip: sources.get("HOGFLARE_GEOIP").map(PathBuf::from),
            max_connections: parse_by(sources, "HOGFLARE_MAX_CONNECTIONS", |text| {
                let number = text.parse().ok().filter(|number| *number > 0);
                number.ok_or_else(|| "a whole number above 0".to_owned())
            })?,
            journal_budget_bytes: match sources.get("HOGFLARE_JOURNAL_BUDGET") {
                Some(_) => Some(parse_by(sources, "HOGFLARE_JOURNAL_BUDGET", bytes)?),
                None => None,
            },
            journal_reserve_bytes: parse_by(sources, "HOGFLARE_JOURNAL_RESERVE", bytes)?,
            retention: match sources.get("HOGFLARE_RETENTION") {
                Some(_) => Some(parse_by(sources, "HOGFLARE_RETENTION", str::parse)?),
                None => None,
            },
            recordings: Retention {
                time: parse_by(sources, "HOGFLARE_RECORDINGS_RETENTION", duration)?,
                bytes: parse_by(sources, "HOGFLARE_RECORDINGS_BUDGET", bytes)?,
            },
            state: state(sources)?,
            person_properties_on_events: parse_by(sources, "HOGFLARE_PERSON_PROPERTIES", |text| {
                match text {
                    "table" => Ok(false),
                    "on_events" => Ok(true),
                    _ => Err("table or on_events".to_owned()),
                }
            })?,
            group_types: group_types(sources)?,
            dedup_window: parse_by(sources, "HOGFLARE_DEDUP_WINDOW", duration)?,
            memory_budget_bytes: parse_by(sources, "HOGFLARE_MEMORY_BUDGET", |text| {
                let bytes = usize::try_from(bytes(text)?).unwrap_or(usize::MAX);
                match bytes >= 1 << 20 {
                    true => Ok(bytes),
                    false => Err("at least 1MiB".to_owned()),
                }
            })?,
            trusted_proxies: parse_by(sources, "HOGFLARE_TRUST_PROXY", |text| {
                text.parse()
                    .map_err(|error| format!("addresses, networks, worker, or none: {error}"))
            })?,
            postgres_door: postgres_door(sources)?,
            drain_timeout: parse_by(sources, "HOGFLARE_DRAIN_TIMEOUT", duration)?,
            https,
        };
        config.check()?;
        Ok(config)
    }

    /// Whether questions are answered by the catalog's tables, and not by the lake's.
    pub(crate) fn asks_catalog(&self) -> bool {
        let is_read = |catalog: &rest::Config| catalog.access == Access::Read;
        self.catalog.as_ref().is_some_and(|catalog| is_read(catalog) || !self.lake_enabled)
    }

    /// Whether a URL is where this server is found, as far as that can be told from here.
    fn is_ourselves(&self, url: &reqwest::Url) -> bool {
        let (host, port) = (url.host_str().unwrap_or_default(), url.port_or_known_default());
        let public = self.public_url.as_ref().and_then(|public| public.to_string().parse().ok());
        let is_public = public.is_some_and(|public: reqwest::Url| {
            (public.host_str(), public.port_or_known_default()) == (Some(host), port)
        });
        let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
        let is_here = host == "localhost" || address.is_ok_and(|address| address.is_loopback());
        let is_listened_at =
            self.app_addr.ip().is_unspecified() || self.app_addr.ip().is_loopback();
        is_public || (is_here && is_listened_at && port == Some(self.app_addr.port()))
    }

    fn check(&self) -> Result<(), ConfigError> {
        let wrong = |name: &str, value: Option<&str>, expected: &str| {
            Err(ConfigError {
                name: name.into(),
                value: value.map(str::to_owned),
                expected: expected.into(),
            })
        };
        let written = self.catalog.as_ref().filter(|catalog| catalog.access == Access::Write);
        if !self.lake_enabled && self.pipelines.is_none() && written.is_none() {
            return wrong(
                "HOGFLARE_LAKE",
                Some("off"),
                "CLOUDFLARE_PIPELINE_ENDPOINT, or a HOGFLARE_CATALOG to write to, to be set too",
            );
        }
        if self.ack == AckMode::Delivered && self.pipelines.is_none() {
            let expected = "CLOUDFLARE_PIPELINE_ENDPOINT to be set too";
            return wrong("HOGFLARE_ACK", Some("delivered"), expected);
        }
        if !self.lake_enabled && !self.asks_catalog() && self.postgres_door.is_some() {
            return wrong("HOGFLARE_PG_ADDR", None, "a lake to ask, but HOGFLARE_LAKE is off");
        }
        if let Some(tee) = self.tee.as_ref().filter(|tee| self.is_ourselves(&tee.posthog.url)) {
            let url = tee.posthog.url.as_str();
            return wrong("HOGFLARE_TEE", Some(url), "another server than this one");
        }
        for (name, key) in
            [("HOGFLARE_READ_KEY", &self.read_key), ("HOGFLARE_ADMIN_KEY", &self.admin_key)]
        {
            let Some(Secret(key)) = key else { continue };
            let public = self.api_key.as_ref().is_some_and(|api_key| api_key.as_str() == key);
            if public || key.starts_with("phc_") {
                return wrong(name, None, "a secret, but project API keys (phc_…) are public");
            }
        }
        Ok(())
    }
}

/// Where browsers find the service: where it is said, or at the first name of its certificate.
fn public_url(sources: &Sources, https: Option<&Https>) -> Result<Option<PublicUrl>, ConfigError> {
    if sources.get("HOGFLARE_PUBLIC_URL").is_some() {
        let parse = |text: &str| text.parse().map_err(str::to_owned);
        return parse_by(sources, "HOGFLARE_PUBLIC_URL", parse).map(Some);
    }
    let names = https.map(|https| https.certificate.names()).unwrap_or_default();
    Ok(names.first().and_then(|name| format!("https://{name}").parse().ok()))
}

fn policy_start(sources: &Sources, api_key: Option<&Token>) -> Result<PolicyStart, ConfigError> {
    let mut projects: ConfiguredProjects = match sources.get("HOGFLARE_PROJECTS") {
        Some(text) => parse_by(sources, "HOGFLARE_PROJECTS", |_| text.parse())?,
        None => ConfiguredProjects::default(),
    };
    if let Some(api_key) = api_key {
        projects = projects.with_default(api_key.clone());
    }
    let unknown_tokens = parse_by(sources, "HOGFLARE_UNKNOWN_TOKENS", |text| match text {
        "accept" => Ok(UnknownTokens::Accept),
        "refuse" => Ok(UnknownTokens::Refuse),
        _ => Err("accept or refuse".to_owned()),
    })?;
    let ip = parse_by(sources, "HOGFLARE_IP", |text| match text {
        "keep" => Ok(IpPolicy::Keep),
        "truncate" => Ok(IpPolicy::Truncate),
        "drop" => Ok(IpPolicy::Drop),
        _ => Err("keep, truncate or drop".to_owned()),
    })?;
    let base = policy::Base { projects, unknown_tokens, ip };
    let tables = sources.policy().clone();
    let file = sources.get("HOGFLARE_CONFIG").map(PathBuf::from);
    let wrong = |expected| ConfigError {
        name: "HOGFLARE_CONFIG".into(),
        value: sources.get("HOGFLARE_CONFIG").map(str::to_owned),
        expected,
    };
    Policy::new(&base, tables.clone()).map_err(wrong)?;
    if unknown_tokens == UnknownTokens::Refuse
        && base.projects.is_empty()
        && tables.projects.is_empty()
    {
        return Err(ConfigError {
            name: "HOGFLARE_UNKNOWN_TOKENS".into(),
            value: Some("refuse".into()),
            expected: "HOGFLARE_PROJECTS, POSTHOG_API_KEY or a [[project]] to be set too".into(),
        });
    }
    Ok(PolicyStart { base, tables, file })
}

/// A key is shown as a password there, which nobody else may see on the way.
fn postgres_door(sources: &Sources) -> Result<Option<PostgresDoor>, ConfigError> {
    let tls = https::paths(sources, "HOGFLARE_PG_TLS_CERT", "HOGFLARE_PG_TLS_KEY")?;
    if sources.get("HOGFLARE_PG_ADDR").is_none() {
        return match tls {
            Some(_) => Err(needs("HOGFLARE_PG_TLS_CERT", "HOGFLARE_PG_ADDR to be set too")),
            None => Ok(None),
        };
    }
    let address: SocketAddr = parse_by(sources, "HOGFLARE_PG_ADDR", |text| {
        text.parse().map_err(|_| "an address such as 127.0.0.1:5432".to_owned())
    })?;
    if tls.is_none() && !address.ip().to_canonical().is_loopback() {
        return Err(ConfigError {
            name: "HOGFLARE_PG_ADDR".into(),
            value: Some(address.to_string()),
            expected:
                "an address of this machine alone, such as 127.0.0.1:5432, or HOGFLARE_PG_TLS_CERT \
                       and HOGFLARE_PG_TLS_KEY: keys must not cross a network unencrypted"
                    .into(),
        });
    }
    Ok(Some(PostgresDoor { address, tls }))
}

/// The password is never shown, nor what is wrong with it beyond its length.
fn owner(sources: &Sources) -> Result<Option<(Email, Password)>, ConfigError> {
    let Some(password) = sources.get("HOGFLARE_ADMIN_PASSWORD") else { return Ok(None) };
    let email = parse_by(sources, "HOGFLARE_ADMIN_EMAIL", |text| {
        text.parse().map_err(|_| "an address such as jane@example.com".to_owned())
    })?;
    let password = Password::new(password).map_err(|_| ConfigError {
        name: "HOGFLARE_ADMIN_PASSWORD".into(),
        value: None,
        expected: format!("a password of {SHORTEST_PASSWORD} characters or more"),
    })?;
    Ok(Some((email, password)))
}

/// Names that group types have whatever comes; two of one name could not be told apart.
fn group_types(sources: &Sources) -> Result<GroupTypes, ConfigError> {
    let mut types = GroupTypes::default();
    for index in 0..GROUP_TYPES {
        let setting = format!("POSTHOG_GROUP_TYPE_{index}");
        let Some(name) = sources.get(&setting) else { continue };
        if types.iter().flatten().any(|known| **known == *name) {
            return Err(ConfigError {
                name: setting,
                value: Some(name.to_owned()),
                expected: "another name than the other group types have".into(),
            });
        }
        types[index] = Some(name.into());
    }
    Ok(types)
}

fn pipelines(sources: &Sources) -> Result<Option<Pipelines>, ConfigError> {
    let Some(main) = stream_at(sources, "CLOUDFLARE_PIPELINE_ENDPOINT")? else {
        return without_main_stream(sources);
    };
    let other = |setting, name| {
        let config = stream_at(sources, setting)?;
        Ok(config.map(|config| Stream { name, config, route: Route::everything() }))
    };
    let recordings = other("CLOUDFLARE_RECORDINGS_PIPELINE_ENDPOINT", "recordings-pipelines")?;
    let mut streams = parse_by(sources, "CLOUDFLARE_PIPELINE_STREAMS", |text| {
        let others = text.split(',').map(str::trim).filter(|entry| !entry.is_empty());
        let others = others.map(|entry| {
            let (token, url) = entry.split_once('=').ok_or("token=URL, between commas")?;
            Ok((token.trim().to_owned(), with_endpoint(&main, url)?))
        });
        Streams::new(main.clone(), others.collect::<Result<_, String>>()?)
    })?;
    let has = |streams: &Streams, config: &sink::pipelines::Config| {
        streams.iter().any(|stream| stream.config.endpoint == config.endpoint)
    };
    // While a move is finished, the next stream is already the main one for a moment.
    let next = stream_at(sources, "CLOUDFLARE_PIPELINE_NEXT_ENDPOINT")?;
    let is_next_needless = next.as_ref().is_some_and(|next| has(&streams, next));
    if let Some(next) = next.filter(|_| !is_next_needless) {
        streams.set_next(next);
    }
    let mut tables: Vec<(Table, Stream)> = Vec::new();
    for TableStream { table, setting, sink } in TableStream::ALL {
        let Some(stream) = other(setting, sink)? else { continue };
        let is_taken =
            |(_, taken): &(Table, Stream)| taken.config.endpoint == stream.config.endpoint;
        if has(&streams, &stream.config) || tables.iter().any(is_taken) {
            return Err(ConfigError {
                name: setting.into(),
                value: None,
                expected: "a stream of its own: rows fit the schema of their table alone".into(),
            });
        }
        tables.push((table, stream));
    }
    Ok(Some(Pipelines {
        streams,
        is_next_needless,
        tables,
        recordings: recordings.unwrap_or(Stream {
            name: "recordings-pipelines",
            config: main,
            route: Route::everything(),
        }),
    }))
}

/// Streams beside a main one that is not there are a mistake.
fn without_main_stream(sources: &Sources) -> Result<Option<Pipelines>, ConfigError> {
    let beside = [
        "CLOUDFLARE_PIPELINE_STREAMS",
        "CLOUDFLARE_PIPELINE_NEXT_ENDPOINT",
        "CLOUDFLARE_RECORDINGS_PIPELINE_ENDPOINT",
        "CLOUDFLARE_PIPELINE_AUTH_TOKEN",
    ];
    let of_tables = TableStream::ALL.map(|stream| stream.setting);
    match beside.into_iter().chain(of_tables).find(|name| sources.is_given(name)) {
        Some(name) => Err(ConfigError {
            name: name.into(),
            value: None,
            expected: "expected CLOUDFLARE_PIPELINE_ENDPOINT to be set too".into(),
        }),
        None => Ok(None),
    }
}

/// The catalog, if there is one.
fn catalog(sources: &Sources) -> Result<Option<rest::Config>, ConfigError> {
    if sources.get("HOGFLARE_CATALOG").is_none() {
        let beside = [
            "HOGFLARE_CATALOG_WAREHOUSE",
            "HOGFLARE_CATALOG_TOKEN",
            "HOGFLARE_CATALOG_ACCESS",
            "HOGFLARE_CATALOG_TABLES",
            "HOGFLARE_S3_ENDPOINT",
            "HOGFLARE_S3_REGION",
            "HOGFLARE_S3_ACCESS_KEY_ID",
            "HOGFLARE_S3_SECRET_ACCESS_KEY",
        ];
        return match beside.into_iter().find(|name| sources.is_given(name)) {
            Some(name) => Err(needs(name, "HOGFLARE_CATALOG to be set too")),
            None => Ok(None),
        };
    }
    let trimmed = |name| sources.get(name).map(|text| text.trim().to_owned());
    let mut config = parse_by(sources, "HOGFLARE_CATALOG", |text| {
        let config = rest::Config::new(text.parse().map_err(|_| "an https URL".to_owned())?);
        config.refusal().map_or(Ok(config), |expected| Err(expected.to_owned()))
    })?;
    config.warehouse = trimmed("HOGFLARE_CATALOG_WAREHOUSE");
    config.token = trimmed("HOGFLARE_CATALOG_TOKEN");
    config.namespace = parse_by(sources, "HOGFLARE_CATALOG_NAMESPACE", |text| {
        let levels: Vec<_> = text.split('.').map(str::to_owned).collect();
        match levels.iter().any(String::is_empty) {
            true => Err("names with dots between them".to_owned()),
            false => Ok(levels),
        }
    })?;
    config.access = parse_by(sources, "HOGFLARE_CATALOG_ACCESS", |text| match text {
        "write" => Ok(Access::Write),
        "read" => Ok(Access::Read),
        _ => Err("write or read".to_owned()),
    })?;
    config.names = parse_by(sources, "HOGFLARE_CATALOG_TABLES", str::parse)?;
    if config.access == Access::Write && config.names != TableNames::default() {
        let expected = "HOGFLARE_CATALOG_ACCESS=read: tables that are written have their own names";
        return Err(needs("HOGFLARE_CATALOG_TABLES", expected));
    }
    config.storage = storage(sources)?;
    config.commit_interval = parse_by(sources, "HOGFLARE_CATALOG_INTERVAL", some_time)?;
    config.timeout = parse_by(sources, "HOGFLARE_CATALOG_TIMEOUT", some_time)?;
    config.batch_bytes =
        parse_by(sources, "HOGFLARE_CATALOG_BATCH", |text| match usize::try_from(bytes(text)?) {
            Ok(bytes) if bytes >= 1 << 20 => Ok(bytes),
            _ => Err("at least 1MiB".to_owned()),
        })?;
    config.keep_snapshots = parse_by(sources, "HOGFLARE_CATALOG_SNAPSHOTS", |text| match text {
        "keep" => Ok(None),
        text => duration(text).map(Some).map_err(|expected| format!("keep, or {expected}")),
    })?;
    Ok(Some(config))
}

/// The PostHog beside us, if there is one.
fn tee(sources: &Sources) -> Result<Option<TeeSettings>, ConfigError> {
    if sources.get("HOGFLARE_TEE").is_none() {
        let beside = [
            "HOGFLARE_TEE_TOKENS",
            "HOGFLARE_TEE_RECORDINGS",
            "HOGFLARE_TEE_ADDRESSES",
            "HOGFLARE_TEE_BUDGET",
            "HOGFLARE_TEE_TIMEOUT",
        ];
        return match beside.into_iter().find(|name| sources.is_given(name)) {
            Some(name) => Err(needs(name, "HOGFLARE_TEE to be set too")),
            None => Ok(None),
        };
    }
    let mut posthog = parse_by(sources, "HOGFLARE_TEE", |text| {
        let url = text.parse().map_err(|_| "an https URL".to_owned())?;
        let config = sink::posthog::Config::new(url);
        config.refusal().map_or(Ok(config), |expected| Err(expected.to_owned()))
    })?;
    posthog.timeout = parse_by(sources, "HOGFLARE_TEE_TIMEOUT", some_time)?;
    posthog.forwards_address = parse_by(sources, "HOGFLARE_TEE_ADDRESSES", on_or_off)?;
    let tokens = sources.get("HOGFLARE_TEE_TOKENS").map(|text| {
        let tokens = text.split(',').map(str::trim).filter(|token| !token.is_empty());
        tokens.map(str::to_owned).collect()
    });
    let budget_bytes = match sources.get("HOGFLARE_TEE_BUDGET") {
        Some(_) => Some(parse_by(sources, "HOGFLARE_TEE_BUDGET", |text| match bytes(text)? {
            bytes if bytes >= 1 << 20 => Ok(bytes),
            _ => Err("at least 1MiB".to_owned()),
        })?),
        None => None,
    };
    let recordings = parse_by(sources, "HOGFLARE_TEE_RECORDINGS", on_or_off)?;
    Ok(Some(TeeSettings { posthog, tokens, recordings, budget_bytes }))
}

/// What is said here of the catalog's storage.
fn storage(sources: &Sources) -> Result<rest::StaticStorage, ConfigError> {
    let trimmed = |name| sources.get(name).map(|text| text.trim().to_owned());
    let (id, secret) = ("HOGFLARE_S3_ACCESS_KEY_ID", "HOGFLARE_S3_SECRET_ACCESS_KEY");
    let keys = match (trimmed(id), trimmed(secret)) {
        (Some(id), Some(secret)) => Some((id, secret)),
        (None, None) => None,
        (Some(_), None) => return Err(needs(id, "HOGFLARE_S3_SECRET_ACCESS_KEY to be set too")),
        (None, Some(_)) => return Err(needs(secret, "HOGFLARE_S3_ACCESS_KEY_ID to be set too")),
    };
    let (endpoint, region) = (trimmed("HOGFLARE_S3_ENDPOINT"), trimmed("HOGFLARE_S3_REGION"));
    let storage = rest::StaticStorage { endpoint, region, keys };
    match storage.refusal() {
        Some(expected) => parse_by(sources, "HOGFLARE_S3_ENDPOINT", |_| Err(expected.to_owned())),
        None => Ok(storage),
    }
}

/// A setting that makes no sense without another. Its value may be a secret.
pub(super) fn needs(name: &str, expected: &str) -> ConfigError {
    ConfigError { name: name.into(), value: None, expected: expected.into() }
}

/// A duration above zero.
fn some_time(text: &str) -> Result<Duration, String> {
    let time = duration(text)?;
    (!time.is_zero()).then_some(time).ok_or_else(|| "a duration above 0, such as 60s".to_owned())
}

/// The stream whose endpoint this setting gives.
fn stream_at(
    sources: &Sources,
    name: &'static str,
) -> Result<Option<sink::pipelines::Config>, ConfigError> {
    if sources.get(name).is_none() {
        return Ok(None);
    }
    let mut config = parse_by(sources, name, |text| {
        let endpoint = text.parse().map_err(|_| match text.contains('<') {
            true => "an https URL, with an id in place of <…>".to_owned(),
            false => "an https URL".to_owned(),
        })?;
        checked(sink::pipelines::Config::new(endpoint))
    })?;
    config.auth_token =
        sources.get("CLOUDFLARE_PIPELINE_AUTH_TOKEN").map(|token| token.trim().to_owned());
    config.timeout =
        parse_by(sources, "CLOUDFLARE_PIPELINE_TIMEOUT_SECS", |text| match text.parse::<u64>() {
            Ok(seconds) if seconds > 0 => Ok(Duration::from_secs(seconds)),
            _ => Err("a whole number of seconds above 0".to_owned()),
        })?;
    if sources.get("HOGFLARE_ACK") == Some("delivered")
        && !sources.is_given("CLOUDFLARE_PIPELINE_TIMEOUT_SECS")
    {
        // Clients wait for the answer: there must be time for a second try.
        config.timeout = DELIVERED_TIMEOUT;
    }
    config.max_batch_bytes = parse_by(sources, "CLOUDFLARE_PIPELINE_BATCH", |text| {
        let allowed = 64 << 10..=5_000_000;
        let bytes = bytes(text)?;
        match allowed.contains(&bytes) {
            true => Ok(bytes as usize),
            false => Err("a size from 64KiB to 5MB".to_owned()),
        }
    })?;
    Ok(Some(config))
}

/// The same stream settings at another URL.
fn with_endpoint(
    config: &sink::pipelines::Config,
    url: &str,
) -> Result<sink::pipelines::Config, String> {
    let endpoint = url.trim().parse().map_err(|_| "https URLs".to_owned())?;
    checked(sink::pipelines::Config { endpoint, ..config.clone() })
}

fn checked(config: sink::pipelines::Config) -> Result<sink::pipelines::Config, String> {
    match config.refusal() {
        Some(expected) => Err(expected.to_owned()),
        None => Ok(config),
    }
}

fn on_or_off(text: &str) -> Result<bool, String> {
    match text {
        "on" => Ok(true),
        "off" => Ok(false),
        _ => Err("on or off".to_owned()),
    }
}

/// Parses a setting that has a value or a default.
/// Of a URL nothing is shown: it may have a password in it, wherever that was mistyped.
fn state(sources: &Sources) -> Result<State, ConfigError> {
    let text = sources.get("HOGFLARE_STATE").unwrap_or_default().trim();
    let wrong = |value: Option<&str>, expected: String| ConfigError {
        name: "HOGFLARE_STATE".into(),
        value: value.map(str::to_owned),
        expected,
    };
    let is_postgres =
        |text: &str| ["postgres://", "postgresql://"].iter().any(|scheme| text.starts_with(scheme));
    match text {
        "embedded" => Ok(State::Embedded),
        "none" => Ok(State::None),
        url if is_postgres(url) => match url.parse() {
            Ok(address) => Ok(State::Postgres(Arc::new(address))),
            Err(error) => Err(wrong(None, identity::Error::to_string(&error))),
        },
        other => {
            let shown = Some(other).filter(|text| !text.contains([':', '@']));
            let expected = "embedded, none, or postgres://user:password@host/database";
            Err(wrong(shown, expected.to_owned()))
        }
    }
}

pub(super) fn parse_by<T>(
    sources: &Sources,
    name: &'static str,
    parse: impl FnOnce(&str) -> Result<T, String>,
) -> Result<T, ConfigError> {
    let value = sources.get(name).unwrap_or_default().trim();
    // A URL may have a password in it.
    let shown = Some(value).filter(|value| !value.contains('@')).map(str::to_owned);
    parse(value).map_err(|expected| ConfigError { name: name.into(), value: shown, expected })
}

/// `512MiB`, `10GB`, `1048576`.
fn bytes(text: &str) -> Result<u64, String> {
    let units: [(&str, u64); 9] = [
        ("KiB", 1 << 10),
        ("MiB", 1 << 20),
        ("GiB", 1 << 30),
        ("TiB", 1 << 40),
        ("KB", 1_000),
        ("MB", 1_000_000),
        ("GB", 1_000_000_000),
        ("TB", 1_000_000_000_000),
        ("B", 1),
    ];
    let (number, unit) = units
        .iter()
        .find_map(|(suffix, unit)| Some((text.strip_suffix(suffix)?, *unit)))
        .unwrap_or((text, 1));
    let number: u64 = number.trim().parse().map_err(|_| "a size such as 512MiB".to_owned())?;
    number.checked_mul(unit).ok_or_else(|| "a size that fits 64 bits".to_owned())
}

/// `30s`, `15m`, `24h`, `7d`.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let units = [("s", 1), ("m", 60), ("h", 3_600), ("d", 86_400)];
    let seconds = units.iter().find_map(|(suffix, unit)| {
        let number: u64 = text.strip_suffix(suffix)?.trim().parse().ok()?;
        number.checked_mul(*unit)
    });
    seconds
        .map(Duration::from_secs)
        .ok_or_else(|| "a duration such as 30s, 15m, 24h or 7d".to_owned())
}
