"""Trends against DuckDB's own answer on the same Parquet, equal to the row."""

import pytest

MARCH = {"date_from": "2026-03-10", "date_to": "2026-03-31"}
SINCE, UNTIL = "timezone('Europe/Berlin', TIMESTAMP '2026-03-10')", "timezone('Europe/Berlin', TIMESTAMP '2026-04-01')"
IN_MARCH = f"timestamp >= {SINCE} AND timestamp < {UNTIL}"
DAY = "strftime(timezone('Europe/Berlin', timestamp), '%Y-%m-%d')"
BROWSER = """properties->>'$."$browser"'"""
AMOUNT = "TRY_CAST(properties->>'$.amount' AS DOUBLE)"
OTHER, NONE = "$$_posthog_breakdown_other_$$", "$$_posthog_breakdown_null_$$"


def chart(result: dict) -> dict[str, float]:
    """The points of a result that are not 0."""
    return {day: value for day, value in zip(result["days"], result["data"], strict=True) if value}


def pairs(rows: list[tuple]) -> dict:
    """Rows of two columns, those that are not 0."""
    return {day: pytest.approx(float(value)) for day, value in rows if value}


def test_events_of_each_day_the_one_with_23_hours_included(shop, same_in_duckdb) -> None:
    answer = shop.ask("trends", series=[{"event": "$pageview"}], dateRange=MARCH)
    [result] = answer["results"]
    assert len(result["days"]) == 22 and "2026-03-29" in result["days"]
    assert chart(result) == pairs(shop.rows(f"SELECT {DAY}, count(*) FROM events WHERE event = '$pageview' AND {IN_MARCH} GROUP BY 1"))
    assert result["count"] == sum(result["data"]) > 0
    same_in_duckdb(answer)


def test_hours_of_the_day_on_which_clocks_change(shop, same_in_duckdb) -> None:
    answer = shop.ask("trends", series=[{"event": None}], interval="hour", dateRange={"date_from": "2026-03-29T00:00:00", "date_to": "2026-03-29T23:59:59"})
    [result] = answer["results"]
    hours = [day[11:13] for day in result["days"]]
    assert len(hours) == 23 and "02" not in hours
    rows = shop.rows(
        "SELECT strftime(timezone('Europe/Berlin', timestamp), '%Y-%m-%d %H:00:00'), count(*) FROM events "
        "WHERE timestamp >= TIMESTAMPTZ '2026-03-28 23:00:00+00' AND timestamp <= TIMESTAMPTZ '2026-03-29 21:59:59+00' GROUP BY 1"
    )
    assert chart(result) == pairs(rows)
    same_in_duckdb(answer)


@pytest.mark.parametrize("interval", ["day", "week", "month"])
def test_unique_users_are_the_merged_persons(shop, same_in_duckdb, interval: str) -> None:
    answer = shop.ask("trends", series=[{"event": "purchase", "math": "dau"}], interval=interval, dateRange=MARCH)
    [result] = answer["results"]
    local = "timezone('Europe/Berlin', timestamp)"
    start = {
        "day": f"date_trunc('day', {local})",
        "week": f"date_trunc('week', {local} + INTERVAL 1 DAY) - INTERVAL 1 DAY",
        "month": f"date_trunc('month', {local})",
    }[interval]
    since = "timezone('Europe/Berlin', TIMESTAMP '2026-03-01')" if interval == "month" else SINCE
    rows = shop.rows(
        f"SELECT strftime({start}, '%Y-%m-%d'), count(DISTINCT person_id) FROM events "
        f"WHERE event = 'purchase' AND timestamp >= {since} AND timestamp < {UNTIL} GROUP BY 1"
    )
    assert chart(result) == pairs(rows)
    [(merged, written)] = shop.rows(
        "SELECT (SELECT count(DISTINCT person_id) FROM events), (SELECT count(DISTINCT person_id) FROM events_raw)"
    )
    assert merged < written, "some persons were merged"
    same_in_duckdb(answer)


@pytest.mark.parametrize(("math", "days"), [("weekly_active", 7), ("monthly_active", 30)])
def test_active_users_look_back(shop, same_in_duckdb, math: str, days: int) -> None:
    answer = shop.ask("trends", series=[{"event": "purchase", "math": math}], dateRange=MARCH)
    [result] = answer["results"]
    rows = shop.rows(
        f"""WITH came AS (
          SELECT DISTINCT timezone('Europe/Berlin', timestamp)::DATE AS day, person_id FROM events
          WHERE event = 'purchase' AND timestamp < {UNTIL}
        )
        SELECT strftime(label, '%Y-%m-%d'), count(DISTINCT person_id)
        FROM generate_series(DATE '2026-03-10', DATE '2026-03-31', INTERVAL 1 DAY) AS labels(label)
        JOIN came ON day <= label AND day > label - INTERVAL {days} DAY GROUP BY 1"""
    )
    assert chart(result) == pairs(rows)
    same_in_duckdb(answer)


@pytest.mark.parametrize(
    ("math", "aggregate"),
    [
        ("sum", "sum(x)"),
        ("avg", "avg(x)"),
        ("min", "min(x)"),
        ("max", "max(x)"),
        ("median", "quantile_cont(x, 0.5)"),
        ("p75", "quantile_cont(x, 0.75)"),
        ("p90", "quantile_cont(x, 0.9)"),
        ("p95", "quantile_cont(x, 0.95)"),
        ("p99", "quantile_cont(x, 0.99)"),
    ],
)
def test_numbers_in_a_property(shop, same_in_duckdb, math: str, aggregate: str) -> None:
    node = {"event": "purchase", "math": math, "math_property": "amount"}
    answer = shop.ask("trends", series=[node], dateRange=MARCH)
    rows = shop.rows(
        f"SELECT day, {aggregate} FROM (SELECT {DAY} AS day, {AMOUNT} AS x FROM events "
        f"WHERE event = 'purchase' AND {IN_MARCH}) GROUP BY 1"
    )
    assert chart(answer["results"][0]) == pairs(rows)
    same_in_duckdb(answer)


@pytest.mark.parametrize(
    ("math", "aggregate"),
    [("avg_count_per_actor", "avg(n)"), ("max_count_per_actor", "max(n)"), ("p90_count_per_actor", "quantile_cont(n, 0.9)")],
)
def test_events_of_each_person(shop, same_in_duckdb, math: str, aggregate: str) -> None:
    answer = shop.ask("trends", series=[{"event": "$pageview", "math": math}], dateRange=MARCH)
    rows = shop.rows(
        f"SELECT day, {aggregate} FROM (SELECT {DAY} AS day, person_id, count(*)::DOUBLE AS n FROM events "
        f"WHERE event = '$pageview' AND {IN_MARCH} GROUP BY 1, 2) GROUP BY 1"
    )
    assert chart(answer["results"][0]) == pairs(rows)
    same_in_duckdb(answer)


@pytest.mark.parametrize("math", ["first_time_for_user", "first_matching_event_for_user"])
def test_first_events(shop, same_in_duckdb, math: str) -> None:
    chrome = [{"key": "$browser", "value": "Chrome"}]
    answer = shop.ask("trends", series=[{"event": "purchase", "math": math, "properties": chrome}], dateRange=MARCH)
    fits = f"coalesce({BROWSER} = 'Chrome', FALSE)"
    first = f"min(timestamp) FILTER ({fits})"
    of_all = f"{first} = min(timestamp)" if math == "first_time_for_user" else "TRUE"
    rows = shop.rows(
        f"SELECT {DAY}, count(*) FROM (SELECT {first} AS timestamp FROM events WHERE event = 'purchase' "
        f"AND timestamp < {UNTIL} GROUP BY person_id HAVING {of_all}) WHERE timestamp >= {SINCE} GROUP BY 1"
    )
    assert chart(answer["results"][0]) == pairs(rows) != {}
    same_in_duckdb(answer)


def test_sessions(shop, same_in_duckdb) -> None:
    answer = shop.ask("trends", series=[{"event": None, "math": "unique_session"}], dateRange=MARCH)
    session = """properties->>'$."$session_id"'"""
    rows = shop.rows(f"SELECT {DAY}, count(DISTINCT {session}) FROM events WHERE {IN_MARCH} GROUP BY 1")
    assert chart(answer["results"][0]) == pairs(rows)
    same_in_duckdb(answer)


def test_misfits_are_values_of_a_breakdown(shop, same_in_duckdb) -> None:
    answer = shop.ask("trends", series=[{"event": "$pageview"}], dateRange=MARCH, breakdownFilter={"breakdown": "$browser"})
    shown = {result["breakdown_value"]: result["count"] for result in answer["results"]}
    value = f"coalesce(nullif({BROWSER}, ''), '{NONE}')"
    rows = shop.rows(f"SELECT {value}, count(*) FROM events WHERE event = '$pageview' AND {IN_MARCH} GROUP BY 1")
    assert shown == dict(rows)
    assert {"true", "7", '["Chrome"]', '{"name":"x"}', NONE} < shown.keys()
    assert answer["results"][-1]["breakdown_value"] == NONE
    same_in_duckdb(answer)


def test_values_beyond_the_limit_are_other(shop, same_in_duckdb) -> None:
    answer = shop.ask(
        "trends",
        series=[{"event": "$pageview", "math": "dau"}],
        dateRange=MARCH,
        breakdownFilter={"breakdown": "$current_url", "breakdown_limit": 7, "breakdown_normalize_url": True},
    )
    raw = """properties->>'$."$current_url"'"""
    url = f"CASE WHEN nullif({raw}, '') IS NULL THEN '{NONE}' ELSE coalesce(nullif(rtrim({raw}, '/?#'), ''), '/') END"
    rows = shop.rows(
        f"""WITH daily AS (SELECT {DAY} AS day, {url} AS url, count(DISTINCT person_id) AS n FROM events
          WHERE event = '$pageview' AND {IN_MARCH} GROUP BY 1, 2),
        best AS (SELECT url FROM daily GROUP BY 1 ORDER BY url = '{NONE}', sum(n) DESC, url LIMIT 7)
        SELECT CASE WHEN url IN (FROM best) THEN url ELSE '{OTHER}' END, sum(n)::DOUBLE FROM daily GROUP BY 1"""
    )
    assert {result["breakdown_value"]: result["count"] for result in answer["results"]} == dict(rows)
    assert answer["hasMore"] and answer["results"][-1]["breakdown_value"] == OTHER and len(rows) == 8
    same_in_duckdb(answer)


def test_breakdowns_by_several_and_by_the_person(shop, same_in_duckdb) -> None:
    breakdowns = [{"property": "plan", "type": "person"}, {"property": "event", "type": "event_metadata"}]
    answer = shop.ask("trends", series=[{"event": None}], dateRange=MARCH, breakdownFilter={"breakdowns": breakdowns, "breakdown_limit": 100})
    rows = shop.rows(
        f"""SELECT [coalesce(p.properties->>'$.plan', '{NONE}'), e.event], count(*) FROM events e
        LEFT JOIN persons p ON p.id = e.person_id WHERE {IN_MARCH} GROUP BY 1"""
    )
    shown = {tuple(result["breakdown_value"]): result["count"] for result in answer["results"]}
    assert shown == {tuple(value): count for value, count in rows}
    same_in_duckdb(answer)


FILTERS = [
    ({"key": "$browser", "value": ["Chrome", "Safari"]}, f"{BROWSER} IN ('Chrome', 'Safari')"),
    ({"key": "$browser", "value": "Chrome", "operator": "is_not"}, f"{BROWSER} IS DISTINCT FROM 'Chrome'"),
    ({"key": "$browser", "value": "true"}, f"{BROWSER} = 'true'"),
    ({"key": "$browser", "value": 7}, f"TRY_CAST({BROWSER} AS DOUBLE) = 7"),
    ({"key": "$browser", "value": "CHROME", "operator": "icontains"}, f"{BROWSER} ILIKE '%chrome%'"),
    ({"key": "$browser", "value": "chrome", "operator": "not_icontains"}, f"coalesce({BROWSER} NOT ILIKE '%chrome%', TRUE)"),
    ({"key": "$browser", "value": "^(Chr|S)", "operator": "regex"}, f"regexp_matches({BROWSER}, '^(Chr|S)')"),
    ({"key": "$browser", "value": "o", "operator": "not_regex"}, f"coalesce({BROWSER} NOT LIKE '%o%', TRUE)"),
    ({"key": "$browser", "operator": "is_set"}, f"{BROWSER} IS NOT NULL"),
    ({"key": "$browser", "operator": "is_not_set"}, f"{BROWSER} IS NULL"),
    ({"key": "amount", "value": "19.99", "operator": "gte"}, f"{AMOUNT} >= 19.99"),
    ({"key": "amount", "value": 10, "operator": "lt"}, f"{AMOUNT} < 10"),
    ({"key": "amount", "value": [10, 25], "operator": "between"}, f"{AMOUNT} BETWEEN 10 AND 25"),
    ({"key": "amount", "value": [10, 25], "operator": "not_between"}, f"{AMOUNT} NOT BETWEEN 10 AND 25"),
    (
        {"key": "due", "value": "2026-03-20", "operator": "is_date_before"},
        "(properties->>'$.due')::TIMESTAMPTZ < TIMESTAMPTZ '2026-03-19 23:00:00+00'",
    ),
    (
        {"key": "version", "value": "1.10.0", "operator": "semver_gte"},
        "split(properties->>'$.version', '.')::INT[] >= [1, 10, 0]",
    ),
    (
        {"key": "version", "value": "1.2.*", "operator": "semver_wildcard"},
        "(properties->>'$.version')[:4] = '1.2.'",
    ),
    ({"key": "plan", "value": "pro", "type": "person"}, "person_id IN (SELECT id FROM persons WHERE properties->>'$.plan' = 'pro')"),
    (
        {"key": "plan", "value": "pro", "type": "person", "operator": "is_not"},
        "person_id NOT IN (SELECT id FROM persons WHERE properties->>'$.plan' = 'pro')",
    ),
    ({"key": "distinct_id", "value": "visitor-7", "type": "event_metadata"}, "distinct_id = 'visitor-7'"),
]


@pytest.mark.parametrize(("asked", "condition"), FILTERS, ids=[f"{asked['key']}-{asked.get('operator', 'exact')}-{index}" for index, (asked, _) in enumerate(FILTERS)])
def test_filters(shop, same_in_duckdb, asked: dict, condition: str) -> None:
    answer = shop.ask("trends", series=[{"event": None, "properties": [asked]}], dateRange=MARCH)
    rows = shop.rows(f"SELECT {DAY}, count(*) FROM events WHERE {IN_MARCH} AND ({condition}) GROUP BY 1")
    assert chart(answer["results"][0]) == pairs(rows) != {}
    same_in_duckdb(answer)


def test_groups_of_filters_and_any_of_several_events(shop, same_in_duckdb) -> None:
    both = {"type": "OR", "values": [{"key": "$browser", "value": "Safari"}, {"type": "AND", "values": [{"key": "amount", "value": 10, "operator": "gt"}, {"key": "plan", "value": "pro", "type": "person"}]}]}
    node = {"kind": "GroupNode", "nodes": [{"event": "purchase", "properties": both}, {"event": "sign up"}], "math": "dau"}
    answer = shop.ask("trends", kind="TrendsQuery", series=[node], dateRange=MARCH)
    rows = shop.rows(
        f"""SELECT {DAY}, count(DISTINCT person_id) FROM events WHERE {IN_MARCH} AND (event = 'sign up' OR event = 'purchase' AND
        (coalesce({BROWSER} = 'Safari', FALSE) OR {AMOUNT} > 10 AND person_id IN (SELECT id FROM persons WHERE properties->>'$.plan' = 'pro')))
        GROUP BY 1"""
    )
    assert chart(answer["results"][0]) == pairs(rows)
    same_in_duckdb(answer)


def test_bots_and_test_users_are_left_out(shop, same_in_duckdb) -> None:
    test_users = "person_id IN (SELECT id FROM persons WHERE properties->>'$.email' ILIKE '%@example.com%')"
    bots = """properties->>'$."$bot"' IS NOT NULL"""
    counts = {}
    for name, asked, condition in [
        ("all", {}, "TRUE"),
        ("no bots", {"filterBots": True}, f"NOT ({bots})"),
        ("no test users", {"filterTestAccounts": True}, f"NOT ({test_users})"),
        ("neither", {"filterBots": True, "filterTestAccounts": True}, f"NOT ({bots}) AND NOT ({test_users})"),
    ]:
        answer = shop.ask("trends", series=[{"event": "$pageview"}], dateRange=MARCH, **asked)
        [(count,)] = shop.rows(f"SELECT count(*) FROM events WHERE event = '$pageview' AND {IN_MARCH} AND {condition}")
        assert answer["results"][0]["count"] == count
        counts[name] = count
        same_in_duckdb(answer)
    assert counts["all"] > counts["no bots"] > counts["neither"] and counts["no test users"] > counts["neither"]


def test_single_values(shop, same_in_duckdb) -> None:
    answer = shop.ask("trends", series=[{"event": "purchase", "math": "dau"}], dateRange=MARCH, trendsFilter={"display": "ActionsTable"}, breakdownFilter={"breakdown": "version", "breakdown_limit": 3})
    rows = shop.rows(f"SELECT coalesce(properties->>'$.version', '{NONE}'), count(DISTINCT person_id) FROM events WHERE event = 'purchase' AND {IN_MARCH} GROUP BY 1")
    counts = sorted(((value == NONE, -count, value) for value, count in rows))
    best = [(value, -count) for _, count, value in counts[:3]]
    other = (OTHER, -sum(count for _, count, _ in counts[3:]))
    assert [(result["breakdown_value"], result["aggregated_value"]) for result in answer["results"]] == [*best, other]
    same_in_duckdb(answer)


def test_cumulative_users_are_counted_once(shop, same_in_duckdb) -> None:
    answer = shop.ask("trends", series=[{"event": "purchase", "math": "dau"}], dateRange=MARCH, trendsFilter={"display": "ActionsLineGraphCumulative"})
    [result] = answer["results"]
    [(count,)] = shop.rows(f"SELECT count(DISTINCT person_id) FROM events WHERE event = 'purchase' AND {IN_MARCH}")
    assert result["count"] == result["data"][-1] == count
    assert result["data"] == sorted(result["data"])
    same_in_duckdb(answer)


def test_formulas_and_periods(shop, same_in_duckdb) -> None:
    answer = shop.ask(
        "trends",
        series=[{"event": "purchase"}, {"event": "$pageview"}],
        dateRange={"date_from": "2026-03-20", "date_to": "2026-03-25"},
        compareFilter={"compare": True},
        trendsFilter={"formula": "A / B * 100", "showLegend": True},
    )
    current, previous = answer["results"]
    assert (current["compare_label"], previous["compare_label"]) == ("current", "previous")
    assert (previous["days"][0], previous["days"][-1]) == ("2026-03-14", "2026-03-19")
    for result in (current, previous):
        first, last = result["days"][0], result["days"][-1]
        rows = shop.rows(
            f"SELECT {DAY} AS day, 100 * count(*) FILTER (event = 'purchase') / count(*) FILTER (event = '$pageview') "
            f"FROM events GROUP BY 1 HAVING day BETWEEN '{first}' AND '{last}'"
        )
        assert chart(result) == pairs(rows)
    same_in_duckdb(answer)


def everyone(shop, **request) -> dict[str, float]:
    """All persons behind a point, page by page."""
    found, offset = {}, 0
    while offset is not None:
        request["persons"] |= {"limit": 997, "offset": offset}
        page = shop.ask("trends", **request)
        found |= {person["id"]: person["event_count"] for person in page["persons"]}
        offset = page["next"]
    return found


@pytest.mark.parametrize(
    ("request_", "point", "condition"),
    [
        ({"series": [{"event": "purchase", "math": "dau"}]}, {"day": "2026-03-29"}, f"event = 'purchase' AND {DAY} = '2026-03-29'"),
        ({"series": [{"event": None}, {"event": "sign up"}]}, {"series": 1}, f"event = 'sign up' AND {IN_MARCH}"),
        (
            {"series": [{"event": "purchase"}], "breakdownFilter": {"breakdown": "$browser", "breakdown_limit": 2}},
            {"day": "2026-03-15", "breakdown": OTHER},
            f"event = 'purchase' AND {DAY} = '2026-03-15' AND coalesce(nullif({BROWSER}, ''), '') NOT IN "
            f"(SELECT {BROWSER} FROM events WHERE event = 'purchase' AND nullif({BROWSER}, '') IS NOT NULL AND {IN_MARCH} GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 2)",
        ),
        (
            {"series": [{"event": "purchase", "math": "weekly_active"}]},
            {"day": "2026-03-31"},
            f"event = 'purchase' AND {DAY} BETWEEN '2026-03-25' AND '2026-03-31'",
        ),
    ],
    ids=["day", "series", "other", "looking-back"],
)
def test_the_persons_behind_a_point(shop, request_: dict, point: dict, condition: str) -> None:
    found = everyone(shop, **request_, dateRange=MARCH, persons=point)
    assert found == dict(shop.rows(f"SELECT person_id, count(*) FROM events WHERE {condition} GROUP BY 1")) != {}


def test_what_is_wrong_is_named(shop) -> None:
    series = [{"event": "$pageview"}]
    assert shop.refused("trends", series=[]).startswith("series: ")
    assert shop.refused("trends", series=[{"event": "x", "math": "sum"}]).startswith("series[0].math_property: ")
    assert shop.refused("trends", series=[{"event": "x", "math": "mode"}]).startswith("series[0].math: ")
    assert shop.refused("trends", series=series, dateRange={"date_from": "soon"}).startswith("dateRange.date_from: ")
    assert shop.refused("trends", series=series, properties=[{"key": "a", "operator": "regex", "value": "("}]).startswith("properties[0].value: ")
    assert shop.refused("trends", series=series, trendsFilter={"formula": "A + B"}).startswith("trendsFilter.formula: ")
    assert shop.refused("trends", series=series, aggregation_group_type_index=0).startswith("aggregation_group_type_index: ")
    assert shop.refused("trends", kind="FunnelsQuery", series=series).startswith("kind: ")
    assert shop.post("nothing", {}).status == 404
