"""What events cost in the lake: CPU to write them, bytes to keep them, memory meanwhile, CPU to find a few of them.

    tests/.venv/bin/python bench/lake/cost.py --server target/release/hogflare --events 10000000 --folder /tmp/lake-cost

The events are those of `bench/insights`, sent once per folder; questions are asked as there, of the server and of DuckDB over
the same files.
"""

import argparse
import os
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "bench/insights"), str(ROOT / "tests")]

import measure  # noqa: E402
from harness import lake  # noqa: E402
from harness.poll import until  # noqa: E402
from harness.server import Hogflare  # noqa: E402


def peak_memory(pid: int) -> float:
    """The most memory that a process ever had, in MiB."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    [peak] = [line.split()[1] for line in lines if line.startswith("VmHWM:")]
    return int(peak) / 1024


def table(server: Hogflare) -> dict:
    """What `hogflare lake stats` says of `events`."""
    [found] = [found for found in server.lake("stats")["tables"] if found["table"] == "events"]
    return found


def write(server: Hogflare, events: int) -> None:
    """Sends the events, merges what is small, and says what that took."""
    asked, begun = measure.Asked(server), time.perf_counter()
    measure.fill(server, events)
    until(lambda: (found := table(server))["rows"] == events and not found["tail_rows"], timeout=600, every=1, what="the rows")
    cpu, took = asked.cpu(), time.perf_counter() - begun
    before = table(server)
    merged = server.lake("compact")
    print(f"CPU of the server, all it does: {cpu / events * 1e6:.1f} µs an event, in {took:.0f} s")
    print(f"the last merges: {merged['files_in']} files, {(asked.cpu() - cpu) / events * 1e6:.1f} µs an event")
    print(f"peak memory: {peak_memory(asked.pid):.0f} MiB")
    print(f"before the last merges: {before['files']} files, {before['bytes_per_row']:.1f} bytes an event")


def main() -> None:
    """Writes the events if they are not there yet, asks, and prints what it found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--server", type=Path, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--events", type=int, default=10_000_000)
    parser.add_argument("--runs", type=int, default=3)
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    data = given.folder / f"{given.events}"
    is_new = not data.exists()
    server = Hogflare(given.server.resolve(), data, given.folder / "log").start()
    try:
        print(f"{given.events} events, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
        if is_new:
            write(server, given.events)
            server.stop()
            server.start()
        found = table(server)
        print(f"{found['bytes_per_row']:.1f} bytes an event in {found['files']} files; metadata {found['metadata_bytes'] >> 10} KiB")
        while lake.duckdb_count(data) != given.events:
            time.sleep(1)
        asked, connection = measure.Asked(server), measure.connect(data)
        [(person,)] = connection.execute("SELECT person_id FROM events LIMIT 1").fetchall()
        [(event,)] = connection.execute("SELECT uuid FROM events LIMIT 1 OFFSET 4000000").fetchall()
        of_uuid = f"SELECT event, timestamp, properties FROM events WHERE uuid = '{event}'"
        questions = measure.questions(person) | {"one event by uuid": ("/api/sql", {"query": of_uuid}, of_uuid)}
        print("\n| question | ours, CPU s | DuckDB, CPU s | ours, s | DuckDB, s |\n|---|---|---|---|---|")
        for name, (door, request, statement) in questions.items():
            ours = measure.least(given.runs, asked.cpu, lambda door=door, request=request: asked.post(door, request))
            theirs = measure.least(given.runs, measure.own_cpu, lambda statement=statement: connection.execute(statement).fetchall())
            print(f"| {name} | {ours[0]:.2f} | {theirs[0]:.2f} | {ours[1]:.2f} | {theirs[1]:.2f} |", flush=True)
        print(f"\npeak memory since the start: {peak_memory(asked.pid):.0f} MiB")
    finally:
        server.kill9()


if __name__ == "__main__":
    main()
