"""Turns a request body into rows, each with the exact text that was sent."""

import json
import re
from dataclasses import dataclass
from typing import Any

_SPACE = re.compile(r"[ \t\r\n]*")


class Malformed(ValueError):
    """The body is not JSON, or not made of objects."""


@dataclass(frozen=True, slots=True)
class Row:
    """One object of a request: its text as sent and its parsed members."""

    text: str
    fields: dict[str, Any]

    @property
    def may_hold_surrogates(self) -> bool:
        """Says whether a surrogate is escaped somewhere; only such a row can hold one without its partner."""
        return "\\ud" in self.text or "\\uD" in self.text


def _refuse_constant(name: str) -> None:
    raise Malformed(f"{name} is not JSON")


_DECODER = json.JSONDecoder(parse_constant=_refuse_constant)


def parse_rows(body: bytes) -> list[Row]:
    """Parses a JSON array of objects, or one bare object as a single row."""
    try:
        text = body.decode("utf-8")
        return _parse_text(text)
    except Malformed:
        raise
    except (ValueError, RecursionError) as error:
        raise Malformed(str(error)) from error


def _parse_text(text: str) -> list[Row]:
    start = _skip_space(text, 0)
    if text[start : start + 1] != "[":
        row, end = _parse_object(text, start)
        _expect_end(text, end)
        return [row]
    rows, position = [], _skip_space(text, start + 1)
    if text[position : position + 1] == "]":
        _expect_end(text, position + 1)
        return rows
    while True:
        row, position = _parse_object(text, position)
        rows.append(row)
        position = _skip_space(text, position)
        mark, position = text[position : position + 1], position + 1
        if mark == "]":
            _expect_end(text, position)
            return rows
        if mark != ",":
            raise Malformed(f"expected ',' or ']' at character {position - 1}")
        position = _skip_space(text, position)


def _parse_object(text: str, start: int) -> tuple[Row, int]:
    value, end = _DECODER.raw_decode(text, start)
    if not isinstance(value, dict):
        raise Malformed(f"expected an object at character {start}")
    return Row(text[start:end], value), end


def _skip_space(text: str, start: int) -> int:
    return _SPACE.match(text, start).end()


def _expect_end(text: str, position: int) -> None:
    if _skip_space(text, position) != len(text):
        raise Malformed(f"unexpected text at character {position}")
