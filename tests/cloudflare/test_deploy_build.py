"""`npx wrangler deploy`, up to the point where it would log in."""

import json
import re
import shutil
import stat
import subprocess
from pathlib import Path

import pytest
from support.settings import wrangler_config
from support.toolchain import REPO, WORKER, run_node, typescript, wrangler

STUB_DOCKER = """#!/bin/sh
printf '%s\\n' "$*" >> "{folder}/calls"
case "$*" in *"-f -"*) cat > "{folder}/dockerfile" ;; esac
"""


def without_network() -> tuple[str, ...]:
    """The start of a command that runs without any network, where the machine allows that."""
    command = ("unshare", "--map-root-user", "--net")
    allowed = shutil.which("unshare") and subprocess.run([*command, "true"], check=False).returncode == 0
    return command if allowed else ()


def test_the_worker_is_bundled_without_docker_and_network() -> None:
    printed = wrangler("deploy", "--dry-run", "--containers-rollout=none", prefix=without_network())
    assert "env.HOGFLARE (HogflareContainer)" in printed
    for name, value in wrangler_config()["vars"].items():
        assert f'env.{name} ("{value}")' in printed


def test_the_image_is_built_for_amd64_from_the_root(tmp_path: Path) -> None:
    docker = tmp_path / "docker"
    docker.write_text(STUB_DOCKER.format(folder=tmp_path))
    docker.chmod(docker.stat().st_mode | stat.S_IXUSR)
    wrangler("deploy", "--dry-run", WRANGLER_DOCKER_BIN=str(docker))
    builds = [call for call in (tmp_path / "calls").read_text().splitlines() if call.startswith("build ")]
    assert len(builds) == 1
    assert "--platform linux/amd64" in builds[0] and builds[0].endswith(f" -f - {REPO}")
    assert "--build-arg IMAGE=cloudflare" in builds[0]
    assert (tmp_path / "dockerfile").read_text() == (REPO / "deploy/docker/Dockerfile").read_text()


@pytest.mark.parametrize("project", [WORKER, REPO / "tests" / "cloudflare"], ids=["worker", "fake-engine"])
def test_types_fit(project: Path) -> None:
    done = typescript(project)
    assert done.returncode == 0, done.stdout


def test_modules_keep_their_promises() -> None:
    tests = sorted((REPO / "tests" / "cloudflare" / "modules").glob("*.test.mjs"))
    done = run_node("--experimental-strip-types", "--test", *tests)
    assert done.returncode == 0, done.stdout + done.stderr


def test_enough_instances_may_run() -> None:
    config = wrangler_config()
    assert int(config["vars"]["HOGFLARE_INSTANCES"]) <= config["containers"][0]["max_instances"]


@pytest.mark.parametrize("folder", [REPO, REPO / "tests" / "cloudflare"], ids=["root", "tests"])
def test_versions_are_exact_and_locked_without_a_registry(folder: Path) -> None:
    manifest = json.loads((folder / "package.json").read_text())
    wanted = manifest.get("dependencies", {}) | manifest.get("devDependencies", {})
    lock = (folder / "package-lock.json").read_text()
    locked = json.loads(lock)["packages"]
    assert all(re.fullmatch(r"\d+\.\d+\.\d+(-[a-z0-9.]+)?", version) for version in wanted.values())
    assert {name: locked[f"node_modules/{name}"]["version"] for name in wanted} == wanted
    assert '"resolved"' not in lock and "://" not in re.sub(r'"(url|funding)": "[^"]*"', "", lock)


def test_every_platform_finds_its_builds_in_the_lock() -> None:
    locked = json.loads((REPO / "package-lock.json").read_text())["packages"]
    optional = {name for package in locked.values() for name in package.get("optionalDependencies", {})}
    assert not [name for name in optional if f"node_modules/{name}" not in locked]
