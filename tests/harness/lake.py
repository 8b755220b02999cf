"""The lake read by others: PyIceberg for what belongs to it, DuckDB for the bytes."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.exceptions import NoSuchTableError
from pyiceberg.table import Table


class NotReady(AssertionError):
    """The lake has no such table yet."""


@contextmanager
def open_catalog(data_dir: Path) -> Iterator[SqlCatalog]:
    """Opens the catalog as anybody with PyIceberg would."""
    folder = data_dir / "lake"
    if not (folder / "catalog.db").exists():
        raise NotReady(f"no catalog.db in {folder}")
    catalog = SqlCatalog("hogflare", uri=f"sqlite:///{folder}/catalog.db", warehouse=f"file://{folder}")
    try:
        yield catalog
    finally:
        catalog.engine.dispose()


@contextmanager
def open_table(data_dir: Path, name: str = "events") -> Iterator[Table]:
    """Opens a table."""
    with open_catalog(data_dir) as catalog:
        try:
            yield catalog.load_table(f"default.{name}")
        except NoSuchTableError as error:
            raise NotReady(str(error)) from error


def planned_files(table: Table) -> list[str]:
    """Returns the paths of the Parquet files that belong to the table now."""
    tasks = list(table.scan().plan_files())
    assert not any(task.delete_files for task in tasks), "delete files are not expected"
    return [task.file.file_path.removeprefix("file://") for task in tasks]


def iceberg_count(data_dir: Path, name: str = "events") -> int:
    """Counts by reading through PyIceberg; 0 while there is no table, or its metadata is being replaced."""
    try:
        with open_table(data_dir, name) as table:
            return table.scan(selected_fields=("journal_offset",)).to_arrow().num_rows
    except (NotReady, FileNotFoundError):
        return 0


def duckdb_rows(data_dir: Path, select: str, name: str = "events") -> list[tuple]:
    """Runs `SELECT {select} FROM` the planned files in DuckDB; nothing while there are none."""
    try:
        with open_table(data_dir, name) as table:
            files = planned_files(table)
    except NotReady:
        return []
    if not files:
        return []
    with duckdb.connect() as connection:
        statement = f"SELECT {select} FROM read_parquet(?, union_by_name = true, hive_partitioning = false)"
        return connection.execute(statement, [files]).fetchall()


def duckdb_count(data_dir: Path, name: str = "events") -> int:
    """Counts the rows of the planned files."""
    rows = duckdb_rows(data_dir, "count(*)", name)
    return rows[0][0] if rows else 0


def lake_uuids(data_dir: Path) -> list[str]:
    """Returns the uuid of every row in the planned files, duplicates included."""
    return [value for (value,) in duckdb_rows(data_dir, "uuid::VARCHAR")]
