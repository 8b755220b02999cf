"""Reads what an SDK put on the wire, independently of the server under test."""

import base64
import gzip
import json
import urllib.parse
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

ANALYTICS_PATHS = {"/e", "/i/v0/e", "/capture", "/track", "/batch", "/i/v0/ai/batch"}


@dataclass(frozen=True)
class SentEvent:
    """One event as its SDK sent it, with the window in which the server received it."""

    token: str
    event: str
    distinct_id: str
    uuid: str | None
    timestamp: datetime | None
    sent_at: datetime | None
    properties: dict[str, Any]
    set_properties: dict[str, Any]
    received_after: datetime
    received_before: datetime
    path: str

    def key(self) -> tuple:
        """What makes two sent events the same one."""
        return (self.token, self.event, self.distinct_id, self.uuid)

    def timestamp_bounds(self) -> tuple[datetime, datetime]:
        """Between what the stored timestamp must lie; both are equal without clock-skew correction."""
        if self.timestamp is None:
            return self.received_after, self.received_before
        if self.sent_at is None:
            return self.timestamp, self.timestamp
        age = self.sent_at - self.timestamp
        # Clocks here tick in microseconds, a server may keep its receipt time in milliseconds.
        tick = timedelta(milliseconds=1)
        return self.received_after - age - tick, self.received_before - age + tick


def is_analytics(target: str) -> bool:
    """Says whether a request target carries events."""
    return urllib.parse.urlsplit(target).path.rstrip("/") in ANALYTICS_PATHS


def decode_body(target: str, headers: dict[str, str], body: bytes) -> Any:
    """Undoes gzip, forms and base64, and parses the JSON with exact numbers."""
    if body.startswith(b"data="):
        body = base64.b64decode(urllib.parse.parse_qs(body.decode())["data"][0])
    if body.startswith(b"\x1f\x8b"):
        body = gzip.decompress(body)
    return json.loads(body.decode("utf-8"), parse_float=Decimal)


def sent_events(exchange) -> list[SentEvent]:
    """Returns the events of one recorded request."""
    payload = decode_body(exchange.target, exchange.headers, exchange.body)
    if isinstance(payload, list):
        envelope, items = {}, payload
    elif "batch" in payload:
        envelope, items = payload, payload["batch"]
    else:
        envelope, items = payload, [payload]
    sent_at = envelope.get("sent_at") or _query_time(exchange.target)
    return [_event(item, envelope, sent_at, exchange) for item in items]


def _event(item: dict, envelope: dict, sent_at: Any, exchange) -> SentEvent:
    properties = item.get("properties") or {}
    distinct_id = item.get("distinct_id")
    if distinct_id is None:
        distinct_id = properties["distinct_id"]
    token = (
        envelope.get("api_key")
        or envelope.get("token")
        or item.get("api_key")
        or item.get("token")
        or properties.get("token")
    )
    return SentEvent(
        token=token,
        event=item["event"],
        distinct_id=distinct_id if isinstance(distinct_id, str) else json.dumps(distinct_id),
        uuid=item.get("uuid"),
        timestamp=parse_time(item.get("timestamp")),
        sent_at=None if properties.get("$ignore_sent_at") is True else parse_time(sent_at),
        properties=properties,
        set_properties={name: item[name] for name in ("$set", "$set_once") if item.get(name)},
        received_after=exchange.sent_on,
        received_before=exchange.answered,
        path=urllib.parse.urlsplit(exchange.target).path,
    )


def parse_time(text: str | None) -> datetime | None:
    """Parses RFC 3339."""
    return None if text is None else datetime.fromisoformat(text)


def _query_time(target: str) -> str | None:
    found = urllib.parse.parse_qs(urllib.parse.urlsplit(target).query)
    millis = (found.get("sent_at") or found.get("_") or [None])[0]
    if millis is None:
        return None
    return (datetime.fromisoformat("1970-01-01T00:00:00+00:00") + timedelta(milliseconds=int(millis))).isoformat()
