//! The sinks that are configured, each with its runner.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use journal::Journal;
use lake::Lake;
use query::{Engine, Limits};
use recordings::{ObjectsSink, SnapshotRows};
use server::Questions;
use sink::pipelines::{self, EventRows, Folders, PipelinesSink, RowSource};
use sink::{Delivery, Importance, Parking, Runner, Sink, Status};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tracing::warn;

use super::journals::Journals;
use crate::config::Config;
use crate::data_dir::DataDir;

/// An optional sink may hold one part in so many of the journal's budget.
const OPTIONAL_SHARE: u64 = 2;

/// Running sinks.
#[derive(Debug)]
pub(crate) struct Sinks {
    pub(crate) lake: Option<Lake>,
    pub(crate) engine: Option<Engine>,
    pub(crate) delivery: Option<Delivery>,
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
        stopped: &watch::Receiver<bool>,
    ) -> anyhow::Result<Self> {
        let mut sinks = Self {
            lake: None,
            engine: None,
            delivery: None,
            statuses: Vec::new(),
            tasks: JoinSet::new(),
            stopped: stopped.clone(),
        };
        if config.lake_enabled {
            sinks.start_lake(data_dir, journals).await?;
        }
        if let Some(pipeline) = &config.pipeline {
            sinks.start_pipelines(config, pipeline, data_dir, journals)?;
        }
        sinks.start_recordings(data_dir, journals)?;
        Ok(sinks)
    }

    /// What answers SQL; `None` where the lake is off.
    pub(crate) fn questions(&self, journals: &Journals) -> Option<Questions> {
        let engine = self.engine.clone()?;
        let lake = self.statuses.iter().find(|status| status.name() == "lake")?.clone();
        Some(Questions { engine, journal: journals.events.clone(), lake })
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

    async fn start_lake(&mut self, data_dir: &DataDir, journals: &Journals) -> anyhow::Result<()> {
        let options = lake::Options::new(journals.events.id());
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

    fn start_pipelines(
        &mut self,
        config: &Config,
        pipeline: &pipelines::Config,
        data_dir: &DataDir,
        journals: &Journals,
    ) -> anyhow::Result<()> {
        let importance = match config.lake_enabled {
            true => Importance::Optional,
            false => Importance::Required,
        };
        let sink = pipelines_sink(
            "pipelines",
            EventRows,
            pipeline,
            importance,
            data_dir,
            journals,
            &journals.events,
        )?;
        self.delivery = Some(sink.delivery());
        let runner = Runner::new(journals.events.clone(), sink);
        self.run(match self.engine.clone() {
            Some(engine) => runner.with_parking(Parking {
                share_bytes: journals.events_budget_bytes / OPTIONAL_SHARE,
                archive: Arc::new(engine),
            }),
            None => runner,
        });
        let projects = config.projects.clone();
        let rows = SnapshotRows {
            max_row_bytes: pipeline.max_batch_bytes,
            team_of: Box::new(move |token| projects.team_of(token)),
        };
        let sink = pipelines_sink(
            "recordings-pipelines",
            rows,
            pipeline,
            Importance::Optional,
            data_dir,
            journals,
            &journals.recordings,
        )?;
        self.run(Runner::new(journals.recordings.clone(), sink));
        Ok(())
    }

    fn start_recordings(&mut self, data_dir: &DataDir, journals: &Journals) -> anyhow::Result<()> {
        let (fs, id) = (journals.fs.clone(), journals.recordings.id());
        let sink = ObjectsSink::new(fs, data_dir.recordings(), id, &data_dir.cursors())?;
        self.run(Runner::new(journals.recordings.clone(), sink));
        Ok(())
    }

    fn run<S: Sink>(&mut self, runner: Runner<S>) {
        self.statuses.push(runner.status());
        self.tasks.spawn(runner.run(self.stopped.clone()));
    }
}

fn pipelines_sink<S: RowSource>(
    name: &'static str,
    rows: S,
    pipeline: &pipelines::Config,
    importance: Importance,
    data_dir: &DataDir,
    journals: &Journals,
    journal: &Journal,
) -> anyhow::Result<PipelinesSink<S>> {
    let folders = Folders {
        fs: journals.fs.clone(),
        cursors: &data_dir.cursors(),
        dead_letters: &data_dir.dead_letters(),
    };
    Ok(PipelinesSink::new(name, rows, pipeline.clone(), importance, journal.id(), folders)?)
}
