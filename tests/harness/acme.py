"""An authority that speaks ACME (RFC 8555) and looks by tls-alpn-01 (RFC 8737), for a server under test.

It believes nothing: each request must be signed by the account's key over the right address with a nonce that was
given out and not used, and a name is only believed after the server showed, at the port where names lead, a certificate
that only the account's owner can have made.
"""

import base64
import datetime
import hashlib
import json
import socket
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from secrets import token_urlsafe

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from .certificates import DAY, CertificateAuthority

ACME_IDENTIFIER = x509.ObjectIdentifier("1.3.6.1.5.5.7.1.31")


def unpacked(text: str) -> bytes:
    """Base64 for URLs, without the end."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def packed(data: bytes) -> str:
    """The way back."""
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


class Refused(Exception):
    """What is wrong with a request, as a problem document says it."""

    def __init__(self, kind: str, detail: str, status: int = 400) -> None:
        super().__init__(detail)
        self.status = status
        self.problem = {"type": f"urn:ietf:params:acme:error:{kind}", "detail": detail}


class Acme:
    """One such authority. `port` is where every name leads."""

    def __init__(self, authority: CertificateAuthority) -> None:
        self.authority = authority
        self.port = 0
        self.accounts: dict[str, dict] = {}
        self.contacts: dict[str, list[str]] = {}
        self.orders: list[dict] = []
        self.looked: list[str] = []
        # From when to when its certificates are good, from now on.
        self.begins, self.ends = -datetime.timedelta(hours=1), 10 * DAY
        self._nonces: set[str] = set()
        self._lock = threading.Lock()
        pair = authority.issue("localhost", "127.0.0.1")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pair.certificate, pair.key)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.url = f"https://localhost:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def settings(self) -> dict[str, str]:
        """What has the server ask it."""
        return {"HOGFLARE_TLS_ACME_URL": f"{self.url}/directory", "HOGFLARE_TLS_ACME_ROOT": str(self.authority.root)}

    def close(self) -> None:
        """Goes away."""
        self._server.shutdown()
        self._server.server_close()

    def issued(self) -> int:
        """How many certificates it gave."""
        return sum("certificate" in order for order in self.orders)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        acme = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_arguments) -> None:
                pass

            def do_HEAD(self) -> None:
                self._answer(200, None, {})

            def do_GET(self) -> None:
                pages = {"newNonce": "/nonce", "newAccount": "/account", "newOrder": "/order"}
                directory = {name: acme.url + path for name, path in pages.items()}
                self._answer(*((200, directory, {}) if self.path == "/directory" else (404, {}, {})))

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                try:
                    with acme._lock:
                        self._answer(*acme.answer(self.path, json.loads(body)))
                except Refused as refused:
                    self._answer(refused.status, refused.problem, {})

            def _answer(self, status: int, body: dict | bytes | None, headers: dict[str, str]) -> None:
                text = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
                self.send_response(status)
                for name, value in {"replay-nonce": acme.nonce(), "content-length": str(len(text)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(text)

        return Handler

    def nonce(self) -> str:
        """Gives one out."""
        made = token_urlsafe(12)
        self._nonces.add(made)
        return made

    def answer(self, path: str, signed: dict) -> tuple[int, dict | bytes, dict[str, str]]:
        """What a signed request gets: a status, a body, headers."""
        protected, payload, account = self._checked(path, signed)
        room, _, number = path.strip("/").partition("/")
        if path == "/account":
            account = f"{self.url}/account/{len(self.accounts)}"
            self.accounts[account] = protected["jwk"]
            self.contacts[account] = payload.get("contact", [])
            assert payload["termsOfServiceAgreed"]
            return 201, {"status": "valid"}, {"location": account}
        if path == "/order":
            return self._ordered([identifier["value"] for identifier in payload["identifiers"]], account)
        order = self.orders[int(number.partition("-")[0])]
        if order["account"] != account:
            raise Refused("unauthorized", "this is somebody else's", 403)
        if room == "authorization":
            return 200, order["authorizations"][int(number.partition("-")[2])], {}
        if room == "challenge":
            authorization = order["authorizations"][int(number.partition("-")[2])]
            self._look(order, authorization, account)
            return 200, authorization["challenges"][-1], {}
        if room == "finalize":
            self._finalize(order, payload)
        if room == "certificate":
            return 200, order["certificate"], {"content-type": "application/pem-certificate-chain"}
        return 200, self._shown(int(number)), {}

    def _checked(self, path: str, signed: dict) -> tuple[dict, dict, str]:
        protected = json.loads(unpacked(signed["protected"]))
        if protected["nonce"] not in self._nonces:
            raise Refused("badNonce", "this was not given out, or is used up")
        self._nonces.remove(protected["nonce"])
        assert protected["url"] == self.url + path and protected["alg"] == "ES256", protected
        account = protected.get("kid", "")
        key = protected.get("jwk") or self.accounts.get(account)
        if key is None:
            raise Refused("accountDoesNotExist", "there is no such account")
        numbers = (int.from_bytes(unpacked(key[part]), "big") for part in "xy")
        public = ec.EllipticCurvePublicNumbers(*numbers, ec.SECP256R1()).public_key()
        raw = unpacked(signed["signature"])
        signature = encode_dss_signature(*(int.from_bytes(half, "big") for half in (raw[:32], raw[32:])))
        try:
            public.verify(signature, f"{signed['protected']}.{signed['payload']}".encode(), ec.ECDSA(hashes.SHA256()))
        except InvalidSignature:
            raise Refused("malformed", "the signature is wrong") from None
        return protected, json.loads(unpacked(signed["payload"]) or b"{}"), account

    def _ordered(self, names: list[str], account: str) -> tuple[int, dict, dict[str, str]]:
        number = len(self.orders)
        authorizations = [
            {
                "status": "pending",
                "identifier": {"type": "dns", "value": name},
                "challenges": [
                    {"type": "http-01", "status": "pending", "token": token_urlsafe(16), "url": f"{self.url}/none"},
                    {
                        "type": "tls-alpn-01",
                        "status": "pending",
                        "token": token_urlsafe(16),
                        "url": f"{self.url}/challenge/{number}-{index}",
                    },
                ],
            }
            for index, name in enumerate(names)
        ]
        self.orders.append({"names": names, "authorizations": authorizations, "account": account})
        return 201, self._shown(number), {"location": f"{self.url}/order/{number}"}

    def _shown(self, number: int) -> dict:
        order = self.orders[number]
        states = {authorization["status"] for authorization in order["authorizations"]}
        given = "certificate" in order
        status = "valid" if given else "invalid" if "invalid" in states else "ready" if states == {"valid"} else "pending"
        shown = {
            "status": status,
            "identifiers": [authorization["identifier"] for authorization in order["authorizations"]],
            "authorizations": [f"{self.url}/authorization/{number}-{index}" for index in range(len(order["names"]))],
            "finalize": f"{self.url}/finalize/{number}",
        }
        return shown | ({"certificate": f"{self.url}/certificate/{number}"} if given else {})

    def _look(self, order: dict, authorization: dict, account: str) -> None:
        challenge = authorization["challenges"][-1]
        key = self.accounts[account]
        thumb = json.dumps({part: key[part] for part in ("crv", "kty", "x", "y")}, separators=(",", ":"))
        shown = f"{challenge['token']}.{packed(hashlib.sha256(thumb.encode()).digest())}"
        name = authorization["identifier"]["value"]
        self.looked.append(name)
        try:
            self._see(name, hashlib.sha256(shown.encode()).digest())
        except (OSError, AssertionError) as wrong:
            problem = {"type": "urn:ietf:params:acme:error:tls", "detail": f"at {name}: {wrong}", "status": 400}
            challenge |= {"status": "invalid", "error": problem}
            authorization["status"] = "invalid"
            return
        challenge["status"] = authorization["status"] = "valid"

    def _see(self, name: str, digest: bytes) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.set_alpn_protocols(["acme-tls/1"])
        with socket.create_connection(("127.0.0.1", self.port), timeout=10) as plain:
            with context.wrap_socket(plain, server_hostname=name) as secure:
                assert secure.selected_alpn_protocol() == "acme-tls/1"
                found = x509.load_der_x509_certificate(secure.getpeercert(binary_form=True))
        names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        assert list(names) == [x509.DNSName(name)], names
        extension = found.extensions.get_extension_for_oid(ACME_IDENTIFIER)
        # A string of 32 octets, in DER.
        assert extension.critical and extension.value.value == b"\x04\x20" + digest

    def _finalize(self, order: dict, payload: dict) -> None:
        if {authorization["status"] for authorization in order["authorizations"]} != {"valid"}:
            raise Refused("orderNotReady", "not every name is known to be yours", 403)
        request = x509.load_der_x509_csr(unpacked(payload["csr"]))
        names = request.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        assert request.is_signature_valid and sorted(names.get_values_for_type(x509.DNSName)) == sorted(order["names"])
        order["certificate"] = self.authority.sign(request.public_key(), order["names"], self.begins, self.ends)
