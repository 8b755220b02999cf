"""`hogflare.service`, as systemd reads it without running it."""

import re
from pathlib import Path

import pytest

from harness.packaging import DEPLOY, REPO, run, seconds_to_stop, settings_in

UNIT = DEPLOY / "systemd" / "hogflare.service"
# Whatever a later systemd counts besides.
HIGHEST_EXPOSURE = 2.0


def values(name: str) -> list[str]:
    """What the unit says of something."""
    return re.findall(rf"^{name}=(.*)$", UNIT.read_text(), flags=re.MULTILINE)


@pytest.fixture
def unit(binary: Path, tmp_path: Path) -> Path:
    """The unit, for the binary where it is."""
    path = tmp_path / "hogflare.service"
    path.write_text(UNIT.read_text().replace("/usr/local/bin/hogflare", str(binary)))
    return path


def test_systemd_understands_all_of_it(unit: Path) -> None:
    done = run(["systemd-analyze", "verify", "--man=no", str(unit)])
    # Of other units of the machine it may complain.
    assert "hogflare.service" not in done.stdout + done.stderr


def test_little_is_exposed(unit: Path) -> None:
    said = run(["systemd-analyze", "security", "--offline=yes", "--no-pager", str(unit)]).stdout
    level = re.search(r"Overall exposure level for hogflare.service: ([0-9.]+) ", said)[1]
    assert float(level) <= HIGHEST_EXPOSURE, said
    version = run(["systemd-analyze", "--version"]).stdout.split()[1]
    told = re.search(r"\*\*([0-9.]+)\*\* of 10 \(systemd (\d+)\)", (REPO / "docs" / "install.md").read_text())
    assert told[2] != version or told[1] == level


def test_it_names_settings_that_exist(settings: set[str]) -> None:
    assert settings_in(UNIT.read_text()) <= settings


def test_the_data_is_in_the_folder_that_may_be_written_to() -> None:
    assert values("StateDirectory") == ["hogflare"] and values("ProtectSystem") == ["strict"]
    assert values("Environment") == ["HOGFLARE_DATA_DIR=/var/lib/hogflare"]
    assert values("EnvironmentFile") == ["-/etc/hogflare/hogflare.env"]


def test_there_is_time_to_stop(binary: Path) -> None:
    assert int(values("TimeoutStopSec")[0].removesuffix("s")) > seconds_to_stop(binary)


def test_files_suffice_for_the_connections() -> None:
    connections = re.search(r"HOGFLARE_MAX_CONNECTIONS` \| .*? \| `(\d+)`", (REPO / "docs/configuration.md").read_text())
    assert int(values("LimitNOFILE")[0]) >= int(connections[1]) + 1024
