"""Retention against DuckDB's own answer on the same Parquet, equal to the row."""

import pytest

LATE = {"date_from": "2026-03-20", "date_to": "2026-03-31"}
DATE = "timezone('Europe/Berlin', timestamp)::DATE"
OTHER, NONE = "$$_posthog_breakdown_other_$$", "$$_posthog_breakdown_null_$$"
VALUE = f"""coalesce(nullif(properties->>'$."$browser"', ''), '{NONE}')"""
SIGNED = {"id": "sign up", "type": "events"}
BOUGHT = {"id": "purchase", "type": "events"}
SPANS = {
    "Day": (DATE, "later.span - first.span", "DATE '2026-03-20'", "DATE '2026-03-31'"),
    # A week begins on Sunday, and the ones that the range begins and ends in count whole.
    "Week": (f"date_trunc('week', {DATE} + 1)::DATE - 1", "(later.span - first.span) // 7", "DATE '2026-03-15'", "DATE '2026-03-29'"),
    "Month": (f"date_trunc('month', {DATE})::DATE", "date_diff('month', first.span, later.span)", "DATE '2026-03-01'", "DATE '2026-03-01'"),
}


def ask(shop, *, period: str = "Day", dates: dict = LATE, persons: dict | None = None, breakdown: dict | None = None, **chosen) -> dict:
    """Asks who came to sign up and came again to buy."""
    chosen = {"period": period, "targetEntity": SIGNED, "returningEntity": BOUGHT} | chosen
    request = {"dateRange": dates, "retentionFilter": chosen}
    request |= {"persons": persons} if persons else {}
    request |= {"breakdownFilter": breakdown} if breakdown else {}
    return shop.ask("retention", **request)


def shown(answer: dict) -> dict[tuple, int]:
    """By value, date and how much later, what is not 0."""
    return {
        (row.get("breakdown_value", ""), row["date"][:10], later): value["count"]
        for row in answer["results"]
        for later, value in enumerate(row["values"])
        if value["count"]
    }


def table(period: str, came: str, again: str, spans: int = 8) -> str:
    """SQL for the same of `p`, `value` and `span` of who came and who came again."""
    _, distance, since, until = SPANS[period]
    return f"""WITH first AS ({came}), later AS ({again}), counted AS (
      SELECT first.p, first.value, first.span, {distance} AS distance FROM first JOIN later ON first.p = later.p AND first.value = later.value
        AND later.span > first.span AND later.span BETWEEN {since} AND {until} AND {distance} < {spans}
      UNION SELECT p, value, span, 0 FROM first WHERE span BETWEEN {since} AND {until})
    SELECT value, strftime(span, '%Y-%m-%d'), distance, count(*) FROM counted WHERE span BETWEEN {since} AND {until} GROUP BY ALL"""


def did(event: str, period: str = "Day", value: str = "''", where: str = "TRUE") -> str:
    """SQL for who did something when."""
    return f"SELECT DISTINCT person_id AS p, {value} AS value, {SPANS[period][0]} AS span FROM events WHERE event = '{event}' AND {where}"


def began(event: str, period: str = "Day", value: str = "''", where: str = "TRUE") -> str:
    """SQL for who did something for the first time then."""
    first = f"SELECT person_id, {value} AS value, min(timestamp) AS timestamp FROM events WHERE event = '{event}' AND {where} GROUP BY 1, 2"
    return f"SELECT person_id AS p, value, {SPANS[period][0]} AS span FROM ({first})"


def expected(shop, statement: str) -> dict[tuple, int]:
    return {(value, day, later): count for value, day, later, count in shop.rows(statement)}


@pytest.mark.parametrize("period", ["Day", "Week", "Month"])
def test_who_comes_in_a_span_and_again_in_later_ones(shop, same_in_duckdb, period: str) -> None:
    answer = ask(shop, period=period)
    assert shown(answer) == expected(shop, table(period, did("sign up", period), did("purchase", period))) != {}
    assert [row["label"] for row in answer["results"]] == [f"{period} {number}" for number in range(len(answer["results"]))]
    assert all(len(row["values"]) == 8 for row in answer["results"])
    same_in_duckdb(answer)


@pytest.mark.parametrize("period", ["Day", "Week", "Month"])
def test_who_comes_for_the_first_time(shop, same_in_duckdb, period: str) -> None:
    answer = ask(shop, period=period, retentionType="retention_first_time")
    assert shown(answer) == expected(shop, table(period, began("sign up", period), did("purchase", period))) != {}
    same_in_duckdb(answer)


def test_only_the_very_first_event_can_be_the_first_ever(shop, same_in_duckdb) -> None:
    chrome = {"key": "$browser", "value": "Chrome", "operator": "exact", "type": "event"}
    entity = SIGNED | {"properties": [chrome]}
    is_chrome = """properties->>'$."$browser"' = 'Chrome'"""
    first_time = ask(shop, retentionType="retention_first_time", targetEntity=entity)
    assert shown(first_time) == expected(shop, table("Day", began("sign up", where=is_chrome), did("purchase")))
    first_ever = ask(shop, retentionType="retention_first_ever_occurrence", targetEntity=entity)
    first = """SELECT person_id, timestamp, min(timestamp) OVER (PARTITION BY person_id) AS earliest, properties FROM events WHERE event = 'sign up'"""
    came = f"SELECT DISTINCT person_id AS p, '' AS value, {DATE} AS span FROM ({first}) WHERE timestamp = earliest AND {is_chrome}"
    assert shown(first_ever) == expected(shop, table("Day", came, did("purchase")))
    assert sum(shown(first_ever).values()) < sum(shown(first_time).values())
    same_in_duckdb(first_time)
    same_in_duckdb(first_ever)


def test_who_was_merged_is_one_person(shop) -> None:
    found = shown(ask(shop, retentionType="retention_first_time"))
    # Files that were merged have the merged persons themselves, so the plain table may say the same.
    assert found == expected(shop, table("Day", began("sign up"), did("purchase")))


def test_hours_across_the_night_that_has_one_less(shop, same_in_duckdb) -> None:
    dates = {"date_from": "2026-03-28T22:00:00", "date_to": "2026-03-29T09:00:00"}
    answer = shop.ask("retention", dateRange=dates, retentionFilter={"period": "Hour", "totalIntervals": 5})
    hour = "epoch_us(timestamp) // 3_600_000_000"
    rows = shop.rows(
        f"""WITH came AS (SELECT DISTINCT person_id AS p, {hour} AS h FROM events WHERE event = '$pageview'
          AND timestamp >= '2026-03-28 21:00:00+00' AND timestamp < '2026-03-29 08:00:00+00')
        SELECT a.h, b.h - a.h, count(*) FROM came a JOIN came b ON a.p = b.p AND b.h BETWEEN a.h AND a.h + 4 GROUP BY 1, 2"""
    )
    start = min(hour for hour, _, _ in rows)
    found = {(number, later): value["count"] for number, row in enumerate(answer["results"]) for later, value in enumerate(row["values"]) if value["count"]}
    assert found == {(hour - start, later): count for hour, later, count in rows} != {}
    dates = [row["date"] for row in answer["results"]]
    assert dates[3:6] == ["2026-03-29T01:00:00+01:00", "2026-03-29T03:00:00+02:00", "2026-03-29T04:00:00+02:00"]
    same_in_duckdb(answer)


def test_once_may_not_be_enough(shop, same_in_duckdb) -> None:
    answer = ask(shop, period="Week", minimumOccurrences=2)
    often = f"SELECT person_id AS p, '' AS value, {SPANS['Week'][0]} AS span FROM events WHERE event = 'purchase' GROUP BY 1, 2, 3 HAVING count(*) >= 2"
    assert shown(answer) == expected(shop, table("Week", did("sign up", "Week"), often)) != {}
    same_in_duckdb(answer)


def test_cumulative_counts_who_comes_then_or_later(shop, same_in_duckdb) -> None:
    answer = ask(shop, cumulative=True, totalIntervals=6)
    _, distance, since, until = SPANS["Day"]
    rows = shop.rows(
        f"""WITH first AS ({did("sign up")}), later AS ({did("purchase")}), last AS (
          SELECT first.p, first.span, coalesce(max({distance}) FILTER (later.span > first.span AND later.span <= {until} AND {distance} < 6), 0) AS last
          FROM first LEFT JOIN later ON first.p = later.p WHERE first.span BETWEEN {since} AND {until} GROUP BY 1, 2)
        SELECT strftime(span, '%Y-%m-%d'), distance, count(*) FROM last JOIN range(6) AS r(distance) ON distance <= last GROUP BY 1, 2"""
    )
    assert shown(answer) == {("", day, later): count for day, later, count in rows}
    same_in_duckdb(answer)


@pytest.mark.parametrize("of", ["retention_recurring", "retention_first_time"])
def test_only_events_with_the_same_value_belong_together(shop, same_in_duckdb, of: str) -> None:
    answer = ask(shop, period="Week", retentionType=of, breakdown={"breakdown": "$browser", "breakdown_limit": 4})
    came = {"retention_recurring": did, "retention_first_time": began}[of]("sign up", "Week", VALUE)
    rows = expected(shop, table("Week", came, did("purchase", "Week", VALUE)))
    sizes: dict[str, int] = {}
    for (value, _, later), count in rows.items():
        sizes[value] = sizes.get(value, 0) + (count if later == 0 else 0)
    largest = sorted(sizes, key=lambda value: (-sizes[value], value))[:4]
    merged: dict[tuple, int] = {}
    for (value, day, later), count in rows.items():
        key = (value if value in largest else OTHER, day, later)
        merged[key] = merged.get(key, 0) + count
    assert shown(answer) == merged
    assert list(dict.fromkeys(row["breakdown_value"] for row in answer["results"])) == [*largest, OTHER]
    same_in_duckdb(answer)


def test_of_the_first_ever_a_person_has_the_value_of_its_first_event(shop, same_in_duckdb) -> None:
    answer = ask(shop, retentionType="retention_first_ever_occurrence", breakdown={"breakdown": "$browser"})
    came = f"SELECT person_id AS p, min(struct_pack(t := timestamp, v := {VALUE})) AS first FROM events WHERE event = 'sign up' GROUP BY 1"
    came = f"SELECT p, first.v AS value, {DATE.replace('timestamp', 'first.t')} AS span FROM ({came})"
    again = f"SELECT a.p, a.value, b.span FROM ({came}) a JOIN ({did('purchase')}) b USING (p)"
    assert shown(answer) == expected(shop, table("Day", came, again)) != {}
    same_in_duckdb(answer)


def test_bots_and_test_users_can_be_left_out(shop) -> None:
    kept = """(properties->>'$."$bot"' IS NULL) AND NOT EXISTS (SELECT 1 FROM persons p WHERE p.id = events.person_id AND p.properties->>'$.email' LIKE '%@example.com%')"""
    chosen = {"targetEntity": SIGNED, "returningEntity": BOUGHT}
    answer = shop.ask("retention", dateRange=LATE, retentionFilter=chosen, filterBots=True, filterTestAccounts=True)
    found = shown(answer)
    assert found == expected(shop, table("Day", did("sign up", where=kept), did("purchase", where=kept)))
    assert sum(found.values()) < sum(shown(ask(shop)).values())


@pytest.mark.parametrize("later", [0, 3])
def test_the_persons_behind_a_number(shop, later: int) -> None:
    found, offset = {}, 0
    while offset is not None:
        page = ask(shop, persons={"day": "2026-03-21", "interval": later, "limit": 50, "offset": offset})
        found |= {person["id"]: person["appearances"] for person in page["persons"]}
        offset = page["next"]
    rows = shop.rows(
        f"""WITH first AS ({did("sign up")}), later AS ({did("purchase")})
        SELECT first.p, list(later.span - first.span) FILTER (later.span - first.span BETWEEN 1 AND 7) FROM first LEFT JOIN later ON first.p = later.p
        WHERE first.span = DATE '2026-03-21' GROUP BY 1"""
    )
    came = {person: sorted([0, *(days or [])]) for person, days in rows}
    assert found == {person: days for person, days in came.items() if later in days} != {}


def test_the_last_spans_are_asked_for_where_no_day_is(shop) -> None:
    answer = shop.ask("retention", retentionFilter={"period": "Week", "totalIntervals": 5})
    assert len(answer["results"]) == 5 and all(len(row["values"]) == 5 for row in answer["results"])


def test_what_is_wrong_with_retention_is_named(shop) -> None:
    def refused(**chosen) -> str:
        return shop.refused("retention", retentionFilter=chosen)

    assert refused(totalIntervals=0).startswith("retentionFilter.totalIntervals: ")
    assert refused(timeWindowMode="24_hour_windows").startswith("retentionFilter.timeWindowMode: ")
    assert refused(targetEntity={"id": 4, "type": "actions"}).startswith("retentionFilter.targetEntity")
    assert refused(retentionCustomBrackets=[1, 3]).startswith("retentionFilter.retentionCustomBrackets: ")
    assert shop.refused("retention", persons={"interval": 8}).startswith("persons.interval: ")
    filters = {"targetEntity": {"id": "x", "properties": [{"key": "a", "operator": "gt"}]}}
    assert refused(**filters).startswith("retentionFilter.targetEntity.properties[0].value: ")
