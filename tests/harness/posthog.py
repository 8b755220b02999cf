"""A stand-in for PostHog: keeps every request as it came, and answers as it is told."""

import json
import threading
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from .process import free_port

HANG_SECONDS = 3


@dataclass(frozen=True)
class Request:
    """One request that was taken."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


class Posthog:
    """Listens on one port, also after it was stopped and started again."""

    def __init__(self) -> None:
        self.port = free_port()
        self.status = 200
        self.headers: dict[str, str] = {}
        # Answers to requests that have such bytes in their body or target.
        self.refusals: dict[bytes, int] = {}
        # What the query API answers: [day, event, count].
        self.counts: list[list] = []
        self.questions: list[dict] = []
        self._lock = threading.Lock()
        self._taken: list[Request] = []
        self.asked = 0
        self._server: ThreadingHTTPServer | None = None

    @property
    def url(self) -> str:
        """What HOGFLARE_TEE gets."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> "Posthog":
        """Starts to listen."""
        stand = self

        class Handler(BaseHTTPRequestHandler):
            """Hands everything to the stand-in."""

            protocol_version = "HTTP/1.1"
            # Two writes would otherwise wait for each other.
            wbufsize = -1
            timeout = 60

            def do_GET(self) -> None:
                stand.serve(self)

            do_POST = do_GET

            def log_message(self, *_arguments) -> None:
                """Says nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def stop(self) -> None:
        """Stops listening; connections that are open end with their next request."""
        if self._server:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def taken(self) -> list[Request]:
        """What was answered with a success so far, in the order of arrival."""
        with self._lock:
            return list(self._taken)

    def bodies(self) -> list[bytes]:
        """The bodies of those."""
        return [request.body for request in self.taken()]

    def serve(self, handler: BaseHTTPRequestHandler) -> None:
        """Answers one request."""
        if self._server is None:
            handler.close_connection = True
            return
        body = handler.rfile.read(int(handler.headers.get("content-length", 0)))
        headers = {name.lower(): value for name, value in handler.headers.items()}
        request = Request(handler.command, handler.path, headers, body)
        if request.target.endswith("/query/"):
            status, answer = self._count(request)
        else:
            status, answer = self._take(request)
        content = json.dumps(answer).encode()
        handler.send_response(status)
        for name, value in self.headers.items():
            handler.send_header(name, value)
        handler.send_header("content-type", "application/json")
        handler.send_header("content-length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content)

    def _take(self, request: Request) -> tuple[int, dict]:
        with self._lock:
            self.asked += 1
            found = [status for part, status in self.refusals.items() if part in request.body + request.target.encode()]
            status = found[0] if found else self.status
            if status == 200:
                self._taken.append(request)
        if status == 0:
            time.sleep(HANG_SECONDS)
            status = 500
        return status, {"status": "Ok"} if status == 200 else {"detail": "not now"}

    def _count(self, request: Request) -> tuple[int, dict]:
        if request.headers.get("authorization") != "Bearer phx_reader":
            return 401, {"detail": "Invalid personal API key."}
        self.questions.append(json.loads(request.body))
        return self.status, {"results": self.counts if len(self.questions) == 1 else [], "hasMore": False}
