"""Signed requests: with POSTHOG_SIGNING_SECRET set, what writes must carry a valid signature."""

import base64
import gzip
import hashlib
import hmac
import json

import pytest

from harness.server import TOKEN, Hogflare
from harness.wire import Answer

SECRET = "whsec_of_the_tests"
BODY = json.dumps({"api_key": TOKEN, "event": "signed", "distinct_id": "signer"}).encode()


@pytest.fixture
def signed(start_hogflare) -> Hogflare:
    """A server that requires signatures."""
    return start_hogflare(POSTHOG_SIGNING_SECRET=SECRET)


def digest(algorithm: str, body: bytes = BODY, secret: str = SECRET) -> bytes:
    """The HMAC of a body."""
    return hmac.new(secret.encode(), body, getattr(hashlib, algorithm)).digest()


def encoded(raw: bytes) -> str:
    """Base64."""
    return base64.b64encode(raw).decode()


POSTHOG, HUB = "x_posthog_signature", "x_hub_signature"
VALID = {
    "bare hex": {POSTHOG: digest("sha256").hex()},
    "bare base64": {POSTHOG: encoded(digest("sha256"))},
    "sha256 hex": {POSTHOG: "sha256=" + digest("sha256").hex()},
    "sha256 base64": {POSTHOG: "sha256=" + encoded(digest("sha256"))},
    "sha1 hex": {POSTHOG: "sha1=" + digest("sha1").hex()},
    "hub bare sha1": {HUB: digest("sha1").hex()},
    "hub sha1": {HUB: "sha1=" + digest("sha1").hex()},
    "hub sha256": {HUB: "sha256=" + digest("sha256").hex()},
    "one wrong, one right": {POSTHOG: "sha256=" + "0" * 64, HUB: "sha1=" + digest("sha1").hex()},
}
INVALID = {
    "none": {},
    "empty": {POSTHOG: ""},
    "another body": {POSTHOG: digest("sha256", b"{}").hex()},
    "another secret": {POSTHOG: digest("sha256", secret="guess").hex()},
    "cut short": {POSTHOG: digest("sha256").hex()[:-2]},
    "sha1 where sha256 is the default": {POSTHOG: digest("sha1").hex()},
    "unknown algorithm": {POSTHOG: "md5=" + "0" * 32},
}


def refused(answer: Answer) -> bool:
    """Says whether it is a 401 with a message."""
    return answer.status == 401 and bool(answer.error())


def test_valid_signatures_are_accepted(signed: Hogflare) -> None:
    for name, headers in VALID.items():
        assert signed.post("/capture", BODY, **headers).is_success(), name


def test_missing_and_wrong_signatures_are_refused_and_store_nothing(signed: Hogflare) -> None:
    for name, headers in INVALID.items():
        assert refused(signed.post("/capture", BODY, **headers)), name
    assert signed.query("select count(*) as n from events") == [{"n": 0}]


def test_signature_covers_the_compressed_body(signed: Hogflare) -> None:
    packed = gzip.compress(BODY)
    right = {"content_encoding": "gzip", POSTHOG: digest("sha256", packed).hex()}
    wrong = {"content_encoding": "gzip", POSTHOG: digest("sha256", BODY).hex()}
    assert signed.post("/capture", packed, **right).is_success()
    assert refused(signed.post("/capture", packed, **wrong))


@pytest.mark.parametrize(
    "path", ["/e/", "/i/v0/e/", "/batch/", "/identify", "/groups", "/alias", "/engage", "/s/", "/track"]
)
def test_every_path_that_writes_needs_a_signature(signed: Hogflare, path: str) -> None:
    assert refused(signed.post(path, BODY))


def test_flags_and_configuration_need_no_signature(signed: Hogflare) -> None:
    question = {"token": TOKEN, "distinct_id": "signer"}
    assert signed.post("/decide/?v=3", question).status == 200
    assert signed.post("/flags/?v=2", question).status == 200
    assert signed.get("/healthz").status == 200
