"""Runs SQL in DuckDB with its own reader of Iceberg: `iceberg_reader.py CODE QUESTION…` prints a line of JSON a question.

The extensions are those of the registry of Python's packages, so `INSTALL` finds them in place.
"""

import json
import shutil
import sys
import tempfile
from pathlib import Path

import duckdb
import duckdb_extension_avro
import duckdb_extension_iceberg


def main() -> None:
    """Runs the code, its questions too, then those that were given."""
    with tempfile.TemporaryDirectory() as folder, duckdb.connect(config={"extension_directory": folder}) as connection:
        [(platform,)] = connection.execute("PRAGMA platform").fetchall()
        place = Path(folder, f"v{duckdb.__version__}", platform)
        place.mkdir(parents=True)
        for package in (duckdb_extension_avro, duckdb_extension_iceberg):
            for file in Path(package.__file__).parent.rglob("*.duckdb_extension"):
                shutil.copy(file, place)
        code, *questions = sys.argv[1:]
        for statement in duckdb.extract_statements(Path(code).read_text()):
            connection.execute(statement).fetchall()
        for question in questions:
            print(json.dumps(connection.execute(question).fetchall(), default=str))


if __name__ == "__main__":
    main()
