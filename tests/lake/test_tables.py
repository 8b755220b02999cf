"""The tables beside `events` are as open as it is: who reads them without the server counts the same."""

import json

import pytest

from harness import lake
from harness.load import new_event, send_events
from harness.poll import until
from harness.server import Hogflare

VERSIONED = ["group_types", "groups", "person_distinct_ids", "person_overrides", "persons"]
TABLES = sorted(["events", "heatmaps", "otel", "quarantine", *VERSIONED])
HEATMAPS = 40
WARNINGS = 25
EVENTS = 60


def sql_count(server: Hogflare, table: str) -> int:
    """Counts through `hogflare sql`."""
    return server.query(f"select count(*) as n from {table}")[0]["n"]


def wait_for_rows(server: Hogflare, table: str, rows: int) -> None:
    """Waits until a table has its rows, in SQL and in the Iceberg metadata."""
    until(lambda: sql_count(server, table) >= rows, timeout=15, what=f"rows of {table}")
    until(lambda: lake.iceberg_count(server.data_dir, table) >= rows, timeout=30, every=0.5, what="the Iceberg metadata")


def assert_all_count(server: Hogflare, counts: dict[str, int]) -> None:
    """Every reader counts the same in every table."""
    for table, rows in counts.items():
        assert sql_count(server, table) == rows, table
        assert lake.iceberg_count(server.data_dir, table) == rows, table
        assert lake.duckdb_count(server.data_dir, table) == rows, table


def heatmap(number: int) -> dict:
    """What posthog-js sends of a page that somebody moved over."""
    points = {"https://app.test/": [{"x": number, "y": 2, "target_fixed": False, "type": "click"}]}
    properties = {
        "$heatmap_data": points,
        "$session_id": f"session {number}",
        "$current_url": "https://app.test/",
        "$viewport_width": 1280,
        "$viewport_height": 720,
    }
    return new_event("$$heatmap", properties=properties)


def warning(number: int) -> dict:
    """What posthog-js sends when it gave up on something."""
    properties = {"$$client_ingestion_warning_message": f"too many {number}"}
    return new_event("$$client_ingestion_warning", properties=properties)


def test_every_table_is_there_from_the_start(hogflare: Hogflare) -> None:
    with lake.open_catalog(hogflare.data_dir) as catalog:
        assert sorted(catalog.list_tables("default")) == [("default", table) for table in TABLES]
    assert_all_count(hogflare, dict.fromkeys(TABLES, 0))
    known = hogflare.query(
        "select distinct table_name as name from information_schema.columns where table_schema = 'default'"
    )
    assert {row["name"] for row in known} >= {*TABLES, "events_raw", *(f"{table}_raw" for table in VERSIONED)}
    columns = "select column_name as name from information_schema.columns where table_name = 'otel'"
    assert {"signal", "received_at", "body"} <= {row["name"] for row in hogflare.query(columns)}


def test_rows_that_are_no_events_have_tables_of_their_own(hogflare: Hogflare) -> None:
    events = [new_event("purchase", properties={"n": n}) for n in range(EVENTS)]
    others = [*map(heatmap, range(HEATMAPS)), *map(warning, range(WARNINGS))]
    send_events(hogflare, [*events, *others], batch_size=50)
    counts = {"events": EVENTS, "heatmaps": HEATMAPS, "quarantine": WARNINGS, "otel": 0}
    for table, rows in counts.items():
        wait_for_rows(hogflare, table, rows)
    assert_all_count(hogflare, counts)
    hogflare.stop()
    assert_all_count(hogflare, counts)
    sent = {event["uuid"]: event["properties"]["$heatmap_data"] for event in others[:HEATMAPS]}
    rows = lake.duckdb_rows(
        hogflare.data_dir, "uuid, properties, current_url, viewport_width, session_id", "heatmaps"
    )
    assert {row[0]: json.loads(row[1])["$heatmap_data"] for row in rows} == sent
    assert {row[2:4] for row in rows} == {("https://app.test/", 1280)}
    assert {row[4] for row in rows} == {f"session {n}" for n in range(HEATMAPS)}
    reasons = lake.duckdb_rows(hogflare.data_dir, "DISTINCT event, reason", "quarantine")
    assert [event for event, _ in reasons] == ["$$client_ingestion_warning"]
    assert all(reason for _, reason in reasons)
    places = [
        place
        for table in TABLES
        for place in lake.duckdb_rows(hogflare.data_dir, "journal_id, journal_offset", table)
    ]
    assert len(set(places)) == len(places)


@pytest.mark.parametrize("table", ["heatmaps", "quarantine", "otel"])
def test_every_table_is_partitioned_by_day(hogflare: Hogflare, table: str) -> None:
    time = "received_at" if table == "otel" else "timestamp"
    with lake.open_table(hogflare.data_dir, table) as opened:
        (field,) = opened.spec().fields
        assert opened.schema().find_column_name(field.source_id) == time
        assert (field.name, opened.format_version) == (f"{time}_day", 2)
        assert opened.metadata.location.endswith(f"/lake/data/{table}")


@pytest.mark.parametrize("table", VERSIONED)
def test_tables_of_versions_have_no_partitions(hogflare: Hogflare, table: str) -> None:
    with lake.open_table(hogflare.data_dir, table) as opened:
        assert opened.spec().is_unpartitioned()
        assert [opened.schema().find_column_name(field.source_id) for field in opened.sort_order().fields][-1] in {
            "version",
            "changed_at",
        }
