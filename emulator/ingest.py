"""`POST /`: checks, faults, storing, and the answer."""

import asyncio
import secrets
from dataclasses import dataclass

import anyio
from fastapi import FastAPI, Request
from fastapi.responses import Response

from .answers import Refused, Silence
from .faults import Faults
from .metrics import Metrics
from .misbehavior import afterwards, instead
from .rate import TokenBucket
from .roll_schedule import RollSchedule
from .rows import Malformed, parse_rows
from .settings import Settings
from .store import Store

# The code that Pipelines gives for a body it cannot parse.
MALFORMED = 1003
# One request is parsed while another is written; more would only wait for each other.
_WRITERS = 2


@dataclass
class Ingest:
    """What a request passes through."""

    settings: Settings
    store: Store
    faults: Faults
    metrics: Metrics
    schedule: RollSchedule

    def __post_init__(self) -> None:
        self._bucket = TokenBucket(self.settings.rate_bytes)
        self._limit = anyio.CapacityLimiter(_WRITERS)

    def add_to(self, app: FastAPI) -> None:
        """Adds the route."""

        @app.post("/")
        async def ingest(request: Request) -> Response:
            try:
                answer = await self._answer(request)
            except Refused as refused:
                answer = refused.answer()
            self.metrics.answered("none" if isinstance(answer, Silence) else str(answer.status_code))
            return answer

    async def _answer(self, request: Request) -> Response:
        body, size = await _read(request, self.settings.max_bytes)
        fault = self.faults.take(body or b"")
        self.metrics.received(size, fault.mode)
        await asyncio.sleep(fault.latency_ms / 1000)
        answer = await instead(request, fault)
        if answer:
            return answer
        self._check(request, body)
        rows = await anyio.to_thread.run_sync(self._commit, body, limiter=self._limit)
        return await afterwards(request, fault, rows)

    def _check(self, request: Request, body: bytes | None) -> None:
        given = request.headers.get("authorization", "")
        wanted = f"Bearer {self.settings.auth_token}"
        if self.settings.auth_token and not secrets.compare_digest(given.encode(), wanted.encode()):
            raise Refused(401, 10000, "Authentication error")
        if body is None:
            raise Refused(413, 413, f"Request body exceeds {self.settings.max_bytes} bytes")
        if request.headers.get("content-encoding", "identity").strip().lower() != "identity":
            raise Refused(400, MALFORMED, "Malformed JSON: compressed bodies are not taken")
        if request.headers.get("content-type", "").split(";")[0].strip().lower() != "application/json":
            raise Refused(415, 415, "Content-Type must be application/json")
        seconds = self._bucket.seconds_to_wait(len(body))
        if seconds:
            raise Refused(429, 429, f"More than {self.settings.rate_bytes} bytes per second", retry_after=seconds)

    def _commit(self, body: bytes) -> int:
        try:
            rows = parse_rows(body)
        except Malformed as malformed:
            raise Refused(400, MALFORMED, f"Malformed JSON: {malformed}") from malformed
        outcome = self.store.append(rows)
        self.metrics.stored(outcome)
        self.schedule.landed(outcome.landed_bytes())
        return outcome.committed


async def _read(request: Request, max_bytes: int) -> tuple[bytes | None, int]:
    """Reads the whole body, so that an answer always reaches the client, and its size; None: too large."""
    chunks, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size <= max_bytes:
            chunks.append(chunk)
    return (b"".join(chunks) if size <= max_bytes else None), size
