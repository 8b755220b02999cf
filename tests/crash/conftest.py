"""What every crash test ends with: the acknowledged events are there, each exactly once."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from harness import lake
from harness.load import Ledger
from harness.poll import until
from harness.server import Hogflare


@pytest.fixture
def assert_nothing_lost() -> Callable[[Hogflare, Ledger], None]:
    """Holds the lake against what clients know, through SQL and through the files of the catalog."""

    def check(server: Hogflare, ledger: Ledger) -> None:
        rows = check_uuids([row["uuid"] for row in server.query("select uuid from events")], ledger)
        assert server.query("select count(*) as n from events") == [{"n": rows}]
        until(lambda: lake.iceberg_count(server.data_dir) >= rows, timeout=30, every=0.5, what="the Iceberg metadata")
        assert check_uuids(lake.lake_uuids(server.data_dir), ledger) == rows

    return check


def check_uuids(stored: list[str], ledger: Ledger) -> int:
    """Acknowledged exactly once, in doubt at most once, nothing else; returns the row count."""
    counts = Counter(stored)
    lost = ledger.acknowledged - counts.keys()
    assert not lost, f"{len(lost)} of {len(ledger.acknowledged)} acknowledged events are lost: {sorted(lost)[:5]}"
    twice = [name for name, count in counts.items() if count > 1]
    assert not twice, f"{len(twice)} events are stored more than once: {twice[:5]}"
    foreign = counts.keys() - ledger.attempted
    assert not foreign, f"{len(foreign)} events were never sent: {sorted(foreign)[:5]}"
    return len(stored)


@pytest.fixture
def journal_files() -> Callable[[Path], list[Path]]:
    """Lists the journal's files, the newest last."""

    def files(data_dir: Path) -> list[Path]:
        found = [path for path in (data_dir / "journal").rglob("*") if path.is_file() and path.stat().st_size > 4096]
        assert found, f"no segment in {data_dir / 'journal'}"
        return sorted(found, key=lambda path: (path.stat().st_mtime_ns, path.name))

    return files
