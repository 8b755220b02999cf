"""The comparison itself: a row that differs from its event in any way is found out."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from harness.compare import check_rows, check_stored_once
from harness.decode import SentEvent, sent_events
from harness.tee import Exchange

NOW = datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC)
UUID = "0198c2d6-5a0e-7000-8000-00000000bee1"
MADE = "0198c2d6-5a0e-7000-8000-00000000bee2"
# As an SDK writes it: blanks, an escape, and a number with a zero that JSON does not need.
PROPERTIES = '{"text": "\\ud83c\\udf89 héllo", "price": 29.90, "$set": {"plan": "pro"}, "$elements": []}'


def sent(uuid: str | None = UUID) -> list[SentEvent]:
    """The events of a request with one event, an hour old, whose sender's clock is ten minutes slow."""
    identity = f'"uuid": "{uuid}", ' if uuid else ""
    event = f'{{{identity}"event": "e", "distinct_id": "d", "timestamp": "2026-02-03T02:55:06Z", "properties": {PROPERTIES}}}'
    body = f'{{"api_key": "phc_a", "sent_at": "2026-02-03T03:55:06Z", "batch": [{event}]}}'
    received = NOW + timedelta(milliseconds=5)
    return sent_events(Exchange("POST", "/batch/", {}, body.encode(), NOW, received, 200, b""))


def row(uuid: str = UUID, **changes) -> dict:
    """The row of that event."""
    stored = PROPERTIES.removesuffix(', "$elements": []}') + ',"$ip":"127.0.0.1"}'
    kept = {"uuid": uuid, "event": "e", "distinct_id": "d", "timestamp": "2026-02-03T03:05:06.002Z", "token": "phc_a"}
    return kept | {"properties": stored, "person_properties": json.dumps({"plan": "pro"})} | changes


def check(events: list[SentEvent], rows: list[dict]) -> None:
    check_stored_once(events, rows)
    check_rows(events, rows)


def test_a_row_that_says_what_was_sent_passes() -> None:
    check(sent(), [row()])
    check(sent(None), [row(MADE)])


@pytest.mark.parametrize("rows", [[], [row(), row()], [row(), row(MADE)], [row(MADE)], [row(distinct_id="other")]])
def test_events_and_rows_are_counted(rows: list[dict]) -> None:
    with pytest.raises(AssertionError):
        check(sent(), rows)


@pytest.mark.parametrize("rows", [[], [row(MADE), row(MADE)], [row(properties="{}")], [row(MADE, event="other")]])
def test_events_without_a_uuid_are_counted(rows: list[dict]) -> None:
    with pytest.raises(AssertionError):
        check(sent(None), rows)


@pytest.mark.parametrize(
    "change",
    [
        {"properties": row()["properties"].replace("29.90", "29.9")},
        {"properties": row()["properties"].replace("\\ud83c\\udf89", "🎉")},
        {"properties": row()["properties"].replace('{"plan": "pro"}', '{"plan":"pro"}')},
        {"properties": row()["properties"].replace('"price"', '"prize"')},
        {"properties": row()["properties"].replace('"$ip"', '"ip"')},
        {"person_properties": "{}"},
        {"timestamp": "2026-02-03T02:55:06Z"},
        {"token": "phc_b"},
    ],
)
def test_a_changed_row_is_found_out(change: dict) -> None:
    with pytest.raises(AssertionError):
        check(sent(), [row(**change)])
