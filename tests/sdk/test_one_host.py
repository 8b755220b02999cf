"""posthog-js with every feature on gets all that it asks for from the server that it sends to."""

import json
import urllib.parse
from dataclasses import dataclass
from pathlib import Path

import pytest

from harness.decode import decode_text
from harness.node import run_driver
from harness.poll import until
from harness.server import TOKEN, Hogflare
from harness.tee import Tee

EVERYTHING_ON = """
[sdk]
heatmaps = true
dead_clicks = true
web_vitals = true
network_timing = true
exceptions = true
console_logs = true
surveys = true
session_recording = { network_headers = true, network_body = true, canvas = true }
"""
EVENTS = {"$pageview", "$autocapture", "$$heatmap", "$web_vitals", "$exception", "$dead_click"}
SCRIPTS = {
    "lazy-recorder",
    "surveys",
    "dead-clicks-autocapture",
    "exception-autocapture",
    "web-vitals-with-attribution",
    "logs",
    "tracing-headers",
}


@dataclass
class Visit:
    """What the browser asked for, and what reached the server."""

    way: str
    server: Hogflare
    tee: Tee
    requests: list[dict]

    def paths(self) -> set[str]:
        """The paths that the server was asked for."""
        asked = (request["url"] for request in self.requests if request["url"].startswith(self.tee.url))
        return {urllib.parse.urlsplit(url).path for url in asked}

    def recorded(self) -> list[dict]:
        """The events of session recordings."""
        posts = [exchange for exchange in self.tee.exchanges() if exchange.target.startswith("/s/")]
        return [item for post in posts for item in json.loads(decode_text(post.headers, post.body))]


@pytest.fixture(params=["loader", "bundle", "module"])
def visit(request: pytest.FixtureRequest, start_hogflare, start_tee, tmp_path: Path) -> Visit:
    """One visit of a page that loads posthog-js in one of the documented ways."""
    config = tmp_path / "hogflare.toml"
    config.write_text(EVERYTHING_ON)
    server = start_hogflare(HOGFLARE_CONFIG=str(config))
    tee = start_tee(server.port)
    requests = run_driver("posthog_js_features.js", posthog_host=tee.url, token=TOKEN, way=request.param)
    return Visit(request.param, server, tee, requests)


def test_no_other_host_is_asked_and_nothing_is_missing(visit: Visit) -> None:
    # The recorder's worker is a blob of the page itself.
    asked = [request["url"].removeprefix("blob:") for request in visit.requests]
    assert {urllib.parse.urlsplit(url).hostname for url in asked} == {"127.0.0.1"}
    bad = [request for request in visit.requests if request.get("status", 999) >= 400]
    assert bad == []
    _check_scripts(visit)
    _check_events(visit)


def _check_scripts(visit: Visit) -> None:
    loaded = {path.rsplit("/", 1)[-1].removesuffix(".js") for path in visit.paths() if path.startswith("/static/")}
    assert loaded >= SCRIPTS, f"not loaded: {SCRIPTS - loaded}"
    asks_for_config = any(path.startswith(f"/array/{TOKEN}/config") for path in visit.paths())
    assert asks_for_config == (visit.way != "bundle")
    assert "/api/surveys/" in visit.paths() and "/api/early_access_features/" in visit.paths()


def _check_events(visit: Visit) -> None:
    assert EVENTS <= {event.event for event in visit.tee.events()}
    assert {item["event"] for item in visit.recorded()} == {"$snapshot"}
    kinds = {snapshot["type"] for item in visit.recorded() for snapshot in item["properties"]["$snapshot_data"]}
    assert kinds >= {2, 3, 4}, "a full picture, changes to it, and the size of the page"
    assert "rrweb/console@1" in json.dumps(visit.recorded(), default=str)
    stored = "select distinct event from events where event in ('$pageview', '$autocapture', '$web_vitals', '$exception')"
    until(lambda: len(visit.server.query(stored)) == 4, what="the events to be in the lake")
