"""What an operator must put right: the sink pauses, says why, keeps every row, and shows its token to nobody."""

import subprocess

import pytest

from harness.emulator import Emulator
from harness.poll import until
from harness.process import child_env
from harness.server import Hogflare

SECRET = "cf-token-that-nobody-may-see"


@pytest.fixture
def guarded(start_emulator) -> Emulator:
    """A stand-in that requires the token."""
    return start_emulator(EMULATOR_AUTH_TOKEN=SECRET)


@pytest.fixture
def forwarding(start_hogflare, guarded: Emulator) -> Hogflare:
    """A server that has the right token."""
    return start_hogflare(CLOUDFLARE_PIPELINE_ENDPOINT=guarded.url, CLOUDFLARE_PIPELINE_AUTH_TOKEN=SECRET)


def health(server: Hogflare) -> str:
    return server.get("/_readiness").json()["sinks"]["pipelines"]


def doctor(server: Hogflare, **env: str) -> subprocess.CompletedProcess:
    """Runs `hogflare doctor` with the server's own settings."""
    settings = {"HOGFLARE_DATA_DIR": str(server.data_dir), "APP_ADDR": "127.0.0.1:0"}
    return subprocess.run(
        [str(server.binary), "doctor"],
        env=child_env(settings | server.env | env),
        cwd=server.log_path.parent,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


FOR_AN_OPERATOR = {
    "401": ({"mode": "status", "status": 401}, "401"),
    "403": ({"mode": "status", "status": 403}, "403"),
    "404": ({"mode": "html", "status": 404}, "404"),
    "405": ({"mode": "status", "status": 405}, "405"),
    "410": ({"mode": "status", "status": 410}, "410"),
    "redirect": ({"mode": "redirect", "redirect_status": 307}, "307"),
    "another service": ({"mode": "garbage"}, "not as a pipeline does"),
}


@pytest.mark.parametrize(("order", "reason"), FOR_AN_OPERATOR.values(), ids=FOR_AN_OPERATOR.keys())
def test_the_sink_pauses_says_why_and_loses_nothing(
    forwarding: Hogflare, guarded: Emulator, order: dict, reason: str
) -> None:
    guarded.fault(**order)
    assert forwarding.capture("kept").is_success()
    until(lambda: health(forwarding) == "paused", what="the pause")
    assert guarded.count() == 0
    assert guarded.redirects() == {"hits": 0, "with_token": 0}
    # The lake does not care, and the reason is told to the operator, not to strangers.
    assert forwarding.query("select count(*) as n from events") == [{"n": 1}]
    assert reason not in forwarding.get("/_readiness").body.decode()
    checked = doctor(forwarding)
    assert checked.returncode == 1 and "pipelines: paused" in checked.stdout and reason in checked.stdout
    guarded.fault("ok")
    forwarding.restart()
    until(lambda: guarded.count() == 1, what="the row")
    assert doctor(forwarding).returncode == 0
    assert SECRET not in forwarding.process.log() + checked.stdout


def test_a_wrong_token_is_told_and_the_right_one_delivers(start_hogflare, guarded: Emulator) -> None:
    server = start_hogflare(CLOUDFLARE_PIPELINE_ENDPOINT=guarded.url, CLOUDFLARE_PIPELINE_AUTH_TOKEN="wrong-token")
    assert server.capture("kept").is_success()
    until(lambda: health(server) == "paused", what="the pause")
    assert "wrong-token" not in server.process.log()
    server.restart(CLOUDFLARE_PIPELINE_AUTH_TOKEN=SECRET)
    until(lambda: guarded.count() == 1, what="the row")


def test_a_pipeline_that_refuses_everything_keeps_its_rows_out_of_the_dead_letters(
    forwarding: Hogflare, guarded: Emulator
) -> None:
    guarded.fault("status", status=400)
    body = {"api_key": "phc_any", "batch": [{"event": f"e{n}", "distinct_id": "d"} for n in range(120)]}
    assert forwarding.post("/batch/", body).is_success()
    until(lambda: health(forwarding) == "paused", what="the pause")
    assert not list(forwarding.data_dir.glob("dead-letters/**/*.ndjson"))
    guarded.fault("ok")
    forwarding.restart()
    until(lambda: guarded.count() == 120, what="the rows")


def test_asked_to_wait_the_sink_waits(forwarding: Hogflare, guarded: Emulator) -> None:
    guarded.fault("status", status=429, retry_after=3, count=1)
    assert forwarding.capture("later").is_success()
    until(lambda: health(forwarding) == "retrying", what="the refusal")
    metrics = guarded.metrics()
    until(lambda: guarded.count() == 1, what="the row")
    requests = {name: value for name, value in guarded.metrics().items() if "requests_total" in name}
    assert sum(requests.values()) <= 2 + sum(value for name, value in metrics.items() if "requests_total" in name)


def test_a_stream_over_its_rate_slows_the_sink_and_gets_every_row(start_hogflare, start_emulator) -> None:
    emulator = start_emulator(EMULATOR_RATE_BYTES="400000")
    server = start_hogflare(CLOUDFLARE_PIPELINE_ENDPOINT=emulator.url, CLOUDFLARE_PIPELINE_BATCH="64KiB")
    events = [{"event": "e", "distinct_id": f"d{n}", "properties": {"text": "x" * 800}} for n in range(1_500)]
    for start in range(0, len(events), 500):
        assert server.post("/batch/", {"api_key": "phc_any", "batch": events[start : start + 500]}).is_success()
    until(lambda: emulator.count() >= 1_500, timeout=120, what="every row")
    assert emulator.sql("SELECT count(DISTINCT uuid) AS n FROM default.events") == [{"n": 1_500}]
    assert emulator.metrics()['emulator_requests_total{status="429"}'] > 0


def test_fewer_rows_committed_than_sent_is_counted_and_not_sent_again(forwarding: Hogflare, guarded: Emulator) -> None:
    guarded.fault("miscount", count=1)
    body = {"api_key": "phc_any", "batch": [{"event": f"e{n}", "distinct_id": "d"} for n in range(5)]}
    assert forwarding.post("/batch/", body).is_success()
    until(lambda: guarded.count() == 5, what="the rows")
    assert forwarding.capture("after").is_success()
    until(lambda: guarded.count() == 6, what="the next row")
    assert "committed another number of rows" in forwarding.process.log()


def test_tokens_do_not_travel_in_the_clear(new_hogflare, guarded: Emulator) -> None:
    server = new_hogflare(CLOUDFLARE_PIPELINE_ENDPOINT="http://pipelines.example/")
    server.start(wait=False)
    assert server.process.wait_end() == 64
    assert "CLOUDFLARE_PIPELINE_ENDPOINT" in server.process.log() and "https" in server.process.log()


def test_refused_rows_are_sent_again_on_request(forwarding: Hogflare, guarded: Emulator) -> None:
    guarded.fault("status", status=400, match="poison")
    for n in range(3):
        assert forwarding.capture("poison", properties={"n": n}).is_success()
        assert forwarding.capture("fine", properties={"n": n}).is_success()
    until(lambda: guarded.count() == 3, what="the good rows")
    until(lambda: len(letters(forwarding)) == 3, what="the dead letters")
    assert "3 rows were refused" in doctor(forwarding).stdout
    assert "400" in resend(forwarding, "--dry-run").stdout
    assert resend(forwarding).returncode == 1, "still refused"
    assert len(letters(forwarding)) == 3
    guarded.fault("ok")
    done = resend(forwarding)
    assert done.returncode == 0 and "3 rows taken" in done.stdout
    uuids = {row["uuid"] for row in forwarding.query("select uuid from events")}
    assert sorted(row["uuid"] for row in guarded.events()) == sorted(uuids)
    assert letters(forwarding) == []
    assert "no dead letters" in resend(forwarding).stdout


def letters(server: Hogflare) -> list[str]:
    """The dead letters that are there now."""
    files = (server.data_dir / "dead-letters" / "pipelines").glob("*.ndjson")
    return [line for file in files for line in file.read_text().splitlines()]


def resend(server: Hogflare, *flags: str) -> subprocess.CompletedProcess:
    """Runs `hogflare resend` with the server's own settings."""
    return subprocess.run(
        [str(server.binary), "resend", *flags],
        env=child_env({"HOGFLARE_DATA_DIR": str(server.data_dir)} | server.env),
        cwd=server.log_path.parent,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
