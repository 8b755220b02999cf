"""Tables of a catalog that somebody else writes answer questions, and are never changed."""

import json
import subprocess
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pyarrow as pa
import pytest
from pyiceberg.io.pyarrow import schema_to_pyarrow
from pyiceberg.schema import Schema
from pyiceberg.table import Table
from pyiceberg.types import IcebergType, LongType, NestedField, StringType, TimestampType, TimestamptzType

from harness.catalog import Catalog
from harness.load import new_event, send_events
from harness.poll import until
from harness.process import child_env
from harness.server import TOKEN, Hogflare

SCHEMAS = Path(__file__).resolve().parents[2] / "scripts"
TYPES = {"string": StringType(), "json": StringType(), "int64": LongType()}
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def pipeline_table(catalog: Catalog, name: str, of: str, moment: IcebergType, without: tuple[str, ...] = ()) -> Table:
    """Makes a table as a pipeline's sink does: the columns of its schema, and the time of arrival."""
    file = "pipeline-schema.json" if of == "events" else f"{of}-pipeline-schema.json"
    columns = json.loads((SCHEMAS / file).read_text())["fields"]
    types = TYPES | {"timestamp": moment}
    fields = [
        NestedField(place, column["name"], types[column["type"]], required=column["required"])
        for place, column in enumerate((one for one in columns if one["name"] not in without), 1)
    ]
    fields.append(NestedField(len(fields) + 1, "__ingest_ts", moment))
    opened = catalog.open()
    opened.create_namespace_if_not_exists("default")
    return opened.create_table(f"default.{name}", Schema(*fields))


def append(table: Table, rows: list[dict[str, Any]]) -> None:
    """Appends rows; what they lack and must have is made up."""
    schema = schema_to_pyarrow(table.schema(), include_field_ids=False)

    def value(field: pa.Field, row: dict[str, Any]) -> Any:
        is_time = pa.types.is_timestamp(field.type)
        made_up = NOON if is_time else 0 if pa.types.is_integer(field.type) else "{}"
        found = row.get(field.name, None if field.nullable else made_up)
        # Timestamps without a zone are in UTC.
        return found.replace(tzinfo=None) if found and is_time and field.type.tz is None else found

    table.append(pa.Table.from_pylist([{field.name: value(field, row) for field in schema} for row in rows], schema=schema))


def event_row(number: int, person: str, name: str = "bought") -> dict[str, Any]:
    """An event as a pipeline has it."""
    at = NOON + timedelta(minutes=number)
    times = {"timestamp": at, "created_at": at, "__ingest_ts": at}
    of = {"uuid": str(uuid4()), "event": name, "distinct_id": f"user-{number}", "person_id": person}
    kept = {"team_id": 1, "token": TOKEN, "person_mode": "full", "properties": json.dumps({"n": number})}
    return times | of | kept


@pytest.fixture
def new_reader(new_hogflare, catalog: Catalog):
    """Makes servers that read the catalog and are not started yet."""

    def make(**env: str) -> Hogflare:
        return new_hogflare(**catalog.settings(HOGFLARE_CATALOG_ACCESS="read", **env))

    return make


def freshness(server: Hogflare) -> dict[str, Any]:
    """How new the rows are that questions get."""
    return json.loads(server.get("/api/freshness", authorization=f"Bearer {server.read_key()}").body)


def count(server: Hogflare, table: str = "events") -> int:
    """Counts the rows of a table."""
    return server.query(f"select count(*) as n from {table}")[0]["n"]


def answers(server: Hogflare) -> int | None:
    """Counts events, where there is an answer at all."""
    asked = server.post("/api/sql", {"query": "select count(*) as n from events"}, authorization=f"Bearer {server.read_key()}")
    return asked.json()[0]["n"] if asked.status == 200 else None


def insight(server: Hogflare, kind: str, **request: Any) -> dict[str, Any]:
    """The answer to an insight."""
    answer = server.post(f"/api/insights/{kind}", request, authorization=f"Bearer {server.read_key()}")
    assert answer.status == 200, answer.body
    return json.loads(answer.body)


@pytest.mark.parametrize("moment", [TimestamptzType(), TimestampType()])
def test_what_a_pipeline_wrote_answers_questions(new_reader, catalog: Catalog, moment: IcebergType) -> None:
    events = pipeline_table(catalog, "web_events", "events", moment)
    ann, bob, former = str(uuid4()), str(uuid4()), str(uuid4())
    append(events, [event_row(number, ann) for number in range(30)])
    append(events, [event_row(number, former) for number in range(30, 35)])
    persons = pipeline_table(catalog, "persons", "persons", moment)
    # A pipeline sorts nothing, and keeps every version.
    append(persons, [{"team_id": 1, "id": bob, "version": 9, "properties": '{"plan": "pro"}'}])
    append(persons, [{"team_id": 1, "id": bob, "version": 2, "properties": '{"plan": "free"}'}])
    append(persons, [{"team_id": 1, "id": ann, "version": 3, "properties": "{}", "is_deleted": 1}])
    overrides = pipeline_table(catalog, "person_overrides", "person_overrides", moment)
    append(overrides, [{"team_id": 1, "old_person_id": former, "person_id": bob, "version": 5}])
    commits = catalog.state()["commits"]

    server = new_reader(HOGFLARE_CATALOG_TABLES="events=web_events").start()
    until(lambda: answers(server) == 35, timeout=30, what="the rows of the catalog")
    by_person = server.query("select person_id, count(*) as n from events group by 1 order by 2 desc")
    assert by_person == [{"person_id": ann, "n": 30}, {"person_id": bob, "n": 5}]
    assert server.query("select id, properties->>'plan' as plan from persons") == [{"id": bob, "plan": "pro"}]
    first = server.query("select min(timestamp) as first, max(properties->>'n') as n, count(browser) as b from events")
    assert first == [{"first": "2026-11-20T12:00:00Z", "n": "9", "b": 0}]
    day = "timestamp >= '2026-11-20T12:10:00Z' and timestamp < '2026-11-20T12:20:00Z'"
    assert server.query(f"select count(*) as n from events where {day}") == [{"n": 10}]
    assert count(server, "groups") == 0, "a table that is not there is empty"
    dates = {"date_from": "2026-11-20", "date_to": "2026-11-20"}
    series = [{"kind": "EventsNode", "event": "bought", "math": "dau"}]
    trend = insight(server, "trends", dateRange=dates, series=series)
    assert trend["results"][0]["data"] == [2]

    append(events, [event_row(99, bob)])
    until(lambda: answers(server) == 36, timeout=30, what="the new row")
    told = freshness(server)
    assert told["source"] == "catalog" and told["trouble"] is None
    assert told["committed_at"] and told["checked_at"]
    assert "can be read" in server.doctor()
    assert catalog.state()["commits"] == commits + 1, "only the test's own"


def test_a_catalog_in_trouble_leaves_older_rows(new_reader, catalog: Catalog) -> None:
    events = pipeline_table(catalog, "events", "events", TimestamptzType())
    append(events, [event_row(number, str(uuid4())) for number in range(7)])
    server = new_reader().start()
    until(lambda: answers(server) == 7, timeout=30, what="the rows of the catalog")
    catalog.fault("load", 1_000_000, table="events", status=503)
    until(lambda: freshness(server)["trouble"], timeout=30, what="the trouble to be told")
    assert "503" in freshness(server)["trouble"]
    assert count(server) == 7
    catalog.heal()
    append(events, [event_row(50, str(uuid4()))])
    until(lambda: answers(server) == 8, timeout=30, what="the row after the trouble")
    assert freshness(server)["trouble"] is None


def test_a_catalog_that_comes_later_is_waited_for(new_reader, catalog: Catalog) -> None:
    server = new_reader().start()
    until(lambda: freshness(server)["trouble"], timeout=30, what="the trouble to be told")
    assert "default.events" in freshness(server)["trouble"]
    # No answer rather than a wrong one.
    asked = server.post("/api/sql", {"query": "select 1"}, authorization=f"Bearer {server.read_key()}")
    assert asked.status == 503 and "default.events" in asked.json()["error"]
    append(pipeline_table(catalog, "events", "events", TimestamptzType()), [event_row(1, str(uuid4()))])
    until(lambda: answers(server) == 1, timeout=30, what="the table")


def test_credentials_that_end_and_rows_that_go(new_reader, catalog: Catalog) -> None:
    events = pipeline_table(catalog, "events", "events", TimestamptzType(), without=("elements_chain", "bot", "token"))
    append(events, [event_row(number, str(uuid4()), "kept" if number % 2 else "gone") for number in range(20)])
    catalog.credentials(lifetime=4)
    server = new_reader().start()
    until(lambda: answers(server) == 20, timeout=30, what="the rows of the catalog")
    # A copy-on-write deletion, as engines do for an erasure, and what compaction does to files.
    catalog.credentials(lifetime=3600)
    catalog.open().load_table("default.events").delete("event = 'gone'")
    catalog.credentials(lifetime=4)
    until(lambda: answers(server) == 10, timeout=60, what="the deletion")
    # Longer than any credentials last.
    for _ in range(7):
        time.sleep(1)
        rows = server.query("select count(properties->>'n') as n, count(token) as t from events where bot is null")
        assert rows == [{"n": 10, "t": 0}]


def test_without_a_lake_what_was_written_is_read(new_writer) -> None:
    server = new_writer(HOGFLARE_LAKE="off").start()
    send_events(server, [new_event("kept", distinct_id="ann") for _ in range(40)])
    send_events(server, [new_event("$identify", distinct_id="ann", properties={"$set": {"plan": "pro"}})])
    until(lambda: answers(server) == 41, timeout=60, what="the rows, by way of the catalog")
    assert server.query("select count(distinct person_id) as n from events") == [{"n": 1}]
    until(lambda: count(server, "persons") == 1, timeout=60, what="the person")
    assert server.query("select properties->>'plan' as plan from persons") == [{"plan": "pro"}]
    assert freshness(server)["source"] == "catalog"


def test_what_others_delete_and_write_wrongly(new_reader, catalog: Catalog) -> None:
    moment = TimestamptzType()
    events = pipeline_table(catalog, "events", "events", moment)
    ann, bob = str(uuid4()), str(uuid4())
    append(events, [event_row(1, ann), event_row(2, bob), event_row(3, "nobody's uuid"), event_row(4, "another")])
    overrides = pipeline_table(catalog, "person_overrides", "person_overrides", moment)
    append(overrides, [{"team_id": 1, "old_person_id": ann, "person_id": bob, "version": 1}])
    append(overrides, [{"team_id": 1, "old_person_id": "not a uuid", "person_id": bob, "version": 2}])
    server = new_reader().start()
    persons = "select count(distinct person_id) as n from events"
    until(lambda: answers(server) == 4, timeout=30, what="the rows of the catalog")
    assert server.query(persons) == [{"n": 3}]
    series = [{"kind": "EventsNode", "event": "bought", "math": "dau"}]
    dates = {"date_from": "2026-11-20", "date_to": "2026-11-20"}
    assert insight(server, "trends", dateRange=dates, series=series)["results"][0]["data"] == [3]
    catalog.open().load_table("default.person_overrides").delete("version = 1")
    until(lambda: server.query(persons) == [{"n": 4}], timeout=30, what="the merge to be undone")


def test_whoever_asks_the_folder_asks_the_catalog(new_reader, catalog: Catalog) -> None:
    append(pipeline_table(catalog, "events", "events", TimestamptzType()), [event_row(n, str(uuid4())) for n in range(5)])
    server = new_reader().start()
    until(lambda: answers(server) == 5, timeout=30, what="the rows of the catalog")
    server.stop()
    command = [str(server.binary), "sql", "--format", "csv", "select count(*) as n from events"]
    env = child_env({"HOGFLARE_DATA_DIR": str(server.data_dir)} | server.env)
    done = subprocess.run(command, env=env, cwd=server.log_path.parent, capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout.split() == ["n", "5"], done.stderr


def test_a_storage_in_trouble_keeps_its_secrets(new_reader, catalog: Catalog) -> None:
    append(pipeline_table(catalog, "events", "events", TimestamptzType()), [event_row(n, str(uuid4())) for n in range(5)])
    server = new_reader().start()
    until(lambda: answers(server) == 5, timeout=30, what="the rows of the catalog")
    catalog.fault("storage", 1_000_000, status=403)
    asked = server.post("/api/sql", {"query": "select max(distinct_id) from events"}, authorization=f"Bearer {server.read_key()}")
    assert asked.status == 500 and asked.json() == {"error": "the query failed: a file cannot be read: the storage refuses the credentials"}
    catalog.heal()
    assert answers(server) == 5
