"""What a newer program wrote is refused in one line, before anything is changed; what an older one wrote is opened."""

import hashlib
import sqlite3
import struct
from pathlib import Path

import pytest

from harness.load import new_event, send_events
from harness.poll import until
from harness.server import Hogflare

NEWER = 99


def newer_database(table: str):
    """Sets the format in a row of the database's own."""

    def change(path: Path) -> None:
        with sqlite3.connect(path) as connection:
            connection.execute(f"UPDATE {table} SET format = {NEWER}")
            connection.commit()
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.close()

    return change


def newer_catalog(path: Path) -> None:
    """Sets the catalog's user_version."""
    with sqlite3.connect(path) as connection:
        connection.execute(f"PRAGMA user_version = {NEWER}")
    connection.close()


def crc32c(data: bytes) -> int:
    """The checksum of journals and key files."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def newer_segment(folder: Path) -> Path:
    """Rewrites the header of the newest segment."""
    path = sorted(folder.glob("*.segment"))[-1]
    with path.open("r+b") as file:
        header = bytearray(file.read(64))
        header[8:12] = struct.pack("<I", NEWER)
        header[60:64] = struct.pack("<I", crc32c(bytes(header[:60])))
        file.seek(0)
        file.write(header)
    return path


def newer_keys(folder: Path) -> Path:
    """Rewrites the version of a key file."""
    path = sorted(folder.glob("*.keys"))[-1]
    with path.open("r+b") as file:
        file.seek(8)
        file.write(struct.pack("<I", NEWER))
    return path


def at(name: str, change):
    """Changes one file of the data folder."""

    def apply(data_dir: Path) -> Path:
        change(data_dir / name)
        return data_dir / name

    return apply


CHANGES = {
    "settings": at("settings.db", newer_database("state_format")),
    "persons": at("state.db", newer_database("identity_format")),
    "catalog": at("lake/catalog.db", newer_catalog),
    "journal": lambda data_dir: newer_segment(data_dir / "journal"),
    "recordings": lambda data_dir: newer_segment(data_dir / "recordings-journal"),
    "keys": lambda data_dir: newer_keys(data_dir / "dedup"),
}


def contents(data_dir: Path) -> dict[str, str]:
    """Every file and its checksum."""
    files = (path for path in data_dir.rglob("*") if path.is_file())
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.mark.parametrize("what", CHANGES)
def test_what_a_newer_program_wrote_is_refused_and_left_alone(hogflare: Hogflare, what: str) -> None:
    events = [new_event() for _ in range(20)]
    send_events(hogflare, events)
    hogflare.capture("$identify", "jane", properties={"$set": {"plan": "pro"}})
    if what == "keys":
        # So few events stay in memory; only the version counts here.
        (hogflare.data_dir / "dedup").mkdir(exist_ok=True)
        (hogflare.data_dir / "dedup" / "00000000000000000000-00000000000000000001.keys").write_bytes(
            b"hogDedup" + struct.pack("<I", 1) + bytes(4084)
        )
    hogflare.stop()
    changed = CHANGES[what](hogflare.data_dir)
    before = contents(hogflare.data_dir)
    hogflare.start(wait=False)
    code = until(lambda: hogflare.process.exit_code(), timeout=30, what="the end")
    assert code == 1
    [line] = [line for line in hogflare.log_path.read_text().splitlines() if line.startswith("hogflare: ")]
    assert str(changed) in line and str(NEWER) in line and "newer program" in line
    assert contents(hogflare.data_dir) == before


def test_a_folder_is_opened_again_and_again(hogflare: Hogflare) -> None:
    events = [new_event() for _ in range(20)]
    send_events(hogflare, events)
    for _ in range(2):
        hogflare.stop()
        hogflare.start()
    assert hogflare.query("select count(*) as n from events") == [{"n": 20}]


def test_a_catalog_of_the_format_before_is_brought_up_to_date(hogflare: Hogflare) -> None:
    """The format before had no erasures: what later tables and columns are is taken away again."""
    send_events(hogflare, [new_event() for _ in range(20)])
    until(lambda: list(hogflare.data_dir.glob("lake/data/events/**/*.parquet")), what="a commit")
    hogflare.stop()
    path = hogflare.data_dir / "lake" / "catalog.db"
    with sqlite3.connect(path) as connection:
        connection.execute("DROP TABLE erasures")
        connection.execute("DROP TABLE erased_rows")
        connection.execute("ALTER TABLE files DROP COLUMN free_of")
        connection.execute("ALTER TABLE tables DROP COLUMN erased_generation")
        connection.execute("PRAGMA user_version = 3")
    connection.close()
    assert hogflare.query("select count(*) as n from events") == [{"n": 20}], "read without a server"
    hogflare.start()
    send_events(hogflare, [new_event() for _ in range(5)])
    assert hogflare.query("select count(*) as n from events") == [{"n": 25}]
    hogflare.stop()
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA user_version").fetchone()[0] > 3
    connection.close()
