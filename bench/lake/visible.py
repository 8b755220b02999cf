"""How long rows take from their acknowledgement until a question finds them, and the server's memory meanwhile.

    tests/.venv/bin/python bench/lake/visible.py --server target/release/hogflare --folder /tmp/visible --rate 20000 --seconds 300

Two processes send batches of 500 events at a steady rate. Beside them a marker is sent twice a second, and asked for by SQL again and
again as soon as it is acknowledged. All batches are compressed before the first is sent; uuids of events are left out, so that each
counts, however often its batch is sent.
"""

import argparse
import gzip
import json
import multiprocessing
import os
import random
import statistics
import sys
import time
import uuid
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))
sys.path.insert(0, str(ROOT / "bench" / "insights"))

from harness.server import TOKEN, Hogflare  # noqa: E402
from measure import event  # noqa: E402

BATCH = 500
SENDERS = 2


def bodies(seed: int, count: int) -> list[bytes]:
    """Batches, compressed."""
    rng = random.Random(seed)
    padding = ["".join(rng.choices("abcdefghijklmnopqrstuvwxyz0123456789", k=330)) for _ in range(500)]
    made = []
    for number in range(count):
        batch = [event(rng, number / count, rng.randrange(100_000), padding) for _ in range(BATCH)]
        for one in batch:
            del one["uuid"]
        made.append(gzip.compress(json.dumps({"api_key": TOKEN, "batch": batch}).encode(), compresslevel=6))
    return made


def send(server: Hogflare, seed: int, rate: int, seconds: int, ready: multiprocessing.Barrier, sent: multiprocessing.Queue) -> None:
    """Sends so many events a second, and says how many were taken, and how late the last batch was."""
    made = bodies(seed, 60)
    pause, count, late = BATCH / rate, 0, 0.0
    ready.wait()
    begun = time.perf_counter()
    with server.connect(timeout=60) as wire:
        while (due := begun + count * pause) < begun + seconds:
            late = time.perf_counter() - due
            time.sleep(max(0, -late))
            answer = wire.post("/batch/", made[count % len(made)], content_encoding="gzip")
            assert answer.is_success(), answer.body
            count += 1
    sent.put((count * BATCH, late))


def visible(server: Hogflare, seconds: int) -> list[float]:
    """Seconds from a marker's acknowledgement until it is found."""
    key, took = server.read_key(), []
    end = time.perf_counter() + seconds
    with server.connect(timeout=60) as capture, server.connect(timeout=60) as reading:
        while time.perf_counter() < end:
            marker = str(uuid.uuid4())
            body = {"api_key": TOKEN, "event": "marker", "distinct_id": "marker", "properties": {"marker": marker}}
            assert capture.post("/capture/", body).is_success()
            acknowledged = time.perf_counter()
            asked = f"SELECT count(*) AS n FROM events WHERE event = 'marker' AND timestamp > now() - INTERVAL '1 hour' AND properties->>'marker' = '{marker}'"
            while reading.post("/api/sql", {"query": asked}, authorization=f"Bearer {key}").json() != [{"n": 1}]:
                time.sleep(0.01)
            took.append(time.perf_counter() - acknowledged)
            time.sleep(0.5)
    return took


def memory(server: Hogflare) -> dict[str, int]:
    """MB that the server has, and that it had at most."""
    lines = Path(f"/proc/{server.process.pid}/status").read_text().splitlines()
    fields = dict(line.split(":", 1) for line in lines if line.startswith("Vm"))
    return {name: int(fields[name].split()[0]) // 1024 for name in ("VmRSS", "VmHWM")}


def main() -> None:
    """Sends, asks, and prints what it took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--server", type=Path, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--rate", type=int, default=20_000)
    parser.add_argument("--seconds", type=int, default=300)
    given = parser.parse_args()
    given.folder.mkdir(parents=True)
    server = Hogflare(given.server.resolve(), given.folder / "data", given.folder / "log").start()
    try:
        ready, sent = multiprocessing.Barrier(SENDERS + 1), multiprocessing.Queue()
        arguments = (given.rate // SENDERS, given.seconds, ready, sent)
        senders = [multiprocessing.Process(target=send, args=(server, seed, *arguments)) for seed in range(SENDERS)]
        for sender in senders:
            sender.start()
        ready.wait()
        begun = time.perf_counter()
        took = sorted(visible(server, given.seconds))
        results = [sent.get(timeout=120) for _ in senders]
        events, seconds = sum(count for count, _ in results), time.perf_counter() - begun
        cpu = sum(map(int, Path(f"/proc/{server.process.pid}/stat").read_text().rsplit(")", 1)[1].split()[11:13])) / os.sysconf("SC_CLK_TCK")
        print(f"{events} events in {seconds:.0f} s, {events / seconds:.0f} a second; senders late by {max(late for _, late in results):.2f} s at the end")
        print(f"load {os.getloadavg()[0]:.1f}; the server: {cpu:.0f} s of CPU, memory {memory(server)} MB")
        print(f"{len(took)} markers: visible after {statistics.median(took):.3f} s, 95 % {took[int(len(took) * 0.95)]:.3f} s, at most {took[-1]:.3f} s")
    finally:
        server.kill9()


if __name__ == "__main__":
    main()
