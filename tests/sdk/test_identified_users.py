"""posthog-js in two browsers of one user: one person, with everything that both did."""

import json

import pytest

from harness.node import run_driver
from harness.server import TOKEN, Hogflare

BROWSERS = ["laptop", "phone"]


@pytest.mark.parametrize("profiles", ["identified_only", "always"])
def test_a_user_on_two_browsers_is_one_person(start_hogflare, profiles: str) -> None:
    server: Hogflare = start_hogflare()
    visits = run_driver(
        "posthog_js_persons.js",
        posthog_host=server.url,
        token=TOKEN,
        person_profiles=profiles,
        user_id="user-1",
        browsers=json.dumps(BROWSERS),
    )
    anonymous = {visit["anonymous"] for visit in visits}
    assert len(anonymous) == len(BROWSERS)
    rows = server.query("select event, distinct_id, person_id from events where event in ('$pageview', '$identify')")
    assert len([row for row in rows if row["event"] == "$pageview"]) == 3 * len(BROWSERS)
    assert {row["distinct_id"] for row in rows} == anonymous | {"user-1"}
    persons = {row["person_id"] for row in rows}
    assert len(persons) == 1, rows
    (person,) = server.query("select id, is_identified, properties from persons")
    assert (person["id"], person["is_identified"]) == (persons.pop(), 1)
    assert json.loads(person["properties"])["plan"] == "pro"
    ids = server.query("select distinct_id from person_distinct_ids")
    assert {row["distinct_id"] for row in ids} == anonymous | {"user-1"}
