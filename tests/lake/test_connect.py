"""What `hogflare lake connect` prints runs as it is, and finds what the server says, at every step of a lake's life."""

import ast
import json
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from harness import lake
from harness.emulator import Emulator
from harness.load import new_event, send_events
from harness.poll import until
from harness.server import Hogflare

FOLDER = Path(__file__).parent
VISITORS, VIEWS = 40, 3
COUNTS = "SELECT count(*), count(DISTINCT person_id), count(DISTINCT uuid) FROM events"
PERSONS = "SELECT count(*) FROM persons"
URLS = "SELECT properties->>'$.\"$current_url\"' AS url, count(*) FROM events WHERE event = '$pageview' GROUP BY 1 ORDER BY 1"


def printed(server: Hogflare, reader: str) -> str:
    """The code for a reader."""
    words = [server.binary, "lake", "connect", reader, "--data-dir", server.data_dir]
    return subprocess.run(words, check=True, capture_output=True, text=True, timeout=30).stdout


def in_duckdb(server: Hogflare, *questions: str) -> list[list]:
    """Runs the code for DuckDB, in a DuckDB that reads Iceberg by itself."""
    python, code = FOLDER / ".venv/bin/python", server.log_path.with_suffix(".sql")
    assert python.exists(), "run tests/setup.sh"
    code.write_text(printed(server, "duckdb"))
    words = [python, FOLDER / "iceberg_reader.py", code, *questions]
    done = subprocess.run(words, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def in_pyiceberg(server: Hogflare, *questions: str) -> list[list]:
    """Runs the code for PyIceberg."""
    asked = "\n".join(f"print('ANSWER', json.dumps(db.sql({question!r}).fetchall()))" for question in questions)
    code = f"{printed(server, 'pyiceberg')}\nimport json\n{asked}\n"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    answers = [line.removeprefix("ANSWER ") for line in done.stdout.splitlines() if line.startswith("ANSWER ")]
    return [json.loads(answer) for answer in answers]


def in_spark(server: Hogflare, *questions: str) -> list[list]:
    """Runs the statements for Spark in DuckDB, which spells a few things in another way."""
    calls = [node for node in ast.walk(ast.parse(printed(server, "spark"))) if isinstance(node, ast.Call)]
    statements = [call.args[0].value for call in calls if getattr(call.func, "attr", "") == "sql"]
    assert len(statements) == 4
    with duckdb.connect() as connection:
        connection.execute("ATTACH ':memory:' AS hogflare; CREATE SCHEMA hogflare.data; SET TimeZone = 'UTC'")
        connection.execute("CREATE MACRO get_json_object(data, path) AS data->>path")
        for name in ("events", "person_overrides", "persons"):
            with lake.open_table(server.data_dir, name) as table:
                connection.register("rows", table.scan().to_arrow())
            connection.execute(f"CREATE TABLE hogflare.data.{name} AS FROM rows")
        for statement in statements:
            connection.execute(statement.replace("\"$['$current_url']\"", "'$.\"$current_url\"'")).fetchall()
        merged = [question.replace("DISTINCT person_id", "DISTINCT merged_person_id") for question in questions]
        return [[list(row) for row in connection.execute(question).fetchall()] for question in merged]


def in_sql(server: Hogflare, *questions: str) -> list[list]:
    """The same questions to the server, which needs no quotes within a key."""
    plain = [question.replace("'$.\"$current_url\"'", "'$current_url'") for question in questions]
    return [[list(row.values()) for row in server.query(question)] for question in plain]


def visits(start: int) -> list[dict]:
    """Events of visitors, of whom every other one turns out to be the one before."""
    events = []
    for visitor in range(start, start + VISITORS):
        for view in range(VIEWS):
            url = {"$current_url": f"https://shop.test/{view}"}
            moment = (datetime.now(UTC) - timedelta(days=view)).isoformat()
            fields = {"distinct_id": f"visitor {visitor}", "timestamp": moment, "properties": url}
            events.append(new_event("$pageview", **fields))
        if visitor % 2:
            merging = {"distinct_id": f"visitor {visitor - 1}", "properties": {"alias": f"visitor {visitor}"}}
            events.append(new_event("$create_alias", **merging))
    return events


def assert_all_find(server: Hogflare, asked: tuple[str, ...] = (COUNTS, PERSONS, URLS)) -> list[list]:
    """Every reader finds what the server says."""

    def caught_up() -> bool:
        tables = server.lake("stats")["tables"]
        tail = sum(table["tail_rows"] for table in tables)
        counted = {table["table"]: table["rows"] for table in tables}
        shown = all(lake.iceberg_count(server.data_dir, name) == rows for name, rows in counted.items())
        return not tail and shown

    # A query waits for what was acknowledged, so that the figures below have it.
    expected = in_sql(server, *asked)
    until(caught_up, timeout=40, every=0.5, what="the Iceberg metadata")
    assert in_duckdb(server, *asked) == expected
    assert in_pyiceberg(server, *asked) == expected
    assert in_spark(server, *asked) == expected
    return expected


def test_what_is_printed_finds_the_same_at_every_step(hogflare: Hogflare) -> None:
    [[counts], [persons], urls] = assert_all_find(hogflare)
    assert (counts, persons, urls) == ([0, 0, 0], [0], [])

    send_events(hogflare, visits(0))
    [[counts], [persons], urls] = assert_all_find(hogflare)
    events = VISITORS * VIEWS + VISITORS // 2
    assert (counts, persons) == ([events, VISITORS // 2, events], [VISITORS // 2])
    assert urls == [[f"https://shop.test/{view}", VISITORS] for view in range(VIEWS)]

    send_events(hogflare, visits(VISITORS))
    assert_all_find(hogflare)
    assert hogflare.lake("compact")["files_in"] > 1
    [[counts], [persons], _] = assert_all_find(hogflare)
    assert (counts, persons) == ([2 * events, VISITORS, 2 * events], [VISITORS])

    erased = [hogflare.binary, "person", "delete", "visitor 0", "--yes", "--data-dir", hogflare.data_dir]
    subprocess.run(erased, check=True, capture_output=True, timeout=30)
    of_one = 2 * VIEWS + 1
    until(lambda: in_sql(hogflare, COUNTS)[0][0][0] == 2 * events - of_one, what="the erasure")
    until(lambda: hogflare.lake("verify", "--rows")["problems"] == [], what="a sound lake")
    until(lambda: lake.duckdb_count(hogflare.data_dir) == 2 * events - of_one, timeout=40, every=0.5, what="the pass")
    assert_all_find(hogflare)

    assert hogflare.lake("expire", "--older-than", "0s")["files"] > 0
    [[counts], [persons], _] = assert_all_find(hogflare)
    assert (counts, persons) == ([2 * events - of_one, VISITORS - 1, 2 * events - of_one], [VISITORS - 1])


def test_spark_finds_tables_by_their_paths(hogflare: Hogflare) -> None:
    code = printed(hogflare, "spark")
    compile(code, "spark.py", "exec")
    [folder] = re.findall(r'^LAKE = "(.*)"$', code, re.MULTILINE)
    for name in ("events", "person_overrides", "persons"):
        place = Path(folder, "data", name)
        version = (place / "metadata/version-hint.text").read_text()
        metadata = json.loads((place / f"metadata/v{version}.metadata.json").read_text())
        assert metadata["location"] == f"file://{place}"


def test_paths_may_have_spaces_and_quotes(binary: Path, tmp_path: Path, new_hogflare) -> None:
    server = new_hogflare(tmp_path / "it's my data")
    program = [binary.parent / "examples/merged_persons", server.data_dir / "lake"]
    made = json.loads(subprocess.run(program, check=True, capture_output=True, timeout=60).stdout)
    [[[events, persons, uuids]], [[latest]]] = in_duckdb(server, COUNTS, PERSONS)
    assert {"events": events, "merged": persons, "persons": latest} == made
    assert in_pyiceberg(server, COUNTS, PERSONS) == [[[events, persons, uuids]], [[latest]]]


@pytest.fixture
def landed(piped: Hogflare, emulator: Emulator) -> Hogflare:
    """A server whose events are at the stand-in for Cloudflare, too."""
    send_events(piped, visits(0))
    until(lambda: emulator.count() == len(visits(0)), what="every row")
    return piped


def test_statements_for_r2_run_where_its_rows_are(landed: Hogflare, emulator: Emulator) -> None:
    code = re.sub(r"^--.*$", "", printed(landed, "r2"), flags=re.MULTILINE)
    days, merged, urls = [statement.strip() for statement in code.split(";") if statement.strip()]
    assert sum(row["events"] for row in emulator.sql(days)) == len(visits(0))
    assert [(row["url"], row["views"]) for row in emulator.sql(urls)] == [
        (f"https://shop.test/{view}", VISITORS) for view in range(VIEWS)
    ]
    with duckdb.connect() as connection:
        connection.execute("CREATE SCHEMA landed")
        for name in ("events", "person_overrides"):
            until(lambda name=name: lake.iceberg_count(landed.data_dir, name) > 0, timeout=30, every=0.5, what="metadata")
            with lake.open_table(landed.data_dir, name) as table:
                connection.register("rows", table.scan().to_arrow())
            connection.execute(f"CREATE TABLE landed.{name} AS SELECT *, now() AS __ingest_ts FROM rows")
        rows = connection.execute(merged.replace("default.", "landed.")).fetchall()
        assert sum(events for _, events, _ in rows) == len(visits(0))
        assert max(persons for _, _, persons in rows) == VISITORS // 2
