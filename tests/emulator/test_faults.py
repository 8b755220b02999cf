"""Ordered faults that need no real connection."""

import pytest
from emulator.faults import Fault, Faults
from starlette.testclient import TestClient

ROWS = [{"uuid": "1"}, {"uuid": "2"}]


@pytest.fixture
def client(connect) -> TestClient:
    """An emulator with a token."""
    client = connect(auth_token="secret")
    client.headers["authorization"] = "Bearer secret"
    return client


def order(client: TestClient, **fault) -> None:
    """Orders a fault."""
    assert client.post("/admin/faults", json=fault).status_code == 200


def send(client: TestClient):
    """Sends two rows."""
    return client.post("/", json=ROWS, follow_redirects=False)


def count(client: TestClient) -> int:
    """Counts the landed rows."""
    return client.get("/count").json()["count"]


def test_a_status_may_say_when_to_come_back(client: TestClient) -> None:
    order(client, mode="status", status=429, retry_after=7)
    answer = send(client)
    assert (answer.status_code, answer.headers["retry-after"], count(client)) == (429, "7", 0)


def test_html_is_a_status_with_a_page(client: TestClient) -> None:
    order(client, mode="html", status=520, retry_after=3)
    answer = send(client)
    assert (answer.status_code, answer.headers["retry-after"], count(client)) == (520, "3", 0)
    assert answer.text.startswith("<html>")


def test_garbage_is_a_page_that_looks_like_success(client: TestClient) -> None:
    order(client, mode="garbage")
    answer = send(client)
    assert (answer.status_code, answer.text[:6], count(client)) == (200, "<html>", 0)


def test_unsuccessful_is_a_200_that_says_no(client: TestClient) -> None:
    order(client, mode="unsuccessful")
    answer = send(client)
    assert (answer.status_code, answer.json()["success"], count(client)) == (200, False, 0)


def test_commit_then_status_stores_and_denies_it(client: TestClient) -> None:
    order(client, mode="commit_then_status", status=502)
    assert (send(client).status_code, count(client)) == (502, 2)


def test_miscount_stores_all_and_names_one_fewer(client: TestClient) -> None:
    order(client, mode="miscount")
    assert send(client).json() == {"success": True, "result": {"committed": 1}}
    assert count(client) == 2


def test_slow_stores_and_dribbles_a_whole_answer(client: TestClient) -> None:
    order(client, mode="slow", dribble_ms=1)
    assert send(client).json() == {"success": True, "result": {"committed": 2}}
    assert count(client) == 2


def test_who_follows_a_redirect_is_counted_with_the_token(client: TestClient) -> None:
    order(client, mode="redirect")
    answer = send(client)
    assert (answer.status_code, count(client)) == (302, 0)
    assert client.get("/admin/redirects").json() == {"hits": 0, "with_token": 0}
    client.post(answer.headers["location"])
    client.get(answer.headers["location"], headers={"authorization": "Bearer secret"})
    assert client.get("/admin/redirects").json() == {"hits": 2, "with_token": 2}


def test_a_redirect_may_lead_elsewhere(client: TestClient) -> None:
    order(client, mode="redirect", location="http://127.0.0.1:1/", redirect_status=307)
    answer = send(client)
    assert (answer.status_code, answer.headers["location"]) == (307, "http://127.0.0.1:1/")


def test_storing_faults_still_check_the_token(client: TestClient) -> None:
    order(client, mode="commit_then_status")
    assert client.post("/", json=ROWS, headers={"authorization": "Bearer no"}).status_code == 401
    assert count(client) == 0


def choices(**fault) -> list[str]:
    """The modes of forty requests."""
    faults = Faults()
    faults.order(Fault(mode="random", **fault))
    return [faults.take(b"").mode for _ in range(40)]


def test_random_repeats_itself_by_seed() -> None:
    modes = ["status", "reset"]
    first = choices(seed=7, probability=0.5, modes=modes)
    assert first == choices(seed=7, probability=0.5, modes=modes)
    assert first != choices(seed=8, probability=0.5, modes=modes)
    assert set(first) == {"ok", "status", "reset"}


def test_random_keeps_to_its_probability_and_modes() -> None:
    assert set(choices(probability=0)) == {"ok"}
    assert set(choices(probability=1, modes=["slow"])) == {"slow"}


def test_a_random_fault_is_used_up(client: TestClient) -> None:
    order(client, mode="random", probability=1, modes=["status"], count=2, status=503)
    assert [send(client).status_code for _ in range(3)] == [503, 503, 200]


def test_random_cannot_choose_random(client: TestClient) -> None:
    assert client.post("/admin/faults", json={"mode": "random", "modes": ["random"]}).status_code == 422


def test_a_broken_sink_leaves_ingest_and_its_fault_alone(client: TestClient) -> None:
    order(client, mode="status", status=503, count=1)
    order(client, sink="broken", failure_reason="bucket deleted")
    assert client.get("/status").json() == {"status": "failed", "failure_reason": "bucket deleted"}
    assert [send(client).status_code for _ in range(2)] == [503, 200]
    order(client, sink="working")
    assert client.get("/status").json() == {"status": "running", "failure_reason": None}
