"""Https in the binary, with a certificate in files: who is answered how, and what clients cannot do to it."""

import datetime
import json
import socket
import ssl
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.certificates import CertificateAuthority
from harness.https import ELSEWHERE, SecureHogflare, SecureWire
from harness.poll import until
from harness.process import child_env, free_port
from harness.server import TOKEN, Hogflare
from harness.wire import Wire

OWNER, PASSWORD = "jane@example.com", "correct horse battery"
ACCOUNT = {"HOGFLARE_ADMIN_EMAIL": OWNER, "HOGFLARE_ADMIN_PASSWORD": PASSWORD}
HTML = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
DOMAIN = {"HOGFLARE_TLS_DOMAIN": "stats.example.com"}


def failed(server: SecureHogflare, reason: str) -> float:
    """How many handshakes failed for this reason."""
    return server.metric("hogflare_tls_handshakes_failed_total", reason=reason)


def serial(server: SecureHogflare) -> str:
    """That of the certificate which a new connection is shown."""
    with server.connect() as wire:
        return wire.certificate()["serialNumber"]


def test_events_come_by_https_and_are_counted(secure: SecureHogflare) -> None:
    assert secure.capture("bought").is_success()
    key = {"authorization": f"Bearer {secure.read_key()}"}
    asked = secure.post("/api/sql", {"query": "select count(*) as n from events", "format": "json"}, **key)
    assert asked.status == 200 and b"1" in asked.body
    assert 9 * 86_400 < secure.metric("hogflare_tls_certificate_seconds_left", door="https") <= 10 * 86_400
    secure.stop()


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_versions_that_are_safe_are_spoken(secure: SecureHogflare, version: ssl.TLSVersion) -> None:
    context = secure.authority.believing()
    context.minimum_version = context.maximum_version = version
    context.set_alpn_protocols(["h2", "http/1.1"])
    with SecureWire(secure.port, context) as wire:
        assert wire.connection.sock.selected_alpn_protocol() == "http/1.1"
        assert wire.request("GET", "/healthz").status == 200


def test_others_are_not(secure: SecureHogflare) -> None:
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
    old.set_ciphers("ALL:@SECLEVEL=0")
    old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises(OSError):
        SecureWire(secure.port, old)
    assert failed(secure, "refused") == 1


# What is asked by plain http from elsewhere, and what it gets.
PLAIN = [
    ("POST", "/e/", {}, 200),
    ("POST", "/capture", {}, 200),
    ("POST", "/batch/", {}, 200),
    ("POST", "/i/v0/e/", {}, 200),
    ("OPTIONS", "/e/", {"origin": "http://shop.example"}, 200),
    ("POST", "/flags/?v=2", {}, 200),
    ("GET", f"/array/{TOKEN}/config", {}, 200),
    ("GET", f"/array/{TOKEN}/config.js", {}, 200),
    ("GET", "/static/array.js", {}, 200),
    # As somebody who looks at the script itself.
    ("GET", "/static/array.js", HTML, 200),
    ("GET", "/api/surveys/?token=x", {}, 200),
    ("GET", "/healthz", {}, 200),
    ("GET", "/_readiness", HTML, 200),
    ("GET", "/", {}, 200),
    ("GET", "/api/openapi.json", {}, 200),
    ("GET", "/", HTML, 308),
    ("HEAD", "/", HTML, 308),
    ("GET", "/insights?project=1", HTML, 308),
    ("HEAD", "/insights", HTML, 308),
    ("GET", "/setup?token=hfl_x", HTML, 308),
    ("GET", "/shared/hfs_x", HTML, 308),
    # SDKs read 200 as stored: what is no page stays what it is.
    ("GET", "/insights", {}, 404),
    ("GET", "/typo", HTML, 404),
    ("POST", "/insights", HTML, 404),
    ("GET", "/api/session", {}, 403),
    ("POST", "/api/session", {}, 403),
    ("GET", "/api/setup", {}, 403),
    ("POST", "/api/setup", {}, 403),
    ("POST", "/api/sql", {}, 403),
    ("POST", "/api/insights/trends", {}, 403),
    ("GET", "/api/live", {}, 403),
    ("GET", "/api/persons", HTML, 403),
    ("DELETE", "/api/persons/x", {}, 403),
    ("GET", "/api/dashboards", {}, 403),
    ("GET", "/api/shared/hfs_x", {}, 403),
    ("GET", "/api/keys", {}, 403),
    ("GET", "/metrics", {}, 403),
]


def test_plain_http_answers_what_is_public_and_nothing_else(new_secure: Callable[..., SecureHogflare], authority: CertificateAuthority) -> None:
    secure = new_secure(**authority.issue("localhost").settings).start()
    key = {"authorization": f"Bearer {secure.read_key()}"}
    body = json.dumps({"api_key": TOKEN, "event": "x", "distinct_id": "d", "batch": [{"event": "x", "distinct_id": "d"}]})
    got = []
    for method, path, headers, _ in PLAIN:
        sent = body.encode() if method == "POST" else None
        # With a key that would open it.
        with_key = key if path.startswith(("/api", "/metrics")) else {}
        got.append((method, path, headers, secure.plainly(method, path, sent, **ELSEWHERE, **headers, **with_key).status))
    assert got == PLAIN
    refused = secure.plainly("GET", "/api/persons", **ELSEWHERE, **key)
    assert "https" in refused.json()["error"] and "set-cookie" not in refused.headers
    sent = secure.plainly("GET", "/insights?project=1", **ELSEWHERE, **HTML, host="stats.example.com:8080")
    assert sent.headers["location"] == f"https://stats.example.com:{secure.port}/insights?project=1"
    assert sent.headers["cache-control"] == "no-store", "who turns https off again is not locked out"
    assert secure.plainly("GET", "/", **ELSEWHERE, **HTML, host="a@b").status == 403
    assert secure.metric("hogflare_requests_denied_total", reason="plain_http") > 10


def test_from_this_machine_plain_http_is_as_ever(new_secure: Callable[..., SecureHogflare], authority: CertificateAuthority) -> None:
    secure = new_secure(**authority.issue("localhost").settings, **ACCOUNT).start()
    assert secure.plainly("GET", "/insights", **HTML).status == 200
    assert secure.plainly("GET", "/metrics", authorization=f"Bearer {secure.read_key()}").status == 200
    entered = secure.plainly("POST", "/api/session", json.dumps({"email": OWNER, "password": PASSWORD}).encode())
    assert entered.status == 200 and "Secure" not in entered.headers["set-cookie"]
    # A proxy on this machine that has a certificate of its own says so.
    by_proxy = secure.plainly("GET", "/insights", **ELSEWHERE, **HTML, x_forwarded_proto="https")
    assert by_proxy.status == 200
    assert secure.plainly("GET", "/insights", **ELSEWHERE, **HTML, x_forwarded_proto="http").status == 308


def test_cookies_that_come_by_https_stay_there(new_secure: Callable[..., SecureHogflare], authority: CertificateAuthority) -> None:
    secure = new_secure(**authority.issue("localhost").settings, **ACCOUNT).start()
    assert f"https://127.0.0.1:{secure.port}" not in secure.log_path.read_text(), "there is an owner"
    with secure.connect() as wire:
        setup = wire.request("GET", "/api/setup", headers={"host": "stats.example.com"}).json()
        assert setup["insecure"] is None
        entered = wire.request("POST", "/api/session", json.dumps({"email": OWNER, "password": PASSWORD}).encode())
        assert entered.status == 200 and "Secure" in entered.headers["set-cookie"].split("; ")
        cookie = entered.headers["set-cookie"].split(";")[0]
        shown = {"cookie": cookie, "origin": f"https://localhost:{secure.port}", "x-hogflare-csrf": entered.json()["csrf"], "host": f"localhost:{secure.port}"}
        made = wire.request("POST", "/api/projects", json.dumps({"name": "Shop"}).encode(), shown)
        assert made.status == 201, made.body


def test_browsers_are_told_to_come_by_https_where_that_is_the_usual_port(secure: SecureHogflare) -> None:
    def told(path: str, host: str) -> str | None:
        return secure.get(path, host=host, **HTML).headers.get("strict-transport-security")

    assert told("/", "stats.example.com") == told("/insights", "stats.example.com") == "max-age=2592000"
    assert told("/", "stats.example.com:8443") is None, "it would hold for other ports, too"
    assert told("/", "localhost") is None
    assert told("/static/array.js", "stats.example.com") is None
    assert "strict-transport-security" not in secure.plainly("GET", "/", host="stats.example.com", **HTML).headers


def test_another_certificate_is_taken_and_no_connection_ends(secure: SecureHogflare) -> None:
    certificate, key = (Path(secure.env[name]) for name in ("HOGFLARE_TLS_CERT", "HOGFLARE_TLS_KEY"))
    first = serial(secure)
    with secure.connect() as kept:
        assert kept.request("GET", "/healthz").status == 200
        new = secure.authority.issue("localhost", ends=datetime.timedelta(days=5))
        type(new)(certificate, key).replace_by(new)
        until(lambda: serial(secure) != first, what="the other certificate")
        assert kept.request("GET", "/healthz").status == 200, "the connection of before goes on"
    assert secure.metric("hogflare_tls_certificates_total", door="https", outcome="taken") == 1
    assert secure.metric("hogflare_tls_certificate_seconds_left", door="https") < 6 * 86_400
    second = serial(secure)
    for wrong, why in ((b"rubbish", "there is no certificate in it"), (secure.authority.root.read_bytes(), "another certificate")):
        refused = secure.metric("hogflare_tls_certificates_total", door="https", outcome="refused")
        certificate.write_bytes(wrong)
        until(lambda before=refused: secure.metric("hogflare_tls_certificates_total", door="https", outcome="refused") > before)
        assert serial(secure) == second and why in secure.log_path.read_text()
    key.unlink()
    until(lambda: "No such file" in secure.log_path.read_text())
    assert serial(secure) == second
    assert "BEGIN" not in secure.log_path.read_text()


def test_a_client_that_stalls_is_given_up_on(secure: SecureHogflare) -> None:
    with socket.create_connection(("127.0.0.1", secure.port), timeout=60) as silent:
        with socket.create_connection(("127.0.0.1", secure.port), timeout=60) as stalled:
            # The beginning of a hello, and nothing more.
            stalled.sendall(bytes.fromhex("1603010200010001fc0303"))
            assert secure.get("/healthz").status == 200, "others are served meanwhile"
            assert stalled.recv(100) == b"" and silent.recv(100) == b""
    assert failed(secure, "too_slow") == 2


def test_stalled_clients_hold_places_like_others(new_secure: Callable[..., SecureHogflare], authority: CertificateAuthority) -> None:
    secure = new_secure(**authority.issue("localhost").settings, HOGFLARE_MAX_CONNECTIONS="6").start()
    stalled = [socket.create_connection(("127.0.0.1", secure.port), timeout=60) for _ in range(12)]
    # Two rounds of six have to be given up on before somebody else has a turn.
    with secure.connect(timeout=120) as wire:
        assert wire.request("GET", "/healthz").status == 200
    assert all(one.recv(1) == b"" for one in stalled)


def test_rubbish_on_the_port_harms_nobody(secure: SecureHogflare) -> None:
    with socket.create_connection(("127.0.0.1", secure.port), timeout=30) as plain:
        plain.sendall(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n" + b"x" * 10_000)
        answer = b""
        while more := plain.recv(1_000):
            answer += more
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ") and b"https" in body and f"content-length: {len(body)}".encode() in head
    rubbish = [b"\0", b"\x16", b"\x16\x03\x01\xff\xff" + b"\0" * 65_535, b"\x80\x2e\x01\x00\x02" + b"\0" * 50, b"\xff" * 100_000, b"lower case\r\n"]
    for sent in rubbish:
        with socket.create_connection(("127.0.0.1", secure.port), timeout=30) as odd:
            try:
                odd.sendall(sent)
                odd.shutdown(socket.SHUT_WR)
                while odd.recv(1_000):
                    pass
            except OSError:
                # It may have hung up before all was sent.
                pass
    assert failed(secure, "plain") == 5 and secure.get("/healthz").status == 200
    secure.stop()


def test_who_shakes_hands_does_not_keep_it_from_stopping(secure: SecureHogflare) -> None:
    with socket.create_connection(("127.0.0.1", secure.port)), secure.connect() as kept:
        assert kept.request("GET", "/healthz").status == 200
        secure.stop()


def test_health_and_doctor_know_https(secure: SecureHogflare, binary: Path, tmp_path: Path) -> None:
    def run(command: str, **env: str) -> subprocess.CompletedProcess:
        given = secure.settings() | env
        return subprocess.run([binary, command], env=given, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)

    assert run("health").returncode == 0
    assert run("health", HOGFLARE_HTTP_ADDR="off").returncode == 0, "by https, of a name that is not the machine's"
    found = run("doctor").stdout
    assert "ok    https: the certificate can be used: it is good for 9 days" in found, found
    files = secure.authority.issue("localhost", ends=datetime.timedelta(hours=5))
    assert "note  https: the certificate can be used: it is good for 4 hours" in run("doctor", **files.settings).stdout
    files = secure.authority.issue("localhost", ends=-datetime.timedelta(minutes=5))
    done = run("doctor", **files.settings)
    assert "BAD   https: the certificate can be used: it was over" in done.stdout and done.returncode == 1
    secure.stop()
    assert run("health").returncode == 1 and run("health", HOGFLARE_HTTP_ADDR="off").returncode == 1


def test_settings_that_do_not_fit_stop_the_start_with_one_line(binary: Path, tmp_path: Path, authority: CertificateAuthority) -> None:
    one, other = authority.issue("one.example"), authority.issue("other.example")
    files = one.settings
    cases = [
        ({"HOGFLARE_TLS_CERT": "cert.pem"}, "HOGFLARE_TLS_KEY to be set too", 64),
        ({"HOGFLARE_TLS_KEY": "key.pem"}, "HOGFLARE_TLS_CERT to be set too", 64),
        (files | DOMAIN, "HOGFLARE_TLS_DOMAIN: not to be set beside HOGFLARE_TLS_CERT", 64),
        (files | {"HOGFLARE_TLS_KEY": str(other.key)}, "it is the key of another certificate", 1),
        (files | {"HOGFLARE_TLS_CERT": "/none"}, "/none: No such file", 1),
        (files | {"HOGFLARE_HTTP_ADDR": "eighty"}, "HOGFLARE_HTTP_ADDR=eighty: expected an address", 64),
        (files | {"HOGFLARE_HTTP_ADDR": "127.0.0.1:1", "APP_ADDR": "127.0.0.1:1"}, "another address than APP_ADDR", 64),
        ({"HOGFLARE_HTTP_ADDR": "127.0.0.1:80"}, "HOGFLARE_TLS_DOMAIN or HOGFLARE_TLS_CERT to be set too", 64),
        ({"HOGFLARE_TLS_CONTACT": "jane@example.com"}, "HOGFLARE_TLS_DOMAIN or HOGFLARE_TLS_CERT", 64),
        ({"HOGFLARE_TLS_DOMAIN": "*.example.com"}, "expected names such as stats.example.com", 64),
        ({"HOGFLARE_TLS_DOMAIN": "192.0.2.1"}, "expected names such as", 64),
        ({"HOGFLARE_TLS_DOMAIN": "https://stats.example.com"}, "expected names such as", 64),
        (DOMAIN | {"HOGFLARE_TLS_ACME_URL": "http://ca.example/"}, "expected the https URL of a directory", 64),
        (DOMAIN | {"HOGFLARE_TLS_CONTACT": "jane"}, "expected an address such as jane@example.com", 64),
        (DOMAIN | {"HOGFLARE_TLS_ACME_ROOT": "/none"}, "/none: No such file", 1),
        (DOMAIN | {"HOGFLARE_TLS_ACME_ROOT": str(one.key)}, "there is no certificate in it", 1),
    ]
    for env, why, code in cases:
        given = {"APP_ADDR": f"127.0.0.1:{free_port()}", "HOGFLARE_DATA_DIR": str(tmp_path / "data"), "HOGFLARE_LOG": "error"} | env
        done = subprocess.run([binary, "serve"], env=child_env(given), cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
        said = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
        assert done.returncode == code and len(said) == 1 and why in said[0], (env, said, done.returncode)


def test_without_https_nothing_is_different(hogflare: Hogflare) -> None:
    with Wire(hogflare.port) as wire:
        assert wire.request("GET", "/insights", headers=ELSEWHERE | HTML).status == 200
        answer = wire.request("GET", "/", headers=HTML | {"host": "stats.example.com"})
        assert answer.status == 200 and "strict-transport-security" not in answer.headers
        key = {"authorization": f"Bearer {hogflare.read_key()}"}
        assert wire.request("GET", "/api/persons", headers=ELSEWHERE | key).status == 200
