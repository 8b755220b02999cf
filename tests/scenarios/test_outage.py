"""An outage at full load, in fast-forward: nothing is lost, memory stays flat, and it drains in one go."""

import time
from pathlib import Path

from harness.emulator import Emulator
from harness.load import Load
from harness.poll import until

OUTAGE_SECONDS = 60
# What may come and go with load; an hour of events kept in memory would be gigabytes.
SLACK_BYTES = 120_000_000


def resident_bytes(pid: int) -> int:
    """Returns the resident size of a process."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * 4096


def uuids(emulator: Emulator) -> set[str]:
    return {row["uuid"] for row in emulator.sql("SELECT DISTINCT uuid FROM default.events LIMIT 100000000")}


def test_sixty_seconds_without_the_only_destination(start_hogflare, emulator: Emulator) -> None:
    server = start_hogflare(CLOUDFLARE_PIPELINE_ENDPOINT=emulator.url, HOGFLARE_LAKE="off")
    with Load(server, threads=4, batch_size=50) as load:
        until(lambda: emulator.count() > 500, what="rows before the outage")
        emulator.stop()
        time.sleep(OUTAGE_SECONDS / 3)
        early = resident_bytes(server.process.pid)
        time.sleep(OUTAGE_SECONDS * 2 / 3)
        late = resident_bytes(server.process.pid)
        assert server.get("/_readiness").json()["sinks"]["pipelines"] == "retrying"
        emulator.start()
        # Load goes on while it drains.
        time.sleep(5)
    ledger = load.ledger
    assert len(ledger.acknowledged) > 20_000
    until(lambda: emulator.count() >= len(ledger.acknowledged), timeout=300, every=1, what="the journal to drain")
    until(lambda: ledger.acknowledged <= uuids(emulator), timeout=60, every=1, what="every acknowledged event")
    drained = resident_bytes(server.process.pid)
    assert late < early + SLACK_BYTES, f"memory grew from {early} to {late} bytes during the outage"
    assert drained < early + SLACK_BYTES, f"memory grew from {early} to {drained} bytes while draining"
    assert uuids(emulator) <= ledger.attempted
    assert emulator.dropped() == emulator.stripped() == []
