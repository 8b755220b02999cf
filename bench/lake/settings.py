"""What Parquet settings cost: writes a file of the lake anew with others, and prints bytes and CPU of a row.

    tests/.venv/bin/python bench/lake/settings.py FILE.parquet

pyarrow writes here, not Hogflare; sizes are nearly the same, CPU is of the same order.
"""

import argparse
import tempfile
import time
from pathlib import Path

import pyarrow.parquet as pq

KIB, MIB = 1 << 10, 1 << 20
JSON = ["properties", "person_properties", "group_properties", "context", "extra"]
NUMBERS = ["timestamp", "created_at", "sent_at", "person_created_at", "journal_offset"]
SHOWN = ["properties", "uuid", "person_id", "distinct_id", "session_id", "timestamp", "person_created_at"]
# By name what differs from the settings before.
TRIED = {
    "row groups of 128 Ki rows, pages and dictionaries of 1 MiB": {},
    "pages of 2 MiB": {"data_page_size": 2 * MIB},
    "pages of 4 MiB": {"data_page_size": 4 * MIB},
    "and dictionaries of 4 MiB": {"dictionary_pagesize_limit": 4 * MIB},
    "and row groups of 256 Ki rows": {"row_group_size": 256 * KIB},
    "and uuids without their lengths (chosen)": {"encodings": {"uuid": "DELTA_LENGTH_BYTE_ARRAY"}},
    "row groups of 1 Mi rows": {"row_group_size": MIB},
    "zstd 1": {"row_group_size": 256 * KIB, "compression_level": 1},
    "zstd 6": {"compression_level": 6},
    "zstd 9": {"compression_level": 9},
    "JSON by what differs from the row before": {
        "compression_level": 3,
        "encodings": {"uuid": "DELTA_LENGTH_BYTE_ARRAY", "properties": "DELTA_BYTE_ARRAY"},
    },
    "times by streams of bytes": {
        "encodings": {"uuid": "DELTA_LENGTH_BYTE_ARRAY"} | dict.fromkeys(["timestamp", "person_created_at"], "BYTE_STREAM_SPLIT")
    },
}


def main() -> None:
    """Tries each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    table = pq.ParquetFile(parser.parse_args().file).read()
    plain = {"uuid", *JSON, *NUMBERS}
    settings = {
        "compression": "zstd",
        "compression_level": 3,
        "row_group_size": 128 * KIB,
        "data_page_size": MIB,
        "max_rows_per_page": 8 * KIB,
        "store_schema": False,
        "use_dictionary": [name for name in table.column_names if name not in plain],
    }
    encodings = dict.fromkeys(NUMBERS, "DELTA_BINARY_PACKED")
    print(f"| settings | bytes | CPU µs | {' | '.join(SHOWN)} |\n|---|--:|--:|{'--:|' * len(SHOWN)}")
    with tempfile.TemporaryDirectory() as folder:
        written = Path(folder, "written.parquet")
        changed = {}
        for name, change in TRIED.items():
            changed = changed | change
            options = settings | {key: value for key, value in changed.items() if key != "encodings"}
            options["column_encoding"] = encodings | changed.get("encodings", {})
            begun = time.process_time()
            pq.write_table(table, written, **options)
            cpu = (time.process_time() - begun) / table.num_rows * 1e6
            columns = " | ".join(f"{size / table.num_rows:.1f}" for size in sizes(written))
            print(f"| {name} | {written.stat().st_size / table.num_rows:.1f} | {cpu:.1f} | {columns} |", flush=True)


def sizes(written: Path) -> list[int]:
    """Bytes of the columns that are shown."""
    footer = pq.ParquetFile(written).metadata
    groups = [footer.row_group(number) for number in range(footer.num_row_groups)]
    columns = [group.column(number) for group in groups for number in range(footer.num_columns)]
    return [sum(column.total_compressed_size for column in columns if column.path_in_schema == name) for name in SHOWN]


if __name__ == "__main__":
    main()
