"""HTTP as a client sees it, without a library that repairs or retries anything."""

import http.client
import json
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Answer:
    """One response, read to its end."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        """Parses the body."""
        return json.loads(self.body)

    def error(self) -> str:
        """Returns the message of a failure in the shape `{"status":0,"error":"…"}`."""
        answer = self.json()
        assert answer.get("status") == 0, f"not a failure body: {self.body!r}"
        assert isinstance(answer.get("error"), str) and answer["error"], f"no message: {self.body!r}"
        return answer["error"]

    def is_success(self) -> bool:
        """Says whether this is exactly 200 `{"status":1}`."""
        return self.status == 200 and self.json() == {"status": 1}


class Wire:
    """One connection to a loopback port; kept alive between requests."""

    def __init__(self, port: int, timeout: float = 30) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
        self.connection.connect()
        # A connection that the server closed must show as an error, not be opened again.
        self.connection.auto_open = 0

    def __enter__(self) -> "Wire":
        return self

    def __exit__(self, *_exception) -> None:
        self.connection.close()

    def request(
        self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> Answer:
        """Sends one request and reads its answer."""
        self.connection.request(method, path, body, headers or {})
        response = self.connection.getresponse()
        names = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, names, response.read())

    def post(self, path: str, body: Any, **headers: str) -> Answer:
        """Posts bytes as they are, text as UTF-8, anything else as JSON.

        Header names are given with underscores: `content_encoding="gzip"`.
        """
        return self.request("POST", path, to_bytes(body), {"content-type": "application/json"} | dashed(headers))


def to_bytes(body: Any) -> bytes:
    """Returns what stands on the wire for a body given as bytes, text or a value."""
    if isinstance(body, bytes):
        return body
    return (body if isinstance(body, str) else json.dumps(body)).encode()


def dashed(headers: dict[str, str]) -> dict[str, str]:
    """Turns `content_type` into `content-type`."""
    return {name.replace("_", "-"): value for name, value in headers.items()}


class LocalWire(Wire):
    """One connection to a socket in the file system."""

    def __init__(self, path: Path, timeout: float = 30) -> None:
        self.connection = http.client.HTTPConnection("localhost", timeout=timeout)
        self.connection.sock = socket.socket(socket.AF_UNIX)
        self.connection.sock.settimeout(timeout)
        self.connection.sock.connect(str(path))
        self.connection.auto_open = 0
