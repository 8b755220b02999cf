"""What clients of PostgreSQL ask and get: psql, and drivers with both protocols."""

import datetime
import decimal
import subprocess
import threading
import uuid

import psycopg
import pytest
from psycopg import pq
from psycopg.rows import dict_row

from harness.poll import until
from harness.postgres import newest_installed
from harness.postgres_door import EVENTS, Lake, Raw
from harness.process import child_env, memory_peak_bytes



def psql(lake: Lake, *commands: str, database: str = "hogflare") -> str:
    """Runs commands in psql, and returns what it prints."""
    words = [str(newest_installed() / "psql"), "-XAt", "-v", "ON_ERROR_STOP=1"]
    words += ["-h", "127.0.0.1", "-p", str(lake.port), "-U", "somebody", "-d", database]
    for command in commands:
        words += ["-c", command]
    env = child_env({"PGPASSWORD": lake.server.read_key(), "PGSSLMODE": "disable"})
    done = subprocess.run(words, env=env, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_psql_lists_and_describes(lake: Lake) -> None:
    for command in (r"\d", r"\dt", r"\dt *.*"):
        names = [line.split("|")[1] for line in psql(lake, command).splitlines()]
        assert {"events", "persons", "sessions"} <= set(names), command
    described = psql(lake, r"\d events")
    columns = dict(line.split("|")[:2] for line in described.splitlines() if line.count("|") >= 4)
    assert columns["event"] == "text"
    assert columns["timestamp"] == "timestamp with time zone"
    assert columns["team_id"] == "bigint"
    assert "public" in psql(lake, r"\dn")
    assert "hogflare" in psql(lake, r"\l")


def test_psql_asks(lake: Lake) -> None:
    assert psql(lake, "select count(*) from events").strip() == str(2 * EVENTS)
    assert psql(lake, "select count(*) from public.events; select 1") == f"{2 * EVENTS}\n1\n"
    assert psql(lake, "select count(*) from events", database="2").strip() == str(EVENTS)


@pytest.mark.parametrize("binary_answer", [False, True])
@pytest.mark.parametrize("binary_values", ["%t", "%b"])
def test_values_come_back_as_they_went(lake: Lake, binary_answer: bool, binary_values: str) -> None:
    with lake.connect() as session:
        cursor = session.cursor(binary=binary_answer)
        values = [7, 2**40, 1.5, True, "it's ünï", datetime.date(2026, 1, 2)]
        casts = ["bigint", "bigint", "double", "boolean", "text", "date"]
        asked = ", ".join(f"{binary_values}::{cast}" for cast in casts)
        assert list(cursor.execute(f"select {asked}", values).fetchone()) == values
        assert cursor.execute(f"select {binary_values}::text, null as a, null::bigint as b", [None]).fetchone() == (None,) * 3
        moment = datetime.datetime(2026, 1, 1, 10, 0, 0, 500_000, tzinfo=datetime.timezone.utc)
        found = cursor.execute(
            f"select timestamp, team_id from events where timestamp = {binary_values} and team_id = {binary_values}"
            " limit 1",
            [moment, 1],
        ).fetchone()
        assert found == (moment, 1)
        arrays = cursor.execute(
            f"select array[1, null, 3], array['a', 'b,\"c'], event = any({binary_values}) from events"
            " where team_id = 1 order by event limit 1",
            [["ours 0", "x"]],
        ).fetchone()
        assert arrays == ([1, None, 3], ["a", 'b,"c'], True)
        number = cursor.execute("select cast('12.50' as decimal(10, 2)), interval '1' day").fetchone()
        assert number == (decimal.Decimal("12.50"), datetime.timedelta(days=1))
        known = cursor.execute("select uuid from events limit 1").fetchone()[0]
        again = cursor.execute(f"select uuid from events where uuid = {binary_values}", [uuid.UUID(str(known))])
        assert again.fetchone()[0] == known
        plans = cursor.execute(
            f"select properties->'plan', properties->>'plan' from events where properties->>'plan' = {binary_values}"
            " limit 1",
            ["pro"],
        ).fetchone()
        assert plans == ("pro", "pro"), "what -> gives is JSON, which the driver reads"


def test_a_statement_that_is_not_typed_finds_its_types(lake: Lake) -> None:
    with lake.connect() as session:
        # As drivers do that ask the server for types, and send text.
        connection = session.pgconn
        prepared = connection.prepare(b"q", b"select event, amount from (select event, team_id as amount from events) x "
                                            b"where amount = $1 and event like $2 limit $3")
        assert prepared.status == pq.ExecStatus.COMMAND_OK, prepared.error_message
        described = connection.describe_prepared(b"q")
        assert [described.param_type(at) for at in range(3)] == [20, 25, 20]
        assert [described.fname(at) for at in range(2)] == [b"event", b"amount"]
        assert [described.ftype(at) for at in range(2)] == [25, 20]
        answered = connection.exec_prepared(b"q", [b"1", b"ours%", b"3"])
        assert answered.ntuples == 3, answered.error_message


def test_a_prepared_statement_sees_what_came_since(lake: Lake) -> None:
    with lake.connect() as session:
        ask = "select count(*) from events where event = %s"
        count = lambda: session.execute(ask, ["fresh"], prepare=True).fetchone()[0]  # noqa: E731
        before = count()
        for more in (1, 2, 3):
            assert lake.server.capture("fresh").status == 200
            assert count() == before + more
        assert session.execute("select 1").fetchone() == (1,)
        # It is gone again for the other tests.
    lake.server.capture("other")


def test_rows_come_in_portions(lake: Lake) -> None:
    """A portal gives so many rows, then more: as JDBC's fetch size does, and with other statements between."""
    with Raw(lake.port, lake.server.read_key()) as raw:
        raw.simple("BEGIN")
        raw.parse("", "select distinct_id from events where team_id = 1 and event like 'ours%' order by 1")
        raw.bind("C_1", "")
        raw.execute("C_1", 7)
        raw.sync()
        first = raw.until_ready()
        assert (first.count("D"), "s" in first, "C" in first) == (7, True, False)
        assert raw.simple("select 1").count("D") == 1
        raw.execute("C_1", 7)
        raw.sync()
        second = raw.until_ready()
        assert (second.count("D"), "s" in second) == (7, True)
        raw.execute("C_1", 0)
        raw.sync()
        last = raw.until_ready()
        assert (last.count("D"), "s" in last, "C" in last) == (EVENTS - 14, False, True)
        raw.simple("COMMIT")
        raw.execute("C_1", 1)
        raw.sync()
        assert "E" in raw.until_ready(), "a portal ends with its transaction"


def test_sessions_are_set_up_and_nothing_changes(lake: Lake) -> None:
    with lake.connect(autocommit=False, application_name="a test") as session:
        assert session.execute("select 1").fetchone() == (1,)
        assert session.info.transaction_status == pq.TransactionStatus.INTRANS
        session.rollback()
        session.autocommit = True
        for statement in (
            "set extra_float_digits = 3",
            "set datestyle to 'ISO'",
            "set session characteristics as transaction read only",
            "set transaction isolation level read committed",
            "set search_path = public",
            "set time zone 'UTC'",
            "set statement_timeout to 1000",
            "reset all",
            "discard all",
            "begin read only",
            "savepoint a",
            "release savepoint a",
            "commit",
            "",
        ):
            session.execute(statement)
        show = lambda name: session.execute(f"show {name}").fetchone()[0]  # noqa: E731
        session.execute("set application_name = 'other'")
        assert (show("application_name"), show("server_version"), show("transaction isolation level")) == (
            "other",
            "16.6",
            "read committed",
        )
        assert len(session.execute("show all").fetchall()) > 20
        for statement in ("set datafusion.execution.batch_size = 1", "show datafusion.execution.batch_size"):
            with pytest.raises(psycopg.errors.UndefinedObject):
                session.execute(statement)


def test_a_transaction_that_failed_says_so(lake: Lake) -> None:
    with lake.connect(autocommit=False) as session:
        with pytest.raises(psycopg.errors.UndefinedTable):
            session.execute("select * from nothing")
        with pytest.raises(psycopg.errors.InFailedSqlTransaction):
            session.execute("select 1")
        session.rollback()
        assert session.execute("select 1").fetchone() == (1,)


def test_what_is_wrong_has_a_code(lake: Lake) -> None:
    wrong = {
        "select * from nothing": psycopg.errors.UndefinedTable,
        "select nothing from events": psycopg.errors.UndefinedColumn,
        "select nothing(1)": psycopg.errors.UndefinedFunction,
        "selec 1": psycopg.errors.SyntaxError,
        "select 1 / 0": psycopg.errors.DivisionByZero,
        "select $1": psycopg.errors.UndefinedParameter,
    }
    with lake.connect() as session:
        for statement, error in wrong.items():
            with pytest.raises(error):
                psycopg.ClientCursor(session).execute(statement)
        assert session.execute("select 1").fetchone() == (1,)


LONG = "select count(*) from range(100000) a, range(100000) b, range(1000) c where a.value * b.value % 7 = c.value % 5"


def test_a_query_is_cancelled(lake: Lake) -> None:
    with lake.connect() as session:
        begun = lake.server.metric("hogflare_postgres_queries_total")
        failed: list[BaseException] = []

        def ask() -> None:
            try:
                session.execute(LONG)
            except psycopg.Error as error:
                failed.append(error)

        asking = threading.Thread(target=ask)
        asking.start()
        until(lambda: lake.server.metric("hogflare_postgres_queries_total") > begun, what="the query to begin")
        while asking.is_alive():
            session.cancel_safe()
            asking.join(0.2)
        assert isinstance(failed[0], psycopg.errors.QueryCanceled)
        assert session.execute("select 1").fetchone() == (1,)


def test_limits_of_queries_hold(open_door) -> None:
    lake = open_door()
    with lake.connect() as session, pytest.raises(psycopg.errors.OutOfMemory, match="memory"):
        session.execute("select array_agg(repeat('x', 100000)) from range(1000000)")


def test_a_large_answer_does_not_fill_memory(open_door) -> None:
    lake = open_door()
    with lake.connect() as session:
        session.execute("select 1")
        before = memory_peak_bytes(lake.server.process.pid)
        rows = size = 0
        cursor = session.cursor()
        for row in cursor.stream("select value, repeat('x', 1000) from range(600000)", size=1000):
            rows, size = rows + 1, size + len(row[1])
        assert (rows, size) == (600_000, 600_000_000)
        assert memory_peak_bytes(lake.server.process.pid) - before < 200 << 20


def test_python_reads_rows_by_name(lake: Lake) -> None:
    with lake.connect(row_factory=dict_row) as session:
        found = session.execute(
            "select event, count(*) as n, count(distinct person_id) as people from events where team_id = %s "
            "and event like %s group by 1 order by 1",
            [1, "ours%"],
        ).fetchall()
    assert found == [{"event": f"ours {at}", "n": EVENTS // 2, "people": EVENTS // 2} for at in (0, 1)]
