"""Pages of any origin may send events, and read errors."""

import pytest

from harness.server import TOKEN, Hogflare

ORIGIN = "https://shop.example"
WRITES = ["/e/", "/i/v0/e/", "/capture", "/batch/", "/s/", "/engage", "/i/v1/analytics/events"]
READS = ["/flags/?v=2", "/decide/?v=3", f"/array/{TOKEN}/config", f"/array/{TOKEN}/config.js"]


def words(value: str) -> set[str]:
    """The entries of a comma list in lower case."""
    return {word.strip().lower() for word in value.split(",")}


@pytest.mark.parametrize("path", WRITES + READS)
def test_preflight_allows_what_the_page_asks_for(shared: Hogflare, path: str) -> None:
    asked = {
        "origin": ORIGIN,
        "access-control-request-method": "POST",
        "access-control-request-headers": "content-type,authorization,x-custom",
    }
    with shared.connect() as wire:
        answer = wire.request("OPTIONS", path, headers=asked)
    assert answer.status in (200, 204) and answer.body == b""
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    assert answer.headers["access-control-allow-credentials"] == "true"
    assert {"content-type", "authorization", "x-custom"} <= words(answer.headers["access-control-allow-headers"])
    assert "post" in words(answer.headers["access-control-allow-methods"])


@pytest.mark.parametrize(
    "body", [{"api_key": TOKEN, "event": "e", "distinct_id": "u"}, {"nothing": 1}], ids=["good", "bad"]
)
def test_answers_and_errors_can_be_read_by_the_page(shared: Hogflare, body: dict) -> None:
    answer = shared.post("/e/", body, origin=ORIGIN)
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    assert answer.headers["access-control-allow-credentials"] == "true"
    assert "origin" in words(answer.headers["vary"])
    assert "retry-after" in words(answer.headers["access-control-expose-headers"])
