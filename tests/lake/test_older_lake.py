"""A lake of a version that knew fewer columns gets them, in the same table, and no file is written anew for it."""

import subprocess
from pathlib import Path

import pytest
from pyiceberg.types import StringType

from harness import lake
from harness.load import new_event, send_events
from harness.poll import until
from harness.server import Hogflare

EVENTS = 600
LATER = ["browser", "screen_width"]


@pytest.fixture
def older(binary: Path, new_hogflare, tmp_path: Path) -> Hogflare:
    """A server that is not started yet, on a lake without some columns."""
    program = binary.parent / "examples/older_lake"
    assert program.exists(), "build it with `cargo build --release --workspace --examples`"
    server = new_hogflare()
    server.data_dir.mkdir()
    written = [program, server.data_dir / "lake", str(EVENTS), *LATER]
    subprocess.run(written, check=True, capture_output=True, timeout=60)
    return server




def browsers(server: Hogflare) -> dict:
    """Events by browser, in our SQL."""
    rows = server.query("select browser, count(*) as n from events group by 1")
    return {row["browser"]: row["n"] for row in rows}


def duckdb_browsers(server: Hogflare) -> dict:
    """The same in DuckDB, on the files alone."""
    rows = lake.duckdb_rows(server.data_dir, "coalesce(max(browser), '-'), count(*), count(screen_width)")
    return rows[0]


def test_columns_come_later(older: Hogflare) -> None:
    with lake.open_table(older.data_dir) as table:
        before, files = table.metadata, lake.planned_files(table)
        assert not {field.name for field in table.schema().fields} & set(LATER)
    assert lake.duckdb_count(older.data_dir) == EVENTS

    older.start()
    with lake.open_table(older.data_dir) as table:
        schema = table.schema()
        assert table.metadata.table_uuid == before.table_uuid
        assert table.metadata.current_schema_id != before.current_schema_id
        assert schema.find_field("browser").field_id not in {field.field_id for field in before.schema().fields}
        assert isinstance(schema.find_type("browser"), StringType)
        assert not schema.find_field("browser").required
        assert {field.field_id for field in before.schema().fields} < {field.field_id for field in schema.fields}
        assert lake.planned_files(table) == files, "no file is written anew"
        rows = table.scan(selected_fields=("browser", "screen_width")).to_arrow()
        assert (rows.num_rows, rows["browser"].null_count) == (EVENTS, EVENTS), "others read NULL"
    assert older.lake("verify", "--rows")["problems"] == []

    # Ours makes them of the properties, as if they had been written.
    assert browsers(older) == dict.fromkeys(["Chrome", "Firefox", "Safari"], EVENTS // 3)
    of_one = "select count(*) as n, min(screen_width) as least from events where browser = 'Safari' and screen_width > 1500"
    assert older.query(of_one) == [{"n": EVENTS // 6, "least": 1920}]

    send_events(older, [new_event("new", properties={"$browser": "Edge", "$screen_width": 800}) for _ in range(50)])
    until(lambda: lake.iceberg_count(older.data_dir) == EVENTS + 50, timeout=30, every=0.5, what="the Iceberg metadata")
    assert browsers(older)["Edge"] == 50
    assert duckdb_browsers(older) == ("Edge", EVENTS + 50, 50)

    # What is written anew has them for good.
    assert older.lake("compact")["files_in"] > 1
    older.lake("expire", "--older-than", "0s")
    assert browsers(older) == {"Edge": 50} | dict.fromkeys(["Chrome", "Firefox", "Safari"], EVENTS // 3)
    with lake.open_table(older.data_dir) as table:
        rows = table.scan(selected_fields=("browser", "screen_width")).to_arrow()
        assert (rows.num_rows, rows["browser"].null_count, rows["screen_width"].null_count) == (EVENTS + 50, 0, 0)
    assert duckdb_browsers(older) == ("Safari", EVENTS + 50, EVENTS + 50)
    assert older.lake("verify", "--rows")["problems"] == []
