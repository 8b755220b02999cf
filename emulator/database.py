"""The DuckDB database behind one stream: its tables, what /sql sees of it, and its locks.

The tables are in a database of their own, `stream`; the database that queries start in has nothing but views.

    landed    __seq, __raw: the row's number and JSON text; __ingest_ts; one typed column per schema field
    dropped   what the schema refused: number, reason, field, JSON text
    stripped  members that the schema does not name: the row's number, name, JSON text
    rolls     ranges of numbers that are, or are to be, in files
    files     Parquet files
    identity  a name that no other stream's files have

Row numbers rise in the order of arrival and are never used twice.
"""

import uuid
from pathlib import Path

import duckdb

from .columns import Layout, literal, quote
from .schema import INGEST_TIME
from .settings import ROLLED, Settings

IN_MEMORY = ":memory:"
LANDED = "stream.landed"
DROPPED = "stream.dropped"
STRIPPED = "stream.stripped"
ROLLS = "stream.rolls"
FILES = "stream.files"
IDENTITY = "stream.identity"

_TABLES = f"""
CREATE TABLE IF NOT EXISTS {DROPPED} (seq BIGINT, reason VARCHAR, field VARCHAR, raw VARCHAR);
CREATE TABLE IF NOT EXISTS {STRIPPED} (seq BIGINT, field VARCHAR, raw VARCHAR);
CREATE TABLE IF NOT EXISTS {ROLLS} (first BIGINT, last BIGINT, finished BOOLEAN);
CREATE TABLE IF NOT EXISTS {FILES} (path VARCHAR, day DATE, rows BIGINT, bytes BIGINT);
CREATE TABLE IF NOT EXISTS {IDENTITY} (id VARCHAR);
"""
# The real service's way to read json columns: a key is a name, also one that begins with $, or an index.
_MEMBER = """
CREATE OR REPLACE MACRO json_path(a) AS
    CASE typeof(a) WHEN 'VARCHAR' THEN '$."' || replace(CAST(a AS VARCHAR), '"', '\\"') || '"' ELSE '$[' || a || ']' END;
CREATE OR REPLACE MACRO json_get_json(j, a) AS (json_extract(j, json_path(a))),
    (j, a, b) AS (json_extract(json_extract(j, json_path(a)), json_path(b)));
CREATE OR REPLACE MACRO json_get_str(j, a) AS (json_extract_string(j, json_path(a))),
    (j, a, b) AS (json_extract_string(json_extract(j, json_path(a)), json_path(b)));
"""
_MACROS = _MEMBER + "".join(
    f"CREATE OR REPLACE MACRO {name}(j, a) AS (try_cast(json_get_str(j, a) AS {kind})),"
    f" (j, a, b) AS (try_cast(json_get_str(j, a, b) AS {kind}));\n"
    for name, kind in [("json_get_int", "BIGINT"), ("json_get_float", "DOUBLE"), ("json_get_bool", "BOOLEAN")]
)


class OtherSchema(Exception):
    """The database belongs to a stream with another schema; a stream's schema cannot change."""


class Database:
    """One open database; every thread asks it for a cursor of its own."""

    def __init__(self, settings: Settings, layout: Layout) -> None:
        self.layout = layout
        self.files_folder = _files_folder(settings)
        path = _path(settings)
        self._connection = duckdb.connect(config=_CONFIG if path == IN_MEMORY else _CONFIG | _CONFIG_OF_A_FILE)
        self._connection.execute("SET GLOBAL TimeZone = 'UTC'")
        self._connection.execute(f"ATTACH {literal(path)} AS stream (ROW_GROUP_SIZE {_ROW_GROUP_ROWS})")
        self._create_tables()
        self._create_views(settings)
        self._lock_up()
        self.identity = self._identity()

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """Returns a cursor with transactions of its own; close it after use."""
        return self._connection.cursor()

    def query(self, sql: str, values: list | None = None) -> list[tuple]:
        """Returns the rows of one statement."""
        with self.cursor() as cursor:
            return cursor.execute(sql, values or []).fetchall()

    def highest_number(self) -> int:
        """Returns the highest row number that was ever used."""
        highest = (
            f"SELECT max(__seq) AS n FROM {LANDED} UNION ALL SELECT max(seq) FROM {DROPPED}"
            f" UNION ALL SELECT max(last) FROM {ROLLS}"
        )
        return self.query(f"SELECT coalesce(max(n), 0) FROM ({highest})")[0][0]

    def close(self) -> None:
        """Closes the database."""
        self._connection.close()

    def _create_tables(self) -> None:
        head = f"__seq BIGINT, __raw VARCHAR USING COMPRESSION zstd, {INGEST_TIME} TIMESTAMP"
        self._connection.execute(_TABLES)
        self._connection.execute(f"CREATE TABLE IF NOT EXISTS {LANDED} ({head}, {self.layout.definitions()})")
        self._connection.execute(_MACROS)
        found = self._connection.execute(f"DESCRIBE {LANDED}").fetchall()[3:]
        if [(name, kind) for name, kind, *_ in found] != self._expected_columns():
            raise OtherSchema("the database was made with another schema; start with an empty one")

    def _expected_columns(self) -> list[tuple[str, str]]:
        with duckdb.connect() as scratch:
            scratch.execute(f"CREATE TABLE expected ({self.layout.definitions()})")
            return [(name, kind) for name, kind, *_ in scratch.execute("DESCRIBE expected").fetchall()]

    def _create_views(self, settings: Settings) -> None:
        """Shows the table as `{namespace}.{table}` and, as the only one in `main`, as `{table}`."""
        select = f"SELECT {self.layout.visible()} FROM {LANDED}"
        if settings.visible == ROLLED:
            select += f" WHERE __seq <= (SELECT coalesce(max(last), 0) FROM {ROLLS} WHERE finished)"
        for namespace in {settings.namespace, "main"}:
            self._connection.execute(f"CREATE SCHEMA IF NOT EXISTS {quote(namespace)}")
            self._connection.execute(f"CREATE OR REPLACE VIEW {quote(namespace)}.{quote(settings.table)} AS {select}")

    def _lock_up(self) -> None:
        """Leaves no way out but the folder of the Parquet files, and none to change that."""
        if self.files_folder:
            self._connection.execute(f"SET allowed_directories = [{literal(str(self.files_folder))}]")
        self._connection.execute("SET enable_external_access = false")
        self._connection.execute("SET lock_configuration = true")

    def _identity(self) -> str:
        found = self.query(f"SELECT id FROM {IDENTITY}")
        if found:
            return found[0][0]
        identity = uuid.uuid4().hex[:12]
        self.query(f"INSERT INTO {IDENTITY} VALUES (?)", [identity])
        return identity


_CONFIG = {
    "python_enable_replacements": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "checkpoint_threshold": "64MB",
}
# Without fsync rows survive a kill of the process, not a crash of the machine.
_CONFIG_OF_A_FILE = {"memory_limit": "1GB", "fsync_mode": "NONE"}
# A checkpoint holds up the commits and writes the last row group again, so that one is small.
_ROW_GROUP_ROWS = 16384


def _path(settings: Settings) -> str:
    if settings.data_dir:
        Path(settings.data_dir).mkdir(parents=True, exist_ok=True)
    in_data_dir = str(Path(settings.data_dir) / "pipeline.duckdb") if settings.data_dir else None
    return settings.database or in_data_dir or IN_MEMORY


def _files_folder(settings: Settings) -> Path | None:
    """Returns `{data_dir}/{namespace}/{table}/data`."""
    if not settings.data_dir:
        return None
    folder = Path(settings.data_dir).resolve() / settings.namespace / settings.table / "data"
    folder.mkdir(parents=True, exist_ok=True)
    return folder
