"""scripts/setup-cloudflare.sh: creates what is missing, keeps what is there, says what does not fit."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from harness.process import child_env
from support.toolchain import REPO

STUB = Path(__file__).resolve().parent / "support" / "stub_wrangler.py"
TOKEN = "catalog-token-that-nobody-may-see"
READING = {"info", "get", "list"}


@dataclass
class Account:
    """An account on Cloudflare, as the stub keeps it."""

    path: Path

    def run(self, *arguments: str, token: str = TOKEN, fail: str = "") -> subprocess.CompletedProcess:
        """Runs the script."""
        env = {"WRANGLER": f"{sys.executable} {STUB}", "STUB_STATE": str(self.path), "STUB_FAIL": fail}
        if token:
            env["CLOUDFLARE_CATALOG_TOKEN"] = token
        return subprocess.run(
            ["bash", str(REPO / "scripts" / "setup-cloudflare.sh"), *arguments],
            env=child_env(env), cwd=self.path.parent, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip

    @property
    def state(self) -> dict:
        """Everything there is."""
        return json.loads(self.path.read_text())

    def edit(self, change) -> None:
        """Changes something behind the script's back."""
        state = self.state
        change(state)
        self.path.write_text(json.dumps(state))

    def changes(self) -> list[list[str]]:
        """Returns the calls that were meant to change something, and forgets all calls."""
        calls = self.state["calls"]
        self.edit(lambda state: state["calls"].clear())
        return [call for call in calls if not READING & set(call[:4])]


@pytest.fixture
def account(tmp_path: Path) -> Account:
    """An account with nothing in it."""
    path = tmp_path / "account.json"
    path.write_text(json.dumps({"calls": [], "bucket": {}, "streams": {}, "sinks": {}, "pipelines": {}}))
    return Account(path)


def kinds(calls: list[list[str]]) -> list[str]:
    """Names the calls by their commands alone."""
    return [" ".join(call[: call.index(next(word for word in call if word in ("create", "enable"))) + 1]) for call in calls]


ALL = [
    "r2 bucket create",
    "r2 bucket catalog enable",
    "pipelines streams create",
    "pipelines sinks create",
    "pipelines create",
]


def test_the_first_run_creates_everything(account: Account) -> None:
    done = account.run()
    assert done.returncode == 0, done.stderr
    assert kinds(account.changes()) == ALL
    state = account.state
    assert state["bucket"] == {"hogflare": {"catalog": True}}
    stream = state["streams"]["hogflare_events_v1"]
    assert stream["schema"] == json.loads((REPO / "scripts" / "pipeline-schema.json").read_text())
    assert stream["http"] == {"enabled": True, "authentication": True}
    assert state["sinks"]["hogflare_events_v1_sink"]["config"] == {
        "bucket": "hogflare",
        "namespace": "default",
        "table_name": "events",
    }
    sql = "INSERT INTO hogflare_events_v1_sink SELECT * FROM hogflare_events_v1"
    assert state["pipelines"]["hogflare_events_v1_pipeline"]["sql"] == sql
    assert f"CLOUDFLARE_PIPELINE_ENDPOINT={stream['endpoint']}" in done.stdout
    assert "Basin Pipelines Send" in done.stdout and "Workers Pipelines Send" in done.stdout
    assert "wrangler secret put CLOUDFLARE_PIPELINE_AUTH_TOKEN" in done.stdout


def test_the_second_run_creates_nothing_and_needs_no_token(account: Account) -> None:
    first = account.run()
    account.changes()
    second = account.run(token="")
    assert second.returncode == 0, second.stderr
    assert account.changes() == []
    assert second.stdout.partition("\nPut ")[2] == first.stdout.partition("\nPut ")[2]


@pytest.mark.parametrize("at", ALL)
def test_a_run_that_failed_half_way_is_finished_by_the_next(account: Account, at: str) -> None:
    failed = account.run(fail=at)
    assert failed.returncode != 0
    assert "Authentication error" in failed.stderr
    account.changes()
    done = account.run()
    assert done.returncode == 0, done.stderr
    assert kinds(account.changes()) == ALL[ALL.index(at) :]


@pytest.mark.parametrize("command", ["r2 bucket info", "pipelines streams get", "pipelines sinks get", "pipelines get"])
def test_what_cannot_be_told_is_not_created(account: Account, command: str) -> None:
    assert account.run().returncode == 0
    account.changes()
    done = account.run(fail=command)
    assert done.returncode != 0
    assert "Authentication error" in done.stderr
    assert account.changes() == []


def test_a_dry_run_calls_nothing(account: Account) -> None:
    done = account.run("--dry-run", token="")
    assert done.returncode == 0, done.stderr
    assert account.state["calls"] == []
    commands = [line for line in done.stdout.splitlines() if line.startswith("+ wrangler")]
    assert len(commands) == 5
    assert '--catalog-token "$CLOUDFLARE_CATALOG_TOKEN"' in done.stdout


def test_the_token_is_never_printed(account: Account) -> None:
    for arguments in ([], ["--dry-run"]):
        done = account.run(*arguments)
        assert done.returncode == 0
        assert TOKEN not in done.stdout + done.stderr


def test_without_the_token_nothing_is_begun(account: Account) -> None:
    done = account.run(token="")
    assert done.returncode == 1
    assert "CLOUDFLARE_CATALOG_TOKEN" in done.stderr and "Admin Read & Write" in done.stderr
    assert account.changes() == []


def _drop_field(state: dict) -> None:
    state["streams"]["hogflare_events_v1"]["schema"]["fields"].pop()


def _change_type(state: dict) -> None:
    state["streams"]["hogflare_events_v1"]["schema"]["fields"][0]["type"] = "int64"


def _open_to_all(state: dict) -> None:
    state["streams"]["hogflare_events_v1"]["http"]["authentication"] = False


def _other_table(state: dict) -> None:
    state["sinks"]["hogflare_events_v1_sink"]["config"]["table_name"] = "clicks"


def _other_sql(state: dict) -> None:
    state["pipelines"]["hogflare_events_v1_pipeline"]["sql"] = "INSERT INTO a SELECT uuid FROM b"


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (_drop_field, "field api_key is missing in the stream"),
        (_change_type, "field uuid is int64 required, not string required"),
        (_open_to_all, "authentication of the HTTP endpoint is off"),
        (_other_table, "its table is clicks, not events"),
        (_other_sql, "its SQL is: INSERT INTO a SELECT uuid FROM b"),
    ],
)
def test_what_does_not_fit_is_an_error_with_advice(account: Account, change, named: str) -> None:
    assert account.run().returncode == 0
    account.changes()
    account.edit(change)
    done = account.run()
    assert done.returncode == 1
    assert named in done.stderr
    assert "give --" in done.stderr.lower()
    assert account.changes() == []


def test_what_the_service_adds_to_a_schema_is_no_difference(account: Account) -> None:
    assert account.run().returncode == 0

    def as_answered(state: dict) -> None:
        fields = state["streams"]["hogflare_events_v1"]["schema"]["fields"]
        for field in fields:
            field["sql_name"] = field["name"]
            if not field["required"]:
                del field["required"]
        fields.reverse()

    account.edit(as_answered)
    done = account.run()
    assert done.returncode == 0, done.stderr


def test_names_can_be_chosen(account: Account) -> None:
    names = ["--bucket", "my-lake", "--namespace", "web", "--table", "clicks", "--stream", "clicks_v2"]
    assert account.run(*names).returncode == 0
    state = account.state
    assert list(state["bucket"]) == ["my-lake"]
    assert list(state["sinks"]) == ["clicks_v2_sink"]
    assert state["sinks"]["clicks_v2_sink"]["config"] == {"bucket": "my-lake", "namespace": "web", "table_name": "clicks"}


@pytest.mark.parametrize("wrong", [["--stream", "with-dash"], ["--bucket", "UPPER"], ["--table"], ["--unknown"]])
def test_wrong_options_change_nothing(account: Account, wrong: list[str]) -> None:
    assert account.run(*wrong).returncode != 0
    assert account.state["calls"] == []


VERSIONED = {
    "persons": "PERSONS",
    "person_distinct_ids": "DISTINCT_IDS",
    "person_overrides": "OVERRIDES",
    "groups": "GROUPS",
    "group_types": "GROUP_TYPES",
}


def test_every_table_of_persons_and_groups_has_a_stream_of_its_own(account: Account) -> None:
    done = account.run("--with-persons")
    assert done.returncode == 0, done.stderr
    state = account.state
    assert list(state["streams"]) == ["hogflare_events_v1", *(f"hogflare_{table}_v1" for table in VERSIONED)]
    for table, setting in VERSIONED.items():
        endpoint = state["streams"][f"hogflare_{table}_v1"]["endpoint"]
        assert f"CLOUDFLARE_{setting}_PIPELINE_ENDPOINT={endpoint}" in done.stdout
        assert state["sinks"][f"hogflare_{table}_v1_sink"]["config"]["table_name"] == table
    assert account.run("--with-persons", token="").returncode == 0
    assert account.run("--with-persons", "--dry-run", token="").stdout.count("+ wrangler") == 5 + 3 * len(VERSIONED)


def test_tables_of_another_version_are_new_ones(account: Account) -> None:
    assert account.run("--with-persons", "--persons-version", "v2").returncode == 0
    sinks = account.state["sinks"]
    assert sinks["hogflare_groups_v2_sink"]["config"]["table_name"] == "groups_v2"
