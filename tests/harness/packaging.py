"""What deploys: the repository's files, the tools that check them, and the settings that they may name."""

import json
import re
import subprocess
from functools import cache
from pathlib import Path

from .process import child_env

REPO = Path(__file__).resolve().parents[2]
DEPLOY = REPO / "deploy"
_TOOLS = REPO / "tests" / "packaging" / ".venv" / "bin"

# Variables that look like settings and are read by others: compose, the Caddyfile, install.sh.
OF_OTHERS = {"HOGFLARE_DOMAIN", "HOGFLARE_DOWNLOAD_URL", "HOGFLARE_SUBNET", "HOGFLARE_UPSTREAM", "HOGFLARE_VERSION"}
# What open requests may take to end, before the sinks: drain_timeout of the listener, then the last flush of sinks.
_LISTENER_SECONDS, _FLUSH_SECONDS, _NOTICE_SECONDS = 20, 5, 0.5


def tool(name: str, *arguments: str | Path, cwd: Path = REPO, expected: int = 0, **env: str) -> str:
    """Runs one of the tools that tests/setup.sh installs and returns what it says."""
    assert (_TOOLS / name).exists(), f"tests/setup.sh installs {name}"
    command = [str(_TOOLS / name), *map(str, arguments)]
    return run(command, cwd=cwd, expected=expected, **env).stdout


def run(command: list[str], cwd: Path = REPO, expected: int = 0, **env: str) -> subprocess.CompletedProcess:
    """Runs a command to its end."""
    done = subprocess.run(
        command, env=child_env(env), cwd=cwd, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == expected, f"{command} ended with {done.returncode}\n{done.stdout}{done.stderr}"
    return done


def tool_path(name: str) -> str:
    """Where such a tool is."""
    return str(_TOOLS / name)


def workspace_version() -> str:
    """The version of every crate."""
    return re.search(r'^version = "(.+?)"', (REPO / "Cargo.toml").read_text(), flags=re.MULTILINE)[1]


def settings_in(text: str) -> set[str]:
    """Every name in a text that looks like a setting."""
    return set(re.findall(r"\b(?:APP_ADDR|(?:HOGFLARE|POSTHOG|CLOUDFLARE)_[A-Z0-9_]*[A-Z0-9])\b", text))


def defaults(binary: Path) -> dict[str, str]:
    """Every setting of the binary, with its default."""
    reference = run([str(binary), "config"]).stdout
    return dict(re.findall(r"^\| `([A-Z0-9_]+)` \| `[^`]+` \| (?:`([^`]*)`|–) \|", reference, flags=re.MULTILINE))


def seconds_to_stop(binary: Path) -> float:
    """The longest time from SIGTERM to the end, as the settings are unless somebody changes them."""
    drain = defaults(binary)["HOGFLARE_DRAIN_TIMEOUT"]
    assert re.fullmatch(r"\d+s", drain)
    return _NOTICE_SECONDS + _LISTENER_SECONDS + int(drain.removesuffix("s")) + _FLUSH_SECONDS


@cache
def instructions(path: Path) -> list[dict]:
    """The instructions of a Dockerfile, as the parser of Docker reads them."""
    program = "import dockerfile, json, sys\n"
    program += "print(json.dumps([found._asdict() for found in dockerfile.parse_file(sys.argv[1])]))"
    return json.loads(run([str(_TOOLS / "python"), "-c", program, str(path)]).stdout)
