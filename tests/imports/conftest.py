"""A server that imports share which look at rows of their own, and PostHog's stand-in."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness.posthog_api import PostHogApi
from harness.server import Hogflare


@pytest.fixture(scope="module")
def shared_import(binary: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hogflare]:
    """A server for the imports of a module."""
    folder = tmp_path_factory.mktemp("shared")
    server = Hogflare(binary, folder / "data", folder / "hogflare.log").start()
    yield server
    server.kill9()


@pytest.fixture(autouse=True)
def show_shared_log(request: pytest.FixtureRequest, logs: list[Path]) -> None:
    """Shows its output when a test fails."""
    if "shared_import" in request.fixturenames:
        logs.append(request.getfixturevalue("shared_import").log_path)


@pytest.fixture
def start_posthog() -> Iterator[Callable[..., PostHogApi]]:
    """Starts stand-ins of PostHog's API."""
    started: list[PostHogApi] = []

    def start(**what) -> PostHogApi:
        started.append(PostHogApi(**what))
        return started[-1]

    yield start
    for api in started:
        api.close()
