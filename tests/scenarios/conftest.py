"""One server for scenarios that only read answers and rows of their own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

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
