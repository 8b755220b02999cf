"""What an operator asks and orders: state, files, counters, faults."""

from dataclasses import dataclass, field

from fastapi import FastAPI, Request
from fastapi.responses import PlainTextResponse, Response

from .answers import Refused, committed
from .faults import Fault, Faults
from .metrics import Metrics
from .roll import NoFolder, Roller
from .sink import Sink
from .store import Store


@dataclass
class Redirected:
    """Requests that followed a redirect, and how many of them brought a token."""

    hits: int = 0
    with_token: int = 0


@dataclass
class Operations:
    """What the routes look at."""

    store: Store
    roller: Roller
    sink: Sink
    faults: Faults
    metrics: Metrics
    redirected: Redirected = field(default_factory=Redirected)

    def add_to(self, app: FastAPI) -> None:
        """Adds the routes."""
        self._add_state(app)
        self._add_files(app)
        self._add_faults(app)

    def _add_state(self, app: FastAPI) -> None:
        @app.get("/health")
        def health() -> dict:
            return {"status": "ok"}

        @app.get("/status")
        def status() -> dict:
            return self.sink.status()

        @app.get("/metrics")
        def metrics() -> PlainTextResponse:
            files = self.roller.files()
            gauges = {
                "emulator_rows": self.store.count(),
                "emulator_rows_rolled": sum(file["rows"] for file in files),
                "emulator_files": len(files),
                "emulator_file_bytes": sum(file["bytes"] for file in files),
                "emulator_sink_failed": int(self.sink.status()["status"] == "failed"),
            }
            return PlainTextResponse(self.metrics.render(gauges), media_type="text/plain; version=0.0.4")

    def _add_files(self, app: FastAPI) -> None:
        @app.get("/files")
        def files() -> list:
            return self.roller.files()

        @app.post("/admin/roll")
        def roll() -> list:
            try:
                return self.roller.roll()
            except NoFolder as error:
                raise Refused(409, 409, "rolling needs EMULATOR_DATA_DIR") from error

    def _add_faults(self, app: FastAPI) -> None:
        @app.post("/admin/faults")
        async def order(fault: Fault) -> Fault:
            self._order_sink(fault)
            if not fault.concerns_sink_only():
                self.faults.order(fault)
            return fault

        @app.get("/admin/faults")
        async def current() -> Fault:
            return self.faults.current

        @app.api_route("/redirected", methods=["GET", "POST", "PUT", "HEAD"])
        async def redirected(request: Request) -> Response:
            self.redirected.hits += 1
            self.redirected.with_token += "authorization" in request.headers
            return committed(0)

        @app.get("/admin/redirects")
        async def redirects() -> Redirected:
            return self.redirected

    def _order_sink(self, fault: Fault) -> None:
        if fault.sink == "broken":
            self.sink.order_broken(fault.failure_reason)
        elif fault.sink == "working":
            self.sink.repair()
