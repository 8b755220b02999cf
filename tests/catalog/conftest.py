"""A catalog for each test, and servers that write to it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness.catalog import Catalog
from harness.server import Hogflare


@pytest.fixture
def catalog(tmp_path: Path, logs: list[Path]) -> Iterator[Catalog]:
    """One stand-in with an empty bucket."""
    standin = Catalog(tmp_path / "catalog")
    logs += [standin.folder / "catalog.log", standin.folder / "s3.log"]
    yield standin.start()
    standin.close()


@pytest.fixture
def new_writer(new_hogflare: Callable[..., Hogflare], catalog: Catalog) -> Callable[..., Hogflare]:
    """Makes servers that write to the catalog and are not started yet."""
    return lambda data_dir=None, **env: new_hogflare(data_dir, **catalog.settings(**env))


@pytest.fixture
def writer(new_writer: Callable[..., Hogflare]) -> Hogflare:
    """One of them, with a lake of its own."""
    return new_writer().start()
