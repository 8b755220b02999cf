"""Readers that are not ours count the same rows after an erasure, and find nobody who was erased."""

import json
import subprocess
from pathlib import Path

import duckdb
import pytest

from harness import lake

ERASED = "user-00000007@example.com"


@pytest.fixture(scope="module", params=["delete", "anonymize"])
def erased(request: pytest.FixtureRequest, binary: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """A data folder whose lake had 200,000 rows of 200 users, of whom one is erased."""
    program = binary.parent / "examples/erasure"
    assert program.exists(), "build it with `cargo build --release --workspace --examples`"
    folder = tmp_path_factory.mktemp(request.param)
    asked = [program, folder / "lake", "200", request.param]
    subprocess.run(asked, check=True, capture_output=True, text=True, timeout=120)
    return request.param, folder


def ask_pyiceberg(folder: Path, sql: str) -> tuple:
    """Asks DuckDB about what PyIceberg reads."""
    with duckdb.connect() as connection, lake.open_table(folder) as table:
        connection.register("events", table.scan(selected_fields=("distinct_id", "person_id", "ip")).to_arrow())
        return connection.execute(sql).fetchone()


def ask_duckdb(folder: Path, sql: str) -> tuple:
    """Asks DuckDB about the Parquet files that belong to the table."""
    with duckdb.connect() as connection, lake.open_table(folder) as table:
        files = lake.planned_files(table)
        connection.execute(f"CREATE VIEW events AS FROM read_parquet({files!r}, hive_partitioning = false)")
        return connection.execute(sql).fetchone()


def ask_hogflare(binary: Path, folder: Path, sql: str) -> tuple:
    """Asks the program itself."""
    asked = [binary, "sql", "--data-dir", folder, "--format", "json", sql]
    done = subprocess.run(asked, check=True, capture_output=True, text=True, timeout=60)
    [row] = json.loads(done.stdout)
    return tuple(row.values())


def test_every_reader_counts_the_same_and_finds_nobody(erased, binary: Path) -> None:
    kind, folder = erased
    sql = f"""SELECT count(*) AS rows, count(DISTINCT distinct_id) AS users, count(DISTINCT person_id) AS persons,
              count(CASE WHEN distinct_id = '{ERASED}' THEN 1 END) AS of_whom_is_erased,
              count(CASE WHEN ip IS NULL THEN 1 END) AS without_address FROM events"""
    expected = {"delete": (199_000, 199, 199, 0, 0), "anonymize": (200_000, 200, 200, 0, 1_000)}[kind]
    assert ask_pyiceberg(folder, sql) == expected
    assert ask_duckdb(folder, sql) == expected
    assert ask_hogflare(binary, folder, sql) == expected


def test_no_snapshot_has_the_files_from_before(erased) -> None:
    _, folder = erased
    with lake.open_table(folder) as table:
        [snapshot] = table.snapshots()
        assert table.current_snapshot() == snapshot


def test_what_is_written_anew_is_sorted_as_before(erased) -> None:
    _, folder = erased
    with lake.open_table(folder) as table:
        files = lake.planned_files(table)
    with duckdb.connect() as connection:
        unsorted = """SELECT count(*) FROM (SELECT (token, event, timestamp) AS key,
                      lag(key) OVER (ORDER BY file_row_number) AS before
                      FROM read_parquet(?, file_row_number = true, hive_partitioning = false)) WHERE key < before"""
        for file in (file for file in files if "timestamp_day=" in file):
            assert connection.execute(unsorted, [[file]]).fetchone() == (0,)
