"""The Cloudflare Pipelines stand-in as a process of its own."""

import json
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

from .process import Process, child_env, free_port
from .wire import Wire

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
        """Orders a fault; see the emulator's README."""
        answer = self._ask("POST", "/admin/faults", {"mode": mode} | order)
        assert answer["mode"] == mode

    def pending_faults(self) -> int | None:
        """Returns how many requests the current fault still applies to."""
        return self._ask("GET", "/admin/faults")["count"]

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
