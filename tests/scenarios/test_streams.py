"""Several streams: tokens with streams of their own, a next stream, recordings."""

from collections import Counter

import pytest

from harness.emulator import Emulator
from harness.poll import until
from harness.server import Hogflare

def capture(server: Hogflare, token: str, distinct_id: str, **fields) -> None:
    event = {"api_key": token, "event": "e", "distinct_id": distinct_id} | fields
    assert server.post("/capture", event).is_success()


def tokens(emulator: Emulator) -> Counter:
    return Counter(row["token"] for row in emulator.events())


def test_each_token_finds_its_stream_and_one_in_trouble_holds_up_no_other(start_hogflare, start_emulator) -> None:
    main, own, first, second = (start_emulator() for _ in range(4))
    server = start_hogflare(
        CLOUDFLARE_PIPELINE_ENDPOINT=main.url,
        CLOUDFLARE_PIPELINE_STREAMS=f"phc_own={own.url},phc_big={first.url},phc_big={second.url}",
    )
    own.fault("status", status=404)
    for n in range(40):
        capture(server, "phc_own", "d")
        capture(server, "phc_other", "d")
        capture(server, "phc_big", f"d{n}")
    until(lambda: tokens(main) == {"phc_other": 40}, what="the main stream's rows")
    until(lambda: first.count() + second.count() == 40, what="the rows of both parts")
    assert first.count() and second.count() and tokens(first).keys() == tokens(second).keys() == {"phc_big"}
    assert own.count() == 0
    own.fault("ok")
    server.stop()
    server.start()
    until(lambda: tokens(own) == {"phc_own": 40}, what="the rows that had waited")
    assert tokens(main) == {"phc_other": 40}


def test_a_token_that_moves_to_another_stream_leaves_no_row_behind(start_hogflare, start_emulator) -> None:
    main, own = start_emulator(), start_emulator()
    server = start_hogflare(CLOUDFLARE_PIPELINE_ENDPOINT=main.url)
    capture(server, "phc_own", "before")
    until(lambda: main.count() == 1, what="the first row")
    main.stop()
    capture(server, "phc_own", "while away")
    server.stop()
    main.start()
    server.start(CLOUDFLARE_PIPELINE_STREAMS=f"phc_own={own.url}")
    until(lambda: own.count() == 1, what="the row that had waited")
    capture(server, "phc_own", "after")
    until(lambda: own.count() == 2, what="the new row")
    assert [row["distinct_id"] for row in main.events() + own.events()] == ["before", "while away", "after"]


def test_under_delivered_a_stream_in_trouble_concerns_only_its_own_tokens(start_hogflare, start_emulator) -> None:
    main, own = start_emulator(), start_emulator()
    server = start_hogflare(
        CLOUDFLARE_PIPELINE_ENDPOINT=main.url,
        CLOUDFLARE_PIPELINE_STREAMS=f"phc_own={own.url}",
        HOGFLARE_ACK="delivered",
        HOGFLARE_LAKE="off",
    )
    own.fault("status", status=404)
    assert server.post("/capture", {"api_key": "phc_own", "event": "e", "distinct_id": "d"}).status == 503
    for wanted in (1, 2):
        capture(server, "phc_other", "d")
        assert main.count() == wanted


def test_moving_to_the_next_stream_leaves_no_hole(start_hogflare, start_emulator) -> None:
    main, following = start_emulator(), start_emulator()
    next_endpoint = {"CLOUDFLARE_PIPELINE_NEXT_ENDPOINT": following.url}
    server = start_hogflare(CLOUDFLARE_PIPELINE_ENDPOINT=main.url)
    server.stop()
    server.start(**next_endpoint)
    capture(server, "phc_a", "both")
    until(lambda: main.count() == following.count() == 1, what="both streams")
    following.fault("status", status=503)
    capture(server, "phc_a", "main only")
    until(lambda: main.count() == 2, what="the main stream")
    server.stop()
    following.fault("ok")
    server.start(CLOUDFLARE_PIPELINE_ENDPOINT=following.url, **next_endpoint)
    capture(server, "phc_a", "new main")
    until(lambda: following.count() >= 3, what="the new main stream")
    assert [row["distinct_id"] for row in following.events()] == ["both", "main only", "new main"]
    assert main.count() == 2


def test_a_next_stream_gets_every_event_too(start_hogflare, start_emulator) -> None:
    main, following = start_emulator(), start_emulator()
    server = start_hogflare(CLOUDFLARE_PIPELINE_ENDPOINT=main.url, CLOUDFLARE_PIPELINE_NEXT_ENDPOINT=following.url)
    for _ in range(5):
        capture(server, "phc_a", "d")
    until(lambda: main.count() == following.count() == 5, what="both streams")
    assert main.events() == following.events()


@pytest.mark.parametrize("own_stream", [True, False], ids=["own stream", "stream of events"])
def test_recordings_go_to_their_stream(start_hogflare, start_emulator, own_stream: bool) -> None:
    events, recordings = start_emulator(), start_emulator()
    own = {"CLOUDFLARE_RECORDINGS_PIPELINE_ENDPOINT": recordings.url} if own_stream else {}
    server = start_hogflare(CLOUDFLARE_PIPELINE_ENDPOINT=events.url, **own)
    chunk = {"api_key": "phc_a", "data": {"chunk_id": "1", "chunk": "x", "metadata": {"distinct_id": "ada"}}}
    assert server.post("/s", chunk).is_success()
    target = recordings if own_stream else events
    until(lambda: target.count() == 1, what="the recording")
    [row] = target.events()
    assert (row["event"], row["distinct_id"], row["api_key"]) == ("$snapshot", "ada", "phc_a")
    assert events.count() + recordings.count() == 1
