"""The Dockerfile, checked without Docker: what it copies exists and is sent, and how its images start."""

import json
import re
from pathlib import Path

import pytest

from harness.packaging import DEPLOY, REPO, instructions, run, tool

DOCKERFILE = DEPLOY / "docker" / "Dockerfile"
IMAGES = ["server", "cloudflare"]


def stages() -> dict[str, list[dict]]:
    """Every stage by its name, with its instructions; the last is what is built, and the first what is before all."""
    found: dict[str, list[dict]] = {"": []}
    for instruction in instructions(DOCKERFILE):
        if instruction["cmd"] == "FROM":
            name = instruction["value"][2] if len(instruction["value"]) == 3 else "last"
            found[name] = []
        found[list(found)[-1]].append(instruction)
    return found


def image(name: str) -> list[dict]:
    """The instructions of an image, with those of the stages that it comes from."""
    stage = stages()[name]
    parent = stage[0]["value"][0]
    return (image(parent) if parent in stages() else []) + stage


def of(stage: list[dict], command: str) -> list[list[str]]:
    """The arguments of one kind of instruction."""
    return [found["value"] for found in stage if found["cmd"] == command]


def environment(name: str) -> dict[str, str]:
    """What an image sets."""
    found: dict[str, str] = {}
    for words in of(image(name), "ENV"):
        found |= dict(zip(words[::2], words[1::2], strict=True))
    return found


def context_sources() -> list[str]:
    """Returns what is copied from the build's context."""
    copies = [found for found in instructions(DOCKERFILE) if found["cmd"] == "COPY"]
    from_context = [found["value"] for found in copies if not any("--from" in flag for flag in found["flags"])]
    return [source for words in from_context for source in words[:-1]]


def is_sent(path: str) -> bool:
    """Says whether .dockerignore lets a path of the context in: the last line that fits decides."""
    sent = True
    for line in (REPO / ".dockerignore").read_text().splitlines():
        pattern = line.strip()
        if not pattern or pattern.startswith("#"):
            continue
        wanted, pattern = pattern.startswith("!"), pattern.removeprefix("!")
        expression = re.escape(pattern).replace(r"\*\*/", "(.*/)?").replace(r"\*", "[^/]*")
        if re.fullmatch(f"{expression}(/.*)?", path):
            sent = wanted
    return sent


@pytest.mark.parametrize("path", sorted((DEPLOY / "docker").iterdir()), ids=lambda path: path.name)
def test_the_linter_has_nothing_to_say(path: Path) -> None:
    assert tool("hadolint", path) == ""


def test_the_image_is_that_for_servers_unless_another_is_asked_for() -> None:
    found = stages()
    assert of(found[""], "ARG") == [["IMAGE=server"]]
    assert of(found["last"], "FROM") == [["${IMAGE}"]] and len(found["last"]) == 1
    assert set(IMAGES) <= found.keys()


def test_what_is_copied_exists_and_is_sent() -> None:
    assert context_sources()
    for source in context_sources():
        if source == "web":
            # The rest of the folder comes after what npm needs.
            source = "web/index.html"
        assert (REPO / source).exists(), source
        assert is_sent(source), f"{source} is kept out by .dockerignore"


def test_the_whole_workspace_is_copied() -> None:
    manifest = (REPO / "Cargo.toml").read_text()
    members = json.loads(re.search(r"^members = (\[.*?\])", manifest, flags=re.MULTILINE)[1])
    assert {member.removesuffix("/*") for member in members} <= set(context_sources())
    assert {"Cargo.toml", "Cargo.lock"} <= set(context_sources())


def test_secrets_and_data_are_not_sent() -> None:
    kept_out = [".env", ".env.local", "crates/.env.local", "hogflare-data/journal/1", ".git/config", "target/release/x"]
    kept_out += ["crates/server/target/x", "node_modules/x", "tests/conftest.py", "data/x", "bench/.env"]
    kept_out += ["web/node_modules/x", "web/dist/index.html", "web/.env"]
    assert [path for path in kept_out if is_sent(path)] == []
    assert is_sent("crates/server/src/lib.rs") and is_sent("bench/src/main.rs") and is_sent("web/src/main.tsx")


def test_the_compiler_is_as_new_as_the_workspace_asks() -> None:
    wanted = re.search(r'^rust-version = "(.+?)"', (REPO / "Cargo.toml").read_text(), flags=re.MULTILINE)[1]
    assert of(stages()["build"], "FROM")[0][0] == f"rust:{wanted}-bookworm"
    # Both stages have the same C library.
    assert of(stages()["runtime"], "FROM")[0][0] == "debian:bookworm-slim"


def test_the_compiler_finds_npm_and_the_pages() -> None:
    lock = "crates/sdk-assets/package-lock.json"
    assert (REPO / lock).exists() and is_sent(lock)
    copied = {tuple(found["flags"]): found["value"] for found in stages()["build"] if found["cmd"] == "COPY"}
    # A Node.js for the same C library, with npm, where the path leads.
    node = of(stages()["pages"], "FROM")[0][0]
    assert re.fullmatch(r"node:\d\d-bookworm-slim", node)
    assert copied[(f"--from={node}",)] == ["/usr/local", "/usr/local"]
    assert copied[("--from=pages",)] == ["/build/web/dist", "web/dist"]


def test_the_build_is_locked_and_of_the_binary_alone() -> None:
    build = " ".join(of(stages()["build"], "RUN")[-1])
    assert "cargo build --release --locked --package hogflare --bin hogflare " in build
    assert (REPO / "crates" / "hogflare" / "Cargo.toml").exists()
    # A build folder of one platform is of no use to another.
    assert 'target="target/$(uname -m)"' in build and '--target-dir "$target"' in build


@pytest.mark.parametrize("name", IMAGES)
def test_it_runs_as_nobody_in_a_folder_of_its_own(name: str, settings: set[str]) -> None:
    assert of(image(name), "USER") == [["10001:10001"]]
    made = " ".join(words for found in of(image(name), "RUN") for words in found)
    assert "useradd --system --uid 10001 --gid 10001 " in made
    home = re.search(r"--home-dir (\S+) --create-home", made)[1]
    own = {home, "/data"}
    assert "--owner hogflare --group hogflare --mode 700 /data" in made
    assert any(Path(environment(name)["HOGFLARE_DATA_DIR"]).is_relative_to(folder) for folder in own)
    assert environment(name).keys() <= settings


def test_a_server_keeps_everything_in_the_volume() -> None:
    assert of(image("server"), "VOLUME") == [["/data"]]
    assert environment("server") == {"APP_ADDR": "0.0.0.0:8080", "HOGFLARE_DATA_DIR": "/data"}


def test_on_a_disk_that_does_not_last_events_are_delivered_first() -> None:
    found = environment("cloudflare")
    assert found["HOGFLARE_ACK"] == "delivered" and found["HOGFLARE_LAKE"] == "off"
    assert not of(image("cloudflare"), "VOLUME")


@pytest.mark.parametrize("name", IMAGES)
def test_signals_reach_the_binary(name: str) -> None:
    [entrypoint] = [found for found in image(name) if found["cmd"] == "ENTRYPOINT"]
    assert entrypoint["value"] == ["/usr/local/bin/hogflare"] and entrypoint["json"]
    assert of(image(name), "CMD") == [["serve"]]
    assert "/usr/local/bin/hogflare" in [words[-1] for words in of(image(name), "COPY")]


def test_the_image_asks_itself_with_what_it_has(binary: Path) -> None:
    [check] = [found for found in image("server") if found["cmd"] == "HEALTHCHECK"]
    # As a list, since a shell would look for another program each time.
    assert re.search(r'CMD \["/usr/local/bin/hogflare", "health"\]$', check["original"])
    assert "APP_ADDR" in run([str(binary), "health", "--help"]).stdout
