"""What the docs name exists: settings, commands, addresses and metrics."""

import re
import subprocess
from pathlib import Path

import pytest

from harness.process import child_env
from harness.server import Hogflare

ROOT = Path(__file__).resolve().parents[2]
# Decisions tell of what was so once.
PAGES = [ROOT / "README.md", *(page for page in sorted((ROOT / "docs").rglob("*.md")) if page.parent.name != "decisions")]
# Of the build, of the tests, of scripts and the installer, of compose, of the Worker, of SDKs, of `compare` and of other services.
OTHER_VARIABLES = {
    "CLOUDFLARE_ACCOUNT_ID",
    "CLOUDFLARE_API_TOKEN",
    "CLOUDFLARE_CATALOG_TOKEN",
    "HOGFLARE_BIN",
    "HOGFLARE_DOMAIN",
    "HOGFLARE_DOWNLOAD_URL",
    "HOGFLARE_INSTANCES",
    "HOGFLARE_ROUTING",
    "HOGFLARE_SDK_ASSETS",
    "HOGFLARE_SERVER_KEY",
    "HOGFLARE_SLEEP_AFTER",
    "HOGFLARE_SUBNET",
    "HOGFLARE_URL",
    "HOGFLARE_VERSION",
    "POSTHOG_HOST",
    "POSTHOG_PERSONAL_API_KEY",
}
# A schema, a cookie and a part of the log, which are called as metrics are.
OTHER_NAMES = {"hogflare_settings", "hogflare_session", "hogflare_sink"}


def found(pattern: str) -> dict[str, set[str]]:
    """What the pages say that is so written, and where."""
    places: dict[str, set[str]] = {}
    for page in PAGES:
        if ".venv" in page.parts:
            continue
        for name in re.findall(pattern, page.read_text()):
            places.setdefault(name, set()).add(str(page.relative_to(ROOT)))
    assert places, f"no page has {pattern}"
    return places


def told_wrongly(named: dict[str, set[str]], is_right) -> dict[str, set[str]]:
    """The names that do not exist, and where they stand."""
    return {name: pages for name, pages in named.items() if not is_right(name)}


def test_settings_exist(binary: Path) -> None:
    """Each variable is one of `hogflare config`."""
    reference = subprocess.run([binary, "config"], env=child_env({}), capture_output=True, text=True, check=True).stdout
    settings = set(re.findall(r"^\| `([A-Z0-9_]+)`", reference, re.MULTILINE))
    named = found(r"\b((?:HOGFLARE|POSTHOG|CLOUDFLARE)_[A-Z0-9_]*[A-Z0-9])\b(?![…*_])")
    assert not told_wrongly(named, lambda name: name in settings | OTHER_VARIABLES)


def test_commands_exist(binary: Path) -> None:
    """Each command has a page of help."""

    def has_help(command: str) -> bool:
        words = [str(binary), *command.split(), "--help"]
        return subprocess.run(words, env=child_env({}), capture_output=True, check=False).returncode == 0

    # In code, or on a line of its own in a block.
    verbs = "serve|sql|import|persons|rebuild|key|user|doctor|schema|lake|backup|restore|resend|compare|config|person"
    plain = found(rf"(?m)(?:`|\$\(|^|&& )hogflare ({verbs})\b")
    nested = found(r"(?m)(?:`|\$\(|^)hogflare ((?:import|rebuild|key|user|schema|lake|person) [a-z]+)")
    every = plain | {name: pages for name, pages in nested.items() if name != "lake connect"}
    assert len(nested) > 8
    assert not told_wrongly(every, has_help)


def test_addresses_exist(hogflare: Hogflare) -> None:
    """Each path of the API is described by the server."""
    described = hogflare.get("/api/openapi.json").json()["paths"]
    shapes = [re.compile(re.sub(r"\{[^}]*\}", "[^/]+", path) + "/?") for path in described]
    named = found(r"(?<![\w.}])(/(?:api|i/v\d)/[a-z0-9_{}./-]*[a-z0-9_}])")
    assert not told_wrongly(named, lambda path: any(shape.fullmatch(path) for shape in shapes))


@pytest.fixture(scope="module")
def metrics() -> set[str]:
    """Those of the source, since many are only there once they count something."""
    sources = (path.read_text() for path in (ROOT / "crates").rglob("*.rs"))
    return {name for source in sources for name in re.findall(r'"(hogflare_[a-z_]+)"', source)}


def test_metrics_exist(metrics: set[str]) -> None:
    """Each is one that the server counts."""
    named = found(r"\b(hogflare_[a-z_]*[a-z])\b(?![…*])")
    assert not told_wrongly(named, lambda name: name in metrics | OTHER_NAMES)
