"""The tee: PostHog gets what was accepted as it came, and capture does not notice how it is."""

import base64
import gzip
import itertools
import json
import os
import subprocess
import threading
import uuid
from collections.abc import Callable, Iterator

import brotli
import pytest

from harness.load import now
from harness.node import run_driver
from harness.poll import until
from harness.posthog import Posthog
from harness.process import child_env
from harness.server import TOKEN, Hogflare
from harness.wire import Wire

# Of an answer that did not wait for PostHog, on however busy a machine: the stand-in hangs for longer than this in all.
PATIENCE = 30


@pytest.fixture
def posthog() -> Iterator[Posthog]:
    """A stand-in that takes everything."""
    stand = Posthog().start()
    yield stand
    stand.stop()


@pytest.fixture
def teed(start_hogflare: Callable[..., Hogflare], posthog: Posthog) -> Hogflare:
    """A server in front of it."""
    return start_hogflare(HOGFLARE_TEE=posthog.url, HOGFLARE_TEE_TIMEOUT="2s")


def event(name: str = "seen", **fields) -> dict:
    """One event."""
    return {"api_key": TOKEN, "event": name, "distinct_id": "u", "uuid": str(uuid.uuid4())} | fields


def as_bytes(name: str = "seen", **fields) -> bytes:
    return json.dumps(event(name, **fields)).encode()


def arrived(posthog: Posthog, count: int) -> list:
    """Waits until so many requests were taken, and returns them."""
    until(lambda: len(posthog.taken()) >= count, what=f"{count} requests at PostHog")
    return posthog.taken()


JSON = {"content-type": "application/json", "user-agent": "wire/1"}
V1 = {
    "content-type": "application/json",
    "authorization": f"Bearer {TOKEN}",
    "user-agent": "posthog-node/5.70.0",
    "posthog-sdk-info": "posthog-node/5.70.0",
    "posthog-attempt": "1",
    "posthog-request-id": "0197c5a0-0000-7000-8000-00000000abcd",
}
BOUNDARY = "multipart/form-data; boundary=cut"


def v1_batch(name: str) -> bytes:
    one = {"event": name, "uuid": str(uuid.uuid4()), "distinct_id": "u", "timestamp": now(), "properties": {}, "options": {}}
    return json.dumps({"created_at": now(), "batch": [one]}).encode()


def ai_parts() -> bytes:
    properties = {"$ai_model": "m", "$ai_trace_id": "t"}
    one = {"event": "$ai_generation", "uuid": str(uuid.uuid4()), "distinct_id": "u", "properties": properties}
    head = b'--cut\r\nContent-Disposition: form-data; name="event"\r\nContent-Type: application/json\r\n\r\n'
    return head + json.dumps(one).encode() + b"\r\n--cut--\r\n"


def lanes() -> list[tuple[str, str, bytes | None, dict[str, str]]]:
    """A request on every lane, in every form in which SDKs send them."""
    zipped = gzip.compress(as_bytes("zipped"))
    encoded = base64.b64encode(as_bytes("encoded")).decode().replace("+", "%2B").replace("=", "%3D").replace("/", "%2F")
    form = {"content-type": "application/x-www-form-urlencoded", "user-agent": "wire/1"}
    odd = base64.b64encode(as_bytes("odd")).decode()
    batch = json.dumps({"api_key": TOKEN, "batch": [event("one"), event("two")], "sent_at": now()}).encode()
    return [
        ("POST", "/capture", as_bytes("  spaces   kept "), JSON),
        ("POST", "/capture/", b" \n" + as_bytes("caf\u00e9") + b"\n", JSON),
        ("POST", "/e/?compression=gzip-js&ip=1&_=1700000000000&ver=1.2", zipped, JSON | {"content-type": "text/plain"}),
        ("POST", "/i/v0/e/?_=1&extra=%7e%2F'{}|", b"[" + as_bytes("in an array") + b"]", JSON | {"origin": "https://a.example"}),
        ("POST", "/e/?ip=1", f"data={encoded}".encode(), form),
        ("GET", f"/e/?data={odd.replace('=', '%3D')}&_=1&beacon=1", None, {"user-agent": "wire/1"}),
        ("POST", "/batch/", brotli.compress(batch), JSON | {"content-encoding": "br"}),
        ("POST", "/batch", gzip.compress(batch), JSON | {"content-encoding": "gzip"}),
        ("POST", "/track", as_bytes("tracked"), JSON),
        ("POST", "/engage/", json.dumps({"api_key": TOKEN, "$distinct_id": "u", "$set": {"a": 1}}).encode(), JSON),
        ("POST", "/identify", json.dumps({"api_key": TOKEN, "distinct_id": "u", "properties": {"a": 1}}).encode(), JSON),
        ("POST", "/alias", json.dumps({"api_key": TOKEN, "distinct_id": "u", "alias": "v"}).encode(), JSON),
        (
            "POST",
            "/groups",
            json.dumps({"api_key": TOKEN, "group_type": "company", "group_key": "a", "distinct_id": "u"}).encode(),
            JSON,
        ),
        ("POST", "/i/v1/analytics/events", v1_batch("by v1"), V1 | {"posthog-request-timestamp": now()}),
        ("POST", "/i/v1/ai/events", v1_batch("$ai_span"), V1 | {"posthog-request-timestamp": now()}),
        ("POST", "/i/v0/ai", ai_parts(), {"content-type": BOUNDARY, "authorization": f"Bearer {TOKEN}"}),
        ("POST", "/i/v0/ai/batch/", batch, JSON),
    ]


def test_every_lane_arrives_as_it_came(teed: Hogflare, posthog: Posthog) -> None:
    sent = lanes()
    with teed.connect() as wire:
        for number, (method, target, body, headers) in enumerate(sent, 1):
            raw_request(wire, method, target, body, headers)
            # One after the other, since those of another user agent are another sender.
            arrived(posthog, number)
    for (method, target, body, headers), request in zip(sent, posthog.taken(), strict=True):
        assert (request.method, request.target, request.body) == (method, target, body or b"")
        assert {name: request.headers.get(name) for name in headers} == headers
        assert request.headers["x-forwarded-for"] == "127.0.0.1"


def raw_request(wire: Wire, method: str, target: str, body: bytes | None, headers: dict[str, str]) -> None:
    """Sends a request whose target no library looks at, and expects a success."""
    wire.connection.putrequest(method, "/placeholder", skip_host=True, skip_accept_encoding=True)
    # putrequest refuses what browsers send unescaped.
    wire.connection._buffer[0] = f"{method} {target} HTTP/1.1".encode()
    lines = {"host": "stats.example.com", "cookie": "session=secret"} | headers
    if body is not None:
        lines["content-length"] = str(len(body))
    for name, value in lines.items():
        wire.connection.putheader(name, value)
    wire.connection.endheaders(body)
    response = wire.connection.getresponse()
    said = response.read()
    assert response.status in (200, 204), f"{target}: {response.status} {said!r}"


def test_nothing_else_goes_on(teed: Hogflare, posthog: Posthog) -> None:
    assert teed.post("/flags/?v=2", {"token": TOKEN, "distinct_id": "u"}).status == 200
    assert teed.post("/decide/?v=3", {"token": TOKEN, "distinct_id": "u"}).status == 200
    assert teed.get(f"/array/{TOKEN}/config").status == 200
    assert teed.post("/e/", b"rubbish").status == 400
    assert teed.post("/e/", event("loops"), x_hogflare_tee="1").status == 200
    assert teed.post("/s/", recording()).status == 200
    last = as_bytes("last")
    assert teed.post("/e/", last, cookie="session=secret", x_posthog_signature="sha256=00", host="x").status == 200
    (request,) = arrived(posthog, 1)
    assert request.body == last
    assert not {"cookie", "x-posthog-signature", "accept-encoding"} & request.headers.keys()
    assert request.headers["host"] == f"127.0.0.1:{posthog.port}"
    assert teed.metric("hogflare_tee_skipped_total", reason="loop") == 1


def recording() -> dict:
    properties = {"$session_id": str(uuid.uuid4()), "$window_id": "w", "$snapshot_data": [{"type": 4, "timestamp": 1, "data": {}}]}
    return {"api_key": TOKEN, "event": "$snapshot", "distinct_id": "u", "properties": properties | {"distinct_id": "u", "token": TOKEN}}


def test_recordings_tokens_and_addresses_are_chosen(start_hogflare, posthog: Posthog) -> None:
    server = start_hogflare(
        HOGFLARE_TEE=f"{posthog.url}/ingest/",
        HOGFLARE_TEE_RECORDINGS="on",
        HOGFLARE_TEE_TOKENS=f"phc_other, {TOKEN}",
        HOGFLARE_TEE_ADDRESSES="off",
    )
    assert server.post("/e/", event("strangers") | {"api_key": "phc_stranger"}).status == 200
    assert server.post("/s/", recording()).status == 200
    assert server.post("/e/", event("ours")).status == 200
    # A page sends recordings and a client of its own events: they are in no order.
    assert {request.target for request in arrived(posthog, 2)} == {"/ingest/s/", "/ingest/e/"}
    assert all("x-forwarded-for" not in request.headers for request in posthog.taken())


def numbered(sender: str, number: int) -> bytes:
    return json.dumps(event(f"{sender} {number:05}")).encode()


def first_arrivals(posthog: Posthog) -> list[str]:
    """The names of events in the order of their first arrival."""
    return list(dict.fromkeys(json.loads(body)["event"] for body in posthog.bodies()))


class Senders:
    """Connections that each send one event after the other, and note what was acknowledged."""

    def __init__(self, server: Hogflare, count: int) -> None:
        self.acknowledged: dict[str, list[str]] = {f"sender-{number}": [] for number in range(count)}
        self.troubles: list[str] = []
        self._server, self._stop = server, threading.Event()
        self._counters = {name: itertools.count() for name in self.acknowledged}

    def __enter__(self) -> "Senders":
        self._stop.clear()
        self._threads = [threading.Thread(target=self._send, args=(name,)) for name in self.acknowledged]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_exception) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def total(self) -> int:
        return sum(map(len, self.acknowledged.values()))

    def _send(self, name: str) -> None:
        with self._server.connect(timeout=PATIENCE) as wire:
            while not self._stop.is_set():
                number = next(self._counters[name])
                try:
                    answer = wire.post("/e/", numbered(name, number), user_agent=name)
                except OSError as error:
                    # Killed in the middle: nobody knows what became of this one.
                    self.troubles.append(repr(error))
                    return
                if answer.status != 200:
                    self.troubles.append(f"{name} {number}: {answer.status}")
                    return
                self.acknowledged[name].append(f"{name} {number:05}")
                self._stop.wait(0.01)


@pytest.mark.parametrize("trouble", ["away", "500", "429", "hangs"])
def test_nothing_is_lost_while_posthog_is_in_trouble_and_hogflare_is_killed(
    new_hogflare, posthog: Posthog, trouble: str
) -> None:
    server = new_hogflare(HOGFLARE_TEE=posthog.url, HOGFLARE_TEE_TIMEOUT="1s").start()
    match trouble:
        case "away":
            posthog.stop()
        case "hangs":
            posthog.status = 0
        case status:
            posthog.status, posthog.headers = int(status), {"retry-after": "1"}
    senders = Senders(server, 4)
    with senders:
        until(lambda: senders.total() > 60, timeout=PATIENCE, what="acknowledgements during the trouble")
    assert not senders.troubles
    until(lambda: server.get("/_readiness").json()["sinks"]["posthog"] == "retrying", what="the sink to notice")
    with senders:
        before = senders.total()
        until(lambda: senders.total() > before + 20, timeout=PATIENCE, what="acknowledgements before the kill")
        server.kill9()
    server.start()
    # Only what was cut off by the kill.
    assert not [trouble for trouble in senders.troubles if trouble.endswith(("500", "503"))]
    assert not posthog.taken()
    with senders:
        before = senders.total()
        until(lambda: senders.total() > before + 20, timeout=PATIENCE, what="acknowledgements after the kill")
    posthog.status, posthog.headers = 200, {}
    if trouble == "away":
        posthog.start()
    wanted = {name for names in senders.acknowledged.values() for name in names}
    until(lambda: wanted <= set(first_arrivals(posthog)), timeout=90, what="everything acknowledged at PostHog")
    arrivals = first_arrivals(posthog)
    for sender in senders.acknowledged:
        of_sender = [name for name in arrivals if name.startswith(f"{sender} ")]
        assert of_sender == sorted(of_sender)
    until(lambda: server.metric("hogflare_sink_lag_rows", sink="posthog") == 0, what="no lag")
    assert server.query("select count(*) as n from events")[0]["n"] >= len(wanted)
    server.stop()


def test_a_stop_does_not_wait_for_posthog_and_the_rest_goes_later(new_hogflare, posthog: Posthog) -> None:
    server = new_hogflare(HOGFLARE_TEE=posthog.url, HOGFLARE_TEE_TIMEOUT="60s", HOGFLARE_DRAIN_TIMEOUT="1s").start()
    posthog.status = 0
    bodies = [as_bytes(f"event {number}") for number in range(20)]
    assert all(server.post("/e/", body).status == 200 for body in bodies)
    server.stop()
    posthog.status = 200
    server.start()
    until(lambda: set(bodies) <= set(posthog.bodies()), what="what was left")


def test_a_spent_budget_costs_the_tee_alone(start_hogflare, posthog: Posthog) -> None:
    posthog.stop()
    server = start_hogflare(HOGFLARE_TEE=posthog.url, HOGFLARE_TEE_BUDGET="2MiB")
    padding = os.urandom(150_000).hex()
    for number in range(20):
        assert server.post("/e/", event(f"event {number}", properties={"padding": padding})).status == 200
    kept = server.metric("hogflare_tee_kept_total")
    skipped = server.metric("hogflare_tee_skipped_total", reason="journal_full")
    assert kept + skipped == 20
    assert kept > 1
    assert skipped > 1
    assert server.query("select count(*) as n from events")[0]["n"] == 20
    posthog.start()
    arrived(posthog, int(kept))
    # Room comes back by itself.
    until(lambda: server.post("/e/", event("later")).status == 200 and b"later" in b"".join(posthog.bodies()), every=0.5)
    assert len({json.loads(body)["event"] for body in posthog.bodies()}) == kept + 1


def test_what_posthog_refuses_is_kept_and_sent_again(teed: Hogflare, posthog: Posthog) -> None:
    posthog.refusals = {b"odd one": 400, b"huge one": 413, b"/identify": 404}
    odd, huge, fine = (gzip.compress(as_bytes(name)) for name in ("first", "second", "third"))
    # The stand-in looks at the bytes on the wire.
    assert teed.post("/e/?odd=1", odd).status == 200
    posthog.refusals[odd] = 400
    assert teed.post("/e/", odd).status == 200
    posthog.refusals[huge] = 413
    assert teed.post("/e/", huge).status == 200
    assert teed.post("/identify", {"api_key": TOKEN, "distinct_id": "u", "properties": {}}).status == 200
    assert teed.post("/e/", fine).status == 200
    until(lambda: fine in posthog.bodies(), what="the one behind the refused ones")
    until(lambda: teed.metric("hogflare_sink_dead_letters_total", sink="posthog") >= 3, what="dead letters")
    listed = run_command(teed, "resend", "--dry-run").stdout
    assert "posthog: answered 400" in listed
    assert "posthog: answered 413" in listed
    assert "posthog: answered 404" in listed
    assert "were refused" in teed.doctor()
    posthog.refusals = {}
    done = run_command(teed, "resend")
    assert done.returncode == 0, done.stdout + done.stderr
    assert {odd, huge} <= set(posthog.bodies())
    assert "/identify" in [request.target for request in posthog.taken()]
    assert "no dead letters" in run_command(teed, "resend").stdout


def test_an_erasure_waits_for_no_request_and_leaves_letters_of_others(teed: Hogflare, posthog: Posthog) -> None:
    refused = as_bytes("refused", distinct_id="somebody else")
    posthog.refusals = {refused: 400}
    assert teed.post("/e/", refused).status == 200
    many = [event(f"seen {number}", distinct_id="1") for number in range(20)]
    assert teed.post("/batch/", {"api_key": TOKEN, "batch": many}).status == 200
    until(lambda: teed.metric("hogflare_sink_dead_letters_total", sink="posthog") == 1, what="a dead letter")
    shown = {"authorization": f"Bearer {teed.admin_key()}"}
    asked = teed.post("/api/erasures", {"id": "1", "kind": "delete"}, **shown)
    assert asked.status == 202, asked.body

    def receipt() -> dict:
        return teed.get(f"/api/erasures/{asked.json()['id']}", authorization=f"Bearer {teed.read_key()}").json()

    until(lambda: receipt()["is_done"], timeout=90, every=0.5, what="the erasure")
    assert receipt()["removed"]["events"] == 20
    posthog.refusals = {}
    assert "1 rows taken" in run_command(teed, "resend").stdout
    assert refused in posthog.bodies()


def run_command(server: Hogflare, *words: str, **env: str) -> subprocess.CompletedProcess:
    """Runs a command of the binary with the server's settings."""
    settings = child_env({"HOGFLARE_DATA_DIR": str(server.data_dir)} | server.env | env)
    command = [str(server.binary), *words]
    cwd = server.log_path.parent
    return subprocess.run(command, env=settings, cwd=cwd, capture_output=True, text=True, timeout=120, check=False)


def test_a_wrong_address_pauses_the_tee_and_puts_little_aside(new_hogflare, posthog: Posthog) -> None:
    server = new_hogflare(HOGFLARE_TEE=posthog.url).start()
    posthog.status = 404
    bodies = [as_bytes(f"event {number}") for number in range(60)]
    with server.connect() as wire:
        assert all(wire.post("/e/", body).status == 200 for body in bodies)
    until(lambda: server.get("/_readiness").json()["sinks"]["posthog"] == "paused", what="the sink to pause")
    assert "answered 404" in server.trouble("posthog")
    assert server.metric("hogflare_sink_dead_letters_total", sink="posthog") < 20
    posthog.status = 200
    server.restart()
    until(lambda: set(bodies[20:]) <= set(posthog.bodies()), what="what waited")


@pytest.mark.parametrize("sdk", ["posthog_python.py", "posthog_node.js"])
@pytest.mark.parametrize("compression", ["on", "off"])
def test_sdks_are_forwarded_byte_for_byte(teed: Hogflare, posthog: Posthog, start_tee, sdk: str, compression: str) -> None:
    proxy = start_tee(teed.port)
    believed = run_driver(
        sdk, compression=compression, posthog_host=proxy.url, token=TOKEN, explicit_uuid=str(uuid.uuid4())
    )
    assert len(believed) > 10
    asked = ("/flags", "/array", "/decide", "/api", "/static")
    sent = [exchange for exchange in proxy.exchanges() if not exchange.target.startswith(asked)]
    assert sent and all(exchange.status == 200 for exchange in sent)
    arrived(posthog, len(sent))
    compared = ("content-type", "content-encoding", "user-agent", "authorization", "posthog-sdk-info")

    def essence(request) -> tuple:
        headers = tuple(request.headers.get(name) for name in compared)
        return request.method, request.target, request.body, headers

    assert sorted(map(repr, map(essence, posthog.taken()))) == sorted(map(repr, map(essence, sent)))


@pytest.mark.parametrize(
    ("env", "complaint"),
    [
        ({"HOGFLARE_TEE": "us.i.posthog.com"}, "HOGFLARE_TEE"),
        ({"HOGFLARE_TEE": "http://us.i.posthog.com"}, "https"),
        ({"HOGFLARE_TEE": "https://me:hunter2@posthog.example"}, "HOGFLARE_TEE"),
        ({"HOGFLARE_TEE": "https://a.example", "HOGFLARE_PUBLIC_URL": "https://a.example"}, "another server than this one"),
        ({"HOGFLARE_TEE_TOKENS": "phc_a"}, "HOGFLARE_TEE to be set too"),
        ({"HOGFLARE_TEE": "https://a.example", "HOGFLARE_TEE_BUDGET": "1KB"}, "at least 1MiB"),
        ({"HOGFLARE_TEE": "https://a.example", "HOGFLARE_TEE_RECORDINGS": "maybe"}, "on or off"),
    ],
)
def test_wrong_settings_stop_the_start(new_hogflare, env: dict[str, str], complaint: str) -> None:
    server = new_hogflare(**env).start(wait=False)
    assert server.process.wait_end() == 64
    assert complaint in server.process.log()
    assert "hunter2" not in server.process.log()


def test_itself_is_no_posthog(new_hogflare) -> None:
    server = new_hogflare()
    server.start()
    done = run_command(server, "serve", APP_ADDR=f"0.0.0.0:{server.port}", HOGFLARE_TEE=server.url)
    assert done.returncode == 64
    assert "another server than this one" in done.stderr


def test_doctor_asks_posthog(teed: Hogflare, posthog: Posthog) -> None:
    assert "ok    tee: 127.0.0.1: answers (200 OK)" in teed.doctor()
    posthog.stop()
    assert "BAD   tee: 127.0.0.1" in teed.doctor()


def test_a_tee_that_is_taken_away_holds_nothing_back(new_hogflare, posthog: Posthog) -> None:
    server = new_hogflare(HOGFLARE_TEE=posthog.url).start()
    posthog.stop()
    body = as_bytes("waits")
    assert server.post("/e/", body).status == 200
    server.stop()
    server.start(HOGFLARE_TEE="")
    assert "requests that it has not forwarded wait here" in server.process.log()
    assert server.post("/e/", event("alone")).status == 200
    assert "posthog" not in server.get("/_readiness").json()["sinks"]
    server.stop()
    posthog.start()
    server.start()
    arrived(posthog, 1)
    assert posthog.bodies() == [body]


def compare(server: Hogflare, posthog: Posthog, *words: str, key: str = "phx_reader") -> subprocess.CompletedProcess:
    """Runs `hogflare compare` over two days."""
    span = ["--from", "2026-11-01", "--to", "2026-11-02", "--host", posthog.url, "--project-id", "7"]
    return run_command(server, "compare", *span, *words, POSTHOG_PERSONAL_API_KEY=key)


@pytest.fixture
def counted(hogflare: Hogflare) -> Hogflare:
    """A server with events of two days, and one of the day after."""
    times = {"a": ["2026-11-01T00:00:00Z", "2026-11-01T23:59:59Z", "2026-11-02T12:00:00Z", "2026-11-03T00:00:00Z"], "b": ["2026-11-02T01:00:00Z"]}
    for name, stamps in times.items():
        for stamp in stamps:
            assert hogflare.post("/e/", event(name, timestamp=stamp)).status == 200
    return hogflare


EQUAL = [["2026-11-01", "a", 2], ["2026-11-02", "a", 1], ["2026-11-02", "b", 1]]


def test_equal_counts_are_equal(counted: Hogflare, posthog: Posthog) -> None:
    posthog.counts = EQUAL
    done = compare(counted, posthog)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "equal: 3 days and events" in done.stdout
    (question,) = posthog.questions
    assert "'2026-11-01 00:00:00'" in question["query"]["query"]
    assert "'2026-11-03 00:00:00'" in question["query"]["query"]


def test_unequal_counts_are_told_by_day_and_event(counted: Hogflare, posthog: Posthog) -> None:
    posthog.counts = [["2026-11-01", "a", 2], ["2026-11-02", "a", 4], ["2026-11-02", "$$heatmap", 9]]
    done = compare(counted, posthog, "--format", "csv")
    assert done.returncode == 1
    assert done.stdout.splitlines() == [
        "day,event,hogflare,posthog,difference,equal",
        '2026-11-01,"a",2,2,0,true',
        '2026-11-02,"$$heatmap",0,9,-9,false',
        '2026-11-02,"a",1,4,-3,false',
        '2026-11-02,"b",1,0,1,false',
    ]
    posthog.questions.clear()
    table = compare(counted, posthog).stdout
    assert "3 of 4 days and events differ" in table
    assert "`$$heatmap`" in table
    posthog.questions.clear()
    document = json.loads(compare(counted, posthog, "--format", "json").stdout)
    assert (document["equal"], document["hogflare"], document["posthog"]) == (False, 4, 15)


def test_a_tolerance_is_percent(counted: Hogflare, posthog: Posthog) -> None:
    posthog.counts = [["2026-11-01", "a", 3], ["2026-11-02", "a", 1], ["2026-11-02", "b", 1]]
    assert compare(counted, posthog, "--tolerance", "30").returncode == 1
    posthog.questions.clear()
    assert compare(counted, posthog, "--tolerance", "34").returncode == 0


def test_what_cannot_be_compared_is_no_difference(counted: Hogflare, posthog: Posthog) -> None:
    wrong_key = compare(counted, posthog, key="phx_wrong")
    assert (wrong_key.returncode, "query:read" in wrong_key.stderr) == (2, True)
    no_key = compare(counted, posthog, key="")
    assert (no_key.returncode, "POSTHOG_PERSONAL_API_KEY" in no_key.stderr) == (2, True)
    assert compare(counted, posthog, "--tolerance", "lots").returncode == 2
    posthog.counts = [["2026-11-01"]]
    assert compare(counted, posthog).returncode == 2
    posthog.stop()
    assert compare(counted, posthog).returncode == 2
