"""What `POST /` does under a fault, instead of storing the rows or after it has stored them."""

import asyncio
from collections.abc import AsyncIterator

from fastapi import Request
from fastapi.responses import RedirectResponse, Response, StreamingResponse

from .answers import Silence, acknowledgement, committed, failure, html
from .connection import reset, wait_for_hangup
from .faults import Fault

ORDERED = "ordered by /admin/faults"


async def instead(request: Request, fault: Fault) -> Response | None:
    """Answers without storing anything; None: the fault does not prevent storing."""
    match fault.mode:
        case "status":
            return failure(fault.status, fault.status, ORDERED, fault.retry_after)
        case "html":
            return html(fault.status, fault.retry_after)
        case "garbage":
            return html(200)
        case "unsuccessful":
            return failure(200, 10001, ORDERED)
        case "redirect":
            return RedirectResponse(fault.location, fault.redirect_status)
        case "hang":
            return await _stay_silent(request)
        case "reset":
            return await _break(request)
    return None


async def afterwards(request: Request, fault: Fault, rows: int) -> Response:
    """Answers once `rows` rows are stored."""
    match fault.mode:
        case "commit_then_status":
            return failure(fault.status, fault.status, ORDERED, fault.retry_after)
        case "miscount":
            return committed(rows - 1)
        case "slow":
            return _dribble(acknowledgement(rows), fault.dribble_ms / 1000)
        case "commit_then_timeout":
            return await _stay_silent(request)
        case "reset_after_commit":
            return await _break(request)
    return committed(rows)


async def _stay_silent(request: Request) -> Response:
    await wait_for_hangup(request)
    return Silence(status_code=504)


async def _break(request: Request) -> Response:
    reset(request)
    return await _stay_silent(request)


def _dribble(body: bytes, pause_seconds: float) -> Response:
    async def bytes_one_by_one() -> AsyncIterator[bytes]:
        for position in range(len(body)):
            await asyncio.sleep(pause_seconds)
            yield body[position : position + 1]

    headers = {"content-length": str(len(body))}
    return StreamingResponse(bytes_one_by_one(), media_type="application/json", headers=headers)
