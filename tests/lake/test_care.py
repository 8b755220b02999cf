"""`hogflare lake` tells, checks, merges and lets go, with the server running or not, and every reader counts the same."""

import sqlite3
import subprocess
from datetime import UTC, datetime, timedelta

import pytest

from harness import lake
from harness.load import new_event, send_events
from harness.poll import until
from harness.server import Hogflare

EVENTS = 1200


def days_ago(days: int, **fields) -> dict:
    """An event of the noon of that day."""
    noon = datetime.now(UTC).replace(hour=12, minute=0) - timedelta(days=days)
    return new_event(timestamp=noon.isoformat(), **fields)


def table(server: Hogflare, name: str = "events") -> dict:
    """What `hogflare lake stats` says of a table."""
    [found] = [found for found in server.lake("stats")["tables"] if found["table"] == name]
    return found


def assert_all_count(server: Hogflare, rows: int) -> None:
    """Every reader counts the same, and the lake is sound."""
    until(lambda: lake.iceberg_count(server.data_dir) == rows, timeout=30, every=0.5, what="the Iceberg metadata")
    assert server.query("select count(*) as n from events") == [{"n": rows}]
    assert lake.duckdb_count(server.data_dir) == rows
    assert server.lake("verify", "--rows")["problems"] == []
    assert table(server)["rows"] == rows


@pytest.fixture
def filled(hogflare: Hogflare) -> Hogflare:
    """A server whose lake has some small files of three days."""
    for _ in range(4):
        events = [days_ago(number % 3, properties={"n": number}) for number in range(EVENTS // 4)]
        files = table(hogflare)["files"]
        send_events(hogflare, events)
        until(lambda files=files: table(hogflare)["files"] > files and not table(hogflare)["tail_rows"], what="a commit")
    return hogflare


def test_stats_follow_rows_from_the_tail_to_their_files(filled: Hogflare) -> None:
    found = table(filled)
    assert (found["rows"], found["tail_rows"]) == (EVENTS, 0)
    assert found["files"] >= 4
    assert found["bytes"] == sum(path.stat().st_size for path in lake_files(filled))
    assert found["bytes_per_row"] == pytest.approx(found["bytes"] / EVENTS)
    told = [str(filled.binary), "lake", "stats", "--data-dir", str(filled.data_dir)]
    told = subprocess.run(told, check=True, capture_output=True, text=True, timeout=60).stdout
    [line] = [line.split() for line in told.splitlines() if line.startswith("events ")]
    assert line[1:4] == [str(EVENTS), "0", str(found["files"])]
    filled.stop()
    assert table(filled)["rows"] == EVENTS


def lake_files(server: Hogflare) -> list:
    """Parquet files of `events`."""
    return list((server.data_dir / "lake/data/events").glob("*/*.parquet"))


@pytest.mark.parametrize("running", [True, False], ids=["served", "stopped"])
def test_merging_and_letting_go_change_no_count(filled: Hogflare, running: bool) -> None:
    if not running:
        filled.stop()
    assert_all_count(filled, EVENTS)
    merged = filled.lake("compact")
    assert merged["files_in"] > merged["files_out"] > 0
    assert_all_count(filled, EVENTS)
    assert table(filled)["small_files"] == 0
    assert filled.lake("compact")["files_in"] == 0
    assert filled.lake("expire")["files"] == 0, "readers may have opened the table less than an hour ago"
    assert filled.lake("expire", "--older-than", "0s")["files"] >= merged["files_in"]
    found = table(filled)
    assert (found["snapshots"], found["replaced_files"], found["files"]) == (1, 0, len(lake_files(filled)))
    assert_all_count(filled, EVENTS)
    if not running:
        filled.start()
    send_events(filled, [days_ago(0) for _ in range(10)])
    assert_all_count(filled, EVENTS + 10)


@pytest.mark.parametrize("running", [True, False], ids=["served", "stopped"])
def test_damage_is_named_and_fails(filled: Hogflare, running: bool) -> None:
    until(lambda: lake.iceberg_count(filled.data_dir) == EVENTS, timeout=30, every=0.5, what="the Iceberg metadata")
    if not running:
        filled.stop()
    victim = lake_files(filled)[0]
    contents = victim.read_bytes()
    victim.write_bytes(contents[:-1])
    [problem] = filled.lake("verify", expected=1)["problems"]
    assert problem["table"] == "events"
    assert problem["file"].endswith(victim.name)
    victim.write_bytes(contents)
    assert filled.lake("verify")["problems"] == []


def test_a_lake_that_is_ahead_of_its_journal_is_found(filled: Hogflare) -> None:
    filled.stop()
    with sqlite3.connect(filled.data_dir / "lake/catalog.db") as catalog:
        catalog.execute("UPDATE cursors SET next_offset = next_offset + 1000000")
    [problem] = filled.lake("verify", expected=1)["problems"]
    assert "and the journal only up to" in problem["what"]


def test_a_folder_without_a_lake_gets_none(new_hogflare) -> None:
    server = new_hogflare()
    server.data_dir.mkdir()
    for command in ["stats", "verify", "compact", "expire"]:
        server.lake(command, expected=1)
    assert not (server.data_dir / "lake").exists()


def test_old_days_go_and_persons_stay(filled: Hogflare) -> None:
    send_events(filled, [days_ago(40, distinct_id=f"old {number}") for number in range(30)])
    until(lambda: table(filled)["rows"] == EVENTS + 30, what="the old rows")
    persons = filled.query("select count(*) as n from persons")
    filled.stop()
    filled.start(HOGFLARE_RETENTION="1 month")
    until(lambda: table(filled)["rows"] == EVENTS, timeout=30, what="the old rows to go")
    assert_all_count(filled, EVENTS)
    assert filled.query("select count(*) as n from persons") == persons
    assert filled.metric("hogflare_lake_aged_rows_total", table="events") == 30
    filled.lake("expire", "--older-than", "0s")
    assert table(filled)["replaced_files"] == 0
    assert_all_count(filled, EVENTS)


def test_a_scan_that_runs_through_a_merge_counts_right(filled: Hogflare) -> None:
    until(lambda: lake.iceberg_count(filled.data_dir) == EVENTS, timeout=30, every=0.5, what="the Iceberg metadata")
    with lake.open_table(filled.data_dir) as opened:
        scan = opened.scan(selected_fields=("uuid", "journal_offset"))
        planned = [task.file.file_path for task in scan.plan_files()]
        reader = scan.to_arrow_batch_reader()
        first = next(reader)
        assert filled.lake("compact")["files_in"] > 1
        assert filled.lake("expire")["files"] == 0
        rows = first.num_rows + sum(batch.num_rows for batch in reader)
        assert rows == EVENTS
        assert opened.scan(selected_fields=("uuid",)).to_arrow().num_rows == EVENTS, "opened before the merge"
    until(lambda: table(filled)["snapshots"] > 1 and merged_is_shown(filled, planned), timeout=30, what="the merge")
    assert_all_count(filled, EVENTS)


def merged_is_shown(server: Hogflare, planned: list[str]) -> bool:
    """Whether the newest snapshot shows other files."""
    with lake.open_table(server.data_dir) as opened:
        return {task.file.file_path for task in opened.scan().plan_files()}.isdisjoint(planned)
