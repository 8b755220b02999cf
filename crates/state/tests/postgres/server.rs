//! A PostgreSQL of the tests' own, in a temporary folder and behind a socket there.

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use hogflare_state::Connect;
use tempfile::TempDir;
use tokio_postgres::NoTls;

/// Whom PostgreSQL runs as where the tests run as root, which it refuses to.
const USER: &str = "postgres";

/// A server; it ends with this.
pub(crate) struct Server {
    folder: TempDir,
    process: Child,
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
    fn start() -> Self {
        let folder = TempDir::with_prefix("hogflare-postgres-").unwrap();
        let owner =
            (number_of(&["-u"]) == 0).then(|| (number_of(&["-u", USER]), number_of(&["-g", USER])));
        if let Some((user, group)) = owner {
            std::os::unix::fs::chown(folder.path(), Some(user), Some(group)).unwrap();
        }
        let data = folder.path().join("data");
        let made = command("initdb", owner)
            .args(["-U", USER, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync", "-D"])
            .arg(&data)
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let process = command("postgres", owner)
            .arg("-D")
            .arg(&data)
            .arg("-k")
            .arg(folder.path())
            .args(["-c", "listen_addresses=", "-c", "fsync=off", "-c", "max_connections=60"])
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Self { folder, process, databases: AtomicUsize::new(0) }
    }

    /// Makes a database, once the server is there, and returns its name.
    pub(crate) fn database(&self) -> String {
        let name = format!("test_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        let create = format!("CREATE DATABASE {name}");
        for _ in 0..600 {
            match self.run("postgres", &create) {
                Ok(_) => return name,
                Err(_) => std::thread::sleep(Duration::from_millis(50)),
            }
        }
        panic!("PostgreSQL does not start");
    }

    /// Runs SQL, and returns what it prints.
    pub(crate) fn run(&self, database: &str, sql: &str) -> Result<Vec<u8>, String> {
        let mut psql = Command::new(programs().join("psql"));
        psql.arg("-h").arg(self.folder.path()).args(["-U", USER, "-X", "-q", "-c", sql, database]);
        let done = psql.output().unwrap();
        match done.status.success() {
            true => Ok(done.stdout),
            false => Err(String::from_utf8_lossy(&done.stderr).into_owned()),
        }
    }

    /// All that is in a database.
    pub(crate) fn dump(&self, database: &str) -> Vec<u8> {
        let mut dump = Command::new(programs().join("pg_dump"));
        dump.arg("-h").arg(self.folder.path()).args(["-U", USER, database]);
        dump.output().unwrap().stdout
    }

    /// How to connect to a database.
    pub(crate) fn connect(&self, database: &str) -> Connect {
        let mut config = tokio_postgres::Config::new();
        config.host_path(self.folder.path()).user(USER).dbname(database);
        let open = move || -> hogflare_state::Connecting {
            let config = config.clone();
            Box::pin(async move {
                let (client, connection) =
                    config.connect(NoTls).await.map_err(|error| error.to_string())?;
                tokio::spawn(connection);
                Ok(client)
            })
        };
        Connect { place: database.to_owned(), open: Arc::new(open) }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Its other processes end with it on this signal, which they do not on SIGKILL.
        let quit = Command::new("kill").args(["-QUIT", &self.process.id().to_string()]).status();
        if quit.is_ok_and(|status| status.success()) {
            self.process.wait().ok();
        }
    }
}

fn command(name: &str, owner: Option<(u32, u32)>) -> Command {
    let mut command = Command::new(programs().join(name));
    command.current_dir("/").stdout(Stdio::null());
    if let Some((user, group)) = owner {
        command.uid(user).gid(group);
    }
    command
}

/// The folder of the newest PostgreSQL's programs.
fn programs() -> PathBuf {
    let folders = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut found: Vec<_> = folders
        .filter_map(|folder| {
            Some((folder.file_name().to_str()?.parse::<u32>().ok()?, folder.path()))
        })
        .collect();
    found.sort();
    let newest = found.pop().expect("these tests start a PostgreSQL of their own: install it");
    Path::new(&newest.1).join("bin")
}

fn number_of(arguments: &[&str]) -> u32 {
    let printed = Command::new("id").args(arguments).output().unwrap().stdout;
    String::from_utf8(printed).unwrap().trim().parse().unwrap()
}
