"""Lifecycle and stickiness against DuckDB's own answer on the same Parquet, equal to the row."""

import pytest

LATE = {"date_from": "2026-03-20", "date_to": "2026-03-31"}
DAY = "timezone('Europe/Berlin', e.timestamp)::DATE"
BORN = "timezone('Europe/Berlin', p.created_at)::DATE"


def days_of(shop, event: str) -> dict[str, tuple]:
    """When each person with a profile came, and when it came to be."""
    rows = shop.rows(
        f"""SELECT e.person_id, list(DISTINCT {DAY}), any_value({BORN}) FROM events e
        JOIN persons p ON p.id = e.person_id WHERE event = '{event}' AND {DAY} BETWEEN '2026-03-19' AND '2026-03-31'
        GROUP BY 1"""
    )
    return {person: ({str(day) for day in days}, str(born)) for person, days, born in rows}


def days_of_the_range() -> list[str]:
    return [f"2026-03-{day}" for day in range(19, 32)]


def lifecycle(came: dict[str, tuple]) -> dict[tuple[str, str], set[str]]:
    """Who is what on which day, by the words of the page."""
    found: dict[tuple[str, str], set[str]] = {}
    days = days_of_the_range()
    for person, (active, born) in came.items():
        for yesterday, today in zip(days, days[1:], strict=False):
            if today in active:
                is_first = today == min(active)
                status = "new" if is_first and born == today else "returning" if yesterday in active else "resurrecting"
            elif yesterday in active:
                status = "dormant"
            else:
                continue
            found.setdefault((today, status), set()).add(person)
    return found


def test_every_status_of_every_day(shop, same_in_duckdb) -> None:
    answer = shop.ask("lifecycle", series=[{"event": "purchase"}], dateRange=LATE)
    expected = lifecycle(days_of(shop, "purchase"))
    shown = {
        (day, result["status"]): abs(value)
        for result in answer["results"]
        for day, value in zip(result["days"], result["data"], strict=True)
        if value
    }
    assert shown == {key: len(persons) for key, persons in expected.items()}
    assert all(value <= 0 for value in answer["results"][3]["data"]), "who stays away is below zero"
    assert {status for _, status in shown} == {"new", "returning", "resurrecting", "dormant"}
    same_in_duckdb(answer)


@pytest.mark.parametrize("status", ["new", "returning", "resurrecting", "dormant"])
def test_the_persons_behind_a_status(shop, status: str) -> None:
    expected = lifecycle(days_of(shop, "purchase"))
    day = max((day for day, of in expected if of == status), key=lambda day: len(expected[(day, status)]))
    found, offset = set(), 0
    while offset is not None:
        point = {"day": day, "status": status, "limit": 1000, "offset": offset}
        page = shop.ask("lifecycle", series=[{"event": "purchase"}], dateRange=LATE, persons=point)
        found |= {person["id"] for person in page["persons"]}
        offset = page["next"]
    assert found == expected[(day, status)]


@pytest.mark.parametrize(("criteria", "having"), [(None, 1), ({"operator": "gte", "value": 2}, 2)])
@pytest.mark.parametrize("computed_as", ["non_cumulative", "cumulative"])
def test_stickiness(shop, same_in_duckdb, criteria: dict | None, having: int, computed_as: str) -> None:
    chosen = {"computedAs": computed_as} | ({"stickinessCriteria": criteria} if criteria else {})
    answer = shop.ask("stickiness", series=[{"event": "$pageview"}], dateRange=LATE, stickinessFilter=chosen)
    [result] = answer["results"]
    rows = dict(
        shop.rows(
            f"""SELECT days, count(*) FROM (SELECT person_id, count(*) AS days FROM (
              SELECT person_id, {DAY} AS day FROM events e WHERE event = '$pageview' GROUP BY 1, 2 HAVING count(*) >= {having}
            ) WHERE day BETWEEN '2026-03-20' AND '2026-03-31' GROUP BY 1) GROUP BY 1"""
        )
    )
    counts = [rows.get(days, 0) for days in range(1, 13)]
    assert result["count"] == sum(counts)
    assert result["data"] == (counts if computed_as == "non_cumulative" else [sum(counts[place:]) for place in range(12)])
    same_in_duckdb(answer)


def test_the_persons_behind_a_number_of_days(shop) -> None:
    page = shop.ask("stickiness", series=[{"event": "purchase"}], dateRange=LATE, persons={"day": 4, "limit": 1000})
    rows = shop.rows(
        f"""SELECT person_id, count(DISTINCT {DAY}) AS days FROM events e
        WHERE event = 'purchase' AND {DAY} BETWEEN '2026-03-20' AND '2026-03-31' GROUP BY 1 HAVING days = 4 ORDER BY 1 LIMIT 1000"""
    )
    assert [(person["id"], person["event_count"]) for person in page["persons"]] == rows != []


def test_weeks_count_from_the_day_asked_for_in_stickiness_and_whole_in_lifecycle(shop) -> None:
    asked = {"series": [{"event": "purchase"}], "interval": "week", "dateRange": {"date_from": "2026-03-12", "date_to": "2026-03-28"}}
    [sticky] = shop.ask("stickiness", **asked)["results"]
    [(persons,)] = shop.rows(f"SELECT count(DISTINCT person_id) FROM events e WHERE event = 'purchase' AND {DAY} BETWEEN '2026-03-12' AND '2026-03-28'")
    assert (sticky["count"], len(sticky["data"])) == (persons, 3)
    results = shop.ask("lifecycle", **asked)["results"]
    came = sum(result["data"][0] for result in results[:3])
    [(first_week,)] = shop.rows(f"SELECT count(DISTINCT person_id) FROM events e WHERE event = 'purchase' AND {DAY} BETWEEN '2026-03-08' AND '2026-03-14'")
    assert results[0]["days"] == ["2026-03-08", "2026-03-15", "2026-03-22"] and came == first_week
