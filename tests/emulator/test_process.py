"""The emulator as a process: the faults that need a real connection."""

import http.client
from pathlib import Path

import pytest

from harness.emulator import Emulator
from harness.poll import until
from harness.wire import Wire

ROW = b'[{"uuid":"1"}]'


@pytest.fixture
def emulator(start_emulator) -> Emulator:
    """An emulator that takes rows of any shape."""
    return start_emulator(EMULATOR_SCHEMA="")


def post(emulator: Emulator, timeout: float = 0.5):
    """Posts one row with little patience."""
    with Wire(emulator.port, timeout) as wire:
        return wire.post("/", ROW)


def test_rows_land(emulator: Emulator) -> None:
    assert post(emulator, timeout=10).json() == {"success": True, "result": {"committed": 1}}


def test_reset_breaks_the_connection_and_stores_nothing(emulator: Emulator) -> None:
    emulator.fault("reset", count=1)
    with pytest.raises((ConnectionResetError, http.client.RemoteDisconnected)):
        post(emulator, timeout=10)
    assert emulator.count() == 0


def test_hang_never_answers_and_stores_nothing(emulator: Emulator) -> None:
    emulator.fault("hang", count=1)
    with pytest.raises(TimeoutError):
        post(emulator)
    assert emulator.count() == 0


def test_commit_then_timeout_stores_and_never_answers(emulator: Emulator) -> None:
    emulator.fault("commit_then_timeout", count=1)
    with pytest.raises(TimeoutError):
        post(emulator, timeout=2)
    assert emulator.count() == 1


def test_reset_after_commit_stores_and_breaks_the_connection(emulator: Emulator) -> None:
    emulator.fault("reset_after_commit", count=1)
    with pytest.raises((ConnectionResetError, http.client.RemoteDisconnected)):
        post(emulator, timeout=10)
    assert emulator.count() == 1


def test_slow_answers_byte_by_byte(emulator: Emulator) -> None:
    emulator.fault("slow", dribble_ms=5, count=1)
    assert post(emulator, timeout=10).json()["result"] == {"committed": 1}


def test_what_got_no_answer_is_counted_as_none(emulator: Emulator) -> None:
    emulator.fault("hang", count=1)
    with pytest.raises(TimeoutError):
        post(emulator)
    until(lambda: emulator.metrics().get('emulator_requests_total{status="none"}') == 1, what="the count")


def test_the_harness_reaches_everything(start_emulator, tmp_path: Path) -> None:
    emulator = start_emulator(EMULATOR_SCHEMA="", EMULATOR_DATA_DIR=str(tmp_path / "data"))
    post(emulator, timeout=10)
    assert emulator.sql("SELECT value->>'uuid' AS uuid FROM default.events") == [{"uuid": "1"}]
    assert emulator.ask_sql("SELEC 1").status == 400
    emulator.break_sink("bucket deleted")
    assert (emulator.roll(), emulator.status()) == ([], {"status": "failed", "failure_reason": "bucket deleted"})
    emulator.repair_sink()
    assert emulator.roll() == emulator.files()
    assert emulator.metrics()["emulator_rows_rolled"] == 1
    assert emulator.redirects() == {"hits": 0, "with_token": 0}
    emulator.clear()
    assert (emulator.count(), emulator.files()) == (0, [])


def test_latency_delays_an_ordinary_answer(emulator: Emulator) -> None:
    emulator.fault("ok", latency_ms=1500, count=1)
    with pytest.raises(TimeoutError):
        post(emulator)
    assert post(emulator, timeout=10).status == 200


def test_it_stops_while_a_request_hangs(emulator: Emulator) -> None:
    emulator.fault("hang")
    with Wire(emulator.port) as wire:
        wire.connection.request("POST", "/", ROW, {"content-type": "application/json"})
        emulator.stop()
    assert not emulator.process.is_running()


def test_rows_survive_being_gone(emulator: Emulator) -> None:
    post(emulator, timeout=10)
    emulator.stop()
    emulator.start()
    assert emulator.count() == 1
