"""Certificates by ACME, from an authority that really looks."""

import datetime
import http.client
import json
import ssl
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.acme import Acme
from harness.https import ELSEWHERE, SecureHogflare
from harness.poll import until

NAMES = "stats.shop.example, Events.shop.example"


@pytest.fixture
def new_named(new_secure: Callable[..., SecureHogflare], acme: Acme) -> Callable[..., SecureHogflare]:
    """Makes servers that ask the authority for certificates of their names."""

    def make(**env: str) -> SecureHogflare:
        wanted = {"HOGFLARE_TLS_DOMAIN": NAMES} | acme.settings
        return new_secure("stats.shop.example", **wanted | env)

    return make


def started(server: SecureHogflare, acme: Acme) -> SecureHogflare:
    """Starts a server, to which all names lead from then on."""
    server.start(wait=False)
    acme.port = server.port
    server.process.wait_ready(server.is_ready, timeout=60)
    return server


def has_certificate(server: SecureHogflare) -> bool:
    """Says whether a client that believes the authority is served."""
    try:
        return server.get("/healthz").status == 200
    except (OSError, http.client.HTTPException):
        return False


def serial(server: SecureHogflare) -> str:
    """That of the certificate which is shown."""
    with server.connect() as wire:
        return wire.certificate()["serialNumber"]


def test_a_certificate_is_had_and_kept_for_the_next_start(new_named: Callable[..., SecureHogflare], acme: Acme, binary: Path) -> None:
    server = started(new_named(HOGFLARE_TLS_CONTACT="jane@example.com"), acme)
    until(lambda: has_certificate(server), timeout=60, what="a certificate")
    assert acme.looked == ["stats.shop.example", "events.shop.example"]
    assert list(acme.contacts.values()) == [["mailto:jane@example.com"]]
    with server.connect() as wire:
        names = {name for kind, name in wire.certificate()["subjectAltName"] if kind == "DNS"}
    assert names == {"stats.shop.example", "events.shop.example"}
    assert server.metric("hogflare_tls_certificate_seconds_left", door="https") > 8 * 86_400
    folder = server.data_dir / "tls"
    files = sorted(folder.iterdir())
    assert [stat.S_IMODE(path.stat().st_mode) for path in (folder, *files)] == [0o700, 0o600, 0o600]
    assert [path.suffix for path in files] == [".json", ".pem"]
    # Links name it, and pages are sent there.
    assert "https://stats.shop.example/setup?token=" in server.log_path.read_text()
    sent = server.plainly("GET", "/insights", accept="text/html", host="192.0.2.7", **ELSEWHERE)
    assert (sent.status, sent.headers["location"]) == (308, "https://stats.shop.example/insights")
    doctor = subprocess.run([binary, "doctor"], env=server.settings(), cwd=folder, capture_output=True, text=True, timeout=60, check=False)
    assert "ok    https: the certificate for stats.shop.example, events.shop.example: it is good for 9 days" in doctor.stdout
    before = serial(server)
    server.stop()
    # The authority need not be there.
    acme.close()
    server.start()
    assert serial(server) == before and acme.issued() == len(acme.accounts) == 1


def test_it_is_renewed_in_its_last_third(new_named: Callable[..., SecureHogflare], acme: Acme) -> None:
    acme.begins, acme.ends = -datetime.timedelta(days=9), datetime.timedelta(days=3)
    server = started(new_named(), acme)
    until(lambda: has_certificate(server), timeout=60, what="a certificate")
    first = serial(server)
    acme.begins, acme.ends = -datetime.timedelta(hours=1), datetime.timedelta(days=9)
    server.kill9()
    started(server, acme)
    assert serial(server) == first, "it is shown until there is another"
    with server.connect() as kept:
        assert kept.request("GET", "/healthz").status == 200
        until(lambda: serial(server) != first, timeout=60, what="another certificate")
        assert kept.request("GET", "/healthz").status == 200
    assert acme.issued() == 2 and len(acme.accounts) == 1, "with the same account"
    # And not again before its time.
    server.restart()
    assert serial(server) != first and acme.issued() == 2


def test_what_the_authority_finds_wrong_is_said_and_tried_again_later(new_named: Callable[..., SecureHogflare], acme: Acme, binary: Path) -> None:
    server = new_named()
    server.start(wait=False)
    # Names lead where nobody is.
    acme.port = 1
    server.process.wait_ready(server.is_ready, timeout=60)
    log = until(lambda: "no certificate could be had" in server.log_path.read_text() and server.log_path.read_text(), timeout=60)
    assert "at stats.shop.example: " in log and "refused" in log and "next try is in 30s" in log
    # Plain http answers SDKs meanwhile, and the process lives.
    sent = json.dumps({"api_key": "phc_x", "event": "x", "distinct_id": "d"}).encode()
    assert server.plainly("POST", "/e/", sent, **ELSEWHERE).status == 200
    assert server.plainly("GET", "/metrics", authorization=f"Bearer {server.read_key()}").body.count(b'outcome="refused"} 1') == 1
    with pytest.raises(ssl.SSLError):
        server.connect()
    run = {"env": server.settings(), "cwd": server.data_dir, "capture_output": True, "text": True, "timeout": 60, "check": False}
    assert subprocess.run([binary, "health"], **run).returncode == 0
    found = subprocess.run([binary, "doctor"], **run).stdout
    assert f"note  https: there is no certificate for stats.shop.example, events.shop.example yet; the server asks {acme.url}" in found
    acme.port = server.port
    until(lambda: has_certificate(server), timeout=90, what="a certificate after the second try")


def test_an_account_that_was_forgotten_is_made_again(new_named: Callable[..., SecureHogflare], acme: Acme) -> None:
    acme.begins, acme.ends = -datetime.timedelta(days=9), datetime.timedelta(days=3)
    server = started(new_named(), acme)
    until(lambda: has_certificate(server), timeout=60, what="a certificate")
    first = serial(server)
    server.stop()
    acme.accounts.clear()
    started(server, acme)
    until(lambda: serial(server) != first, timeout=90, what="another certificate")
    assert len(acme.accounts) == 1


def test_rubbish_in_the_folder_is_replaced(new_named: Callable[..., SecureHogflare], acme: Acme) -> None:
    server = started(new_named(), acme)
    until(lambda: has_certificate(server), timeout=60, what="a certificate")
    server.stop()
    for path in (server.data_dir / "tls").iterdir():
        path.write_bytes(b"\xff rubbish")
    started(server, acme)
    until(lambda: has_certificate(server), timeout=60, what="another certificate")
    assert acme.issued() == 2
