"""The files for Fly and Railway. What these platforms themselves say of them is not known here."""

import json
import re
import tomllib

from harness.packaging import DEPLOY, OF_OTHERS, REPO, instructions, seconds_to_stop, settings_in

FLY = DEPLOY / "fly.toml"
RAILWAY = DEPLOY / "railway.json"


def fly() -> dict:
    """The file for Fly."""
    return tomllib.loads(FLY.read_text())


def railway() -> dict:
    """The file for Railway."""
    return json.loads(RAILWAY.read_text())


def test_they_name_settings_that_exist(settings: set[str]) -> None:
    assert fly()["env"].keys() - {"TMPDIR"} <= settings
    assert settings_in(FLY.read_text() + RAILWAY.read_text()) <= settings


def test_the_volume_is_where_the_image_keeps_everything() -> None:
    [volume] = [found["value"] for found in instructions(DEPLOY / "docker" / "Dockerfile") if found["cmd"] == "VOLUME"]
    assert [mount["destination"] for mount in fly()["mounts"]] == volume
    assert [railway()["deploy"]["requiredMountPath"]] == volume


def test_the_image_is_the_published_one_as_root() -> None:
    # Fly begins at its file's folder, Railway at the root.
    files = {(DEPLOY / fly()["build"]["dockerfile"]).resolve(), (REPO / railway()["build"]["dockerfilePath"]).resolve()}
    [file] = files
    found = [(instruction["cmd"], instruction["value"]) for instruction in instructions(file)]
    assert found == [("FROM", ["ghcr.io/sidequery/hogflare:latest"]), ("USER", ["0:0"])]


def test_they_ask_paths_that_answer(hogflare) -> None:
    paths = [check["path"] for check in fly()["http_service"]["checks"]] + [railway()["deploy"]["healthcheckPath"]]
    assert [hogflare.get(path).status for path in paths] == [200, 200]


def test_they_ask_the_port_that_is_listened_on() -> None:
    assert f"APP_ADDR=0.0.0.0:{fly()['http_service']['internal_port']}" in (DEPLOY / "docker/Dockerfile").read_text()
    # Railway chooses one; the shell makes way for the binary, so that SIGTERM reaches it.
    assert railway()["deploy"]["startCommand"] == "/bin/sh -c 'exec hogflare serve --app-addr 0.0.0.0:$PORT'"


def test_there_is_time_to_stop(binary) -> None:
    assert fly()["kill_signal"] == "SIGTERM"
    assert int(fly()["kill_timeout"].removesuffix("s")) > seconds_to_stop(binary)
    assert railway()["deploy"]["drainingSeconds"] > seconds_to_stop(binary)


def test_one_machine_has_the_volume() -> None:
    assert fly()["http_service"]["auto_stop_machines"] == "off" and railway()["deploy"]["numReplicas"] == 1


def test_the_docs_name_settings_and_files_that_exist(settings: set[str]) -> None:
    text = (REPO / "docs" / "install.md").read_text()
    assert settings_in(text) <= settings | OF_OTHERS
    linked = re.findall(r"\]\((?!https?:)([^)#]+)", text)
    named = [REPO / path for path in re.findall(r"\bdeploy/[\w./-]*\w", text)]
    assert linked and named
    for path in [REPO / "docs" / link for link in linked] + named:
        assert path.exists(), path
