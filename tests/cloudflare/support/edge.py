"""The Worker in workerd, behind a stand-in for Cloudflare's own edge."""

import http.client
import json
from pathlib import Path
from typing import Any

from harness.poll import until
from harness.process import Process, StartFailed
from harness.server import Hogflare
from harness.wire import Answer, Wire

from .toolchain import REPO, node, node_env

_RUNNER = Path(__file__).resolve().parents[1] / "workerd" / "edge.mjs"
CLIENT_IP = "203.0.113.7"
SAO_PAULO = {
    "country": "BR",
    "continent": "SA",
    "region": "São Paulo",
    "regionCode": "SP",
    "city": "São Paulo",
    "postalCode": "01000-000",
    "latitude": "-23.54750",
    "longitude": "-46.63611",
    "timezone": "America/Sao_Paulo",
    "asn": 27699,
    "asOrganization": "Telefônica Brasil S.A.",
    "colo": "GRU",
}


class Edge:
    """One Worker with its bindings; `cf` is what Cloudflare would know of every client."""

    def __init__(self, bundle: Path, log: Path, bindings: dict[str, str], cf: dict[str, Any]) -> None:
        settings = {
            "bundle": str(bundle),
            "bindings": bindings,
            "cf": cf,
            "clientIp": CLIENT_IP,
            "compatibilityDate": _compatibility_date(),
        }
        env = node_env({"SETTINGS": json.dumps(settings), "REPOSITORY": f"{REPO}/"})
        self._log = log
        self.process = Process([str(node()), str(_RUNNER)], env, log.parent, log)
        self.port = until(self._find_port, timeout=60, what="workerd")

    @property
    def url(self) -> str:
        """What an SDK gets as its host."""
        return f"http://127.0.0.1:{self.port}"

    def request(self, method: str, path: str, body: bytes | None = None, **headers: str) -> Answer:
        """Sends one request; header names with underscores."""
        with Wire(self.port, timeout=60) as wire:
            return wire.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})

    def post(self, path: str, body: Any, **headers: str) -> Answer:
        """Posts JSON, or bytes as they are."""
        with Wire(self.port, timeout=60) as wire:
            return wire.post(path, body, **headers)

    def _find_port(self) -> int | None:
        if not self.process.is_running():
            raise StartFailed(self.process.log())
        first = self._log.read_text().partition("\n")
        return json.loads(first[0])["port"] if first[1] else None


def is_up(server: Hogflare) -> bool:
    """Says whether anything listens on the server's port."""
    try:
        return server.get("/_liveness").status == 200
    except (OSError, http.client.HTTPException):
        return False


def _compatibility_date() -> str:
    from .settings import wrangler_config

    return wrangler_config()["compatibility_date"]
