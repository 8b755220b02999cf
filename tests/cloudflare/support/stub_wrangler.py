#!/usr/bin/env python3
"""A wrangler without Cloudflare: keeps resources in the file STUB_STATE and notes each call there.

`STUB_FAIL` names the beginning of a command that fails as if nobody were logged in.
"""

import json
import os
import sys
from pathlib import Path

STATE = Path(os.environ["STUB_STATE"])
CHATTER = "npm warn something that concerns nobody {"


def options(words: list[str]) -> dict[str, str]:
    """Returns `--name value` pairs."""
    return {word[2:]: words[at + 1] for at, word in enumerate(words[:-1]) if word.startswith("--")}


def show(found: dict | None, kind: str, name: str) -> int:
    """Prints a resource as `get --json` does."""
    if found is None:
        print(f'✘ [ERROR] {kind} "{name}" not found.', file=sys.stderr)
        return 1
    print(json.dumps(found, indent=2))
    return 0


def create(state: dict, kind: str, name: str, resource: dict) -> int:
    """Keeps a resource; there cannot be two of a name."""
    if name in state[kind]:
        print(f"✘ [ERROR] {kind} {name} already exists", file=sys.stderr)
        return 1
    state[kind][name] = resource
    return 0


def run(words: list[str], state: dict) -> int:
    """Carries out one command."""
    given = options(words)
    match words:
        case ["r2", "bucket", "info", name, *_]:
            if name in state["bucket"]:
                return show({"name": name}, "bucket", name)
            print("✘ [ERROR] The specified bucket does not exist. [code: 10006]", file=sys.stderr)
            return 1
        case ["r2", "bucket", "create", name]:
            return create(state, "bucket", name, {"catalog": False})
        case ["r2", "bucket", "catalog", "get", name]:
            enabled = state["bucket"][name]["catalog"]
            print("Status:       active" if enabled else f"Basin Catalog is not enabled for bucket '{name}'.")
            return 0
        case ["r2", "bucket", "catalog", "enable", name]:
            state["bucket"][name]["catalog"] = True
            return 0
        case ["pipelines", ("streams" | "sinks") as kind, "get", name, "--json"]:
            return show(state[kind].get(name), kind.removesuffix("s").title(), name)
        case ["pipelines", "get", name, "--json"]:
            return show(state["pipelines"].get(name), "Pipeline", name)
        case ["pipelines", "streams", "create", name, *_]:
            schema = json.loads(Path(given["schema-file"]).read_text())
            http = {"enabled": given["http-enabled"] == "true", "authentication": given["http-auth"] == "true"}
            endpoint = f"https://{name.encode().hex()[:32]}.ingest.example"
            return create(state, kind := "streams", name, {"schema": schema, "http": http, "endpoint": endpoint, "kind": kind})
        case ["pipelines", "sinks", "create", name, *_]:
            assert (given["type"], given["roll-interval"]) == ("r2-data-catalog", "60")
            assert given["catalog-token"] == os.environ["CLOUDFLARE_CATALOG_TOKEN"]
            config = {"bucket": given["bucket"], "namespace": given["namespace"], "table_name": given["table"]}
            return create(state, "sinks", name, {"config": config})
        case ["pipelines", "create", name, "--sql", sql]:
            return create(state, "pipelines", name, {"sql": sql, "status": "running"})
    print(f"✘ [ERROR] Unknown arguments: {words}", file=sys.stderr)
    return 1


def main() -> int:
    """Runs one command and keeps what came of it."""
    words, state = sys.argv[1:], json.loads(STATE.read_text())
    state["calls"].append(words)
    print(CHATTER, file=sys.stderr)
    failing = os.environ.get("STUB_FAIL", "").split()
    if failing and words[: len(failing)] == failing:
        print("✘ [ERROR] Authentication error [code: 10000]", file=sys.stderr)
        code = 1
    else:
        code = run(words, state)
    STATE.write_text(json.dumps(state))
    return code


if __name__ == "__main__":
    sys.exit(main())
