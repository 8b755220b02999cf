"""Emulators without a network."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from emulator.app import create_app
from emulator.settings import Settings
from starlette.testclient import TestClient


@pytest.fixture
def stopped() -> Callable[..., TestClient]:
    """Makes emulators with some settings that start and stop with a `with` block."""
    return lambda **settings: TestClient(create_app(Settings(**settings)))


@pytest.fixture
def connect(stopped: Callable[..., TestClient]) -> Iterator[Callable[..., TestClient]]:
    """Starts emulators with some settings; they stop, and roll, at the end."""
    with ExitStack() as stack:
        yield lambda **settings: stack.enter_context(stopped(**settings))


@pytest.fixture
def write_schema(tmp_path: Path) -> Callable[..., str]:
    """Writes a schema of fields given as `name="type"`; the first one is required."""

    def write(**types: str) -> str:
        fields = [{"name": name, "type": kind, "required": not n} for n, (name, kind) in enumerate(types.items())]
        path = tmp_path / "stream.json"
        path.write_text(json.dumps({"fields": fields}))
        return str(path)

    return write
