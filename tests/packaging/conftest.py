"""Fixtures: the settings of the binary."""

from pathlib import Path

import pytest

from harness.packaging import defaults


@pytest.fixture(scope="session")
def settings(binary: Path) -> set[str]:
    """The names of all settings that there are."""
    names = set(defaults(binary))
    assert {"APP_ADDR", "HOGFLARE_DATA_DIR"} <= names
    return names
