"""Rows in DuckDB: one insert per request, order and duplicates kept."""

import json
import threading
from typing import Any

import duckdb

from .rows import Row
from .schema import Schema, Verdict

_TABLES = """
CREATE TABLE IF NOT EXISTS events (
    seq BIGINT, ingest_ts TIMESTAMPTZ, uuid VARCHAR, event_type VARCHAR, distinct_id VARCHAR,
    "timestamp" TIMESTAMPTZ, api_key VARCHAR, source VARCHAR, properties VARCHAR, raw VARCHAR
);
CREATE TABLE IF NOT EXISTS dropped (seq BIGINT, reason VARCHAR, field VARCHAR, raw VARCHAR);
CREATE TABLE IF NOT EXISTS stripped (seq BIGINT, field VARCHAR, raw VARCHAR);
"""
_INSERT_EVENTS = """
INSERT INTO events
SELECT seq, now(), uuid, event_type, distinct_id, TRY_CAST(ts AS TIMESTAMPTZ), api_key, source, properties, raw
FROM (SELECT unnest(?::BIGINT[]) AS seq, unnest(?::VARCHAR[]) AS uuid, unnest(?::VARCHAR[]) AS event_type,
             unnest(?::VARCHAR[]) AS distinct_id, unnest(?::VARCHAR[]) AS ts, unnest(?::VARCHAR[]) AS api_key,
             unnest(?::VARCHAR[]) AS source, unnest(?::VARCHAR[]) AS properties, unnest(?::VARCHAR[]) AS raw)
"""
_INSERT_DROPPED = (
    "INSERT INTO dropped SELECT unnest(?::BIGINT[]), unnest(?::VARCHAR[]), unnest(?::VARCHAR[]), unnest(?::VARCHAR[])"
)
_INSERT_STRIPPED = "INSERT INTO stripped SELECT unnest(?::BIGINT[]), unnest(?::VARCHAR[]), unnest(?::VARCHAR[])"


class Store:
    """The stream's rows, and what its schema dropped or stripped."""

    def __init__(self, database: str, schema: Schema | None) -> None:
        self._schema = schema
        self._lock = threading.Lock()
        self._connection = duckdb.connect(database)
        self._connection.execute(_TABLES)
        self._next = 1 + max(self._highest("events"), self._highest("dropped"))

    def append(self, rows: list[Row]) -> int:
        """Appends the rows in order and returns how many were acknowledged."""
        with self._lock:
            self._connection.execute("BEGIN")
            try:
                self._append_judged([(self._take_number(), row, self._judge(row)) for row in rows])
                self._connection.execute("COMMIT")
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
        return len(rows)

    def count(self) -> int:
        """Counts the rows that landed."""
        return self._query("SELECT count(*) FROM events")[0][0]

    def events(self, limit: int | None, event: str | None) -> list[str]:
        """Returns the rows' JSON text in the order of arrival."""
        sql, values = "SELECT raw FROM events", []
        if event is not None:
            sql, values = sql + " WHERE event_type = ?", [event]
        sql += " ORDER BY seq"
        if limit is not None:
            sql, values = sql + " LIMIT ?", [*values, limit]
        return [raw for (raw,) in self._query(sql, values)]

    def dropped(self) -> list[dict[str, Any]]:
        """Returns the acknowledged rows that the schema refused, with the reason."""
        found = self._query("SELECT reason, field, raw FROM dropped ORDER BY seq")
        return [{"reason": reason, "field": field, "row": json.loads(raw)} for reason, field, raw in found]

    def stripped(self) -> list[dict[str, Any]]:
        """Returns the members that the schema does not name, with their values."""
        found = self._query("SELECT seq, field, raw FROM stripped ORDER BY seq, field")
        return [{"seq": seq, "field": field, "value": json.loads(raw)} for seq, field, raw in found]

    def clear(self) -> None:
        """Deletes everything."""
        with self._lock:
            for table in ("events", "dropped", "stripped"):
                self._connection.execute(f"DELETE FROM {table}")

    def close(self) -> None:
        """Closes the database."""
        self._connection.close()

    def _judge(self, row: Row) -> Verdict:
        return self._schema.judge(row.fields) if self._schema else Verdict(kept=row.fields)

    def _append_judged(self, judged: list[tuple[int, Row, Verdict]]) -> None:
        landed = [entry for entry in judged if not entry[2].misfit]
        dropped = [entry for entry in judged if entry[2].misfit]
        stripped = [(seq, name, _text(value)) for seq, _, verdict in landed for name, value in verdict.stripped.items()]
        self._insert(_INSERT_EVENTS, [_columns(*entry) for entry in landed])
        self._insert(_INSERT_DROPPED, [(seq, v.misfit.reason, v.misfit.field, row.text) for seq, row, v in dropped])
        self._insert(_INSERT_STRIPPED, stripped)

    def _insert(self, sql: str, rows: list[tuple]) -> None:
        if rows:
            self._connection.execute(sql, [list(column) for column in zip(*rows, strict=True)])

    def _query(self, sql: str, values: list | None = None) -> list[tuple]:
        with self._lock:
            return self._connection.execute(sql, values or []).fetchall()

    def _take_number(self) -> int:
        self._next += 1
        return self._next - 1

    def _highest(self, table: str) -> int:
        return self._query(f"SELECT coalesce(max(seq), 0) FROM {table}")[0][0]


def _columns(seq: int, row: Row, verdict: Verdict) -> tuple:
    kept = verdict.kept
    name = kept.get("event_type", kept.get("event"))
    token = kept.get("api_key", kept.get("token"))
    plain = [kept.get("uuid"), name, kept.get("distinct_id"), kept.get("timestamp"), token, kept.get("source")]
    raw = _text(kept) if verdict.stripped else row.text
    return (seq, *map(_plain, plain), _plain(kept.get("properties")), raw)


def _plain(value: Any) -> str | None:
    if value is None:
        return None
    text = value if isinstance(value, str) else _text(value)
    return text.encode("utf-8", "replace").decode("utf-8")


def _text(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))
