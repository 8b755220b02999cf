"""`hogflare sql`, as a person runs it."""

import json
import subprocess
from decimal import Decimal
from pathlib import Path

from .process import child_env


class SqlFailed(AssertionError):
    """The command ended with an error."""


def query(binary: Path, data_dir: Path, statement: str, timeout: float = 120) -> list[dict]:
    """Returns the rows of one statement; numbers keep their exact value."""
    command = [str(binary), "sql", "--data-dir", str(data_dir), "--format", "ndjson", statement]
    done = subprocess.run(
        command, env=child_env({}), cwd=data_dir.parent, capture_output=True, timeout=timeout, check=False
    )
    if done.returncode != 0:
        raise SqlFailed(f"{statement}\nexit code {done.returncode}\n{done.stderr.decode(errors='replace')}")
    return [json.loads(line, parse_float=Decimal) for line in done.stdout.splitlines() if line.strip()]
