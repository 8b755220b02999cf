"""An old answer is given at once to whoever takes one, and says that it is old; nobody else gets one."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness.poll import until
from harness.server import Hogflare
from harness.wire import Answer

QUESTION = {"kind": "TrendsQuery", "series": [{"event": "bought"}], "dateRange": {"date_from": "-7d"}}


@pytest.fixture
def server(binary: Path, tmp_path: Path) -> Iterator[Hogflare]:
    server = Hogflare(binary, tmp_path / "data", tmp_path / "hogflare.log").start()
    yield server
    server.kill9()


def ask(server: Hogflare, **headers: str) -> Answer:
    """How often somebody bought."""
    answer = server.post("/api/insights/trends", QUESTION, authorization=f"Bearer {server.read_key()}", **headers)
    assert answer.status == 200, answer.body
    return answer


def number(answer: Answer) -> float:
    return sum(answer.json()["results"][0]["data"])


def in_one_quarter() -> None:
    """Days begin on quarters of an hour, so an answer is of the one in which it was asked: whoever comes at its end waits for the next."""
    left = 900 - time.time() % 900
    if left < 20:
        time.sleep(left + 1)


def test_an_old_answer_is_for_whoever_takes_one(server: Hogflare) -> None:
    in_one_quarter()
    server.capture("bought")
    # Nothing was answered yet, so that it is worked out.
    first = ask(server, cache_control="max-stale=600")
    assert number(first) == 1 and "age" not in first.headers
    # Of the newest rows it is not old, however long ago.
    again = ask(server, cache_control="max-stale=600")
    assert number(again) == 1 and "age" not in again.headers
    server.capture("bought")
    time.sleep(1)
    old = ask(server, cache_control="no-transform, max-stale=600")
    assert number(old) == 1 and 1 <= int(old.headers["age"]) < 60
    for taken in ("max-stale=0", "max-stale", "max-stale=soon", "no-cache"):
        new = ask(server, cache_control=taken)
        assert number(new) == 2 and "age" not in new.headers, taken
        server.capture("something else")
    assert number(ask(server)) == 2


def test_no_old_answer_outlives_an_erasure(server: Hogflare) -> None:
    in_one_quarter()
    server.capture("bought", "jane")
    server.capture("bought", "joe")
    assert number(ask(server)) == 2
    admin = {"authorization": f"Bearer {server.admin_key()}"}
    assert server.post("/api/erasures", {"id": "jane", "kind": "delete", "project": 1}, **admin).status == 202
    # Had the answer been kept, it would be told for ten minutes.
    until(lambda: number(ask(server, cache_control="max-stale=600")) == 1, timeout=60, every=0.1, what="the erasure")
