//! What the sink must be told.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::time::Duration;

use reqwest::Url;

use crate::Table;

/// Where rows go and how.
#[derive(Clone)]
pub struct Config {
    /// `HOGFLARE_CATALOG`: https, or http nearby.
    pub uri: Url,
    /// `HOGFLARE_CATALOG_WAREHOUSE`: which of the catalog's.
    pub warehouse: Option<String>,
    /// `HOGFLARE_CATALOG_TOKEN`, sent as bearer token.
    pub token: Option<String>,
    /// `HOGFLARE_CATALOG_NAMESPACE`, level by level.
    pub namespace: Vec<String>,
    /// Where the catalog does not say how to reach its storage.
    pub storage: StaticStorage,
    /// Whether rows are written there.
    pub access: Access,
    /// What tables are called there that somebody else made.
    pub names: TableNames,
    /// How long rows gather before they are committed, and how often it is asked what is new where they are
    /// read.
    pub commit_interval: Duration,
    /// Memory that rows may take before they are committed early.
    pub batch_bytes: usize,
    /// How long snapshots are kept that this program made; for ever where it is not said.
    pub keep_snapshots: Option<Duration>,
    /// Timeout of one request to the catalog.
    pub timeout: Duration,
}

/// What becomes of the tables of a catalog.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Access {
    /// They get every row.
    #[default]
    Write,
    /// They are read, and never changed.
    Read,
}

/// `HOGFLARE_CATALOG_TABLES`: the tables that have another name in the catalog.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TableNames(BTreeMap<&'static str, Option<String>>);

impl TableNames {
    /// What a table is called in the catalog; `None` where it is not to be read.
    pub fn of(&self, table: &'static Table) -> Option<&str> {
        self.0.get(table.name()).map_or(Some(table.name()), Option::as_deref)
    }
}

impl FromStr for TableNames {
    type Err = String;

    /// Reads `events=events_v2,persons=people,groups=`; the last leaves a table out.
    fn from_str(text: &str) -> Result<Self, String> {
        let mut names = Self::default();
        for pair in text.split(',').map(str::trim).filter(|pair| !pair.is_empty()) {
            let (ours, theirs) = pair.split_once('=').ok_or_else(|| {
                format!("{pair} is not a table and its name, such as events=events_v2")
            })?;
            let (ours, theirs) = (ours.trim(), theirs.trim());
            let table = Table::all().iter().find(|table| table.name() == ours);
            let table = table.ok_or_else(|| format!("there is no table {ours}"))?;
            let is_events = ours == event::Table::Events.name();
            if theirs.contains(['.', '/', '\u{1f}']) || theirs.is_empty() && is_events {
                return Err(format!("{theirs:?} is not the name of a table"));
            }
            let theirs = Some(theirs.to_owned()).filter(|name| !name.is_empty());
            if theirs.is_some() && names.0.values().any(|name| *name == theirs) {
                return Err(format!("{pair} names a table that another is already"));
            }
            if names.0.insert(table.name(), theirs).is_some() {
                return Err(format!("{ours} has two names"));
            }
        }
        Ok(names)
    }
}

/// How to reach a storage for which the catalog gives no credentials.
#[derive(Clone, Default)]
pub struct StaticStorage {
    /// `HOGFLARE_S3_ENDPOINT`; that of AWS where there is none.
    pub endpoint: Option<String>,
    /// `HOGFLARE_S3_REGION`.
    pub region: Option<String>,
    /// `HOGFLARE_S3_ACCESS_KEY_ID` and `HOGFLARE_S3_SECRET_ACCESS_KEY`.
    pub keys: Option<(String, String)>,
}

impl Config {
    /// A configuration for this catalog with the usual limits.
    pub fn new(uri: Url) -> Self {
        Self {
            uri,
            warehouse: None,
            token: None,
            namespace: vec!["default".to_owned()],
            storage: StaticStorage::default(),
            access: Access::default(),
            names: TableNames::default(),
            commit_interval: Duration::from_secs(60),
            batch_bytes: 128 << 20,
            keep_snapshots: Some(Duration::from_hours(24)),
            // The catalog of R2 gives up after forty seconds.
            timeout: Duration::from_secs(45),
        }
    }

    /// Why nothing must be sent to this catalog, if there is a reason.
    pub fn refusal(&self) -> Option<&'static str> {
        if !self.uri.username().is_empty() || self.uri.password().is_some() {
            return Some("an https URL without a user name or password in it");
        }
        refusal(&self.uri)
    }
}

impl StaticStorage {
    /// Why nothing must be sent to this endpoint, if there is a reason.
    pub fn refusal(&self) -> Option<&'static str> {
        let endpoint = self.endpoint.as_ref()?;
        endpoint.parse().map_or(Some("an https URL"), |endpoint| refusal(&endpoint))
    }
}

/// Rows and tokens must not travel far in the clear.
fn refusal(url: &Url) -> Option<&'static str> {
    match url.scheme() {
        "https" => None,
        "http" if is_near(url) => None,
        "http" => Some("an https URL (http is for hosts of a private network only)"),
        _ => Some("an https URL"),
    }
}

/// Whether a host is this one, or of a private network: by its address, or by a name without a domain,
/// as containers have.
pub(super) fn is_near(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    match host.trim_matches(['[', ']']).parse::<IpAddr>() {
        Ok(IpAddr::V4(address)) => address.is_loopback() || address.is_private(),
        Ok(IpAddr::V6(address)) => address.is_loopback() || address.is_unique_local(),
        Err(_) => !host.is_empty() && !host.contains('.'),
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("host", &self.uri.host_str())
            .field("warehouse", &self.warehouse)
            .field("token", &self.token.as_ref().map(|_| "…"))
            .field("namespace", &self.namespace)
            .field("storage", &self.storage)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for StaticStorage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StaticStorage")
            .field("endpoint", &self.endpoint)
            .field("region", &self.region)
            .field("keys", &self.keys.as_ref().map(|_| "…"))
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn http_is_for_hosts_nearby_only() {
        let refused = |url: &str| Config::new(url.parse().unwrap()).refusal().is_some();
        assert!(!refused("https://catalog.cloudflarestorage.com/account/bucket"));
        assert!(!refused("http://127.0.0.1:8181"));
        assert!(!refused("http://localhost:8181/catalog"));
        assert!(!refused("http://lakekeeper:8181/catalog"));
        assert!(!refused("http://10.1.2.3:8181"));
        assert!(refused("http://catalog.example.com"));
        assert!(refused("http://8.8.8.8"));
        assert!(refused("https://user:secret@catalog.example.com"));
        assert!(refused("file:///catalog"));
    }

    #[test]
    fn tables_may_have_other_names() {
        let names: TableNames = "events=events_v2, persons = people,otel=".parse().unwrap();
        let of = |table| names.of(Table::of(table));
        assert_eq!(of(event::Table::Events), Some("events_v2"));
        assert_eq!(of(event::Table::Persons), Some("people"));
        assert_eq!(of(event::Table::Groups), Some("groups"));
        assert_eq!(of(event::Table::Otel), None);
        let wrong = [
            "events",
            "event=a",
            "events=",
            "events=a.b",
            "events=a,persons=a",
            "events=a,events=b",
        ];
        for wrong in wrong {
            assert!(wrong.parse::<TableNames>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn secrets_are_never_printed() {
        let mut config = Config::new("https://a.example".parse().unwrap());
        config.token = Some("hunter2".into());
        config.storage.keys = Some(("id".into(), "hunter3".into()));
        let shown = format!("{config:?}");
        assert!(!shown.contains("hunter"), "{shown}");
    }
}
