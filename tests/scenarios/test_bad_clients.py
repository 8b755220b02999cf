"""Clients that are slow, huge, or leave: they cost themselves, nobody else."""

import json
import socket
import time

from harness.load import filler, new_event
from harness.poll import until
from harness.process import memory_peak_bytes
from harness.server import TOKEN, Hogflare

MEGABYTE = 1024 * 1024


class Stalled:
    """A client that sent half a request and holds the rest."""

    def __init__(self, server: Hogflare, marker: str) -> None:
        body = json.dumps({"api_key": TOKEN, "event": marker, "distinct_id": "slow", "properties": {"x": "y" * 1000}})
        head = f"POST /capture HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n"
        self._rest = body[500:].encode()
        self._socket = socket.create_connection(("127.0.0.1", server.port), timeout=90)
        self._socket.sendall((head + body[:500]).encode())

    def finish(self) -> bytes:
        """Sends the rest and returns the answer."""
        self._socket.sendall(self._rest)
        return self.answer()

    def answer(self) -> bytes:
        """Waits for whatever the server says or for its hanging up."""
        try:
            return self._socket.recv(MEGABYTE)
        except ConnectionResetError:
            return b""

    def leave(self) -> None:
        """Hangs up."""
        self._socket.close()


def test_body_over_the_limit_is_413_and_the_connection_lives(hogflare: Hogflare) -> None:
    too_large = json.dumps(
        {"api_key": TOKEN, "event": "x", "distinct_id": "x", "properties": {"x": filler(22 * MEGABYTE)}}
    )
    with hogflare.connect() as wire:
        refused = wire.post("/batch/", too_large)
        assert refused.status == 413
        assert "maximum event size exceeded" in refused.error()
        assert wire.post("/batch/", {"api_key": TOKEN, "batch": [new_event()]}).is_success()


def test_refused_signature_of_a_long_body_leaves_the_connection_usable(start_hogflare) -> None:
    server = start_hogflare(POSTHOG_SIGNING_SECRET="s3cret")
    with server.connect() as wire:
        for _ in range(3):
            assert (
                wire.post("/batch/", {"api_key": TOKEN, "batch": [new_event(properties={"x": "y" * 100_000})]}).status
                == 401
            )


def test_many_clients_that_stall_do_not_stop_others(hogflare: Hogflare) -> None:
    stalled = [Stalled(hogflare, "stalled") for _ in range(200)]
    for _ in range(50):
        assert hogflare.capture("prompt").is_success()
    assert stalled[0].finish().startswith(b"HTTP/1.1 200 ")
    for client in stalled:
        client.leave()
    assert hogflare.query("select event, count(*) as n from events group by event order by event") == [
        {"event": "prompt", "n": 50},
        {"event": "stalled", "n": 1},
    ]


def test_a_client_that_stalls_is_given_up_on(hogflare: Hogflare) -> None:
    stalled = Stalled(hogflare, "stalled")
    answer = stalled.answer()
    assert answer == b"" or b" 408 " in answer.split(b"\r\n")[0]
    assert hogflare.capture("prompt").is_success()


def test_clients_that_leave_halfway_leave_nothing_behind(hogflare: Hogflare) -> None:
    assert hogflare.capture("before").is_success()
    for _ in range(300):
        Stalled(hogflare, "left").leave()
    assert hogflare.capture("after").is_success()
    names = {row["event"] for row in hogflare.query("select event from events")}
    assert names == {"before", "after"}
    assert memory_peak_bytes(hogflare.process.pid) < 512 * MEGABYTE


def test_clients_that_do_not_read_their_answer_do_not_stop_others(hogflare: Hogflare) -> None:
    body = json.dumps({"api_key": TOKEN, "event": "deaf", "distinct_id": "deaf"})
    request = f"POST /capture HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()
    deaf = []
    for _ in range(50):
        connection = socket.create_connection(("127.0.0.1", hogflare.port), timeout=30)
        connection.sendall(request * 3)
        deaf.append(connection)
    assert hogflare.capture("prompt").is_success()
    until(lambda: hogflare.query("select count(*) as n from events")[0]["n"] == 151, what="the deaf clients' events")
    for connection in deaf:
        connection.close()


def test_garbage_instead_of_http_is_survived(hogflare: Hogflare) -> None:
    for garbage in (b"\x16\x03\x01\x02\x00\x01", b"\x00" * 4096, b"GET /\r\n" * 1000, b"POST /e/ HTTP/9.9\r\n\r\n"):
        with socket.create_connection(("127.0.0.1", hogflare.port), timeout=10) as connection:
            connection.sendall(garbage)
            time.sleep(0.01)
    with socket.create_connection(("127.0.0.1", hogflare.port), timeout=10) as connection:
        connection.sendall(b"POST /e/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: banana\r\n\r\n")
    assert hogflare.capture("after garbage").is_success()
