"""Fixtures: the bundled Worker, edges that run it, an upstream that answers as it is told."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.edge import SAO_PAULO, Edge
from support.scripted import Scripted
from support.toolchain import WORKER, wrangler

HERE = Path(__file__).resolve().parent


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Worker as `wrangler deploy` would upload it."""
    return _bundle(WORKER / "index.ts", tmp_path_factory.mktemp("worker"))


@pytest.fixture(scope="session")
def fake_engine_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Worker with its container class on a made-up engine."""
    return _bundle(HERE / "workerd" / "fake-engine.ts", tmp_path_factory.mktemp("fake-engine"))


def _bundle(entry: Path, folder: Path) -> Path:
    wrangler("deploy", entry, "--dry-run", "--containers-rollout=none", "--outdir", folder)
    return folder / f"{entry.stem}.js"


@pytest.fixture
def start_edge(bundle: Path, tmp_path: Path, logs: list[Path]) -> Iterator[Callable[..., Edge]]:
    """Starts Workers; bindings as keyword arguments."""
    started: list[Edge] = []

    def start(code: Path = bundle, cf: dict = SAO_PAULO, **bindings: str) -> Edge:
        logs.append(tmp_path / f"edge-{len(started)}.log")
        started.append(Edge(code, logs[-1], bindings, cf))
        return started[-1]

    yield start
    for edge in started:
        edge.process.stop()


@pytest.fixture
def upstream() -> Iterator[Scripted]:
    """Stands where the service would."""
    scripted = Scripted()
    yield scripted
    scripted.close()
