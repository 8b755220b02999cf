"""Fixtures: the binary, servers on data folders of their own, emulators, recording proxies."""

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Playwright, sync_playwright
from xdist.scheduler import LoadScopeScheduling

from harness.emulator import Emulator
from harness.server import Hogflare
from harness.tee import Tee


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds `--table`, with which the SDK matrix writes its page."""
    parser.addoption("--table", metavar="PATH", help="write the table of SDKs there; needs the whole matrix")


# Folders whose tests share what takes long to make, or a folder of tools that two would fight over.
TOGETHER = {"cloudflare", "insights", "web"}


class ByFile(LoadScopeScheduling):
    """Keeps the tests of a file, or of such a folder, in one process where several run.

    xdist's own groups are marks on tests, of which pytest 9.2 tells it nothing.
    """

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0].removeprefix("tests/")
        folder = file.partition("/")[0]
        return folder if folder in TOGETHER else file


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByFile:
    """Tells xdist so."""
    return ByFile(config, log)


@pytest.fixture(scope="session")
def binary() -> Path:
    """The binary under test, from HOGFLARE_BIN."""
    path = os.environ.get("HOGFLARE_BIN")
    assert path, "HOGFLARE_BIN must name the hogflare binary"
    resolved = Path(path).resolve()
    assert os.access(resolved, os.X_OK), f"HOGFLARE_BIN is not executable: {resolved}"
    return resolved


@pytest.fixture
def logs(request: pytest.FixtureRequest) -> list[Path]:
    """Log files that are shown when the test fails."""
    request.node.log_files = []
    return request.node.log_files


@pytest.fixture
def new_hogflare(binary: Path, tmp_path: Path, logs: list[Path]) -> Iterator[Callable[..., Hogflare]]:
    """Makes servers that are not started yet; environment variables as keyword arguments."""
    made: list[Hogflare] = []

    def make(data_dir: Path | None = None, **env: str) -> Hogflare:
        log = tmp_path / f"hogflare-{len(made)}.log"
        logs.append(log)
        made.append(Hogflare(binary, data_dir or tmp_path / "data", log, env))
        return made[-1]

    yield make
    for server in made:
        if server.process:
            server.kill9()


@pytest.fixture
def start_hogflare(new_hogflare: Callable[..., Hogflare]) -> Callable[..., Hogflare]:
    """Makes and starts a server."""
    return lambda data_dir=None, **env: new_hogflare(data_dir, **env).start()


@pytest.fixture
def hogflare(start_hogflare: Callable[..., Hogflare]) -> Hogflare:
    """A server with the embedded lake only."""
    return start_hogflare()


@pytest.fixture
def start_emulator(tmp_path: Path, logs: list[Path]) -> Iterator[Callable[..., Emulator]]:
    """Starts Cloudflare Pipelines stand-ins; environment variables as keyword arguments."""
    started: list[Emulator] = []

    def start(**env: str) -> Emulator:
        folder = tmp_path / f"emulator-{len(started)}"
        logs.append(folder / "emulator.log")
        started.append(Emulator(folder, env).start())
        return started[-1]

    yield start
    for emulator in started:
        emulator.process.kill9()


@pytest.fixture
def emulator(start_emulator: Callable[..., Emulator]) -> Emulator:
    """One stand-in with its defaults."""
    return start_emulator()


@pytest.fixture
def piped(start_hogflare: Callable[..., Hogflare], emulator: Emulator) -> Hogflare:
    """A server with the lake and a pipeline, which gives up on a request after one second."""
    return start_hogflare(CLOUDFLARE_PIPELINE_ENDPOINT=emulator.url, CLOUDFLARE_PIPELINE_TIMEOUT_SECS="1")


@pytest.fixture
def start_tee() -> Iterator[Callable[[int], Tee]]:
    """Starts recording proxies in front of a port."""
    started: list[Tee] = []

    def start(upstream_port: int) -> Tee:
        started.append(Tee(upstream_port))
        return started[-1]

    yield start
    for tee in started:
        tee.close()


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    """What drives browsers; a process can have one."""
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 1400 MB of its own, in memory."""
    mount_point = tmp_path / "disk"
    mount_point.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1400m", "tmpfs", str(mount_point)], check=True)
    yield mount_point
    subprocess.run(["umount", "--lazy", str(mount_point)], check=True)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo):
    """Adds the end of each process's output to a failure."""
    report = yield
    if report.failed:
        for path in getattr(item, "log_files", []):
            if path.exists():
                report.sections.append((str(path), path.read_text(errors="replace")[-6000:]))
    return report
