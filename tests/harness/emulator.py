"""The Cloudflare Pipelines stand-in as a process of its own."""

import json
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

from .process import Process, child_env, free_port
from .wire import Answer, Wire

REPO = Path(__file__).resolve().parents[2]
SCHEMA = REPO / "scripts" / "pipeline-schema.json"


class Emulator:
    """One emulator; it can be stopped and started again on the same port and file."""

    def __init__(self, folder: Path, env: dict[str, str] | None = None) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder, self.port = folder, free_port()
        schema = {"EMULATOR_SCHEMA": str(SCHEMA)} if SCHEMA.exists() else {}
        self._env = (
            {"EMULATOR_DB": str(folder / "pipeline.duckdb"), "PYTHONDONTWRITEBYTECODE": "1"} | schema | (env or {})
        )
        self.process: Process | None = None

    def start(self) -> "Emulator":
        """Starts it and waits until it answers."""
        command = [sys.executable, "-m", "emulator", "--port", str(self.port)]
        self.process = Process(command, child_env(self._env), REPO, self._folder / "emulator.log")
        self.process.wait_ready(self._is_healthy, timeout=60)
        return self

    def stop(self) -> None:
        """Makes it be gone."""
        self.process.stop()

    @property
    def url(self) -> str:
        """The ingest endpoint."""
        return f"http://127.0.0.1:{self.port}/"

    def fault(self, mode: str, **order: Any) -> None:
        """Orders a fault, with any member of an order; see the emulator's README."""
        answer = self._ask("POST", "/admin/faults", {"mode": mode} | order)
        assert answer["mode"] == mode

    def pending_faults(self) -> int | None:
        """Returns how many requests the current fault still applies to."""
        return self._ask("GET", "/admin/faults")["count"]

    def break_sink(self, reason: str = "catalog token revoked") -> None:
        """Lets ingest go on while nothing is rolled any more; leaves the fault in force as it is."""
        self._ask("POST", "/admin/faults", {"sink": "broken", "failure_reason": reason})

    def repair_sink(self) -> None:
        """Lets rolls go on."""
        self._ask("POST", "/admin/faults", {"sink": "working"})

    def redirects(self) -> dict[str, int]:
        """Returns how many requests followed mode `redirect`, and how many of them brought a token."""
        return self._ask("GET", "/admin/redirects")

    def clear(self) -> None:
        """Deletes every row and file."""
        self._ask("DELETE", "/events")

    def events(self) -> list[dict[str, Any]]:
        """Returns every landed row in the order of arrival."""
        return self._ask("GET", "/events")

    def count(self) -> int:
        """Counts the landed rows."""
        return self._ask("GET", "/count")["count"]

    def dropped(self) -> list[dict[str, Any]]:
        """Returns the rows that the stream's schema refused after acknowledging them."""
        return self._ask("GET", "/dropped")

    def stripped(self) -> list[dict[str, Any]]:
        """Returns the members that the stream's schema does not name."""
        return self._ask("GET", "/stripped")

    def sql(self, query: str) -> list[dict[str, Any]]:
        """Returns the rows of one query; without a LIMIT at most 500, as in the real service."""
        answer = self.ask_sql(query)
        assert answer.status == 200, f"emulator: {query}: {answer.status} {answer.body!r}"
        return json.loads(answer.body, parse_float=Decimal)["result"]["rows"]

    def ask_sql(self, query: str) -> Answer:
        """Returns the answer to one query, whatever it is."""
        with Wire(self.port, timeout=60) as wire:
            return wire.post("/sql", {"query": query})

    def roll(self) -> list[dict[str, Any]]:
        """Rolls what landed so far and returns the new files; needs EMULATOR_DATA_DIR."""
        return self._ask("POST", "/admin/roll")

    def files(self) -> list[dict[str, Any]]:
        """Returns every rolled file with its path, day, rows and bytes."""
        return self._ask("GET", "/files")

    def status(self) -> dict[str, Any]:
        """Returns the pipeline's `{"status", "failure_reason"}`."""
        return self._ask("GET", "/status")

    def metrics(self) -> dict[str, float]:
        """Returns each sample by its name with labels, `emulator_requests_total{status="200"}`."""
        with Wire(self.port) as wire:
            text = wire.request("GET", "/metrics").body.decode()
        samples = (line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
        return {name: float(value) for name, value in samples}

    def _is_healthy(self) -> bool:
        try:
            return self._ask("GET", "/health") == {"status": "ok"}
        except OSError:
            return False

    def _ask(self, method: str, path: str, body: Any = None) -> Any:
        with Wire(self.port, timeout=60) as wire:
            payload = None if body is None else json.dumps(body).encode()
            answer = wire.request(method, path, payload, {"content-type": "application/json"})
        assert answer.status == 200, f"emulator: {method} {path}: {answer.status} {answer.body!r}"
        return json.loads(answer.body, parse_float=Decimal)
