"""Whether one JSON value fits one schema field, as strictly as the service may be.

A check takes a value that is not null and returns why it does not fit, or None.
Where the service's rule is not documented, the stricter reading holds.
"""

import base64
import binascii
import math
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

MISSING_FIELD = "missing_field"
TYPE_MISMATCH = "type_mismatch"
PARSE_FAILURE = "parse_failure"
NULL_VALUE = "null_value"

Check = Callable[[Any], str | None]

_RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)", re.ASCII)
_LARGEST_FLOAT32 = 3.4028234663852886e38


def check_for(entry: dict[str, Any]) -> Check:
    """Returns the check for a `{"type", …}` entry; raises ValueError for a type nobody knows."""
    kind = entry.get("type")
    if kind == "list":
        return _list(entry.get("items"))
    if kind == "struct":
        return _struct(entry.get("fields", []))
    if kind not in _SIMPLE:
        raise ValueError(f"schema field {entry.get('name')}: unknown type {kind!r}")
    return _SIMPLE[kind]


def member_check(entry: dict[str, Any]) -> Callable[[dict[str, Any]], str | None]:
    """Returns the check of one field within its object: present, not null, fitting."""
    name, required, check = entry["name"], entry.get("required", False), check_for(entry)

    def misfit(members: dict[str, Any]) -> str | None:
        if name not in members:
            return MISSING_FIELD if required else None
        value = members[name]
        if value is None:
            return NULL_VALUE if required else None
        return check(value)

    return misfit


def _of_class(wanted: type) -> Check:
    return lambda value: None if type(value) is wanted else TYPE_MISMATCH


def _integer(low: int, high: int) -> Check:
    def check(value: Any) -> str | None:
        if type(value) is not int:
            return TYPE_MISMATCH
        return None if low <= value <= high else PARSE_FAILURE

    return check


def _number(largest: float) -> Check:
    def check(value: Any) -> str | None:
        if type(value) not in (int, float):
            return TYPE_MISMATCH
        return None if abs(value) <= largest else PARSE_FAILURE

    return check


def _timestamp(value: Any) -> str | None:
    if type(value) is not str:
        return TYPE_MISMATCH
    if not _RFC3339.fullmatch(value):
        return PARSE_FAILURE
    try:
        datetime.fromisoformat(value).astimezone(UTC)
    except (ValueError, OverflowError):
        return PARSE_FAILURE
    return None


def _base64(value: Any) -> str | None:
    if type(value) is not str:
        return TYPE_MISMATCH
    try:
        base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        return PARSE_FAILURE
    return None


def _list(items: dict[str, Any] | None) -> Check:
    fits = member_check(items | {"name": "item"}) if items else None

    def check(value: Any) -> str | None:
        if type(value) is not list:
            return TYPE_MISMATCH
        reasons = (fits({"item": item}) for item in value) if fits else ()
        return next(filter(None, reasons), None)

    return check


def _struct(fields: list[dict[str, Any]]) -> Check:
    members = [member_check(entry) for entry in fields]

    def check(value: Any) -> str | None:
        if type(value) is not dict:
            return TYPE_MISMATCH
        return next(filter(None, (fits(value) for fits in members)), None)

    return check


_SIMPLE: dict[str, Check] = {
    "string": _of_class(str),
    "bool": _of_class(bool),
    "int32": _integer(-(2**31), 2**31 - 1),
    "int64": _integer(-(2**63), 2**63 - 1),
    "uint32": _integer(0, 2**32 - 1),
    "uint64": _integer(0, 2**64 - 1),
    "float32": _number(_LARGEST_FLOAT32),
    "float64": _number(math.nextafter(math.inf, 0)),
    "decimal128": _number(10.0**38),
    "timestamp": _timestamp,
    "json": _of_class(dict),
    "bytes": _base64,
    "binary": _base64,
}
