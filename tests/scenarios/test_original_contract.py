"""Each endpoint as the first Hogflare had it: the request, the answer, the row in the lake and in the pipeline."""

import base64
import gzip
import json
import urllib.parse
import zlib
from datetime import UTC, datetime, timedelta

import pytest

from harness.compare import as_object, as_time
from harness.emulator import Emulator
from harness.load import now
from harness.poll import until
from harness.server import TOKEN, Hogflare

WHEN = "2026-03-04T05:06:07.123456Z"
OTHER_TOKEN = "phc_anotherProject"


class Stored:
    """The rows of one server, from the lake and from the pipeline."""

    def __init__(self, server: Hogflare, emulator: Emulator) -> None:
        self._server, self._emulator = server, emulator

    def pair(self) -> list[dict]:
        """Waits for exactly one event; returns its row in the lake and its row in the pipeline."""
        until(lambda: self._emulator.count() >= 1, what="the pipeline row")
        (lake,), (pipeline,) = self._server.query("select * from events"), self._emulator.events()
        return [lake, pipeline]


@pytest.fixture
def stored(piped: Hogflare, emulator: Emulator) -> Stored:
    """Reads what `piped` stored."""
    return Stored(piped, emulator)


def test_capture(piped: Hogflare, stored: Stored) -> None:
    properties = {"amount": 29.99, "product_id": "widget-001"}
    request = {"api_key": TOKEN, "event": "purchase", "distinct_id": "user_12345", "properties": properties}
    more = {"timestamp": WHEN, "context": {"page": "/cart"}, "shop": {"id": 7}}
    assert piped.post("/capture", request | more).is_success()
    for row in stored.pair():
        assert (row["event"], row["distinct_id"], row["token"]) == ("purchase", "user_12345", TOKEN)
        assert as_object(row["properties"]) | properties_as_json(properties) == as_object(row["properties"])
        assert as_object(row["context"]) == {"page": "/cart"}
        assert as_object(row["extra"])["shop"] == {"id": 7}
        assert as_time(row["timestamp"]) == datetime.fromisoformat(WHEN)
    pipeline = stored.pair()[1]
    assert (pipeline["source"], pipeline["event_type"], pipeline["api_key"]) == ("posthog", "purchase", TOKEN)


def properties_as_json(properties: dict) -> dict:
    """The same values as a stored row's parser makes of them."""
    return as_object(json.dumps(properties))


def test_identify(piped: Hogflare, stored: Stored) -> None:
    request = {"api_key": TOKEN, "distinct_id": "u", "properties": {"email": "a@example.com"}, "plan": "pro"}
    assert piped.post("/identify", request).is_success()
    for row in stored.pair():
        assert (row["event"], row["distinct_id"]) == ("$identify", "u")
        assert as_object(row["person_properties"])["email"] == "a@example.com"
        assert as_object(row["extra"])["plan"] == "pro"


def test_groups(piped: Hogflare, stored: Stored) -> None:
    request = {"api_key": TOKEN, "group_type": "company", "group_key": "acme", "properties": {"seats": 3}}
    assert piped.post("/groups", request).is_success()
    for row in stored.pair():
        assert (row["event"], row["distinct_id"]) == ("$groupidentify", "acme")
        properties = as_object(row["properties"])
        assert (properties["$group_type"], properties["$group_key"]) == ("company", "acme")
        assert as_object(row["group_properties"]) == {"seats": 3}


def test_alias(piped: Hogflare, stored: Stored) -> None:
    assert piped.post("/alias", {"api_key": TOKEN, "distinct_id": "u", "alias": "anon"}).is_success()
    for row in stored.pair():
        assert (row["event"], row["distinct_id"]) == ("$create_alias", "u")
        assert as_object(row["properties"])["alias"] == "anon"
        assert as_object(row["extra"])["alias"] == "anon"


@pytest.mark.parametrize("names", [("api_key", "distinct_id"), ("$token", "$distinct_id")], ids=" ".join)
def test_engage(piped: Hogflare, stored: Stored, names: tuple[str, str]) -> None:
    token, distinct_id = names
    request = {token: TOKEN, distinct_id: "u", "$set": {"a": 1}, "$set_once": {"b": 2}, "$unset": ["c"], "note": "x"}
    assert piped.post("/engage", request).is_success()
    for row in stored.pair():
        assert (row["event"], row["distinct_id"], row["token"]) == ("$identify", "u", TOKEN)
        person = as_object(row["person_properties"])
        assert (person["a"], person["b"]) == (1, 2)
        extra = as_object(row["extra"])
        assert (extra["source_path"], extra["note"]) == ("/engage", "x")


def test_batch_tells_items_apart(piped: Hogflare, emulator: Emulator) -> None:
    items = [
        {"event": "by event", "distinct_id": "u"},
        {"type": "capture", "event": "by type", "distinct_id": "u"},
        {"type": "identify", "distinct_id": "identified", "properties": {"a": 1}},
        {"type": "groupidentify", "group_type": "company", "group_key": "first"},
        {"type": "group_identify", "group_type": "company", "group_key": "second"},
        {"type": "alias", "distinct_id": "aliased", "alias": "anon"},
        {"type": "engage", "distinct_id": "engaged", "$set": {"b": 2}},
        {"alias": "anon-2", "distinct_id": "aliased by members"},
    ]
    assert piped.post("/batch", {"api_key": TOKEN, "batch": items, "sent_at": now()}).is_success()
    wanted = [
        ("$create_alias", "aliased"),
        ("$create_alias", "aliased by members"),
        ("$groupidentify", "first"),
        ("$groupidentify", "second"),
        ("$identify", "engaged"),
        ("$identify", "identified"),
        ("by event", "u"),
        ("by type", "u"),
    ]
    until(lambda: emulator.count() >= len(items), what="the pipeline rows")
    for rows in (piped.query("select event, distinct_id, token from events"), emulator.events()):
        assert sorted((row["event"], row["distinct_id"]) for row in rows) == wanted
        assert {row["token"] for row in rows} == {TOKEN}


def test_decide(hogflare: Hogflare, start_hogflare, tmp_path) -> None:
    answer = hogflare.post("/decide/?v=3", {"distinct_id": "u"})
    assert answer.status == 200
    told = answer.json()
    assert told["config"]["apiToken"] == TOKEN
    assert told["sessionRecording"] is False
    assert {"gzip", "gzip-js"} & set(told["supportedCompression"])
    assert told["status"] == 200
    assert (
        hogflare.post("/decide/?v=3", {"api_key": OTHER_TOKEN, "distinct_id": "u"}).json()["config"]["apiToken"]
        == OTHER_TOKEN
    )
    assert (
        hogflare.post("/decide/?v=3", {"token": OTHER_TOKEN, "distinct_id": "u"}).json()["config"]["apiToken"]
        == OTHER_TOKEN
    )
    by_header = hogflare.post("/decide/?v=3", {"distinct_id": "u"}, x_posthog_api_key=OTHER_TOKEN)
    assert by_header.json()["config"]["apiToken"] == OTHER_TOKEN
    recording = start_hogflare(tmp_path / "recording", POSTHOG_SESSION_RECORDING_ENDPOINT="/s/")
    told = recording.post("/decide/?v=3", {"api_key": TOKEN, "distinct_id": "u"}).json()["sessionRecording"]
    assert told["endpoint"] == "/s/" and told["proxy"] is True and "consoleLogRecordingEnabled" in told


def test_session_recording_chunk(piped: Hogflare, emulator: Emulator) -> None:
    chunk = {"chunk_id": "c1", "chunk": "AAAA", "metadata": {"distinct_id": "recorded"}}
    assert piped.post("/s", {"api_key": TOKEN, "data": chunk}).is_success()
    until(lambda: emulator.count() >= 1, what="the recording's row")
    (row,) = emulator.events()
    assert (row["event_type"], row["distinct_id"], row["api_key"]) == ("$snapshot", "recorded", TOKEN)
    assert piped.query("select count(*) as n from events") == [{"n": 0}]


def test_health(hogflare: Hogflare) -> None:
    assert hogflare.get("/healthz").json() == {"status": "ok"}
    assert hogflare.get("/_liveness").status == 200


EVENT = {"event": "shaped", "distinct_id": "u", "properties": {"text": "🦔 +/="}, "timestamp": WHEN}
KEYED = json.dumps({"api_key": TOKEN} | EVENT)
BASE64 = base64.b64encode(KEYED.encode()).decode()
FORM = {"content_type": "application/x-www-form-urlencoded"}
SHAPES = {
    "object": ("/capture", KEYED, {}),
    "trailing slash": ("/capture/", KEYED, {}),
    "array": ("/capture", f"[{KEYED}]", {}),
    "older path": ("/api/event/", KEYED, {}),
    "/e/": ("/e/", KEYED, {}),
    "/i/v0/e/": ("/i/v0/e/", KEYED, {}),
    "/track": ("/track", KEYED, {}),
    "key in a header": ("/capture", json.dumps(EVENT), {"x_posthog_api_key": TOKEN}),
    "form of JSON": ("/capture", "data=" + urllib.parse.quote_plus(KEYED), FORM),
    "form of base64": ("/e/?compression=base64", "data=" + urllib.parse.quote_plus(BASE64), FORM),
    "form of base64 not escaped": ("/e/", "data=" + BASE64, FORM),
    "base64": ("/e/?compression=base64", BASE64, {"content_type": "text/plain"}),
    "gzip": ("/capture", gzip.compress(KEYED.encode()), {"content_encoding": "gzip"}),
    "gzip without a word": ("/e/", gzip.compress(KEYED.encode()), {"content_type": "text/plain"}),
    "gzip-js": ("/e/?compression=gzip-js&ver=1.57.0", gzip.compress(KEYED.encode()), {"content_type": "text/plain"}),
    "deflate": ("/capture", zlib.compress(KEYED.encode()), {"content_encoding": "deflate"}),
    "in a batch": ("/batch", json.dumps({"api_key": TOKEN, "batch": [EVENT]}), {}),
    "key in the properties": ("/e/", json.dumps([EVENT | {"properties": EVENT["properties"] | {"token": TOKEN}}]), {}),
}


def test_every_shape_of_a_request_becomes_the_same_event(piped: Hogflare, emulator: Emulator) -> None:
    for name, (path, body, headers) in SHAPES.items():
        answer = piped.post(path, body, **headers)
        assert answer.is_success(), f"{name}: {answer.status} {answer.body!r}"
    until(lambda: emulator.count() >= len(SHAPES), what="the pipeline rows")
    rows = piped.query("select event, distinct_id, token, timestamp, properties from events")
    assert len(rows) == len(SHAPES)
    for row in [*rows, *emulator.events()]:
        assert (row["event"], row["distinct_id"], row["token"]) == ("shaped", "u", TOKEN)
        assert as_object(row["properties"])["text"] == "🦔 +/="
        assert as_time(row["timestamp"]) == datetime.fromisoformat(WHEN)


def test_get_with_data(hogflare: Hogflare) -> None:
    answer = hogflare.get(f"/e/?data={urllib.parse.quote_plus(BASE64)}&ver=1.0")
    assert answer.is_success()
    assert hogflare.query("select event, distinct_id from events") == [{"event": "shaped", "distinct_id": "u"}]


def test_a_beacon_gets_no_content(hogflare: Hogflare) -> None:
    answer = hogflare.post("/e/?beacon=1", KEYED)
    assert (answer.status, answer.body) == (204, b"")


def test_sent_at_in_a_header_corrects_the_clock(hogflare: Hogflare) -> None:
    client_now = datetime.now(UTC) - timedelta(hours=3)
    event = EVENT | {"timestamp": (client_now - timedelta(minutes=1)).isoformat()}
    before = datetime.now(UTC)
    answer = hogflare.post("/capture", {"api_key": TOKEN} | event, x_posthog_sent_at=client_now.isoformat())
    after = datetime.now(UTC)
    assert answer.is_success()
    (row,) = hogflare.query("select timestamp from events")
    tick, minute = timedelta(milliseconds=1), timedelta(minutes=1)
    assert before - minute - tick <= as_time(row["timestamp"]) <= after - minute + tick


def test_bearer_token_is_sent_to_the_pipeline(start_hogflare, start_emulator) -> None:
    emulator = start_emulator(EMULATOR_AUTH_TOKEN="pipeline-secret")
    server = start_hogflare(CLOUDFLARE_PIPELINE_ENDPOINT=emulator.url, CLOUDFLARE_PIPELINE_AUTH_TOKEN="pipeline-secret")
    assert server.capture("authorised").is_success()
    until(lambda: emulator.count() == 1, what="the pipeline row")


def test_the_published_sample_query(piped: Hogflare, emulator: Emulator) -> None:
    for n in range(12):
        assert piped.capture("purchase", f"user_{n}", properties={"amount": 29.99, "n": n}).is_success()
    until(lambda: emulator.count() == 12, what="the rows")
    sample = "SELECT distinct_id, event_type, properties FROM {} ORDER BY timestamp DESC LIMIT 10"
    ours, theirs = piped.query(sample.format("events")), emulator.sql(sample.format("default.events"))
    assert [row["distinct_id"] for row in ours] == [row["distinct_id"] for row in theirs]
    assert len(ours) == 10 and {row["event_type"] for row in ours} == {"purchase"}
    assert piped.query(sample.format("default.events")) == ours
