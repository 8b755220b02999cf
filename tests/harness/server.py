"""The hogflare binary under test."""

import http.client
import json
import subprocess
from pathlib import Path

from . import sql
from .process import Process, child_env, free_port
from .wire import Answer, LocalWire, Wire

TOKEN = "phc_hogflareTestProject00000000000000000000000"


class Hogflare:
    """One `hogflare serve` on a free port over one data folder."""

    def __init__(self, binary: Path, data_dir: Path, log: Path, env: dict[str, str] | None = None) -> None:
        self.binary, self.data_dir, self.log_path = binary, data_dir, log
        self.env = env or {}
        self.command = [str(binary), "serve"]
        self.port = 0
        self.process: Process | None = None

    def start(self, *, wait: bool = True, **env: str) -> "Hogflare":
        """Starts it; `env` holds for this start only. Waits until it is ready to serve."""
        self.port = free_port()
        settings = {
            "APP_ADDR": f"127.0.0.1:{self.port}",
            "HOGFLARE_DATA_DIR": str(self.data_dir),
            "POSTHOG_API_KEY": TOKEN,
        }
        # A folder without .env files, so that only what stands here counts.
        cwd = self.log_path.parent
        self.process = Process(self.command, child_env(settings | self.env | env), cwd, self.log_path)
        if wait:
            self.process.wait_ready(self.is_ready, timeout=60)
        return self

    def is_ready(self) -> bool:
        """Says whether /_readiness answers 200."""
        try:
            return self.get("/_readiness").status == 200
        except (OSError, http.client.HTTPException):
            return False

    def stop(self) -> None:
        """Ends it as an operator does and expects a clean exit."""
        code = self.process.stop(timeout=60)
        assert code == 0, f"exit code {code} after SIGTERM\n{self.process.log()[-4000:]}"

    def kill9(self) -> None:
        """Kills it."""
        self.process.kill9()

    def restart(self, **env: str) -> "Hogflare":
        """Kills it and starts it again on the same folder."""
        self.kill9()
        return self.start(**env)

    @property
    def url(self) -> str:
        """Its base URL."""
        return f"http://127.0.0.1:{self.port}"

    def connect(self, timeout: float = 30) -> Wire:
        """Opens a keep-alive connection."""
        return Wire(self.port, timeout)

    def post(self, path: str, body, **headers: str) -> Answer:
        """Sends one POST over a connection of its own."""
        with self.connect() as wire:
            return wire.post(path, body, **headers)

    def get(self, path: str, **headers: str) -> Answer:
        """Sends one GET over a connection of its own."""
        with self.connect(timeout=5) as wire:
            return wire.request("GET", path, headers=headers)

    def capture(self, event: str, distinct_id: str = "user-1", **fields) -> Answer:
        """Sends one event to /capture."""
        return self.post("/capture", {"api_key": TOKEN, "event": event, "distinct_id": distinct_id} | fields)

    def query(self, statement: str) -> list[dict]:
        """Runs `hogflare sql` and returns the rows."""
        return sql.query(self.binary, self.data_dir, statement)

    def read_key(self) -> str:
        """What readers over HTTP must show."""
        return (self.data_dir / "read-key").read_text().strip()

    def admin_key(self) -> str:
        """What must be shown to erase somebody."""
        return (self.data_dir / "admin-key").read_text().strip()

    def metric(self, name: str, **labels: str) -> float:
        """Returns a metric's sum over the series that have these labels; 0 where there is none."""
        page = self.get("/metrics", authorization=f"Bearer {self.read_key()}").body.decode()
        wanted = [f'{label}="{value}"' for label, value in labels.items()]
        lines = [line for line in page.splitlines() if line.startswith((f"{name} ", f"{name}{{"))]
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines if all(want in line for want in wanted))

    def trouble(self, sink: str) -> str:
        """Why a sink is in trouble, as those on this machine are told; empty where it is not."""
        with self.local() as wire:
            return json.loads(wire.request("GET", "/_readiness").body)["reasons"].get(sink, "")

    def doctor(self) -> str:
        """What `hogflare doctor` says with the server's own settings."""
        env = child_env({"HOGFLARE_DATA_DIR": str(self.data_dir)} | self.env)
        command, cwd = [str(self.binary), "doctor"], self.log_path.parent
        done = subprocess.run(command, env=env, cwd=cwd, capture_output=True, text=True, timeout=300, check=False)
        return done.stdout + done.stderr

    def local(self, timeout: float = 60) -> LocalWire:
        """Opens a connection to the socket in the data folder."""
        return LocalWire(self.data_dir / "hogflare.sock", timeout)

    def lake(self, *command: str, expected: int = 0) -> dict:
        """Runs `hogflare lake`, with the server running or not, and returns what it says as JSON."""
        words = [str(self.binary), "lake", *command, "--json", "--data-dir", str(self.data_dir)]
        done = subprocess.run(
            words, env=child_env({}), cwd=self.log_path.parent, capture_output=True, text=True, timeout=300, check=False
        )
        assert done.returncode == expected, f"exit code {done.returncode}\n{done.stdout[-2000:]}{done.stderr[-2000:]}"
        return json.loads(done.stdout) if done.stdout.startswith("{") else {}
