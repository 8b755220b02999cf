"""Bad input gets a clear error and harms nobody else."""

import gzip
import json
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from harness.load import new_event
from harness.process import memory_peak_bytes
from harness.server import TOKEN, Hogflare

MEGABYTE = 1024 * 1024
# The budget of requests in flight is 128 MiB; the rest is the process itself.
MEMORY_BOUND = 768 * MEGABYTE


@dataclass(frozen=True)
class Case:
    """One request and what must come back."""

    name: str
    body: Callable[[], bytes | str | dict | list]
    status: int
    error: str = ""
    path: str = "/batch/"
    headers: dict[str, str] = field(default_factory=dict)


def batch(*events: dict, **fields) -> dict:
    """A batch body with the test project's key."""
    return {"api_key": TOKEN, "batch": list(events)} | fields


def one(**fields) -> dict:
    """A single event; a field given as None is left out."""
    event = {"api_key": TOKEN, "event": "bad input", "distinct_id": "bad-user"} | fields
    return {name: value for name, value in event.items() if value is not None}


def raw(properties: str) -> str:
    """A single event whose properties are given as text."""
    return json.dumps(one(properties="HERE")).replace('"HERE"', properties)


def bomb() -> bytes:
    """About 200 KB of gzip that inflate to 200 MiB of valid JSON."""
    return gzip.compress(json.dumps(one()).encode() + b" " * (200 * MEGABYTE), compresslevel=6)


GZIP = {"content_encoding": "gzip"}
CASES = [
    Case("gzip bomb", bomb, 413, "maximum event size exceeded", path="/e/", headers={"content_type": "text/plain"}),
    Case("gzip bomb with an encoding header", bomb, 413, "maximum event size exceeded", headers=GZIP),
    Case(
        "gzip cut short",
        lambda: gzip.compress(json.dumps(one()).encode())[:-12],
        400,
        "failed to decode request",
        headers=GZIP,
    ),
    Case("arrays 100,000 deep", lambda: raw("[" * 100_000 + "]" * 100_000), 400),
    Case("members 100,000 deep", lambda: raw('{"a":' * 100_000 + "1" + "}" * 100_000), 400),
    Case("a value 100,000 deep", lambda: raw('{"x":' + "[" * 100_000 + "]" * 100_000 + "}"), 400),
    Case("invalid UTF-8", lambda: raw('{"text":"caf').encode() + b'\xe9"}}', 400, "invalid UTF8"),
    Case("not a number", lambda: raw('{"x":NaN}'), 400, "failed to parse request"),
    Case("infinity", lambda: raw('{"x":Infinity}'), 400, "failed to parse request"),
    Case("NUL in the token", lambda: one(api_key="phc_a\0b"), 401, "API key is not valid: null_byte"),
    Case("personal API key", lambda: one(api_key="phx_secret"), 401, "API key is not valid: personal_api_key"),
    Case("token of 100 characters", lambda: one(api_key="phc_" + "x" * 96), 401, "API key is not valid: too_long"),
    Case("token not ASCII", lambda: one(api_key="phc_é"), 401, "API key is not valid: not_ascii"),
    Case("no token", lambda: one(api_key=None), 401, "event submitted without an api_key", path="/capture"),
    Case("no token in a batch", lambda: {"batch": [new_event()]}, 401, "event submitted without an api_key"),
    Case(
        "several tokens",
        lambda: [new_event(api_key="phc_a"), new_event(api_key="phc_b")],
        401,
        "batch submitted with inconsistent api_key values",
        path="/e/",
    ),
    Case("no event name", lambda: one(event=None), 400, "missing event name attribute", path="/capture"),
    Case("empty event name", lambda: one(event=""), 400, "event submitted with an empty event name"),
    Case("no distinct id", lambda: one(distinct_id=None), 400, "event submitted without a distinct_id"),
    Case("blank distinct id", lambda: one(distinct_id="  "), 400, "event submitted without a distinct_id"),
    Case(
        "one bad event among good ones",
        lambda: batch(new_event("bad input"), {"event": "bad input"}),
        400,
        "event submitted without a distinct_id",
    ),
    Case("empty batch", lambda: batch(), 400, "request holds no event"),
    Case("empty array", lambda: "[]", 400, "request holds no event", path="/e/"),
    Case("no body", lambda: b"", 400, "request missing data payload", path="/capture"),
    Case("not JSON", lambda: "hello", 400, "failed to parse request", path="/capture"),
    Case("a number", lambda: "42", 400, "failed to parse request", path="/capture"),
    Case("JSON cut short", lambda: json.dumps(one())[:-1], 400, "failed to parse request", path="/capture"),
    Case("properties as a list", lambda: one(properties=[1]), 400, "failed to parse request"),
    Case("identify without distinct id", lambda: {"api_key": TOKEN, "properties": {}}, 400, path="/identify"),
    Case("alias without alias", lambda: {"api_key": TOKEN, "distinct_id": "a"}, 400, path="/alias"),
    Case("group without a key", lambda: {"api_key": TOKEN, "group_type": "company"}, 400, path="/groups"),
]


def assert_others_are_served(server: Hogflare) -> None:
    """Another client's event is stored, and memory stayed within its bound."""
    assert server.capture("good input").is_success()
    peak = memory_peak_bytes(server.process.pid)
    assert peak < MEMORY_BOUND, f"resident memory reached {peak / MEGABYTE:.0f} MiB"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_bad_request_is_refused_with_a_reason(shared: Hogflare, case: Case) -> None:
    answer = shared.post(case.path, case.body(), **case.headers)
    assert answer.status == case.status, answer.body[:500]
    assert case.error in answer.error()
    assert_others_are_served(shared)


def test_nothing_of_a_refused_request_is_stored(start_hogflare) -> None:
    hogflare = start_hogflare(POSTHOG_API_KEY="")
    for case in CASES:
        if "bomb" not in case.name and "deep" not in case.name:
            hogflare.post(case.path, case.body(), **case.headers)
    assert hogflare.capture("good input").is_success()
    names = {row["event"] for row in hogflare.query("select distinct event from events")}
    assert names == {"good input"}


def test_ten_thousand_events_in_one_batch_are_stored(hogflare: Hogflare) -> None:
    events = [new_event("many", properties={"n": n}) for n in range(10_000)]
    assert hogflare.post("/batch/", batch(*events)).is_success()
    assert_others_are_served(hogflare)
    found = hogflare.query("select count(distinct uuid) as uuids, count(*) as n from events where event = 'many'")
    assert found == [{"uuids": 10_000, "n": 10_000}]


def test_lone_surrogates_become_replacement_characters(hogflare: Hogflare) -> None:
    assert hogflare.post("/capture", raw(r'{"text":"a\ud83db","pair":"\ud83e\udd94"}')).is_success()
    (row,) = hogflare.query("select properties from events")
    stored = json.loads(row["properties"])
    assert (stored["text"], stored["pair"]) == ("a\ufffdb", "🦔")
    assert_others_are_served(hogflare)


def test_nul_characters_do_not_break_a_row(hogflare: Hogflare) -> None:
    assert hogflare.post("/capture", one(distinct_id="a\0b", properties={"text": "x\0y", "n": 1})).is_success()
    (row,) = hogflare.query("select distinct_id, properties from events")
    assert row["distinct_id"] == "a\ufffdb"
    assert json.loads(row["properties"])["text"] in ("x\0y", "x\ufffdy")


def test_numbers_beyond_64_bits_do_not_break_a_row(hogflare: Hogflare) -> None:
    assert hogflare.post("/capture", raw('{"big":123456789012345678901234567890,"tiny":1e-400}')).is_success()
    (row,) = hogflare.query("select properties from events")
    assert json.loads(row["properties"])["big"] == pytest.approx(1.2345678901234568e29)


def test_extreme_timestamps_do_not_break_the_lake(hogflare: Hogflare) -> None:
    times = [
        "0000-01-01T00:00:00Z",
        "99999-01-01T00:00:00Z",
        "-5000-01-01",
        "9999-12-31T23:59:59Z",
        "tomorrow",
        "",
        "12",
    ]
    for text in times:
        assert hogflare.capture("odd time", timestamp=text).is_success(), text
    found = hogflare.query(
        "select count(*) as n from events where timestamp > '1970-12-31' and timestamp < '2100-01-01'"
    )
    assert found == [{"n": len(times)}]


def test_unknown_path_and_wrong_method_are_told_apart(shared: Hogflare) -> None:
    assert shared.post("/nope", {}).status == 404
    with shared.connect() as wire:
        assert wire.request("DELETE", "/batch/").status == 405
