"""`/sql`: reads the table with SQL, as the service's query API does."""

from typing import Any

import duckdb

from .answers import Refused
from .database import Database
from .dialect import quote_namespace, show
from .guard import NotAllowed, ReadOnlyStatement
from .settings import Settings
from .values import result

# Codes and default of the service.
SYNTAX_ERROR, INVALID_QUERY = 40003, 40004
DEFAULT_LIMIT = 500


class Sql:
    """Answers queries on one stream's table."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database, self._namespace, self._table = database, settings.namespace, settings.table

    def run(self, query: Any) -> dict[str, Any]:
        """Returns `{"schema", "rows"}`; raises Refused."""
        if not isinstance(query, str) or not query.strip():
            raise Refused(400, INVALID_QUERY, "query must be a SQL text")
        shown = show(query, self._namespace, self._table)
        if shown:
            return result([(shown[0], "VARCHAR")], [(value,) for value in shown[1]])
        try:
            query.encode()
            with self._database.cursor() as cursor:
                return self._read(cursor, quote_namespace(query, self._namespace))
        except duckdb.ParserException as error:
            raise Refused(400, SYNTAX_ERROR, f"invalid SQL: {error}") from error
        except (duckdb.Error, NotAllowed, UnicodeError) as error:
            raise Refused(400, INVALID_QUERY, f"invalid query: {error}") from error

    def _read(self, cursor: duckdb.DuckDBPyConnection, text: str) -> dict[str, Any]:
        namespaces = {"", "main", "information_schema", self._namespace.lower()}
        statement = ReadOnlyStatement(cursor, text, namespaces)
        cursor.execute("BEGIN TRANSACTION READ ONLY")
        try:
            cursor.execute(statement.statement)
            columns = [(column[0], str(column[1])) for column in cursor.description]
            rows = cursor.fetchall() if statement.has_limit() else cursor.fetchmany(DEFAULT_LIMIT)
        finally:
            cursor.execute("ROLLBACK")
        return result(columns, rows)
