//! A service in a temporary folder, without a listener.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use axum::Router;
use event::{Recording, Row};
use hogflare_server::dead_letters::{Desk, Letters, Resending};
use hogflare_server::erasure::{Ask, Eraser, Receipt, Refused};
use hogflare_server::policy::{Base, PolicyFile, PolicySource};
use hogflare_server::{Access, Ack, Budget, Edge, EdgeState, Key, TrustedProxies, router};
use identity::Stateless;
use journal::{Fs, Journal, Options, RealFs, Writer};
use metrics_exporter_prometheus::PrometheusBuilder;
use sequencer::{JoinGuard, QueueOptions};
use state::Store;
use tempfile::TempDir;

/// Erases nobody.
#[derive(Debug)]
struct Nobody;

#[async_trait::async_trait]
impl Eraser for Nobody {
    async fn erase(&self, _: Ask) -> Result<Receipt, Refused> {
        Err(Refused::Not(identity::NotErased::NoSuchPerson))
    }

    async fn receipts(&self) -> Vec<Receipt> {
        Vec::new()
    }

    async fn receipt(&self, _: uuid::Uuid) -> Option<Receipt> {
        None
    }
}

/// Has no letters.
#[derive(Debug)]
struct NoLetters;

#[async_trait::async_trait]
impl Desk for NoLetters {
    async fn letters(&self) -> std::io::Result<Vec<Letters>> {
        Ok(Vec::new())
    }

    fn resending(&self) -> Resending {
        Resending::default()
    }

    fn resend(&self) -> bool {
        false
    }
}

/// Holds nothing.
#[derive(Debug)]
struct NoBackups;

impl hogflare_server::backup::Desk for NoBackups {
    fn hold(&self) -> Box<dyn hogflare_server::backup::Held> {
        Box::new(Self)
    }

    fn journals(&self) -> hogflare_server::backup::JournalsNow {
        hogflare_server::backup::JournalsNow { events: None, recordings: None }
    }
}

impl hogflare_server::backup::Held for NoBackups {
    fn is_over(&self) -> Option<String> {
        None
    }
}

/// The edge over real journals.
pub(crate) struct TestEdge {
    state: EdgeState,
    events: Journal,
    recordings: Journal,
    _guards: [JoinGuard; 2],
    _folder: TempDir,
}

impl TestEdge {
    /// Starts with nothing configured.
    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let fs: Arc<dyn Fs> = Arc::new(RealFs);
        let (writer, events) = journal(&fs, &folder, "journal");
        let options = sequencer::Options::default();
        let dedup = folder.path().join("dedup");
        let (sequencer, events_guard) = sequencer::start(
            writer,
            events.clone(),
            fs.clone(),
            &dedup,
            Box::new(Stateless),
            options,
        )
        .unwrap();
        let (writer, recordings) = journal(&fs, &folder, "recordings-journal");
        let (appender, recordings_guard) =
            sequencer::start_recordings(writer, QueueOptions::default()).unwrap();
        let store = Arc::new(Store::open(&folder.path().join("settings.db")).unwrap());
        let policies =
            PolicySource::start(Base::default(), PolicyFile::default(), Arc::clone(&store));
        let policies = Arc::new(policies.unwrap());
        let state = EdgeState::new(Edge {
            capture: capture::Settings::default(),
            signing_secret: None,
            recording_endpoint: None,
            policy: policies.current().clone(),
            policies,
            quotas: Default::default(),
            enricher: Default::default(),
            trusted_proxies: TrustedProxies::default(),
            budget: Budget::new(128 << 20),
            sequencer,
            recordings: appender,
            tee: None,
            ack: Ack::Durable,
            questions: None,
            lake: None,
            retention: None,
            persons: None,
            access: Access::new(store, Key::new("hfr_test"), Key::new("hfa_test")),
            eraser: Arc::new(Nobody),
            dead_letters: Arc::new(NoLetters),
            backups: Arc::new(NoBackups),
            sinks: Vec::new(),
            metrics: PrometheusBuilder::new().build_recorder().handle(),
            draining: AtomicBool::new(false),
        });
        let guards = [events_guard, recordings_guard];
        Self { state, events, recordings, _guards: guards, _folder: folder }
    }

    /// The public routes.
    pub(crate) fn router(&self) -> Router {
        router(self.state.clone())
    }

    /// Every row that is stored.
    pub(crate) fn rows(&self) -> Vec<Row> {
        let payloads = payloads(&self.events).into_iter();
        payloads.flat_map(|payload| event::decode_rows(payload).unwrap()).collect()
    }

    /// Every recording that is stored.
    pub(crate) fn recordings(&self) -> Vec<Recording> {
        let payloads = payloads(&self.recordings).into_iter();
        payloads.flat_map(|payload| event::decode_recordings(payload).unwrap()).collect()
    }
}

fn journal(fs: &Arc<dyn Fs>, folder: &TempDir, name: &str) -> (Writer, Journal) {
    let dir = folder.path().join(name);
    std::fs::create_dir(&dir).unwrap();
    let options = Options { segment_bytes: 16 << 20, reserve_bytes: 0, ..Options::default() };
    Journal::open(fs.clone(), &dir, options).unwrap()
}

fn payloads(journal: &Journal) -> Vec<bytes::Bytes> {
    let mut reader = journal.reader(journal.cursor(journal.first())).unwrap();
    let mut payloads = Vec::new();
    loop {
        let records = reader.read(1 << 20).unwrap();
        if records.is_empty() {
            return payloads;
        }
        payloads.extend(records.into_iter().map(|record| record.payload));
    }
}
