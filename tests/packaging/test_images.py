"""The Dockerfile, checked without Docker: what it copies exists and is sent, and how it starts."""

import json
import re
import shlex
from pathlib import Path

from support.toolchain import REPO

DOCKERFILE = REPO / "deploy" / "cloudflare" / "Dockerfile"


def instructions() -> list[tuple[str, str]]:
    """Returns every instruction with its arguments, continued lines joined."""
    lines = [line for line in DOCKERFILE.read_text().splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", " ", "\n".join(lines))
    return [tuple(line.split(maxsplit=1)) for line in joined.splitlines() if line.strip()]


def of(name: str) -> list[str]:
    """Returns the arguments of one kind of instruction."""
    return [arguments for instruction, arguments in instructions() if instruction == name]


def context_sources() -> list[str]:
    """Returns what is copied from the build's context."""
    return [source for arguments in of("COPY") if "--from" not in arguments for source in arguments.split()[:-1]]


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


def test_every_instruction_is_one() -> None:
    known = {"FROM", "WORKDIR", "COPY", "RUN", "USER", "ENV", "EXPOSE", "ENTRYPOINT"}
    assert {name for name, _ in instructions()} <= known
    assert len(of("FROM")) == 2


def test_what_is_copied_exists_and_is_sent() -> None:
    assert context_sources()
    for source in context_sources():
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
    assert [path for path in kept_out if is_sent(path)] == []
    assert is_sent("crates/server/src/lib.rs") and is_sent("bench/src/main.rs")


def test_the_compiler_is_as_new_as_the_workspace_asks() -> None:
    wanted = re.search(r'^rust-version = "(.+?)"', (REPO / "Cargo.toml").read_text(), flags=re.MULTILINE)[1]
    assert of("FROM")[0].startswith(f"rust:{wanted}-bookworm")
    # Both stages have the same C library.
    assert of("FROM")[1].startswith("debian:bookworm")


def test_the_compiler_finds_npm() -> None:
    lock = "crates/sdk-assets/package-lock.json"
    assert (REPO / lock).exists() and is_sent(lock)
    copied = [arguments.split() for arguments in of("COPY") if arguments.startswith("--from=node:")]
    # A Node.js for the same C library, with npm, where the path leads.
    assert [words[1:] for words in copied] == [["/usr/local", "/usr/local"]]
    assert re.fullmatch(r"--from=node:\d\d-bookworm-slim", copied[0][0])


def test_the_build_is_locked_and_of_the_binary_alone() -> None:
    words = shlex.split(of("RUN")[0])
    assert words[words.index("cargo") :][:5] == ["cargo", "build", "--release", "--locked", "--package"]
    assert (REPO / "crates" / "hogflare" / "Cargo.toml").exists()


def test_it_runs_as_nobody_in_a_folder_of_its_own() -> None:
    assert of("USER") == ["hogflare"]
    settings = dict(pair.split("=", 1) for pair in of("ENV")[0].split())
    home = re.search(r"--home-dir (\S+) --create-home", " ".join(of("RUN")))[1]
    assert Path(settings["HOGFLARE_DATA_DIR"]).is_relative_to(home)
    assert settings["HOGFLARE_ACK"] == "delivered" and settings["HOGFLARE_LAKE"] == "off"


def test_signals_reach_the_binary() -> None:
    command = json.loads(of("ENTRYPOINT")[0])
    assert command == ["/usr/local/bin/hogflare", "serve"]
    assert any(arguments.endswith(f" {command[0]}") for arguments in of("COPY"))
