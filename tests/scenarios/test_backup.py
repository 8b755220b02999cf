"""A backup is taken under load, put back into an empty folder, and has what was acknowledged before it began."""

import fcntl
import json
import os
import random
import shutil
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from harness import lake
from harness.load import Load, new_event, send_events
from harness.poll import until
from harness.process import child_env
from harness.server import TOKEN, Hogflare


def run(server: Hogflare, *words: str, **env: str) -> subprocess.CompletedProcess:
    """Runs a command on the server's folder."""
    command = [str(server.binary), *map(str, words), "--data-dir", str(server.data_dir)]
    cwd = server.log_path.parent
    return subprocess.run(command, env=child_env(env), cwd=cwd, capture_output=True, text=True, timeout=300, check=False)


def back_up(server: Hogflare, into: Path, *flags: str) -> Path:
    """Makes a backup and returns its folder."""
    done = run(server, "backup", into, *flags)
    assert done.returncode == 0, done.stderr
    return Path(done.stdout.splitlines()[0])


def manifest(backup: Path) -> dict:
    """What the backup says of itself."""
    return json.loads((backup / "manifest.json").read_text())


@pytest.fixture
def restored(new_hogflare, tmp_path: Path):
    """Puts a backup back into a folder of its own, for a server that is not started."""
    made = []

    def restore(backup: Path, **env: str) -> Hogflare:
        made.append(new_hogflare(tmp_path / f"restored-{len(made)}", **env))
        done = run(made[-1], "restore", backup)
        assert done.returncode == 0, done.stderr
        return made[-1]

    return restore


def uuids(server: Hogflare) -> Counter:
    """Every stored event and how often it is there."""
    return Counter(row["uuid"] for row in server.query("select uuid from events"))


def assert_has(server: Hogflare, acknowledged: set[str], attempted: set[str]) -> None:
    """Each acknowledged event is there once, and none that was never sent."""
    found = uuids(server)
    assert not acknowledged - found.keys(), "acknowledged events are lost"
    assert set(found.values()) <= {1}, "events are stored twice"
    assert found.keys() <= attempted


def test_a_backup_under_load_has_all_that_was_acknowledged_before(hogflare: Hogflare, restored, tmp_path: Path) -> None:
    recorded = {"token": TOKEN, "$session_id": "s-1", "$snapshot_data": [{"type": 2}], "$window_id": "w"}
    snapshot = {"event": "$snapshot", "distinct_id": "load-user", "properties": recorded}
    assert hogflare.post("/s/", snapshot).is_success()
    hogflare.capture("$identify", "jane", properties={"$set": {"plan": "pro"}})
    with Load(hogflare, threads=3) as load:
        until(lambda: len(load.ledger.acknowledged) > 800, timeout=60, what="some load")
        until(lambda: list(hogflare.data_dir.glob("lake/data/events/**/*.parquet")), what="a commit")
        before = load.ledger.acknowledged
        backup = back_up(hogflare, tmp_path / "backups", "--verify")
        after = load.ledger.acknowledged
        until(lambda: len(load.ledger.acknowledged) > len(after) + 200, timeout=60, what="more load")
    attempted = load.ledger.attempted
    assert len(before) > 800
    hogflare.stop()

    copy = restored(backup).start()
    events = copy.query("select uuid, event from events where event = 'load'")
    found = Counter(row["uuid"] for row in events)
    assert before <= found.keys() <= attempted
    assert set(found.values()) == {1}
    [person] = copy.query("select properties->>'plan' as plan from persons where properties->>'plan' is not null")
    assert person == {"plan": "pro"}
    assert copy.read_key() == hogflare.read_key()
    assert copy.admin_key() == hogflare.admin_key()
    assert (copy.data_dir / "settings.db").exists()
    assert oct((copy.data_dir / "read-key").stat().st_mode & 0o777) == "0o600"
    until(lambda: len(list((copy.data_dir / "recordings").rglob("*.zst"))) == 1, what="the recording")
    count = copy.query("select count(*) as n from events_raw")[0]["n"]
    until(lambda: lake.duckdb_count(copy.data_dir) == count, timeout=60, what="DuckDB's count")
    until(lambda: lake.iceberg_count(copy.data_dir) == count, timeout=60, what="PyIceberg's count")

    # It is a server like any other: retries of before are recognized, new events stored, also after a stop.
    again = [new_event("later") for _ in range(20)]
    send_events(copy, again)
    copy.restart()
    send_events(copy, again)
    later = Counter(row["uuid"] for row in copy.query("select uuid from events where event = 'later'"))
    assert later == Counter(event["uuid"] for event in again)


def test_capture_goes_on_while_a_backup_holds_files(hogflare: Hogflare, tmp_path: Path) -> None:
    send_events(hogflare, [new_event() for _ in range(50)])
    with hogflare.local() as wire:
        wire.connection.request("POST", "/api/backup/hold", body="{}")
        answer = wire.connection.getresponse()
        assert json.loads(answer.readline()) == {"held": True}
        send_events(hogflare, [new_event() for _ in range(50)])
        assert json.loads(answer.readline()) == {"held": True}
        assert hogflare.query("select count(*) as n from events") == [{"n": 100}]


def test_a_backup_of_a_stopped_server(hogflare: Hogflare, restored, tmp_path: Path) -> None:
    events = [new_event() for _ in range(300)]
    send_events(hogflare, events)
    hogflare.kill9()
    backup = back_up(hogflare, tmp_path / "backups")
    copy = restored(backup).start()
    names = {event["uuid"] for event in events}
    assert_has(copy, names, names)


def test_who_was_erased_before_is_not_in_the_restored_folder(hogflare: Hogflare, restored, tmp_path: Path) -> None:
    hogflare.capture("seen", "jane", properties={"$set": {"plan": "pro"}})
    hogflare.capture("seen", "joe", properties={"$set": {"plan": "free"}})
    until(lambda: list(hogflare.data_dir.glob("lake/data/events/**/*.parquet")), what="a commit")
    erased = run(hogflare, "person", "delete", "jane", "--yes")
    assert erased.returncode == 0, erased.stderr
    # At once: most of it is still to be done.
    backup = back_up(hogflare, tmp_path / "backups")
    copy = restored(backup).start()
    assert copy.query("select distinct_id from events_raw where event = 'seen'") == [{"distinct_id": "joe"}]
    assert [row["plan"] for row in copy.query("select properties->>'plan' as plan from persons")] == ["free"]
    [receipt] = copy.get("/api/erasures", authorization=f"Bearer {copy.admin_key()}").json()["erasures"]
    assert receipt["kind"] == "delete"


def test_the_second_backup_copies_little(hogflare: Hogflare, restored, tmp_path: Path) -> None:
    first = [new_event(properties={"text": os.urandom(3000).hex()}) for _ in range(200)]
    send_events(hogflare, first)
    until(lambda: lake.duckdb_count(hogflare.data_dir) == 200, timeout=60, what="the rows in files")
    one = back_up(hogflare, tmp_path / "backups")
    large = [name for name, file in manifest(one)["files"].items() if name.endswith(".parquet") and file["bytes"] > 4096]
    assert large
    second = [new_event() for _ in range(5)]
    send_events(hogflare, second)
    two = back_up(hogflare, tmp_path / "backups")
    shared = [name for name in large if (two / "data" / name).exists()]
    assert shared, "a merge replaced all"
    for name in shared:
        assert (one / "data" / name).stat().st_ino == (two / "data" / name).stat().st_ino
    # Each is complete without the other.
    shutil.rmtree(one)
    names = {event["uuid"] for event in first + second}
    assert_has(restored(tmp_path / "backups").start(), names, names)


def test_keep_removes_the_oldest(hogflare: Hogflare, tmp_path: Path) -> None:
    backups = tmp_path / "backups"
    made = [back_up(hogflare, backups, "--keep", "2") for _ in range(4)]
    assert sorted(path for path in backups.iterdir() if path.is_dir()) == made[2:]


@pytest.mark.parametrize("point", ["backup-before-hold", "backup-before-rename"])
def test_a_backup_that_dies_leaves_the_earlier_one(hogflare: Hogflare, restored, tmp_path: Path, point: str) -> None:
    events = [new_event() for _ in range(100)]
    send_events(hogflare, events)
    first = back_up(hogflare, tmp_path / "backups")
    send_events(hogflare, [new_event() for _ in range(100)])
    died = run(hogflare, "backup", tmp_path / "backups", HOGFLARE_FAILPOINT=point)
    assert died.returncode < 0, died.stderr
    assert list((tmp_path / "backups").glob("*.partial"))
    names = {event["uuid"] for event in events}
    assert_has(restored(tmp_path / "backups").start(), names, names)
    # The next one clears up, and the server let go of what it held.
    second = back_up(hogflare, tmp_path / "backups")
    assert sorted(path for path in (tmp_path / "backups").iterdir() if path.is_dir()) == [first, second]


def test_a_restore_that_dies_is_noticed(hogflare: Hogflare, new_hogflare, tmp_path: Path) -> None:
    backup = back_up(hogflare, tmp_path / "backups")
    copy = new_hogflare(tmp_path / "cut-short")
    died = run(copy, "restore", backup, HOGFLARE_FAILPOINT="restore-before-end")
    assert died.returncode < 0, died.stderr
    refused = run(copy, "serve")
    assert refused.returncode != 0
    assert "a restore into" in refused.stderr and "cut short" in refused.stderr


def test_a_flipped_byte_is_found(hogflare: Hogflare, new_hogflare, tmp_path: Path) -> None:
    send_events(hogflare, [new_event() for _ in range(200)])
    until(lambda: lake.duckdb_count(hogflare.data_dir) == 200, timeout=60, what="the rows in files")
    backup = back_up(hogflare, tmp_path / "backups")
    assert run(hogflare, "restore", "--check", backup).returncode == 0
    names = sorted(name for name, file in manifest(backup)["files"].items() if file["bytes"])
    for name in [*random.sample(names, 5), "../manifest.json"]:
        path = backup / "data" / name
        original = path.read_bytes()
        at = random.randrange(len(original))
        path.write_bytes(original[:at] + bytes([original[at] ^ 1]) + original[at + 1 :])
        assert run(hogflare, "restore", "--check", backup).returncode == 1
        target = new_hogflare(tmp_path / "target")
        refused = run(target, "restore", backup)
        assert refused.returncode == 1
        assert "damaged" in refused.stderr and path.name in refused.stderr
        assert not target.data_dir.exists(), "nothing is left of it"
        path.write_bytes(original)
    assert run(hogflare, "restore", "--check", backup).returncode == 0


def test_a_folder_that_has_something_is_not_restored_into(hogflare: Hogflare, new_hogflare, tmp_path: Path) -> None:
    backup = back_up(hogflare, tmp_path / "backups")
    target = new_hogflare(tmp_path / "target")
    target.data_dir.mkdir()
    (target.data_dir / "mine").write_text("precious")
    refused = run(target, "restore", backup)
    assert refused.returncode == 1
    assert "is not empty" in refused.stderr
    assert (target.data_dir / "mine").read_text() == "precious"


def test_wrong_arguments(hogflare: Hogflare, tmp_path: Path) -> None:
    inside = run(hogflare, "backup", hogflare.data_dir / "backups")
    assert inside.returncode == 1 and "lies in the data folder" in inside.stderr
    (tmp_path / "empty").mkdir()
    assert "no backup in" in run(hogflare, "restore", tmp_path / "empty").stderr
    assert run(hogflare, "backup").returncode == 2


def test_two_backups_at_once_are_refused(hogflare: Hogflare, tmp_path: Path) -> None:
    backups = tmp_path / "backups"
    backups.mkdir()
    with (backups / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        refused = run(hogflare, "backup", backups)
    assert refused.returncode == 1
    assert "another backup is made" in refused.stderr


def test_a_full_disk_is_an_error_and_nothing_else(hogflare: Hogflare, small_disk: Path) -> None:
    send_events(hogflare, [new_event(properties={"text": os.urandom(3000).hex()}) for _ in range(300)])
    until(lambda: lake.duckdb_count(hogflare.data_dir) == 300, timeout=60, what="the rows in files")
    backups = small_disk / "backups"
    first = back_up(hogflare, backups)
    free = os.statvfs(small_disk)
    with (small_disk / "ballast").open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, free.f_bavail * free.f_frsize - 256 * 1024)
    send_events(hogflare, [new_event(properties={"text": os.urandom(3000).hex()}) for _ in range(300)])
    until(lambda: lake.duckdb_count(hogflare.data_dir) == 600, timeout=60, what="the rows in files")
    refused = run(hogflare, "backup", backups)
    assert refused.returncode == 1
    assert "No space left" in refused.stderr or "full" in refused.stderr
    assert not list(backups.glob("*.partial"))
    assert run(hogflare, "restore", "--check", first).returncode == 0
    send_events(hogflare, [new_event() for _ in range(10)])
    (small_disk / "ballast").unlink()
    back_up(hogflare, backups, "--verify")


def test_a_backup_on_the_same_disk_leaves_the_reserve(new_hogflare, small_disk: Path) -> None:
    server = new_hogflare(small_disk / "data", HOGFLARE_JOURNAL_RESERVE="300MB").start()
    send_events(server, [new_event(properties={"text": os.urandom(3000).hex()}) for _ in range(600)])
    until(lambda: lake.duckdb_count(server.data_dir) == 600, timeout=60, what="the rows in files")
    free = os.statvfs(small_disk)
    with (small_disk / "ballast").open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, free.f_bavail * free.f_frsize - 301_000_000)
    refused = run(server, "backup", small_disk / "backups", HOGFLARE_JOURNAL_RESERVE="300MB")
    assert refused.returncode == 1
    assert "too full for a backup" in refused.stderr
    send_events(server, [new_event() for _ in range(10)])
    (small_disk / "ballast").unlink()
    assert run(server, "backup", small_disk / "backups", HOGFLARE_JOURNAL_RESERVE="300MB").returncode == 0


def test_requests_get_the_journal_back_from_a_backup_that_takes_too_long(start_hogflare) -> None:
    server = start_hogflare(HOGFLARE_JOURNAL_BUDGET="400MB", HOGFLARE_DEDUP_WINDOW="1m")
    text = os.urandom(400_000).hex()
    with server.local() as wire:
        wire.connection.request("POST", "/api/backup/hold", body="{}")
        answer = wire.connection.getresponse()
        told = {}
        while "error" not in told:
            # The hold keeps all of it; none is refused for that.
            send_events(server, [new_event(properties={"text": text}) for _ in range(16)], batch_size=8)
            told = json.loads(answer.readline())
        assert "journal needs its room" in told["error"]

    def is_trimmed() -> bool:
        # The window of retries moves on with what comes.
        send_events(server, [new_event()])
        return server.metric("hogflare_journal_disk_bytes", journal="events") < 200_000_000

    until(is_trimmed, timeout=60, every=0.5, what="a trim")
