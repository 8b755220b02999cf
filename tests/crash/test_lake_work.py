"""kill -9, and death at named points, while files are committed, merged, and deleted."""

import random
import threading
import time

import pytest

from harness import lake
from harness.load import NO_ANSWER, Ledger, Load, new_event, send_events
from harness.poll import until
from harness.server import Hogflare

KILLS = 50


class Care:
    """A thread that has files merged and snapshots let go of all the time, whenever the server answers.

    It asks through the socket: the command would look after the folder itself while the server is down.
    """

    def __init__(self, server: Hogflare) -> None:
        self._server, self._stop = server, threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.merged = self.deleted = 0

    def __enter__(self) -> "Care":
        self._thread.start()
        return self

    def __exit__(self, *_exception) -> None:
        self._stop.set()
        self._thread.join(timeout=60)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                merged, deleted = work(self._server)
                self.merged, self.deleted = self.merged + merged, self.deleted + deleted
            except NO_ANSWER:
                pass
            time.sleep(0.05)


def work(server: Hogflare) -> tuple[int, int]:
    """Merges once, lets go once; returns how many files were merged and deleted."""
    with server.local() as wire:
        merged = wire.post("/api/lake/compact", {}).json()
        expired = wire.post("/api/lake/expire", {"seconds": 0}).json()
    return merged.get("files_in", 0), expired.get("files", 0)


def problems(server: Hogflare) -> list[dict]:
    """What is wrong with the lake of a running server."""
    with server.local() as wire:
        return wire.post("/api/lake/verify", {"reads_rows": False}).json()["problems"]


def assert_readers_agree(server: Hogflare) -> None:
    """PyIceberg and DuckDB count what SQL counts."""
    rows = server.query("select count(*) as n from events")[0]["n"]
    until(lambda: lake.iceberg_count(server.data_dir) == rows, timeout=40, every=0.5, what="the Iceberg metadata")
    assert lake.duckdb_count(server.data_dir) == rows
    server.stop()
    assert server.lake("verify", "--rows")["problems"] == []
    server.start()


def test_kills_during_commits_merges_and_deletions_lose_and_double_nothing(
    hogflare: Hogflare, assert_nothing_lost
) -> None:
    with Load(hogflare) as load, Care(hogflare) as care:
        for _ in range(KILLS):
            # A commit comes every two seconds, merging and deleting right after it.
            time.sleep(random.uniform(0.1, 2.8))
            hogflare.restart()
            assert problems(hogflare) == []
        until(lambda: care.merged > KILLS and care.deleted > KILLS, timeout=300, what="work worth killing")
    assert_nothing_lost(hogflare, load.ledger)
    assert_readers_agree(hogflare)


POINTS = ["lake-after-compaction-sync", "lake-after-compaction", "lake-after-removal"]


@pytest.mark.parametrize("point", POINTS)
def test_death_during_a_merge_or_a_deletion_loses_and_doubles_nothing(
    new_hogflare, assert_nothing_lost, point: str
) -> None:
    server, ledger = new_hogflare(), Ledger()

    def send() -> None:
        events = [new_event("fatal") for _ in range(20)]
        uuids = {event["uuid"] for event in events}
        ledger.attempted |= uuids
        send_events(server, events)
        ledger.acknowledged |= uuids

    def work_until_death() -> bool:
        try:
            send()
            work(server)
        except NO_ANSWER:
            pass
        return not server.process.is_running()

    for _ in range(2):
        server.start()
        send()
        server.stop()
        server.start(HOGFLARE_FAILPOINT=point)
        until(work_until_death, timeout=60, every=0.2, what="the failpoint")
        assert server.process.exit_code() != 0
    server.start()
    assert problems(server) == []
    send()
    assert_nothing_lost(server, ledger)
    assert_readers_agree(server)
