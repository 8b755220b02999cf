"""An SDK's retry is not a second event, a reused uuid is not a retry."""

import threading

from harness.load import envelope, new_event, new_uuid
from harness.server import Hogflare


def counts(server: Hogflare) -> list[dict]:
    """Rows by event name."""
    return server.query("select event, count(*) as n from events group by event order by event")


def test_the_same_batch_again_adds_nothing(hogflare: Hogflare) -> None:
    batch = envelope([new_event("again", properties={"n": n}) for n in range(10)])
    for _ in range(3):
        assert hogflare.post("/batch/", batch).is_success()
    assert counts(hogflare) == [{"event": "again", "n": 10}]


def test_the_same_batch_after_a_kill_adds_nothing(hogflare: Hogflare) -> None:
    batch = envelope([new_event("again", properties={"n": n}) for n in range(10)])
    assert hogflare.post("/batch/", batch).is_success()
    hogflare.restart()
    assert hogflare.post("/batch/", batch).is_success()
    assert counts(hogflare) == [{"event": "again", "n": 10}]


def test_the_same_batch_at_the_same_time_is_stored_once(hogflare: Hogflare) -> None:
    batch = envelope([new_event("together", properties={"n": n}) for n in range(10)])
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(hogflare.post("/batch/", batch))) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 12 and all(answer.is_success() for answer in answers)
    assert counts(hogflare) == [{"event": "together", "n": 10}]


def test_one_uuid_used_for_different_events_is_kept_each_time(hogflare: Hogflare) -> None:
    shared = new_uuid()
    events = [
        new_event("first", uuid=shared),
        new_event("second", uuid=shared),
        new_event("first", uuid=shared, distinct_id="someone else"),
    ]
    assert hogflare.post("/batch/", envelope(events)).is_success()
    assert counts(hogflare) == [{"event": "first", "n": 2}, {"event": "second", "n": 1}]


def test_events_without_a_uuid_are_never_taken_for_retries(hogflare: Hogflare) -> None:
    event = new_event("anonymous", timestamp="2026-01-02T03:04:05Z")
    del event["uuid"]
    for _ in range(3):
        assert hogflare.post("/batch/", envelope([event])).is_success()
    assert counts(hogflare) == [{"event": "anonymous", "n": 3}]
