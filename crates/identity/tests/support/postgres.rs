//! A PostgreSQL of the tests' own, in a temporary folder and behind a socket there.

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread;
use std::time::Duration;

use hogflare_identity::postgres::Address;
use tempfile::TempDir;
use tokio_postgres::{Client, NoTls, Row};

/// Whom PostgreSQL runs as where the tests run as root, which it refuses to.
const USER: &str = "postgres";

/// The port is only a part of the socket's name.
const PORT: u16 = 5432;

/// A server; it ends with this.
pub(crate) struct Server {
    folder: TempDir,
    bin: PathBuf,
    /// User and group to run as.
    owner: Option<(u32, u32)>,
    process: Mutex<Option<Child>>,
    databases: AtomicUsize,
}

/// A server that tests share while any of them runs.
pub(crate) fn shared() -> Arc<Server> {
    static SHARED: Mutex<Weak<Server>> = Mutex::new(Weak::new());
    let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(server) = shared.upgrade() {
        return server;
    }
    let server = Arc::new(Server::start());
    *shared = Arc::downgrade(&server);
    server
}

impl Server {
    pub(crate) fn start() -> Self {
        let folder = TempDir::with_prefix("hogflare-postgres-").unwrap();
        let bin = newest_installed();
        let owner = is_root().then(|| (number_of("-u"), number_of("-g")));
        if let Some((user, group)) = owner {
            std::os::unix::fs::chown(folder.path(), Some(user), Some(group)).unwrap();
        }
        let process = Mutex::new(None);
        let server = Self { folder, bin, owner, process, databases: AtomicUsize::new(0) };
        server.initialize();
        server.resume();
        server
    }

    /// Begins again after [`Server::kill`].
    pub(crate) fn resume(&self) {
        let sockets = self.folder.path();
        let log = fs::File::create(sockets.join("log")).unwrap();
        // What the tests kill are processes, not machines: nothing need reach the disk.
        let process = self
            .command("postgres")
            .arg("-D")
            .arg(self.data())
            .arg("-k")
            .arg(sockets)
            .args(["-p", &PORT.to_string(), "-c", "listen_addresses=", "-c", "fsync=off"])
            .args(["-c", "max_connections=50"])
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        *self.process() = Some(process);
        for _ in 0..600 {
            if self.try_connect("postgres").is_some() {
                return;
            }
            thread::sleep(Duration::from_millis(50));
        }
        let log = fs::read_to_string(sockets.join("log")).unwrap_or_default();
        panic!("PostgreSQL does not start:\n{log}");
    }

    /// Ends at once, and writes nothing more.
    pub(crate) fn kill(&self) {
        let Some(mut process) = self.process().take() else { return };
        // Its other processes end with it on this signal, which they do not on SIGKILL.
        let pid = process.id().to_string();
        Command::new("kill").args(["-QUIT", &pid]).status().unwrap();
        process.wait().unwrap();
    }

    /// A new database; what it is called.
    pub(crate) fn database(&self) -> String {
        let name = format!("test_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        let created = format!("CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'");
        self.connect("postgres").execute(&created);
        name
    }

    pub(crate) fn address(&self, database: &str, application: &str) -> Address {
        address_at(self.folder.path(), database, application)
    }

    /// The socket that it listens at.
    pub(crate) fn socket(&self) -> PathBuf {
        self.folder.path().join(format!(".s.PGSQL.{PORT}"))
    }

    pub(crate) fn connect(&self, database: &str) -> Sql {
        self.try_connect(database).unwrap()
    }

    fn try_connect(&self, database: &str) -> Option<Sql> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let mut config = tokio_postgres::Config::new();
        config.host_path(self.folder.path()).port(PORT).user(USER).dbname(database);
        let (client, connection) = runtime.block_on(config.connect(NoTls)).ok()?;
        runtime.spawn(connection);
        Some(Sql { runtime, client })
    }

    fn initialize(&self) {
        let output = self
            .command("initdb")
            .arg("-D")
            .arg(self.data())
            .args(["-U", USER, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"])
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.bin.join(program));
        command.current_dir("/").stdin(Stdio::null());
        if let Some((user, group)) = self.owner {
            command.uid(user).gid(group);
        }
        command
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn process(&self) -> std::sync::MutexGuard<'_, Option<Child>> {
        self.process.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The address of a server whose socket is in this folder.
pub(crate) fn address_at(folder: &Path, database: &str, application: &str) -> Address {
    let folder = folder.display().to_string().replace('/', "%2F");
    let url =
        format!("postgres://{USER}@{folder}:{PORT}/{database}?application_name={application}");
    url.parse().unwrap()
}

/// A connection of a test.
pub(crate) struct Sql {
    runtime: tokio::runtime::Runtime,
    client: Client,
}

impl Sql {
    pub(crate) fn query(&self, sql: &str) -> Vec<Row> {
        self.runtime.block_on(self.client.query(sql, &[])).unwrap()
    }

    pub(crate) fn number(&self, sql: &str) -> i64 {
        self.query(sql)[0].get(0)
    }

    pub(crate) fn execute(&self, sql: &str) {
        self.runtime.block_on(self.client.batch_execute(sql)).unwrap();
    }
}

fn newest_installed() -> PathBuf {
    let folders = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let version = |path: &Path| path.file_name()?.to_str()?.parse::<u32>().ok();
    let bin = |path: PathBuf| Some((version(&path)?, path.join("bin")));
    let installed = folders.filter_map(|folder| bin(folder.path()));
    let newest = installed.filter(|(_, bin)| bin.join("initdb").exists()).max();
    let (_, bin) = newest.expect(
        "these tests start a PostgreSQL of their own: install it (apt-get install postgresql)",
    );
    bin
}

fn is_root() -> bool {
    id_of(&["-u"]) == 0
}

fn number_of(what: &str) -> u32 {
    id_of(&[what, USER])
}

fn id_of(arguments: &[&str]) -> u32 {
    let output = Command::new("id").args(arguments).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.trim().parse().expect("as root, these tests need the user `postgres`")
}
