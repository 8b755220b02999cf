"""What the service gets of a request: who and where as Cloudflare says it, everything else as sent."""

import gzip

import pytest
from support.edge import CLIENT_IP

SPOOFED = {
    "x-hogflare-client-ip": "6.6.6.6",
    "x-hogflare-country": "KP",
    "x-hogflare-metro-code": "1",
    "x-hogflare-anything": "else",
    "cf-connecting-ip": "6.6.6.6",
    "cf-container-target-port": "22",
    "cf-ipcountry": "KP",
    "x-forwarded-for": "6.6.6.6",
    "x-forwarded-host": "evil.example",
    "x-forwarded-proto": "gopher",
    "forwarded": "for=6.6.6.6",
    "x-real-ip": "6.6.6.6",
    "x-client-ip": "6.6.6.6",
    "true-client-ip": "6.6.6.6",
}


def test_place_and_address_come_from_cloudflare(start_edge, upstream) -> None:
    start_edge(UPSTREAM=upstream.url).post("/e/", {})
    told = {name: value for name, value in upstream.seen[0].headers.items() if name.startswith("x-hogflare-")}
    assert told == {
        "x-hogflare-client-ip": CLIENT_IP,
        "x-hogflare-country": "BR",
        "x-hogflare-country-name": "Brazil",
        "x-hogflare-continent": "SA",
        "x-hogflare-continent-name": "South%20America",
        "x-hogflare-region": "S%C3%A3o%20Paulo",
        "x-hogflare-region-code": "SP",
        "x-hogflare-city": "S%C3%A3o%20Paulo",
        "x-hogflare-postal-code": "01000-000",
        "x-hogflare-latitude": "-23.54750",
        "x-hogflare-longitude": "-46.63611",
        "x-hogflare-timezone": "America%2FSao_Paulo",
        "x-hogflare-asn": "27699",
        "x-hogflare-as-organization": "Telef%C3%B4nica%20Brasil%20S.A.",
        "x-hogflare-colo": "GRU",
    }
    assert upstream.seen[0].headers["cf-ray"] == "8f00ba5e00000000-GRU"


def test_what_a_client_claims_does_not_pass(start_edge, upstream) -> None:
    edge = start_edge(UPSTREAM=upstream.url, cf={})
    edge.request("POST", "/e/", b"{}", **{name.title().replace("-", "_"): value for name, value in SPOOFED.items()})
    got = upstream.seen[0].headers
    assert {name: got.get(name) for name in SPOOFED} == {name: None for name in SPOOFED} | {
        "x-hogflare-client-ip": CLIENT_IP
    }
    assert "6.6.6.6" not in str(got)


def test_everything_else_passes_as_it_was_sent(start_edge, upstream) -> None:
    edge = start_edge(UPSTREAM=upstream.url)
    body = gzip.compress(b'{"batch": []}')
    sent = {"content-type": "text/plain", "content-encoding": "gzip", "user-agent": "posthog-test/1", "x-custom": "a, b"}
    edge.post("/batch/?compression=gzip&x=%20%2F+é".replace("é", "%C3%A9"), body, **sent)
    seen = upstream.seen[0]
    assert (seen.method, seen.target) == ("POST", "/batch/?compression=gzip&x=%20%2F+%C3%A9")
    assert seen.body == body
    assert sent.items() <= seen.headers.items()


@pytest.mark.parametrize("method", ["GET", "PUT", "OPTIONS", "HEAD"])
def test_methods_pass(start_edge, upstream, method: str) -> None:
    start_edge(UPSTREAM=upstream.url).request(method, "/flags/?v=2")
    assert (upstream.seen[0].method, upstream.seen[0].target) == (method, "/flags/?v=2")


def test_no_path_leads_to_another_host(start_edge, upstream) -> None:
    edge = start_edge(UPSTREAM=upstream.url)
    for path in ("//evil.example/e", "/@evil.example/", "/x?UPSTREAM=http://evil.example"):
        assert edge.request("GET", path, UPSTREAM="http://evil.example", host="evil.example").status == 200
    assert [seen.target for seen in upstream.seen] == [
        "//evil.example/e",
        "/@evil.example/",
        "/x?UPSTREAM=http://evil.example",
    ]


def test_a_body_of_megabytes_arrives_whole(start_edge, upstream) -> None:
    body = bytes(range(256)) * 4096 * 5
    assert start_edge(UPSTREAM=upstream.url).post("/s/", body).status == 200
    assert upstream.seen[0].body == body
