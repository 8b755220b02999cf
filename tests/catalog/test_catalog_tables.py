"""The catalog's tables have what the lake's have: every row once, in columns that anybody reads."""

from collections import Counter

import pytest
from pyiceberg.schema import Schema
from pyiceberg.transforms import DayTransform
from pyiceberg.types import LongType, NestedField, StringType, TimestamptzType

from harness.catalog import Catalog
from harness.load import new_event, send_events
from harness.poll import until
from harness.server import Hogflare

CATCH_UP_SECONDS = 60
# Of changes of persons the lake drops those whose place later ones took.
TABLES = ["events", "heatmaps", "quarantine", "persons", "person_distinct_ids", "groups", "group_types"]


def send(server: Hogflare, count: int, **fields) -> set[str]:
    """Sends events; each must be acknowledged."""
    events = [new_event("kept", **fields) for _ in range(count)]
    send_events(server, events)
    return {event["uuid"] for event in events}


def wait_for(catalog: Catalog, uuids: set[str]) -> None:
    """Each uuid arrives, once, and nothing else does."""
    until(lambda: uuids <= catalog.uuids().keys(), timeout=CATCH_UP_SECONDS, every=0.5, what="every row in the catalog")
    assert catalog.uuids() == Counter(uuids)


def test_every_table_has_the_rows_of_the_lake(writer: Hogflare, catalog: Catalog) -> None:
    events = [new_event("bought", distinct_id=f"user-{n}", properties={"$set": {"n": n}}) for n in range(30)]
    events += [new_event("$$heatmap", properties={"$heatmap_data": {"https://a.b/": []}}) for _ in range(3)]
    events += [new_event("$$client_ingestion_warning") for _ in range(2)]
    group = {"$group_type": "company", "$group_key": "acme", "$group_set": {"size": 7}}
    events.append(new_event("$groupidentify", properties=group))
    send_events(writer, events)

    def same() -> bool:
        columns = {name: f"select journal_offset from {name}_raw" for name in ("events",)}
        for name in TABLES:
            ours = writer.query(columns.get(name, f"select journal_offset from {name}"))
            theirs = Counter(row["journal_offset"] for row in catalog.rows(name, "journal_offset"))
            if not ours or theirs.keys() < {row["journal_offset"] for row in ours}:
                return False
        return True

    until(same, timeout=CATCH_UP_SECONDS, every=1, what="all tables")
    for name in TABLES:
        offsets = Counter(row["journal_offset"] for row in catalog.rows(name, "journal_offset"))
        assert max(offsets.values()) == 1, name
    ours = {row["uuid"]: row for row in writer.query("select uuid, event, properties, browser, lib from events_raw")}
    for row in catalog.rows("events", "uuid", "event", "properties", "browser", "lib"):
        assert row == ours.pop(row["uuid"])
    assert not ours


def test_tables_are_partitioned_by_day_and_remember_the_cursor(writer: Hogflare, catalog: Catalog) -> None:
    uuids = send(writer, 1200) | send(writer, 3, timestamp="2026-11-01T12:00:00Z")
    wait_for(catalog, uuids)
    table = catalog.table()
    fields = [(table.schema().find_column_name(part.source_id), part.transform) for part in table.spec().fields]
    assert fields == [("timestamp", DayTransform())]
    assert table.format_version == 2
    assert [name for name in table.properties if name.startswith("hogflare.cursor.")]
    files = list(table.scan().plan_files())
    assert sum(task.file.record_count for task in files) == len(uuids)
    pruned = list(table.scan(row_filter="timestamp < '2026-11-02T00:00:00+00:00'").plan_files())
    assert 0 < len(pruned) < len(files)
    total = sum(int(snapshot.summary["added-records"]) for snapshot in table.snapshots())
    assert total == int(table.current_snapshot().summary["total-records"]) == len(uuids)


def test_without_a_lake_the_catalog_has_everything(new_writer, catalog: Catalog) -> None:
    server = new_writer(HOGFLARE_LAKE="off").start()
    uuids = send(server, 50)
    wait_for(catalog, uuids)
    server.restart()
    uuids |= send(server, 5)
    server.stop()
    assert catalog.uuids() == Counter(uuids), "a clean stop leaves nothing behind"


def test_a_table_that_lacks_columns_gets_them_and_keeps_its_own(new_writer, catalog: Catalog) -> None:
    made = catalog.open()
    made.create_namespace("default")
    schema = Schema(
        NestedField(1, "note", StringType()),
        NestedField(2, "timestamp", TimestamptzType(), required=True),
        NestedField(3, "team_id", LongType(), required=True),
        NestedField(4, "uuid", StringType(), required=True),
    )
    made.create_table("default.events", schema)
    server = new_writer().start()
    wait_for(catalog, send(server, 20))
    rows = catalog.rows("events", "note", "event", "lib", "uuid", "team_id")
    assert {(row["note"], row["event"], row["lib"], row["team_id"]) for row in rows} == {
        (None, "kept", "posthog-node", 1)
    }


@pytest.mark.parametrize(
    ("field", "said"),
    [
        (NestedField(1, "timestamp", StringType()), "its column timestamp is string, not timestamptz"),
        (NestedField(1, "note", StringType(), required=True), "its column note is required, and not known here"),
    ],
)
def test_a_table_that_cannot_be_written_to_is_told_in_a_line(new_writer, catalog: Catalog, field, said: str) -> None:
    made = catalog.open()
    made.create_namespace("default")
    made.create_table("default.events", Schema(field))
    server = new_writer().start()

    until(lambda: said in server.trouble("catalog"), what="the reason")
    assert server.get("/_readiness").json()["sinks"]["catalog"] == "paused"
    assert server.capture("taken all the same").is_success()


def test_nodes_share_the_tables(new_writer, catalog: Catalog, tmp_path) -> None:
    nodes = [new_writer(tmp_path / name).start() for name in ("one", "two")]
    uuids = set()
    for _ in range(8):
        for node in nodes:
            uuids |= send(node, 10)
    nodes[0].restart()
    uuids |= send(nodes[0], 10)
    wait_for(catalog, uuids)
    cursors = [name for name in catalog.table().properties if name.startswith("hogflare.cursor.")]
    assert len(cursors) == 2


def test_a_catalog_that_gives_no_credentials_needs_keys(new_writer, catalog: Catalog) -> None:
    catalog.credentials(vends=False)
    server = new_writer().start()

    until(lambda: "HOGFLARE_S3_ACCESS_KEY_ID" in server.trouble("catalog"), what="the reason")
    keys = {"HOGFLARE_S3_ACCESS_KEY_ID": "static-key", "HOGFLARE_S3_SECRET_ACCESS_KEY": "a-secret"}
    server.restart(**keys)
    uuids = send(server, 10)
    until(lambda: catalog.state()["commits"] > 0 and server.metric("hogflare_catalog_rows_total") >= 10, what="rows")
    catalog.credentials()
    wait_for(catalog, uuids)


def test_a_wrong_token_is_told(new_writer, catalog: Catalog) -> None:
    server = new_writer(HOGFLARE_CATALOG_TOKEN="wrong-hunter3").start()

    until(lambda: "401" in server.trouble("catalog"), what="the reason")
    assert "HOGFLARE_CATALOG_TOKEN" in server.trouble("catalog")
    assert "hunter3" not in server.process.log()
    uuids = send(server, 3)
    server.restart(**catalog.settings())
    wait_for(catalog, uuids)
