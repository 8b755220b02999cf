"""CPU seconds of questions that dashboards ask, ours and DuckDB's over the same Parquet, warm, on two threads.

    tests/.venv/bin/python bench/insights/measure.py --server target/release/hogflare --events 10000000 --folder /tmp/bench

Makes the events once per folder: 30 days, about 600 bytes of properties each, a person for every hundred. Each question
is asked once to warm it, then `--runs` times; the least CPU counts, since whatever else runs only adds to it.
"""

import argparse
import gzip
import json
import os
import random
import resource
import statistics
import sys
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))

import duckdb  # noqa: E402
from harness import lake  # noqa: E402
from harness.server import TOKEN, Hogflare  # noqa: E402

START = datetime(2026, 3, 1, tzinfo=UTC)
DAYS = 30
EVENTS = ["$pageview"] * 10 + ["$autocapture"] * 6 + ["$pageleave"] * 6 + ["sign up", "add to cart", "purchase"]
REFERRERS = ["$direct", "$direct", "www.google.com", "duckduckgo.com", "t.co", "news.ycombinator.com", "github.com", "mail.example"]
RANGE = {"date_from": "2026-03-01", "date_to": "2026-03-30"}
IN_RANGE = "timestamp >= TIMESTAMPTZ '2026-03-01 00:00:00+00' AND timestamp < TIMESTAMPTZ '2026-03-31 00:00:00+00'"


def fill(server: Hogflare, count: int) -> None:
    """Sends the events, in the order of their times but for some seconds."""
    rng = random.Random(1)
    persons = max(count // 100, 1)
    padding = ["".join(rng.choices("abcdefghijklmnopqrstuvwxyz0123456789", k=250)) for _ in range(500)]
    with server.connect(timeout=300) as wire:
        for start in range(0, count, 1_000):
            batch = [event(rng, number / count, rng.randrange(persons), padding) for number in range(start, min(start + 1_000, count))]
            body = gzip.compress(json.dumps({"api_key": TOKEN, "batch": batch}).encode(), compresslevel=1)
            assert wire.post("/batch/", body, content_encoding="gzip").is_success()


def event(rng: random.Random, part: float, person: int, padding: list[str]) -> dict:
    """One event, this far into the month."""
    moment = START + timedelta(seconds=part * DAYS * 86_400 + rng.random())
    page = int(rng.expovariate(0.005)) % 5_000
    return {
        "uuid": str(uuid.UUID(int=rng.getrandbits(128), version=4)),
        "event": rng.choice(EVENTS),
        "distinct_id": f"user-{person}",
        "timestamp": moment.isoformat(timespec="microseconds").replace("+00:00", "Z"),
        "properties": {
            "$browser": rng.choice(["Chrome", "Firefox", "Safari", "Edge"]),
            "$os": rng.choice(["Windows", "Mac OS X", "Linux", "Android", "iOS"]),
            "$current_url": f"https://shop.example/product/{page}",
            "$host": "shop.example",
            "$pathname": f"/product/{page}",
            "$session_id": f"{int(part * DAYS):08x}-0000-7000-8000-{person:012x}",
            "$referring_domain": REFERRERS[person % len(REFERRERS)],
            "$lib": "web",
            "$screen_width": 1920,
            "note": rng.choice(padding),
        },
    }


class Asked:
    """The server, and how much it computed."""

    def __init__(self, server: Hogflare) -> None:
        self.server, self.key = server, server.read_key()
        self.pid = server.process.pid

    def cpu(self) -> float:
        """CPU seconds of the process so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def post(self, path: str, body: dict) -> bytes:
        """Asks; it must be worked out and answered."""
        # A line of a log, in another table, so that no kept answer serves.
        log = {"resourceLogs": [{"scopeLogs": [{"logRecords": [{"body": {"stringValue": "tick"}}]}]}]}
        assert self.server.post(f"/i/v1/logs?token={TOKEN}", log).status == 200
        with self.server.connect(timeout=600) as wire:
            answer = wire.post(path, body, authorization=f"Bearer {self.key}")
        assert answer.status == 200, answer.body[:2_000]
        return answer.body


def least(runs: int, cpu: Callable[[], float], ask: Callable[[], object]) -> tuple[float, float]:
    """The least CPU and the median time of some runs, after one that warms."""
    ask()
    spent, took = [], []
    for _ in range(runs):
        before, begun = cpu(), time.perf_counter()
        ask()
        took.append(time.perf_counter() - begun)
        spent.append(cpu() - before)
    return min(spent), statistics.median(took)


def own_cpu() -> float:
    """CPU seconds of this process so far."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def questions(person: str) -> dict[str, tuple[str, dict, str]]:
    """By name the door, the request, and DuckDB's best SQL."""
    window = "INTERVAL 14 DAY"
    funnel = f"""WITH one AS (SELECT person_id AS p, timestamp AS t FROM events WHERE event = 'sign up' AND {IN_RANGE}),
      two AS (SELECT one.p, one.t AS t1, min(e.timestamp) AS t2 FROM one JOIN events e ON e.person_id = one.p AND e.event = 'add to cart'
        AND e.timestamp BETWEEN one.t AND one.t + {window} AND {IN_RANGE.replace("timestamp", "e.timestamp", 2)} GROUP BY 1, 2),
      three AS (SELECT two.p, t1 FROM two JOIN events e ON e.person_id = two.p AND e.event = 'purchase'
        AND e.timestamp BETWEEN t2 AND t1 + {window} AND {IN_RANGE.replace("timestamp", "e.timestamp", 2)} GROUP BY 1, 2)
      SELECT (SELECT count(DISTINCT p) FROM one), (SELECT count(DISTINCT p) FROM two), (SELECT count(DISTINCT p) FROM three)"""
    week = "date_trunc('week', timestamp)"
    retention = f"""WITH came AS (SELECT DISTINCT person_id AS p, {week} AS w FROM events WHERE event = '$pageview' AND {IN_RANGE}),
      again AS (SELECT DISTINCT person_id AS p, {week} AS w FROM events WHERE event = '$pageview' AND {IN_RANGE})
      SELECT came.w, date_diff('week', came.w, again.w) AS later, count(*) FROM came JOIN again ON came.p = again.p AND again.w >= came.w
      AND date_diff('week', came.w, again.w) < 5 GROUP BY 1, 2"""
    overview = f"""WITH visits AS (SELECT session_id, min(timestamp) AS began, date_diff('second', min(timestamp), max(timestamp)) AS seconds,
      count(*) FILTER (event IN ('$pageview', '$screen')) AS views, min(person_id) FILTER (event IN ('$pageview', '$screen')) AS person,
      count(*) FILTER (event IN ('$pageview', '$screen', '$autocapture')) AS pages
      FROM events WHERE session_id <> '' AND timestamp >= '2026-03-22 00:00:00+00' AND timestamp < '2026-03-31 00:00:00+00' GROUP BY 1)
      SELECT count(DISTINCT person), sum(views), count(*), avg(seconds), avg(CASE WHEN pages > 0 THEN (pages = 1 AND seconds < 10)::INT END)
      FROM visits WHERE views > 0 AND began >= '2026-03-23 00:00:00+00' AND began < '2026-03-30 00:00:00+00'"""
    last = "SELECT uuid, event, distinct_id, timestamp, current_url, properties FROM events WHERE"
    of_day = f"{last} timestamp >= TIMESTAMPTZ '2026-03-15 00:00:00+00' AND timestamp < TIMESTAMPTZ '2026-03-16 00:00:00+00' ORDER BY timestamp DESC LIMIT 100"
    of_person = f"{last} person_id = '{person}' ORDER BY timestamp DESC LIMIT 100"
    urls = f"SELECT current_url, count(*) AS n FROM events WHERE event = '$pageview' AND {IN_RANGE} GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 20"
    uniques = f"SELECT event, date_trunc('day', timestamp) AS day, count(DISTINCT person_id) FROM events WHERE {IN_RANGE} GROUP BY 1, 2"
    return {
        "daily uniques per event": (
            "/api/insights/trends",
            {
                "series": [{"event": None, "math": "dau"}],
                "dateRange": RANGE,
                "breakdownFilter": {"breakdown": "event", "breakdown_type": "event_metadata"},
            },
            uniques,
        ),
        "funnel of three steps": (
            "/api/insights/funnels",
            {"series": [{"event": "sign up"}, {"event": "add to cart"}, {"event": "purchase"}], "dateRange": RANGE},
            funnel,
        ),
        "weekly retention": (
            "/api/insights/retention",
            {"dateRange": RANGE, "retentionFilter": {"period": "Week", "totalIntervals": 5}},
            retention,
        ),
        "web overview of a week": ("/api/insights/web-overview", {"dateRange": {"date_from": "2026-03-23", "date_to": "2026-03-29"}}, overview),
        "top 20 of current_url": ("/api/sql", {"query": urls}, urls),
        "a day's last 100": ("/api/sql", {"query": of_day}, of_day),
        "a person's last 100": ("/api/sql", {"query": of_person}, of_person),
    }


def connect(data_dir: Path) -> duckdb.DuckDBPyConnection:
    """DuckDB over the files that belong to the table now."""
    connection = duckdb.connect()
    connection.execute("SET threads = 2; SET TimeZone = 'UTC'")
    with lake.open_table(data_dir) as table:
        files = lake.planned_files(table)
    connection.execute(f"CREATE VIEW events AS FROM read_parquet({files!r}, hive_partitioning = false)")
    return connection


def main() -> None:
    """Fills the lake if it is not there yet, asks, and prints a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--server", type=Path, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--events", type=int, default=10_000_000)
    parser.add_argument("--runs", type=int, default=3)
    given = parser.parse_args()
    data = given.folder / f"{given.events}"
    given.folder.mkdir(parents=True, exist_ok=True)
    is_new = not data.exists()
    server = Hogflare(given.server.resolve(), data, given.folder / "log").start()
    try:
        if is_new:
            fill(server, given.events)
            server.stop()
            server.start()
        while lake.duckdb_count(data) != given.events:
            time.sleep(1)
        asked, connection = Asked(server), connect(data)
        [(person,)] = connection.execute("SELECT person_id FROM events LIMIT 1").fetchall()
        print(f"{given.events} events, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, DuckDB {duckdb.__version__}\n")
        print("| question | ours, CPU s | DuckDB, CPU s | ours, s | DuckDB, s |\n|---|---|---|---|---|")
        for name, (door, request, statement) in questions(person).items():
            ours = least(given.runs, asked.cpu, lambda door=door, request=request: asked.post(door, request))
            theirs = least(given.runs, own_cpu, lambda statement=statement: connection.execute(statement).fetchall())
            print(f"| {name} | {ours[0]:.2f} | {theirs[0]:.2f} | {ours[1]:.2f} | {theirs[1]:.2f} |", flush=True)
    finally:
        server.kill9()


if __name__ == "__main__":
    main()
