"""How fast files are brought, and what that takes: a Parquet file as PostHog's batch exports are, brought twice with kills in between.

    tests/.venv/bin/python bench/imports/measure.py --server target/release/hogflare --rows 1000000 --folder /tmp/imports

Each run has a data folder of its own. First the file is brought undisturbed. Then into another folder, where the importer and the server are
killed by turns, `--kills` times in all, and the importer is started again until it says that the lake has all rows; then the same file once
more under another name, of which nothing may be left to bring. All days are compared with the file's, and every uuid is there once.
"""

import argparse
import json
import os
import random
import shutil
import statistics
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))

import pyarrow as pa  # noqa: E402
import pyarrow.parquet as pq  # noqa: E402
from harness.importing import begin, by_day, event, lake_days  # noqa: E402
from harness.server import Hogflare  # noqa: E402

TIME = pa.timestamp("us", tz="UTC")
SCHEMA = pa.schema([(name, pa.string()) for name in ("uuid", "event", "distinct_id", "properties")] + [("timestamp", TIME), ("created_at", TIME)])
DEVICE = {"$browser": "Chrome", "$browser_version": 129, "$os": "Mac OS X", "$device_type": "Desktop", "$screen_width": 1920, "$lib": "web", "$current_url": "https://shop.example/product/1?utm_source=news"}


def make(path: Path, count: int) -> dict:
    """Writes the file where it is not there yet, and counts its days."""
    rng = random.Random(1)
    padding = ["".join(rng.choices("abcdefghijklmnopqrstuvwxyz0123456789", k=250)) for _ in range(500)]
    days: dict = {}
    with pq.ParquetWriter(path, SCHEMA, compression="zstd") as writer:
        for start in range(0, count, 50_000):
            rows = [event(number, distinct_id=f"user-{number % 20_000}") for number in range(start, min(start + 50_000, count))]
            for day, there in by_day(rows).items():
                days[day] = days.get(day, 0) + there
            texts = [row | {"properties": json.dumps(row["properties"] | DEVICE | {"note": rng.choice(padding)})} for row in rows]
            writer.write_table(pa.Table.from_pylist(texts, schema=SCHEMA))
    return days


def cpu(pid: int) -> float:
    """CPU seconds of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def peak(pid: int) -> int:
    """The most memory that a process ever had, in MB."""
    (line,) = (line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) // 1024


def undisturbed(binary: Path, folder: Path, path: Path, days: dict, count: int) -> dict:
    """Brings the file once."""
    server = Hogflare(binary, folder / "data", folder / "server.log").start()
    try:
        begun, importer = time.perf_counter(), begin(server, folder / "import.log", "files", str(path))
        spent = most = 0.0
        while importer.is_running():
            try:
                spent, most = cpu(importer.pid), peak(importer.pid)
            except (OSError, ValueError):
                break
            time.sleep(0.05)
        assert importer.wait_end(600) == 0, importer.log()
        took = time.perf_counter() - begun
        assert lake_days(server) == days
        pid = server.process.pid
        return {"rows a second": count / took, "server, CPU µs a row": cpu(pid) / count * 1e6, "importer, CPU µs a row": spent / count * 1e6, "server, MB at most": peak(pid), "importer, MB at most": most}
    finally:
        server.kill9()


def disturbed(binary: Path, folder: Path, path: Path, days: dict, count: int, kills: int) -> None:
    """Brings it with kills, and then again."""
    server = Hogflare(binary, folder / "data", folder / "server.log").start()
    rng = random.Random(count + kills)
    try:
        importer, killed = begin(server, folder / "import.log", "files", str(path)), 0
        while killed < kills and importer.is_running():
            time.sleep(rng.uniform(0.3, 1.5))
            if killed % 2:
                server.restart()
            else:
                importer.kill9()
                importer = begin(server, folder / "import.log", "files", str(path))
            killed += 1
        assert importer.wait_end(600) == 0, importer.log()
        assert killed == kills, f"it ended after {killed} kills"
        copy = folder / "copy.parquet"
        shutil.copy(path, copy)
        again = begin(server, folder / "again.log", "files", str(copy))
        assert again.wait_end(600) == 0, again.log()
        assert lake_days(server) == days
        (row,) = server.query("SELECT count(*) AS n, count(DISTINCT uuid) AS uuids FROM events")
        assert row == {"n": count, "uuids": count}, row
        print(f"{killed} kills, and once more: {count} rows, {len(days)} days, all equal", flush=True)
    finally:
        server.kill9()


def main() -> None:
    """Brings the file `--runs` times in each way, and prints a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--server", type=Path, required=True)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--kills", type=int, default=6)
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    binary, path = given.server.resolve(), given.folder / f"{given.rows}.parquet"
    days = make(path, given.rows)
    print(f"{given.rows} rows, {path.stat().st_size / 1e6:.0f} MB, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}\n", flush=True)
    found = []
    for run in range(given.runs):
        for bring in (undisturbed, disturbed):
            folder = given.folder / f"{bring.__name__}-{run}"
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            if bring is undisturbed:
                found.append(undisturbed(binary, folder, path, days, given.rows))
            else:
                disturbed(binary, folder, path, days, given.rows, given.kills)
            shutil.rmtree(folder)
    print("\n| | median | range |\n|---|--:|--:|")
    for name in found[0]:
        values = [one[name] for one in found]
        print(f"| {name} | {statistics.median(values):,.0f} | {min(values):,.0f}–{max(values):,.0f} |")


if __name__ == "__main__":
    main()
