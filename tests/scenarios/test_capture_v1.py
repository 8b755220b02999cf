"""Capture V1 over HTTP: verdicts, retries, refusals. What the SDKs make of it is in `sdk/`."""

import uuid
from collections.abc import Callable
from pathlib import Path

from harness.load import now
from harness.server import TOKEN, Hogflare
from harness.wire import Answer

PATH = "/i/v1/analytics/events"
REQUEST_ID = "0197c5a0-0000-7000-8000-00000000abcd"


def new_event(**fields) -> dict:
    """One event as an SDK sends it."""
    event = {"event": "bought", "uuid": str(uuid.uuid4()), "distinct_id": "u", "timestamp": now()}
    return event | {"properties": {"n": 1}, "options": {}} | fields


def send(server: Hogflare, *events: dict, path: str = PATH, attempt: int = 1, **headers: str) -> Answer:
    """Sends a batch as an SDK does."""
    head = {
        "authorization": f"Bearer {TOKEN}",
        "user_agent": "posthog-node/5.70.0",
        "posthog_sdk_info": "posthog-node/5.70.0",
        "posthog_attempt": str(attempt),
        "posthog_request_id": REQUEST_ID,
        "posthog_request_timestamp": now(),
    }
    return server.post(path, {"created_at": now(), "batch": list(events)}, **(head | headers))


def test_each_event_has_its_verdict_and_only_good_ones_are_stored(hogflare: Hogflare) -> None:
    good, bad = new_event(), new_event(event="")
    answer = send(hogflare, good, bad)
    assert answer.status == 200
    assert answer.json() == {
        "results": {good["uuid"]: {"result": "ok"}, bad["uuid"]: {"result": "drop", "details": "missing_event_name"}}
    }
    assert answer.headers["posthog-request-id"] == REQUEST_ID
    assert "retry-after" not in answer.headers and "date" in answer.headers
    stored = hogflare.query("select uuid, properties->>'$lib' as lib from events")
    assert stored == [{"uuid": good["uuid"], "lib": "posthog-node"}]
    assert hogflare.metric("hogflare_events_refused_total", reason="missing_event_name") == 1


def test_a_retry_is_answered_alike_and_stored_once(hogflare: Hogflare) -> None:
    event = new_event()
    assert send(hogflare, event).json() == send(hogflare, event, attempt=2).json()
    assert hogflare.query("select count(*) as n from events") == [{"n": 1}]


def test_an_event_too_big_costs_the_others_nothing(hogflare: Hogflare) -> None:
    small, big = new_event(), new_event(properties={"x": "y" * (9 << 20)})
    results = send(hogflare, small, big).json()["results"]
    assert results[small["uuid"]] == {"result": "ok"}
    assert results[big["uuid"]] == {"result": "drop", "details": "event_too_big"}
    assert hogflare.query("select uuid from events") == [{"uuid": small["uuid"]}]


def test_a_refusal_names_itself_and_the_request(hogflare: Hogflare) -> None:
    answer = send(hogflare)
    assert (answer.status, answer.json()["error"]) == (400, "empty_batch")
    assert set(answer.json()) == {"error", "error_description", "error_uri"}
    assert answer.headers["posthog-request-id"] == REQUEST_ID
    unauthorized = send(hogflare, new_event(), authorization="Bearer phx_secret")
    assert (unauthorized.status, unauthorized.json()["error"]) == (401, "invalid_api_token")
    too_large = send(hogflare, new_event(properties={"x": "y" * (11 << 20)}))
    assert (too_large.status, too_large.json()["error"]) == (413, "payload_too_large")
    assert hogflare.get(PATH).status == 405


def test_quota_is_402_and_haste_503(start_hogflare: Callable[..., Hogflare], tmp_path: Path) -> None:
    config = tmp_path / "hogflare.toml"
    config.write_text(f"[[project]]\ntoken = '{TOKEN}'\n[project.limits]\nevents_per_day = 1\n[clients]\nevents_per_second = 1\nburst = 2\n")
    server = start_hogflare(HOGFLARE_CONFIG=str(config))
    assert send(server, new_event()).status == 200
    spent = send(server, new_event())
    assert (spent.status, spent.json()["error"]) == (402, "billing_limit_exceeded")
    assert "retry-after" not in spent.headers
    hasty = send(server, new_event())
    assert (hasty.status, hasty.json()["error"], hasty.headers["retry-after"]) == (503, "service_unavailable", "1")


def test_the_ai_lane_takes_nothing_else(hogflare: Hogflare) -> None:
    ai, other = new_event(event="$ai_generation"), new_event()
    results = send(hogflare, ai, other, path="/i/v1/ai/events").json()["results"]
    assert results[ai["uuid"]] == {"result": "ok"}
    assert results[other["uuid"]] == {"result": "drop", "details": "misrouted_event"}
