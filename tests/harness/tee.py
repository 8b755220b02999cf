"""A recording proxy: forwards every byte as it came and keeps a copy."""

import socket
import threading
import urllib.parse
from dataclasses import dataclass
from datetime import UTC, datetime

from .decode import SentEvent, is_analytics, sent_events

_CHUNK = 65536
_IDLE_SECONDS = 60


@dataclass(frozen=True)
class Exchange:
    """One request and its answer, as far as comparisons need it."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    sent_on: datetime
    answered: datetime
    status: int
    answer: bytes

    def path(self) -> str:
        """The target without its query."""
        return urllib.parse.urlsplit(self.target).path


class Tee:
    """Listens on a free port and forwards to one upstream port."""

    def __init__(self, upstream_port: int) -> None:
        self._upstream_port = upstream_port
        self._lock = threading.Lock()
        self._exchanges: list[Exchange] = []
        self._open: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        """What an SDK gets as its host."""
        return f"http://127.0.0.1:{self.port}"

    def exchanges(self) -> list[Exchange]:
        """Returns what was recorded so far, in the order of the answers."""
        with self._lock:
            return list(self._exchanges)

    def events(self) -> list[SentEvent]:
        """Returns each event on the wire once; one sent again adds nothing, as far as a uuid tells."""
        found: dict[tuple, SentEvent] = {}
        for number, exchange in enumerate(self.exchanges()):
            if exchange.method == "POST" and is_analytics(exchange.target):
                for position, event in enumerate(sent_events(exchange)):
                    found.setdefault(event.key() if event.uuid else (number, position), event)
        return list(found.values())

    def close(self) -> None:
        """Stops listening and ends every connection."""
        self._listener.close()
        with self._lock:
            for connection in self._open:
                connection.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            client.settimeout(_IDLE_SECONDS)
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with self._lock:
            self._open.add(client)
        try:
            with client, socket.create_connection(("127.0.0.1", self._upstream_port), _IDLE_SECONDS) as upstream:
                reader, answers = client.makefile("rb"), upstream.makefile("rb")
                while self._forward_one(reader, client, answers, upstream):
                    pass
        except (OSError, ValueError):
            return
        finally:
            with self._lock:
                self._open.discard(client)

    def _forward_one(self, reader, client: socket.socket, answers, upstream: socket.socket) -> bool:
        head, headers = _read_head(reader)
        if not head:
            return False
        method, target = head.split(b" ")[:2]
        raw, body = _read_body(reader, headers)
        sent_on = datetime.now(UTC)
        upstream.sendall(head + raw)
        answer_head, answer_headers = _read_head(answers)
        if not answer_head:
            return False
        status = int(answer_head.split(b" ")[1])
        empty = method == b"HEAD" or status in (204, 304)
        answer_raw, answer = (b"", b"") if empty else _read_body(answers, answer_headers, until_close=True)
        exchange = Exchange(method.decode(), target.decode(), headers, body, sent_on, datetime.now(UTC), status, answer)
        with self._lock:
            self._exchanges.append(exchange)
        client.sendall(answer_head + answer_raw)
        return answer_headers.get("connection", "").lower() != "close" and _has_length(answer_headers, empty)


def _read_head(reader) -> tuple[bytes, dict[str, str]]:
    lines = []
    while True:
        line = reader.readline(_CHUNK)
        if not line:
            return b"", {}
        lines.append(line)
        if line in (b"\r\n", b"\n"):
            break
    pairs = (line.decode("latin-1").split(":", 1) for line in lines[1:-1])
    return b"".join(lines), {name.strip().lower(): value.strip() for name, value in pairs}


def _read_body(reader, headers: dict[str, str], until_close: bool = False) -> tuple[bytes, bytes]:
    """Returns the body as it stood on the wire, and without its transfer coding."""
    if "chunked" in headers.get("transfer-encoding", "").lower():
        return _read_chunks(reader)
    if "content-length" in headers:
        body = reader.read(int(headers["content-length"]))
    else:
        body = reader.read() if until_close else b""
    return body, body


def _read_chunks(reader) -> tuple[bytes, bytes]:
    raw, body = [], []
    while True:
        size_line = reader.readline(_CHUNK)
        size = int(size_line.split(b";")[0], 16)
        chunk = reader.read(size)
        end = reader.readline(_CHUNK)
        raw += [size_line, chunk, end]
        body.append(chunk)
        if size == 0:
            return b"".join(raw), b"".join(body)


def _has_length(headers: dict[str, str], empty: bool) -> bool:
    return empty or "content-length" in headers or "transfer-encoding" in headers
