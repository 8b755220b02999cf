"""Holds the events that SDKs sent against the rows that were stored."""

import json
from collections import Counter, defaultdict
from datetime import datetime
from decimal import Decimal
from typing import Any

from .decode import SentEvent
from .raw_json import raw_object

# Members that are taken out of `properties`, as the documentation lists them.
REMOVED = {"$elements", "$elements_chain"}
# Members that the server adds.
APPENDED = {
    *("$ip", "$sent_at", "$group_0", "$group_1", "$group_2", "$group_3", "$group_4"),
    *("$browser", "$browser_version", "$os", "$os_version", "$device_type", "$raw_user_agent"),
    *("$bot", "$bot_category", "$channel_type"),
}
APPENDED_PREFIX = "$geoip_"
LAKE_COLUMNS = (
    "uuid, event, distinct_id, timestamp, token, properties, person_properties, elements_chain, "
    "group_0, group_1, group_2, group_3, group_4"
)


def same_json(left: Any, right: Any) -> bool:
    """Equality of JSON values: 1 equals 1.0, but true does not equal 1."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(same_json(left[key], right[key]) for key in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same_json, left, right))
    if isinstance(left, (int, Decimal)) and isinstance(right, (int, Decimal)):
        return left == right
    return type(left) is type(right) and left == right


def check_stored_once(sent: list[SentEvent], rows: list[dict]) -> None:
    """Every sent event is one row, and there is no other row."""
    wanted, found = Counter(map(_wanted_key, sent)), Counter(map(_found_key, rows))
    # A row of an event that came without a uuid is known by the rest.
    named = {event.uuid.lower() for event in sent if event.uuid}
    made = [row["uuid"] for row in rows if row["uuid"].lower() not in named]
    found = Counter((*key[:2], key[2] if key[2] in named else "") for key in found.elements())
    assert not wanted - found, f"sent but not stored: {list((wanted - found).elements())[:10]}"
    assert not found - wanted, f"stored more often than sent: {list((found - wanted).elements())[:10]}"
    assert len(made) == len(set(made)), "a uuid that the server made is there twice"


def check_rows(sent: list[SentEvent], rows: list[dict]) -> None:
    """Every row says what its event said."""
    left = defaultdict(list)
    for row in rows:
        left[_found_key(row)].append(row)
        left[(*_found_key(row)[:2], "")].append(row)
    for event in sent:
        candidates = left[_wanted_key(event)]
        match = candidates[0] if event.uuid else _same_properties(event, candidates)
        check_row(event, match)
        candidates.remove(match)


def _same_properties(event: SentEvent, rows: list[dict]) -> dict:
    """Finds the row of an event without a uuid by what it says."""
    for row in rows:
        stored = as_object(row["properties"])
        if all(same_json(stored.get(name), value) for name, value in event.properties.items() if name not in REMOVED):
            return row
    raise AssertionError(f"no row says what {event.event} of {event.distinct_id} said: {event.properties}")


def check_belief(believed: list[dict], sent: list[SentEvent]) -> None:
    """What the SDK's own hook saw is what was on the wire."""
    told, wire = Counter(event["event"] for event in believed), Counter(event.event for event in sent)
    assert told == wire, f"hook only: {told - wire}, wire only: {wire - told}"
    uuids = {event["uuid"] for event in believed if event.get("uuid")}
    assert uuids <= {event.uuid for event in sent}, "the hook saw a uuid that was never on the wire"


def check_row(event: SentEvent, row: dict) -> None:
    """One row holds its event: token, timestamp, properties and person properties."""
    where = f"{event.event} {event.uuid} on {event.path}"
    assert row["token"] == event.token, where
    low, high = event.timestamp_bounds()
    stored = as_time(row["timestamp"])
    assert low <= stored <= high, f"{where}: stored {stored}, sent between {low} and {high}"
    check_properties(event, as_object(row["properties"]), where)
    check_text(event, row["properties"], where)
    check_person_properties(event, as_object(row.get("person_properties")), where)


def check_properties(event: SentEvent, stored: dict, where: str) -> None:
    """Sent members are there with equal values; only known members came on top."""
    for name, value in event.properties.items():
        if name in REMOVED or name in event.appended:
            continue
        assert name in stored, f"{where}: property {name} is missing"
        wanted = value | event.set_properties.get(name, {}) if isinstance(value, dict) else value
        assert same_json(stored[name], value) or same_json(stored[name], wanted), (
            f"{where}: property {name} was {value!r}, stored {stored[name]!r}"
        )
    added = {name for name in stored.keys() - event.properties.keys() if not name.startswith(APPENDED_PREFIX)}
    for name, value in event.appended.items():
        assert same_json(stored.get(name), value), f"{where}: {name} should be {value!r}, is {stored.get(name)!r}"
    unexpected = added - APPENDED - event.set_properties.keys() - event.appended.keys()
    assert not unexpected, f"{where}: members that nobody sent: {sorted(unexpected)}"


def check_text(event: SentEvent, stored: Any, where: str) -> None:
    """Where properties are kept as text, sent members stand in it byte for byte."""
    if not isinstance(stored, str):
        return
    changed = REMOVED | event.set_properties.keys() | event.appended.keys()
    kept = raw_object(stored)
    for name, text in event.written.items():
        assert name in changed or kept[name] == text, f"{where}: {name} was {text}, stored {kept[name]}"


def check_person_properties(event: SentEvent, stored: dict, where: str) -> None:
    """The event's own `$set_once` and `$set` stand in the row's person properties."""
    if event.properties.get("$process_person_profile") is False or event.event == "$groupidentify":
        return
    for name, value in _own_person_properties(event).items():
        assert same_json(stored.get(name), value), (
            f"{where}: person property {name} was {value!r}, stored {stored.get(name)!r}"
        )


def as_object(value: Any) -> dict:
    """A JSON column's object; the lake holds JSON as text."""
    if value is None:
        return {}
    return json.loads(value, parse_float=Decimal) if isinstance(value, str) else value


def as_time(text: str) -> datetime:
    """A stored timestamp with its zone."""
    parsed = datetime.fromisoformat(text)
    assert parsed.tzinfo is not None, f"a timestamp without a zone: {text}"
    return parsed


def _own_person_properties(event: SentEvent) -> dict[str, Any]:
    merged: dict[str, Any] = {}
    for name in ("$set_once", "$set"):
        for source in (event.properties.get(name), event.set_properties.get(name)):
            merged |= source if isinstance(source, dict) else {}
    return merged


def _found_key(row: dict) -> tuple[str, str, str]:
    return (row["event"], row["distinct_id"], row["uuid"].lower())


def _wanted_key(event: SentEvent) -> tuple[str, str, str]:
    return (event.event, event.distinct_id, (event.uuid or "").lower())
