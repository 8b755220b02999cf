"""A REST catalog and its storage as processes of their own, and what PyIceberg reads of it."""

import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import requests
from pyiceberg.catalog.rest import RestCatalog
from pyiceberg.exceptions import NoSuchTableError
from pyiceberg.table import Table

from .process import Process, child_env, free_port
from .rest_catalog import BUCKET, SECRET, TOKEN, WAREHOUSE
from .wire import Wire

TESTS = Path(__file__).resolve().parents[1]
MOTO = TESTS / "catalog" / ".venv" / "bin" / "moto_server"


class Catalog:
    """One stand-in with an S3 server of its own."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.port, self.storage_port, self.s3_port = folder, free_port(), free_port(), free_port()
        self.s3: Process | None = None
        self.process: Process | None = None

    def start(self) -> "Catalog":
        """Starts both and makes the bucket."""
        command = [str(MOTO), "-H", "127.0.0.1", "-p", str(self.s3_port)]
        self.s3 = Process(command, child_env({}), self.folder, self.folder / "s3.log")
        self.s3.wait_ready(lambda: self._answers(self.s3_port, "/moto-api/data.json"), timeout=120)
        made = requests.put(f"{self.s3_url}/{BUCKET}", headers=self._auth(), timeout=30)
        assert made.status_code == 200, made.text
        return self.start_catalog()

    def start_catalog(self) -> "Catalog":
        """Starts the catalog and the way to the storage, on the same ports and file as before."""
        words = [self.port, self.storage_port, self.s3_url, self.folder]
        command = [sys.executable, "-m", "harness.rest_catalog", *map(str, words)]
        env = child_env({"PYTHONDONTWRITEBYTECODE": "1"})
        self.process = Process(command, env, TESTS, self.folder / "catalog.log")
        self.process.wait_ready(lambda: self._answers(self.port, "/admin/state"), timeout=120)
        return self

    def close(self) -> None:
        """Ends both."""
        for process in (self.process, self.s3):
            if process:
                process.kill9()

    @property
    def url(self) -> str:
        """The catalog's URI."""
        return f"http://127.0.0.1:{self.port}/api"

    @property
    def s3_url(self) -> str:
        """The S3 server behind the storage."""
        return f"http://127.0.0.1:{self.s3_port}"

    def settings(self, **env: str) -> dict[str, str]:
        """What a server needs to write there, every second."""
        return {
            "HOGFLARE_CATALOG": self.url,
            "HOGFLARE_CATALOG_WAREHOUSE": WAREHOUSE,
            "HOGFLARE_CATALOG_TOKEN": TOKEN,
            "HOGFLARE_CATALOG_INTERVAL": "1s",
            "HOGFLARE_CATALOG_TIMEOUT": "3s",
        } | env

    def fault(self, on: str, count: int = 1, **order: Any) -> None:
        """Orders a fault for so many requests: `on` is `load`, `commit` or `storage`."""
        self._ask("POST", "/admin/fault", {"on": on, "count": count} | order)

    def heal(self) -> None:
        """Ends the fault."""
        self._ask("POST", "/admin/fault", {})

    def faults_left(self) -> int:
        """Returns how many requests the fault is still for."""
        return self.state()["left"]

    def state(self) -> dict[str, Any]:
        """Returns what the stand-in has counted."""
        return self._ask("GET", "/admin/state")

    def credentials(self, **how: Any) -> None:
        """Says whether credentials are given, and how many seconds they last."""
        self._ask("POST", "/admin/credentials", how)

    def append(self, table: str) -> None:
        """Appends a row of somebody else."""
        self._ask("POST", f"/admin/append/{table}", {})

    def open(self) -> RestCatalog:
        """The catalog, as anybody with PyIceberg sees it."""
        return RestCatalog("reader", uri=self.url, warehouse=WAREHOUSE, token=TOKEN)

    def table(self, name: str = "events") -> Table | None:
        """A table; None while there is none."""
        try:
            return self.open().load_table(f"default.{name}")
        except NoSuchTableError:
            return None

    def rows(self, name: str = "events", *columns: str) -> list[dict[str, Any]]:
        """Reads a table's rows."""
        table = self.table(name)
        return table.scan(selected_fields=columns or ("*",)).to_arrow().to_pylist() if table else []

    def uuids(self, name: str = "events") -> Counter:
        """How often each of our uuids is in a table."""
        found = (row["uuid"] for row in self.rows(name, "uuid"))
        return Counter(uuid for uuid in found if not uuid.startswith("foreign-"))

    def objects(self, prefix: str = "") -> set[str]:
        """Returns the URIs of all objects."""
        found, token = set(), None
        while True:
            query = {"list-type": "2", "prefix": prefix} | ({"continuation-token": token} if token else {})
            page = requests.get(f"{self.s3_url}/{BUCKET}", params=query, headers=self._auth(), timeout=30).text
            found |= {f"s3://{BUCKET}/{key.partition('<')[0]}" for key in page.split("<Key>")[1:]}
            if "<NextContinuationToken>" not in page:
                return found
            token = page.partition("<NextContinuationToken>")[2].partition("<")[0]

    @staticmethod
    def _auth() -> dict[str, str]:
        scope = f"root/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature={SECRET}"
        return {"authorization": f"AWS4-HMAC-SHA256 Credential={scope}"}

    @staticmethod
    def _answers(port: int, path: str) -> bool:
        try:
            with Wire(port, timeout=5) as wire:
                return wire.request("GET", path).status == 200
        except OSError:
            return False

    def _ask(self, method: str, path: str, body: Any = None) -> Any:
        with Wire(self.port, timeout=60) as wire:
            payload = None if body is None else json.dumps(body).encode()
            answer = wire.request(method, path, payload, {"content-type": "application/json"})
        assert answer.status == 200, f"catalog: {method} {path}: {answer.status} {answer.body!r}"
        return json.loads(answer.body)
