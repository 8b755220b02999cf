"""Web analytics and the view of sessions against DuckDB's own answer on the same Parquet, equal to the row."""

import pytest

WEEK = {"date_from": "2026-03-23", "date_to": "2026-03-29"}
ZONE = "timezone('Europe/Berlin', TIMESTAMP '{}')"
CURRENT = (ZONE.format("2026-03-23"), ZONE.format("2026-03-30"))
PREVIOUS = (ZONE.format("2026-03-16"), ZONE.format("2026-03-23"))
NO_BOTS = """(properties->>'$."$bot"' IS NULL)"""
NO_TESTS = "NOT EXISTS (SELECT 1 FROM persons p WHERE p.id = events.person_id AND p.properties->>'$.email' LIKE '%@example.com%')"
FRENCH = "country_code = 'FR'"


def visits(kept: str = "TRUE", period: tuple[str, str] = CURRENT, other: tuple[str, str] = PREVIOUS) -> str:
    """SQL for `visit(s, person, views, seconds, bounced)` of a period, and `near` for all events of sessions."""
    since, until = min(period[0], other[0]), max(period[1], other[1])
    within = f"((timestamp >= {period[0]} AND timestamp < {period[1]}) OR (timestamp >= {other[0]} AND timestamp < {other[1]}))"
    return f"""WITH near AS (
      SELECT *, event IN ('$pageview', '$screen') AS is_page, event IN ('$pageview', '$screen') AND {kept} AND {within} AS is_view FROM events
      WHERE session_id <> '' AND timestamp >= {since} - INTERVAL 24 HOUR AND timestamp < {until} + INTERVAL 24 HOUR
    ), visit AS (
      SELECT session_id AS s, min(person_id) FILTER (is_view) AS person, count(*) FILTER (is_view) AS views,
        date_diff('second', min(timestamp), max(timestamp)) AS seconds,
        count(*) FILTER (is_page OR event = '$autocapture') AS pages,
        CASE WHEN pages > 0 THEN (pages = 1 AND seconds < 10)::INT END AS bounced
      FROM near GROUP BY 1 HAVING count(*) FILTER (is_view) > 0 AND min(timestamp) >= {period[0]} AND min(timestamp) < {period[1]}
    )"""


def overview(shop, **kept) -> list[float]:
    """What DuckDB says of visitors, views, sessions, their length and how many bounce."""
    [row] = shop.rows(f"{visits(**kept)} SELECT count(DISTINCT person), sum(views), count(*), avg(seconds), 100 * avg(bounced) FROM visit")
    return [float(value) for value in row]


def told(answer: dict, member: str = "value") -> list[float]:
    return [item[member] for item in answer["results"]]


def test_the_numbers_of_a_week_and_of_the_one_before(shop, same_in_duckdb) -> None:
    answer = shop.ask("web-overview", dateRange=WEEK, compareFilter={"compare": True})
    assert [item["key"] for item in answer["results"]] == ["visitors", "views", "sessions", "session duration", "bounce rate"]
    now, before = overview(shop), overview(shop, period=PREVIOUS, other=CURRENT)
    assert told(answer) == pytest.approx(now)
    assert told(answer, "previous") == pytest.approx(before)
    assert told(answer, "changeFromPreviousPct") == [round(100 * (new - old) / old) for new, old in zip(now, before, strict=True)]
    assert now[0] < now[2] < now[1] and now[3] > 0 and 0 < now[4] < 100
    same_in_duckdb(answer)


def test_nothing_is_compared_unless_asked_for(shop, same_in_duckdb) -> None:
    answer = shop.ask("web-overview", dateRange=WEEK)
    assert told(answer) == pytest.approx(overview(shop, other=CURRENT))
    assert told(answer, "previous") == [None] * 5
    same_in_duckdb(answer)


@pytest.mark.parametrize(
    ("toggles", "kept"),
    [
        ({"filterBots": True}, NO_BOTS),
        ({"filterTestAccounts": True}, NO_TESTS),
        ({"properties": [{"key": "$geoip_country_code", "value": "FR", "operator": "exact", "type": "event"}]}, FRENCH),
    ],
)
def test_filters_are_on_views_and_sessions_are_whole(shop, same_in_duckdb, toggles: dict, kept: str) -> None:
    answer = shop.ask("web-overview", dateRange=WEEK, **toggles)
    assert told(answer) == pytest.approx(overview(shop, kept=kept, other=CURRENT))
    same_in_duckdb(answer)


def edge(value: str, direction: str) -> str:
    """SQL for what each session began or ended with."""
    return f"""(SELECT session_id AS s, {value} AS value FROM near WHERE {value} <> ''
      QUALIFY row_number() OVER (PARTITION BY session_id ORDER BY is_page DESC, timestamp {direction}, {value}) = 1)"""


COUNTED = "count(DISTINCT person), sum(n), count(*), avg(bounced)"
WHOLE = "count(DISTINCT person), sum(views), count(*), avg(bounced)"
OF_VIEWS = {
    "Host": "host",
    "Browser": "browser",
    "DeviceType": "device_type",
    "Country": "country_code",
    "ScreenName": """(properties->>'$."$screen_name"')""",
    "Region": "CASE WHEN region <> '' THEN coalesce(country_code, '') || chr(31) || region END",
    "City": "CASE WHEN city <> '' THEN coalesce(country_code, '') || chr(31) || city END",
}
OF_SESSIONS = {
    "InitialPage": ("pathname", "ASC", None),
    "ExitPage": ("pathname", "DESC", None),
    "InitialReferringDomain": ("referring_domain", "ASC", None),
    "InitialReferringURL": ("regexp_extract(referrer, '^[^?#]*')", "ASC", None),
    "InitialUTMSource": ("utm_source", "ASC", "NULL"),
    "InitialChannelType": ("""(properties->>'$."$channel_type"')""", "ASC", "'Unknown'"),
}


def expected(shop, breakdown: str, **of) -> dict:
    """The rows of a table: visitors, views, sessions and how many bounce."""
    if breakdown == "Page":
        bounces = f"(SELECT value, avg(bounced) AS rate FROM visit JOIN {edge('pathname', 'ASC')} USING (s) GROUP BY 1)"
        views = "(SELECT session_id AS s, pathname AS value, count(*) AS n FROM near WHERE is_view AND pathname <> '' GROUP BY 1, 2)"
        statement = f"SELECT v.value, count(DISTINCT person), sum(n), count(*), any_value(rate) FROM visit JOIN {views} v USING (s) LEFT JOIN {bounces} b ON b.value = v.value GROUP BY 1"
    elif breakdown in OF_VIEWS:
        value = OF_VIEWS[breakdown]
        views = f"(SELECT session_id AS s, {value} AS value, count(*) AS n FROM near WHERE is_view AND {value} <> '' GROUP BY 1, 2)"
        statement = f"SELECT value, {COUNTED} FROM visit JOIN {views} USING (s) GROUP BY 1"
    else:
        value, direction, none = OF_SESSIONS[breakdown]
        join = "JOIN" if none is None else "LEFT JOIN"
        statement = f"SELECT coalesce(value, {none or 'NULL'}), {WHOLE} FROM visit {join} {edge(value, direction)} USING (s) GROUP BY 1"
    return {value: (visitors, float(views), sessions, rate) for value, visitors, views, sessions, rate in shop.rows(f"{visits(**of)} {statement}")}


def shown(rows: list[dict]) -> dict:
    def value(row: dict) -> str | None:
        named = row["breakdown_value"]
        return "\x1f".join(named) if isinstance(named, list) else named

    return {value(row): (row["visitors"], row["views"], row["sessions"], row["bounce_rate"]) for row in rows}


@pytest.mark.parametrize("breakdown", ["Page", *OF_VIEWS, *OF_SESSIONS])
def test_tables_by_everything(shop, same_in_duckdb, breakdown: str) -> None:
    answer = shop.ask("web-table", breakdownBy=breakdown, dateRange=WEEK, limit=10_000)
    found, rows = shown(answer["results"]), expected(shop, breakdown, other=CURRENT)
    assert found.keys() == rows.keys() and found
    for value, numbers in rows.items():
        assert found[value] == pytest.approx(numbers), value
    order = [(-row["visitors"], -row["views"]) for row in answer["results"]]
    assert order == sorted(order) and not answer["hasMore"]
    same_in_duckdb(answer)


def test_tables_compare_and_are_sorted_as_asked(shop, same_in_duckdb) -> None:
    asked = {"breakdownBy": "Country", "dateRange": WEEK, "compareFilter": {"compare": True}}
    answer = shop.ask("web-table", **asked, orderBy=["Views", "ASC"], limit=2)
    before = expected(shop, "Country", period=PREVIOUS, other=CURRENT)
    for row in answer["results"]:
        previous = row["previous"]
        assert (previous["visitors"], previous["views"], previous["sessions"], previous["bounce_rate"]) == pytest.approx(before[row["breakdown_value"]])
    assert answer["hasMore"] and answer["results"][0]["views"] <= answer["results"][1]["views"]
    [third] = shop.ask("web-table", **asked, orderBy=["Views", "ASC"], limit=1, offset=2)["results"]
    assert third["views"] >= answer["results"][1]["views"]
    same_in_duckdb(answer)


def test_the_overview_answers_tables_as_well(shop) -> None:
    several = shop.ask("web-overview", dateRange=WEEK, tables=["Page", "InitialUTMSource", "Country"], limit=5)["tables"]
    for breakdown, rows in several.items():
        assert rows == shop.ask("web-table", breakdownBy=breakdown, dateRange=WEEK, limit=5)["results"]
    assert sorted(several) == ["Country", "InitialUTMSource", "Page"]


def test_the_persons_behind_a_row(shop) -> None:
    found, offset = set(), 0
    while offset is not None:
        point = {"breakdown": "FR", "limit": 1000, "offset": offset}
        page = shop.ask("web-table", breakdownBy="Country", dateRange=WEEK, persons=point)
        found |= {person["id"] for person in page["persons"]}
        offset = page["next"]
    views = "(SELECT DISTINCT session_id AS s FROM near WHERE is_view AND country_code = 'FR')"
    assert found == {person for (person,) in shop.rows(f"{visits(other=CURRENT)} SELECT DISTINCT person FROM visit JOIN {views} USING (s)")} != set()


def test_who_is_here_now(shop) -> None:
    assert shop.ask("web-overview", dateRange=WEEK)["visitors_now"] == 0


def test_what_is_wrong_with_web_analytics_is_named(shop) -> None:
    assert shop.refused("web-table", dateRange=WEEK).startswith("body: missing field `breakdownBy`")
    assert shop.refused("web-table", breakdownBy="Sky").startswith("breakdownBy: ")
    assert shop.refused("web-table", breakdownBy="Page", limit=0).startswith("limit: ")
    assert shop.refused("web-overview", tables=["Page"] * 13).startswith("tables: ")
    assert shop.refused("web-overview", persons={"compare": "previous"}).startswith("persons.compare: ")
    assert shop.refused("web-overview", conversionGoal={"customEventName": "x"}).startswith("conversionGoal: ")


def test_sessions_in_sql(shop, same_in_duckdb) -> None:
    names = "entry_current_url, entry_host, entry_pathname, exit_current_url, exit_pathname, entry_referrer, entry_referring_domain, entry_utm_source, channel_type"
    counts = "duration, pageview_count, screen_count, autocapture_count, event_count, is_bounce"
    some = f"SELECT session_id, person_id, distinct_id, start_timestamp, end_timestamp, {names}, {counts} FROM sessions WHERE session_id LIKE '%00a7' OR session_id LIKE 'session-1%7'"
    grouped = "SELECT channel_type, is_bounce, count(*) AS sessions, sum(duration) AS seconds, count(DISTINCT entry_pathname) AS pages FROM sessions GROUP BY 1, 2"
    same_in_duckdb({"sql": [some, grouped]})
    [row] = shop.server.query("SELECT count(*) AS sessions, sum(duration) AS seconds, count(*) FILTER (WHERE is_bounce) AS bounced FROM sessions")
    [(sessions, seconds, bounced)] = shop.rows(
        """SELECT count(*), sum(seconds), count(*) FILTER (pages = 1 AND seconds < 10) FROM (
        SELECT date_diff('second', min(timestamp), max(timestamp)) AS seconds, count(*) FILTER (event IN ('$pageview', '$screen', '$autocapture')) AS pages
        FROM events WHERE session_id <> '' GROUP BY session_id)"""
    )
    assert (row["sessions"], row["seconds"], row["bounced"]) == (sessions, seconds, bounced)
