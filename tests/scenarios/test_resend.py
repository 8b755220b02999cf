"""`hogflare resend --from --to` sends exactly the rows of a range, as they were sent first."""

import subprocess
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from harness.emulator import Emulator
from harness.load import new_event, send_events
from harness.poll import until
from harness.process import child_env
from harness.server import TOKEN, Hogflare

NOON = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0) - timedelta(days=2)


@pytest.fixture
def forwarding(start_hogflare, emulator: Emulator) -> Hogflare:
    """A server that sends to the emulator."""
    return start_hogflare(CLOUDFLARE_PIPELINE_ENDPOINT=emulator.url)


def resend(server: Hogflare, *flags: str, **env: str) -> subprocess.CompletedProcess:
    """Runs `hogflare resend` with the server's own settings."""
    settings = child_env({"HOGFLARE_DATA_DIR": str(server.data_dir)} | server.env | env)
    command, cwd = [str(server.binary), "resend", *flags], server.log_path.parent
    return subprocess.run(command, env=settings, cwd=cwd, capture_output=True, text=True, timeout=300, check=False)


def time(minutes: float = 0) -> str:
    """A time around noon, as people write it."""
    return (NOON + timedelta(minutes=minutes)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def at_minutes(minutes, event: str = "seen", **fields) -> list[dict]:
    """An event at each of these."""
    return [new_event(event, timestamp=time(minute), **fields) for minute in minutes]


def uuids(rows) -> Counter:
    """How often each is there."""
    return Counter(row["uuid"] for row in rows)


def wait_for(emulator: Emulator, count: int) -> list[dict]:
    """All rows once there are so many."""
    until(lambda: emulator.count() >= count, timeout=60, what=f"{count} rows")
    return emulator.events()


@pytest.mark.parametrize("is_running", [True, False], ids=["running", "stopped"])
def test_exactly_the_rows_of_the_range_as_they_were(forwarding, emulator: Emulator, is_running: bool) -> None:
    within = at_minutes(range(0, 120, 5), properties={"$browser": "Firefox", "n": 1.50, "text": "ä\u2028"})
    outside = at_minutes([-1, -60, 120, 500])
    identify = new_event("$identify", timestamp=time(7), distinct_id="jane", properties={"$set": {"plan": "pro"}})
    send_events(forwarding, [*within, *outside, identify])
    first = {row["uuid"]: row for row in wait_for(emulator, len(within) + len(outside) + 1)}
    emulator.clear()
    if not is_running:
        forwarding.stop()

    counted = resend(forwarding, "--from", time(), "--to", time(120), "--dry-run")
    assert counted.returncode == 0, counted.stderr
    assert counted.stdout.startswith(f"{len(within) + 1} rows")
    assert emulator.count() == 0
    done = resend(forwarding, "--from", time(), "--to", time(120))
    assert done.returncode == 0, done.stderr
    assert f"{len(within) + 1} rows taken, 0 refused" in done.stdout
    again = emulator.events()
    assert uuids(again) == uuids([*within, identify])
    for row in again:
        assert without_arrival(row) == without_arrival(first[row["uuid"]])


def without_arrival(row: dict) -> dict:
    """A row without what the emulator adds when it lands."""
    return {name: value for name, value in row.items() if not name.startswith(("__", "ingested", "landed"))}


def test_by_when_they_were_received_and_by_what_they_are(forwarding, emulator: Emulator) -> None:
    begin = datetime.now(UTC) - timedelta(seconds=5)
    send_events(forwarding, [*at_minutes(range(10)), *at_minutes(range(5), "it's")])
    wait_for(emulator, 15)
    emulator.clear()
    now = (datetime.now(UTC) + timedelta(minutes=1)).isoformat()
    received = ["--by", "received", "--from", begin.isoformat(), "--to", now]
    assert resend(forwarding, *received, "--dry-run").stdout.startswith("15 rows")
    assert resend(forwarding, *received, "--where", "event=it's", "--dry-run").stdout.startswith("5 rows")
    assert resend(forwarding, *received, "--token", TOKEN, "--dry-run").stdout.startswith("15 rows")
    assert resend(forwarding, *received, "--token", "phc_other", "--dry-run").stdout.startswith("0 rows")
    assert resend(forwarding, *received, "--where", "event=it's").returncode == 0
    assert [row["event"] for row in emulator.events()] == ["it's"] * 5


def test_a_resend_that_dies_goes_on(forwarding, emulator: Emulator) -> None:
    events = at_minutes([minute / 20 for minute in range(1200)])
    send_events(forwarding, events)
    wait_for(emulator, 1200)
    emulator.clear()
    flags = ["--from", time(), "--to", time(60), "--rows-per-second", "100000"]
    died = resend(forwarding, *flags, HOGFLARE_FAILPOINT="resend-before-ledger")
    assert died.returncode < 0
    border = emulator.count()
    assert 0 < border < 1200
    done = resend(forwarding, *flags)
    assert done.returncode == 0, done.stderr
    found = uuids(emulator.events())
    assert found.keys() == uuids(events).keys(), "none is left out"
    assert sum(found.values()) <= 1200 + border, "only the request at the border came twice"
    # Whoever asks for the same again means it.
    emulator.clear()
    assert resend(forwarding, *flags).returncode == 0
    assert uuids(emulator.events()) == uuids(events)


def test_a_pipeline_that_is_away_keeps_the_place(forwarding, emulator: Emulator) -> None:
    events = at_minutes([minute / 20 for minute in range(1200)])
    send_events(forwarding, events)
    wait_for(emulator, 1200)
    emulator.clear()
    flags = ["--from", time(), "--to", time(60), "--rows-per-second", "100000"]
    emulator.fault("status", status=401, count=1000)
    failed = resend(forwarding, *flags)
    assert failed.returncode == 1
    assert "401" in failed.stderr
    emulator.fault("ok")
    assert resend(forwarding, *flags).returncode == 0
    assert uuids(emulator.events()) == uuids(events)


def test_wrong_arguments(forwarding) -> None:
    assert "--to is not after" in resend(forwarding, "--from", time(5), "--to", time()).stderr
    assert "not a day or a time" in resend(forwarding, "--from", "yesterday", "--to", time()).stderr
    assert "no column" in resend(forwarding, "--from", time(), "--to", time(1), "--where", "evnt=x").stderr
    assert "no stream" in resend(forwarding, "--from", time(), "--to", time(1), "--sink", "kafka").stderr
    assert resend(forwarding, "--from", time()).returncode == 2
    assert resend(forwarding, "--where", "event=x").returncode == 2
