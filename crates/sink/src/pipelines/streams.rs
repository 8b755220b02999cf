//! The streams of events, and what happens when they are changed.
//!
//! Each stream has a sink and a cursor of its own, so that one in trouble holds up no other. Beside the
//! cursors is kept which streams they were of. A stream that gets the rows it got before goes on where
//! it stands; where rows are routed differently, a new stream begins with the oldest row that any
//! stream lacks from which rows may now come here. Rows since then may be sent again, none is left out.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use journal::{Cursor, Fs};
use serde::{Deserialize, Serialize};
use tracing::warn;

use super::{Config, Route};
use crate::{CursorFile, Error};

/// File beside the cursors that says which streams they are of.
const STREAMS_FILE: &str = "pipelines.streams";

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
pub struct Streams(Vec<Stream>, Option<Stream>);

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
            true => Ok(Self(streams, None)),
            false => Err("every URL once, or for tokens that have the same URLs".to_owned()),
        }
    }

    /// All of them; the first is the main one.
    pub fn iter(&self) -> impl Iterator<Item = &Stream> {
        self.0.iter()
    }

    /// The stream that gets every event of the main one's tokens too, while one moves to it.
    pub fn set_next(&mut self, config: Config) {
        let route = self.0[0].route.clone().whole();
        self.1 = Some(Stream { name: "next-pipelines", config, route });
    }

    /// That stream.
    pub fn next(&self) -> Option<&Stream> {
        self.1.as_ref()
    }

    /// Sets cursors where streams were changed, before the sinks load them; `first` is the oldest row
    /// of the journal.
    ///
    /// # Errors
    /// When a cursor cannot be read or written.
    pub fn settle_cursors(
        &self,
        fs: &Arc<dyn Fs>,
        cursors: &Path,
        first: Cursor,
    ) -> Result<(), Error> {
        let failed = |error: &dyn std::fmt::Display| {
            Error::paused(format!("{STREAMS_FILE}: {error}; remove it to begin anew"))
        };
        fs.create_dir_all(cursors).map_err(|error| failed(&error))?;
        let path = cursors.join(STREAMS_FILE);
        let before: Vec<Known> = match std::fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|error| failed(&error))?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(failed(&error)),
        };
        let file =
            |name: &str| CursorFile::new(Arc::clone(fs), cursors.join(format!("{name}.json")));
        let mut places = BTreeMap::new();
        for name in before.iter().map(|known| known.name.as_str()).chain(["pipelines"]) {
            let cursor = file(name).load()?.filter(|cursor| cursor.journal_id == first.journal_id);
            places.insert(name.to_owned(), cursor.unwrap_or(first));
        }
        let now: Vec<Known> = self.0.iter().chain(&self.1).map(Known::of).collect();
        // All are known before the first is written: one stream's file may be another's past.
        let settled: Vec<Cursor> = now
            .iter()
            .map(|stream| match before.is_empty() {
                // Before streams were told apart there was one.
                true if stream.name != "next-pipelines" => places["pipelines"],
                true => first,
                false => stream.place(&before, &places).unwrap_or(first),
            })
            .collect();
        for (stream, cursor) in now.iter().zip(settled) {
            file(&stream.name).store(cursor)?;
        }
        let bytes = serde_json::to_vec_pretty(&now).expect("streams are JSON");
        journal::write_atomically(&**fs, &path, &bytes).map_err(|error| failed(&error))?;
        let gone = before.iter().filter(|old| !now.iter().any(|stream| stream.name == old.name));
        gone.map(|old| &old.name).try_for_each(|name| file(name).remove())
    }
}

/// A stream as it was when its cursor was written.
#[derive(Debug, Deserialize, Serialize)]
struct Known {
    name: String,
    endpoint: String,
    route: Route,
}

impl Known {
    fn of(stream: &Stream) -> Self {
        let endpoint = stream.config.endpoint.to_string();
        Self { name: stream.name.to_owned(), endpoint, route: stream.route.clone() }
    }

    /// From where this stream lacks rows, given those of before and where they had got to.
    fn place(&self, before: &[Known], places: &BTreeMap<String, Cursor>) -> Option<Cursor> {
        let place = |known: &Known| places.get(&known.name).copied();
        let same = before.iter().find(|known| known.endpoint == self.endpoint);
        if let Some(same) = same.filter(|same| same.route == self.route) {
            return place(same);
        }
        if self.name == "next-pipelines" {
            // It begins with what the journal has.
            return None;
        }
        let sources = before.iter().filter(|known| known.name != "next-pipelines");
        let sources = sources.filter(|known| known.route.overlaps(&self.route));
        let furthest_behind =
            sources.chain(same).filter_map(place).min_by_key(|cursor| cursor.offset);
        warn!(
            stream = self.name,
            ?furthest_behind,
            "rows may be sent again, since streams changed"
        );
        furthest_behind
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
    use journal::{Offset, RealFs};

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

    struct Cursors(tempfile::TempDir, Arc<dyn Fs>);

    impl Cursors {
        fn new() -> Self {
            Self(tempfile::tempdir().unwrap(), Arc::new(RealFs))
        }

        fn file(&self, name: &str) -> CursorFile {
            CursorFile::new(Arc::clone(&self.1), self.0.path().join(format!("{name}.json")))
        }

        fn at(offset: u64) -> Cursor {
            let journal_id = journal::JournalId::from_uuid(uuid::Uuid::from_u128(1));
            Cursor { journal_id, offset: Offset::new(offset) }
        }

        fn store(&self, name: &str, offset: u64) {
            self.file(name).store(Self::at(offset)).unwrap();
        }

        fn offset(&self, name: &str) -> Option<u64> {
            self.file(name).load().unwrap().map(|cursor| cursor.offset.get())
        }

        fn settle(&self, streams: &Streams) {
            streams.settle_cursors(&self.1, self.0.path(), Self::at(5)).unwrap();
        }
    }

    #[test]
    fn a_new_stream_begins_where_its_rows_were_before() {
        let cursors = Cursors::new();
        cursors.store("pipelines", 7);
        let one = streams(&[]).unwrap();
        cursors.settle(&one);
        assert_eq!(cursors.offset("pipelines"), Some(7), "nothing changed");
        let two = streams(&[("phc_a", "https://a.ingest.cloudflare.com")]).unwrap();
        cursors.settle(&two);
        assert_eq!(cursors.offset("pipelines-a"), Some(7));
        cursors.store("pipelines", 90);
        cursors.store("pipelines-a", 30);
        cursors.settle(&two);
        assert_eq!(
            (cursors.offset("pipelines"), cursors.offset("pipelines-a")),
            (Some(90), Some(30))
        );
        cursors.settle(&one);
        assert_eq!((cursors.offset("pipelines"), cursors.offset("pipelines-a")), (Some(30), None));
    }

    #[test]
    fn a_stream_that_keeps_its_rows_keeps_its_place() {
        let cursors = Cursors::new();
        let a = ("phc_a", "https://a.ingest.cloudflare.com");
        cursors.settle(&streams(&[a, ("phc_b", "https://b.ingest.cloudflare.com")]).unwrap());
        cursors.store("pipelines", 90);
        cursors.store("pipelines-a", 80);
        cursors.store("pipelines-b", 10);
        cursors.settle(&streams(&[a, ("phc_b", "https://b2.ingest.cloudflare.com")]).unwrap());
        assert_eq!(cursors.offset("pipelines"), Some(90));
        assert_eq!(cursors.offset("pipelines-a"), Some(80));
        assert_eq!(cursors.offset("pipelines-b2"), Some(10), "what b lacked");
    }

    #[test]
    fn a_stream_that_never_took_a_row_has_its_place_from_the_start() {
        let cursors = Cursors::new();
        cursors.settle(&streams(&[]).unwrap());
        assert_eq!(cursors.offset("pipelines"), Some(5));
    }

    #[test]
    fn moving_to_the_next_stream_leaves_no_hole() {
        let cursors = Cursors::new();
        let mut both = streams(&[]).unwrap();
        both.set_next(config("https://new.ingest.cloudflare.com"));
        cursors.store("pipelines", 60);
        cursors.settle(&both);
        assert_eq!(cursors.offset("next-pipelines"), Some(5));
        cursors.store("pipelines", 100);
        cursors.store("next-pipelines", 40);
        let moved = Streams::new(config("https://new.ingest.cloudflare.com"), Vec::new()).unwrap();
        cursors.settle(&moved);
        assert_eq!(cursors.offset("pipelines"), Some(40));
        assert_eq!(cursors.offset("next-pipelines"), None, "another move begins anew");
    }
}
