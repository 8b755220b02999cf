"""`install.sh` against a server of releases on loopback."""

import functools
import http.server
import os
import platform
import shutil
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.packaging import REPO, run, tool, workspace_version

SCRIPT = REPO / "install.sh"
ARCHIVE = REPO / "scripts" / "release-archive.sh"
TARGET = f"{platform.machine().replace('arm64', 'aarch64')}-unknown-linux-gnu"
# What runs wherever the tests do, and says its version.
PROGRAM = '#!/bin/sh\necho "hogflare 9.8.7"\n'


class Releases:
    """A folder of releases, served; it remembers what was asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        asked = self.asked = []

        class Handler(http.server.SimpleHTTPRequestHandler):
            def log_message(self, *_arguments) -> None:
                asked.append(self.path)

        handler = functools.partial(Handler, directory=str(folder))
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def add(self, program: Path, version: str, target: str = TARGET) -> Path:
        """Packs a program as the workflow does, and returns the archive."""
        folder = self.folder / f"v{version}"
        run([str(ARCHIVE), str(program), version, target, str(folder)])
        return folder / f"hogflare-{version}-{target}.tar.gz"


@pytest.fixture
def releases(tmp_path: Path) -> Iterator[Releases]:
    """A server with nothing yet."""
    (tmp_path / "releases").mkdir()
    served = Releases(tmp_path / "releases")
    yield served
    served.server.shutdown()
    served.server.server_close()


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """A small program in place of the binary."""
    path = tmp_path / "program"
    path.write_text(PROGRAM)
    return path


@pytest.fixture
def prefix(tmp_path: Path) -> Path:
    """Where to install; with a folder for temporary files beside it."""
    (tmp_path / "tmp").mkdir()
    return tmp_path / "prefix"


def install(releases: Releases, prefix: Path, *arguments: str, expected: int = 0, **env: str) -> str:
    """Runs the script as a pipe into sh would, and returns all that it says. Nothing temporary may stay."""
    environment = {"HOGFLARE_DOWNLOAD_URL": releases.url, "TMPDIR": str(prefix.parent / "tmp")} | env
    command = ["sh", str(SCRIPT), "--prefix", str(prefix), *arguments]
    done = run(command, cwd=prefix.parent, expected=expected, **environment)
    assert list((prefix.parent / "tmp").iterdir()) == []
    return done.stdout + done.stderr


def pretend(tmp_path: Path, system: str, machine: str) -> str:
    """A PATH on which uname tells of another machine."""
    folder = tmp_path / "bin"
    folder.mkdir()
    uname = folder / "uname"
    uname.write_text(f'#!/bin/sh\n[ "$1" = -m ] && echo {machine} || echo {system}\n')
    uname.chmod(0o755)
    return f"{folder}:{os.environ['PATH']}"


@pytest.mark.parametrize("script", [SCRIPT, ARCHIVE], ids=lambda path: path.name)
def test_shellcheck_has_nothing_to_say(script: Path) -> None:
    assert tool("shellcheck", "--shell=sh", script) == ""


def test_the_binary_is_installed_and_runs(releases: Releases, prefix: Path, binary: Path) -> None:
    version = workspace_version()
    releases.add(binary, version)
    said = install(releases, prefix, "--version", version)
    assert f"hogflare {version} is in {prefix}/bin" in said and "is not on your PATH" in said
    assert run([str(prefix / "bin" / "hogflare"), "--version"]).stdout == f"hogflare {version}\n"


def test_an_older_one_is_replaced_and_a_v_is_no_matter(releases: Releases, prefix: Path, program: Path) -> None:
    releases.add(program, "9.8.7")
    old = prefix / "bin" / "hogflare"
    old.parent.mkdir(parents=True)
    old.write_text("old")
    said = install(releases, prefix, "--version", "v9.8.7", PATH=f"{old.parent}:{os.environ['PATH']}")
    assert "is not on your PATH" not in said
    assert old.read_text() == PROGRAM and stat.S_IMODE(old.stat().st_mode) == 0o755
    assert [path.name for path in old.parent.iterdir()] == ["hogflare"]


@pytest.mark.parametrize("checksum", ["0" * 64 + "  x.tar.gz\n", "", "<html>not found</html>\n"])
def test_another_checksum_installs_nothing(
    checksum: str, releases: Releases, prefix: Path, program: Path
) -> None:
    archive = releases.add(program, "9.8.7")
    archive.with_name(f"{archive.name}.sha256").write_text(checksum)
    said = install(releases, prefix, "--version", "9.8.7", expected=1)
    assert "nothing is installed" in said and not prefix.exists()


def test_a_changed_archive_installs_nothing(releases: Releases, prefix: Path, program: Path) -> None:
    archive = releases.add(program, "9.8.7")
    archive.write_bytes(archive.read_bytes() + b"\0")
    assert "nothing is installed" in install(releases, prefix, "--version", "9.8.7", expected=1)
    assert not prefix.exists()


def test_without_a_checksum_nothing_is_installed(releases: Releases, prefix: Path, program: Path) -> None:
    archive = releases.add(program, "9.8.7")
    archive.with_name(f"{archive.name}.sha256").unlink()
    assert "there is no checksum" in install(releases, prefix, "--version", "9.8.7", expected=1)
    assert not prefix.exists()


def test_what_does_not_run_here_is_not_installed(releases: Releases, prefix: Path, program: Path) -> None:
    program.write_text("#!/bin/sh\nexit 127\n")
    releases.add(program, "9.8.7")
    assert "does not run here" in install(releases, prefix, "--version", "9.8.7", expected=1)
    assert not prefix.exists()


def test_a_version_that_is_none_is_told(releases: Releases, prefix: Path) -> None:
    said = install(releases, prefix, "--version", "6.6.6", expected=1)
    assert f"there is no hogflare-6.6.6-{TARGET}.tar.gz" in said and not prefix.exists()


@pytest.mark.parametrize(("system", "machine"), [("Linux", "riscv64"), ("FreeBSD", "amd64"), ("MINGW64_NT", "x86_64")])
def test_an_unknown_platform_is_told(
    system: str, machine: str, releases: Releases, prefix: Path, tmp_path: Path
) -> None:
    path = pretend(tmp_path, system, machine)
    said = install(releases, prefix, "--version", "9.8.7", expected=1, PATH=path)
    assert f"there is no release for {system} on " in said
    assert releases.asked == [] and not prefix.exists()


@pytest.mark.parametrize(
    ("system", "machine", "target"),
    [
        ("Linux", "x86_64", "x86_64-unknown-linux-gnu"),
        ("Linux", "aarch64", "aarch64-unknown-linux-gnu"),
        ("Darwin", "x86_64", "x86_64-apple-darwin"),
        ("Darwin", "arm64", "aarch64-apple-darwin"),
    ],
)
def test_each_platform_gets_its_own(
    system: str, machine: str, target: str, releases: Releases, prefix: Path, program: Path, tmp_path: Path
) -> None:
    releases.add(program, "9.8.7", target)
    install(releases, prefix, "--version", "9.8.7", PATH=pretend(tmp_path, system, machine))
    assert (prefix / "bin" / "hogflare").read_text() == PROGRAM
    # The workflow builds it.
    assert f"- target: {target}\n" in (REPO / ".github" / "workflows" / "release.yml").read_text()


def test_the_service_is_installed_for_where_the_binary_is(releases: Releases, prefix: Path, program: Path) -> None:
    releases.add(program, "9.8.7")
    root = prefix.parent / "root"
    install(releases, prefix, "--version", "9.8.7", "--systemd", DESTDIR=str(root))
    unit = (root / "etc" / "systemd" / "system" / "hogflare.service").read_text()
    assert f"\nExecStart={prefix}/bin/hogflare serve\n" in unit
    settings = root / "etc" / "hogflare" / "hogflare.env"
    assert stat.S_IMODE(settings.stat().st_mode) == 0o600
    settings.write_text("POSTHOG_API_KEY=phc_mine\n")
    install(releases, prefix, "--version", "9.8.7", "--systemd", DESTDIR=str(root))
    assert settings.read_text() == "POSTHOG_API_KEY=phc_mine\n"


def test_a_service_is_not_for_a_mac(releases: Releases, prefix: Path, tmp_path: Path) -> None:
    path = pretend(tmp_path, "Darwin", "arm64")
    assert "--systemd is for Linux" in install(releases, prefix, "--systemd", expected=1, PATH=path)
    assert releases.asked == []


def test_a_download_that_breaks_off_runs_nothing(releases: Releases, prefix: Path, program: Path) -> None:
    releases.add(program, "9.8.7")
    whole = SCRIPT.read_text()
    half = prefix.parent / "half.sh"
    for length in range(len(whole) // 10, len(whole) - len('main "$@"\n'), len(whole) // 10):
        half.write_text(whole[:length])
        # Through a shell of its own, whose complaint about the end does not matter.
        run(
            ["sh", "-c", f"sh {half} --version 9.8.7 --prefix {prefix} || true"],
            cwd=prefix.parent,
            HOGFLARE_DOWNLOAD_URL=releases.url,
        )
    assert releases.asked == [] and not prefix.exists()


def test_what_it_does_not_know_it_does_not_do(releases: Releases, prefix: Path) -> None:
    assert "--fast is not known" in install(releases, prefix, "--fast", expected=1)
    assert "--version needs a value" in install(releases, prefix, "--version", expected=1)
    assert "HOGFLARE_DOWNLOAD_URL needs --version" in install(releases, prefix, expected=1)
    assert releases.asked == []


def test_it_needs_nothing_that_a_small_system_lacks() -> None:
    assert shutil.which("dash"), "sh is to be one without extensions"
    run(["dash", "-n", str(SCRIPT)])
