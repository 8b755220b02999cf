"""One server for scenarios that only read answers and rows of their own; nodes that share persons."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness.postgres import Database, Postgres
from harness.server import Hogflare


@pytest.fixture(scope="module")
def shared(binary: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hogflare]:
    """A server that the module's scenarios share."""
    folder = tmp_path_factory.mktemp("shared")
    server = Hogflare(binary, folder / "data", folder / "hogflare.log", {"POSTHOG_API_KEY": ""}).start()
    yield server
    server.kill9()


@pytest.fixture(autouse=True)
def show_shared_log(request: pytest.FixtureRequest, logs: list[Path]) -> None:
    """Shows the shared server's output when a scenario fails."""
    if "shared" in request.fixturenames:
        logs.append(request.getfixturevalue("shared").log_path)


@pytest.fixture(scope="module")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    """A PostgreSQL that the module's scenarios share, each with a database of its own."""
    server = Postgres(tmp_path_factory.mktemp("postgres") / "log").start()
    yield server
    server.close()


@pytest.fixture
def own_postgres(tmp_path: Path, logs: list[Path]) -> Iterator[Postgres]:
    """A PostgreSQL of the test's own."""
    logs.append(tmp_path / "postgres.log")
    server = Postgres(logs[-1]).start()
    yield server
    server.close()


@pytest.fixture
def new_nodes(new_hogflare: Callable[..., Hogflare], tmp_path: Path) -> Callable[..., list[Hogflare]]:
    """Makes nodes that share persons and are not started yet."""

    def make(database: Database, names: tuple[str, ...] = ("one", "two", "three"), **env: str) -> list[Hogflare]:
        return [new_hogflare(tmp_path / name, HOGFLARE_STATE=database.url(name), **env) for name in names]

    return make


@pytest.fixture
def start_nodes(new_nodes: Callable[..., list[Hogflare]]) -> Callable[..., list[Hogflare]]:
    """Makes and starts them."""
    return lambda *arguments, **env: [node.start() for node in new_nodes(*arguments, **env)]
