"""A stream's schema, applied as the real service does: after the acknowledgement.

A row that does not fit is dropped with a reason, a field that the schema does not
name is stripped. Neither shows in the answer to the sender.
"""

import base64
import binascii
import json
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

MISSING_FIELD = "missing_field"
TYPE_MISMATCH = "type_mismatch"
PARSE_FAILURE = "parse_failure"
NULL_VALUE = "null_value"


@dataclass(frozen=True)
class Misfit:
    """Why a row is dropped: the reason and the field that caused it."""

    reason: str
    field: str


@dataclass
class Verdict:
    """What becomes of one row: kept members, stripped members, or a misfit."""

    kept: dict[str, Any] = field(default_factory=dict)
    stripped: dict[str, Any] = field(default_factory=dict)
    misfit: Misfit | None = None


class Schema:
    """The fields of a stream, by name."""

    def __init__(self, fields: list[dict[str, Any]]) -> None:
        self._fields = {entry["name"]: entry for entry in fields}

    @classmethod
    def load(cls, path: str | Path) -> "Schema":
        """Loads a `{"fields": [{name, type, required}]}` file."""
        return cls(json.loads(Path(path).read_text())["fields"])

    def judge(self, row: dict[str, Any]) -> Verdict:
        """Decides about one row; the first misfit in schema order is reported."""
        verdict = Verdict(misfit=self._first_misfit(row))
        for name, value in row.items():
            side = verdict.kept if name in self._fields else verdict.stripped
            side[name] = value
        return verdict

    def _first_misfit(self, row: dict[str, Any]) -> Misfit | None:
        for name, entry in self._fields.items():
            reason = _misfit_reason(entry, row)
            if reason:
                return Misfit(reason, name)
        return None


def _misfit_reason(entry: dict[str, Any], row: dict[str, Any]) -> str | None:
    required = entry.get("required", False)
    if entry["name"] not in row:
        return MISSING_FIELD if required else None
    value = row[entry["name"]]
    if value is None:
        return NULL_VALUE if required else None
    return _type_reason(entry, value)


def _type_reason(entry: dict[str, Any], value: Any) -> str | None:
    check = _CHECKS.get(entry["type"])
    if check is None:
        raise ValueError(f"schema field {entry['name']}: unknown type {entry['type']!r}")
    return check(value)


def _of_class(*classes: type):
    def check(value: Any) -> str | None:
        fits = isinstance(value, classes) and not (isinstance(value, bool) and bool not in classes)
        return None if fits else TYPE_MISMATCH

    return check


def _integer(low: int, high: int):
    def check(value: Any) -> str | None:
        if not isinstance(value, int) or isinstance(value, bool):
            return TYPE_MISMATCH
        return None if low <= value <= high else PARSE_FAILURE

    return check


def _timestamp(value: Any) -> str | None:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return None
    if not isinstance(value, str):
        return TYPE_MISMATCH
    try:
        parsed = datetime.fromisoformat(value)
    except ValueError:
        return PARSE_FAILURE
    return None if parsed.tzinfo and "T" in value else PARSE_FAILURE


def _base64(value: Any) -> str | None:
    if not isinstance(value, str):
        return TYPE_MISMATCH
    try:
        base64.b64decode(value, validate=True)
    except binascii.Error:
        return PARSE_FAILURE
    return None


_CHECKS = {
    "string": _of_class(str),
    "bool": _of_class(bool),
    "int32": _integer(-(2**31), 2**31 - 1),
    "int64": _integer(-(2**63), 2**63 - 1),
    "uint32": _integer(0, 2**32 - 1),
    "uint64": _integer(0, 2**64 - 1),
    "float32": _of_class(int, float),
    "float64": _of_class(int, float),
    "timestamp": _timestamp,
    "json": _of_class(dict),
    "bytes": _base64,
    "binary": _base64,
    "list": _of_class(list),
    "struct": _of_class(dict),
}
