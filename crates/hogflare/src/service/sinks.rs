//! The sinks that are configured, each with its runner.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use event::{Erasures, Placed, Token};
use journal::Journal;
use lake::Lake;
use lake::rest::{self, Access, Attached, CatalogSink};
use query::{CatalogTables, Engine, Limits};
use recordings::{ObjectsSink, SnapshotRows};
use server::policy::CurrentPolicy;
use server::{News, Questions};
use sink::pipelines::{EventRows, Folders, PipelinesSink, Route, RowSource, Stream, TableRows};
use sink::posthog::PosthogSink;
use sink::{Archive, Delivery, Importance, Parking, Runner, Sink, Status};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tracing::warn;

use super::journals::Journals;
use crate::config::{AckMode, Config, Pipelines, TeeSettings};
use crate::data_dir::DataDir;

/// An optional sink may hold one part in so many of the journal's budget.
const OPTIONAL_SHARE: u64 = 2;

/// How far the pipelines have got.
#[derive(Debug)]
pub(crate) struct Deliveries {
    pub(crate) events: Vec<(Route, Delivery)>,
    pub(crate) recordings: Delivery,
}

/// What sinks must know besides rows.
pub(crate) struct Known<'a> {
    /// Whose a token is.
    pub(crate) policy: &'a CurrentPolicy,
    /// What is not sent any more.
    pub(crate) erasures: &'a Erasures,
}

/// Running sinks.
#[derive(Debug)]
pub(crate) struct Sinks {
    pub(crate) lake: Option<Lake>,
    pub(crate) engine: Option<Engine>,
    /// The tables of a catalog that answer questions, and what asks them.
    attached: Option<(CatalogTables, Engine)>,
    pub(crate) deliveries: Option<Deliveries>,
    pub(crate) statuses: Vec<Status>,
    tasks: JoinSet<()>,
    stopped: watch::Receiver<bool>,
}

impl Sinks {
    /// Opens and starts what is configured.
    pub(crate) async fn start(
        config: &Config,
        data_dir: &DataDir,
        journals: &Journals,
        known: &Known<'_>,
        stopped: &watch::Receiver<bool>,
    ) -> anyhow::Result<Self> {
        let mut sinks = Self {
            lake: None,
            engine: None,
            attached: None,
            deliveries: None,
            statuses: Vec::new(),
            tasks: JoinSet::new(),
            stopped: stopped.clone(),
        };
        if config.lake_enabled {
            sinks.start_lake(config, data_dir, journals, known).await?;
        }
        if let Some(pipelines) = &config.pipelines {
            // On a disk that lasts, the next start goes on.
            let drain = match config.ack {
                AckMode::Durable => Duration::ZERO,
                AckMode::Delivered => config.drain_timeout,
            };
            sinks.start_pipelines(
                config,
                pipelines,
                &PipelineStart { drain, data_dir, journals, known },
            )?;
        }
        if let Some(catalog) = &config.catalog {
            if catalog.access == Access::Write {
                sinks.start_catalog(config, catalog, data_dir, journals, known)?;
            }
            if config.asks_catalog() {
                sinks.attach_catalog(catalog)?;
            }
        }
        // Without the lake nothing is kept here that a pipeline has, and that has the recordings, too.
        if config.lake_enabled || config.pipelines.is_none() {
            sinks.start_recordings(config, data_dir, journals, known)?;
        }
        if let Some((tee, journal)) = config.tee.as_ref().zip(journals.tee.as_ref()) {
            sinks.start_tee(tee, data_dir, journals, &journal.journal)?;
        }
        Ok(sinks)
    }

    /// What answers SQL; `None` where there is neither a lake nor a catalog.
    pub(crate) fn questions(&self, journals: &Journals) -> Option<Questions> {
        if let Some((tables, engine)) = &self.attached {
            let news = News::Catalog(tables.clone());
            return Some(Questions { engine: engine.clone(), news });
        }
        let engine = self.engine.clone()?;
        let lake = self.statuses.iter().find(|status| status.name() == "lake")?.clone();
        let news = News::Journal { journal: journals.events.clone(), lake };
        Some(Questions { engine, news })
    }

    /// Waits until a sink has ended by itself, which none should.
    pub(crate) async fn ended(&mut self) {
        self.tasks.join_next().await;
    }

    /// Waits until the sinks have flushed, but not for ever.
    pub(crate) async fn stop(mut self, deadline: Duration) {
        let all = async { while self.tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(deadline, all).await.is_err() {
            warn!("some sinks did not flush in time; the journal has their rows");
        }
        if let Some(lake) = &self.lake
            && let Err(error) = lake.project_metadata().await
        {
            warn!(%error, "the Iceberg metadata is not up to date; the next start sees to it");
        }
    }

    async fn start_lake(
        &mut self,
        config: &Config,
        data_dir: &DataDir,
        journals: &Journals,
        known: &Known<'_>,
    ) -> anyhow::Result<()> {
        let (id, first) = (journals.events.id(), journals.events.first().get());
        let is_left =
            |placed: &&Arc<Placed>| placed.journal_id != id.as_uuid() || placed.offset < first;
        let in_force = known.erasures.view();
        let all = in_force.iter().flat_map(|erased| erased.all());
        let erasures = all.filter(is_left).cloned().collect();
        let retention = config.retention;
        let options = lake::Options { erasures, retention, ..lake::Options::new(id) };
        let (lake, sink) =
            Lake::open(&data_dir.lake(), options).await.context("cannot open the lake")?;
        self.run(Runner::new(journals.events.clone(), sink));
        let maintenance = lake.clone();
        let stopped = self.stopped.clone();
        self.tasks.spawn(async move { maintenance.run_maintenance(stopped).await });
        self.engine = Some(Engine::new(lake.clone(), Limits::default())?);
        self.lake = Some(lake);
        Ok(())
    }

    /// Reads the tables of a catalog from now on.
    fn attach_catalog(&mut self, catalog: &rest::Config) -> anyhow::Result<()> {
        let tables = CatalogTables::new(Attached::new(catalog.clone())?);
        let engine = Engine::new(tables.clone(), Limits::default())?;
        self.tasks.spawn(tables.clone().keep_fresh(self.stopped.clone()));
        self.attached = Some((tables, engine));
        Ok(())
    }

    fn start_catalog(
        &mut self,
        config: &Config,
        catalog: &rest::Config,
        data_dir: &DataDir,
        journals: &Journals,
        known: &Known<'_>,
    ) -> anyhow::Result<()> {
        let journal = &journals.events;
        let context = rest::Context {
            journal: journal.clone(),
            erasures: known.erasures.clone(),
            importance: further_copy(config),
            fs: journals.fs.clone(),
            cursors: &data_dir.cursors(),
        };
        let sink = CatalogSink::new(catalog.clone(), context)?;
        let parking = self.parking(journals);
        self.run(Runner::new(journal.clone(), sink).with_parking(parking));
        Ok(())
    }

    fn start_pipelines(
        &mut self,
        config: &Config,
        pipelines: &Pipelines,
        start: &PipelineStart<'_>,
    ) -> anyhow::Result<()> {
        let events = &start.journals.events;
        let importance = further_copy(config);
        let cursors = start.data_dir.cursors();
        let first = events.cursor(events.first());
        pipelines.streams.settle_cursors(&start.journals.fs, &cursors, first)?;
        let mut deliveries = Vec::new();
        for stream in pipelines.streams.iter() {
            let rows = start.event_rows(config, stream);
            let sink = start.sink(stream, rows, importance, events)?;
            deliveries.push((stream.route.clone(), sink.delivery()));
            self.run(start.runner(events, sink, self.parking(start.journals)));
        }
        if let Some(stream) = pipelines.streams.next() {
            let rows = start.event_rows(config, stream);
            let sink = start.sink(stream, rows, Importance::Optional, events)?;
            self.run(start.runner(events, sink, self.parking(start.journals)));
        }
        for (table, stream) in &pipelines.tables {
            let rows = TableRows { table: *table, erasures: start.known.erasures.clone() };
            let sink = start.sink(stream, rows, Importance::Optional, events)?;
            self.run(start.runner(events, sink, self.parking(start.journals)));
        }
        let recordings = self.start_recordings_pipeline(config, &pipelines.recordings, start)?;
        self.deliveries = Some(Deliveries { events: deliveries, recordings });
        Ok(())
    }

    /// The streams of tables of persons that must have a row before it is safe, where the disk does not
    /// last.
    pub(crate) fn streams_of_persons(&self, config: &Config) -> Vec<Status> {
        let Some(pipelines) =
            config.pipelines.as_ref().filter(|_| config.ack == AckMode::Delivered)
        else {
            return Vec::new();
        };
        let is_one =
            |status: &&Status| pipelines.tables.iter().any(|(_, one)| one.name == status.name());
        self.statuses.iter().filter(is_one).cloned().collect()
    }

    fn start_recordings_pipeline(
        &mut self,
        config: &Config,
        stream: &Stream,
        start: &PipelineStart<'_>,
    ) -> anyhow::Result<Delivery> {
        let policy = start.known.policy.clone();
        let rows = SnapshotRows {
            erasures: start.known.erasures.clone(),
            max_row_bytes: stream.config.max_batch_bytes,
            team_of: Box::new(move |token| policy.get().project(token).team),
        };
        let journal = &start.journals.recordings;
        let importance = further_copy(config);
        let sink = start.sink(stream, rows, importance, journal)?;
        let delivery = sink.delivery();
        // The objects on disk are the durable copy; nothing reads them back for a pipeline yet.
        let share_bytes = start.journals.recordings_budget_bytes / OPTIONAL_SHARE;
        let parking = Parking { share_bytes, archive: None };
        self.run(start.runner(journal, sink, parking));
        Ok(delivery)
    }

    /// How an optional sink of events is kept from filling the journal.
    fn parking(&self, journals: &Journals) -> Parking {
        let archive = self.engine.clone().map(|engine| Arc::new(engine) as Arc<dyn Archive>);
        Parking { share_bytes: journals.events_budget_bytes / OPTIONAL_SHARE, archive }
    }

    fn start_recordings(
        &mut self,
        config: &Config,
        data_dir: &DataDir,
        journals: &Journals,
        known: &Known<'_>,
    ) -> anyhow::Result<()> {
        let (fs, id) = (journals.fs.clone(), journals.recordings.id());
        let sink = ObjectsSink::new(fs, data_dir.recordings(), id, &data_dir.cursors())?;
        self.run(Runner::new(journals.recordings.clone(), sink));
        let policy = known.policy.clone();
        let is_project = move |token: &Token| policy.get().is_project(token);
        let (folder, stopped) = (data_dir.recordings(), self.stopped.clone());
        self.tasks.spawn(config.recordings.keep(folder, is_project, stopped));
        Ok(())
    }

    /// No parking: where its journal is full, requests are not forwarded from then on, and nobody waits.
    fn start_tee(
        &mut self,
        tee: &TeeSettings,
        data_dir: &DataDir,
        journals: &Journals,
        journal: &Journal,
    ) -> anyhow::Result<()> {
        let folders = (&*data_dir.cursors(), &*data_dir.dead_letters());
        let (fs, stopped) = (journals.fs.clone(), self.stopped.clone());
        let sink = PosthogSink::new(tee.posthog.clone(), journal.id(), fs, folders, stopped)?;
        self.run(Runner::new(journal.clone(), sink));
        Ok(())
    }

    fn run<S: Sink>(&mut self, runner: Runner<S>) {
        self.statuses.push(runner.status());
        self.tasks.spawn(runner.run(self.stopped.clone()));
    }
}

/// Whether ingestion may stop for a sink beside the lake: without the lake it may be the only copy.
const fn further_copy(config: &Config) -> Importance {
    match config.lake_enabled {
        true => Importance::Optional,
        false => Importance::Required,
    }
}

/// What the sinks of pipelines are made from.
struct PipelineStart<'a> {
    /// How long sinks go on trying at the end.
    drain: Duration,
    data_dir: &'a DataDir,
    journals: &'a Journals,
    known: &'a Known<'a>,
}

impl PipelineStart<'_> {
    fn event_rows(&self, config: &Config, stream: &Stream) -> EventRows {
        EventRows {
            route: stream.route.clone(),
            is_only_copy: !config.lake_enabled,
            erasures: self.known.erasures.clone(),
        }
    }

    fn runner<S: Sink>(&self, journal: &Journal, sink: S, parking: Parking) -> Runner<S> {
        Runner::new(journal.clone(), sink).with_parking(parking).with_drain(self.drain)
    }

    fn sink<S: RowSource>(
        &self,
        stream: &Stream,
        rows: S,
        importance: Importance,
        journal: &Journal,
    ) -> anyhow::Result<PipelinesSink<S>> {
        let folders = Folders {
            fs: self.journals.fs.clone(),
            cursors: &self.data_dir.cursors(),
            dead_letters: &self.data_dir.dead_letters(),
        };
        let config = stream.config.clone();
        Ok(PipelinesSink::new(stream.name, rows, config, importance, journal.id(), folders)?)
    }
}
