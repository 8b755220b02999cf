"""`hogflare import posthog`, against a stand-in of its API."""

import json
from pathlib import Path

from harness.importing import START, begin, bring, by_day, event, lake_days
from harness.poll import until
from harness.posthog_api import KEY
from harness.server import Hogflare

CREATED = "2023-05-01T10:00:00Z"
PERSONS = [
    {
        "id": f"00000000-0000-4000-8000-{number:012}",
        "uuid": f"00000000-0000-4000-8000-{number:012}",
        "distinct_ids": [f"user-{number}", f"device-{number}"],
        "properties": {"email": f"{number}@example.com"},
        "created_at": CREATED,
    }
    for number in range(8)
]
GROUPS = [
    {
        "group_type": name,
        "group_type_index": index,
        "group_key": f"{name}-{number}",
        "group_properties": {"size": number},
        "created_at": CREATED,
    }
    for index, name in enumerate(["company", "team"])
    for number in range(4)
]


def words(api) -> list[str]:
    """The command's."""
    return ["posthog", "--host", api.url, "--project-id", "7", "--from", "2024-01-01", "--to", "2024-03-01"]


def test_a_project_is_brought_once_with_persons_groups_and_flags(
    hogflare: Hogflare, start_posthog, tmp_path: Path
) -> None:
    """Through pages, limits and faults; a second run asks for no event again."""
    rows = [event(number) for number in range(3_000)]
    rows += [event(10_000 + number, timestamp=START) for number in range(500)]
    api = start_posthog(events=rows, persons=PERSONS, groups=GROUPS, flags=[{"key": f"flag-{n}"} for n in range(5)])
    api.faults = [429, 500, "cut", 200 + 303]
    done = bring(hogflare, *words(api), "--rows-per-query", "200", POSTHOG_PERSONAL_API_KEY=KEY)
    assert "the lake has them all" in done.stdout
    assert lake_days(hogflare) == by_day(rows)
    assert len(api.queries) > 10, "windows shrink where there is much"
    persons = hogflare.query("select distinct_id, person_id from person_distinct_ids")
    whose = {row["distinct_id"]: row["person_id"] for row in persons}
    assert all(whose[f"user-{number}"] == whose[f"device-{number}"] for number in range(8))
    known = {row["id"]: json.loads(row["properties"]) for row in hogflare.query("select id, properties from persons")}
    assert known[whose["device-3"]]["email"] == "3@example.com"
    groups = hogflare.query("select group_type_index, group_key, group_properties from groups order by 1, 2")
    assert [(int(row["group_type_index"]), row["group_key"]) for row in groups] == [
        (group["group_type_index"], group["group_key"]) for group in GROUPS
    ]
    assert [json.loads(row["group_properties"]) for row in groups] == [group["group_properties"] for group in GROUPS]
    flags = json.loads((hogflare.data_dir / "imports" / "feature-flags-7.json").read_text())
    assert [flag["key"] for flag in flags] == [f"flag-{n}" for n in range(5)]
    api.queries.clear()
    bring(hogflare, *words(api), POSTHOG_PERSONAL_API_KEY=KEY)
    assert not api.queries
    assert lake_days(hogflare) == by_day(rows)


def test_an_import_goes_on_after_posthog_died_and_it_was_killed(
    hogflare: Hogflare, start_posthog, tmp_path: Path
) -> None:
    """Windows that were acknowledged are not asked for again."""
    rows = [event(number) for number in range(4_000)]
    api = start_posthog(events=rows)
    said = [*words(api), "--rows-per-query", "300", "--events-per-second", "1500"]
    importer = begin(hogflare, tmp_path / "import.log", *said, POSTHOG_PERSONAL_API_KEY=KEY)
    until(lambda: hogflare.metric("hogflare_events_accepted_total") > 1_000, timeout=60, what="a quarter")
    api.is_dead = True
    importer.kill9()
    begun = min(since for since, _, _ in api.queries)
    done = bring(hogflare, *said, "--give-up-after", "1s", expected=1, POSTHOG_PERSONAL_API_KEY=KEY)
    assert "goes on from here" in done.stderr
    api.is_dead = False
    api.queries.clear()
    bring(hogflare, *said, POSTHOG_PERSONAL_API_KEY=KEY)
    assert min(since for since, _, _ in api.queries) > begun
    assert lake_days(hogflare) == by_day(rows)


def test_a_dry_run_and_a_wrong_key(hogflare: Hogflare, start_posthog) -> None:
    """The one counts, the other says so; neither brings anything."""
    rows = [event(number) for number in range(100)]
    api = start_posthog(events=rows)
    done = bring(hogflare, *words(api), "--dry-run", POSTHOG_PERSONAL_API_KEY=KEY)
    assert f"total       {len(rows):>12}" in done.stdout
    done = bring(hogflare, *words(api), expected=1, POSTHOG_PERSONAL_API_KEY="phx_wrong")
    assert "PostHog refuses" in done.stderr
    assert "phx_wrong" not in done.stderr
    assert lake_days(hogflare) == {}
