"""A shop's month in a real server's lake, and DuckDB beside it."""

import json
import os
import re
import time
from collections.abc import Callable, Iterator
from datetime import UTC
from pathlib import Path

import duckdb
import pytest

from harness import lake
from harness.server import TOKEN, Hogflare
from harness.shop import batches

COUNT = int(os.environ.get("INSIGHTS_EVENTS", "1000000"))
PAGE = Path(__file__).resolve().parents[2] / "docs/insights.md"
CONFIG = f"""
[[project]]
token = "{TOKEN}"
team_id = 1
time_zone = "Europe/Berlin"

[[project.insights.test_account_filters]]
key = "email"
type = "person"
operator = "not_icontains"
value = "@example.com"
"""


class Shop:
    """The server, and the same Parquet in DuckDB."""

    def __init__(self, server: Hogflare, connection: duckdb.DuckDBPyConnection) -> None:
        self.server, self.duckdb = server, connection
        self.key = server.read_key()

    def ask(self, kind: str, /, **request) -> dict:
        """Asks for an insight; it must be answered."""
        answer = self.post(kind, request)
        assert answer.status == 200, answer.body.decode()
        return answer.json()

    def refused(self, kind: str, /, **request) -> str:
        """Asks what cannot be answered, and returns the error."""
        answer = self.post(kind, request)
        assert answer.status == 400, (answer.status, answer.body)
        return answer.json()["error"]

    def post(self, kind: str, request: dict):
        """Sends a request."""
        with self.server.connect(timeout=120) as wire:
            return wire.post(f"/api/insights/{kind}", request, authorization=f"Bearer {self.key}")

    def rows(self, statement: str) -> list[tuple]:
        """Asks DuckDB."""
        return self.duckdb.execute(statement).fetchall()


def fill(server: Hogflare) -> None:
    """Sends all events, each acknowledged."""
    with server.connect(timeout=120) as wire:
        for batch in batches(COUNT):
            body = b'{"api_key":"%s","batch":%s}' % (TOKEN.encode(), batch)
            assert wire.post("/batch/", body).is_success()


def wait_until_written(server: Hogflare, data_dir: Path) -> None:
    """Waits until Iceberg's readers see every event."""
    [row] = server.query("select count(*) as events from events_raw")
    assert row["events"] == COUNT
    for _ in range(600):
        if lake.duckdb_count(data_dir) == COUNT:
            return
        time.sleep(0.2)
    raise AssertionError("the metadata never had all events")


def views() -> str:
    """The views and functions that the page gives for DuckDB."""
    blocks = re.findall(r"```sql\n(.*?)```", PAGE.read_text(), re.DOTALL)
    [found] = [block for block in blocks if "CREATE MACRO" in block]
    return found


@pytest.fixture(scope="session")
def shop(binary: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """A server with the events, and DuckDB over its files."""
    folder = tmp_path_factory.mktemp("shop")
    config = folder / "hogflare.toml"
    config.write_text(CONFIG)
    server = Hogflare(binary, folder / "data", folder / "log", {"HOGFLARE_CONFIG": str(config)}).start()
    try:
        fill(server)
        server.stop()
        server.start()
        wait_until_written(server, folder / "data")
        with duckdb.connect() as connection:
            connection.execute("SET TimeZone = 'America/New_York'; SET threads = 2")
            for name in ["events", "person_overrides", "persons", "groups"]:
                with lake.open_table(folder / "data", name) as table:
                    files = lake.planned_files(table)
                    source = f"read_parquet({files!r}, hive_partitioning = false)" if files else empty(table)
                connection.execute(f"CREATE VIEW {name}_raw AS FROM {source}")
            connection.execute(views())
            yield Shop(server, connection)
    finally:
        server.kill9()


def empty(table) -> str:
    """A table without files: its columns and no row."""
    types = {"long": "BIGINT", "string": "VARCHAR", "timestamptz": "TIMESTAMPTZ"}
    columns = [f"NULL::{types[str(field.field_type)]} AS {field.name}" for field in table.schema().fields]
    return f"(SELECT {', '.join(columns)} WHERE FALSE)"


@pytest.fixture(scope="session")
def same_in_duckdb(shop: Shop) -> Callable[[dict], None]:
    """Checks that the statements of an answer give the same rows here and there."""

    def check(answer: dict) -> None:
        for statement in answer["sql"]:
            body = {"query": statement, "format": "json"}
            with shop.server.connect(timeout=120) as wire:
                ours = wire.post("/api/sql", body, authorization=f"Bearer {shop.key}")
            assert ours.status == 200, ours.body.decode()
            theirs = shop.duckdb.execute(statement)
            names = [column[0] for column in theirs.description]
            assert ours_as_rows(json.loads(ours.body), names) == sorted(map(told, theirs.fetchall())), statement

    return check


def ours_as_rows(rows: list[dict], names: list[str]) -> list[tuple]:
    """Rows of ours as tuples, in an order of their own."""
    return sorted(told(tuple(row.get(name) for name in names)) for row in rows)


def told(row: tuple) -> tuple:
    """A row whose values compare wherever they come from."""
    return tuple(value_told(value) for value in row)


def value_told(value: object) -> str:
    """Moments in UTC, and numbers to ten digits."""
    if hasattr(value, "astimezone"):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", value):
        return value[:19]
    if value is None or isinstance(value, str):
        return str(value)
    return f"{float(value):.10g}"
