"""The lake is open: PyIceberg and DuckDB read it without the server and count the same."""

import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pyiceberg.transforms import DayTransform
from pyiceberg.types import StringType, TimestamptzType

from harness import lake
from harness.load import new_event, new_uuid, send_events
from harness.poll import until
from harness.server import Hogflare

EVENTS = 1500


@pytest.fixture
def filled(hogflare: Hogflare) -> Hogflare:
    """A server whose lake and its Iceberg metadata hold EVENTS events of five days."""
    start = datetime.now(UTC) - timedelta(days=4, hours=1)
    days = [(start + timedelta(days=day)).isoformat() for day in range(5)]
    events = [
        new_event(
            f"kind {n % 3}",
            timestamp=days[n % 5],
            distinct_id=f"user-{n % 50}",
            properties={"n": n, "text": "🦔 \u00e9"},
        )
        for n in range(EVENTS)
    ]
    send_events(hogflare, events)
    wait_for_iceberg(hogflare, EVENTS)
    return hogflare


def wait_for_iceberg(server: Hogflare, rows: int) -> None:
    """Waits until the Iceberg metadata has caught up with what was acknowledged."""
    until(lambda: lake.iceberg_count(server.data_dir) >= rows, timeout=30, every=0.5, what="the Iceberg metadata")


def sql_count(server: Hogflare) -> int:
    """Counts through `hogflare sql`."""
    return server.query("select count(*) as n from events")[0]["n"]


def assert_all_count(server: Hogflare, rows: int) -> None:
    """Every reader counts the same."""
    assert sql_count(server) == rows
    assert lake.iceberg_count(server.data_dir) == rows
    assert lake.duckdb_count(server.data_dir) == rows


def test_pyiceberg_and_duckdb_count_what_sql_counts(filled: Hogflare) -> None:
    assert_all_count(filled, EVENTS)
    assert len(set(lake.lake_uuids(filled.data_dir))) == EVENTS
    assert list((filled.data_dir / "lake").rglob("version-hint.text"))


def test_table_is_partitioned_by_day_with_utc_timestamps(filled: Hogflare) -> None:
    with lake.open_table(filled.data_dir) as table:
        schema, spec = table.schema(), table.spec()
        assert isinstance(schema.find_type("timestamp"), TimestamptzType)
        assert isinstance(schema.find_type("properties"), StringType)
        fields = [(schema.find_column_name(part.source_id), part.transform) for part in spec.fields]
        assert ("timestamp", DayTransform()) in fields
        assert table.format_version == 2
        files = list(table.scan().plan_files())
        assert sum(task.file.record_count for task in files) == EVENTS
        yesterday = (datetime.now(UTC) - timedelta(days=1)).date().isoformat()
        pruned = table.scan(row_filter=f"timestamp >= '{yesterday}T00:00:00+00:00'").plan_files()
        assert 0 < len(list(pruned)) < len(files)


def test_duckdb_reads_the_same_values_as_sql(filled: Hogflare) -> None:
    columns = "uuid, event, distinct_id, properties"
    ours = {row["uuid"]: row for row in filled.query(f"select {columns}, timestamp from events")}
    theirs = lake.duckdb_rows(filled.data_dir, "uuid::VARCHAR, event, distinct_id, properties, epoch_us(timestamp)")
    assert len(theirs) == len(ours) == EVENTS
    for row_uuid, event, distinct_id, properties, micros in theirs:
        row = ours[row_uuid]
        assert (row["event"], row["distinct_id"]) == (event, distinct_id)
        assert json.loads(row["properties"]) == json.loads(properties)
        stored = datetime.fromisoformat(row["timestamp"])
        assert (stored - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) == micros


def test_lake_opens_after_the_server_stopped(filled: Hogflare) -> None:
    send_events(filled, [new_event("last", uuid=new_uuid())])
    filled.stop()
    assert_all_count(filled, EVENTS + 1)


def test_lake_opens_after_the_data_folder_moved(filled: Hogflare, new_hogflare, tmp_path: Path) -> None:
    filled.stop()
    moved_to = tmp_path / "elsewhere" / "kept data"
    moved_to.parent.mkdir()
    shutil.move(filled.data_dir, moved_to)
    moved = new_hogflare(moved_to).start()
    assert sql_count(moved) == EVENTS
    send_events(moved, [new_event("after the move")])
    wait_for_iceberg(moved, EVENTS + 1)
    assert_all_count(moved, EVENTS + 1)
    moved.stop()
    assert_all_count(moved, EVENTS + 1)
    with lake.open_table(moved_to) as table:
        assert all(path.startswith(str(moved_to)) for path in lake.planned_files(table))
