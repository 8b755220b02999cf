"""The process dies at the worst moments, one at a time."""

from collections import Counter

import pytest

from harness.emulator import Emulator
from harness.load import NO_ANSWER, Ledger, filler, new_event, send_batch, send_events
from harness.poll import until
from harness.server import Hogflare

DEATH_SECONDS = 60
LAKE_POINTS = ["lake-after-parquet-sync", "lake-after-commit", "lake-after-metadata"]


def send_until_death(server: Hogflare, ledger: Ledger, events_per_batch: int = 20, payload: int = 0) -> None:
    """Sends batches until the failpoint ends the process."""

    def send() -> bool:
        properties = {"text": filler(payload)} if payload else {}
        events = [new_event("fatal", properties=properties) for _ in range(events_per_batch)]
        uuids = {event["uuid"] for event in events}
        ledger.attempted |= uuids
        try:
            with server.connect() as wire:
                if send_batch(wire, events):
                    ledger.acknowledged |= uuids
        except NO_ANSWER:
            pass
        return not server.process.is_running()

    until(send, timeout=DEATH_SECONDS, every=0.02 if payload else 0.1, what="the failpoint")
    assert server.process.exit_code() != 0


def send_after_restart(server: Hogflare, ledger: Ledger) -> None:
    """Shows that the server takes events again."""
    events = [new_event("alive again") for _ in range(10)]
    send_events(server, events)
    uuids = {event["uuid"] for event in events}
    ledger.attempted |= uuids
    ledger.acknowledged |= uuids


@pytest.mark.parametrize("point", LAKE_POINTS)
def test_death_during_a_lake_commit_loses_and_doubles_nothing(new_hogflare, assert_nothing_lost, point: str) -> None:
    server, ledger = new_hogflare(), Ledger()
    for _ in range(2):
        # A start passes some of these points itself when it has work left, and would never be ready.
        server.start()
        server.stop()
        server.start(HOGFLARE_FAILPOINT=point)
        send_until_death(server, ledger)
    server.start()
    send_after_restart(server, ledger)
    assert_nothing_lost(server, ledger)


def test_death_before_the_journal_is_trimmed_doubles_nothing(new_hogflare, assert_nothing_lost) -> None:
    server, ledger = new_hogflare(), Ledger()
    server.start(HOGFLARE_FAILPOINT="journal-before-trim")
    send_until_death(server, ledger, events_per_batch=4, payload=500_000)
    server.start()
    send_after_restart(server, ledger)
    assert_nothing_lost(server, ledger)


def test_death_after_a_dead_letter_keeps_the_rest_flowing(
    new_hogflare, assert_nothing_lost, emulator: Emulator
) -> None:
    emulator.fault("status", status=400, match="poison-value")
    server, ledger = new_hogflare(CLOUDFLARE_PIPELINE_ENDPOINT=emulator.url), Ledger()
    poison = new_event("fatal", properties={"text": "poison-value"})
    ledger.attempted.add(poison["uuid"])
    server.start(HOGFLARE_FAILPOINT="pipelines-after-dead-letter")
    send_events(server, [poison])
    ledger.acknowledged.add(poison["uuid"])
    send_until_death(server, ledger)
    server.start()
    send_after_restart(server, ledger)
    wanted = ledger.acknowledged - {poison["uuid"]}
    until(lambda: wanted <= {row["uuid"] for row in emulator.events()}, timeout=90, every=0.5, what="the other rows")
    landed = Counter(row["uuid"] for row in emulator.events())
    assert poison["uuid"] not in landed
    assert landed.keys() <= ledger.attempted
    assert_nothing_lost(server, ledger)
