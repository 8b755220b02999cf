//! The streams of events, and what happens when they are changed.
//!
//! Each stream has a sink and a cursor of its own, so that one in trouble holds up no other. When
//! rows are routed differently than before, what one stream had not been sent may belong to another:
//! then all of them go on from the cursor furthest behind. Rows since then are sent again, none is
//! left out.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use journal::{Fs, JournalId};
use tracing::warn;

use super::{Config, Route};
use crate::{CursorFile, Error};

/// File beside the cursors that says which streams they were of.
const ROUTES_FILE: &str = "pipelines.routes";

/// A stream of events.
#[derive(Clone, Debug)]
pub struct Stream {
    /// The name of its sink.
    pub name: &'static str,
    /// Where it is.
    pub config: Config,
    /// Its rows.
    pub route: Route,
}

/// The streams that together get every event.
#[derive(Clone, Debug)]
pub struct Streams(Vec<Stream>);

impl Streams {
    /// The stream at `main`, and for tokens that are named streams of their own.
    ///
    /// A token with several streams has its rows spread over them; `*` stands for the tokens that are
    /// not named, and adds to `main`.
    ///
    /// # Errors
    /// What was expected, when one URL is given for two purposes.
    pub fn new(main: Config, others: Vec<(String, Config)>) -> Result<Self, String> {
        let mut by_token: BTreeMap<String, Vec<Config>> = BTreeMap::new();
        let mut unnamed = vec![main];
        for (token, config) in others {
            match token.as_str() {
                "*" => unnamed.push(config),
                _ => by_token.entry(token).or_default().push(config),
            }
        }
        let named: BTreeSet<String> = by_token.keys().cloned().collect();
        let mut streams = Vec::new();
        add(&mut streams, unnamed, &Route::all_but(named));
        // Tokens with the same streams share them.
        let mut by_urls: BTreeMap<Vec<String>, (BTreeSet<String>, Vec<Config>)> = BTreeMap::new();
        for (token, configs) in by_token {
            let urls = configs.iter().map(|config| config.endpoint.to_string()).collect();
            by_urls.entry(urls).or_insert((BTreeSet::new(), configs)).0.insert(token);
        }
        for (tokens, configs) in by_urls.into_values() {
            add(&mut streams, configs, &Route::only(tokens));
        }
        let urls: BTreeSet<&str> =
            streams.iter().map(|stream| stream.config.endpoint.as_str()).collect();
        let names: BTreeSet<&str> = streams.iter().map(|stream| stream.name).collect();
        match urls.len() == streams.len() && names.len() == streams.len() {
            true => Ok(Self(streams)),
            false => Err("every URL once, or for tokens that have the same URLs".to_owned()),
        }
    }

    /// All of them; the first is the main one.
    pub fn iter(&self) -> impl Iterator<Item = &Stream> {
        self.0.iter()
    }

    /// The main stream's settings.
    pub fn main(&self) -> &Config {
        &self.0[0].config
    }

    /// Sets the cursors back where streams were changed, before the sinks load them.
    ///
    /// # Errors
    /// When a cursor cannot be read or written.
    pub fn settle_cursors(
        &self,
        fs: &Arc<dyn Fs>,
        cursors: &Path,
        journal_id: JournalId,
    ) -> Result<(), Error> {
        let failed = |error: std::io::Error| Error::paused(format!("{ROUTES_FILE}: {error}"));
        fs.create_dir_all(cursors).map_err(failed)?;
        let path = cursors.join(ROUTES_FILE);
        let now = self.routes();
        let before = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                format!("{} {}\n", self.0[0].name, Route::everything())
            }
            Err(error) => return Err(failed(error)),
        };
        if now == before {
            return Ok(());
        }
        let file =
            |name: &str| CursorFile::new(Arc::clone(fs), cursors.join(format!("{name}.json")));
        let names_before = || before.lines().filter_map(|line| line.split(' ').next());
        let mut furthest_behind = None;
        for name in names_before() {
            let cursor = file(name).load()?.filter(|cursor| cursor.journal_id == journal_id);
            let Some(cursor) = cursor else {
                furthest_behind = None;
                break;
            };
            let earlier =
                furthest_behind.is_none_or(|other: journal::Cursor| cursor.offset < other.offset);
            furthest_behind = if earlier { Some(cursor) } else { furthest_behind };
        }
        warn!(?furthest_behind, "streams were changed: all go on from the one furthest behind");
        for stream in &self.0 {
            match furthest_behind {
                Some(cursor) => file(stream.name).store(cursor)?,
                None => file(stream.name).remove()?,
            }
        }
        journal::write_atomically(&**fs, &path, now.as_bytes()).map_err(failed)?;
        for name in names_before().filter(|name| !self.0.iter().any(|stream| stream.name == *name))
        {
            file(name).remove()?;
        }
        Ok(())
    }

    /// A line for each stream: its name and its rows.
    fn routes(&self) -> String {
        self.0.iter().map(|stream| format!("{} {}\n", stream.name, stream.route)).collect()
    }
}

fn add(streams: &mut Vec<Stream>, configs: Vec<Config>, route: &Route) {
    let parts = configs.len();
    for (part, config) in configs.into_iter().enumerate() {
        let name = match streams.is_empty() {
            true => "pipelines",
            // Sinks live as long as the process, and so do their names.
            false => format!("pipelines-{}", label(&config.endpoint)).leak(),
        };
        streams.push(Stream { name, config, route: route.clone().part(part, parts) });
    }
}

/// A short name for an endpoint: the stream's id, or host and port.
fn label(endpoint: &reqwest::Url) -> String {
    let host = endpoint.host_str().unwrap_or_default();
    let label = match host.strip_suffix(".ingest.cloudflare.com") {
        Some(stream_id) => stream_id.chars().take(12).collect(),
        None => match endpoint.port() {
            Some(port) => format!("{host}-{port}"),
            None => host.to_owned(),
        },
    };
    label.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect()
}

#[cfg(test)]
mod tests {
    use event::Row;
    use journal::{Cursor, Offset, RealFs};

    use super::*;

    fn config(url: &str) -> Config {
        Config::new(url.parse().unwrap())
    }

    fn streams(others: &[(&str, &str)]) -> Result<Streams, String> {
        let others = others.iter().map(|(token, url)| ((*token).to_owned(), config(url))).collect();
        Streams::new(config("https://main.ingest.cloudflare.com"), others)
    }

    fn names(streams: &Streams, token: &str) -> Vec<&'static str> {
        let rows: Vec<Row> = (0..50)
            .map(|number| Row {
                token: token.into(),
                distinct_id: number.to_string(),
                ..Row::default()
            })
            .collect();
        let takes = |stream: &&Stream| rows.iter().any(|row| stream.route.takes(row));
        streams.iter().filter(takes).map(|stream| stream.name).collect()
    }

    #[test]
    fn tokens_find_their_streams() {
        let streams = streams(&[
            ("phc_a", "https://aaaa.ingest.cloudflare.com"),
            ("phc_b", "https://aaaa.ingest.cloudflare.com"),
            ("phc_c", "https://c1.ingest.cloudflare.com"),
            ("phc_c", "http://127.0.0.1:99/"),
            ("*", "https://second.ingest.cloudflare.com"),
        ])
        .unwrap();
        assert_eq!(names(&streams, "phc_a"), ["pipelines-aaaa"]);
        assert_eq!(names(&streams, "phc_b"), ["pipelines-aaaa"]);
        assert_eq!(names(&streams, "phc_c"), ["pipelines-c1", "pipelines-127-0-0-1-99"]);
        assert_eq!(names(&streams, "phc_z"), ["pipelines", "pipelines-second"]);
    }

    #[test]
    fn a_url_has_one_purpose() {
        assert!(streams(&[("phc_a", "https://main.ingest.cloudflare.com")]).is_err());
        let twice = [("phc_a", "https://a.example/"), ("phc_a", "https://a.example/")];
        assert!(streams(&twice).is_err());
    }

    #[test]
    fn changed_streams_go_on_from_the_one_furthest_behind() {
        let folder = tempfile::tempdir().unwrap();
        let fs: Arc<dyn Fs> = Arc::new(RealFs);
        let id = JournalId::from_uuid(uuid::Uuid::from_u128(1));
        let file = |name: &str| {
            CursorFile::new(Arc::clone(&fs), folder.path().join(format!("{name}.json")))
        };
        let store = |name: &str, offset| {
            file(name).store(Cursor { journal_id: id, offset: Offset::new(offset) }).unwrap();
        };
        let offset = |name: &str| file(name).load().unwrap().map(|cursor| cursor.offset.get());
        store("pipelines", 7);
        let one = streams(&[]).unwrap();
        one.settle_cursors(&fs, folder.path(), id).unwrap();
        assert_eq!(offset("pipelines"), Some(7), "nothing changed");
        let two = streams(&[("phc_a", "https://a.ingest.cloudflare.com")]).unwrap();
        two.settle_cursors(&fs, folder.path(), id).unwrap();
        assert_eq!(offset("pipelines-a"), Some(7), "a new stream begins where the old one stands");
        store("pipelines", 90);
        store("pipelines-a", 30);
        two.settle_cursors(&fs, folder.path(), id).unwrap();
        assert_eq!((offset("pipelines"), offset("pipelines-a")), (Some(90), Some(30)));
        one.settle_cursors(&fs, folder.path(), id).unwrap();
        assert_eq!((offset("pipelines"), offset("pipelines-a")), (Some(30), None));
    }
}
