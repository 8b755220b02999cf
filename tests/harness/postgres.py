"""A PostgreSQL of the tests' own, in a temporary folder and behind a socket there."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path
from urllib.parse import quote

from .poll import until
from .process import child_env

# Whom it runs as where the tests run as root, which it refuses to.
USER = "postgres"
# The port is only a part of the socket's name.
PORT = 5432
# What must not be shown anywhere; it lets everybody in who reaches the socket.
PASSWORD = "hunter2-secret"


def newest_installed() -> Path:
    """Returns the folder of the newest PostgreSQL's programs."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    assert found, "these tests start a PostgreSQL of their own: install it (tests/setup.sh does)"
    return found[-1].parent


class Postgres:
    """A server; databases are made in it."""

    def __init__(self, log: Path) -> None:
        self.log = log
        self.bin = newest_installed()
        self.folder = Path(tempfile.mkdtemp(prefix="hogflare-postgres-"))
        self.owner: dict = {}
        if os.geteuid() == 0:
            user = pwd.getpwnam(USER)
            os.chown(self.folder, user.pw_uid, user.pw_gid)
            self.owner = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        self.databases = 0
        self.process: subprocess.Popen | None = None
        made = ["-U", USER, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"]
        self._program("initdb", "-D", str(self.folder / "data"), *made).communicate()

    def start(self) -> "Postgres":
        """Starts it and waits until it answers."""
        # What the tests kill are processes, not machines: nothing need reach the disk.
        options = ["-c", "listen_addresses=", "-c", "fsync=off", "-c", "max_connections=60"]
        place = ["-D", str(self.folder / "data"), "-k", str(self.folder), "-p", str(PORT)]
        self.process = self._program("postgres", *place, *options)
        until(lambda: self.run("postgres", "select 1").returncode == 0, every=0.05, what="PostgreSQL to answer")
        return self

    def kill(self) -> None:
        """Ends it at once, and writes nothing more."""
        # Its other processes end with it on this signal, which they do not on SIGKILL.
        self.process.send_signal(signal.SIGQUIT)
        self.process.wait()

    def close(self) -> None:
        """Ends it and removes what it kept."""
        if self.process and self.process.poll() is None:
            self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def database(self) -> "Database":
        """Makes a database."""
        self.databases += 1
        name = f"test_{self.databases}"
        created = self.run("postgres", f"create database {name} template template0 encoding 'UTF8'")
        assert created.returncode == 0, created.stderr
        return Database(self, name)

    def run(self, database: str, sql: str) -> subprocess.CompletedProcess:
        """Runs a statement, and says how that went."""
        command = self.psql(database, "-c", sql)
        return subprocess.run(command, env=child_env({}), capture_output=True, text=True, check=False)

    def psql(self, database: str, *arguments: str) -> list[str]:
        """The command of a session."""
        place = ["-h", str(self.folder), "-p", str(PORT), "-U", USER, "-d", database]
        return [str(self.bin / "psql"), "-XAtq", "-v", "ON_ERROR_STOP=1", *place, *arguments]

    def _program(self, name: str, *arguments: str) -> subprocess.Popen:
        with self.log.open("ab") as log:
            command = [str(self.bin / name), *arguments]
            streams = {"stdin": subprocess.DEVNULL, "stdout": log, "stderr": log}
            return subprocess.Popen(command, env=child_env({}), cwd="/", **streams, **self.owner)


class Database:
    """A database of that server."""

    def __init__(self, server: Postgres, name: str) -> None:
        self.server, self.name = server, name

    def url(self, application: str) -> str:
        """Its address for a node that calls itself so."""
        host = quote(str(self.server.folder), safe="")
        return f"postgres://{USER}:{PASSWORD}@{host}:{PORT}/{self.name}?application_name={application}"

    def ask(self, sql: str) -> list[list[str]]:
        """Returns the rows of an answer."""
        answer = self.server.run(self.name, sql)
        assert answer.returncode == 0, answer.stderr
        return [line.split("|") for line in answer.stdout.splitlines()]

    def number(self, sql: str) -> int:
        """Returns the one number of an answer."""
        return int(self.ask(sql)[0][0])

    def session(self) -> "Session":
        """Opens a session that keeps a transaction open."""
        return Session(self)

    def writer(self) -> str | None:
        """Returns which node hands changes on."""
        holders = self.ask(
            "select application_name from pg_locks join pg_stat_activity using (pid) "
            "where locktype = 'advisory' and granted and pg_locks.database = "
            f"(select oid from pg_database where datname = '{self.name}') and objid = {0x6C617201}"
        )
        return holders[0][0] if holders else None

    def is_handed_on(self) -> bool:
        """Says whether all that changed was handed on to the tables of persons."""
        return self.ask("select o.at = c.at from hogflare.outbox o, hogflare.clock c") == [["t"]]


class Session:
    """A transaction that lasts as long as this."""

    def __init__(self, database: Database) -> None:
        command = database.server.psql(database.name)
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        self.psql = subprocess.Popen(command, env=child_env({}), text=True, **pipes)

    def run(self, sql: str) -> None:
        """Runs a statement and waits for its end."""
        self.psql.stdin.write(f"{sql};\n\\echo done\n")
        self.psql.stdin.flush()
        while self.psql.stdout.readline() != "done\n":
            assert self.psql.poll() is None, "psql ended"

    def __enter__(self) -> "Session":
        return self

    def __exit__(self, *_) -> None:
        self.psql.stdin.close()
        self.psql.wait()
