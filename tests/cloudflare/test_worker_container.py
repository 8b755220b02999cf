"""The container class that is deployed, with the library below it, on an engine that is made up."""

from collections.abc import Callable
from pathlib import Path

import pytest
from support.edge import Edge
from test_worker_unavailable import ORIGIN, OWN_ANSWERS, check_retryable

SETTINGS = {
    "POSTHOG_API_KEY": "phc_a",
    "HOGFLARE_ACK": "delivered",
    "HOGFLARE_SOMETHING_NEW": "1",
    "CLOUDFLARE_PIPELINE_ENDPOINT": "https://pipeline.example/",
    "CLOUDFLARE_PIPELINE_AUTH_TOKEN": "secret",
}
KEPT = {
    "POSTHOG_SIGNING_SECRET": "",
    "HOGFLARE_INSTANCES": "1",
    "HOGFLARE_ROUTING": "sticky",
    "HOGFLARE_SLEEP_AFTER": "5m",
    "HOGFLARE_DATA_DIR": "/home/somebody/data",
    "UNRELATED": "x",
}


@pytest.fixture
def start_container(start_edge, fake_engine_bundle: Path, upstream) -> Callable[[str], Edge]:
    """Starts a Worker whose engine behaves as the mode says."""
    return lambda mode, **bindings: start_edge(
        fake_engine_bundle, ENGINE_MODE=mode, ENGINE_UPSTREAM=upstream.url, **bindings
    )


def test_the_first_request_starts_it_and_the_second_finds_it(start_container, upstream) -> None:
    edge = start_container("works")
    assert [edge.post(path, b"\x1f\x8b", content_encoding="gzip").status for path in ("/e/?a=1", "/e/?a=2")] == [200, 200]
    assert [(seen.target, seen.body) for seen in upstream.seen] == [("/e/?a=1", b"\x1f\x8b"), ("/e/?a=2", b"\x1f\x8b")]
    asked = edge.request("GET", "/engine").json()
    assert ["start" in each for each in asked] == [True, False, False]
    assert {each["port"] for each in asked[1:]} == {8080}


def test_it_gets_the_settings_and_no_others(start_container) -> None:
    edge = start_container("works", **SETTINGS, **KEPT)
    edge.post("/e/", {})
    started = edge.request("GET", "/engine").json()[0]["start"]
    assert started["env"] == SETTINGS | {"APP_ADDR": "0.0.0.0:8080"}
    assert started["enableInternet"] is True


def test_a_client_cannot_choose_the_port(start_container) -> None:
    edge = start_container("works")
    assert edge.post("/e/", {}, cf_container_target_port="22").status == 200
    assert edge.request("GET", "/engine").json()[-1]["port"] == 8080


@pytest.mark.parametrize("mode", ["exits", "rate-limited", "disconnects", "no-instance", "hangs"])
def test_failures_of_the_platform_become_a_503(start_container, upstream, mode: str) -> None:
    edge = start_container(mode)
    check_retryable(edge.post("/e/", {"event": "e"}, origin=ORIGIN))
    assert upstream.seen == []


def test_own_answers_are_left_alone_behind_the_class(start_container, upstream) -> None:
    edge = start_container("works")
    for status, headers, body in OWN_ANSWERS:
        upstream.status, upstream.headers, upstream.body = status, headers, body
        answer = edge.post("/e/", {"event": "e"}, origin=ORIGIN)
        assert (answer.status, answer.body) == (status, body)
        assert headers.items() <= answer.headers.items()


def test_changed_settings_restart_it(start_container, upstream) -> None:
    edge = start_container("outdated", **SETTINGS)
    check_retryable(edge.post("/e/", {"event": "e"}, origin=ORIGIN))
    assert edge.post("/e/", {"event": "e"}).status == 200
    signalled, started, requested = edge.request("GET", "/engine").json()
    assert signalled == {"signal": 15}
    assert started["start"]["env"]["POSTHOG_API_KEY"] == "phc_a"
    assert len(upstream.seen) == 1
