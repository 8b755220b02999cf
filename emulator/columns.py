"""Schema fields as DuckDB columns, and how a row's JSON text becomes them."""

import json
from dataclasses import dataclass
from typing import Any

from .schema import INGEST_TIME, Schema

_TYPES = {
    "string": "VARCHAR",
    "bool": "BOOLEAN",
    "int32": "INTEGER",
    "int64": "BIGINT",
    "uint32": "UINTEGER",
    "uint64": "UBIGINT",
    "float32": "FLOAT",
    "float64": "DOUBLE",
    "timestamp": "TIMESTAMP",
    "json": "JSON",
    "bytes": "BLOB",
    "binary": "BLOB",
}
_BASE64 = ("bytes", "binary")


@dataclass(frozen=True)
class Column:
    """One column: its name, its DuckDB type, and the expression that reads it from a `sent` subquery."""

    name: str
    type: str
    expression: str

    @property
    def quoted(self) -> str:
        """The name as an identifier."""
        return quote(self.name)

    @property
    def definition(self) -> str:
        """The column for CREATE TABLE; zstd is the fastest way to pack long texts."""
        return f"{self.quoted} {self.type}" + (" USING COMPRESSION zstd" if self.type == "JSON" else "")

    @property
    def for_parquet(self) -> str:
        """The column as a sink writes it: a json column is text."""
        return f"{self.quoted}::VARCHAR AS {self.quoted}" if self.type == "JSON" else self.quoted


@dataclass(frozen=True)
class Layout:
    """The table of one stream; without a schema it is one json column `value`.

    `parsed` is the expression over `text`, a row's JSON, that `expression` of each column reads as `typed`.
    """

    columns: list[Column]
    parsed: str

    @classmethod
    def of(cls, schema: Schema | None) -> "Layout":
        """Lays out the table for a schema."""
        if schema is None:
            return cls([Column("value", "JSON", "typed")], "try_cast(text AS JSON)")
        structure = {entry["name"]: _structure(entry) for entry in schema.fields}
        parsed = f"from_json(text, {literal(json.dumps(structure))})"
        return cls([_column(entry) for entry in schema.fields], parsed)

    def names(self) -> set[str]:
        """Returns the columns' names."""
        return {column.name for column in self.columns}

    def definitions(self) -> str:
        """Returns the columns with their types, for CREATE TABLE."""
        return ", ".join(column.definition for column in self.columns)

    def visible(self) -> str:
        """Returns what a query sees, for SELECT."""
        return ", ".join([*(column.quoted for column in self.columns), INGEST_TIME])

    def for_parquet(self) -> str:
        """Returns what a file holds, for SELECT."""
        return ", ".join([*(column.for_parquet for column in self.columns), INGEST_TIME])


def quote(name: str) -> str:
    """Returns a name as a quoted SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Returns a text as a SQL string."""
    return "'" + text.replace("'", "''") + "'"


def _column(entry: dict[str, Any]) -> Column:
    name = entry["name"]
    member = f"typed.{quote(name)}"
    if entry["type"] in _BASE64:
        return Column(name, "BLOB", f"from_base64({member})")
    if entry["type"] == "timestamp":
        # A cast would mean the same and take five times as long.
        return Column(name, "TIMESTAMP", f"make_timestamp(epoch_us({member}))")
    if entry["type"] in ("list", "struct"):
        # The cast turns times with a zone into UTC.
        return Column(name, _type(entry), f"{member}::{_type(entry)}")
    return Column(name, _type(entry), member)


def _type(entry: dict[str, Any]) -> str:
    """Returns the column type; within lists and structs, bytes stay base64 text."""
    kind = entry["type"]
    if kind == "decimal128":
        return f"DECIMAL({int(entry.get('precision', 38))}, {int(entry.get('scale', 0))})"
    if kind == "list":
        return _inner_type(entry.get("items") or {"type": "json"}) + "[]"
    if kind == "struct":
        return "STRUCT(" + ", ".join(f"{quote(f['name'])} {_inner_type(f)}" for f in entry["fields"]) + ")"
    return _TYPES[kind]


def _inner_type(entry: dict[str, Any]) -> str:
    return "VARCHAR" if entry["type"] in _BASE64 else _type(entry)


def _structure(entry: dict[str, Any]) -> Any:
    """Returns the entry as DuckDB's from_json wants it; a plain TIMESTAMP there would ignore the zone."""
    if entry["type"] == "timestamp":
        return "TIMESTAMPTZ"
    if entry["type"] == "list":
        return [_structure(entry.get("items") or {"type": "json"})]
    if entry["type"] == "struct":
        return {field["name"]: _structure(field) for field in entry["fields"]}
    return _inner_type(entry)
