"""Every SDK that is held against Hogflare, by version and wire, and how to drive it."""

import json
import re
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .node import DRIVERS, TESTS

OLDER = TESTS / "sdk" / "compatibility"
RUST = DRIVERS / "posthog_rs"
GZIP_AND_PLAIN = ({"compression": "on"}, {"compression": "off"})


@dataclass(frozen=True)
class Case:
    """One SDK of one version on one wire; it is driven once for each of its modes."""

    sdk: str
    version: str
    wire: str
    command: tuple[str, ...]
    settings: dict[str, str]
    modes: tuple[dict[str, str], ...] = GZIP_AND_PLAIN
    # `make test` runs the newest versions, unless another test drives the same; `make compatibility` all.
    always: bool = False

    def __str__(self) -> str:
        return f"{self.sdk} {self.version} {self.wire}"


def cases() -> list[Case]:
    """Returns the whole matrix, in the order of the published table."""
    return [*_browser(), *_node(), *_python(), *_rust(), *_devices(), *_models()]


def _browser() -> Iterator[Case]:
    for folder, version in _npm("posthog-js"):
        chosen = {"sdk": folder} if folder.startswith(str(OLDER)) else {}
        yield Case("posthog-js", version, "v0", _driver("posthog_js.js"), chosen)


def _node() -> Iterator[Case]:
    command = _driver("posthog_node.js")
    for folder, version in _npm("posthog-node"):
        yield Case("posthog-node", version, "v0", command, {"sdk": folder})
    folder, version = next(_npm("posthog-node"))
    v1 = {"sdk": folder, "posthog_capture_mode": "v1"}
    yield Case("posthog-node", version, "v1", command, v1, always=True)


def _python() -> Iterator[Case]:
    driver = str(DRIVERS / "posthog_python.py")
    version = _pinned(TESTS / "requirements.txt", "posthog")
    newest = (sys.executable, "-B", driver)
    yield Case("posthog (Python)", version, "v0", newest, {})
    for major in ("5", "3", "2"):
        older = (str(OLDER / ".venvs" / major / "bin" / "python"), "-B", driver)
        yield Case("posthog (Python)", _pinned(OLDER / f"python-{major}.txt", "posthog"), "v0", older, {})
    yield Case("posthog (Python)", version, "v1", newest, {"capture_mode": "v1"}, always=True)


def _rust() -> Iterator[Case]:
    manifest = tomllib.loads((RUST / "Cargo.toml").read_text())
    version = manifest["dependencies"]["posthog-rs"].removeprefix("=")
    for wire, encodings in (("v0", ("gzip", "none")), ("v1", ("gzip", "deflate", "br", "zstd", "none"))):
        command = (str(TESTS / ".work" / "posthog-rs" / wire),)
        yield Case("posthog-rs", version, wire, command, {}, tuple({"compression": name} for name in encodings))


def _devices() -> Iterator[Case]:
    for sdk in ("posthog-js-lite", "posthog-react-native"):
        folder, version = next(_npm(sdk))
        yield Case(sdk, version, "v0", _driver("posthog_core.js"), {"sdk": folder}, always=True)


def _models() -> Iterator[Case]:
    _folder, version = next(_npm("@posthog/ai"))
    command = _driver("posthog_ai.js")
    yield Case("@posthog/ai", version, "v0", command, {"lane": "batch"}, always=True)
    yield Case("@posthog/ai", version, "ai", command, {"lane": "ai"}, always=True)
    yield Case("@posthog/ai", version, "otel", command, {"lane": "otel"}, ({"compression": "off"},), always=True)


def _driver(name: str) -> tuple[str, ...]:
    return ("node", str(DRIVERS / name))


def _npm(sdk: str) -> Iterator[tuple[str, str]]:
    """The folder and version of each installed version of a package, the newest first."""
    yield str(TESTS / "node_modules" / sdk), _dependencies(TESTS)[sdk]
    aliases = {name: pin for name, pin in _dependencies(OLDER).items() if pin.startswith(f"npm:{sdk}@")}
    versions = {name: pin.rpartition("@")[2] for name, pin in aliases.items()}
    for name in sorted(versions, key=lambda name: [int(part) for part in versions[name].split(".")], reverse=True):
        yield str(OLDER / "node_modules" / name), versions[name]


def _dependencies(folder: Path) -> dict[str, str]:
    return json.loads((folder / "package.json").read_text())["dependencies"]


def _pinned(requirements: Path, package: str) -> str:
    return re.search(rf"^{package}==(\S+)$", requirements.read_text(), re.MULTILINE)[1]
