"""`hogflare import`, as a person runs it, and rows to bring."""

import json
import subprocess
import uuid
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

from .process import Process, child_env
from .server import TOKEN, Hogflare

START = datetime(2024, 1, 30, 22, 0, 0, 123457, tzinfo=UTC)


def words(server: Hogflare, *said: str) -> list[str]:
    """The command for a server's folder."""
    return [str(server.binary), "import", *said, "--data-dir", str(server.data_dir), "--token", TOKEN]


def bring(server: Hogflare, *said: str, expected: int = 0, **env: str) -> subprocess.CompletedProcess[str]:
    """Runs it to its end."""
    done = subprocess.run(
        words(server, *said),
        env=child_env(env),
        cwd=server.log_path.parent,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == expected, f"exit code {done.returncode}\n{done.stdout[-3000:]}{done.stderr[-3000:]}"
    return done


def begin(server: Hogflare, log: Path, *said: str, **env: str) -> Process:
    """Begins it, to be killed."""
    return Process(words(server, *said), child_env(env), log.parent, log)


def event(number: int, **more) -> dict:
    """One row as PostHog's exports have it; every 977 seconds, to the microsecond."""
    at = START + timedelta(seconds=977 * (number % 900), microseconds=number % 1000)
    properties = {"number": number, "$lib": "web", "text": 'a "quoted" ü', "$ip": "203.0.113.9"}
    return {
        "uuid": str(uuid.UUID(int=number + 1 | 4 << 76 | 8 << 60)),
        "event": "$pageview" if number % 3 else "purchase",
        "distinct_id": f"user-{number % 97}",
        "timestamp": at,
        "created_at": at + timedelta(seconds=1),
        "properties": properties,
    } | more


def by_day(rows: list[dict]) -> dict[str, int]:
    """Counts rows by UTC day."""
    return dict(Counter(row["timestamp"].astimezone(UTC).date().isoformat() for row in rows))


def lake_days(server: Hogflare) -> dict[str, int]:
    """Counts the lake's events likewise."""
    statement = "select cast(date_trunc('day', timestamp) as varchar) as day, count(*) as n from events group by 1"
    return {row["day"][:10]: int(row["n"]) for row in server.query(statement)}


def as_json(row: dict) -> str:
    """A line as batch exports write it."""
    times = {name: value.isoformat() for name, value in row.items() if isinstance(value, datetime)}
    return json.dumps(row | times, ensure_ascii=False)
