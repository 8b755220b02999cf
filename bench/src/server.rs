//! The server under test: started on a data folder, asked, and stopped.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::process::{Child, Command};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use clap::ValueEnum;
use serde::Serialize;
use tokio::net::TcpSocket;
use tokio::time::{Instant, sleep};

use crate::events::TOKEN;
use crate::folder::Folder;
use crate::http;
use crate::metrics::Page;

const READ_KEY: &str = "hfr_bench";
/// Far more than a run writes: what is measured must not end at a budget.
const JOURNAL_BUDGET: &str = "20GiB";
const START_DEADLINE: Duration = Duration::from_secs(30);
const STOP_DEADLINE: Duration = Duration::from_secs(40);
const POLL_INTERVAL: Duration = Duration::from_millis(50);
/// What a sink has not sent by the end of a run is not waited for.
const DRAIN_TIMEOUT: &str = "1s";

/// Where rows go behind the journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LakeMode {
    /// To a pipeline on a closed port, which the server soon asks twice a minute: capture alone.
    Off,
    /// To the lake in the data folder.
    On,
    /// To a pipeline on loopback that takes everything.
    Pipeline,
}

impl LakeMode {
    /// The sink whose work belongs to the measurement, as metrics name it.
    pub(crate) fn sink(self) -> Option<&'static str> {
        match self {
            Self::Off => None,
            Self::On => Some("lake"),
            Self::Pipeline => Some("pipelines"),
        }
    }
}

impl fmt::Display for LakeMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Off => "off",
            Self::On => "on",
            Self::Pipeline => "pipeline",
        })
    }
}

/// How to start a server.
#[derive(Debug)]
pub(crate) struct Settings<'a> {
    /// Runs the server's program, on its core.
    pub(crate) command: Command,
    /// Where its data and log are.
    pub(crate) folder: Arc<Folder>,
    /// Where rows go.
    pub(crate) lake: LakeMode,
    /// The pipeline that takes them, if one does.
    pub(crate) pipeline_url: Option<String>,
    /// Further settings.
    pub(crate) variables: &'a [(String, String)],
}

/// A server that runs; killed when dropped.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    address: SocketAddr,
    folder: Arc<Folder>,
    /// Bound but not listening, so that nobody else listens there either.
    _closed_port: TcpSocket,
}

impl Server {
    /// Starts a server.
    pub(crate) fn start(settings: Settings<'_>) -> anyhow::Result<Self> {
        let folder = settings.folder;
        let address = free_address()?;
        let closed_port = TcpSocket::new_v4()?;
        closed_port.bind(SocketAddr::from(([127, 0, 0, 1], 0)))?;
        let log = folder.open_log()?;
        let mut command = settings.command;
        command
            .arg("serve")
            // Settings come from here alone, not from the environment or an `.env` file.
            .env_clear()
            .current_dir(folder.path())
            .env("APP_ADDR", address.to_string())
            .env("HOGFLARE_DATA_DIR", folder.path().join("data"))
            .env("HOGFLARE_DRAIN_TIMEOUT", DRAIN_TIMEOUT)
            .env("HOGFLARE_JOURNAL_BUDGET", JOURNAL_BUDGET)
            .env("HOGFLARE_READ_KEY", READ_KEY)
            .env("POSTHOG_API_KEY", TOKEN)
            .stdin(std::process::Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log);
        if settings.lake != LakeMode::On {
            let closed = format!("http://{}/", closed_port.local_addr()?);
            let url = settings.pipeline_url.unwrap_or(closed);
            command.env("HOGFLARE_LAKE", "off").env("CLOUDFLARE_PIPELINE_ENDPOINT", url);
        }
        command.envs(settings.variables.iter().map(|(name, value)| (name, value)));
        let child = command.spawn().context("cannot start the server")?;
        Ok(Self { child, address, folder, _closed_port: closed_port })
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its process.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Fails with the end of its log when it runs no more.
    pub(crate) fn ensure_running(&mut self) -> anyhow::Result<()> {
        match self.child.try_wait()? {
            None => Ok(()),
            Some(status) => bail!("the server ended, {status}:\n{}", self.folder.end_of_log()),
        }
    }

    /// Its metrics.
    pub(crate) async fn metrics(&self) -> anyhow::Result<Page> {
        let page = self.ask("GET", "/metrics", "").await.context("cannot read /metrics")?;
        Ok(Page::new(page))
    }

    /// Rows that a query sees.
    pub(crate) async fn count_rows(&self) -> anyhow::Result<u64> {
        let question = r#"{"query":"select count(*) as rows from events","format":"csv"}"#;
        let answer = self.ask("POST", "/api/sql", question).await.context("cannot count rows")?;
        let count = answer.trim().lines().last().and_then(|line| line.parse().ok());
        count.with_context(|| format!("not a count: {answer}"))
    }

    /// Stops it as an operator does.
    pub(crate) async fn stop(mut self) -> anyhow::Result<()> {
        let kill = format!("kill -TERM {}", self.pid());
        let told = Command::new("sh").args(["-c", &kill]).status().context("cannot run sh")?;
        ensure!(told.success(), "cannot send SIGTERM to the server");
        let deadline = Instant::now() + STOP_DEADLINE;
        while self.child.try_wait()?.is_none() {
            ensure!(Instant::now() < deadline, "the server does not stop");
            sleep(POLL_INTERVAL).await;
        }
        Ok(())
    }

    /// Waits until it takes events.
    pub(crate) async fn wait_until_ready(&mut self) -> anyhow::Result<()> {
        let deadline = Instant::now() + START_DEADLINE;
        while self.ask("GET", "/_readiness", "").await.is_err() {
            self.ensure_running()?;
            ensure!(
                Instant::now() < deadline,
                "the server does not get ready:\n{}",
                self.folder.end_of_log()
            );
            sleep(POLL_INTERVAL).await;
        }
        Ok(())
    }

    async fn ask(&self, method: &str, path: &str, json: &str) -> anyhow::Result<String> {
        let key = format!("Authorization: Bearer {READ_KEY}\r\n");
        http::ask(self.address, &format!("{method} {path}"), &key, json).await
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Both fail only where it has ended already.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// An address on loopback where nobody listens yet.
fn free_address() -> io::Result<SocketAddr> {
    std::net::TcpListener::bind(("127.0.0.1", 0))?.local_addr()
}
