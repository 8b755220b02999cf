"""The OpenAPI document at /api/openapi.json, and whether the server does what it says of itself."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness.server import Hogflare

CONFIG = """
[auth.openapi]
read_key = {{ bearer = "{read_key}" }}
project_token = {{ bearer = "phc_project" }}
api_key = {{ bearer = "{api_key}" }}

# Capture takes more than it asks for, on purpose: what an SDK of any age sends is repaired, not refused.
[checks]
negative_data_rejection = {{ enabled = false }}
missing_required_header = {{ enabled = false }}

# The schema of protobuf is elsewhere, names of parts are not checked by any, and push messages are always
# refused.
[[operations]]
include-tag = "opentelemetry"
checks = {{ positive_data_acceptance = {{ enabled = false }} }}

[[operations]]
include-path = "/i/v0/ai"
checks = {{ positive_data_acceptance = {{ enabled = false }} }}

# Fields of an insight depend on each other in ways that no schema tells.
[[operations]]
include-path = "/api/insights/{{kind}}"
checks = {{ positive_data_acceptance = {{ enabled = false }} }}

# What is to be kept must be one of these, and what is made up is no time zone and no token of a link.
[[operations]]
include-tag = "saving"
checks = {{ positive_data_acceptance = {{ enabled = false }} }}

[[operations]]
include-tag = "access"
checks = {{ positive_data_acceptance = {{ enabled = false }} }}

# To JSON Schema 5.0 is an integer, and to the server it is not.
[[operations]]
include-path = "/api/erasures"
checks = {{ positive_data_acceptance = {{ enabled = false }} }}

[[operations]]
include-path = "/api/sql"
checks = {{ positive_data_acceptance = {{ enabled = false }} }}

[[operations]]
include-path = "/api/push_subscriptions"
checks = {{ positive_data_acceptance = {{ enabled = false }} }}

[generation]
deterministic = true
database = "none"
"""

PASSWORD = "a long password"
# Each with what it does; a path with a method that is not here has been forgotten.
METHODS = {"get", "post", "put", "delete"}


@pytest.fixture(scope="module")
def server(binary: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hogflare]:
    """A server that knows one project."""
    folder = tmp_path_factory.mktemp("openapi")
    config = folder / "hogflare.toml"
    config.write_text("[[project]]\ntoken = 'phc_project'\nteam_id = 1\n")
    env = {
        "POSTHOG_API_KEY": "",
        "HOGFLARE_CONFIG": str(config),
        "HOGFLARE_UNKNOWN_TOKENS": "refuse",
        "HOGFLARE_ADMIN_PASSWORD": PASSWORD,
    }
    server = Hogflare(binary, folder / "data", folder / "hogflare.log", env).start()
    yield server
    server.kill9()


def api_key(server: Hogflare) -> str:
    """A key with every scope that keys have."""
    entered = server.post("/api/session", {"email": "admin@localhost", "password": PASSWORD})
    shown = {"cookie": entered.headers["set-cookie"].split(";")[0], "x_hogflare_csrf": entered.json()["csrf"]}
    wanted = {"kind": "personal", "label": "all", "scopes": ["read", "save", "erase", "projects", "audit"]}
    return server.post("/api/keys", wanted, **shown).json()["secret"]


@pytest.fixture(scope="module")
def document(server: Hogflare) -> dict:
    """The document."""
    return server.get("/api/openapi.json").json()


def test_every_operation_is_named_once_and_has_a_family(document: dict) -> None:
    assert document["openapi"].startswith("3.1")
    operations = [operation for path in document["paths"].values() for operation in path.values()]
    names = [operation["operationId"] for operation in operations]
    assert len(names) == len(set(names)) > 50
    assert all(operation["tags"] and operation["summary"] for operation in operations)
    assert {method for path in document["paths"].values() for method in path} <= METHODS


def test_what_is_documented_is_served(server: Hogflare, document: dict) -> None:
    for path in document["paths"]:
        filled = path.format(token="phc_project", version="1.0.0", file="array.js", id="user-1", kind="trends")
        with server.connect() as wire:
            answer = wire.request("PATCH", filled)
        assert answer.status == 405, f"{path} is {answer.status}"


def test_the_server_does_what_the_document_says(server: Hogflare, tmp_path: Path) -> None:
    config = tmp_path / "schemathesis.toml"
    config.write_text(CONFIG.format(read_key=server.read_key(), api_key=api_key(server)))
    command = [
        Path(sys.executable).with_name("schemathesis"),
        *("--config-file", config),
        "run",
        *("--phases", "examples,coverage,fuzzing"),
        # An answer that goes on for a minute.
        *("--exclude-path", "/api/live"),
        *("--max-examples", "25", "--seed", "1", "--no-color", "--continue-on-failure"),
        f"{server.url}/api/openapi.json",
    ]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=600, check=False)
    assert run.returncode == 0, run.stdout[-20_000:] + run.stderr[-2_000:]
    generated = re.search(r"(\d[\d,]*) generated", run.stdout)
    assert generated, run.stdout
