"""Who is let in at the door for PostgreSQL clients, what they cannot reach, and what bad clients break."""

import contextlib
import socket
import ssl
import struct
import subprocess
import threading
from pathlib import Path

import psycopg
import pytest

from harness.poll import until
from harness.postgres_door import EVENTS, TOKEN, Lake, Raw
from harness.process import free_port


def certificate(folder: Path, name: str = "localhost") -> dict[str, str]:
    """Makes a certificate that nobody vouches for."""
    files = {"HOGFLARE_PG_TLS_CERT": str(folder / "cert.pem"), "HOGFLARE_PG_TLS_KEY": str(folder / "key.pem")}
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command += ["-days", "2", "-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}"]
    command += ["-out", files["HOGFLARE_PG_TLS_CERT"], "-keyout", files["HOGFLARE_PG_TLS_KEY"]]
    subprocess.run(command, check=True, capture_output=True)
    return files


def test_only_keys_that_read_open_the_door(lake: Lake) -> None:
    _, eraser = lake.key(scopes=("erase",))
    for wrong in ("nothing", lake.server.read_key()[:-1], "phx_guess", TOKEN, lake.server.admin_key(), eraser):
        with pytest.raises(psycopg.OperationalError) as refused:
            lake.connect(wrong)
        assert "FATAL" in str(refused.value) and wrong not in str(refused.value)
    _, reader = lake.key()
    for key in (lake.server.read_key(), reader):
        with lake.connect(key) as session:
            assert session.execute("select count(*) from events").fetchone()[0] >= 2 * EVENTS
    log = lake.server.log_path.read_text()
    assert lake.server.read_key() not in log and reader not in log


def test_the_database_is_a_project(lake: Lake) -> None:
    count = "select count(*), min(team_id), max(team_id) from events where event like '%ours%' or event like '%theirs%'"
    for database, expected in (
        ("hogflare", (2 * EVENTS, 1, 2)),
        ("somebody", (2 * EVENTS, 1, 2)),
        ("1", (EVENTS, 1, 1)),
        ("2", (EVENTS, 2, 2)),
        (TOKEN, (EVENTS, 1, 1)),
    ):
        with lake.connect(database=database) as session:
            assert session.execute(count).fetchone() == expected, database
    _, key = lake.key(2)
    for database in ("hogflare", "2"):
        with lake.connect(key, database=database) as session:
            assert session.execute(count).fetchone() == (EVENTS, 2, 2), database
    for database in ("1", TOKEN, "3", "no such"):
        with pytest.raises(psycopg.OperationalError, match="no project"):
            lake.connect(key, database=database)


def test_a_key_of_one_project_sees_no_other(lake: Lake) -> None:
    _, key = lake.key(1)
    with lake.connect(key) as session:
        relations = session.execute(
            "select table_schema, table_name from information_schema.tables union all "
            "select n.nspname, c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace"
        ).fetchall()
        ours = {name for schema, name in relations if schema == "public"}
        assert {"events", "events_raw", "persons", "sessions"} <= ours
        for schema in ("", "public.", '"default".', "hogflare.public.", 'hogflare."default".'):
            for name in ours:
                found = session.execute(f'select count(*) from {schema}"{name}" where team_id <> 1').fetchone()
                assert found == (0,), f"{schema}{name}"
        text = str(
            [
                session.execute(f"select * from {table}").fetchall()
                for table in (
                    *(f'"{name}"' for name in ours),
                    "pg_class", "pg_settings", "pg_roles", "pg_stat_user_tables", "pg_database", "pg_tables",
                    "information_schema.columns", "information_schema.tables", "information_schema.schemata",
                )
            ]
        )
        assert "ours-1" in text and "theirs" not in text
        for statement in (
            "select * from '/etc/passwd'",
            "select * from read_csv('/etc/passwd')",
            "select * from read_parquet('/tmp/x')",
            "select pg_read_file('/etc/passwd')",
            "select lo_import('/etc/passwd')",
            "select * from pg_ls_dir('/')",
            "select * from dblink('x', 'select 1')",
        ):
            with pytest.raises(psycopg.Error):
                session.execute(statement)


WRITES = [
    "insert into events (event) values ('x')",
    "update events set event = 'x'",
    "delete from events",
    "truncate events",
    "create table x (a int)",
    "create table x as select 1",
    "create view x as select 1",
    "create external table x stored as csv location '/etc/passwd'",
    "select 1 into x",
    "drop table events",
    "alter table events rename to x",
    "create function f() returns int language sql as 'select 1'",
    "copy events to '/tmp/events'",
    "copy events from stdin",
    "copy (select 1) to program 'id'",
    "explain analyze insert into events (event) values ('x')",
    "with x as (insert into events (event) values ('x') returning 1) select * from x",
    "set datafusion.catalog.default_schema = 'x'",
    "set role postgres",
    "grant select on events to public",
    "load 'x'",
    "do 'x'",
    "call x()",
    "listen x",
    "prepare x as delete from events",
    "execute x",
    "lock table events",
    "vacuum",
]


@pytest.mark.parametrize("statement", WRITES)
def test_nothing_is_changed(lake: Lake, statement: str) -> None:
    with lake.connect() as session:
        before = session.execute("select count(*) from events where team_id = 2").fetchone()
        for asked in (statement, f"/* select */ {statement}"):
            try:
                session.execute(asked)
                psycopg.ClientCursor(session).execute(asked)
            except psycopg.Error as error:
                assert error.sqlstate and not error.sqlstate.startswith("XX"), asked
            else:
                assert statement == "set role postgres", asked
        assert session.execute("select count(*) from events where team_id = 2").fetchone() == before


def test_a_key_that_is_deleted_reads_nothing_more(lake: Lake) -> None:
    id, key = lake.key()
    with lake.connect(key) as session:
        prepared = session.cursor()
        prepared.execute("select count(*) from events", prepare=True)
        lake.ask("DELETE", f"/api/keys/{id}")
        with pytest.raises(psycopg.OperationalError, match="not valid"):
            prepared.execute("select count(*) from events", prepare=True)
    with pytest.raises(psycopg.OperationalError):
        lake.connect(key)


def test_wrong_keys_are_limited(open_door) -> None:
    lake = open_door()
    for _ in range(10):
        with pytest.raises(psycopg.OperationalError, match="must be a key"):
            lake.connect("phx_guess")
    for key in ("phx_guess", None):
        with pytest.raises(psycopg.OperationalError, match="wait a little"):
            lake.connect(key)
    assert lake.server.metric("hogflare_postgres_logins_refused_total", reason="unknown") == 10


def test_garbage_harms_nobody(lake: Lake) -> None:
    startup = struct.pack("!ii", 8 + 12, 196_608) + b"user\0x\0\0\0\0\0\0"
    garbage = [
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\0" * 64,
        b"\xff" * 64,
        b"\x16\x03\x01\x00\x05hello",
        struct.pack("!ii", 2**31 - 1, 196_608) + b"x" * 100,
        struct.pack("!ii", 8, 80_877_103) * 50,
        startup + b"Q" + struct.pack("!i", 2**30) + b"x" * 100_000,
        startup + b"p" + struct.pack("!i", -1),
        startup + b"B" + struct.pack("!i", 8) + b"\0\0\xff\xff",
    ]
    for sent in garbage:
        with socket.create_connection(("127.0.0.1", lake.port), timeout=30) as raw:
            with contextlib.suppress(OSError):
                raw.sendall(sent)
                raw.shutdown(socket.SHUT_WR)
                while raw.recv(4096):
                    pass
    for body in (b"\0\0\xff\xff", b"x", b"", b"\0\0\0\1\0\1\0\1\x7f\xff\xff\xff"):
        for kind in "BCDEFPQpcdf":
            with Raw(lake.port, lake.server.read_key()) as raw:
                # The server may hang up at any point of it.
                with contextlib.suppress(OSError):
                    raw.send(kind, body)
                    raw.socket.shutdown(socket.SHUT_WR)
                    while raw.socket.recv(4096):
                        pass
    with lake.connect() as session:
        assert session.execute("select 1").fetchone() == (1,)


def test_deep_statements_harm_nobody(lake: Lake) -> None:
    statements = [
        "select " + "+".join(["1"] * 60_000),
        "select " + "(" * 10_000 + "1" + ")" * 10_000,
        "select 1 where " + " or ".join(["1 = 1"] * 20_000),
        "select " + "-" * 1 + " -" * 20_000 + "1",
        "select 1" + " union all select 1" * 5_000,
        "select '" + "x" * 3_000_000 + "'",
    ]
    for statement in statements:
        try:
            with lake.connect() as session:
                psycopg.ClientCursor(session).execute(statement)
        except psycopg.Error:
            pass
        assert lake.server.process.is_running(), statement[:40]


def test_those_who_wait_keep_nobody_out(open_door) -> None:
    lake = open_door()
    waiting = [socket.create_connection(("127.0.0.1", lake.port)) for _ in range(200)]
    for one in waiting:
        one.sendall(b"\0")

    def is_let_in() -> bool:
        try:
            with lake.connect() as session:
                return session.execute("select 1").fetchone() == (1,)
        except psycopg.OperationalError:
            return False

    until(is_let_in, timeout=60, what="room for somebody with a key")
    for one in waiting:
        one.close()


LONG = "select count(*) from range(100000) a, range(100000) b, range(1000) c where a.value * b.value % 7 = c.value % 5"


def test_whoever_goes_ends_their_query(open_door) -> None:
    lake = open_door()
    raw = Raw(lake.port, lake.server.read_key())
    until(lambda: lake.server.metric("hogflare_postgres_connections") == 1, what="the connection to be counted")
    raw.send("Q", LONG.encode() + b"\0")
    until(lambda: lake.server.metric("hogflare_postgres_queries_total") == 1, what="the query to begin")
    raw.socket.close()
    until(lambda: lake.server.metric("hogflare_postgres_connections") == 0, timeout=30, what="the connection to end")


def test_a_stop_ends_connections(open_door) -> None:
    lake = open_door()
    with lake.connect() as session:
        session.execute("select 1")
        stopping = threading.Thread(target=lake.server.stop)
        stopping.start()
        stopping.join(60)
        assert not stopping.is_alive()
        with pytest.raises(psycopg.OperationalError, match="stops|closed"):
            session.execute("select 1")


def test_keys_go_encrypted(open_door, tmp_path: Path) -> None:
    port = free_port()
    lake = open_door(HOGFLARE_PG_ADDR=f"0.0.0.0:{port}", **certificate(tmp_path))
    lake.port = port
    with pytest.raises(psycopg.OperationalError, match="encrypted"):
        lake.connect()
    with lake.connect(sslmode="require") as session:
        assert session.pgconn.ssl_in_use
        assert session.execute("select count(*) from events").fetchone() == (0,)
        session.cancel_safe()
    vouched = {"sslmode": "verify-full", "host": "localhost", "hostaddr": "127.0.0.1"}
    with lake.connect(sslrootcert=str(tmp_path / "cert.pem"), **vouched) as session:
        assert session.execute("select 1").fetchone() == (1,)
    # Another certificate is taken without a start.
    certificate(tmp_path, "other.example")
    context = ssl.create_default_context(cafile=str(tmp_path / "cert.pem"))
    context.set_alpn_protocols(["postgresql"])

    def protocol() -> str | None:
        with socket.create_connection(("127.0.0.1", port)) as plain:
            try:
                with context.wrap_socket(plain, server_hostname="other.example") as direct:
                    return direct.selected_alpn_protocol()
            except ssl.SSLCertVerificationError:
                return None

    assert until(protocol, what="the other certificate") == "postgresql"


def test_a_start_that_would_show_keys_is_refused(new_hogflare, tmp_path: Path) -> None:
    for env, named in (
        ({"HOGFLARE_PG_ADDR": "0.0.0.0:5432"}, "HOGFLARE_PG_TLS_CERT"),
        ({"HOGFLARE_PG_ADDR": "127.0.0.1:5432", "HOGFLARE_LAKE": "off"}, "HOGFLARE_LAKE"),
        ({"HOGFLARE_PG_ADDR": "0.0.0.0:5432"} | certificate(tmp_path) | {"HOGFLARE_PG_TLS_KEY": "/none"}, "/none"),
    ):
        server = new_hogflare(data_dir=tmp_path / "data", **env)
        server.start(wait=False)
        assert server.process.wait_end() != 0
        lines = [line for line in server.log_path.read_text().splitlines() if named in line]
        assert len(lines) == 1, server.log_path.read_text()
        server.log_path.unlink()
