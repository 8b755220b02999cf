"""The stream's rows: one insert per request, order and duplicates kept."""

import json
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from .columns import Layout
from .database import DROPPED, FILES, LANDED, ROLLS, STRIPPED, Database
from .rows import Row
from .schema import Schema, Verdict

_PAGE_ROWS = 5000
_NUMBERS, _TEXTS = "unnest(?::BIGINT[])", "unnest(?::VARCHAR[])"
_INSERT_DROPPED = f"INSERT INTO {DROPPED} SELECT {_NUMBERS}, {_TEXTS}, {_TEXTS}, {_TEXTS}"
_INSERT_STRIPPED = f"INSERT INTO {STRIPPED} SELECT {_NUMBERS}, {_TEXTS}, {_TEXTS}"


@dataclass
class Outcome:
    """What became of one request's rows, in the order of arrival until they are numbered.

    committed  rows that were acknowledged
    landed     position and JSON text of each row that landed
    dropped    position, reason, field and JSON text of each row that was dropped
    stripped   position, name and JSON text of each member that was stripped
    """

    committed: int
    landed: list[tuple[int, str]] = field(default_factory=list)
    dropped: list[tuple[int, str, str, str]] = field(default_factory=list)
    stripped: list[tuple[int, str, str]] = field(default_factory=list)

    def landed_bytes(self) -> int:
        """Returns the size of the JSON text that landed, about as many bytes as characters."""
        return sum(len(text) for _, text in self.landed)

    def reasons(self) -> Counter[str]:
        """Counts the dropped rows by reason."""
        return Counter(reason for _, reason, _, _ in self.dropped)


class Store:
    """The stream's rows, and what its schema dropped or stripped."""

    def __init__(self, database: Database, schema: Schema | None) -> None:
        self._database, self._schema = database, schema
        self._lock = threading.Lock()
        self._writer = database.cursor()
        self._next = 1 + database.highest_number()
        self._insert_landed = _insert_landed(database.layout)
        self._event_name = _event_name(database.layout)

    def append(self, rows: list[Row]) -> Outcome:
        """Appends the rows in order."""
        outcome = Outcome(len(rows))
        for position, row in enumerate(rows):
            self._sort(position, row, outcome)
        with self._lock:
            first, self._next = self._next, self._next + len(rows)
            self._in_transaction(lambda: self._insert(first, outcome))
        return outcome

    def count(self) -> int:
        """Counts the rows that landed."""
        return self._database.query(f"SELECT count(*) FROM {LANDED}")[0][0]

    def events(self, limit: int | None, event: str | None) -> Iterator[str]:
        """Yields the rows' JSON text in the order of arrival, reading them page by page."""
        condition, values = "__seq > ?", [0]
        if event is not None:
            condition, values = f"{condition} AND {self._event_name} = ?", [0, event]
        while limit is None or limit > 0:
            page = _PAGE_ROWS if limit is None else min(limit, _PAGE_ROWS)
            sql = f"SELECT __seq, __raw FROM {LANDED} WHERE {condition} ORDER BY __seq LIMIT {page}"
            found = self._database.query(sql, values)
            yield from (raw for _, raw in found)
            if len(found) < page:
                return
            values[0] = found[-1][0]
            limit = None if limit is None else limit - page

    def dropped(self) -> list[str]:
        """Returns the acknowledged rows that the schema refused as `{"reason", "field", "row"}`, in JSON."""
        found = self._database.query(f"SELECT reason, field, raw FROM {DROPPED} ORDER BY seq")
        return [f'{{"reason":{_text(reason)},"field":{_text(field)},"row":{raw}}}' for reason, field, raw in found]

    def stripped(self) -> list[str]:
        """Returns the members that the schema does not name as `{"seq", "field", "value"}`, in JSON."""
        found = self._database.query(f"SELECT seq, field, raw FROM {STRIPPED} ORDER BY seq, field")
        return [f'{{"seq":{seq},"field":{_text(field)},"value":{raw}}}' for seq, field, raw in found]

    def clear(self) -> None:
        """Deletes everything; the numbers go on."""
        with self._lock:
            self._in_transaction(self._delete_all)

    def close(self) -> None:
        """Closes the writing side once nothing is being appended."""
        with self._lock:
            self._writer.close()

    def _sort(self, position: int, row: Row, outcome: Outcome) -> None:
        verdict = self._schema.judge_sent(row) if self._schema else Verdict(kept=row.fields)
        if verdict.misfit:
            outcome.dropped.append((position, verdict.misfit.reason, verdict.misfit.field, row.text))
            return
        outcome.landed.append((position, _text(verdict.kept) if verdict.stripped else row.text))
        outcome.stripped.extend((position, name, _text(value)) for name, value in verdict.stripped.items())

    def _insert(self, first: int, outcome: Outcome) -> None:
        now = datetime.now(UTC).replace(tzinfo=None)
        self._insert_columns(self._insert_landed, first, outcome.landed, [now])
        self._insert_columns(_INSERT_DROPPED, first, outcome.dropped)
        self._insert_columns(_INSERT_STRIPPED, first, outcome.stripped)

    def _insert_columns(self, sql: str, first: int, rows: list[tuple], before: list | None = None) -> None:
        if rows:
            positions, *others = zip(*rows, strict=True)
            numbers = [first + position for position in positions]
            self._writer.execute(sql, [*(before or []), numbers, *map(list, others)])

    def _delete_all(self) -> None:
        for table in (LANDED, DROPPED, STRIPPED, ROLLS, FILES):
            self._writer.execute(f"DELETE FROM {table}")
        self._writer.execute(f"INSERT INTO {ROLLS} VALUES (0, ?, true)", [self._next - 1])

    def _in_transaction(self, change) -> None:
        self._writer.execute("BEGIN")
        try:
            change()
            self._writer.execute("COMMIT")
        except BaseException:
            self._writer.execute("ROLLBACK")
            raise


def _insert_landed(layout: Layout) -> str:
    """Returns the statement that types rows: parameters are the time of ingest, numbers and texts."""
    return (
        f"INSERT INTO {LANDED} SELECT seq, text, ?::TIMESTAMP, {', '.join(c.expression for c in layout.columns)}"
        f" FROM (SELECT seq, text, {layout.parsed} AS typed"
        f" FROM (SELECT {_NUMBERS} AS seq, {_TEXTS} AS text))"
    )


def _event_name(layout: Layout) -> str:
    """Returns the expression for what `GET /events?event=` compares."""
    names = [name for name in ("event_type", "event") if name in layout.names()]
    if names:
        return f"coalesce({', '.join(names)})"
    sent = "try_cast(__raw AS JSON)"
    return f"coalesce({sent}->>'event_type', {sent}->>'event')"


def _text(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))
