"""Reads what an SDK put on the wire, independently of the server under test."""

import base64
import gzip
import json
import urllib.parse
import zlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import brotli
import zstandard

from .raw_json import raw_array, raw_object

V1_PATH = "/i/v1/analytics/events"
ANALYTICS_PATHS = {"/e", "/i/v0/e", "/capture", "/track", "/batch", "/i/v0/ai/batch", V1_PATH}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DECOMPRESS = {
    "gzip": gzip.decompress,
    "deflate": zlib.decompress,
    "br": brotli.decompress,
    "zstd": lambda body: zstandard.ZstdDecompressor().decompressobj().decompress(body),
}
# Options of a V1 event, by the property that each becomes.
_V1_OPTIONS = {
    "$cookieless_mode": "cookieless_mode",
    "$ignore_sent_at": "disable_skew_correction",
    "$product_tour_id": "product_tour_id",
    "$process_person_profile": "process_person_profile",
}


@dataclass(frozen=True)
class SentEvent:
    """One event as its SDK sent it, with the window in which the server received it."""

    token: str
    event: str
    distinct_id: str
    uuid: str | None
    timestamp: datetime | None
    sent_at: datetime | None
    offset: timedelta | None
    properties: dict[str, Any]
    # The text of each property as it was sent.
    written: dict[str, str]
    # What the server makes a property of, though it was sent elsewhere.
    appended: dict[str, Any]
    set_properties: dict[str, Any]
    received_after: datetime
    received_before: datetime
    path: str

    def key(self) -> tuple:
        """What makes two sent events the same one."""
        return (self.token, self.event, self.distinct_id, self.uuid)

    def timestamp_bounds(self) -> tuple[datetime, datetime]:
        """Between what the stored timestamp must lie; both are equal without clock-skew correction."""
        if self.offset is None and self.timestamp is None:
            return self.received_after, self.received_before
        if self.offset is None and self.sent_at is None:
            return self.timestamp, self.timestamp
        age = self.sent_at - self.timestamp if self.offset is None else self.offset
        # Clocks here tick in microseconds, a server may keep its receipt time in milliseconds.
        tick = timedelta(milliseconds=1)
        return self.received_after - age - tick, self.received_before - age + tick


@dataclass(frozen=True)
class SentSpan:
    """One OpenTelemetry span about a model, as its exporter sent it."""

    trace_id: str
    span_id: str
    operation: str
    model: str
    input_tokens: int
    distinct_id: str
    started: datetime


def is_analytics(target: str) -> bool:
    """Says whether a request target carries events."""
    return urllib.parse.urlsplit(target).path.rstrip("/") in ANALYTICS_PATHS


def is_v1(target: str) -> bool:
    """Says whether a request target takes events by the Capture V1 protocol."""
    return urllib.parse.urlsplit(target).path.rstrip("/") == V1_PATH


def encoding(exchange) -> str:
    """Names how a body was encoded; `gzip unmarked` when only its first bytes tell."""
    declared = exchange.headers.get("content-encoding")
    if declared:
        return declared
    if exchange.body.startswith(b"data="):
        return "base64 form"
    if exchange.body.startswith(b"\x1f\x8b"):
        return "gzip by query" if "compression=" in exchange.target else "gzip unmarked"
    return "plain"


def decode_text(headers: dict[str, str], body: bytes) -> str:
    """Undoes compression, forms and base64."""
    if body.startswith(b"data="):
        body = base64.b64decode(urllib.parse.parse_qs(body.decode())["data"][0])
    declared = headers.get("content-encoding", "gzip" if body.startswith(b"\x1f\x8b") else None)
    if declared:
        body = _DECOMPRESS[declared](body)
    return _join_surrogates(body.decode("utf-8", "surrogatepass"))


def sent_events(exchange) -> list[SentEvent]:
    """Returns the events of one recorded request."""
    text = decode_text(exchange.headers, exchange.body)
    if text.lstrip().startswith("["):
        envelope, items = {}, raw_array(text)
    elif "batch" in (members := raw_object(text)):
        envelope, items = _parse(text), raw_array(members["batch"])
    else:
        envelope, items = _parse(text), [text]
    read = _v1_event if is_v1(exchange.target) else _event
    return [read(item, envelope, exchange) for item in items]


def _event(text: str, envelope: dict, exchange) -> SentEvent:
    item = _parse(text)
    properties = item.get("properties") or {}
    distinct_id = item.get("distinct_id")
    if distinct_id is None:
        distinct_id = properties["distinct_id"]
    sources = (envelope, item)
    token = next(
        (source[name] for source in sources for name in ("api_key", "token") if source.get(name)), properties.get("token")
    )
    sent_at = envelope.get("sent_at") or envelope.get("sentAt") or _query_time(exchange.target)
    return SentEvent(
        token=token,
        event=item["event"],
        distinct_id=distinct_id if isinstance(distinct_id, str) else json.dumps(distinct_id),
        uuid=item.get("uuid"),
        timestamp=parse_time(item.get("timestamp")),
        sent_at=None if properties.get("$ignore_sent_at") is True else parse_time(sent_at),
        offset=None if item.get("offset") is None else timedelta(milliseconds=float(item["offset"])),
        properties=properties,
        written=_written(text),
        appended={},
        set_properties={name: item[name] for name in ("$set", "$set_once") if item.get(name)},
        received_after=exchange.sent_on,
        received_before=exchange.answered,
        path=exchange.path(),
    )


def _v1_event(text: str, _envelope: dict, exchange) -> SentEvent:
    item = _parse(text)
    options = item.get("options") or {}
    corrected = options.get("disable_skew_correction") is not True
    return SentEvent(
        token=exchange.headers["authorization"].removeprefix("Bearer "),
        event=item["event"],
        distinct_id=item["distinct_id"],
        uuid=item["uuid"],
        timestamp=parse_time(item["timestamp"]),
        sent_at=parse_time(exchange.headers["posthog-request-timestamp"]) if corrected else None,
        offset=None,
        properties=item.get("properties") or {},
        written=_written(text),
        appended=_v1_appended(item, options, exchange.headers["posthog-sdk-info"]),
        set_properties={},
        received_after=exchange.sent_on,
        received_before=exchange.answered,
        path=exchange.path(),
    )


def _v1_appended(item: dict, options: dict, sdk_info: str) -> dict[str, Any]:
    library, _, version = sdk_info.rpartition("/")
    known = {name: options.get(option) for name, option in _V1_OPTIONS.items()}
    known |= {"$session_id": item.get("session_id"), "$window_id": item.get("window_id")}
    known |= {"$lib": library, "$lib_version": version}
    return {name: value for name, value in known.items() if value is not None}


def sent_spans(exchange) -> list[SentSpan]:
    """Returns the spans of one recorded request of OTLP as JSON."""
    payload = _parse(decode_text(exchange.headers, exchange.body))
    scopes = [scope for resource in payload["resourceSpans"] for scope in resource["scopeSpans"]]
    return [_span(span) for scope in scopes for span in scope["spans"]]


def _span(span: dict) -> SentSpan:
    said = {item["key"]: next(iter(item["value"].values())) for item in span["attributes"]}
    return SentSpan(
        trace_id=span["traceId"],
        span_id=span["spanId"],
        operation=said["gen_ai.operation.name"],
        model=said["gen_ai.request.model"],
        input_tokens=int(said["gen_ai.usage.input_tokens"]),
        distinct_id=said["posthog.distinct_id"],
        started=_EPOCH + timedelta(microseconds=int(span["startTimeUnixNano"]) // 1000),
    )


def parse_time(text: str | None) -> datetime | None:
    """Parses RFC 3339; a time without a zone is UTC."""
    if text is None:
        return None
    parsed = datetime.fromisoformat(text)
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)


def _written(text: str) -> dict[str, str]:
    properties = raw_object(text).get("properties", "null")
    return raw_object(properties) if properties.startswith("{") else {}


def _parse(text: str) -> Any:
    return json.loads(text, parse_float=Decimal)


def _join_surrogates(text: str) -> str:
    """Some browsers' SDKs write a character beyond the first 65536 as two surrogates of three bytes each."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16")


def _query_time(target: str) -> str | None:
    found = urllib.parse.parse_qs(urllib.parse.urlsplit(target).query)
    millis = (found.get("sent_at") or found.get("_") or [None])[0]
    if millis is None:
        return None
    return (_EPOCH + timedelta(milliseconds=int(millis))).isoformat()
