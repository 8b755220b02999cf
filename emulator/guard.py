"""Which statements may be asked: those that read the stream's table and nothing else."""

import json
from collections.abc import Iterator
from typing import Any

import duckdb

from .dialect import explained

_FUNCTIONS_AS_TABLES = {"unnest", "range", "generate_series", "json_each", "json_tree"}
_LIMITS = ("LIMIT_MODIFIER", "LIMIT_PERCENT_MODIFIER")


class NotAllowed(Exception):
    """A statement that does more than read the table."""


class ReadOnlyStatement:
    """One SELECT, WITH, VALUES, DESCRIBE or EXPLAIN, seen through DuckDB's own parser."""

    def __init__(self, cursor: duckdb.DuckDBPyConnection, text: str, namespaces: set[str]) -> None:
        statements = cursor.extract_statements(text)
        if len(statements) != 1:
            raise NotAllowed("exactly one statement is expected")
        self.statement = statements[0]
        self._node = _parse(cursor, explained(text))
        for node in _nodes(self._node):
            _check(node, namespaces)

    def has_limit(self) -> bool:
        """Says whether the statement itself limits its rows."""
        return any(modifier["type"] in _LIMITS for modifier in self._node.get("modifiers", []))


def _parse(cursor: duckdb.DuckDBPyConnection, text: str) -> dict[str, Any]:
    """Returns the syntax tree; DuckDB makes one for reading statements only."""
    answer = json.loads(cursor.execute("SELECT json_serialize_sql(?::VARCHAR)", [text]).fetchone()[0])
    if answer["error"]:
        raise NotAllowed(answer.get("error_message", "only reading statements are allowed"))
    return answer["statements"][0]["node"]


def _nodes(tree: Any) -> Iterator[dict[str, Any]]:
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            yield node
            waiting.extend(node.values())
        elif isinstance(node, list):
            waiting.extend(node)


def _check(node: dict[str, Any], namespaces: set[str]) -> None:
    kind = node.get("type")
    if kind == "TABLE_FUNCTION":
        name = node["function"]["function_name"]
        if name not in _FUNCTIONS_AS_TABLES:
            raise NotAllowed(f"table function {name} is not available")
    if kind == "BASE_TABLE":
        schema, table = node["schema_name"], node["table_name"]
        if schema.lower() not in namespaces or not table.isidentifier():
            raise NotAllowed(f"table {'.'.join(filter(None, [schema, table]))} not found")
