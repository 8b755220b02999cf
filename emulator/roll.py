"""Rolls landed rows to Parquet files, each row into exactly one of them.

A roll goes in three steps, each of which survives a crash of the process:

1. It writes the range of row numbers that it will roll to the database.
2. It writes one file per day of that range, under names made of the range: first
   beside the final name, then renamed.
3. It notes the files and that the range is finished.

A roll that did not get to step 3 is done again with the range of step 1. Rows do not
change, so the files are the same and replace those of the first attempt.
"""

import threading
from pathlib import Path
from typing import Any

from .columns import literal
from .database import FILES, LANDED, ROLLS, Database
from .schema import INGEST_TIME
from .sink import Sink


class NoFolder(Exception):
    """The emulator was started without a folder to roll to."""


class Roller:
    """Rolls one stream's rows; only one roll runs at a time."""

    def __init__(self, database: Database, sink: Sink) -> None:
        self._database, self._sink = database, sink
        self.lock = threading.Lock()

    def roll(self) -> list[dict[str, Any]]:
        """Rolls every row that landed so far and returns the new files; none while the sink is broken."""
        if not self._database.files_folder:
            raise NoFolder
        with self.lock:
            if self._sink.is_broken():
                return []
            try:
                files = [file for first, last in self._ranges() for file in self._roll_range(first, last)]
            except Exception as error:
                self._sink.failed(str(error))
                raise
            self._sink.rolled()
            return files

    def files(self) -> list[dict[str, Any]]:
        """Returns every file with its path, day, rows and bytes, oldest first."""
        found = self._database.query(f"SELECT path, day, rows, bytes FROM {FILES} ORDER BY path")
        return [
            {"path": path, "day": day.isoformat(), "rows": rows, "bytes": size} for path, day, rows, size in found
        ]

    def remove_files(self, files: list[dict[str, Any]]) -> None:
        """Removes files that the database does not name any more."""
        for file in files:
            Path(file["path"]).unlink(missing_ok=True)

    def remove_unfinished(self) -> None:
        """Removes what a crash left beside the final names."""
        if self._database.files_folder:
            for path in self._database.files_folder.glob(f"*/.*{self._database.identity}.tmp"):
                path.unlink()

    def _ranges(self) -> list[tuple[int, int]]:
        """Returns the ranges to roll: what an earlier attempt left, then what landed since."""
        unfinished = self._database.query(f"SELECT first, last FROM {ROLLS} WHERE NOT finished ORDER BY first")
        planned = self._database.query(f"SELECT coalesce(max(last), 0) FROM {ROLLS}")[0][0]
        last = self._database.query(f"SELECT max(__seq) FROM {LANDED} WHERE __seq > ?", [planned])[0][0]
        if last is None:
            return unfinished
        self._database.query(f"INSERT INTO {ROLLS} VALUES (?, ?, false)", [planned + 1, last])
        return [*unfinished, (planned + 1, last)]

    def _roll_range(self, first: int, last: int) -> list[dict[str, Any]]:
        days = self._database.query(
            f"SELECT DISTINCT {INGEST_TIME}::DATE AS day FROM {LANDED} WHERE __seq BETWEEN ? AND ? ORDER BY day",
            [first, last],
        )
        files = [self._write(first, last, day.isoformat()) for (day,) in days]
        self._finish(first, last, files)
        return files

    def _write(self, first: int, last: int, day: str) -> dict[str, Any]:
        folder = self._database.files_folder / f"{INGEST_TIME}_day={day}"
        folder.mkdir(parents=True, exist_ok=True)
        name = f"{first:012d}-{last:012d}-{self._database.identity}"
        temporary, final = folder / f".{name}.tmp", folder / f"{name}.parquet"
        select = (
            f"SELECT {self._database.layout.for_parquet()} FROM {LANDED}"
            f" WHERE __seq BETWEEN {first} AND {last} AND {INGEST_TIME}::DATE = {literal(day)}"
        )
        options = "FORMAT parquet, COMPRESSION zstd"
        rows = self._database.query(f"COPY ({select}) TO {literal(str(temporary))} ({options})")[0][0]
        temporary.replace(final)
        return {"path": str(final), "day": day, "rows": rows, "bytes": final.stat().st_size}

    def _finish(self, first: int, last: int, files: list[dict[str, Any]]) -> None:
        with self._database.cursor() as cursor:
            cursor.execute("BEGIN")
            for file in files:
                values = [file["path"], file["day"], file["rows"], file["bytes"]]
                cursor.execute(f"INSERT INTO {FILES} VALUES (?, ?, ?, ?)", values)
            cursor.execute(f"UPDATE {ROLLS} SET finished = true WHERE first = ? AND last = ?", [first, last])
            cursor.execute("COMMIT")
