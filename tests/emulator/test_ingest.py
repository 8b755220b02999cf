"""Refusals, what the schema drops, and what is counted."""

import json
from pathlib import Path

import pytest
from emulator.settings import Settings, WrongSetting

SCHEMA = Path(__file__).parents[2] / "scripts" / "pipeline-schema.json"
EXAMPLES = {"string": "a", "int64": 1, "timestamp": "2026-01-02T03:04:05.678901Z", "json": {"a": [1]}, "bool": True}


def test_a_body_just_below_the_default_limit_is_taken(connect) -> None:
    client = connect()
    body = json.dumps([{"a": "x" * 4_999_986}])
    assert len(body) == 5_000_000 - 3
    headers = {"content-type": "application/json"}
    assert client.post("/", content=body + "   ", headers=headers).status_code == 200
    assert client.post("/", content=body + "    ", headers=headers).status_code == 413


def test_a_compressed_body_is_malformed(connect) -> None:
    client = connect()
    headers = {"content-type": "application/json", "content-encoding": "gzip"}
    answer = client.post("/", content="[]", headers=headers)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, 1003)


def test_above_the_rate_the_answer_is_429_with_a_time(connect) -> None:
    client = connect(rate_bytes=10)
    assert client.post("/", json=[{"a": "x" * 40}]).status_code == 200
    answer = client.post("/", json=[])
    assert answer.status_code == 429
    assert 1 <= int(answer.headers["retry-after"]) <= 5


def test_a_lone_surrogate_is_a_parse_failure_and_a_pair_is_not(connect, write_schema) -> None:
    client = connect(schema=write_schema(uuid="string", properties="json"))
    rows = [
        r'{"uuid":"1","properties":{"a":["\ud83d"]}}',
        r'{"uuid":"2","properties":{"\uDE00":1}}',
        r'{"uuid":"3","other\ud83d":1}',
        r'{"uuid":"4","properties":{"a":"\ud83e\udd94"}}',
        r'{"uuid":"5","properties":{"a":"\\ud83d"}}',
    ]
    answer = client.post("/", content=f"[{','.join(rows)}]", headers={"content-type": "application/json"})
    assert answer.json()["result"] == {"committed": 5}
    assert client.get("/events").text == f"[{','.join(rows[3:])}]"
    found = [(entry["reason"], entry["field"]) for entry in client.get("/dropped").json()]
    assert found == [("parse_failure", "properties")] * 2 + [("parse_failure", "other?")]


def test_a_number_of_too_many_digits_is_malformed(connect) -> None:
    body = '[{"a":' + "1" * 5000 + "}]"
    assert connect().post("/", content=body, headers={"content-type": "application/json"}).status_code == 400


def test_the_real_schema_takes_a_full_row(connect) -> None:
    fields = json.loads(SCHEMA.read_text())["fields"]
    row = {field["name"]: EXAMPLES[field["type"]] for field in fields}
    client = connect(schema=str(SCHEMA))
    client.post("/", json=[row])
    assert client.get("/dropped").json() == []
    assert client.get("/events").json() == [row]
    (landed,) = client.get("/sql?query=select * from events").json()["result"]["rows"]
    assert landed.keys() == row.keys() | {"__ingest_ts"}
    assert None not in landed.values()


def test_metrics_count_what_happened(connect, write_schema) -> None:
    client = connect(schema=write_schema(uuid="string"), auth_token="s")
    client.post("/", json=[])
    body = json.dumps([{"uuid": "1", "extra": 2}, {"uuid": 3}, {}]).encode()
    client.post("/", content=body, headers={"authorization": "Bearer s", "content-type": "application/json"})
    lines = client.get("/metrics").text.splitlines()
    for line in [
        'emulator_requests_total{status="200"} 1',
        'emulator_requests_total{status="401"} 1',
        f"emulator_received_bytes_total {len(body) + 2}",
        "emulator_rows_committed_total 3",
        'emulator_rows_dropped_total{reason="missing_field"} 1',
        'emulator_rows_dropped_total{reason="type_mismatch"} 1',
        "emulator_fields_stripped_total 1",
        "emulator_rows 1",
        "emulator_rows_rolled 0",
        "emulator_files 0",
    ]:
        assert line in lines


def test_many_rows_are_read_page_by_page(connect) -> None:
    client = connect()
    for start in range(0, 12_000, 4000):
        client.post("/", json=[{"event": "ab"[n % 2], "n": n} for n in range(start, start + 4000)])
    assert [row["n"] for row in client.get("/events").json()] == list(range(12_000))
    assert len(client.get("/events?limit=7000").json()) == 7000
    assert [row["n"] for row in client.get("/events?event=b&limit=2").json()] == [1, 3]


@pytest.mark.parametrize(
    "wrong", [{"roll_seconds": 0.5}, {"visible": "never"}, {"visible": "rolled"}, {"namespace": "a.b"}, {"table": ""}]
)
def test_wrong_settings_are_refused(wrong: dict) -> None:
    with pytest.raises(WrongSetting):
        Settings(**wrong)
