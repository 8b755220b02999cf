"""Query results as the service's HTTP API gives them."""

import base64
import math
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

_TYPES = {
    "VARCHAR": "string",
    "JSON": "string",
    "UUID": "string",
    "BOOLEAN": "bool",
    "TINYINT": "int8",
    "SMALLINT": "int16",
    "INTEGER": "int32",
    "BIGINT": "int64",
    "UTINYINT": "uint8",
    "USMALLINT": "uint16",
    "UINTEGER": "uint32",
    "UBIGINT": "uint64",
    "FLOAT": "float32",
    "DOUBLE": "float64",
    "TIMESTAMP": "timestamp",
    "TIMESTAMP WITH TIME ZONE": "timestamptz",
    "DATE": "date",
    "BLOB": "binary",
}


def result(columns: list[tuple[str, str]], rows: list[tuple]) -> dict[str, Any]:
    """Returns `{"schema", "rows"}` for columns given as name and DuckDB type."""
    names = [name for name, _ in columns]
    return {
        "schema": [_field(name, kind) for name, kind in columns],
        "rows": [dict(zip(names, map(to_json, row), strict=True)) for row in rows],
    }


def to_json(value: Any) -> Any:
    """Returns a DuckDB value as JSON has it: times as RFC 3339, bytes as base64, what is no number as null."""
    match value:
        case bool() | int() | str() | None:
            return value
        case float():
            return value if math.isfinite(value) else None
        case datetime():
            return value.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"
        case date() | time():
            return value.isoformat()
        case bytes() | bytearray():
            return base64.b64encode(value).decode()
        case list() | tuple():
            return [to_json(item) for item in value]
        case dict():
            return {str(key): to_json(item) for key, item in value.items()}
        case Decimal() | timedelta() | UUID():
            return str(value)
    return str(value)


def _field(name: str, kind: str) -> dict[str, Any]:
    service_type = _TYPES.get(kind, kind.lower())
    descriptor = {"type": {"name": service_type}, "nullable": True}
    return {"name": name, "type": service_type, "descriptor": descriptor}
