"""While the service cannot be reached, SDKs are told to try again; its own answers are left alone."""

import pytest
from harness.process import free_port
from support.edge import Edge

ORIGIN = "https://shop.example"
OWN_ANSWERS = [
    (200, {"content-type": "application/json"}, b'{"status":1}'),
    (204, {}, b""),
    (302, {"location": "https://elsewhere.example/"}, b""),
    (400, {"content-type": "application/json"}, b'{"status":0,"error":"bad"}'),
    (429, {"retry-after": "9"}, b"you are requesting too many containers per second"),
    (500, {"content-type": "text/plain;charset=UTF-8"}, b"Failed to start container: no"),
    (503, {"retry-after": "77", "content-type": "application/json"}, b'{"status":0,"error":"full"}'),
]


@pytest.fixture
def cut_off(start_edge) -> Edge:
    """A Worker whose service is gone."""
    return start_edge(UPSTREAM=f"http://127.0.0.1:{free_port()}")


def check_retryable(answer) -> None:
    """The answer is one that SDKs repeat and pages can read."""
    assert answer.status == 503
    assert answer.headers["content-type"] == "application/json"
    assert answer.error()
    assert 0 < int(answer.headers["retry-after"]) <= 60
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    assert answer.headers["access-control-allow-credentials"] == "true"
    assert "retry-after" in answer.headers["access-control-expose-headers"].lower()
    assert "origin" in answer.headers["vary"].lower()


def test_events_get_a_503_that_pages_can_read(cut_off: Edge) -> None:
    check_retryable(cut_off.post("/e/", {"event": "e"}, origin=ORIGIN))
    check_retryable(cut_off.request("GET", "/flags/", origin=ORIGIN))


def test_without_an_origin_nothing_is_allowed(cut_off: Edge) -> None:
    answer = cut_off.post("/e/", {"event": "e"})
    assert answer.status == 503 and answer.error()
    assert not [name for name in answer.headers if name.startswith("access-control-")]


def test_preflights_are_allowed(cut_off: Edge) -> None:
    asked = {
        "origin": ORIGIN,
        "access-control-request-method": "POST",
        "access-control-request-headers": "content-type,x-custom",
    }
    answer = cut_off.request("OPTIONS", "/e/", **asked)
    assert answer.status in (200, 204) and answer.body == b""
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    assert answer.headers["access-control-allow-credentials"] == "true"
    assert answer.headers["access-control-allow-headers"] == "content-type,x-custom"
    assert "POST" in answer.headers["access-control-allow-methods"]


@pytest.mark.parametrize(
    "setting", [{"HOGFLARE_INSTANCES": "none"}, {"HOGFLARE_INSTANCES": "0"}, {"HOGFLARE_ROUTING": "nearest"}]
)
def test_a_wrong_setting_loses_nothing(start_edge, setting: dict[str, str]) -> None:
    check_retryable(start_edge(**setting).post("/e/", {"event": "e"}, origin=ORIGIN))


def test_own_answers_are_left_alone(start_edge, upstream) -> None:
    edge = start_edge(UPSTREAM=upstream.url)
    for status, headers, body in OWN_ANSWERS:
        upstream.status, upstream.headers, upstream.body = status, headers, body
        answer = edge.post("/e/", {"event": "e"}, origin=ORIGIN)
        assert (answer.status, answer.body) == (status, body)
        assert headers.items() <= answer.headers.items()
        assert "access-control-allow-origin" not in answer.headers
