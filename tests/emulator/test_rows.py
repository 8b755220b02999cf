"""What counts as a body, and that its text survives."""

import pytest
from emulator.rows import Malformed, parse_rows


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[",
        b"[1]",
        b'["a"]',
        b"[{}",
        b"[{},]",
        b"[{}]x",
        b"{}{}",
        b'[{"a":NaN}]',
        b'[{"a":"\xff"}]',
        b"\x1f\x8b\x08",
        b"[" * 200_000,
    ],
)
def test_malformed_bodies_are_refused(body: bytes) -> None:
    with pytest.raises(Malformed):
        parse_rows(body)


@pytest.mark.parametrize("body", [b"[]", b" [ ] \n"])
def test_an_empty_array_is_no_row(body: bytes) -> None:
    assert parse_rows(body) == []


def test_each_row_keeps_its_text() -> None:
    body = b' [ {"n": 1e2, "big":123456789012345678901234567890} ,\n{"s":"\\ud83d","s2":"\xf0\x9f\xa6\x94"} ] '
    first, second = parse_rows(body)
    assert first.text == '{"n": 1e2, "big":123456789012345678901234567890}'
    assert second.text == '{"s":"\\ud83d","s2":"\N{HEDGEHOG}"}'
    assert first.fields["n"] == 100


def test_a_bare_object_is_one_row() -> None:
    assert [row.text for row in parse_rows(b'{"a":1}')] == ['{"a":1}']
