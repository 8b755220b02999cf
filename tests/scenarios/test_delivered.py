"""HOGFLARE_ACK=delivered on a disk that forgets, as in a container: success means that the pipeline holds the row."""

import shutil
import threading
import time

import pytest

from harness.emulator import Emulator
from harness.load import NO_ANSWER, new_event
from harness.poll import until
from harness.server import TOKEN, Hogflare

FAULTS = ["status", "html", "reset", "reset_after_commit", "commit_then_timeout", "unsuccessful", "garbage"]


@pytest.fixture
def forgetful(start_hogflare, emulator: Emulator) -> Hogflare:
    """A server as it runs in a container."""
    return start_hogflare(
        CLOUDFLARE_PIPELINE_ENDPOINT=emulator.url,
        CLOUDFLARE_PIPELINE_TIMEOUT_SECS="1",
        HOGFLARE_ACK="delivered",
        HOGFLARE_LAKE="off",
    )


def holds(emulator: Emulator, events: list[dict]) -> bool:
    """Says whether the pipeline has every one of these events now."""
    uuids = ",".join(f"'{event['uuid']}'" for event in events)
    [row] = emulator.sql(f"SELECT count(DISTINCT uuid) AS n FROM default.events WHERE uuid IN ({uuids})")
    return row["n"] == len(events)


def post(server: Hogflare, events: list[dict]) -> bool:
    try:
        return server.post("/batch/", {"api_key": TOKEN, "batch": events}).is_success()
    except NO_ANSWER:
        return False


def test_no_success_before_the_pipeline_holds_the_rows_under_random_faults_and_kills(
    forgetful: Hogflare, emulator: Emulator
) -> None:
    # `garbage` pauses the sink for minutes, as it should; here a new instance takes over instead.
    emulator.fault("random", seed=11, probability=0.4, modes=[mode for mode in FAULTS if mode != "garbage"])
    acknowledged: list[dict] = []
    for round_ in range(30):
        events = [new_event("delivered", properties={"round": round_}) for _ in range(3)]
        for _ in range(4):
            if post(forgetful, events):
                assert holds(emulator, events), f"round {round_}: acknowledged before it was delivered"
                acknowledged += events
                break
        if round_ % 6 == 5:
            late = threading.Thread(target=post, args=(forgetful, [new_event("in flight")]))
            late.start()
            time.sleep(0.02)
            forgetful.kill9()
            late.join()
            shutil.rmtree(forgetful.data_dir)
            forgetful.start()
    assert len(acknowledged) > 60
    assert holds(emulator, acknowledged)


def test_a_duplicate_during_an_outage_waits_for_the_row_of_the_first(forgetful: Hogflare, emulator: Emulator) -> None:
    emulator.fault("hang")
    event = new_event("twice")
    answers: list[tuple[bool, bool]] = []

    def send() -> None:
        success = post(forgetful, [event])
        answers.append((success, holds(emulator, [event])))

    threads = [threading.Thread(target=send) for _ in range(3)]
    for thread in threads:
        thread.start()
        time.sleep(0.3)
    time.sleep(1.5)
    assert answers == [], "answered while the pipeline was silent"
    emulator.fault("ok")
    for thread in threads:
        thread.join(timeout=60)
    assert answers == [(True, True)] * 3


def test_an_outage_is_503_and_the_retry_of_the_same_event_is_success_once_it_is_there(
    forgetful: Hogflare, emulator: Emulator
) -> None:
    emulator.stop()
    event = new_event("patient")
    answer = forgetful.post("/batch/", {"api_key": TOKEN, "batch": [event]})
    assert answer.status == 503 and int(answer.headers["retry-after"]) > 0
    emulator.start()
    until(lambda: post(forgetful, [event]), timeout=60, what="success")
    assert holds(emulator, [event])
    [row] = emulator.sql("SELECT count(*) AS n FROM default.events")
    assert row["n"] == 1, "the retry was recognized"


def test_recordings_wait_for_the_pipeline_too(forgetful: Hogflare, emulator: Emulator) -> None:
    emulator.stop()
    chunk = {"api_key": TOKEN, "data": {"chunk_id": "1", "chunk": "x", "metadata": {"distinct_id": "ada"}}}
    assert forgetful.post("/s", chunk).status == 503
    emulator.start()
    until(lambda: forgetful.post("/s", chunk).is_success(), timeout=60, what="success")
    assert emulator.count() >= 1
    assert not (forgetful.data_dir / "recordings").exists(), "nothing is kept on a disk that forgets"


def test_what_is_in_flight_at_sigterm_is_delivered(forgetful: Hogflare, emulator: Emulator) -> None:
    emulator.fault("ok", latency_ms=700)
    event = new_event("last words")
    outcome: list[bool] = []
    late = threading.Thread(target=lambda: outcome.append(post(forgetful, [event])))
    late.start()
    time.sleep(0.2)
    forgetful.stop()
    late.join()
    assert outcome == [True] and holds(emulator, [event])


def test_a_stop_in_the_middle_of_trouble_goes_on_trying(forgetful: Hogflare, emulator: Emulator) -> None:
    emulator.fault("status", status=503)
    event = new_event("last words")
    late = threading.Thread(target=lambda: post(forgetful, [event]))
    late.start()
    time.sleep(0.5)
    stopping = threading.Thread(target=forgetful.stop)
    stopping.start()
    time.sleep(9)
    assert emulator.count() == 0
    emulator.fault("ok")
    stopping.join(timeout=60)
    late.join()
    assert holds(emulator, [event])


def test_a_refused_event_is_400_and_the_others_are_not(forgetful: Hogflare, emulator: Emulator) -> None:
    emulator.fault("status", status=400, match="poison-value")
    poison = forgetful.capture("poison", properties={"text": "poison-value"})
    assert poison.status == 400 and "refused" in poison.error()
    assert forgetful.capture("fine").is_success()


def test_the_first_page_says_why_there_is_nothing_but_capture(forgetful: Hogflare) -> None:
    page = forgetful.get("/").body.decode()
    assert page.startswith("capture\n") and "HOGFLARE_LAKE=off" in page
    assert forgetful.post("/api/sql", {"query": "select 1"}).status in (401, 404, 503)


def test_a_person_has_the_same_id_on_every_instance(forgetful: Hogflare, emulator: Emulator) -> None:
    assert forgetful.capture("e", distinct_id="ada").is_success()
    forgetful.kill9()
    shutil.rmtree(forgetful.data_dir)
    forgetful.start()
    assert forgetful.capture("e", distinct_id="ada").is_success()
    [row] = emulator.sql("SELECT count(DISTINCT person_id) AS persons, count(*) AS n FROM default.events")
    assert row == {"persons": 1, "n": 2}
