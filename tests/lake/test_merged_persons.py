"""Readers that are not ours find the present person of every event, by the statement that the docs give."""

import json
import re
import subprocess
from pathlib import Path

import duckdb
import pytest

from harness import lake

PAGE = Path(__file__).resolve().parents[2] / "docs/persons.md"


def statement(end: str) -> str:
    """The SQL of the page that ends so."""
    [found] = [block for block in re.findall(r"```sql\n(.*?)```", PAGE.read_text(), re.DOTALL) if block.rstrip().endswith(end)]
    return found


MERGED = statement("AND o.old_person_id = e.person_id")
LATEST = statement("AND is_deleted = 0")


@pytest.fixture(scope="module")
def written(binary: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, int]]:
    """A data folder whose lake has merged persons, and what is in it."""
    program = binary.parent / "examples/merged_persons"
    assert program.exists(), "build it with `cargo build --release --workspace --examples`"
    folder = tmp_path_factory.mktemp("merged")
    done = subprocess.run([program, folder / "lake"], check=True, capture_output=True, text=True, timeout=60)
    return folder, json.loads(done.stdout)


def ask_pyiceberg(folder: Path, sql: str) -> tuple:
    """Asks DuckDB about what PyIceberg reads."""
    with duckdb.connect() as connection:
        for name in ["events", "person_overrides", "persons"]:
            with lake.open_table(folder, name) as table:
                connection.register(name, table.scan().to_arrow())
        return connection.execute(sql).fetchone()


def ask_duckdb(folder: Path, sql: str) -> tuple:
    """Asks DuckDB about the Parquet files that belong to the tables."""
    with duckdb.connect() as connection:
        for name in ["events", "person_overrides", "persons"]:
            with lake.open_table(folder, name) as table:
                files = lake.planned_files(table)
            view = f"CREATE VIEW {name} AS FROM read_parquet({files!r}, hive_partitioning = false)"
            connection.execute(view)
        return connection.execute(sql).fetchone()


@pytest.mark.parametrize("ask", [ask_pyiceberg, ask_duckdb])
def test_events_of_merged_persons_are_counted_as_one(written, ask) -> None:
    folder, expected = written
    merged = f"SELECT count(*), count(DISTINCT merged_person_id), count(DISTINCT person_id) FROM ({MERGED})"
    events, now, before = ask(folder, merged)
    assert (events, now) == (expected["events"], expected["merged"])
    assert before > now, "the table has what was written"


@pytest.mark.parametrize("ask", [ask_pyiceberg, ask_duckdb])
def test_the_latest_of_each_person_is_there_once(written, ask) -> None:
    folder, expected = written
    latest = f"SELECT count(*), count(DISTINCT id), min(version), max(version) FROM ({LATEST})"
    assert ask(folder, latest) == (expected["persons"], expected["persons"], 8, 8)


def test_a_merge_of_files_dropped_what_was_superseded(written) -> None:
    folder, expected = written
    persons, events = (lake.duckdb_count(folder, name) for name in ["persons", "events"])
    assert events == expected["events"], "no event is ever dropped"
    assert persons == 900, "one row a person, those included that are gone"


def test_hogflare_says_the_same(written, binary: Path) -> None:
    folder, expected = written
    query = """select (select count(distinct person_id) from events) as merged,
               (select count(*) from persons) as persons, (select count(*) from events) as events"""
    asked = [binary, "sql", "--data-dir", folder, "--format", "json", query]
    done = subprocess.run(asked, check=True, capture_output=True, text=True, timeout=60)
    assert json.loads(done.stdout) == [expected]
