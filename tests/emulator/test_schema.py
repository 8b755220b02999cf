"""The rules by which the stream drops and strips after it has acknowledged."""

import json
from pathlib import Path

import pytest
from emulator.schema import MISSING_FIELD, NULL_VALUE, PARSE_FAILURE, TYPE_MISMATCH, Misfit, Schema

FIELDS = [
    {"name": "uuid", "type": "string", "required": True},
    {"name": "team_id", "type": "int64", "required": False},
    {"name": "small", "type": "int32"},
    {"name": "ratio", "type": "float64"},
    {"name": "flag", "type": "bool"},
    {"name": "timestamp", "type": "timestamp", "required": True},
    {"name": "properties", "type": "json"},
]
GOOD = {"uuid": "u", "timestamp": "2026-01-02T03:04:05.678901Z"}


def judge(**fields):
    """Judges the good row with some fields changed."""
    return Schema(FIELDS).judge(GOOD | fields)


def test_a_row_that_fits_is_kept_whole() -> None:
    row = {"team_id": 1, "small": 2, "ratio": 1, "flag": False, "properties": {"a": []}}
    verdict = judge(**row)
    assert (verdict.misfit, verdict.kept, verdict.stripped) == (None, GOOD | row, {})


def test_optional_fields_may_be_null_or_absent() -> None:
    assert judge(team_id=None, properties=None).misfit is None


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("uuid", None, NULL_VALUE),
        ("uuid", 7, TYPE_MISMATCH),
        ("team_id", "7", TYPE_MISMATCH),
        ("team_id", True, TYPE_MISMATCH),
        ("team_id", 1.5, TYPE_MISMATCH),
        ("team_id", 2**63, PARSE_FAILURE),
        ("small", 2**31, PARSE_FAILURE),
        ("ratio", "1.5", TYPE_MISMATCH),
        ("flag", 1, TYPE_MISMATCH),
        ("timestamp", "yesterday", PARSE_FAILURE),
        ("timestamp", "2026-01-02 03:04:05", PARSE_FAILURE),
        ("timestamp", {}, TYPE_MISMATCH),
        ("properties", "{}", TYPE_MISMATCH),
        ("properties", [], TYPE_MISMATCH),
    ],
)
def test_misfits_name_their_reason(name: str, value, reason: str) -> None:
    assert judge(**{name: value}).misfit == Misfit(reason, name)


def test_a_missing_required_field_is_a_misfit() -> None:
    assert Schema(FIELDS).judge({"uuid": "u"}).misfit == Misfit(MISSING_FIELD, "timestamp")


def test_unknown_fields_are_stripped() -> None:
    verdict = judge(extra=1)
    assert (verdict.misfit, verdict.kept, verdict.stripped) == (None, GOOD, {"extra": 1})


def test_schema_loads_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "schema.json"
    path.write_text(json.dumps({"fields": FIELDS}))
    assert Schema.load(path).judge(GOOD).misfit is None
