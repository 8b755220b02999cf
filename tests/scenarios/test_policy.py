"""Projects, limits and drop rules of the configuration file, and that a change of it counts at once."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard
from harness.load import new_event
from harness.poll import until
from harness.server import TOKEN, Hogflare

OTHER = "phc_other0000000000000000000000000000000000000"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """The configuration file."""
    return tmp_path / "hogflare.toml"


@pytest.fixture
def start(start_hogflare: Callable[..., Hogflare], config: Path) -> Callable[..., Hogflare]:
    """Starts a server with a configuration file of this text."""

    def start(text: str, **env: str) -> Hogflare:
        config.write_text(text)
        return start_hogflare(HOGFLARE_CONFIG=str(config), **env)

    return start


def counted(server: Hogflare, reason: str) -> int:
    """Events that were dropped for this reason."""
    return int(server.metric("hogflare_events_dropped_total", reason=reason))


def send(server: Hogflare, token: str, *names: str):
    """Sends a batch of these events."""
    return server.post("/batch/", {"api_key": token, "batch": [new_event(event=name) for name in names]})


def test_unknown_tokens_are_refused_where_only_projects_are_welcome(start) -> None:
    server = start("[[project]]\ntoken = 'phc_mine'\nteam_id = 7\n", HOGFLARE_UNKNOWN_TOKENS="refuse")
    assert send(server, "phc_mine", "a").is_success()
    refused = send(server, OTHER, "a")
    assert (refused.status, refused.error()) == (401, "API key is not valid: unknown")
    assert send(server, TOKEN, "a").is_success(), "POSTHOG_API_KEY has a project"
    assert server.query("select team_id, token from events order by 1") == [
        {"team_id": 1, "token": TOKEN},
        {"team_id": 7, "token": "phc_mine"},
    ]


def test_drop_rules_acknowledge_and_store_nothing(start) -> None:
    server = start(f"[[drop]]\ntoken = '{TOKEN}'\nevent = '$feature_flag*'\n\n[[drop]]\ndistinct_id = 'robot'\n")
    assert send(server, TOKEN, "$feature_flag_called", "kept").is_success()
    assert send(server, OTHER, "$feature_flag_called").is_success()
    assert server.capture("any", "robot").is_success()
    assert server.query("select event, token from events order by 1") == [
        {"event": "$feature_flag_called", "token": OTHER},
        {"event": "kept", "token": TOKEN},
    ]
    assert counted(server, "drop_rule") == 2


def test_beyond_the_rate_clients_are_told_to_come_again(start) -> None:
    server = start("[limits]\nevents_per_second = 1\nburst = 3\n")
    assert send(server, TOKEN, "a", "b", "c").is_success()
    busy = send(server, TOKEN, "d")
    assert (busy.status, busy.error()) == (503, "rate limit exceeded, please retry")
    assert int(busy.headers["retry-after"]) > 0
    assert send(server, OTHER, "a").is_success(), "each token by itself"


def test_a_client_is_limited_whatever_token_it_uses(start) -> None:
    server = start("[clients]\nevents_per_second = 1\nburst = 2\n")
    assert send(server, "phc_1", "a").is_success()
    assert send(server, "phc_2", "a").is_success()
    assert send(server, "phc_3", "a").status == 503
    elsewhere = {"x_forwarded_for": "203.0.113.9"}
    batch = {"api_key": TOKEN, "batch": [new_event()]}
    assert server.post("/batch/", batch, **elsewhere).is_success()


def test_a_spent_day_is_acknowledged_and_not_stored_even_after_a_restart(start) -> None:
    server = start(f"[[project]]\ntoken = '{TOKEN}'\n[project.limits]\nevents_per_day = 2\nrecording_mb_per_day = 0\n")
    assert send(server, TOKEN, "a", "b").is_success()
    assert send(server, TOKEN, "c").is_success()
    assert counted(server, "events_over_quota") == 1
    snapshot = {
        "event": "$snapshot",
        "properties": {"token": TOKEN, "distinct_id": "d", "$session_id": "s-1", "$snapshot_data": [{"type": 4}]},
    }
    answer = server.post("/s/", [snapshot])
    assert (answer.status, answer.json()) == (200, {"status": 1, "quota_limited": ["recordings"]})
    server.stop()
    server.start()
    assert send(server, TOKEN, "d").is_success()
    assert server.query("select count(*) as n from events") == [{"n": 2}]


def test_a_changed_file_counts_without_a_restart_and_a_wrong_one_does_not(start, config: Path) -> None:
    server = start("")
    assert send(server, TOKEN, "noise").is_success()
    config.write_text("[[drop]]\nevent = 'noise'\n")

    def is_dropped() -> bool:
        assert send(server, TOKEN, "noise").is_success()
        return counted(server, "drop_rule") > 0

    until(is_dropped, what="the new rule")
    config.write_text("[[drop]]\nevent = 'noise'\n[limits]\nevents_per_dya = 1\n")
    until(lambda: "events_per_dya" in server.process.log(), what="the complaint")
    dropped = counted(server, "drop_rule")
    assert send(server, TOKEN, "noise").is_success()
    assert counted(server, "drop_rule") == dropped + 1, "the old rules still hold"


def test_what_is_not_stored_does_not_count_towards_the_day(start) -> None:
    server = start(f"[[project]]\ntoken = '{TOKEN}'\n[project.limits]\nevents_per_day = 3\n[[drop]]\nevent = 'noise'\n")
    again = new_event(event="again")
    for _ in range(5):
        assert server.post("/batch/", {"api_key": TOKEN, "batch": [again, new_event(event="noise")]}).is_success()
    assert send(server, TOKEN, "late").is_success()
    assert {row["event"] for row in server.query("select event from events")} == {"again", "late"}


def test_a_client_over_its_limit_costs_the_project_nothing(start) -> None:
    server = start("[limits]\nevents_per_second = 1\nburst = 5\n[clients]\nevents_per_second = 1\nburst = 2\n")
    assert [send(server, TOKEN, "a").status for _ in range(20)].count(503) >= 17
    batch = {"api_key": TOKEN, "batch": [new_event()]}
    assert server.post("/batch/", batch, x_forwarded_for="203.0.113.9").is_success()


def test_a_file_that_is_emptied_lifts_no_rule(start, config: Path) -> None:
    server = start("[privacy]\nblock = ['email']\n")
    config.write_text("")
    until(lambda: "it is empty" in server.process.log(), what="the complaint")
    assert server.capture("private", properties={"email": "ada@example.org", "plan": "pro"}).is_success()
    [row] = server.query("select properties from events")
    assert "ada@example.org" not in row["properties"] and "pro" in row["properties"]


def test_rules_hold_for_recordings_too(start) -> None:
    server = start("[privacy]\nblock = ['email']\n[[drop]]\ndistinct_id = 'robot'\n", HOGFLARE_IP="drop")

    def snapshot(distinct_id: str) -> dict:
        sent = {"token": TOKEN, "distinct_id": distinct_id, "$session_id": f"s-{distinct_id}", "$snapshot_data": [{"type": 4}]}
        return {"event": "$snapshot", "properties": sent | {"email": "ada@example.org", "$ip": "198.51.100.7", "plan": "pro"}}

    assert server.post("/s/", [snapshot("robot")]).is_success()
    assert server.post("/s/", [snapshot("ada")]).is_success()
    until(lambda: list(server.data_dir.rglob("s-ada/*.zst")), what="the recording")
    assert not list(server.data_dir.rglob("s-robot"))
    [path] = server.data_dir.rglob("s-ada/*.zst")
    extra = json.loads(zstandard.ZstdDecompressor().decompressobj().decompress(path.read_bytes()))["extra"]
    assert extra == {"plan": "pro"}


def test_a_wrong_file_stops_the_start(new_hogflare, config: Path) -> None:
    config.write_text("[[project]]\ntoken = 'phc_a'\n")
    server = new_hogflare(HOGFLARE_CONFIG=str(config)).start(wait=False)
    assert server.process.wait_end(timeout=30) != 0
    assert "project phc_a has no team_id" in server.process.log()
