"""What a server normally never does to its client: stay silent, or hang up hard."""

import socket
import struct

from starlette.requests import Request
from starlette.types import Receive, Scope, Send

# With SO_LINGER on and zero seconds, closing sends RST instead of FIN.
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class KeepTransport:
    """Outermost ASGI layer: remembers the connection's transport in the scope.

    ASGI has no way to break a connection; uvicorn's `receive` belongs to the object
    that owns the transport.
    """

    def __init__(self, app) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            owner = getattr(receive, "__self__", None)
            scope["emulator.transport"] = getattr(owner, "transport", None)
        await self._app(scope, receive, send)


async def wait_for_hangup(request: Request) -> None:
    """Returns when the client has given up; sends nothing."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


def reset(request: Request) -> None:
    """Breaks the connection so that the client sees a reset."""
    transport = request.scope.get("emulator.transport")
    if transport is None:
        raise RuntimeError("reset needs a real connection")
    raw = transport.get_extra_info("socket")
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
    transport.abort()
