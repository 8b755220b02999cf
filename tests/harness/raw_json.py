"""JSON members as they were written, so that two texts can be held against each other byte for byte."""

import json
from json.decoder import scanstring

_DECODER = json.JSONDecoder()
_BLANK = " \t\n\r"


def raw_object(text: str) -> dict[str, str]:
    """Returns each member's value as its text; a repeated name keeps its last value."""
    members, index = {}, _after_blank(text, 0) + 1
    while text[index := _after_blank(text, index)] != "}":
        name, index = scanstring(text, index + 1)
        start = _after_blank(text, _after_blank(text, index) + 1)
        members[name], index = _value(text, start)
    return members


def raw_array(text: str) -> list[str]:
    """Returns each item as its text."""
    items, index = [], _after_blank(text, 0) + 1
    while text[index := _after_blank(text, index)] != "]":
        item, index = _value(text, index)
        items.append(item)
    return items


def _value(text: str, start: int) -> tuple[str, int]:
    _parsed, end = _DECODER.raw_decode(text, start)
    following = _after_blank(text, end)
    return text[start:end], following + 1 if text[following] == "," else following


def _after_blank(text: str, index: int) -> int:
    while text[index] in _BLANK:
        index += 1
    return index
