"""What a power cut or a bad disk leaves in the journal."""

import os
from pathlib import Path

import pytest

from harness.load import Ledger, new_event, send_batch
from harness.poll import until
from harness.process import StartFailed
from harness.server import Hogflare

GARBAGE = bytes(range(1, 256)) * 20


@pytest.fixture
def filled(hogflare: Hogflare) -> tuple[Hogflare, Ledger]:
    """A killed server that had acknowledged 60 requests one after the other."""
    ledger = Ledger()
    with hogflare.connect() as wire:
        for n in range(60):
            events = [
                new_event("journaled", distinct_id=f"marker-{n}", properties={"text": "x" * 200}) for _ in range(3)
            ]
            assert send_batch(wire, events)
            ledger.acknowledged |= {event["uuid"] for event in events}
    hogflare.kill9()
    ledger.attempted |= ledger.acknowledged
    return hogflare, ledger


def end_of_data(path: Path) -> int:
    """Returns an offset behind the last record; segments are preallocated with zeros.

    A record may itself end in a few zeros.
    """
    return len(path.read_bytes().rstrip(b"\0")) + 64


def write_at(path: Path, offset: int, data: bytes) -> None:
    """Overwrites bytes in place."""
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(data)
        os.fsync(file.fileno())


@pytest.mark.parametrize("place", ["behind the last record", "behind the file"])
def test_garbage_at_the_end_is_cut_and_nothing_acknowledged_is_lost(
    filled, journal_files, assert_nothing_lost, place: str
) -> None:
    server, ledger = filled
    newest = journal_files(server.data_dir)[-1]
    offset = end_of_data(newest) if place == "behind the last record" else newest.stat().st_size
    write_at(newest, offset, GARBAGE)
    server.start()
    fresh = new_event("after garbage")
    with server.connect() as wire:
        assert send_batch(wire, [fresh])
    ledger.attempted.add(fresh["uuid"])
    ledger.acknowledged.add(fresh["uuid"])
    server.restart()
    assert_nothing_lost(server, ledger)


def test_a_damaged_earlier_record_refuses_the_start_and_names_the_file(filled, journal_files) -> None:
    server, _ = filled
    damaged = journal_files(server.data_dir)[-1]
    data = damaged.read_bytes()
    offset = data.find(b"marker-20")
    if offset < 0:
        offset = end_of_data(damaged) // 3
    write_at(damaged, offset, bytes([data[offset] ^ 0x40]))
    with pytest.raises(StartFailed):
        server.start()
    assert server.process.exit_code() not in (0, None)
    assert server.process.exit_code() > 0, "refusing a start is an error message, not a crash"
    assert damaged.name in server.process.log()
    write_at(damaged, offset, data[offset : offset + 1])
    server.start()


def test_a_second_server_on_the_same_folder_is_refused(hogflare: Hogflare, new_hogflare) -> None:
    second = new_hogflare(hogflare.data_dir)
    with pytest.raises(StartFailed):
        second.start()
    assert second.process.exit_code() > 0
    assert hogflare.capture("first still serves").is_success()


def test_a_clean_stop_leaves_nothing_to_repair(hogflare: Hogflare, assert_nothing_lost) -> None:
    ledger = Ledger()
    for _ in range(3):
        events = [new_event("stopped") for _ in range(50)]
        with hogflare.connect() as wire:
            assert send_batch(wire, events)
        ledger.acknowledged |= {event["uuid"] for event in events}
        hogflare.stop()
        hogflare.start()
    ledger.attempted |= ledger.acknowledged
    assert_nothing_lost(hogflare, ledger)


def test_events_acknowledged_just_before_a_clean_stop_are_queried_after_it(hogflare: Hogflare) -> None:
    with hogflare.connect() as wire:
        assert send_batch(wire, [new_event("last words")])
    hogflare.stop()
    found = until(lambda: hogflare.query("select event from events"), timeout=10, what="the row")
    assert found == [{"event": "last words"}]
