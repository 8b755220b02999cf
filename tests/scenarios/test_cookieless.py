"""Cookieless visitors: told apart for a day, and afterwards by nobody."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from harness.node import run_driver
from harness.poll import until
from harness.server import TOKEN, Hogflare

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
CHROME = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/129.0.0.0"
OSLO, ROME = "203.0.113.71", "203.0.113.72"
# Noon: half a day from the next day on either side, and not so far ahead that it would be no time.
TODAY = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0)
YESTERDAY = TODAY - timedelta(days=1)
LONG_AGO = TODAY - timedelta(days=5)
TABLES = ("events", "heatmaps", "quarantine", "otel")
OUT_OF_RANGE = "cookieless_timestamp_out_of_range"


def visit(server: Hogflare, agent: str = FIREFOX, address: str = OSLO, *, at: datetime = TODAY, **fields) -> None:
    """A page sends an event, as posthog-js does in cookieless mode; `event`, and else properties."""
    event = fields.pop("event", "visit")
    own = {"$cookieless_mode": True, "$raw_user_agent": agent, "$host": "www.shop.example", "$lib": "web"}
    body = {
        "token": TOKEN,
        "event": event,
        "distinct_id": "$posthog_cookieless",
        "timestamp": at.isoformat(),
        "properties": own | fields,
    }
    assert server.post("/e/", body, x_forwarded_for=address, user_agent=agent).is_success()


def visits(server: Hogflare, columns: str) -> list[dict]:
    """What was stored of all visits, in order."""
    return server.query(f"select {columns} from events where event = 'visit' order by journal_offset")


def ids(server: Hogflare) -> list[str]:
    """The distinct id of each visit."""
    return [row["distinct_id"] for row in visits(server, "distinct_id")]


def reasons(server: Hogflare) -> list[str]:
    """Why events are in quarantine, in order."""
    return [row["reason"] for row in server.query("select reason from quarantine order by journal_offset")]


def salts_of(server: Hogflare) -> Path:
    """The file of the salts."""
    return server.data_dir / "cookieless-salts.json"


def days_kept(server: Hogflare) -> set[str]:
    """The days that have a salt."""
    return set(json.loads(salts_of(server).read_text()))


def change_salts(server: Hogflare, change: Callable[[dict[str, str]], None]) -> None:
    """Stops the server, changes its salts, and starts it again."""
    server.stop()
    salts = json.loads(salts_of(server).read_text())
    change(salts)
    salts_of(server).write_text(json.dumps(salts))
    server.start()


def test_two_browsers_are_two_persons(hogflare: Hogflare) -> None:
    for agent, address in ((FIREFOX, OSLO), (CHROME, OSLO), (FIREFOX, ROME)):
        visit(hogflare, agent, address)
    rows = visits(hogflare, "distinct_id, person_id, session_id")
    for column in ("distinct_id", "person_id", "session_id"):
        assert len({row[column] for row in rows}) == 3, column
    assert all(row["distinct_id"].startswith("cookieless_") for row in rows)


def test_one_browser_is_one_person_for_the_day_and_a_session_ends_after_half_an_hour(hogflare: Hogflare) -> None:
    for minute, host in ((0, "www"), (20, "blog"), (50, "www"), (81, "www"), (300, "www")):
        visit(hogflare, at=TODAY + timedelta(minutes=minute), **{"$host": f"{host}.shop.example"})
    rows = visits(hogflare, "distinct_id, person_id, session_id")
    assert len({row["distinct_id"] for row in rows}) == 1
    assert len({row["person_id"] for row in rows}) == 1
    sessions = [row["session_id"] for row in rows]
    assert sessions[0] == sessions[1] == sessions[2]
    assert len(set(sessions)) == 3, "two pauses of more than half an hour"


def test_the_next_day_is_another_visitor(hogflare: Hogflare) -> None:
    visit(hogflare, at=YESTERDAY)
    visit(hogflare, at=TODAY)
    yesterday, today = ids(hogflare)
    assert yesterday != today


def test_the_day_is_that_of_the_visitors_calendar(hogflare: Hogflare) -> None:
    late = YESTERDAY.replace(hour=23, minute=30)
    visit(hogflare, at=YESTERDAY)
    visit(hogflare, at=TODAY)
    visit(hogflare, at=late)
    visit(hogflare, at=late, **{"$timezone": "Europe/Berlin"})
    yesterday, today, in_greenwich, in_berlin = ids(hogflare)
    assert (in_greenwich, in_berlin) == (yesterday, today)


def test_a_restart_keeps_the_salts_of_days_that_are_not_over(hogflare: Hogflare) -> None:
    visit(hogflare)
    hogflare.restart()
    visit(hogflare)
    before, after = ids(hogflare)
    assert before == after


def test_a_lost_salt_is_never_made_again(hogflare: Hogflare) -> None:
    day = YESTERDAY.date().isoformat()
    visit(hogflare, at=YESTERDAY)
    visit(hogflare, at=TODAY)
    change_salts(hogflare, lambda salts: salts.pop(day))
    visit(hogflare, at=YESTERDAY)
    visit(hogflare, at=TODAY)
    yesterday, today, yesterday_again, today_again = ids(hogflare)
    assert today == today_again
    assert yesterday != yesterday_again, "the same visitor and day, and nothing links them"


def test_days_that_are_over_have_no_salt_and_their_events_no_visitor(hogflare: Hogflare) -> None:
    day = LONG_AGO.date().isoformat()
    assert day not in days_kept(hogflare)
    assert {YESTERDAY.date().isoformat(), TODAY.date().isoformat()} <= days_kept(hogflare)
    visit(hogflare, at=LONG_AGO)
    assert (reasons(hogflare), ids(hogflare)) == ([OUT_OF_RANGE], [])

    # Even a salt that was kept, or put back, is deleted and not used.
    change_salts(hogflare, lambda salts: salts.update({day: "ab" * 32}))
    assert day not in days_kept(hogflare)
    visit(hogflare, at=LONG_AGO)
    assert (reasons(hogflare), ids(hogflare)) == ([OUT_OF_RANGE] * 2, [])
    rows = hogflare.query("select distinct distinct_id from quarantine")
    assert rows == [{"distinct_id": "$posthog_cookieless"}], "all visitors of that day look alike"


@pytest.mark.parametrize("event", ["$identify", "$create_alias"])
def test_nobody_can_be_linked_to_a_name(hogflare: Hogflare, event: str) -> None:
    visit(hogflare)
    visit(hogflare, event=event, **{"$anon_distinct_id": "ada", "alias": "ada", "$set": {"name": "Ada"}})
    [visitor] = ids(hogflare)
    [refused] = hogflare.query("select * from quarantine")
    assert refused["reason"] in ("cookieless_stateless_no_identify", "cookieless_unsupported_event")
    assert visitor not in json.dumps(refused, default=str)
    assert hogflare.query(f"select * from events where event = '{event}'") == []


def test_neither_address_nor_user_agent_is_anywhere(hogflare: Hogflare) -> None:
    everything = {
        "$ip": OSLO,
        "$set": {"$raw_user_agent": FIREFOX, "plan": "pro"},
        "$set_once": {"$initial_raw_user_agent": FIREFOX},
        "$cookieless_extra": "a-secret-of-the-page",
    }
    visit(hogflare, **everything)
    for event in ("$pageview", "$$heatmap", "$exception", "$identify"):
        visit(hogflare, event=event, **everything)
    visit(hogflare, at=LONG_AGO, **everything)
    visit(hogflare, **everything | {"$host": ""})
    # Another one without cookieless mode, so that the search is known to find what is there.
    ordinary = {"api_key": TOKEN, "event": "ordinary", "distinct_id": "ada", "properties": {"$raw_user_agent": CHROME}}
    assert hogflare.post("/e/", ordinary, x_forwarded_for=ROME).is_success()

    rows = [row for table in TABLES for row in hogflare.query(f"select * from {table}")]
    stored = json.dumps(rows, default=str)
    assert len(rows) == 8
    hogflare.stop()
    files = [path for path in hogflare.data_dir.rglob("*") if path.is_file()]
    on_disk = b"".join(path.read_bytes() for path in [*files, hogflare.log_path])
    for secret in (OSLO, FIREFOX, "a-secret-of-the-page"):
        assert secret not in stored
        assert secret.encode() not in on_disk
    assert ROME in stored and ROME.encode() in on_disk
    assert CHROME.encode() in on_disk


def test_posthog_js_in_two_browsers(hogflare: Hogflare) -> None:
    visitors = {"ada": [FIREFOX, OSLO], "bob": [CHROME, OSLO], "eve": [FIREFOX, ROME]}
    settings = {"posthog_host": hogflare.url, "token": TOKEN, "visitors": json.dumps(visitors)}
    reports = run_driver("posthog_js_cookieless.js", **settings)
    kept = {report["visitor"]: report["kept"] for report in reports if "kept" in report}
    assert kept == {name: [] for name in visitors}, "nothing in cookies or storage"

    seen = {report["uuid"]: report["visitor"] for report in reports if "uuid" in report}
    columns = "uuid, event, distinct_id, person_id, session_id, properties"
    rows = until(
        lambda: (found := hogflare.query(f"select {columns} from events")) and len(found) >= len(seen) and found,
        what="every event",
    )
    assert {row["uuid"] for row in rows} == seen.keys()
    of = {name: [row for row in rows if seen[row["uuid"]] == name] for name in visitors}
    for name, (agent, address) in visitors.items():
        events = [row["event"] for row in of[name]]
        assert (events.count("$pageview"), events.count("bought")) == (2, 2), "a page, and the same page again"
        stored = json.dumps(of[name])
        assert agent not in stored and address not in stored
    for column in ("distinct_id", "person_id", "session_id"):
        of_each = [{row[column] for row in own} for own in of.values()]
        assert [len(own) for own in of_each] == [1, 1, 1], column
        assert len(set.union(*of_each)) == 3, column
    assert reasons(hogflare) == []
