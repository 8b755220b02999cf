"""Rolling to Parquet: each row in exactly one file, whatever happens in between."""

import os
from collections import Counter
from pathlib import Path

import duckdb
import pytest
from emulator.database import OtherSchema
from emulator.roll import Roller
from emulator.roll_schedule import RollSchedule
from emulator.settings import Settings
from harness.emulator import Emulator
from harness.poll import until
from harness.wire import Wire
from starlette.testclient import TestClient


def post(client: TestClient, *uuids: str) -> None:
    """Sends one row per uuid."""
    assert client.post("/", json=[{"uuid": uuid} for uuid in uuids]).status_code == 200


def parquet_files(folder: Path) -> list[Path]:
    """The finished files, as another engine would find them."""
    return sorted(folder.glob("default/events/data/__ingest_ts_day=*/*.parquet"))


def rolled(folder: Path) -> Counter:
    """How often each uuid is in a file."""
    files = [str(path) for path in parquet_files(folder)]
    rows = duckdb.sql(f"SELECT uuid FROM read_parquet({files})").fetchall() if files else []
    return Counter(uuid for (uuid,) in rows)


@pytest.fixture
def settings(tmp_path: Path, write_schema) -> dict[str, str]:
    """An emulator that rolls."""
    schema = write_schema(uuid="string", properties="json", at="timestamp")
    return {"data_dir": str(tmp_path / "data"), "schema": schema}


@pytest.fixture
def folder(settings: dict[str, str]) -> Path:
    """Where it rolls to."""
    return Path(settings["data_dir"])


def test_a_roll_writes_what_landed_since_the_last(connect, settings, folder: Path) -> None:
    client = connect(**settings)
    post(client, "1", "2")
    (first,) = client.post("/admin/roll").json()
    assert (first["rows"], first["bytes"]) == (2, os.path.getsize(first["path"]))
    assert client.post("/admin/roll").json() == []
    post(client, "3")
    (second,) = client.post("/admin/roll").json()
    assert client.get("/files").json() == [first, second]
    assert [str(path) for path in parquet_files(folder)] == [first["path"], second["path"]]
    assert rolled(folder) == Counter("123")


def test_a_file_is_zstd_with_the_columns_of_the_table(connect, settings) -> None:
    client = connect(**settings)
    client.post("/", json=[{"uuid": "1", "properties": {"a": 1}, "at": "2026-01-02T03:04:05Z"}])
    path = client.post("/admin/roll").json()[0]["path"]
    columns = duckdb.sql(f"DESCRIBE SELECT * FROM read_parquet('{path}', hive_partitioning = false)").fetchall()
    assert [column[:2] for column in columns] == [
        ("uuid", "VARCHAR"),
        ("properties", "VARCHAR"),
        ("at", "TIMESTAMP"),
        ("__ingest_ts", "TIMESTAMP"),
    ]
    assert duckdb.sql(f"SELECT DISTINCT compression FROM parquet_metadata('{path}')").fetchall() == [("ZSTD",)]


def test_days_get_files_of_their_own(stopped, connect, settings, folder: Path) -> None:
    with stopped(**settings) as client:
        post(client, "1", "2")
    with duckdb.connect(str(folder / "pipeline.duckdb")) as connection:
        connection.execute("UPDATE landed SET __ingest_ts = '2026-01-02 03:04:05' WHERE uuid = '1'")
        connection.execute("DELETE FROM rolls")
        connection.execute("DELETE FROM files")
    for path in parquet_files(folder):
        path.unlink()
    connect(**settings).post("/admin/roll")
    assert rolled(folder) == Counter("12")
    assert (folder / "default/events/data/__ingest_ts_day=2026-01-02").is_dir()
    assert len(parquet_files(folder)) == 2


def test_a_clean_stop_rolls_and_a_restart_goes_on(stopped, settings, folder: Path) -> None:
    with stopped(**settings) as first:
        post(first, "1")
    assert rolled(folder) == Counter("1")
    with stopped(**settings) as second:
        assert second.get("/count").json() == {"count": 1}
        post(second, "2")
    assert rolled(folder) == Counter("12")


@pytest.mark.parametrize("step", ["_write", "_finish"])
def test_an_interrupted_roll_is_done_again_without_duplicates(
    connect, settings, folder: Path, monkeypatch, step: str
) -> None:
    client = connect(**settings)
    post(client, "1", "2")
    original = getattr(Roller, step)

    def interrupted(self, *values):
        if step == "_write":
            original(self, *values)
        raise OSError("disk full")

    monkeypatch.setattr(Roller, step, interrupted)
    with pytest.raises(OSError, match="disk full"):
        client.post("/admin/roll")
    assert client.get("/status").json() == {"status": "failed", "failure_reason": "disk full"}
    monkeypatch.undo()
    post(client, "3")
    assert [file["rows"] for file in client.post("/admin/roll").json()] == [2, 1]
    assert rolled(folder) == Counter("123")
    assert client.get("/status").json()["status"] == "running"


def test_a_broken_sink_rolls_nothing_and_catches_up(connect, settings, folder: Path) -> None:
    client = connect(**settings)
    client.post("/admin/faults", json={"sink": "broken"})
    post(client, "1")
    assert client.post("/admin/roll").json() == []
    assert rolled(folder) == Counter()
    client.post("/admin/faults", json={"sink": "working"})
    client.post("/admin/roll")
    assert rolled(folder) == Counter("1")


def test_deleting_removes_files_and_rolling_goes_on_after_a_restart(stopped, settings, folder: Path) -> None:
    with stopped(**settings) as first:
        post(first, "1")
        first.post("/admin/roll")
        post(first, "2")
        first.delete("/events")
        assert (parquet_files(folder), first.get("/files").json()) == ([], [])
    with stopped(**settings) as second:
        post(second, "3")
    assert rolled(folder) == Counter("3")


def test_only_rolled_rows_may_be_visible(connect, settings) -> None:
    client = connect(**settings, visible="rolled")
    post(client, "1")
    count = "/sql?query=SELECT count(*) AS n FROM default.events"
    assert client.get(count).json()["result"]["rows"] == [{"n": 0}]
    assert client.get("/count").json() == {"count": 1}
    client.post("/admin/roll")
    assert client.get(count).json()["result"]["rows"] == [{"n": 1}]


def test_queries_cannot_read_the_files(connect, settings) -> None:
    client = connect(**settings)
    post(client, "1")
    path = client.post("/admin/roll").json()[0]["path"]
    for query in (f"SELECT * FROM '{path}'", f"SELECT * FROM read_parquet('{path}')"):
        assert client.post("/sql", json={"query": query}).json()["errors"][0]["code"] == 40004


def test_without_a_folder_nothing_can_be_rolled(connect) -> None:
    client = connect()
    assert client.post("/admin/roll").status_code == 409
    assert client.get("/files").json() == []


def test_another_schema_does_not_open_the_same_database(stopped, connect, settings, write_schema) -> None:
    with stopped(**settings) as client:
        post(client, "1")
    with pytest.raises(OtherSchema):
        connect(**settings | {"schema": write_schema(uuid="string")})


class CountingRoller:
    """Counts the rolls that were asked for."""

    def __init__(self) -> None:
        self.rolls = 0

    def roll(self) -> None:
        self.rolls += 1

    def remove_unfinished(self) -> None:
        pass


def test_enough_bytes_bring_a_roll_forward(tmp_path: Path) -> None:
    roller = CountingRoller()
    schedule = RollSchedule(roller, Settings(data_dir=str(tmp_path), roll_seconds=600, roll_bytes=100))
    schedule.start()
    schedule.landed(60)
    schedule.landed(60)
    until(lambda: roller.rolls == 1, what="the roll for its bytes")
    schedule.stop()
    assert roller.rolls == 2


def test_a_process_rolls_by_time_and_keeps_every_row_over_kills(start_emulator, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    emulator: Emulator = start_emulator(EMULATOR_SCHEMA="", EMULATOR_DATA_DIR=str(folder), EMULATOR_ROLL_SECONDS="1")
    sent = 0
    for _ in range(4):
        with Wire(emulator.port) as wire:
            for _ in range(30):
                assert wire.post("/", [{"n": sent + n} for n in range(10)]).status == 200
                sent += 10
        emulator.process.kill9()
        emulator.start()
    until(lambda: emulator.metrics()["emulator_rows_rolled"] == sent, what="every row in a file")
    emulator.stop()
    files = [str(path) for path in parquet_files(folder)]
    found = duckdb.sql(f"SELECT count(*), count(DISTINCT value) FROM read_parquet({files})").fetchall()
    assert found == [(sent, sent)]
    assert not list(folder.rglob("*.tmp"))
