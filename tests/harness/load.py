"""Requests shaped as the SDKs send them, and clients that remember what was acknowledged."""

import gzip
import http.client
import json
import os
import random
import threading
import time
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime

from .server import TOKEN, Hogflare
from .wire import Wire

NO_ANSWER = (OSError, http.client.HTTPException)


def new_uuid() -> str:
    """Returns a time-ordered uuid, as SDKs make them."""
    millis = time.time_ns() // 1_000_000
    bits = (millis << 80) | (7 << 76) | (random.getrandbits(12) << 64) | (2 << 62) | random.getrandbits(62)
    return str(uuid.UUID(int=bits))


def now() -> str:
    """Returns the time as SDKs write it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def new_event(event: str = "load", **fields) -> dict:
    """Returns one event with a uuid of its own."""
    base = {"uuid": new_uuid(), "event": event, "distinct_id": "load-user", "timestamp": now()}
    return base | {"properties": {"$lib": "posthog-node"}} | fields


def filler(size: int) -> str:
    """Returns text of this many characters that does not compress below half."""
    return os.urandom(size // 2 + 1).hex()[:size]


def envelope(events: list[dict]) -> dict:
    """Returns the body of a `/batch/` request."""
    return {"api_key": TOKEN, "batch": events, "sent_at": now()}


def send_batch(wire: Wire, events: list[dict]) -> bool:
    """Posts one gzip batch and says whether it was acknowledged."""
    body = gzip.compress(json.dumps(envelope(events)).encode(), compresslevel=1)
    return wire.post("/batch/", body, content_encoding="gzip").is_success()


def send_events(server: Hogflare, events: list[dict], batch_size: int = 100) -> None:
    """Posts all events in batches; each must be acknowledged."""
    with server.connect() as wire:
        for start in range(0, len(events), batch_size):
            assert send_batch(wire, events[start : start + batch_size])


@dataclass
class Ledger:
    """What clients know: uuids that were acknowledged, and those that were only sent."""

    acknowledged: set[str] = field(default_factory=set)
    attempted: set[str] = field(default_factory=set)

    def in_doubt(self) -> set[str]:
        """Returns the uuids for which no acknowledgement arrived."""
        return self.attempted - self.acknowledged


class Load:
    """Threads that send batches until they are told to stop, across restarts of the server.

    As SDKs do, a client sends a batch without an answer again, the same uuids in it; now and
    then it gives up, as a client does that ends: those events stay in doubt.
    """

    def __init__(self, server: Hogflare, threads: int = 2, batch_size: int = 5) -> None:
        self._server, self._batch_size = server, batch_size
        self._ledger, self._lock = Ledger(), threading.Lock()
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(threads)]

    def __enter__(self) -> "Load":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_exception) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(timeout=60)

    @property
    def ledger(self) -> Ledger:
        """A copy of what is known now."""
        with self._lock:
            return Ledger(set(self._ledger.acknowledged), set(self._ledger.attempted))

    def _run(self) -> None:
        while not self._stop.is_set():
            self._deliver([new_event(properties={"$lib": "posthog-node", "n": n}) for n in range(self._batch_size)])
            time.sleep(0.004)

    def _deliver(self, events: list[dict]) -> None:
        uuids = {event["uuid"] for event in events}
        with self._lock:
            self._ledger.attempted |= uuids
        while not self._stop.is_set():
            if self._attempt(events):
                with self._lock:
                    self._ledger.acknowledged |= uuids
                return
            if random.random() < 0.2:
                return
            time.sleep(0.05)

    def _attempt(self, events: list[dict]) -> bool:
        try:
            with self._server.connect(timeout=10) as wire:
                return send_batch(wire, events)
        except NO_ANSWER:
            return False
