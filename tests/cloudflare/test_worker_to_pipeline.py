"""SDK → Worker in workerd → the binary as a container runs it → pipeline."""

import gzip
import json
import uuid

import pytest
from harness.compare import check_belief, check_rows, check_stored_once
from harness.node import run_driver
from harness.poll import until
from harness.server import TOKEN, Hogflare
from support.edge import CLIENT_IP, is_up

# As wrangler.jsonc and the image set them.
DEPLOYED = {
    "HOGFLARE_ACK": "delivered",
    "HOGFLARE_LAKE": "off",
    "HOGFLARE_TRUST_PROXY": "worker",
    "HOGFLARE_LOG_FORMAT": "json",
}
PLACE = {
    "$ip": CLIENT_IP,
    "$geoip_country_code": "BR",
    "$geoip_country_name": "Brazil",
    "$geoip_continent_code": "SA",
    "$geoip_continent_name": "South America",
    "$geoip_subdivision_1_name": "São Paulo",
    "$geoip_subdivision_1_code": "SP",
    "$geoip_city_name": "São Paulo",
    "$geoip_postal_code": "01000-000",
    "$geoip_time_zone": "America/Sao_Paulo",
}
SPOOFED = {
    "x_hogflare_client_ip": "6.6.6.6",
    "x_hogflare_country": "KP",
    "x_hogflare_city": "Pyongyang",
    "x_forwarded_for": "6.6.6.6",
    "cf_connecting_ip": "6.6.6.6",
    "cf_container_target_port": "22",
}


# What Cloudflare knows besides PostHog's `$geoip_*`, and how it stands among person properties.
ADDED = ("$geoip_", "$initial_geoip_", "cf_")


@pytest.fixture
def deployed(start_hogflare, emulator) -> Hogflare:
    """The binary with the settings that it has on Cloudflare."""
    return start_hogflare(CLOUDFLARE_PIPELINE_ENDPOINT=emulator.url, **DEPLOYED)


def check_place(row: dict) -> None:
    """The row says who and where as Cloudflare did."""
    properties = row["properties"]
    assert {name: properties.get(name) for name in PLACE} == PLACE
    assert float(properties["$geoip_latitude"]) == -23.5475
    assert float(properties["$geoip_longitude"]) == -46.63611
    assert not isinstance(properties["$geoip_latitude"], str)


def without_place(row: dict) -> dict:
    """The row as it were without Cloudflare, for comparison with what was sent."""
    properties = _not_added(row["properties"])
    for name in ("$set", "$set_once"):
        if name in properties:
            properties[name] = _not_added(properties[name])
    emptied = {name for name in ("$set", "$set_once") if properties.get(name) == {}}
    return row | {"properties": {name: value for name, value in properties.items() if name not in emptied}}


def _not_added(members: dict) -> dict:
    return {name: value for name, value in members.items() if not name.startswith(ADDED)}


def test_posthog_js_through_the_worker(deployed, emulator, start_tee, start_edge) -> None:
    tee = start_tee(deployed.port)
    edge = start_edge(UPSTREAM=tee.url)
    settings = {"posthog_host": edge.url, "token": TOKEN, "explicit_uuid": str(uuid.uuid4()), "compression": "on"}
    believed = run_driver("posthog_js.js", **settings)
    sent = tee.events()
    assert len(sent) > 100
    until(lambda: emulator.count() >= len(sent), timeout=60, what="the pipeline to hold every event")
    rows = emulator.events()
    check_belief(believed, sent)
    check_stored_once(sent, rows)
    check_rows(sent, [without_place(row) for row in rows])
    for row in rows:
        check_place(row)
    assert emulator.dropped() + emulator.stripped() == []


def test_a_gzip_batch_through_the_worker(deployed, emulator, start_edge) -> None:
    events = [{"event": f"e{index}", "distinct_id": "u", "uuid": str(uuid.uuid4())} for index in range(50)]
    body = gzip.compress(json.dumps({"api_key": TOKEN, "batch": events}).encode())
    edge = start_edge(UPSTREAM=deployed.url)
    answer = edge.post("/batch/", body, content_encoding="gzip", **SPOOFED)
    assert answer.is_success()
    # Acknowledged once delivered, so nothing is waited for.
    rows = emulator.events()
    assert [(row["event"], row["uuid"]) for row in rows] == [(event["event"], event["uuid"]) for event in events]
    for row in rows:
        check_place(row)


def test_refusals_of_the_service_come_back_as_they_are(deployed, start_edge) -> None:
    edge = start_edge(UPSTREAM=deployed.url)
    for path, body in [("/e/", b"{"), ("/e/", b'{"event": "e"}'), ("/nowhere", b"{}")]:
        direct, through = deployed.post(path, body, origin="https://a.example"), edge.post(path, body, origin="https://a.example")
        assert 400 <= direct.status < 500
        assert (through.status, through.body) == (direct.status, direct.body)
        names = [name for name in direct.headers if name.startswith("access-control-") or name == "content-type"]
        assert {name: through.headers.get(name) for name in names} == {name: direct.headers[name] for name in names}


def test_a_pipeline_that_is_down_is_the_services_answer(deployed, emulator, start_edge) -> None:
    emulator.stop()
    answer = start_edge(UPSTREAM=deployed.url).post("/e/", {"api_key": TOKEN, "event": "e", "distinct_id": "u"})
    assert answer.status == 503
    assert answer.error() == "transient error, please retry"


def test_events_sent_again_after_a_restart_are_stored(deployed, emulator, start_edge) -> None:
    edge = start_edge(UPSTREAM=deployed.url)
    event = {"api_key": TOKEN, "event": "e", "distinct_id": "u", "uuid": str(uuid.uuid4())}
    deployed.stop()
    assert edge.post("/e/", event).status == 503
    until(lambda: not is_up(deployed), what="the service to be gone")
    again = start_again_on_the_same_port(deployed)
    assert edge.post("/e/", event).is_success()
    assert [row["uuid"] for row in emulator.events()] == [event["uuid"]]
    again.stop()


def start_again_on_the_same_port(server: Hogflare) -> Hogflare:
    """Starts a stopped server where the Worker looks for it."""
    port = server.port
    server.start(wait=False, APP_ADDR=f"127.0.0.1:{port}")
    server.port = port
    server.process.wait_ready(server.is_ready, timeout=60)
    return server
