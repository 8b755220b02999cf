"""Errors against DuckDB's own answer on the same Parquet, equal to the row."""

import json
from datetime import datetime

import pytest

DATES = {"date_from": "2026-03-20", "date_to": "2026-03-31"}
SINCE, UNTIL = "timezone('Europe/Berlin', TIMESTAMP '2026-03-20')", "timezone('Europe/Berlin', TIMESTAMP '2026-04-01')"
THROWN = """properties->'$."$exception_list"[0]'"""
TYPE = f"""coalesce({THROWN}->>'$.type', properties->>'$."$exception_type"')"""
MESSAGE = f"""coalesce({THROWN}->>'$.value', properties->>'$."$exception_message"')"""
FRAME = f"""({THROWN}->>'$.stacktrace.frames[1].function') || ' ' || ({THROWN}->>'$.stacktrace.frames[1].filename')"""
FINGERPRINT = f"""coalesce(properties->>'$."$exception_fingerprint"',
  CASE WHEN {TYPE} IS NULL THEN coalesce({MESSAGE}, '') ELSE {TYPE} || coalesce(': ' || {MESSAGE}, '') END || coalesce(' @ ' || {FRAME}, ''))"""
SEEN = f"SELECT *, {FINGERPRINT} AS issue, {TYPE} AS of, {MESSAGE} AS message FROM events WHERE event = '$exception'"
IN_RANGE = f"timestamp >= {SINCE} AND timestamp < {UNTIL}"
NO_BOTS = """(properties->>'$."$bot"' IS NULL)"""


def issues(shop, where: str = "TRUE") -> dict[str, tuple]:
    """How often each happened, to how many, in how many sessions, and when first and last."""
    rows = shop.rows(
        f"""WITH seen AS ({SEEN} AND {where}), earliest AS (SELECT issue, min(epoch_us(timestamp)) AS first FROM seen GROUP BY 1)
        SELECT issue, count(*), count(DISTINCT person_id), count(DISTINCT nullif(session_id, '')), any_value(first), max(epoch_us(timestamp))
        FROM seen JOIN earliest USING (issue) WHERE {IN_RANGE} GROUP BY 1"""
    )
    return {issue: tuple(numbers) for issue, *numbers in rows}


def shown(answer: dict) -> dict[str, tuple]:
    def seconds(text: str) -> int:
        return int(datetime.fromisoformat(text).timestamp())

    return {
        issue["fingerprint"]: (*(issue["aggregations"][name] for name in ["occurrences", "users", "sessions"]), seconds(issue["first_seen"]), seconds(issue["last_seen"]))
        for issue in answer["results"]
    }


def check(found: dict[str, tuple], rows: dict[str, tuple]) -> None:
    assert found == {issue: (*counts, first // 1_000_000, last // 1_000_000) for issue, (*counts, first, last) in rows.items()} != {}


def test_every_issue_of_a_range(shop, same_in_duckdb) -> None:
    answer = shop.ask("errors", dateRange=DATES)
    rows = issues(shop)
    check(shown(answer), rows)
    assert [issue["fingerprint"] for issue in answer["results"]] == [issue for issue, numbers in sorted(rows.items(), key=lambda row: (-row[1][4], row[0]))]
    assert {"basket", "TypeError: x is undefined @ pay shop.js", "Timeout"} <= rows.keys()
    same_in_duckdb(answer)


@pytest.mark.parametrize(("order", "place"), [("occurrences", 0), ("users", 1), ("sessions", 2), ("first_seen", 3)])
def test_issues_are_sorted_as_asked(shop, order: str, place: int) -> None:
    rows = issues(shop)
    answer = shop.ask("errors", dateRange=DATES, orderBy=order, orderDirection="ASC", limit=4, offset=2)
    ordered = [issue for issue, _ in sorted(rows.items(), key=lambda row: (row[1][place], row[0]))]
    assert [issue["fingerprint"] for issue in answer["results"]] == ordered[2:6] and answer["hasMore"]


def test_lines_and_samples(shop) -> None:
    answer = shop.ask("errors", dateRange=DATES)
    day = "strftime(timezone('Europe/Berlin', timestamp), '%Y-%m-%d')"
    rows = {(issue, day): count for issue, day, count in shop.rows(f"SELECT issue, {day}, count(*) FROM ({SEEN}) WHERE {IN_RANGE} GROUP BY 1, 2")}
    for issue in answer["results"]:
        line = dict(zip(answer["days"], issue["aggregations"]["volumeRange"], strict=True))
        assert line == {day: rows.get((issue["fingerprint"], day), 0) for day in answer["days"]}
    samples = shop.rows(f"SELECT issue, of, message, uuid, properties FROM ({SEEN}) WHERE {IN_RANGE} QUALIFY row_number() OVER (PARTITION BY issue ORDER BY timestamp DESC, uuid) = 1")
    for fingerprint, of, message, uuid, properties in samples:
        [issue] = [issue for issue in answer["results"] if issue["fingerprint"] == fingerprint]
        assert (issue["name"], issue["description"]) == (of or "", message or "")
        assert (issue["last_event"]["uuid"], issue["last_event"]["properties"]) == (uuid, json.loads(properties))


def test_a_word_and_toggles_narrow_it(shop, same_in_duckdb) -> None:
    answer = shop.ask("errors", dateRange=DATES, searchQuery="UNDEFINED", filterBots=True)
    check(shown(answer), issues(shop, f"contains(lower({MESSAGE}), 'undefined') AND {NO_BOTS}"))
    same_in_duckdb(answer)


def test_the_persons_who_met_an_issue(shop) -> None:
    page = shop.ask("errors", dateRange=DATES, fingerprint="basket", persons={"day": "2026-03-29", "limit": 1000})
    day = "timezone('Europe/Berlin', timestamp)::DATE = '2026-03-29'"
    rows = shop.rows(f"SELECT person_id, count(*) FROM ({SEEN}) WHERE issue = 'basket' AND {day} GROUP BY 1 ORDER BY 2 DESC, 1")
    assert [(person["id"], person["event_count"]) for person in page["persons"]] == rows != []


def test_what_is_wrong_with_errors_is_named(shop) -> None:
    assert shop.refused("errors", limit=0).startswith("limit: ")
    assert shop.refused("errors", orderBy="revenue").startswith("orderBy: ")
    assert shop.refused("errors", status="active").startswith("status: ")
