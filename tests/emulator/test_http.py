"""The emulator over HTTP, without a network."""

import json
from pathlib import Path

import pytest
from emulator.app import create_app
from emulator.settings import Settings
from starlette.testclient import TestClient

ROWS = [
    {"uuid": "1", "event_type": "a", "distinct_id": "u", "timestamp": "2026-01-02T03:04:05Z", "properties": {"n": 1}},
    {"uuid": "2", "event_type": "b"},
    {"uuid": "1", "event_type": "a"},
]


@pytest.fixture
def client() -> TestClient:
    """An emulator with its defaults."""
    return connect()


def connect(**settings) -> TestClient:
    """An emulator with some settings."""
    return TestClient(create_app(Settings(**settings)))


def test_rows_are_committed_in_order_with_duplicates(client: TestClient) -> None:
    answer = client.post("/", json=ROWS)
    assert (answer.status_code, answer.json()) == (200, {"success": True, "result": {"committed": 3}})
    assert client.get("/events").json() == ROWS
    assert client.get("/count").json() == {"count": 3}


def test_events_are_filtered_and_limited(client: TestClient) -> None:
    client.post("/", json=ROWS)
    assert client.get("/events?event=a").json() == [ROWS[0], ROWS[2]]
    assert client.get("/events?limit=1").json() == ROWS[:1]
    assert client.get("/events?event=a&limit=1").json() == ROWS[:1]


def test_a_bare_object_is_one_row(client: TestClient) -> None:
    assert client.post("/", json=ROWS[0]).json()["result"] == {"committed": 1}


def test_deleting_events_empties_everything(client: TestClient) -> None:
    client.post("/", json=ROWS)
    assert client.delete("/events").status_code == 200
    assert client.get("/count").json() == {"count": 0}


@pytest.mark.parametrize("body", ["", "{", "[1]", "[{}] x", '[{"a":NaN}]'])
def test_malformed_json_is_400_with_the_code_of_the_service(client: TestClient, body: str) -> None:
    answer = client.post("/", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 400
    assert answer.json()["success"] is False
    assert answer.json()["errors"][0]["code"] == 1003
    assert client.get("/count").json() == {"count": 0}


def test_another_content_type_is_refused(client: TestClient) -> None:
    assert client.post("/", content="[]", headers={"content-type": "text/plain"}).status_code == 415


@pytest.mark.parametrize(
    ("header", "status"), [({}, 401), ({"authorization": "Bearer no"}, 401), ({"authorization": "Bearer s"}, 200)]
)
def test_the_bearer_token_is_checked(header: dict, status: int) -> None:
    assert connect(auth_token="s").post("/", json=[], headers=header).status_code == status


def test_a_body_over_the_limit_is_413() -> None:
    client = connect(max_bytes=100)
    assert (
        client.post(
            "/", content=json.dumps([{"a": "x" * 100}]), headers={"content-type": "application/json"}
        ).status_code
        == 413
    )
    assert client.post("/", json=[{"a": 1}]).status_code == 200


def test_lone_surrogates_and_nul_do_not_break_the_store(client: TestClient) -> None:
    body = '[{"uuid":"1","event_type":"\\ud83d","distinct_id":"a\\u0000b"}]'
    assert client.post("/", content=body, headers={"content-type": "application/json"}).status_code == 200
    assert client.get("/events").text == body


def test_a_file_keeps_rows_over_a_restart(tmp_path: Path) -> None:
    path = str(tmp_path / "rows.duckdb")
    with connect(database=path) as first:
        first.post("/", json=ROWS)
    assert connect(database=path).get("/events").json() == ROWS


@pytest.fixture
def schema_file(tmp_path: Path) -> Path:
    """A stream schema that requires a uuid."""
    path = tmp_path / "schema.json"
    path.write_text(json.dumps({"fields": [{"name": "uuid", "type": "string", "required": True}]}))
    return path


def test_misfits_are_acknowledged_and_dropped(schema_file: Path) -> None:
    client = connect(schema=str(schema_file))
    rows = [{"uuid": "1"}, {}, {"uuid": None}, {"uuid": 3}]
    assert client.post("/", json=rows).json()["result"] == {"committed": 4}
    assert client.get("/events").json() == [{"uuid": "1"}]
    reasons = [(entry["reason"], entry["field"], entry["row"]) for entry in client.get("/dropped").json()]
    assert reasons == [
        ("missing_field", "uuid", {}),
        ("null_value", "uuid", rows[2]),
        ("type_mismatch", "uuid", rows[3]),
    ]


def test_unknown_fields_are_stripped_and_recorded(schema_file: Path) -> None:
    client = connect(schema=str(schema_file))
    client.post("/", json=[{"uuid": "1", "surprise": {"a": 1}}])
    assert client.get("/events").json() == [{"uuid": "1"}]
    assert [(entry["field"], entry["value"]) for entry in client.get("/stripped").json()] == [("surprise", {"a": 1})]


def order(client: TestClient, **fault) -> None:
    """Orders a fault."""
    assert client.post("/admin/faults", json=fault).status_code == 200


def test_an_error_status_is_answered_as_often_as_ordered(client: TestClient) -> None:
    order(client, mode="status", status=503, count=2)
    assert [client.post("/", json=ROWS).status_code for _ in range(3)] == [503, 503, 200]
    assert client.get("/count").json() == {"count": 3}
    assert client.get("/admin/faults").json()["count"] == 0


def test_a_fault_without_count_holds_until_changed(client: TestClient) -> None:
    order(client, mode="status", status=429)
    assert [client.post("/", json=[]).status_code for _ in range(3)] == [429, 429, 429]
    order(client, mode="ok")
    assert client.post("/", json=[]).status_code == 200


def test_a_fault_may_wait_for_a_certain_body(client: TestClient) -> None:
    order(client, mode="status", status=400, match="poison")
    assert client.post("/", json=[{"a": "fine"}]).status_code == 200
    assert client.post("/", json=[{"a": "poison"}]).status_code == 400


@pytest.mark.parametrize("fault", [{"mode": "maybe"}, {"mode": "status", "status": 200}, {"mode": "ok", "typo": 1}])
def test_a_wrong_order_is_refused(client: TestClient, fault: dict) -> None:
    assert client.post("/admin/faults", json=fault).status_code == 422


def test_health(client: TestClient) -> None:
    assert client.get("/health").json() == {"status": "ok"}


@pytest.mark.parametrize(
    ("env", "settings"),
    [
        ({}, Settings()),
        ({"EMULATOR_AUTH_TOKEN": "", "EMULATOR_MAX_BYTES": ""}, Settings()),
        (
            {"EMULATOR_MAX_BYTES": "10", "EMULATOR_DB": "x.db", "EMULATOR_SCHEMA": "s.json"},
            Settings(None, 10, "x.db", "s.json"),
        ),
    ],
)
def test_settings_come_from_the_environment(env: dict[str, str], settings: Settings) -> None:
    assert Settings.from_env(env) == settings


def test_a_large_batch_is_one_insert(client: TestClient) -> None:
    rows = [{"uuid": str(n), "event_type": "many"} for n in range(5000)]
    assert client.post("/", json=rows).json()["result"] == {"committed": 5000}
    assert [row["uuid"] for row in client.get("/events").json()] == [row["uuid"] for row in rows]
