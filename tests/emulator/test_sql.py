"""Queries on the landed rows."""

import pytest
from starlette.testclient import TestClient

TYPES = {
    "uuid": "string",
    "event": "string",
    "event_type": "string",
    "distinct_id": "string",
    "token": "string",
    "timestamp": "timestamp",
    "team_id": "int64",
    "ratio": "float64",
    "properties": "json",
    "tags": "list",
    "raw": "bytes",
}
MOMENT = "2026-01-02T03:04:05.678901+02:00"
ROW = {
    "uuid": "1",
    "event": "a",
    "event_type": "a",
    "distinct_id": "u",
    "token": "t",
    "timestamp": MOMENT,
    "team_id": 2**53 + 1,
    "ratio": 1,
    "properties": {"n": {"m": 7}},
    "tags": [{"a": 1}],
    "raw": "aGk=",
}


@pytest.fixture
def client(connect, write_schema) -> TestClient:
    """An emulator with two rows and a duplicate of the second."""
    client = connect(schema=write_schema(**TYPES))
    later = ROW | {"uuid": "2", "event_type": "b", "timestamp": "2026-01-03T00:00:00Z"}
    for row in (ROW, later, later):
        assert client.post("/", json=[row]).json()["result"] == {"committed": 1}
    assert client.get("/dropped").json() == []
    return client


def ask(client: TestClient, query: str) -> list[dict]:
    """Returns the rows of a query."""
    answer = client.post("/sql", json={"query": query})
    assert answer.status_code == 200, answer.text
    assert answer.json()["success"] is True
    return answer.json()["result"]["rows"]


def test_the_documented_sample_answers_as_written(client: TestClient) -> None:
    query = "SELECT distinct_id, event_type, properties FROM default.events ORDER BY timestamp DESC LIMIT 10"
    assert [row["event_type"] for row in ask(client, query)] == ["b", "b", "a"]


def test_duplicates_are_dropped_with_qualify(client: TestClient) -> None:
    query = (
        "SELECT uuid FROM events QUALIFY row_number() OVER"
        " (PARTITION BY token, event, distinct_id, uuid ORDER BY __ingest_ts) = 1 ORDER BY uuid"
    )
    assert ask(client, query) == [{"uuid": "1"}, {"uuid": "2"}]


def test_every_type_comes_back(client: TestClient) -> None:
    (row,) = ask(client, "SELECT * FROM default.events WHERE uuid = '1'")
    assert row.pop("__ingest_ts").endswith("Z")
    expected = {"timestamp": "2026-01-02T01:04:05.678901Z", "properties": '{"n":{"m":7}}', "tags": ['{"a":1}']}
    assert row == ROW | expected


def test_the_answer_names_its_columns(client: TestClient) -> None:
    answer = client.get("/sql", params={"query": "SELECT team_id, timestamp, __ingest_ts FROM events"}).json()
    assert answer["errors"] == []
    schema = [(column["name"], column["type"]) for column in answer["result"]["schema"]]
    assert schema == [("team_id", "int64"), ("timestamp", "timestamp"), ("__ingest_ts", "timestamp")]
    assert answer["result"]["schema"][0]["descriptor"] == {"type": {"name": "int64"}, "nullable": True}


@pytest.mark.parametrize(
    ("query", "value"),
    [
        ("SELECT 'default.events' AS v", "default.events"),
        ("SELECT 'it''s default.x' AS v -- default.y", "it's default.x"),
        ("SELECT $$default.x$$ AS v /* default.y ' */", "default.x"),
        ("SELECT count(*) AS v FROM DEFAULT . events", 3),
        ('SELECT count(*) AS v FROM "default".events', 3),
        ("SELECT count(*) AS v FROM main.events", 3),
        ("SELECT count(default.events.uuid) AS v FROM default.events", 3),
        ("WITH x AS (SELECT DISTINCT uuid FROM default.events) SELECT count(*) AS v FROM x", 2),
        ("SELECT json_get_int(properties, 'n', 'm') AS v FROM events LIMIT 1", 7),
        ("SELECT properties->'n'->>'m' AS v FROM events LIMIT 1", "7"),
        ("""SELECT json_get_str('{"$a.b":"x"}'::JSON, '$a.b') AS v""", "x"),
        ("""SELECT json_get_float('{"a":[1,2.5]}'::JSON, 'a', 1) AS v""", 2.5),
        ("SELECT count(*) AS v FROM events WHERE __ingest_ts > now() - INTERVAL '1 hour'", 3),
        ("SELECT TIMESTAMPTZ '2026-01-02 03:04:05+01' AS v", "2026-01-02T02:04:05.000000Z"),
        ("SELECT sum(team_id) AS v FROM events", 3 * (2**53 + 1)),
        ("SELECT 'nan'::DOUBLE AS v", None),
        ("SELECT 1.50::DECIMAL(5,2) AS v;", "1.50"),
    ],
)
def test_queries_mean_what_they_say(client: TestClient, query: str, value) -> None:
    assert ask(client, query) == [{"v": value}]


def test_tables_and_columns_are_listed(client: TestClient) -> None:
    assert ask(client, "SHOW TABLES") == [{"table": "events"}]
    assert ask(client, "show tables in default;") == [{"table": "events"}]
    assert ask(client, "SHOW TABLES FROM other") == []
    assert ask(client, "SHOW DATABASES") == [{"namespace": "default"}]
    columns = {row["column_name"]: row["column_type"] for row in ask(client, "DESCRIBE default.events")}
    assert list(columns) == [*TYPES, "__ingest_ts"]
    assert (columns["team_id"], columns["properties"], columns["__ingest_ts"]) == ("BIGINT", "JSON", "TIMESTAMP")


def test_explain_explains(client: TestClient) -> None:
    assert ask(client, "EXPLAIN SELECT * FROM default.events")
    assert ask(client, "EXPLAIN ANALYZE SELECT * FROM default.events")


def test_500_rows_come_without_a_limit(connect) -> None:
    client = connect()
    client.post("/", json=[{"n": n} for n in range(600)])
    assert len(ask(client, "SELECT * FROM events")) == 500
    assert len(ask(client, "SELECT * FROM (SELECT * FROM events LIMIT 550)")) == 500
    assert len(ask(client, "SELECT * FROM events ORDER BY 1 LIMIT 600")) == 600


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("SELEC 1", 40003),
        ("SELECT * FROM default.", 40003),
        ("SELECT 'open", 40003),
        ("", 40004),
        ("SELECT 1; SELECT 2", 40004),
        ("SELECT nothing FROM events", 40004),
        ("SELECT 'a'::BIGINT", 40004),
        ("DELETE FROM stream.landed", 40004),
        ("CREATE TEMP TABLE t (a INT)", 40004),
        ("SET threads = 1", 40004),
        ("PRAGMA version", 40004),
        ("ATTACH '/tmp/other.duckdb'", 40004),
        ("COPY events TO '/tmp/events.csv'", 40004),
        ("EXPLAIN ANALYZE COPY events TO '/tmp/events.csv'", 40004),
        ("EXPLAIN ANALYZE DELETE FROM stream.landed", 40004),
        ("SELECT * FROM stream.landed", 40004),
        ("SELECT * FROM read_text('/etc/hostname')", 40004),
        ("SELECT (SELECT content FROM read_text('/etc/hostname'))", 40004),
        ("SELECT * FROM '/etc/hostname'", 40004),
        ("SELECT * FROM 'rows.csv'", 40004),
        ("SELECT * FROM query('SELECT 1')", 40004),
        ("SELECT * FROM settings", 40004),
    ],
)
def test_what_does_not_read_the_table_is_refused(client: TestClient, query: str, code: int) -> None:
    answer = client.post("/sql", json={"query": query})
    assert (answer.status_code, answer.json()["success"]) == (400, False)
    assert answer.json()["errors"][0]["code"] == code, answer.text
    assert ask(client, "SELECT count(*) AS n FROM events") == [{"n": 3}]


@pytest.mark.parametrize("body", ["", "[]", '{"query":1}', '"x"', '{"query":"select \\ud83d"}'])
def test_a_wrong_body_is_refused(client: TestClient, body: str) -> None:
    assert client.post("/sql", content=body).json()["errors"][0]["code"] in (40003, 40004)


def test_without_a_schema_there_is_one_json_column(connect) -> None:
    client = connect(namespace="lake", table="persons")
    client.post("/", json=[{"id": "p", "properties": {"n": 1}}])
    assert ask(client, "SELECT value->>'id' AS id FROM lake.persons") == [{"id": "p"}]
    assert ask(client, "SELECT value->'properties'->>'n' AS n FROM persons") == [{"n": "1"}]
    assert ask(client, "SHOW TABLES") == [{"table": "persons"}]


def test_structs_and_lists_are_typed(connect, tmp_path) -> None:
    path = tmp_path / "schema.json"
    path.write_text(
        '{"fields":[{"name":"place","type":"struct","fields":[{"name":"at","type":"timestamp"}]},'
        '{"name":"numbers","type":"list","items":{"type":"int32"}},{"name":"big","type":"uint64"}]}'
    )
    client = connect(schema=str(path))
    row = {"place": {"at": "2026-01-02T05:04:05+02:00"}, "numbers": [1, None], "big": 2**64 - 1}
    client.post("/", json=[row])
    (found,) = ask(client, "SELECT place.at AS at, numbers, big FROM events")
    assert found == {"at": "2026-01-02T03:04:05.000000Z", "numbers": [1, None], "big": 2**64 - 1}
