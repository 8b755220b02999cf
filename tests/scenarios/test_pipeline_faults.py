"""A pipeline that fails loses nothing and slows nobody: every row arrives at least once, the lake has each once."""

from collections import Counter

import pytest

from harness.emulator import Emulator
from harness.load import filler, new_event, send_events
from harness.poll import until
from harness.server import TOKEN, Hogflare

RECOVERY_SECONDS = 120


def send(server: Hogflare, count: int, **fields) -> set[str]:
    """Sends events one by one; each must be acknowledged while the pipeline fails."""
    events = [new_event("piped", **fields) for _ in range(count)]
    send_events(server, events, batch_size=1)
    return {event["uuid"] for event in events}


def arrived(emulator: Emulator) -> Counter:
    """How often each uuid landed."""
    return Counter(row["uuid"] for row in emulator.events())


def assert_all_arrive(server: Hogflare, emulator: Emulator, uuids: set[str]) -> Counter:
    """Each uuid lands at least once and nothing else does; the lake has each exactly once."""
    until(
        lambda: uuids <= arrived(emulator).keys(), timeout=RECOVERY_SECONDS, every=0.5, what="every row in the pipeline"
    )
    found = arrived(emulator)
    assert found.keys() == uuids
    assert_in_lake_once(server, uuids)
    return found


def assert_in_lake_once(server: Hogflare, uuids: set[str]) -> None:
    """The lake has exactly these rows."""
    assert Counter(row["uuid"] for row in server.query("select uuid from events")) == Counter(uuids)


FAULTS = {
    "errors 500": {"mode": "status", "status": 500, "count": 4},
    "errors 503": {"mode": "status", "status": 503, "count": 2},
    "too many requests": {"mode": "status", "status": 429, "count": 2},
    "silence": {"mode": "hang", "count": 2},
    "resets": {"mode": "reset", "count": 3},
    "silence after storing": {"mode": "commit_then_timeout", "count": 1},
    "slowness": {"mode": "ok", "latency_ms": 300, "count": 3},
    "slow answers": {"mode": "slow", "dribble_ms": 60, "count": 2},
    "error pages": {"mode": "html", "status": 502, "count": 3},
    "failure after storing": {"mode": "commit_then_status", "status": 504, "count": 1},
    "reset after storing": {"mode": "reset_after_commit", "count": 1},
    "200 without success": {"mode": "unsuccessful", "count": 2},
    "everything at once": {
        "mode": "random",
        "seed": 7,
        "probability": 0.5,
        "modes": ["status", "html", "hang", "reset", "reset_after_commit", "commit_then_timeout", "unsuccessful"],
        "count": 12,
    },
}


@pytest.mark.parametrize("order", FAULTS.values(), ids=FAULTS.keys())
def test_a_pipeline_that_recovers_gets_every_row(piped: Hogflare, emulator: Emulator, order: dict) -> None:
    emulator.fault(**order)
    uuids = send(piped, 20)

    def fault_is_met() -> bool:
        uuids.update(send(piped, 1))
        return emulator.pending_faults() == 0

    until(fault_is_met, timeout=RECOVERY_SECONDS, what="the fault to be met")
    uuids |= send(piped, 20)
    assert_all_arrive(piped, emulator, uuids)


def test_a_pipeline_that_is_gone_and_comes_back_gets_every_row(piped: Hogflare, emulator: Emulator) -> None:
    uuids = send(piped, 5)
    until(lambda: emulator.count() == 5, what="the first rows")
    emulator.stop()
    uuids |= send(piped, 50)
    assert_in_lake_once(piped, uuids)
    emulator.start()
    assert_all_arrive(piped, emulator, uuids)


def test_rows_wait_through_a_restart_of_the_server(piped: Hogflare, emulator: Emulator) -> None:
    emulator.stop()
    uuids = send(piped, 50)
    piped.restart()
    emulator.start()
    assert_all_arrive(piped, emulator, uuids)


def test_rows_are_delivered_before_a_clean_stop_or_after_the_next_start(piped: Hogflare, emulator: Emulator) -> None:
    uuids = send(piped, 50)
    piped.stop()
    piped.start()
    assert_all_arrive(piped, emulator, uuids)


def test_a_payload_that_is_too_large_is_split(start_hogflare, start_emulator) -> None:
    emulator = start_emulator(EMULATOR_MAX_BYTES="20000")
    server = start_hogflare(CLOUDFLARE_PIPELINE_ENDPOINT=emulator.url)
    events = [new_event("piped", properties={"n": n, "text": filler(1000)}) for n in range(300)]
    send_events(server, events, batch_size=300)
    assert_all_arrive(server, emulator, {event["uuid"] for event in events})


def test_a_row_that_is_too_large_is_set_aside_and_the_rest_flows(start_hogflare, start_emulator) -> None:
    emulator = start_emulator(EMULATOR_MAX_BYTES="20000")
    server = start_hogflare(CLOUDFLARE_PIPELINE_ENDPOINT=emulator.url)
    huge = new_event("piped", properties={"text": filler(60_000)})
    events = [new_event("piped") for _ in range(20)]
    send_events(server, [*events[:10], huge, *events[10:]])
    until(lambda: emulator.count() >= 20, timeout=RECOVERY_SECONDS, what="the other rows")
    assert arrived(emulator).keys() == {event["uuid"] for event in events}
    assert_in_lake_once(server, {event["uuid"] for event in [*events, huge]})
    assert_dead_letter_written(server)


def test_a_row_that_the_pipeline_refuses_is_set_aside_and_the_rest_flows(piped: Hogflare, emulator: Emulator) -> None:
    emulator.fault("status", status=400, match="poison-value")
    poison = new_event("piped", properties={"text": "poison-value"})
    events = [new_event("piped") for _ in range(20)]
    send_events(piped, [*events[:10], poison, *events[10:]])
    until(lambda: emulator.count() >= 20, timeout=RECOVERY_SECONDS, what="the other rows")
    later = send(piped, 5)
    until(lambda: emulator.count() >= 25, timeout=RECOVERY_SECONDS, what="later rows")
    assert arrived(emulator).keys() == {event["uuid"] for event in events} | later
    assert_in_lake_once(piped, {event["uuid"] for event in [*events, poison]} | later)
    assert_dead_letter_written(piped)


def assert_dead_letter_written(server: Hogflare) -> None:
    """The row that was set aside is kept in the data folder."""

    def kept() -> bool:
        found = [path for path in server.data_dir.rglob("*dead*") if path.is_dir() or path.stat().st_size]
        return bool(found)

    until(kept, what="a dead letter in the data folder")


def test_delivered_acks_come_after_the_pipeline_holds_the_rows(start_hogflare, emulator: Emulator) -> None:
    server = start_hogflare(CLOUDFLARE_PIPELINE_ENDPOINT=emulator.url, HOGFLARE_ACK="delivered")
    for wanted in (1, 2, 3):
        assert server.capture("delivered").is_success()
        assert emulator.count() == wanted


def test_without_a_lake_the_pipeline_still_gets_every_row(start_hogflare, emulator: Emulator) -> None:
    server = start_hogflare(CLOUDFLARE_PIPELINE_ENDPOINT=emulator.url, HOGFLARE_LAKE="off")
    uuids = send(server, 20)
    until(lambda: arrived(emulator).keys() == uuids, timeout=RECOVERY_SECONDS, what="the rows")


def test_a_pipeline_that_is_gone_too_long_is_parked_and_catches_up(start_hogflare, emulator: Emulator) -> None:
    server = start_hogflare(
        CLOUDFLARE_PIPELINE_ENDPOINT=emulator.url,
        CLOUDFLARE_PIPELINE_TIMEOUT_SECS="5",
        HOGFLARE_JOURNAL_BUDGET="24MiB",
    )
    uuids = send(server, 3)
    until(lambda: emulator.count() == 3, what="the first rows")
    emulator.stop()
    filling = "x" * 400_000
    # Twice what the journal may hold: without parking, requests would be refused.
    for _ in range(30):
        events = [new_event("while it is gone", properties={"filling": filling}) for _ in range(4)]
        body = {"api_key": TOKEN, "batch": events}
        until(lambda body=body: server.post("/batch/", body).is_success(), what="room in the journal")
        uuids |= {event["uuid"] for event in events}
    parked = {"lake": "working", "pipelines": "parked", "recordings": "working"}
    until(lambda: parked.items() <= server.get("/_readiness").json()["sinks"].items(), what="the pipeline to be parked")
    emulator.start()
    uuids |= send(server, 3)
    assert_all_arrive(server, emulator, uuids)
