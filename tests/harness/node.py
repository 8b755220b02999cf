"""Runs a driver, a small program around one SDK, and reads what it believes it sent."""

import json
import subprocess
import sys
from pathlib import Path

from .process import child_env

TESTS = Path(__file__).resolve().parents[1]
DRIVERS = TESTS / "sdk" / "drivers"


class DriverFailed(AssertionError):
    """The driver ended with an error or did not end."""


def run_driver(name: str, *, timeout: float = 120, **settings: str) -> list[dict]:
    """Runs `sdk/drivers/{name}`; settings become environment variables."""
    program = [sys.executable, "-B"] if name.endswith(".py") else ["node"]
    return run_program([*program, str(DRIVERS / name)], timeout=timeout, **settings)


def run_program(command: list[str], *, timeout: float = 120, **settings: str) -> list[dict]:
    """Runs a driver's command line; settings become environment variables.

    A driver prints one JSON object a line: what the SDK's own hook saw.
    """
    env = child_env({key.upper(): value for key, value in settings.items()})
    done = subprocess.run(command, env=env, cwd=TESTS, capture_output=True, timeout=timeout, check=False)
    if done.returncode != 0:
        complaint = done.stderr.decode(errors="replace")[-4000:]
        raise DriverFailed(f"{' '.join(command)}: exit code {done.returncode}\n{complaint}")
    return [json.loads(line) for line in done.stdout.splitlines() if line.strip()]
