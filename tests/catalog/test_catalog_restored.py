"""A restored folder goes on with a catalog that has more of its journal than the backup."""

import subprocess
from collections import Counter
from pathlib import Path

from harness.catalog import Catalog
from harness.load import new_event, send_events
from harness.poll import until
from harness.process import child_env
from harness.server import Hogflare


def send(server: Hogflare, count: int) -> set[str]:
    """Sends events; each must be acknowledged."""
    events = [new_event() for _ in range(count)]
    send_events(server, events)
    return {event["uuid"] for event in events}


def run(server: Hogflare, *words: str) -> None:
    """Runs a command on the server's folder; it must succeed."""
    command = [str(server.binary), *map(str, words), "--data-dir", str(server.data_dir)]
    done = subprocess.run(command, env=child_env({}), capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr


def in_catalog(catalog: Catalog, wanted: set[str]) -> None:
    """All of these are there, each once."""
    until(lambda: wanted <= catalog.uuids().keys(), timeout=60, every=0.5, what="the rows in the catalog")
    assert set(catalog.uuids().values()) == {1}


def test_a_restored_folder_goes_on_where_the_catalog_is_ahead(new_writer, catalog: Catalog, tmp_path: Path) -> None:
    server = new_writer().start()
    before = send(server, 20)
    in_catalog(catalog, before)
    run(server, "backup", tmp_path / "backups")
    since = send(server, 30)
    in_catalog(catalog, before | since)
    server.kill9()

    for number in range(2):
        # From the same backup twice: what the first restored server wrote is in the catalog, too.
        copy = new_writer(tmp_path / f"restored-{number}")
        run(copy, "restore", tmp_path / "backups")
        copy.start()
        news = send(copy, 25)
        in_catalog(catalog, before | since | news)
        assert copy.trouble("catalog") == ""
        assert {row["uuid"] for row in copy.query("select uuid from events")} == before | news
        since |= news
        copy.stop()
    assert catalog.uuids() == Counter(before | since)


def test_what_only_the_backup_has_is_committed_once(new_writer, catalog: Catalog, tmp_path: Path) -> None:
    server = new_writer().start()
    first = send(server, 10)
    in_catalog(catalog, first)
    catalog.fault(on="commit", mode="status", status=503, count=100_000)
    waiting = send(server, 15)
    run(server, "backup", tmp_path / "backups")
    server.kill9()
    catalog.heal()
    copy = new_writer(tmp_path / "restored")
    run(copy, "restore", tmp_path / "backups")
    copy.start()
    in_catalog(catalog, first | waiting | send(copy, 5))
