"""What SQL would misread without a word is refused, and what is wrong with a value is said to whoever asked."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness.server import Hogflare
from harness.wire import Answer


@pytest.fixture(scope="module")
def server(binary: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hogflare]:
    folder = tmp_path_factory.mktemp("misread")
    server = Hogflare(binary, folder / "data", folder / "hogflare.log").start()
    for amount in (9, 100, "250", "abc", "NaN", "Infinity", "-inf", True, [1, 2], None):
        assert server.capture("buy", properties={"amount": amount}).is_success()
    yield server
    server.kill9()


def ask(server: Hogflare, query: str, form: str = "json") -> Answer:
    return server.post("/api/sql", {"query": query, "format": form}, authorization=f"Bearer {server.read_key()}")


def rows(server: Hogflare, query: str) -> list[dict]:
    answer = ask(server, query)
    assert answer.status == 200, answer.body
    return answer.json()


AMOUNT = "properties->>'amount'"


@pytest.mark.parametrize("condition", [f"{AMOUNT} > 100", f"100 <= ({AMOUNT})", f"{AMOUNT} BETWEEN 1 AND 1000", f"event = 'x' OR NOT {AMOUNT} < 1.5"])
def test_a_text_is_neither_more_nor_less_than_a_number(server: Hogflare, condition: str) -> None:
    for query in (f"SELECT count(*) FROM events WHERE {condition}", f"SELECT count(*) FILTER (WHERE {condition}) FROM events", f"SELECT (SELECT count(*) FROM events AS e WHERE {condition})"):
        answer = ask(server, query)
        assert answer.status == 400 and "number_of(" in answer.json()["error"], answer.body


def test_numbers_and_texts_have_an_order_each(server: Hogflare) -> None:
    counted = "SELECT count(*) AS n FROM events WHERE "
    assert rows(server, f"{counted} number_of({AMOUNT}) > 99") == [{"n": 2}]
    assert rows(server, f"{counted} number_of({AMOUNT}) BETWEEN 9 AND 100") == [{"n": 2}]
    assert rows(server, f"{counted} {AMOUNT} > 'b'") == [{"n": 1}]
    assert rows(server, f"{counted} {AMOUNT} = 100") == [{"n": 1}]
    assert rows(server, f"{counted} timestamp > '2020-01-01' AND created_at BETWEEN '2020-01-01' AND now()") == [{"n": 10}]
    assert rows(server, f"{counted} journal_offset >= '3' AND journal_offset < 5") == [{"n": 2}]


def test_nothing_that_is_sent_makes_a_sum_nothing(server: Hogflare) -> None:
    series = [{"event": "buy", "math": math, "math_property": "amount"} for math in ("sum", "max", "avg", "min")]
    asked = {"series": series, "dateRange": {"date_from": "-1d"}, "trendsFilter": {"display": "BoldNumber"}}
    answer = server.post("/api/insights/trends", asked, authorization=f"Bearer {server.read_key()}").json()
    assert [result["aggregated_value"] for result in answer["results"]] == [359, 250, pytest.approx(359 / 3), 9]
    for operator, value, count in (("gt", 5, 3), ("lt", 200, 2), ("between", [1, 1e300], 3)):
        chosen = {"series": [{"event": "buy", "properties": [{"key": "amount", "operator": operator, "value": value}]}]}
        answer = server.post("/api/insights/trends", asked | chosen, authorization=f"Bearer {server.read_key()}").json()
        assert answer["results"][0]["aggregated_value"] == count, operator


def test_a_float_has_64_bits(server: Hogflare) -> None:
    assert rows(server, "SELECT 16777217::float AS a, CAST('1234567.89' AS FLOAT) AS b, 0.1::float + 0.2 AS c") == [{"a": 16777217.0, "b": 1234567.89, "c": 0.1 + 0.2}]


def test_what_would_be_passed_over_is_refused(server: Hogflare) -> None:
    answer = ask(server, "SELECT count(*) FROM events TABLESAMPLE BERNOULLI (10)")
    assert answer.status == 400 and "TABLESAMPLE" in answer.json()["error"]
    twice = "SELECT a.event, b.event FROM (SELECT 'l' AS event) AS a, (SELECT 'r' AS event) AS b"
    for form in ("json", "ndjson"):
        answer = ask(server, twice, form)
        assert answer.status == 400 and "several columns are called event" in json.dumps(answer.json())
    assert ask(server, twice, "csv").body.split() == [b"event,event", b"l,r"]


@pytest.mark.parametrize(
    "query",
    [
        "SELECT count(*) FROM events WHERE regexp_like(event, '[')",
        "SELECT timestamp AT TIME ZONE 'Mars/X' FROM events",
        f"SELECT count(*) FROM events WHERE ({AMOUNT})::numeric > 100",
        f"SELECT ({AMOUNT})::float FROM events",
        "SELECT 1 / (journal_offset - journal_offset) FROM events",
    ],
)
def test_what_is_wrong_with_a_value_is_told(server: Hogflare, query: str) -> None:
    answer = ask(server, query)
    assert answer.status == 400 and len(answer.json()["error"]) > 10, (answer.status, answer.body)


def test_flags_before_a_command_are_refused(server: Hogflare) -> None:
    import subprocess

    told = subprocess.run([server.binary, "--data-dir", server.data_dir, "lake", "stats"], capture_output=True, text=True, timeout=60)
    assert told.returncode == 2 and "--data-dir" in told.stderr
