"""The service's answers: its envelope, and bodies that come from what stands in front of it."""

import json

from fastapi.responses import HTMLResponse, JSONResponse, Response

HTML = "<html><head><title>Error</title></head><body><h1>Something went wrong</h1></body></html>"


class Refused(Exception):
    """A request that gets the service's error envelope."""

    def __init__(self, status: int, code: int, message: str, retry_after: int | None = None) -> None:
        self.status, self.code, self.message, self.retry_after = status, code, message, retry_after

    def answer(self) -> JSONResponse:
        """Returns the envelope as an answer."""
        return failure(self.status, self.code, self.message, self.retry_after)


class Silence(Response):
    """Stands for no answer at all; by the time it is returned nobody listens."""


def committed(rows: int) -> Response:
    """Acknowledges rows."""
    return Response(acknowledgement(rows), media_type="application/json")


def acknowledgement(rows: int) -> bytes:
    """Returns the body that acknowledges rows."""
    body = {"success": True, "result": {"committed": rows}}
    return json.dumps(body, separators=(",", ":")).encode()


def failure(status: int, code: int, message: str, retry_after: int | None = None) -> JSONResponse:
    """Answers with the error envelope."""
    body = {"success": False, "errors": [{"code": code, "message": message}]}
    return JSONResponse(body, status, headers=_retry(retry_after))


def html(status: int, retry_after: int | None = None) -> Response:
    """Answers with a page."""
    return HTMLResponse(HTML, status, headers=_retry(retry_after))


def _retry(seconds: int | None) -> dict[str, str]:
    return {} if seconds is None else {"Retry-After": str(seconds)}
