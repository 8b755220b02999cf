"""Funnels against DuckDB's own answer on the same Parquet, equal to the row."""

import math

import pytest

MARCH = {"date_from": "2026-03-05", "date_to": "2026-03-31"}
SINCE, UNTIL = "timezone('Europe/Berlin', TIMESTAMP '2026-03-05')", "timezone('Europe/Berlin', TIMESTAMP '2026-04-01')"
STEPS = ["sign up", "purchase", "$autocapture"]
SERIES = [{"event": event} for event in STEPS]
VALUE = """nullif(properties->>'$."$browser"', '')"""
SEEN = f"""seen AS (
  SELECT person_id AS p, timestamp AS t, event, {VALUE} AS value FROM events
  WHERE event IN ('sign up', 'purchase', '$autocapture') AND timestamp >= {SINCE} AND timestamp < {UNTIL}
)"""


def ways(hours: int) -> str:
    """Every beginning, and when the steps after it came first."""
    window = f"INTERVAL {hours} HOUR"
    return f"""WITH {SEEN},
    one AS (SELECT DISTINCT p, t AS t1 FROM seen WHERE event = 'sign up'),
    two AS (SELECT one.p, t1, min(t) AS t2 FROM one JOIN seen ON seen.p = one.p AND event = 'purchase'
      AND t BETWEEN t1 AND t1 + {window} GROUP BY 1, 2),
    three AS (SELECT two.p, t1, any_value(t2) AS t2, min(t) AS t3 FROM two JOIN seen ON seen.p = two.p AND event = '$autocapture'
      AND t BETWEEN t2 AND t1 + {window} GROUP BY 1, 2),
    reached AS (SELECT p, 1 + (p IN (SELECT p FROM two))::INT + (p IN (SELECT p FROM three))::INT AS steps FROM (SELECT DISTINCT p FROM one))
    """


@pytest.mark.parametrize("hours", [6, 30, 24 * 14])
def test_steps_in_their_order(shop, hours: int) -> None:
    chosen = {"funnelWindowInterval": hours, "funnelWindowIntervalUnit": "hour"}
    results = shop.ask("funnels", series=SERIES, dateRange=MARCH, funnelsFilter=chosen)["results"]
    [counts] = shop.rows(f"{ways(hours)} SELECT (SELECT count(DISTINCT p) FROM one), (SELECT count(DISTINCT p) FROM two), (SELECT count(DISTINCT p) FROM three)")
    assert [step["count"] for step in results] == list(counts)
    assert counts[0] > counts[1] > counts[2] > 0


def test_times_to_convert_are_those_of_the_first_way_that_gets_farthest(shop) -> None:
    chosen = {"funnelWindowInterval": 30, "funnelWindowIntervalUnit": "hour"}
    results = shop.ask("funnels", series=SERIES, dateRange=MARCH, funnelsFilter=chosen)["results"]
    best = f"""{ways(30)},
    ends AS (SELECT p, min(t3) AS last FROM three GROUP BY 1),
    of_three AS (SELECT p, max(t1) AS t1 FROM three JOIN ends USING (p) WHERE t3 = last GROUP BY 1),
    halts AS (SELECT p, min(t2) AS last FROM two WHERE p NOT IN (SELECT p FROM three) GROUP BY 1),
    of_two AS (SELECT p, max(t1) AS t1 FROM two JOIN halts USING (p) WHERE t2 = last GROUP BY 1),
    took AS (
      SELECT (epoch_us(t2) - epoch_us(t1)) / 1e6 AS second, (epoch_us(t3) - epoch_us(t2)) / 1e6 AS third FROM three JOIN of_three USING (p, t1)
      UNION ALL SELECT (epoch_us(t2) - epoch_us(t1)) / 1e6, NULL FROM two JOIN of_two USING (p, t1)
    )"""
    for step, column in [(1, "second"), (2, "third")]:
        [(average, median)] = shop.rows(f"{best} SELECT avg({column}), median({column}) FROM took WHERE {column} > 0")
        assert results[step]["average_conversion_time"] == pytest.approx(average)
        assert results[step]["median_conversion_time"] == pytest.approx(median)
    assert results[0]["average_conversion_time"] is None


def everyone(shop, point: dict, **request) -> set[str]:
    """All persons behind a step, page by page."""
    found, offset = set(), 0
    while offset is not None:
        page = shop.ask("funnels", series=SERIES, dateRange=MARCH, **request, persons=point | {"limit": 1000, "offset": offset})
        found |= {person["id"] for person in page["persons"]}
        offset = page["next"]
    return found


@pytest.mark.parametrize(("step", "condition"), [(1, "steps >= 1"), (2, "steps >= 2"), (3, "steps = 3"), (-2, "steps = 1"), (-3, "steps = 2")])
def test_who_gets_to_a_step_and_who_drops_off(shop, step: int, condition: str) -> None:
    chosen = {"funnelWindowInterval": 30, "funnelWindowIntervalUnit": "hour"}
    found = everyone(shop, {"funnelStep": step}, funnelsFilter=chosen)
    assert found == {person for (person,) in shop.rows(f"{ways(30)} SELECT p FROM reached WHERE {condition}")} != set()


@pytest.mark.parametrize(("attribution", "touched"), [("first_touch", "min(struct_pack(t := epoch_us(t), v := value))"), ("last_touch", "min(struct_pack(t := -epoch_us(t), v := value))")])
def test_values_are_those_of_the_first_or_last_event_that_has_one(shop, attribution: str, touched: str) -> None:
    chosen = {"funnelWindowInterval": 30, "funnelWindowIntervalUnit": "hour", "breakdownAttributionType": attribution}
    answer = shop.ask("funnels", series=SERIES, dateRange=MARCH, funnelsFilter=chosen, breakdownFilter={"breakdown": "$browser"})
    shown = {steps[0]["breakdown_value"]: [step["count"] for step in steps] for steps in answer["results"]}
    rows = shop.rows(
        f"""{ways(30)}, touched AS (SELECT p, {touched}.v AS value FROM seen WHERE value IS NOT NULL GROUP BY 1)
        SELECT coalesce(value, '$$_posthog_breakdown_null_$$'), count(*), count(*) FILTER (steps > 1), count(*) FILTER (steps > 2)
        FROM reached LEFT JOIN touched USING (p) GROUP BY 1"""
    )
    assert shown == {value: list(counts) for value, *counts in rows}


def test_steps_in_any_order(shop) -> None:
    chosen = {"funnelOrderType": "unordered", "funnelWindowInterval": 30, "funnelWindowIntervalUnit": "hour"}
    results = shop.ask("funnels", series=SERIES, dateRange=MARCH, funnelsFilter=chosen)["results"]
    rows = shop.rows(
        f"""WITH {SEEN}, together AS (SELECT a.p, a.t, count(DISTINCT b.event) AS steps FROM seen a
        JOIN seen b ON a.p = b.p AND b.t BETWEEN a.t - INTERVAL 30 HOUR AND a.t GROUP BY 1, 2),
        reached AS (SELECT p, max(steps) AS steps FROM together GROUP BY 1)
        SELECT count(*), count(*) FILTER (steps > 1), count(*) FILTER (steps > 2) FROM reached"""
    )
    assert [step["count"] for step in results] == list(rows[0])


def test_nothing_but_the_same_again_may_lie_between_strict_steps(shop) -> None:
    chosen = {"funnelOrderType": "strict", "funnelWindowInterval": 60}
    found = everyone(shop, {"funnelStep": 3}, funnelsFilter=chosen)
    everything = f"SELECT person_id AS p, timestamp AS t, event FROM events WHERE timestamp >= {SINCE} AND timestamp < {UNTIL}"
    rows = shop.rows(
        f"""WITH seen AS ({everything}), tied AS (SELECT DISTINCT p FROM seen GROUP BY p, t HAVING count(*) > 1),
        changes AS (SELECT * FROM (SELECT *, lag(event) OVER (PARTITION BY p ORDER BY t) AS before FROM seen WHERE p NOT IN (FROM tied))
          WHERE event IS DISTINCT FROM before),
        placed AS (SELECT p, event, lead(event) OVER w AS second, lead(event, 2) OVER w AS third
          FROM changes WINDOW w AS (PARTITION BY p ORDER BY t))
        SELECT DISTINCT p FROM placed WHERE event = 'sign up' AND second = 'purchase' AND third = '$autocapture'"""
    )
    tied = {person for (person,) in shop.rows(f"SELECT DISTINCT p FROM ({everything}) GROUP BY p, t HAVING count(*) > 1")}
    assert found - tied == {person for (person,) in rows} != set()


CHOSEN = {"funnelWindowInterval": 30, "funnelWindowIntervalUnit": "hour"}


@pytest.mark.parametrize("attribution", ["first_touch", "last_touch"])
@pytest.mark.parametrize("breakdown", [None, {"breakdown": "$browser", "breakdown_limit": 1000}])
def test_sql_says_the_same(shop, same_in_duckdb, attribution: str, breakdown: dict | None) -> None:
    more = {"breakdownFilter": breakdown} if breakdown else {}
    answer = shop.ask("funnels", series=SERIES, dateRange=MARCH, funnelsFilter=CHOSEN | {"breakdownAttributionType": attribution}, **more)
    rows = shop.duckdb.execute(answer["sql"][0]).fetchall()
    funnels = answer["results"] if breakdown else [answer["results"]]
    shown = {tuple([steps[0]["breakdown_value"]] if breakdown else []) + tuple(step["count"] for step in steps) for steps in funnels}
    assert shown == {tuple(int(value) if place >= bool(breakdown) else value for place, value in enumerate(row)) for row in rows} != set()
    same_in_duckdb(answer)


def test_a_person_counts_with_each_value_of_a_step(shop) -> None:
    chosen = CHOSEN | {"breakdownAttributionType": "step", "breakdownAttributionValue": 1}
    answer = shop.ask("funnels", series=SERIES, dateRange=MARCH, funnelsFilter=chosen, breakdownFilter={"breakdown": "$browser", "breakdown_limit": 1000})
    shown = {steps[0]["breakdown_value"]: [step["count"] for step in steps] for steps in answer["results"]}
    none, window = "$$_posthog_breakdown_null_$$", "INTERVAL 30 HOUR"
    rows = shop.rows(
        f"""WITH {SEEN}, valued AS (SELECT DISTINCT p, coalesce(value, '{none}') AS v FROM seen WHERE event = 'purchase'),
        named AS (SELECT p, v FROM valued UNION SELECT p, '{none}' FROM seen WHERE p NOT IN (SELECT p FROM valued)),
        one AS (SELECT DISTINCT named.p, v, t AS t1 FROM named JOIN seen ON seen.p = named.p AND event = 'sign up'),
        two AS (SELECT one.p, v, t1, min(t) AS t2 FROM one JOIN seen ON seen.p = one.p AND event = 'purchase' AND coalesce(value, '{none}') = v
          AND t BETWEEN t1 AND t1 + {window} GROUP BY 1, 2, 3),
        three AS (SELECT two.p, v, t1 FROM two JOIN seen ON seen.p = two.p AND event = '$autocapture' AND t BETWEEN t2 AND t1 + {window} GROUP BY 1, 2, 3)
        SELECT v, count(DISTINCT one.p), (SELECT count(DISTINCT p) FROM two WHERE two.v = one.v), (SELECT count(DISTINCT p) FROM three WHERE three.v = one.v)
        FROM one GROUP BY 1"""
    )
    assert shown == {value: list(counts) for value, *counts in rows}


def test_each_value_has_a_funnel_of_its_own_events(shop) -> None:
    chosen = CHOSEN | {"breakdownAttributionType": "all_events"}
    answer = shop.ask("funnels", series=SERIES, dateRange=MARCH, funnelsFilter=chosen, breakdownFilter={"breakdown": "$browser", "breakdown_limit": 1000})
    shown = {steps[0]["breakdown_value"]: [step["count"] for step in steps] for steps in answer["results"]}
    with_value = f"coalesce({VALUE}, '$$_posthog_breakdown_null_$$') AS value"
    apart = ways(30).replace("person_id AS p", f"person_id || chr(31) || coalesce({VALUE}, '') AS p").replace(f"{VALUE} AS value", with_value)
    rows = shop.rows(
        f"""{apart}, of AS (SELECT DISTINCT p, value FROM seen)
        SELECT value, count(*), count(*) FILTER (steps > 1), count(*) FILTER (steps > 2) FROM reached JOIN of USING (p) GROUP BY 1"""
    )
    assert shown == {value: list(counts) for value, *counts in rows}


def test_who_meets_an_exclusion_is_left_out(shop) -> None:
    exclusion = {"event": "$screen", "funnelFromStep": 0, "funnelToStep": 1}
    window = {"funnelWindowInterval": 14}
    chosen = window | {"exclusions": [exclusion]}
    found = everyone(shop, {"funnelStep": 2}, funnelsFilter=chosen)
    seen = SEEN.replace("'$autocapture')", "'$autocapture', '$screen')")
    # Of those who sign up and buy once only, and do nothing else at the same moment, it is plain who meets it in between.
    plain = f"""WITH {seen}, once AS (SELECT p, any_value(t) FILTER (event = 'sign up') AS t1, any_value(t) FILTER (event = 'purchase') AS t2 FROM seen
      GROUP BY p HAVING count(*) FILTER (event = 'sign up') = 1 AND count(*) FILTER (event = 'purchase') = 1 AND count(*) = count(DISTINCT t)),
      meets AS (SELECT DISTINCT once.p FROM once JOIN seen ON seen.p = once.p AND event = '$screen' AND t BETWEEN t1 AND t2)"""
    both = "SELECT p FROM once WHERE t2 BETWEEN t1 AND t1 + INTERVAL 14 DAY"
    everyone_plain = {person for (person,) in shop.rows(f"{plain} SELECT p FROM once")}
    assert found & everyone_plain == {person for (person,) in shop.rows(f"{plain} {both} AND p NOT IN (FROM meets)")} != set()
    assert shop.rows(f"{plain} SELECT count(*) FROM ({both} AND p IN (FROM meets))")[0][0] > 0
    assert found < everyone(shop, {"funnelStep": 2}, funnelsFilter=window)


def test_how_many_of_those_who_begin_on_a_day_convert(shop) -> None:
    answer = shop.ask("funnels", series=SERIES, dateRange=MARCH, funnelsFilter=CHOSEN | {"funnelVizType": "trends"})
    [line] = answer["results"]
    day = "strftime(timezone('Europe/Berlin', t1), '%Y-%m-%d')"
    began = dict(shop.rows(f"{ways(30)} SELECT {day}, count(DISTINCT p) FROM one GROUP BY 1"))
    ended = dict(shop.rows(f"{ways(30)} SELECT {day}, count(DISTINCT p) FROM three GROUP BY 1"))
    assert line["reached_from_step_count"] == [began.get(day, 0) for day in line["days"]]
    assert line["reached_to_step_count"] == [ended.get(day, 0) for day in line["days"]]
    rates = [round(100 * ended.get(day, 0) / began[day], 2) if day in began else 0 for day in line["days"]]
    assert line["data"] == pytest.approx(rates, abs=0.011) and sum(line["reached_to_step_count"]) > 0
    best = max(ended, key=ended.get)
    found = everyone(shop, {"day": best}, funnelsFilter=CHOSEN | {"funnelVizType": "trends"})
    assert found == {person for (person,) in shop.rows(f"{ways(30)} SELECT DISTINCT p FROM three WHERE {day} = '{best}'")}


def test_some_steps_of_a_funnel_over_time(shop) -> None:
    chosen = CHOSEN | {"funnelVizType": "trends", "funnelFromStep": 1, "funnelToStep": 2}
    [line] = shop.ask("funnels", series=SERIES, dateRange=MARCH, interval="week", funnelsFilter=chosen)["results"]
    week = "strftime(date_trunc('week', timezone('Europe/Berlin', t1) + INTERVAL 1 DAY) - INTERVAL 1 DAY, '%Y-%m-%d')"
    began = dict(shop.rows(f"{ways(30)} SELECT {week}, count(DISTINCT p) FROM two GROUP BY 1"))
    ended = dict(shop.rows(f"{ways(30)} SELECT {week}, count(DISTINCT p) FROM three GROUP BY 1"))
    assert line["reached_from_step_count"] == [began.get(day, 0) for day in line["days"]]
    assert line["reached_to_step_count"] == [ended.get(day, 0) for day in line["days"]]


@pytest.mark.parametrize("bars", [None, 7])
def test_how_long_it_takes_to_convert(shop, bars: int | None) -> None:
    chosen = CHOSEN | {"funnelVizType": "time_to_convert"} | ({"binCount": bars} if bars else {})
    results = shop.ask("funnels", series=SERIES, dateRange=MARCH, funnelsFilter=chosen)["results"]
    rows = shop.rows(
        f"""{ways(30)}, ends AS (SELECT p, min(t3) AS last FROM three GROUP BY 1),
        took AS (SELECT three.p, (epoch_us(min(t3)) - epoch_us(max(t1))) / 1e6 AS took FROM three JOIN ends USING (p) WHERE t3 = last GROUP BY 1)
        SELECT took FROM took"""
    )
    took = [seconds for (seconds,) in rows]
    count = bars or max(1, min(60, math.ceil(len(took) ** (1 / 3))))
    least, most = math.floor(min(took)), math.ceil(max(took))
    width = math.ceil((most - least) / count) or 60
    counts = [sum(least + place * width <= seconds < least + (place + 1) * width for seconds in took) for place in range(count + 1)]
    assert results["bins"] == [[least + place * width, number] for place, number in enumerate(counts)]
    assert results["average_conversion_time"] == pytest.approx(sum(took) / len(took)) and len(took) > 10


def test_what_is_wrong_with_a_funnel_is_named(shop) -> None:
    assert shop.refused("funnels", series=SERIES[:1]).startswith("series: ")
    assert shop.refused("funnels", series=SERIES, funnelsFilter={"funnelOrderType": "any"}).startswith("funnelsFilter.funnelOrderType: ")
    assert shop.refused("funnels", series=SERIES, funnelsFilter={"exclusions": [{"event": "x"}]}).startswith("funnelsFilter.exclusions[0].funnelToStep: ")
    assert shop.refused("funnels", series=SERIES, funnelsFilter={"funnelToStep": 3}).startswith("funnelsFilter.funnelToStep: ")
    assert shop.refused("funnels", series=SERIES, funnelsFilter={"breakdownAttributionValue": 3}).startswith("funnelsFilter.breakdownAttributionValue: ")
    assert shop.refused("funnels", series=SERIES, persons={"funnelStep": -1}).startswith("persons.funnelStep: ")
