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
    """Runs `sdk/drivers/{name}`; settings become environment variables.

    A driver prints one JSON object a line: what the SDK's own hook saw.
    """
    program = [sys.executable, "-B"] if name.endswith(".py") else ["node"]
    env = child_env({key.upper(): value for key, value in settings.items()})
    done = subprocess.run(
        [*program, str(DRIVERS / name)], env=env, cwd=TESTS, capture_output=True, timeout=timeout, check=False
    )
    if done.returncode != 0:
        raise DriverFailed(f"{name}: exit code {done.returncode}\n{done.stderr.decode(errors='replace')[-4000:]}")
    return [json.loads(line) for line in done.stdout.splitlines() if line.strip()]
