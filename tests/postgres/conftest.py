"""Servers with a door for PostgreSQL clients, with rows of two projects, and keys."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness.postgres_door import OTHER_TOKEN, OWNER, PASSWORD, Lake, filled
from harness.process import free_port
from harness.server import TOKEN, Hogflare


def settings(port: int) -> dict[str, str]:
    """What such a server is told."""
    return {
        "HOGFLARE_PG_ADDR": f"127.0.0.1:{port}",
        "HOGFLARE_PROJECTS": f"{TOKEN}=1,{OTHER_TOKEN}=2",
        "HOGFLARE_ADMIN_EMAIL": OWNER,
        "HOGFLARE_ADMIN_PASSWORD": PASSWORD,
    }


@pytest.fixture
def open_door(new_hogflare: Callable[..., Hogflare]) -> Callable[..., Lake]:
    """Starts a server of the test's own."""

    def start(**env: str) -> Lake:
        port = free_port()
        return Lake(new_hogflare(**(settings(port) | env)).start(), port)

    return start


@pytest.fixture(scope="module")
def lake(binary: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    """A server that a module's tests share."""
    folder, port = tmp_path_factory.mktemp("postgres-door"), free_port()
    server = Hogflare(binary, folder / "data", folder / "hogflare.log", settings(port)).start()
    filled(server)
    yield Lake(server, port)
    server.kill9()


@pytest.fixture(autouse=True)
def show_shared_log(request: pytest.FixtureRequest, logs: list[Path]) -> None:
    """Shows the shared server's output when a test fails."""
    if "lake" in request.fixturenames:
        logs.append(request.getfixturevalue("lake").server.log_path)
