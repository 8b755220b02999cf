"""The HTTP surface: ingest at `/`, and what tests and people ask afterwards."""

import asyncio
import secrets
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response
from starlette.concurrency import run_in_threadpool

from .connection import KeepTransport, reset, wait_for_hangup
from .faults import Fault, Faults
from .rows import Malformed, parse_rows
from .schema import Schema
from .settings import Settings
from .store import Store

# The code that Pipelines gives for a body it cannot parse.
MALFORMED = 1003


class Refused(Exception):
    """A request that gets Pipelines' error envelope."""

    def __init__(self, status: int, code: int, message: str) -> None:
        self.status, self.code, self.message = status, code, message


def create_app(settings: Settings) -> KeepTransport:
    """Builds the emulator."""
    store = Store(settings.database, Schema.load(settings.schema) if settings.schema else None)
    faults = Faults()

    @asynccontextmanager
    async def close_at_the_end(_app: FastAPI):
        yield
        store.close()

    app = FastAPI(title="Cloudflare Pipelines stand-in", docs_url=None, redoc_url=None, lifespan=close_at_the_end)
    _add_ingest(app, settings, store, faults)
    _add_reads(app, store)
    _add_faults(app, faults)

    @app.exception_handler(Refused)
    async def refuse(_request: Request, refused: Refused) -> JSONResponse:
        return _failure(refused.status, refused.code, refused.message)

    return KeepTransport(app)


def _add_ingest(app: FastAPI, settings: Settings, store: Store, faults: Faults) -> None:
    @app.post("/")
    async def ingest(request: Request) -> Response:
        body = await _read(request, settings.max_bytes)
        fault = faults.take(body or b"")
        await asyncio.sleep(fault.latency_ms / 1000)
        if fault.mode in ("status", "hang", "reset"):
            return await _fail(request, fault)
        _check(request, settings, body)
        committed = await run_in_threadpool(_commit, store, body)
        if fault.mode == "commit_then_timeout":
            return await _stay_silent(request)
        return JSONResponse({"success": True, "result": {"committed": committed}})


def _add_reads(app: FastAPI, store: Store) -> None:
    @app.get("/health")
    def health() -> dict:
        return {"status": "ok"}

    @app.get("/count")
    def count() -> dict:
        return {"count": store.count()}

    @app.get("/events")
    def events(limit: int | None = None, event: str | None = None) -> Response:
        return Response("[" + ",".join(store.events(limit, event)) + "]", media_type="application/json")

    @app.delete("/events")
    def clear() -> dict:
        store.clear()
        return {"status": "ok"}

    @app.get("/dropped")
    def dropped() -> list:
        return store.dropped()

    @app.get("/stripped")
    def stripped() -> list:
        return store.stripped()


def _add_faults(app: FastAPI, faults: Faults) -> None:
    @app.post("/admin/faults")
    async def order(fault: Fault) -> Fault:
        faults.order(fault)
        return fault

    @app.get("/admin/faults")
    async def current() -> Fault:
        return faults.current


async def _read(request: Request, max_bytes: int) -> bytes | None:
    """Reads the whole body, so that an answer always reaches the client; None: too large."""
    chunks, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size <= max_bytes:
            chunks.append(chunk)
    return b"".join(chunks) if size <= max_bytes else None


def _check(request: Request, settings: Settings, body: bytes | None) -> None:
    given = request.headers.get("authorization", "")
    wanted = f"Bearer {settings.auth_token}"
    if settings.auth_token and not secrets.compare_digest(given.encode(), wanted.encode()):
        raise Refused(401, 10000, "Authentication error")
    if body is None:
        raise Refused(413, 413, f"Request body exceeds {settings.max_bytes} bytes")
    if request.headers.get("content-type", "").split(";")[0].strip().lower() != "application/json":
        raise Refused(415, 415, "Content-Type must be application/json")


def _commit(store: Store, body: bytes) -> int:
    try:
        rows = parse_rows(body)
    except Malformed as malformed:
        raise Refused(400, MALFORMED, f"Malformed JSON: {malformed}") from malformed
    return store.append(rows)


async def _fail(request: Request, fault: Fault) -> Response:
    if fault.mode == "status":
        return _failure(fault.status, fault.status, "ordered by /admin/faults")
    if fault.mode == "reset":
        reset(request)
    return await _stay_silent(request)


async def _stay_silent(request: Request) -> Response:
    await wait_for_hangup(request)
    return Response(status_code=504)


def _failure(status: int, code: int, message: str) -> JSONResponse:
    return JSONResponse({"success": False, "errors": [{"code": code, "message": message}]}, status_code=status)
