"""The compose file and the Caddyfile, checked without Docker; and Caddy itself, in front of the binary."""

import http.client
import json
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import yaml

from harness.packaging import DEPLOY, OF_OTHERS, REPO, seconds_to_stop, settings_in, tool, tool_path
from harness.process import Process, child_env, free_port
from harness.server import TOKEN, Hogflare

COMPOSE = DEPLOY / "compose.yml"
CADDYFILE = DEPLOY / "Caddyfile"


def compose() -> dict:
    """The file as YAML."""
    return yaml.safe_load(COMPOSE.read_text())


def server() -> dict:
    """Its service."""
    return compose()["services"]["hogflare"]


def filled_in(value: str, **variables: str) -> str:
    """A value as compose fills it in: `${NAME}`, `${NAME:-default}`, `${NAME:?message}`."""

    def found(match: re.Match) -> str:
        name, kind, text = match.groups()
        assert name in variables or kind == "-", f"{name} must be given"
        return variables.get(name) or text

    return re.sub(r"\$\{([A-Z_]+)(?::([-?])([^}]*))?\}", found, value)


def test_it_is_a_compose_file() -> None:
    tool("check-jsonschema", "--builtin-schema", "vendor.compose-spec", COMPOSE)


def test_the_server_gets_settings_that_exist(settings: set[str]) -> None:
    assert server()["environment"].keys() <= settings
    assert settings_in(COMPOSE.read_text() + CADDYFILE.read_text()) <= settings | OF_OTHERS


def test_the_name_is_all_that_must_be_given() -> None:
    given = {key: filled_in(value, HOGFLARE_DOMAIN="stats.example.com") for key, value in server()["environment"].items()}
    assert given.pop("HOGFLARE_PUBLIC_URL") == "https://stats.example.com"
    assert {key for key, value in given.items() if value} == {"HOGFLARE_TRUST_PROXY"}
    with pytest.raises(AssertionError, match="HOGFLARE_DOMAIN must be given"):
        filled_in(server()["environment"]["HOGFLARE_PUBLIC_URL"])


@pytest.mark.parametrize("variables", [{}, {"HOGFLARE_SUBNET": "10.9.8.0/24"}], ids=["default", "chosen"])
def test_who_is_trusted_is_the_network_of_the_two(variables: dict[str, str]) -> None:
    [network] = compose()["networks"].values()
    trusted = filled_in(server()["environment"]["HOGFLARE_TRUST_PROXY"], **variables)
    assert trusted == filled_in(network["ipam"]["config"][0]["subnet"], **variables)
    # Nobody from elsewhere reaches it.
    assert "ports" not in server() and server()["networks"] == list(compose()["networks"])


def test_the_files_that_it_names_exist() -> None:
    build = server()["build"]
    context = (DEPLOY / build["context"]).resolve()
    assert context == REPO and (context / build["dockerfile"]).exists()
    mounts = [mount for service in compose()["services"].values() for mount in service["volumes"]]
    sources = [mount.split(":")[0] for mount in mounts]
    volumes = [source for source in sources if not source.startswith("./")]
    assert set(volumes) == compose()["volumes"].keys()
    assert [source for source in sources if source not in volumes] == ["./Caddyfile"]


def test_what_it_keeps_is_in_volumes() -> None:
    # The volume is where the image keeps everything; the root file system cannot be written to.
    assert "data:/data" in server()["volumes"] and server()["read_only"]
    assert server()["image"].split(":$")[0] in (REPO / "docs" / "install.md").read_text()


def test_there_is_time_to_stop(binary: Path) -> None:
    assert int(server()["stop_grace_period"].removesuffix("s")) > seconds_to_stop(binary)


def test_caddy_takes_its_file() -> None:
    tool("caddy", "validate", "--adapter", "caddyfile", "--config", CADDYFILE, HOGFLARE_DOMAIN="stats.example.com")
    assert tool("caddy", "fmt", CADDYFILE) == CADDYFILE.read_text()


@pytest.fixture
def start_caddy(tmp_path: Path, logs: list[Path]) -> Iterator[Callable[[Hogflare], int]]:
    """Starts Caddy in front of a server, on a plain port, since certificates need the internet; returns the port."""
    started: list[Process] = []

    def start(upstream: Hogflare) -> int:
        port, admin = free_port(), free_port()
        env = {
            "HOGFLARE_DOMAIN": f"http://127.0.0.1:{port}",
            "HOGFLARE_UPSTREAM": f"127.0.0.1:{upstream.port}",
            "CADDY_ADMIN": f"127.0.0.1:{admin}",
            "XDG_DATA_HOME": str(tmp_path / "caddy"),
            "XDG_CONFIG_HOME": str(tmp_path / "caddy"),
        }
        logs.append(tmp_path / "caddy.log")
        command = [tool_path("caddy"), "run", "--adapter", "caddyfile", "--config", str(CADDYFILE)]
        started.append(Process(command, child_env(env), tmp_path, logs[-1]))
        started[-1].wait_ready(lambda: "serving initial configuration" in started[-1].log(), timeout=30)
        return port

    yield start
    for process in started:
        process.kill9()


def capture(port: int, distinct_id: str, client: str = "127.0.0.1", **headers: str) -> int:
    """Sends one event from an address of this machine and returns the status."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30, source_address=(client, 0))
    body = json.dumps({"api_key": TOKEN, "event": "proxied", "distinct_id": distinct_id})
    connection.request("POST", "/capture", body, headers)
    status = connection.getresponse().status
    connection.close()
    return status


@pytest.mark.parametrize(("trusted", "found"), [("127.0.0.1/32", "127.0.0.9"), ("none", "127.0.0.1")])
def test_the_client_is_whom_caddy_says(
    trusted: str, found: str, start_hogflare: Callable[..., Hogflare], start_caddy: Callable[[Hogflare], int]
) -> None:
    server = start_hogflare(HOGFLARE_TRUST_PROXY=trusted)
    port = start_caddy(server)
    assert capture(port, "honest", client="127.0.0.9") == 200
    assert capture(port, "liar", client="127.0.0.9", **{"X-Forwarded-For": "203.0.113.7"}) == 200
    rows = server.query("select distinct_id, properties->>'$ip' as ip from events")
    assert {row["distinct_id"]: row["ip"] for row in rows} == {"honest": found, "liar": found}


def test_requests_wait_while_the_server_starts_again(
    hogflare: Hogflare, start_caddy: Callable[[Hogflare], int]
) -> None:
    port, upstream = start_caddy(hogflare), hogflare.port
    hogflare.kill9()
    with ThreadPoolExecutor() as threads:
        waiting = threads.submit(capture, port, "patient")
        with pytest.raises(TimeoutError):
            waiting.result(timeout=1)
        hogflare.start(wait=False, APP_ADDR=f"127.0.0.1:{upstream}")
        hogflare.port = upstream
        assert waiting.result(timeout=30) == 200
