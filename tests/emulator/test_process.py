"""The emulator as a process: the faults that need a real connection."""

import http.client

import pytest

from harness.emulator import Emulator
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
