"""Which values fit which types."""

import pytest
from emulator.checks import MISSING_FIELD, NULL_VALUE, PARSE_FAILURE, TYPE_MISMATCH, check_for

TAGS = {"name": "tags", "type": "list", "items": {"type": "string", "required": True}}
PLACE = {
    "name": "place",
    "type": "struct",
    "fields": [{"name": "city", "type": "string", "required": True}, {"name": "tags", "type": "list", "items": TAGS}],
}


@pytest.mark.parametrize(
    "value",
    [
        "2026-01-02T03:04:05Z",
        "2026-01-02T03:04:05.123456789+05:30",
        "0001-01-01T00:00:00Z",
        "9999-12-31T23:59:59.999999-00:00",
        "2024-02-29T00:00:00Z",
    ],
)
def test_rfc_3339_with_a_zone_is_a_timestamp(value: str) -> None:
    assert check_for({"type": "timestamp"})(value) is None


@pytest.mark.parametrize(
    "value",
    [
        "2026-01-02",
        "2026-01-02T03:04:05",
        "2026-01-02 03:04:05Z",
        "2026-01-02t03:04:05z",
        "2026-01-02T03:04:05.1234567890Z",
        "2026-01-02T03:04:05,1Z",
        "2026-01-02T03:04Z",
        "20260102T030405Z",
        "2026-W01-1T00:00:00Z",
        "2026-02-29T00:00:00Z",
        "2026-01-02T24:00:00Z",
        "2026-01-02T03:04:60Z",
        "2026-01-02T03:04:05+0100",
        "2026-01-02T03:04:05+24:00",
        "0000-01-01T00:00:00Z",
        "0001-01-01T00:00:00+01:00",
        "9999-12-31T23:59:59-01:00",
        "12026-01-02T03:04:05Z",
        "+2026-01-02T03:04:05Z",
        "٢٠٢٦-01-02T03:04:05Z",
        "2026-01-02T03:04:05Z\n",
        "",
    ],
)
def test_any_other_text_is_no_timestamp(value: str) -> None:
    assert check_for({"type": "timestamp"})(value) == PARSE_FAILURE


@pytest.mark.parametrize(
    ("kind", "value", "reason"),
    [
        ("timestamp", 1767323045, TYPE_MISMATCH),
        ("string", 1, TYPE_MISMATCH),
        ("int64", 1.0, TYPE_MISMATCH),
        ("int64", -(2**63) - 1, PARSE_FAILURE),
        ("int64", -(2**63), None),
        ("uint32", -1, PARSE_FAILURE),
        ("uint64", 2**64 - 1, None),
        ("float32", 1e39, PARSE_FAILURE),
        ("float64", float("inf"), PARSE_FAILURE),
        ("float64", 10**400, PARSE_FAILURE),
        ("float64", True, TYPE_MISMATCH),
        ("json", "{}", TYPE_MISMATCH),
        ("json", [{}], TYPE_MISMATCH),
        ("json", {}, None),
        ("bytes", "aGk=", None),
        ("binary", "a", PARSE_FAILURE),
        ("binary", "é", PARSE_FAILURE),
    ],
)
def test_other_types(kind: str, value, reason: str | None) -> None:
    assert check_for({"type": kind})(value) == reason


@pytest.mark.parametrize(
    ("value", "reason"),
    [([], None), (["a"], None), ("a", TYPE_MISMATCH), (["a", 1], TYPE_MISMATCH), ([None], NULL_VALUE)],
)
def test_items_of_a_list_are_checked(value, reason: str | None) -> None:
    assert check_for(TAGS)(value) == reason


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ({"city": "Berlin"}, None),
        ({"city": "Berlin", "tags": [["a"], None]}, None),
        ({}, MISSING_FIELD),
        ({"city": None}, NULL_VALUE),
        ({"city": "Berlin", "tags": [[1]]}, TYPE_MISMATCH),
        ([], TYPE_MISMATCH),
    ],
)
def test_fields_of_a_struct_are_checked(value, reason: str | None) -> None:
    assert check_for(PLACE)(value) == reason


def test_an_unknown_type_is_refused_at_the_start() -> None:
    with pytest.raises(ValueError, match="unknown type"):
        check_for({"name": "a", "type": "varchar"})
