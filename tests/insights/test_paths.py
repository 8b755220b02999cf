"""Paths against DuckDB's own answer on the same Parquet, equal to the row."""

from itertools import groupby, pairwise

import pytest

DATES = {"date_from": "2026-03-25", "date_to": "2026-03-31"}
SINCE, UNTIL = "timezone('Europe/Berlin', TIMESTAMP '2026-03-25')", "timezone('Europe/Berlin', TIMESTAMP '2026-04-01')"
ITEM = """CASE event WHEN '$pageview' THEN regexp_replace(coalesce(current_url, ''), '(.)/$', '\\1')
  WHEN '$screen' THEN coalesce(properties->>'$."$screen_name"', '') ELSE event END"""
HALF_AN_HOUR = 30 * 60 * 1_000_000


def visits(shop, where: str = "TRUE", item: str = ITEM, kept: str = "TRUE") -> list[tuple[str, list[tuple[str, int]]]]:
    """Whose, and the items of each visit with the moments of the last of those that are the same."""
    rows = shop.rows(
        f"""SELECT person_id, item, moment FROM (SELECT person_id, {item} AS item, epoch_us(timestamp) AS moment FROM events
        WHERE timestamp >= {SINCE} AND timestamp < {UNTIL} AND {kept}) AS seen WHERE {where} ORDER BY person_id, moment, item"""
    )
    found = []
    for person, events in groupby(rows, key=lambda row: row[0]):
        visit: list[tuple[str, int]] = []
        for _, item, at in events:
            if visit and at - visit[-1][1] >= HALF_AN_HOUR:
                found.append((person, visit))
                visit = []
            visit.append((item, at))
        found.append((person, visit))
    return [(person, compact(visit)) for person, visit in found]


def compact(visit: list[tuple[str, int]]) -> list[tuple[str, int]]:
    following = [item for item, _ in visit[1:]] + [""]
    return [step for step, after in zip(visit, following, strict=True) if step[0] != after]


def edges(paths: list[list[tuple[str, int]]], limit: int = 50) -> list[tuple]:
    """The edges with the most."""
    counted: dict[tuple[str, str], list[int]] = {}
    for path in paths:
        for step, ((source, began), (target, ended)) in enumerate(pairwise(path), 1):
            counted.setdefault((f"{step}_{source}", f"{step + 1}_{target}"), []).append(ended - began)
    rows = [(source, target, len(took), sum(took) / len(took) / 1e3) for (source, target), took in counted.items()]
    return sorted(rows, key=lambda row: (-row[2], row[0], row[1]))[:limit]


def shown(answer: dict) -> list[tuple]:
    return [(edge["source"], edge["target"], edge["value"], edge["average_conversion_time"]) for edge in answer["results"]]


def check(found: list[tuple], rows: list[tuple]) -> None:
    """Of edges that are far down some may lack the ones that lead to them."""
    reached = {source for source, *_ in rows if source.startswith("1_")}
    for _ in rows:
        reached |= {target for source, target, *_ in rows if source in reached}
    rows = [row for row in rows if row[0] in reached]
    assert [row[:3] for row in found] == [row[:3] for row in rows] and rows
    assert [row[3] for row in found] == pytest.approx([row[3] for row in rows])


def test_the_first_steps_of_visits(shop, same_in_duckdb) -> None:
    answer = shop.ask("paths", dateRange=DATES)
    check(shown(answer), edges([visit[:5] for _, visit in visits(shop)]))
    same_in_duckdb(answer)


def test_bots_and_test_users_can_be_left_out(shop, same_in_duckdb) -> None:
    answer = shop.ask("paths", dateRange=DATES, filterBots=True, filterTestAccounts=True)
    kept = """(properties->>'$."$bot"' IS NULL) AND NOT EXISTS (SELECT 1 FROM persons p WHERE p.id = events.person_id AND p.properties->>'$.email' LIKE '%@example.com%')"""
    check(shown(answer), edges([visit[:5] for _, visit in visits(shop, kept=kept)]))
    same_in_duckdb(answer)


def test_from_a_start(shop, same_in_duckdb) -> None:
    answer = shop.ask("paths", dateRange=DATES, pathsFilter={"startPoint": "purchase", "stepLimit": 3, "edgeLimit": 20})
    begun = [next((visit[place:] for place, step in enumerate(visit) if step[0] == "purchase"), []) for _, visit in visits(shop)]
    check(shown(answer), edges([visit[:3] for visit in begun], 20))
    same_in_duckdb(answer)


def until(visit: list[tuple[str, int]], item: str) -> list[tuple[str, int]]:
    """A visit to the first such item."""
    return next((visit[: place + 1] for place, step in enumerate(visit) if step[0] == item), [])


def test_to_an_end_without_its_slash(shop, same_in_duckdb) -> None:
    address = "https://shop.example/p/3"
    answer = shop.ask("paths", dateRange=DATES, pathsFilter={"endPoint": f"{address}/", "stepLimit": 3})
    check(shown(answer), edges([until(visit, address)[-3:] for _, visit in visits(shop)]))
    same_in_duckdb(answer)


@pytest.mark.parametrize("steps", [2, 3])
def test_between_two_points_the_middle_is_cut_out(shop, same_in_duckdb, steps: int) -> None:
    chosen = {"startPoint": "$autocapture", "endPoint": "purchase", "stepLimit": steps, "edgeLimit": 500}
    answer = shop.ask("paths", dateRange=DATES, pathsFilter=chosen)
    paths = []
    for _, visit in visits(shop):
        begun = next((visit[place:] for place, step in enumerate(visit) if step[0] == "$autocapture"), [])
        path, half = until(begun, "purchase"), steps // 2
        paths.append(path if len(path) <= steps else [*path[:half], ("...", path[half][1]), *path[-half:]])
    check(shown(answer), edges(paths, 500))
    assert any("..." in edge["target"] for edge in answer["results"])
    same_in_duckdb(answer)


def test_some_kinds_of_events_alone(shop, same_in_duckdb) -> None:
    chosen = {"includeEventTypes": ["$pageview", "custom_event"], "excludeEvents": ["sign up", "https://shop.example/p/0"]}
    answer = shop.ask("paths", dateRange=DATES, pathsFilter=chosen)
    kept = "item NOT IN ('sign up', 'https://shop.example/p/0', '$autocapture', '$screen', '$exception', '$identify')"
    kept += " AND (item = 'purchase' OR item = '' OR item LIKE 'https:%')"
    paths = visits(shop, kept, ITEM.replace("coalesce(properties->>'$.\"$screen_name\"', '')", "'$screen'"))
    check(shown(answer), edges([visit[:5] for _, visit in paths]))
    same_in_duckdb(answer)


def test_items_are_cleaned_and_then_grouped(shop, same_in_duckdb) -> None:
    chosen = {
        "includeEventTypes": ["$pageview", "custom_event"],
        "localPathCleaningFilters": [{"regex": "https://shop.example", "alias": "shop"}, {"regex": "/([0-9])[0-9]*$", "alias": "/\\1…"}],
        "pathGroupings": ["/p/1*", "sign (up)", "shop/p/2*"],
    }
    answer = shop.ask("paths", dateRange=DATES, pathsFilter=chosen)
    cleaned = f"regexp_replace(regexp_replace({ITEM}, 'https://shop.example', 'shop', 'g'), '/([0-9])[0-9]*$', '/\\1…', 'g')"
    grouped = f"CASE WHEN contains({cleaned}, '/p/1') THEN '/p/1*' WHEN contains({cleaned}, 'shop/p/2') THEN 'shop/p/2*' ELSE {cleaned} END"
    grouped = f"CASE WHEN event IN ('$pageview', 'sign up', 'purchase') THEN {grouped} END"
    check(shown(answer), edges([visit[:5] for _, visit in visits(shop, "item IS NOT NULL", grouped)]))
    same_in_duckdb(answer)


def test_edges_that_are_gone_too_rarely_or_too_often_are_left_out(shop, same_in_duckdb) -> None:
    rows = edges([visit[:5] for _, visit in visits(shop)], 10_000)
    most, least = rows[3][2], rows[30][2]
    answer = shop.ask("paths", dateRange=DATES, pathsFilter={"minEdgeWeight": least, "maxEdgeWeight": most, "edgeLimit": 10_000})
    check(shown(answer), [row for row in rows if least <= row[2] <= most])
    same_in_duckdb(answer)


@pytest.mark.parametrize("point", ["edge", "end", "halt"])
def test_the_persons_behind_an_edge_or_a_halt(shop, point: str) -> None:
    source, target, *_ = edges([visit[:5] for _, visit in visits(shop)])[0]
    point = {"edge": {"pathStartKey": source, "pathEndKey": target}, "end": {"pathEndKey": target}, "halt": {"pathDropoffKey": target}}[point]
    found, offset = [], 0
    while offset is not None:
        page = shop.ask("paths", dateRange=DATES, persons=point | {"limit": 1000, "offset": offset})
        found += [(person["id"], person["event_count"]) for person in page["persons"]]
        offset = page["next"]
    counts: dict[str, int] = {}
    for person, visit in visits(shop):
        keys = [f"{step}_{item}" for step, (item, _) in enumerate(visit[:5], 1)]
        if "pathDropoffKey" in point:
            times = int(keys[-1:] == [target])
        else:
            times = sum(to == target and point.get("pathStartKey", of) == of for of, to in pairwise([None, *keys]))
        if times:
            counts[person] = counts.get(person, 0) + times
    assert found == sorted(counts.items(), key=lambda row: (-row[1], row[0])) != []


def test_what_is_wrong_with_paths_is_named(shop) -> None:
    assert shop.refused("paths", pathsFilter={"stepLimit": 0}).startswith("pathsFilter.stepLimit: ")
    assert shop.refused("paths", pathsFilter={"includeEventTypes": ["hogql"]}).startswith("pathsFilter.includeEventTypes[0]: ")
    assert shop.refused("paths", pathsFilter={"localPathCleaningFilters": [{"regex": "(", "alias": ""}]}).startswith("pathsFilter.localPathCleaningFilters[0].regex: ")
    assert shop.refused("paths", funnelPathsFilter={}).startswith("funnelPathsFilter: ")
