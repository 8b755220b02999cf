"""The door for PostgreSQL clients of a server under test, and its protocol byte by byte."""

import json
import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass

import psycopg

from .server import TOKEN, Hogflare

OWNER, PASSWORD = "owner@example.com", "a long password"
OTHER_TOKEN = "phc_otherProject0000000000000000000000000000000"
EVENTS = 20


@dataclass
class Lake:
    """A server, and its door."""

    server: Hogflare
    port: int

    def ask(self, method: str, path: str, body: object = None) -> dict:
        """Asks as the owner."""
        with self.server.connect() as wire:
            same = {"sec-fetch-site": "same-origin"}
            entered = {"email": OWNER, "password": PASSWORD}
            logged_in = wire.request("POST", "/api/session", json.dumps(entered).encode(), same)
            cookie = logged_in.headers["set-cookie"].split(";")[0]
            shown = same | {"cookie": cookie, "x-hogflare-csrf": logged_in.json()["csrf"]}
            answer = wire.request(method, path, None if body is None else json.dumps(body).encode(), shown)
        assert answer.status in (200, 201, 204), answer.body
        return answer.json() if answer.body else {}

    def key(self, *projects: int, scopes: tuple[str, ...] = ("read",)) -> tuple[str, str]:
        """Makes a key for these projects, or for all; returns its id and what to show."""
        wanted = {"kind": "personal", "label": "test", "scopes": list(scopes), "projects": list(projects)}
        made = self.ask("POST", "/api/keys", wanted)
        key = made.get("key", made)
        secret = next(value for value in flat(made) if isinstance(value, str) and value.startswith("phx_"))
        return (key["id"] if isinstance(key, dict) else made["id"]), secret

    def connect(self, key: str | None = None, database: str = "hogflare", **options) -> psycopg.Connection:
        """Opens a session, by default one that may read everything."""
        given = {"host": "127.0.0.1", "port": self.port, "user": "somebody", "dbname": database, "sslmode": "disable"}
        password = self.server.read_key() if key is None else key
        return psycopg.connect(**(given | {"password": password, "autocommit": True, "connect_timeout": 20} | options))


def flat(value: object) -> Iterator[object]:
    """Every value inside one."""
    if isinstance(value, dict):
        for inner in value.values():
            yield from flat(inner)
    else:
        yield value


def filled(server: Hogflare) -> None:
    """Sends events of two projects."""
    for token, kind in ((TOKEN, "ours"), (OTHER_TOKEN, "theirs")):
        batch = [
            {
                "event": f"{kind} {number % 2}",
                "distinct_id": f"{kind}-{number}",
                "timestamp": f"2026-01-0{1 + number % 3}T10:00:00.5Z",
                "properties": {"plan": "pro" if number % 2 else "free", "amount": number, "$current_url": "https://x/"},
            }
            for number in range(EVENTS)
        ]
        assert server.post("/batch", {"api_key": token, "batch": batch}).status == 200


class Raw:
    """A connection."""

    def __init__(self, port: int, key: str | None = None, database: str = "hogflare") -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        if key is not None:
            words = [b"user", b"raw", b"database", database.encode(), b""]
            body = struct.pack("!i", 196_608) + b"\0".join(words) + b"\0"
            self.socket.sendall(struct.pack("!i", len(body) + 4) + body)
            assert self.message() == ("R", struct.pack("!i", 3))
            self.send("p", key.encode() + b"\0")
            self.until_ready()

    def send(self, kind: str, body: bytes) -> None:
        """Sends a message."""
        self.socket.sendall(kind.encode() + struct.pack("!i", len(body) + 4) + body)

    def exactly(self, size: int) -> bytes:
        """Reads so many bytes, or fewer at the end."""
        read = b""
        while len(read) < size:
            more = self.socket.recv(size - len(read))
            if not more:
                break
            read += more
        return read

    def message(self) -> tuple[str, bytes]:
        """Reads a message; at the end an empty one."""
        head = self.exactly(5)
        if len(head) < 5:
            return "", b""
        return chr(head[0]), self.exactly(struct.unpack("!i", head[1:])[0] - 4)

    def until_ready(self) -> str:
        """Reads until the server waits; returns the kinds of messages."""
        kinds = ""
        while not kinds.endswith("Z"):
            kind, _ = self.message()
            assert kind, f"the connection ended after {kinds!r}"
            kinds += kind
        return kinds

    def simple(self, statement: str) -> str:
        """Asks by the simple protocol."""
        self.send("Q", statement.encode() + b"\0")
        return self.until_ready()

    def parse(self, name: str, statement: str) -> None:
        """Prepares."""
        self.send("P", f"{name}\0{statement}\0".encode() + struct.pack("!h", 0))

    def bind(self, portal: str, name: str) -> None:
        """Binds no values."""
        self.send("B", f"{portal}\0{name}\0".encode() + struct.pack("!hhh", 0, 0, 0))

    def execute(self, portal: str, rows: int) -> None:
        """Asks for so many rows."""
        self.send("E", f"{portal}\0".encode() + struct.pack("!i", rows))

    def sync(self) -> None:
        """Ends what belongs together."""
        self.send("S", b"")

    def __enter__(self) -> "Raw":
        return self

    def __exit__(self, *_) -> None:
        self.socket.close()
