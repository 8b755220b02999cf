"""The stream's schema, applied as the real service does: after the acknowledgement.

A row that does not fit is dropped with a reason, a field that the schema does not
name is stripped. Neither shows in the answer to the sender.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .checks import MISSING_FIELD, NULL_VALUE, PARSE_FAILURE, TYPE_MISMATCH, check_for, member_check
from .rows import Row

__all__ = ["MISSING_FIELD", "NULL_VALUE", "PARSE_FAILURE", "TYPE_MISMATCH", "Misfit", "Schema", "Verdict"]

# The column that the service adds; a schema must not declare it.
INGEST_TIME = "__ingest_ts"

# JSON types whose Python class alone decides.
_BY_CLASS = {"string": str, "json": dict, "bool": bool}


@dataclass(frozen=True, slots=True)
class Misfit:
    """Why a row is dropped: the reason and the field that caused it."""

    reason: str
    field: str


@dataclass(slots=True)
class Verdict:
    """What becomes of one row: kept members, stripped members, or a misfit."""

    kept: dict[str, Any] = field(default_factory=dict)
    stripped: dict[str, Any] = field(default_factory=dict)
    misfit: Misfit | None = None


class Schema:
    """The fields of a stream, by name."""

    def __init__(self, fields: list[dict[str, Any]]) -> None:
        self.fields = fields
        self._members = {entry["name"]: member_check(entry) for entry in fields}
        self._checks = {entry["name"]: check_for(entry) for entry in fields}
        self._classes = {entry["name"]: _BY_CLASS.get(entry["type"]) for entry in fields}
        self._required = {entry["name"] for entry in fields if entry.get("required", False)}
        if INGEST_TIME in self._members:
            raise ValueError(f"{INGEST_TIME} is added by the service and must not be in the schema")

    @classmethod
    def load(cls, path: str | Path) -> "Schema":
        """Loads a `{"fields": [{name, type, required}]}` file."""
        return cls(json.loads(Path(path).read_text())["fields"])

    def judge(self, row: dict[str, Any]) -> Verdict:
        """Decides about one row; the first misfit in schema order is reported."""
        if self._fits_exactly(row):
            return Verdict(kept=row)
        verdict = Verdict(misfit=self._first_misfit(row))
        for name, value in row.items():
            side = verdict.kept if name in self._members else verdict.stripped
            side[name] = value
        return verdict

    def judge_sent(self, row: Row) -> Verdict:
        """Decides about one row as sent: as `judge`, and its text must be UTF-8 throughout."""
        broken = row.may_hold_surrogates and _first_without_utf8(row.fields)
        return Verdict(misfit=Misfit(PARSE_FAILURE, broken)) if broken else self.judge(row.fields)

    def _fits_exactly(self, row: dict[str, Any]) -> bool:
        if not self._required <= row.keys():
            return False
        classes, checks = self._classes, self._checks
        for name, value in row.items():
            if name not in classes:
                return False
            if type(value) is classes[name]:
                continue
            if value is None:
                if name in self._required:
                    return False
            elif checks[name](value):
                return False
        return True

    def _first_misfit(self, row: dict[str, Any]) -> Misfit | None:
        for name, misfit_reason in self._members.items():
            reason = misfit_reason(row)
            if reason:
                return Misfit(reason, name)
        return None


def _first_without_utf8(members: dict[str, Any]) -> str | None:
    """Names the first member with a surrogate that has no partner, which UTF-8 cannot hold."""
    for name, value in members.items():
        try:
            json.dumps([name, value], ensure_ascii=False).encode()
        except UnicodeEncodeError:
            return name.encode("utf-8", "replace").decode()
    return None
