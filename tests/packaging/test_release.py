"""The workflows, as linters read them; nothing of them runs here."""

import os
import re
import subprocess
import tarfile
from pathlib import Path

import pytest
import yaml

from harness.packaging import REPO, run, tool, tool_path, workspace_version

WORKFLOWS = sorted((REPO / ".github" / "workflows").glob("*.yml"))
RELEASE = REPO / ".github" / "workflows" / "release.yml"


def jobs() -> dict:
    """The jobs of the release."""
    return yaml.safe_load(RELEASE.read_text())["jobs"]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_linters_have_nothing_to_say(path: Path) -> None:
    assert tool("actionlint", "-shellcheck", tool_path("shellcheck"), path) == ""
    tool("check-jsonschema", "--builtin-schema", "vendor.github-workflows", path)
    tool("zizmor", "--offline", "--no-progress", "--config", REPO / ".github" / "zizmor.yml", path)


def test_a_job_may_do_no_more_than_it_must() -> None:
    assert yaml.safe_load(RELEASE.read_text())["permissions"] == {"contents": "read"}
    assert {name: job["permissions"] for name, job in jobs().items() if "permissions" in job} == {
        "image": {"contents": "read", "packages": "write"},
        "manifest": {"packages": "write"},
        "draft": {"contents": "write"},
        "newest": {"packages": "write"},
    }


@pytest.mark.parametrize(("tag", "expected"), [(f"v{workspace_version()}", 0), ("v0.0.0", 1), ("main", 1)])
def test_a_tag_must_be_the_version(tag: str, expected: int, tmp_path: Path) -> None:
    [check] = [step["run"] for step in jobs()["version"]["steps"] if "run" in step]
    output = tmp_path / "output"
    env = {"PATH": os.environ["PATH"], "GITHUB_REF_NAME": tag, "GITHUB_OUTPUT": str(output)}
    done = subprocess.run(["bash", "-e", "-c", check], cwd=REPO, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == expected, done.stdout + done.stderr
    assert expected or output.read_text() == f"version={workspace_version()}\n"


def test_nothing_is_made_before_the_tag_is_checked() -> None:
    made_by_a_tag = jobs().keys() - {"version", "newest"}
    assert all("version" in jobs()[name]["needs"] for name in made_by_a_tag)


def test_the_compiler_is_as_new_as_the_workspace_asks() -> None:
    wanted = re.search(r'^rust-version = "(.+?)"', (REPO / "Cargo.toml").read_text(), flags=re.MULTILINE)[1]
    assert f"--default-toolchain {wanted}\n" in RELEASE.read_text()


def test_files_that_it_names_exist() -> None:
    text = RELEASE.read_text()
    for path in ("scripts/release-archive.sh", "deploy/docker/Dockerfile", "web/package-lock.json"):
        assert (REPO / path).exists()
    assert "scripts/release-archive.sh" in text and "file: deploy/docker/Dockerfile" in text


def test_the_archive_has_what_a_machine_needs(tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.write_text("#!/bin/sh\n")
    run([str(REPO / "scripts" / "release-archive.sh"), str(program), "1.2.3", "some-target", str(tmp_path / "dist")])
    made = sorted(path.name for path in (tmp_path / "dist").iterdir())
    assert made == ["hogflare-1.2.3-some-target.tar.gz", "hogflare-1.2.3-some-target.tar.gz.sha256"]
    run(["sha256sum", "--check", made[1]], cwd=tmp_path / "dist")
    with tarfile.open(tmp_path / "dist" / made[0]) as archive:
        folder = "hogflare-1.2.3-some-target"
        names = {"LICENSE", "README.md", "hogflare", "hogflare.service"}
        assert set(archive.getnames()) == {folder} | {f"{folder}/{name}" for name in names}
        assert archive.getmember(f"{folder}/hogflare").mode & 0o777 == 0o755
