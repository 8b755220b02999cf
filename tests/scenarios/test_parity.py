"""Every line of docs/parity.md: `test_some_id` shows what the line `some-id` says of Hogflare."""

import base64
import gzip
import json
import re
import urllib.parse
import uuid
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import brotli
import pytest
import zstandard

from harness.compare import as_time
from harness.poll import until
from harness.server import TOKEN, Hogflare
from harness.wire import Answer

PAGE = Path(__file__).parents[2] / "docs" / "parity.md"
CHECK = "test_every_line_has_a_test_and_every_test_a_line"

ANCIENT, FAR_AHEAD = "1969-07-20T20:17:40Z", "2077-01-01T00:00:00Z"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
GPTBOT = "Mozilla/5.0 (compatible; GPTBot/1.2; +https://openai.com/gptbot)"
VISITOR = {"x_forwarded_for": "203.0.113.7", "user_agent": FIREFOX}
PERSON_NAMESPACE = uuid.UUID("932979b4-65c3-4424-8467-0b66ec27bc22")
LIMITED = """
[[project]]
token = "phc_spent"
team_id = 2
limits = { events_per_day = 0 }

[[project]]
token = "phc_busy"
team_id = 3
limits = { events_per_second = 1, burst = 1 }
"""


@dataclass(frozen=True)
class Case:
    """One line's events, which are named after it."""

    server: Hogflare
    name: str

    def event(self, **fields) -> dict:
        """An event; a field given as None is left out."""
        event = {"api_key": TOKEN, "event": self.name, "distinct_id": "someone"} | fields
        return {name: value for name, value in event.items() if value is not None}

    def text(self, properties: str) -> str:
        """An event whose properties are given as text."""
        return json.dumps(self.event(properties="HERE")).replace('"HERE"', properties)

    def store(self, body=None, path: str = "/e/", **headers: str) -> dict:
        """Sends one event and returns its row."""
        before = len(self.rows())
        answer = self.server.post(path, self.event() if body is None else body, **headers)
        assert answer.is_success(), (answer.status, answer.body[:500])
        rows = self.rows()
        assert len(rows) == before + 1, rows
        return rows[-1]

    def send(self, **fields) -> dict:
        """Sends an event with these fields and returns its row."""
        return self.store(self.event(**fields))

    def rows(self, table: str = "events", event: str | None = None) -> list[dict]:
        """Returns the rows of the line's events, or of those named so."""
        name = event or self.name
        return self.server.query(f"select * from {table} where event = '{name}' order by journal_offset")

    def row(self, table: str, event: str, distinct_id: str) -> dict:
        """Returns the only row of this event of a visitor of the line's own."""
        rows = [row for row in self.rows(table, event) if row["distinct_id"] == distinct_id]
        assert len(rows) == 1, rows
        return rows[0]


    def persons(self, distinct_id: str) -> list[dict]:
        """Returns the person of a distinct id, if there is one."""
        rows = self.server.query(
            "select p.* from persons p join person_distinct_ids i on i.team_id = p.team_id and i.person_id = p.id "
            f"where i.distinct_id = '{distinct_id}'"
        )
        return [row | {"properties": members(row["properties"])} for row in rows]

    def person(self, distinct_id: str) -> dict:
        """Returns the only person of a distinct id."""
        (person,) = self.persons(distinct_id)
        return person


@pytest.fixture
def case(shared: Hogflare, request: pytest.FixtureRequest) -> Case:
    """Events of the test's name, to the server that all share."""
    return Case(shared, request.node.originalname.removeprefix("test_"))


@pytest.fixture(scope="module")
def limited(binary: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hogflare]:
    """A server with `POSTHOG_API_KEY`, and with two projects that may send little."""
    folder = tmp_path_factory.mktemp("limited")
    (folder / "hogflare.toml").write_text(LIMITED)
    env = {"HOGFLARE_CONFIG": str(folder / "hogflare.toml")}
    server = Hogflare(binary, folder / "data", folder / "hogflare.log", env).start()
    yield server
    server.kill9()


@pytest.fixture
def known(limited: Hogflare, request: pytest.FixtureRequest) -> Case:
    """Likewise, to a server that knows the project."""
    return Case(limited, request.node.originalname.removeprefix("test_"))


def members(text: str | None) -> dict:
    """A JSON object of a row; NULL is empty."""
    return json.loads(text or "{}")


def is_now(time: str) -> bool:
    """Says whether a time is the time of receipt, give or take an hour."""
    return abs(as_time(time) - datetime.now().astimezone()) < timedelta(hours=1)


def v1_headers(token: str = TOKEN, **headers: str) -> dict[str, str]:
    """What a V1 request must have."""
    return {
        "authorization": f"Bearer {token}",
        "user_agent": "posthog-node/5.1.0",
        "posthog_sdk_info": "posthog-node/5.1.0",
        "posthog_attempt": "1",
        "posthog_request_id": str(uuid.uuid4()),
        "posthog_request_timestamp": "2026-07-01T11:00:00Z",
    } | headers


def v1_batch(name: str, **fields) -> dict:
    """A V1 batch of one event."""
    event = {"event": name, "uuid": str(uuid.uuid4()), "distinct_id": "someone", "timestamp": "2026-07-01T11:00:00Z"}
    return {"created_at": "2026-07-01T11:00:00Z", "batch": [event | fields]}


def post_v1(server: Hogflare, body: dict, **headers: str) -> Answer:
    """Sends a V1 batch."""
    return server.post("/i/v1/analytics/events", body, **headers)


def store_v1(case: Case, headers: dict[str, str] | None = None, **fields) -> dict:
    """Sends an event by V1 and returns its row."""
    answer = post_v1(case.server, v1_batch(case.name, **fields), **(headers or v1_headers()))
    assert answer.status == 200, answer.body
    assert [result["result"] for result in answer.json()["results"].values()] == ["ok"]
    return case.rows()[-1]


def ai_part(name: str) -> str:
    """The multipart body of an event about a language model."""
    event = {"event": "$ai_generation", "distinct_id": name, "uuid": str(uuid.uuid4())}
    event["properties"] = {"$ai_model": "gpt-4o", "$ai_input_tokens": 1000, "$ai_output_tokens": 500}
    head = 'Content-Disposition: form-data; name="event"\r\nContent-Type: application/json'
    return f"--part\r\n{head}\r\n\r\n{json.dumps(event)}\r\n--part--\r\n"


def post_ai(server: Hogflare, name: str, authorization: str) -> Answer:
    """Sends an event to /i/v0/ai."""
    media_type = "multipart/form-data; boundary=part"
    return server.post("/i/v0/ai", ai_part(name), content_type=media_type, authorization=authorization)


def traces(name: str) -> dict:
    """OTLP traces of one span, which is of AI."""
    texts = {"gen_ai.system": "openai", "gen_ai.operation.name": "chat", "posthog.distinct_id": name}
    attributes = [{"key": key, "value": {"stringValue": text}} for key, text in texts.items()]
    times = {"startTimeUnixNano": "1760000000000000000", "endTimeUnixNano": "1760000001000000000"}
    span = {"traceId": uuid.uuid4().hex, "spanId": uuid.uuid4().hex[:16], "name": "chat", "attributes": attributes}
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": name}}]}
    return {"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": [span | times]}]}]}


def snapshot(session: str, **properties) -> dict:
    """An item of a session recording."""
    own = {"token": TOKEN, "distinct_id": "someone", "$session_id": session, "$snapshot_data": [{"type": 4}]}
    return {"event": "$snapshot", "properties": own | properties}


def recorded(server: Hogflare, session: str) -> list[dict]:
    """Waits for a session's objects and returns what they hold."""
    found = until(lambda: list(server.data_dir.glob(f"recordings/*/*/{session}/*.zst")), what=f"session {session}")
    return [json.loads(zstandard.ZstdDecompressor().decompressobj().decompress(path.read_bytes())) for path in found]


def cookieless(case: Case, event: str | None = None, **properties) -> dict:
    """An event of a visitor whom nothing is stored of."""
    own = {"$cookieless_mode": True, "$host": "shop.example", "$raw_user_agent": FIREFOX, "line": case.name}
    return case.event(event=event or case.name, distinct_id="$posthog_cookieless", properties=own | properties)


def test_every_line_has_a_test_and_every_test_a_line() -> None:
    lines = re.findall(r"^\| `([a-z0-9-]+)` \|", PAGE.read_text(), re.MULTILINE)
    tests = [name for name in globals() if name.startswith("test_") and name != CHECK]
    assert len(lines) == len(set(lines)), "an id stands for one line"
    assert sorted(lines) == sorted(name.removeprefix("test_").replace("_", "-") for name in tests)


# Decoding


def test_query_numbers(case: Case) -> None:
    row = case.store(path="/e/?_=1750000000000&sent_at=1760000000000")
    assert as_time(row["sent_at"]) == as_time("2025-10-09T08:53:20Z")
    assert case.store(path="/e/?_=soon&sent_at=1.5&beacon=perhaps")["sent_at"] is None
    answer = case.server.post("/e/?beacon=true", case.event())
    assert (answer.status, answer.body) == (204, b"")


@pytest.mark.parametrize("media_type", ["application/x-www-form-urlencoded; charset=UTF-8", "text/plain"])
def test_form_media_type(case: Case, media_type: str) -> None:
    form = "data=" + urllib.parse.quote(json.dumps(case.event()))
    assert case.store(form, content_type=media_type)["distinct_id"] == "someone"


@pytest.mark.parametrize("path", ["/batch/", "/i/v0/e/", "/e/"])
def test_wrappings_anywhere(case: Case, path: str) -> None:
    inner = base64.b64encode(json.dumps(case.event()).encode())
    case.store(base64.b64encode(gzip.compress(inner)), path, content_type="text/plain")
    form = "data=" + urllib.parse.quote(inner)
    case.store(form, path, content_type="application/x-www-form-urlencoded")


def test_plus_in_query(case: Case) -> None:
    data = base64.b64encode(json.dumps(case.event(properties={"text": "~~>>??"})).encode()).decode()
    assert "+" in data
    assert case.server.get(f"/e/?data={data}").is_success()
    assert members(case.rows()[0]["properties"])["text"] == "~~>>??"


def test_wrong_compression_hint(case: Case) -> None:
    case.store(path="/e/?compression=gzip-js")
    case.store(content_encoding="gzip")


def test_more_encodings(case: Case) -> None:
    body, zstd = json.dumps(case.event()).encode(), zstandard.ZstdCompressor().compress
    for name, compress in {"deflate": zlib.compress, "BR": brotli.compress, "zstd": zstd}.items():
        case.store(compress(body), content_encoding=name)
    case.store(zstd(body), content_type="text/plain")


def test_lone_surrogates(case: Case) -> None:
    row = case.store(case.text(r'{"cut":"half \ud83d"}'))
    assert members(row["properties"])["cut"] == "half \ufffd"


def test_raw_control_characters(case: Case) -> None:
    row = case.store(case.text('{"lines":"one\ntwo"}'))
    assert members(row["properties"])["lines"] == "one\ntwo"


def test_cesu8_text(case: Case) -> None:
    as_surrogates = "\ud83e\udd94".encode("utf-8", "surrogatepass")
    body = case.text('{"animal":"HEDGEHOG"}').encode().replace(b"HEDGEHOG", as_surrogates)
    row = case.store(base64.b64encode(body), content_type="text/plain")
    assert members(row["properties"])["animal"] == "🦔"


def test_byte_order_marks(case: Case) -> None:
    case.store(b"\xef\xbb\xbf" + json.dumps(case.event()).encode())


def test_null_items(case: Case) -> None:
    case.store({"api_key": TOKEN, "batch": [None, case.event(), None]}, "/batch/")


@pytest.mark.parametrize("properties", ["null", "[]"])
def test_null_properties(case: Case, properties: str) -> None:
    assert members(case.store(case.text(properties))["properties"]).keys() == {"$ip"}


def test_numeric_times(case: Case) -> None:
    seconds, milliseconds = case.send(timestamp=1750000000), case.send(timestamp=1750000000500)
    assert as_time(seconds["timestamp"]) == as_time("2025-06-15T15:06:40Z")
    assert as_time(milliseconds["timestamp"]) == as_time("2025-06-15T15:06:40.5Z")
    row = case.store({"api_key": TOKEN, "sent_at": 1750000000000, "batch": [case.event()]}, "/batch/")
    assert as_time(row["sent_at"]) == as_time("2025-06-15T15:06:40Z")


@pytest.mark.parametrize("offset", ["86400000", 86400000.5])
def test_offsets_of_any_kind(case: Case, offset: str | float) -> None:
    row = case.send(offset=offset)
    assert as_time(row["created_at"]) - as_time(row["timestamp"]) == timedelta(days=1)


def test_unreadable_uuids(case: Case) -> None:
    assert uuid.UUID(case.send(uuid="event-17")["uuid"]).version == 7


def test_two_names_of_one_member(case: Case) -> None:
    body = {"token": "", "api_key": TOKEN, "event": case.name, "distinct_id": "first", "$distinct_id": "second"}
    row = case.store(body)
    assert (row["token"], row["distinct_id"]) == (TOKEN, "first")


def test_batch_without_a_key(case: Case) -> None:
    assert case.store({"batch": [case.event()]}, "/batch/")["token"] == TOKEN


def test_sets_of_any_kind(case: Case) -> None:
    row = case.send(**{"$set": "plan", "$set_once": ["plan"]})
    assert members(row["extra"]) == {"$set": "plan", "$set_once": ["plan"]}
    assert row["person_properties"] is None


def test_unknown_members(case: Case) -> None:
    row = case.send(context={"app": "shop"}, messageId="m-1")
    assert (members(row["context"]), members(row["extra"])) == ({"app": "shop"}, {"messageId": "m-1"})


def test_items_by_type(case: Case) -> None:
    items = [
        {"type": "identify", "distinct_id": case.name, "properties": {"plan": "pro"}},
        {"type": "alias", "distinct_id": case.name, "alias": "other"},
    ]
    assert case.server.post("/batch/", {"api_key": TOKEN, "batch": items}).is_success()
    assert members(case.row("events", "$identify", case.name)["person_properties"]) == {"plan": "pro"}
    assert members(case.row("events", "$create_alias", case.name)["properties"])["alias"] == "other"


def test_more_paths(case: Case) -> None:
    bodies = {
        "/identify": ("$identify", {"properties": {"plan": "pro"}}),
        "/alias": ("$create_alias", {"alias": "other"}),
        "/groups": ("$groupidentify", {"group_type": "company", "group_key": "acme"}),
        "/api/event": (case.name, {"event": case.name}),
    }
    for path, (event, fields) in bodies.items():
        answer = case.server.post(path, {"api_key": TOKEN, "distinct_id": case.name} | fields)
        assert answer.is_success(), (path, answer.body)
        case.row("events", event, case.name)


def test_engage_source(case: Case) -> None:
    body = {"$token": TOKEN, "$distinct_id": case.name, "$set": {"plan": "pro"}}
    assert case.server.post("/engage", body).is_success()
    row = case.row("events", "$identify", case.name)
    assert (members(row["extra"]), members(row["person_properties"])) == ({"source_path": "/engage"}, {"plan": "pro"})


def test_parser_words(case: Case) -> None:
    error = case.server.post("/e/", case.event(event=5)).error()
    assert error == "failed to parse request: event must be a string"


# Tokens, ids and addresses


def test_tokens_outside_the_body(case: Case) -> None:
    event = case.event(api_key=None)
    assert case.store(case.event(api_key=None, properties={"api_key": "phc_1"}), "/e/?token=phc_4")["token"] == "phc_1"
    headers = {"x_posthog_api_key": "phc_2", "authorization": "Bearer phc_3"}
    assert case.store(event, "/e/?token=phc_4", **headers)["token"] == "phc_2"
    assert case.store(event, "/e/?token=phc_4", authorization="Bearer phc_3")["token"] == "phc_3"
    assert case.store(event, "/e/?token=phc_4")["token"] == "phc_4"
    assert case.store(event, "/e/?api_key=phc_5")["token"] == "phc_5"


def test_configured_token(limited: Hogflare) -> None:
    case = Case(limited, "configured_token")
    assert case.send(api_key=None)["token"] == TOKEN


def test_blank_tokens(case: Case) -> None:
    assert case.store({"api_key": " ", "batch": [case.event()]}, "/batch/")["token"] == TOKEN


def test_unknown_tokens(case: Case, start_hogflare: Callable[..., Hogflare]) -> None:
    row = case.send(api_key="phc_nobody_has")
    assert (row["token"], row["team_id"]) == ("phc_nobody_has", 0)
    refused = start_hogflare(HOGFLARE_UNKNOWN_TOKENS="refuse").post("/e/", case.event(api_key="phc_nobody_has"))
    assert (refused.status, refused.error()) == (401, "API key is not valid: unknown")


def test_persons_of_unknown_tokens(case: Case, limited: Hogflare) -> None:
    assert case.send()["person_id"] == str(uuid.uuid5(PERSON_NAMESPACE, f"{TOKEN}:someone"))
    assert case.send(api_key="phc_stranger")["person_id"] != case.send()["person_id"]
    known = Case(limited, case.name).send()
    assert (known["team_id"], known["person_id"]) == (1, str(uuid.uuid5(PERSON_NAMESPACE, "1:someone")))


def test_blank_distinct_ids(case: Case) -> None:
    assert case.send(distinct_id=" ", properties={"distinct_id": "inner"})["distinct_id"] == "inner"


def test_retries(case: Case) -> None:
    event = case.event(uuid=str(uuid.uuid4()), timestamp="2026-07-01T11:00:00Z")
    case.store(event)
    for again in (event, event | {"timestamp": "2026-07-02T12:00:00Z"}):
        assert case.server.post("/e/", again).is_success()
    assert len(case.rows()) == 1
    case.store(event | {"distinct_id": "another"})


def test_client_address(case: Case) -> None:
    assert case.store(x_forwarded_for="198.51.100.1, 203.0.113.7, 127.0.0.1")["ip"] == "203.0.113.7"


def test_internal_capture(case: Case) -> None:
    row = case.store(case.event(properties={"capture_internal": True}), x_forwarded_for="203.0.113.7")
    assert (row["ip"], members(row["properties"])["capture_internal"]) == ("203.0.113.7", True)


# Times


def test_ancient_times(case: Case) -> None:
    assert is_now(case.send(timestamp=ANCIENT)["timestamp"])
    kept = case.send(timestamp="1971-01-01T00:00:00Z")
    assert as_time(kept["timestamp"]) == as_time("1971-01-01T00:00:00Z")


@pytest.mark.parametrize("sent", ["soon", FAR_AHEAD, ANCIENT])
def test_original_timestamps(case: Case, sent: str) -> None:
    row = case.send(timestamp=sent)
    assert is_now(row["timestamp"])
    assert members(row["extra"]) == {"original_timestamp": sent}


def test_sending_times(case: Case) -> None:
    # By the client's clock ten seconds before it was sent, so ten seconds before it was received.
    happened, sent = "2026-01-01T00:00:00Z", "2026-01-01T00:00:10Z"
    rows = [
        case.send(timestamp=happened, sent_at=sent),
        case.store([case.event(timestamp=happened, sent_at=sent)]),
        case.store(case.event(timestamp=happened), x_posthog_sent_at=sent),
    ]
    for row in rows:
        assert as_time(row["created_at"]) - as_time(row["timestamp"]) == timedelta(seconds=10)


# Properties and persons


def test_properties_as_sent(case: Case) -> None:
    sent = r'"integer":123456789012345678901234567890, "same":1.0,"power":1E2,"letter":"\u0041"'
    properties = case.store(case.text("{" + sent + "}"))["properties"]
    assert properties.startswith("{" + sent + ',"$ip":')


def test_lifted_properties(known: Case) -> None:
    own = {"$set": {"a": 1}, "$set_once": {"b": 2}, "$browser": "Firefox"}
    row = known.send(distinct_id=known.name, properties=own, **{"$set": {"c": 3}})
    assert members(row["properties"]) == own | {"$ip": "127.0.0.1"}
    said = {"a": 1, "b": 2, "c": 3}
    assert members(row["person_properties"]) == said
    lifted = {"$browser": "Firefox", "$initial_browser": "Firefox"}
    assert known.person(known.name)["properties"].items() >= (said | lifted).items()


def test_person_properties(known: Case, binary: Path, tmp_path: Path) -> None:
    first, second = {"$set": {"plan": "pro"}}, {"$set": {"city": "Oslo"}, "$set_once": {"city": "Rome", "x": 1}}
    known.send(distinct_id=known.name, properties=first)
    row = known.send(distinct_id=known.name, properties=second)
    assert members(row["person_properties"]) == {"city": "Oslo", "x": 1}
    assert known.person(known.name)["properties"].items() >= {"plan": "pro", "city": "Oslo", "x": 1}.items()
    env = {"HOGFLARE_PERSON_PROPERTIES": "on_events"}
    whole = Case(Hogflare(binary, tmp_path / "data", tmp_path / "hogflare.log", env).start(), known.name)
    whole.send(distinct_id=known.name, properties=first)
    row = whole.send(distinct_id=known.name, properties=second)
    whole.server.kill9()
    assert members(row["person_properties"]).items() >= {"plan": "pro", "city": "Oslo", "x": 1}.items()


def test_noisy_properties(known: Case) -> None:
    def see(page: str, **properties) -> dict:
        known.send(distinct_id=known.name, properties={"$current_url": page} | properties)
        return known.person(known.name)

    assert see("https://shop.example/1")["properties"]["$current_url"] == "https://shop.example/1"
    assert see("https://shop.example/2")["version"] == 0
    person = see("https://shop.example/3", **{"$set": {"plan": "pro"}})
    assert (person["version"], person["properties"]["$current_url"]) == (1, "https://shop.example/3")


def test_equal_objects(known: Case) -> None:
    for _ in range(2):
        known.send(distinct_id=known.name, properties={"$set": {"tags": ["a", {"b": 1}]}})
    assert known.person(known.name)["version"] == 0


def test_last_seen(known: Case) -> None:
    known.send(distinct_id=known.name, timestamp="2026-07-01T11:22:33Z")
    assert known.person(known.name)["last_seen_at"].startswith("2026-07-01T11:00:00")


def test_large_persons(known: Case) -> None:
    known.send(distinct_id=known.name, properties={"$set": {"kept": "x" * 400_000}})
    known.send(distinct_id=known.name, properties={"$set": {"more": "x" * 400_000}})
    person = known.person(known.name)["properties"]
    assert "kept" in person
    assert "more" not in person


def test_large_merges(known: Case) -> None:
    ids = [f"{known.name}-{number}" for number in range(10_001)]
    for start in range(0, len(ids), 1_000):
        part = [known.event(event="$create_alias", distinct_id=ids[0], properties={"alias": other}) for other in ids[start : start + 1_000]]
        assert known.server.post("/batch/", {"api_key": TOKEN, "batch": part}).is_success()
    known.send(distinct_id=f"{known.name}-other")
    merge = known.event(event="$merge_dangerously", distinct_id=f"{known.name}-other", properties={"alias": ids[0]})
    assert known.server.post("/e/", merge).is_success()
    assert known.person(ids[0])["id"] != known.person(f"{known.name}-other")["id"]


def test_erasures(known: Case) -> None:
    known.send(distinct_id=known.name)
    before = known.person(known.name)
    body = {"id": known.name, "kind": "delete", "project": 1}
    answer = known.server.post("/api/erasures", body, authorization=f"Bearer {known.server.admin_key()}")
    assert (answer.status, answer.json()["distinct_ids"]) == (202, 1)
    until(lambda: known.rows() == [], what="its rows to go")
    known.send(distinct_id=known.name)
    assert known.person(known.name)["created_at"] > before["created_at"]
    assert "backups" in {part["place"] for part in answer.json()["remains"]}


def test_flag_calls(known: Case) -> None:
    call = known.event(event="$feature_flag_called", distinct_id=known.name)
    assert known.server.post("/e/", call).is_success()
    assert known.row("events", "$feature_flag_called", known.name)["person_mode"] == "propertyless"
    assert known.persons(known.name) == []


def test_personless_since(known: Case) -> None:
    row = known.send(distinct_id=known.name, properties={"$process_person_profile": False})
    assert row["person_created_at"] is None


def test_strangers_persons(case: Case) -> None:
    assert case.server.capture("before", case.name).is_success()
    identify = case.event(event="$identify", distinct_id="user-7", properties={"$anon_distinct_id": case.name})
    assert case.server.post("/e/", identify).is_success()
    case.send(distinct_id="user-7")
    assert case.row("events", "before", case.name)["person_id"] != case.rows()[0]["person_id"]
    assert case.server.query("select * from persons") == []


def test_personless_sets(case: Case) -> None:
    own = {"$set": {"a": 1}, "$set_once": {"b": 2}, "$unset": ["c"], "$process_person_profile": False}
    row = case.send(properties=own)
    assert members(row["properties"]) == own | {"$ip": "127.0.0.1"}
    assert (row["person_mode"], row["person_properties"]) == ("propertyless", None)


def test_person_profile_switch(case: Case) -> None:
    row = case.send(properties={"$process_person_profile": True})
    assert members(row["properties"])["$process_person_profile"] is True
    assert row["person_mode"] == "full"


def test_session_id_case(case: Case) -> None:
    session = "0197C5A0-ABCD-7000-8000-00000000CAFE"
    row = case.send(properties={"$session_id": session})
    assert row["session_id"] == session.lower()
    assert members(row["properties"])["$session_id"] == session


def test_misfits(case: Case) -> None:
    misfits = "hogflare_lake_misfit_properties_total"
    before = case.server.metric(misfits)
    row = case.send(properties={"$screen_width": "wide", "$browser": {"name": "Firefox"}, "$screen_height": "900"})
    assert (row["screen_width"], row["browser"], row["screen_height"]) == (None, None, 900)
    assert members(row["properties"])["$screen_width"] == "wide"
    until(lambda: case.server.metric(misfits) >= before + 2, what="both misfits counted")


# Tables


def test_heatmap_rows(case: Case) -> None:
    points = {"https://shop.example/": [{"x": 101, "y": 57, "type": "click"}, {"x": 3, "y": 4, "type": "click"}]}
    assert case.server.capture("$$heatmap", case.name, properties={"$heatmap_data": points}).is_success()
    row = case.row("heatmaps", "$$heatmap", case.name)
    assert members(row["properties"])["$heatmap_data"] == points


def test_heatmap_data(case: Case) -> None:
    points = {"https://shop.example/": [{"x": 1, "y": 2}]}
    row = case.send(distinct_id=case.name, properties={"$heatmap_data": points})
    assert members(row["properties"])["$heatmap_data"] == points
    assert all(row["distinct_id"] != case.name for row in case.rows("heatmaps", "$$heatmap"))


def test_dropped_events(case: Case) -> None:
    personless = {"$process_person_profile": False}
    long_key = {"$group_type": "company", "$group_key": "k" * 401}
    assert case.server.capture("$identify", case.name, properties=personless).is_success()
    assert case.server.capture("$groupidentify", case.name, properties=long_key).is_success()
    reason = case.row("quarantine", "$identify", case.name)["reason"]
    assert reason == "invalid_event_when_process_person_profile_is_false"
    assert case.row("quarantine", "$groupidentify", case.name)["reason"] == "group_key_too_long"


def test_client_warnings(case: Case) -> None:
    assert case.server.capture("$$client_ingestion_warning", case.name).is_success()
    row = case.row("quarantine", "$$client_ingestion_warning", case.name)
    assert row["reason"] == "client_ingestion_warning"


def test_exceptions(case: Case) -> None:
    own = {"$exception_list": [{"type": "TypeError", "value": "x is undefined", "stacktrace": {"frames": []}}]}
    assert case.server.capture("$exception", case.name, properties=own).is_success()
    row = case.row("events", "$exception", case.name)
    assert members(row["properties"]) == own | {"$ip": "127.0.0.1"}


# Capture V1


def test_v1_identity_encoding(case: Case) -> None:
    store_v1(case, v1_headers(content_encoding="identity"))


def test_v1_unknown_members(case: Case) -> None:
    beside = {"$set": {"plan": "pro"}, "context": {"app": "shop"}, "options": {"option_of_tomorrow": 1}}
    row = store_v1(case, **beside)
    assert members(row["extra"]) == beside
    assert (members(row["person_properties"]), row["context"]) == ({}, None)


def test_v1_ancient_times(case: Case) -> None:
    uncorrected = {"disable_skew_correction": True}
    ancient = store_v1(case, timestamp=ANCIENT, options=uncorrected)
    assert is_now(ancient["timestamp"])
    assert members(ancient["extra"])["original_timestamp"] == ANCIENT
    ahead = store_v1(case, timestamp=FAR_AHEAD, options=uncorrected)
    assert as_time(ahead["timestamp"]) == as_time(FAR_AHEAD)


def test_v1_unavailable(start_hogflare: Callable[..., Hogflare]) -> None:
    full = start_hogflare(HOGFLARE_JOURNAL_RESERVE="1000TiB")
    answer = post_v1(full, v1_batch("v1_unavailable"), **v1_headers())
    assert (answer.status, answer.json()["error"]) == (503, "service_unavailable")
    assert answer.headers["retry-after"] == "1"


def test_v1_rate_limits(limited: Hogflare) -> None:
    answer = None

    def is_limited() -> bool:
        nonlocal answer
        answer = post_v1(limited, v1_batch("v1_rate_limits"), **v1_headers("phc_busy"))
        return answer.status != 200

    until(is_limited, every=0, what="the limit of one event a second")
    assert (answer.status, answer.json()["error"]) == (503, "service_unavailable")
    assert answer.headers["retry-after"] == "1"


def test_v1_preflights(shared: Hogflare) -> None:
    asked = {"origin": "https://shop.example", "access-control-request-method": "POST"}
    with shared.connect() as wire:
        preflight = wire.request("OPTIONS", "/i/v1/analytics/events", headers=asked)
        assert wire.request("GET", "/i/v1/analytics/events").status == 405
    assert preflight.headers["access-control-allow-methods"] == "GET,POST,OPTIONS"


# AI and OpenTelemetry


def test_every_route(case: Case) -> None:
    bearer = f"Bearer {TOKEN}"
    answers = [
        case.server.post("/e/", case.event()),
        case.server.post("/s/", snapshot("every-route")),
        case.server.post("/i/v0/ai/batch/", {"api_key": TOKEN, "batch": [case.event(event="$ai_span")]}),
        post_ai(case.server, case.name, bearer),
        case.server.post("/i/v0/ai/otel", traces(case.name), authorization=bearer),
        post_v1(case.server, v1_batch(case.name), **v1_headers()),
        case.server.post("/i/v1/ai/events", v1_batch("$ai_span"), **v1_headers()),
    ]
    assert [answer.status for answer in answers] == [200] * len(answers)


def test_ai_batch(case: Case) -> None:
    case.store({"api_key": TOKEN, "batch": [case.event()]}, "/i/v0/ai/batch/")


def test_ai_bearer(case: Case) -> None:
    assert post_ai(case.server, case.name, f"bearer {TOKEN}").status == 200
    case.row("events", "$ai_generation", case.name)


def test_ai_costs(case: Case) -> None:
    assert post_ai(case.server, case.name, f"Bearer {TOKEN}").status == 200
    properties = members(case.row("events", "$ai_generation", case.name)["properties"])
    assert properties["$ai_output_tokens"] == 500
    assert not [name for name in properties if "cost" in name]


def test_otel_rows(case: Case) -> None:
    sent = traces(case.name)
    assert case.server.post("/i/v1/traces", sent, authorization=f"Bearer {TOKEN}").status == 200
    rows = case.server.query("select signal, resource, body from otel")
    row = next(row for row in rows if case.name in row["resource"])
    assert row["signal"] == "traces"
    assert members(row["resource"]) == sent["resourceSpans"][0]["resource"]
    assert members(row["body"]) == {"scopeSpans": sent["resourceSpans"][0]["scopeSpans"]}


def test_otel_media_types(case: Case) -> None:
    for media_type in ("text/plain", "application/x-protobuf"):
        headers = {"authorization": f"Bearer {TOKEN}", "content_type": media_type}
        assert case.server.post("/i/v0/ai/otel", traces(f"{case.name} {media_type}"), **headers).status == 200
        case.row("events", "$ai_generation", f"{case.name} {media_type}")


def test_otel_tokens(case: Case, limited: Hogflare) -> None:
    assert case.server.post("/i/v0/ai/otel", traces(case.name), x_posthog_api_key=TOKEN).status == 200
    assert case.row("events", "$ai_generation", case.name)["token"] == TOKEN
    assert limited.post("/i/v0/ai/otel", traces(case.name)).status == 200
    assert Case(limited, case.name).row("events", "$ai_generation", case.name)["token"] == TOKEN


# Recordings


def test_recordings_by_session(shared: Hogflare) -> None:
    items = [snapshot("by-session-1"), snapshot("by-session-2", **{"$window_id": "w"}), snapshot("by-session-1")]
    assert shared.post("/s/", items).is_success()
    [first], [second] = recorded(shared, "by-session-1"), recorded(shared, "by-session-2")
    assert (len(first["items"]), first["window_id"]) == (2, "by-session-1")
    assert (len(second["items"]), second["window_id"]) == (1, "w")


def test_recording_batches(shared: Hogflare) -> None:
    assert shared.post("/s/", {"api_key": TOKEN, "batch": [snapshot("in-a-batch")]}).is_success()
    assert recorded(shared, "in-a-batch")[0]["items"] == [{"type": 4}]
    chunk = {"chunk_id": "c-1", "chunk": "…", "metadata": {"distinct_id": "someone"}}
    assert shared.post("/s/", {"api_key": TOKEN, "data": chunk}).is_success()


def test_recording_properties(shared: Hogflare) -> None:
    assert shared.post("/s/", [snapshot("with-properties", **{"$lib_version": "1.2.3"})]).is_success()
    assert recorded(shared, "with-properties")[0]["extra"] == {"$lib_version": "1.2.3"}


def test_recording_times(shared: Hogflare) -> None:
    times = {"timestamp": "2026-01-01T00:00:00Z", "sent_at": "2026-01-01T00:00:10Z"}
    assert shared.post("/s/", [snapshot("with-times") | times]).is_success()
    [recording] = recorded(shared, "with-times")
    assert as_time(recording["created_at"]) - as_time(recording["timestamp"]) == timedelta(seconds=10)


# Flags and remote configuration


def config(server: Hogflare, token: str = TOKEN) -> dict:
    """The remote configuration of a project."""
    answer = server.get(f"/array/{token}/config")
    assert answer.status == 200
    return answer.json()


def test_flags_announced(shared: Hogflare) -> None:
    assert config(shared)["hasFeatureFlags"] is False


@pytest.mark.parametrize("body", ['{"distinct_id":"x"}', '{"token":"phc_nobody_has","distinct_id":"x"}', "no JSON"])
def test_flags_of_anyone(shared: Hogflare, body: str) -> None:
    answer = shared.post("/flags/?v=2", body)
    assert (answer.status, answer.json()["flags"]) == (200, {})


def test_decide_members(shared: Hogflare) -> None:
    told = shared.post("/decide/?v=3", {"token": TOKEN, "distinct_id": "someone"}).json()
    assert (told["status"], told["config"]["apiToken"], told["featureFlags"]) == (200, TOKEN, {})


def test_config_of_any_token(limited: Hogflare) -> None:
    assert config(limited, "phc_nobody_has") == config(limited, TOKEN)


def test_script_versions(shared: Hogflare) -> None:
    newest = shared.get("/static/recorder.js")
    pinned = shared.get("/static/1.2.3/recorder.js")
    assert (newest.status, len(newest.body) > 10_000) == (200, True)
    assert pinned.body == newest.body


def test_toolbar(shared: Hogflare) -> None:
    assert shared.get("/static/toolbar.js").status == 404
    assert config(shared)["toolbarParams"] == {}


def test_push_messages(shared: Hogflare) -> None:
    assert shared.post("/api/push_subscriptions/", {"token": TOKEN, "distinct_id": "someone"}).status == 400
    assert config(shared)["push"] == {"appIds": []}


def test_csp_reports(shared: Hogflare) -> None:
    ignored = "hogflare_csp_reports_ignored_total"
    counted = shared.metric(ignored)
    report = {"csp-report": {"document-uri": "https://shop.example/", "violated-directive": "script-src"}}
    answer = shared.post(f"/report/?token={TOKEN}", report, content_type="application/csp-report")
    assert (answer.status, shared.metric(ignored)) == (204, counted + 1)
    assert shared.query("select * from events where event = '$csp_violation'") == []


# Answers and limits


def test_error_bodies(case: Case) -> None:
    answer = case.server.post("/e/", case.event(distinct_id=None))
    assert (answer.status, answer.headers["content-type"]) == (400, "application/json")
    assert answer.json() == {"status": 0, "error": "event submitted without a distinct_id"}


def test_rate_limits(limited: Hogflare) -> None:
    answer = None

    def is_limited() -> bool:
        nonlocal answer
        answer = limited.post("/e/", {"api_key": "phc_busy", "event": "rate_limits", "distinct_id": "someone"})
        return answer.status != 200

    until(is_limited, every=0, what="the limit of one event a second")
    assert (answer.status, answer.error()) == (503, "rate limit exceeded, please retry")
    assert answer.headers["retry-after"] == "5"


def test_head_requests(case: Case) -> None:
    target = "/e/?data=" + urllib.parse.quote(json.dumps(case.event()))
    with case.server.connect() as wire:
        assert wire.request("HEAD", target).status == 405
    assert case.rows() == []
    assert case.server.get(target).is_success()
    assert len(case.rows()) == 1, "a GET does store it"


def test_large_events(case: Case) -> None:
    case.send(properties={"text": "x" * 4_000_000})
    answer = case.server.post("/e/", case.event(properties={"text": "x" * 9_000_000}))
    assert answer.status == 413
    assert answer.error().startswith("maximum event size exceeded: ")


def test_cors_headers(shared: Hogflare) -> None:
    origin = {"origin": "https://shop.example"}
    with shared.connect() as wire:
        preflight = wire.request("OPTIONS", "/e/", headers=origin | {"access-control-request-method": "POST"})
        failure = wire.request("POST", "/e/", b"{", headers=origin)
    assert preflight.headers["access-control-max-age"] == "86400"
    assert failure.headers["access-control-expose-headers"] == "Retry-After, PostHog-Request-Id"


def test_black_hole(case: Case) -> None:
    assert case.server.post("/test/black_hole", case.event()).status == 404


def test_health_answers(shared: Hogflare) -> None:
    assert shared.get("/_readiness").json() == {"status": "ok", "sinks": {"lake": "working", "recordings": "working"}}
    assert shared.get("/_liveness").json() == {"status": "ok"}


def test_metrics_key(shared: Hogflare) -> None:
    assert shared.get("/metrics").status == 401
    key = (shared.data_dir / "read-key").read_text().strip()
    assert shared.get("/metrics", authorization=f"Bearer {key}").status == 200


# Enrichment


def test_browsers(case: Case) -> None:
    row = case.store(**VISITOR)
    assert (row["browser"], row["os"], row["device_type"]) == ("Firefox", "Linux", "Desktop")
    looked = case.store(case.event(properties={"$browser": "Netscape"}), **VISITOR)
    assert (looked["browser"], looked["os"]) == ("Netscape", None)


def test_bots(case: Case) -> None:
    row = case.store(user_agent=GPTBOT)
    assert (row["bot"], members(row["properties"])["$bot_category"]) == ("GPTBot", "ai_crawler")
    assert case.store(**VISITOR)["bot"] is None


def test_channels(case: Case) -> None:
    page = {"$referring_domain": "www.google.com", "utm_medium": "cpc"}
    for event in ("$pageview", case.name):
        assert case.server.capture(event, case.name, properties=page).is_success()
    view = members(case.row("events", "$pageview", case.name)["properties"])
    assert view["$channel_type"] == "Paid Search"
    assert "$channel_type" not in members(case.rows()[0]["properties"])


def test_places(case: Case) -> None:
    row = case.store(x_forwarded_for="8.8.8.8")
    assert (row["ip"], row["country_code"]) == ("8.8.8.8", None)
    assert "$geoip" not in row["properties"]


# Insights


def asked(server: Hogflare, **request) -> Answer:
    """Asks for trends, of March 2026 unless said otherwise."""
    base = {"dateRange": {"date_from": "2026-03-01", "date_to": "2026-03-01"}}
    key = f"Bearer {server.read_key()}"
    return server.post("/api/insights/trends", base | request, authorization=key)


def trend(case: Case, *filters: dict, **node) -> float:
    """How much there was of the line's events on the first of March."""
    series = {"event": case.name, "properties": list(filters)} | node
    return asked(case.server, series=[series]).json()["results"][0]["count"]


def in_march(case: Case, **properties) -> None:
    """Sends an event of that day."""
    case.send(timestamp="2026-03-01T12:00:00Z", properties=properties)


def test_insight_last_second(known: Case) -> None:
    known.send(timestamp="2026-03-01T23:59:59.999Z")
    known.send(timestamp="2026-03-02T00:00:00Z")
    assert trend(known) == 1


def test_insight_property_types(known: Case) -> None:
    for size in [9, "10", 10.0, "large"]:
        in_march(known, size=size)
    assert trend(known, {"key": "size", "value": 10}) == 2
    assert trend(known, {"key": "size", "value": "9", "operator": "gt"}) == 2


def test_insight_wildcards(known: Case) -> None:
    for rate in ["100%", "1000"]:
        in_march(known, rate=rate)
    assert trend(known, {"key": "rate", "value": "0%", "operator": "icontains"}) == 1


def test_insight_percentiles(known: Case) -> None:
    for size in [1, 2, 10]:
        in_march(known, size=size)
    assert trend(known, math="p90", math_property="size") == pytest.approx(8.4)


def test_insight_persons_of_other(known: Case) -> None:
    for visitor, size in [("a", 1), ("b", 1), ("c", 2), ("d", 3)]:
        known.send(timestamp="2026-03-01T12:00:00Z", distinct_id=f"{known.name}-{visitor}", properties={"size": size})
    point = {"breakdown": "$$_posthog_breakdown_other_$$"}
    breakdown = {"breakdown": "size", "breakdown_limit": 1}
    page = asked(known.server, series=[{"event": known.name}], breakdownFilter=breakdown, persons=point).json()
    assert len(page["persons"]) == 2


def test_insight_missing_filters(known: Case) -> None:
    answer = asked(known.server, series=[{"event": known.name}], properties=[{"key": "size", "operator": "gt"}])
    assert (answer.status, answer.json()["error"]) == (400, "properties[0].value: there is none")


def test_insight_versions(known: Case) -> None:
    for version in ["1.2.3", "none"]:
        in_march(known, version=version)
    assert trend(known, {"key": "version", "value": "1.0.0", "operator": "semver_lt"}) == 0
    assert trend(known, {"key": "version", "value": "1.2.3", "operator": "semver_neq"}) == 1


def ask_kind(case: Case, kind: str, **request) -> dict:
    """Asks another kind for the first of March."""
    body = {"dateRange": {"date_from": "2026-03-01", "date_to": "2026-03-01"}} | request
    answer = case.server.post(f"/api/insights/{kind}", body, authorization=f"Bearer {case.server.read_key()}")
    assert answer.status == 200, answer.body
    return answer.json()


def sent(case: Case, event: str, timestamp: str, **properties) -> None:
    """Sends an event of another name."""
    assert case.server.post("/e/", case.event(event=event, timestamp=timestamp, properties=properties)).is_success()


def test_insight_retention_none(known: Case) -> None:
    in_march(known)
    entity = {"id": known.name}
    breakdown = {"breakdown": "size"}
    answer = ask_kind(known, "retention", retentionFilter={"targetEntity": entity, "returningEntity": entity}, breakdownFilter=breakdown)
    assert [row["breakdown_value"] for row in answer["results"]] == ["$$_posthog_breakdown_null_$$"]


def test_insight_paths_exclude(known: Case) -> None:
    for minute, suffix in enumerate(["a", "b", "c"]):
        sent(known, f"{known.name}-{suffix}", f"2026-03-01T12:0{minute}:00Z")
    only = [{"type": "event_metadata", "key": "event", "value": [f"{known.name}-{suffix}" for suffix in "abc"]}]
    answer = ask_kind(known, "paths", properties=only, pathsFilter={"excludeEvents": [f"{known.name}-b"]})
    assert [(edge["source"], edge["target"]) for edge in answer["results"]] == [(f"1_{known.name}-a", f"2_{known.name}-c")]


def test_insight_funnel_exclusions(known: Case) -> None:
    for hour, suffix in [(0, "a"), (1, "x"), (2, "b"), (26, "a"), (27, "b")]:
        sent(known, f"{known.name}-{suffix}", f"2026-03-0{1 + hour // 24}T{hour % 24:02}:00:00Z")
    steps = [{"event": f"{known.name}-{suffix}"} for suffix in "ab"]
    exclusion = {"event": f"{known.name}-x", "funnelFromStep": 0, "funnelToStep": 1}
    chosen = {"funnelVizType": "trends", "exclusions": [exclusion], "funnelWindowInterval": 5, "funnelWindowIntervalUnit": "hour"}
    dates = {"date_from": "2026-03-01", "date_to": "2026-03-02"}
    [line] = ask_kind(known, "funnels", series=steps, funnelsFilter=chosen, dateRange=dates)["results"]
    assert (line["reached_from_step_count"], line["data"]) == ([0, 1], [0, 100])


def visit(case: Case, session: str, timestamp: str, **properties) -> None:
    """Sends a page view."""
    sent(case, "$pageview", timestamp, **{"$session_id": session, "which": case.name} | properties)


def pages(case: Case, breakdown: str) -> list[dict]:
    """A table of the line's views on the first of March."""
    return ask_kind(case, "web-table", breakdownBy=breakdown, properties=[{"key": "which", "value": case.name}])["results"]


def test_insight_web_sessions(known: Case) -> None:
    visit(known, f"{known.name}-night", "2026-02-28T23:50:00Z", **{"$pathname": "/a"})
    visit(known, f"{known.name}-night", "2026-03-01T00:10:00Z", **{"$pathname": "/b"})
    visit(known, f"{known.name}-day", "2026-03-01T12:00:00Z", **{"$pathname": "/c"})
    assert [row["breakdown_value"] for row in pages(known, "Page")] == ["/c"]


def test_insight_web_entry(known: Case) -> None:
    visit(known, known.name, "2026-03-01T12:00:00Z", **{"$pathname": "/told", "$current_url": "https://a.test/seen?x=1"})
    assert [row["breakdown_value"] for row in pages(known, "InitialPage")] == ["/told"]


def test_insight_errors(known: Case) -> None:
    thrown = {"type": known.name, "value": "odd", "stacktrace": {"frames": [{"function": "f", "filename": "a.js", "lineno": 1}]}}
    sent(known, "$exception", "2026-03-01T12:00:00Z", **{"$exception_list": [thrown]})
    [issue] = ask_kind(known, "errors", searchQuery=known.name)["results"]
    assert issue["fingerprint"] == f"{known.name}: odd @ f a.js" and "status" not in issue


# Cookieless visitors


def test_cookieless_switch(case: Case) -> None:
    row = case.store(cookieless(case), **VISITOR)
    assert row["distinct_id"] != "$posthog_cookieless"


def test_cookieless_ids(case: Case) -> None:
    distinct_id = case.store(cookieless(case), **VISITOR)["distinct_id"]
    assert re.fullmatch(r"cookieless_[A-Za-z0-9+/]{22}", distinct_id)


def test_cookieless_sessions(start_hogflare: Callable[..., Hogflare]) -> None:
    case = Case(start_hogflare(), "cookieless_sessions")
    # Noon is on the same day as a minute later, whenever this runs.
    noon = datetime.now(UTC).replace(hour=12)

    def visit(minute: int) -> dict:
        at = (noon + timedelta(minutes=minute)).isoformat()
        return case.store(cookieless(case) | {"timestamp": at}, **VISITOR)

    first, second = visit(0), visit(1)
    case.server.restart()
    third = visit(2)
    assert first["distinct_id"] == third["distinct_id"], "the salt is kept"
    assert first["session_id"] == second["session_id"] != third["session_id"]


def quarantined(case: Case, event: str) -> dict:
    """The only row of `quarantine` of this event and the line."""
    rows = [row for row in case.rows("quarantine", event) if members(row["properties"]).get("line") == case.name]
    assert len(rows) == 1, rows
    return rows[0]


def test_cookieless_identify(case: Case) -> None:
    assert case.server.post("/e/", cookieless(case, "$identify"), **VISITOR).is_success()
    assert quarantined(case, "$identify")["reason"] == "cookieless_stateless_no_identify"


def test_cookieless_quarantine(case: Case) -> None:
    hostless = cookieless(case, **{"$host": ""})
    assert case.server.post("/e/", hostless, **VISITOR).is_success()
    row = quarantined(case, case.name)
    assert row["reason"] == "cookieless_missing_host"
    assert not members(row["properties"]).keys() & {"$ip", "$raw_user_agent"}


# Not there yet


def test_flag_evaluation(shared: Hogflare) -> None:
    told = shared.post("/flags/?v=2", {"token": TOKEN, "distinct_id": "someone"}).json()
    assert (told["flags"], told["errorsWhileComputingFlags"]) == ({}, False)


def test_survey_lists(shared: Hogflare) -> None:
    lists = {
        "surveys": "surveys",
        "early_access_features": "earlyAccessFeatures",
        "web_experiments": "experiments",
        "product_tours": "product_tours",
    }
    for path, member in lists.items():
        assert shared.get(f"/api/{path}/?token={TOKEN}").json()[member] == [], path


def test_watching_recordings(shared: Hogflare) -> None:
    assert shared.post("/s/", [snapshot("to-be-watched")]).is_success()
    recorded(shared, "to-be-watched")
    assert shared.get("/api/projects/1/session_recordings/to-be-watched").status == 404


def test_insight_parts(known: Case) -> None:
    cohort = asked(known.server, series=[{"event": None}], properties=[{"type": "cohort", "key": "id", "value": 1}])
    assert cohort.status == 400 and cohort.json()["error"].startswith("properties")
    sample = asked(known.server, series=[{"event": None}], samplingFactor=0.1)
    assert (sample.status, sample.json()["error"]) == (400, "samplingFactor: every event is counted")
    action = asked(known.server, series=[{"kind": "ActionsNode", "id": 1}])
    assert action.status == 400 and action.json()["error"].startswith("series[0]")
    for kind, part in [
        ("funnels", {"funnelsFilter": {"funnelOrderType": "unordered", "funnelVizType": "trends"}, "series": [{"event": "a"}, {"event": "b"}]}),
        ("retention", {"retentionFilter": {"timeWindowMode": "24_hour_windows"}}),
        ("retention", {"retentionFilter": {"retentionCustomBrackets": [1]}}),
        ("retention", {"retentionFilter": {"aggregationType": "sum"}}),
        ("paths", {"funnelPathsFilter": {}}),
        ("web-overview", {"conversionGoal": {"customEventName": "x"}}),
    ]:
        answer = known.server.post(f"/api/insights/{kind}", part, authorization=f"Bearer {known.server.read_key()}")
        assert answer.status == 400 and answer.json()["error"].startswith(next(iter(part))), answer.body
