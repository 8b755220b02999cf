"""A disk or a journal that is full says so, and takes the same request once there is room."""

import errno
import os
from pathlib import Path

from harness.emulator import Emulator
from harness.load import Ledger, envelope, filler, new_event
from harness.poll import until
from harness.server import Hogflare
from harness.wire import Answer

MEGABYTE = 1024 * 1024


def post(server: Hogflare, ledger: Ledger, events: list[dict]) -> Answer:
    """Posts one batch and notes what is known about it."""
    uuids = {event["uuid"] for event in events}
    ledger.attempted |= uuids
    answer = server.post("/batch/", envelope(events))
    if answer.is_success():
        ledger.acknowledged |= uuids
    return answer


def refuses(answer: Answer) -> bool:
    """Says whether this is a refusal that every SDK will try again."""
    if answer.status == 200:
        return False
    assert answer.status == 503, f"{answer.status} {answer.body!r}"
    assert answer.error()
    assert int(answer.headers["retry-after"]) >= 1
    return True


def leave_free(folder: Path, megabytes: int) -> Path:
    """Fills the folder's disk up to this much free space; returns the file that does."""
    disk = os.statvfs(folder)
    ballast = folder / "ballast"
    size = disk.f_bavail * disk.f_frsize - megabytes * MEGABYTE
    with ballast.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, size)
    return ballast


def leave_nothing_free(folder: Path) -> Path:
    """Fills the folder's disk to its last byte; returns the file that does."""
    ballast = leave_free(folder, megabytes=8)
    with ballast.open("ab", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError as error:
            assert error.errno == errno.ENOSPC
    return ballast


def assert_refused_then_stored_once(server: Hogflare, ledger: Ledger, make_room) -> None:
    """A request is refused while there is no room and stored once when there is."""
    until(lambda: refuses(post(server, ledger, [new_event("filling")])), timeout=30, what="503 on a full disk")
    waiting = [new_event("waiting") for _ in range(5)]
    assert refuses(post(server, ledger, waiting))
    assert server.get("/healthz").status == 200
    make_room()
    until(lambda: post(server, ledger, waiting).is_success(), timeout=60, every=0.5, what="200 after making room")
    assert post(server, ledger, waiting).is_success()


def test_a_full_disk_refuses_and_takes_the_same_request_later(
    small_disk: Path, new_hogflare, assert_nothing_lost
) -> None:
    server, ledger = new_hogflare(small_disk / "data").start(), Ledger()
    assert post(server, ledger, [new_event("before")]).is_success()
    ballast = leave_free(small_disk, megabytes=300)
    assert_refused_then_stored_once(server, ledger, ballast.unlink)
    assert_nothing_lost(server, ledger)


def test_a_disk_without_one_free_byte_loses_nothing(small_disk: Path, new_hogflare, assert_nothing_lost) -> None:
    server, ledger = new_hogflare(small_disk / "data").start(), Ledger()
    for _ in range(20):
        assert post(server, ledger, [new_event("before") for _ in range(20)]).is_success()
    ballast = leave_nothing_free(small_disk)
    assert_refused_then_stored_once(server, ledger, ballast.unlink)
    server.restart()
    assert_nothing_lost(server, ledger)


def test_a_full_journal_refuses_until_the_required_sink_is_back(start_hogflare, emulator: Emulator) -> None:
    emulator.stop()
    settings = {"HOGFLARE_LAKE": "off", "HOGFLARE_JOURNAL_BUDGET": str(192 * MEGABYTE)}
    server = start_hogflare(CLOUDFLARE_PIPELINE_ENDPOINT=emulator.url, **settings)
    ledger = Ledger()
    text = filler(800_000)

    def full() -> bool:
        return refuses(post(server, ledger, [new_event("filling", properties={"text": text}) for _ in range(5)]))

    until(full, timeout=120, every=0, what="503 on a full journal")
    waiting = [new_event("waiting", properties={"text": text}) for _ in range(5)]
    assert refuses(post(server, ledger, waiting))
    emulator.start()
    until(lambda: post(server, ledger, waiting).is_success(), timeout=120, every=0.5, what="200 after draining")
    until(lambda: emulator.count() >= len(ledger.acknowledged), timeout=120, every=1, what="every row")
    landed = [row["uuid"] for row in emulator.events()]
    assert ledger.acknowledged <= set(landed) <= ledger.attempted
