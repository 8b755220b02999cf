"""Persons and groups: merged, kept over any end, apart between projects, and shown to whoever has the key."""

import json
import shutil
import sqlite3
import subprocess

import pytest
from harness.process import child_env
from harness.server import TOKEN, Hogflare

PROJECTS = """
[[project]]
token = "phc_first"
team_id = 7

[[project]]
token = "phc_second"
team_id = 8
"""


def send(server: Hogflare, event: str, distinct_id: str, token: str = TOKEN, **properties) -> None:
    """Sends an event."""
    body = {"api_key": token, "event": event, "distinct_id": distinct_id, "properties": properties}
    assert server.post("/e/", body).is_success()


def identify(server: Hogflare, distinct_id: str, anonymous: str, token: str = TOKEN, **sets) -> None:
    """Says who somebody is."""
    send(server, "$identify", distinct_id, token, **{"$anon_distinct_id": anonymous, "$set": sets})


def persons_of_events(server: Hogflare) -> set[str]:
    """The persons of all events, as they are now."""
    return {row["person_id"] for row in server.query("select distinct person_id from events")}


def read(server: Hogflare, path: str):
    """Asks as somebody with the key."""
    return server.get(path, authorization=f"Bearer {server.read_key()}")


def run(server: Hogflare, *arguments: str) -> subprocess.CompletedProcess:
    """Runs a command on the server's folder."""
    env = child_env({"HOGFLARE_DATA_DIR": str(server.data_dir)})
    return subprocess.run(
        [server.binary, *arguments], env=env, cwd=server.log_path.parent, capture_output=True, text=True, check=False
    )


def test_a_merge_holds_for_rows_before_and_after_it_and_over_kills(start_hogflare) -> None:
    server: Hogflare = start_hogflare()
    send(server, "$pageview", "visitor-1")
    send(server, "$pageview", "visitor-2", **{"$process_person_profile": False})
    identify(server, "user", "visitor-1", plan="pro")
    server.restart()
    identify(server, "user", "visitor-2")
    server.restart()
    for distinct_id in ("visitor-1", "visitor-2", "user"):
        send(server, "later", distinct_id)
    assert len(persons_of_events(server)) == 1
    written = server.query("select count(distinct person_id) as persons from events_raw")
    assert written == [{"persons": 2}], "rows stay as they were written"
    server.stop()
    server.start()
    (person,) = server.query("select properties, is_identified from persons")
    assert (json.loads(person["properties"])["plan"], person["is_identified"]) == ("pro", 1)


def test_persons_are_made_again_from_the_journal(start_hogflare) -> None:
    server: Hogflare = start_hogflare()
    send(server, "$pageview", "visitor")
    identify(server, "user", "visitor")
    server.kill9()
    for file in server.data_dir.glob("state.db*"):
        file.unlink()
    server.start()
    send(server, "later", "user")
    assert len(persons_of_events(server)) == 1
    assert len(server.query("select * from persons")) == 1


def test_projects_with_the_same_ids_share_nobody(start_hogflare, tmp_path) -> None:
    config = tmp_path / "hogflare.toml"
    config.write_text(PROJECTS)
    server: Hogflare = start_hogflare(HOGFLARE_CONFIG=str(config), POSTHOG_API_KEY="")
    for token in ("phc_first", "phc_second", "phc_stranger"):
        send(server, "$pageview", "visitor", token)
    identify(server, "user", "visitor", "phc_first", name="Ann")
    identify(server, "user", "visitor", "phc_stranger", name="Eve")
    send(server, "later", "user", "phc_second", **{"$groups": {"company": "acme"}})
    send(server, "later", "user", "phc_stranger", **{"$groups": {"company": "acme"}})
    by_project = {
        row["team_id"]: row["persons"]
        for row in server.query("select team_id, count(distinct person_id) as persons from events group by 1")
    }
    assert by_project == {0: 2, 7: 1, 8: 2}
    names = server.query("select team_id, properties->>'name' as name from persons where properties->>'name' is not null")
    assert names == [{"team_id": 7, "name": "Ann"}]
    for table in ("persons", "person_distinct_ids", "person_overrides", "groups", "group_types"):
        assert server.query(f"select * from {table} where team_id not in (7, 8)") == [], table
    assert server.query("select team_id, group_type from group_types") == [{"team_id": 8, "group_type": "company"}]


def test_groups_have_an_index_and_properties(start_hogflare) -> None:
    server: Hogflare = start_hogflare(POSTHOG_GROUP_TYPE_1="company")
    send(server, "$groupidentify", "someone", **{"$group_type": "company", "$group_key": "acme", "$group_set": {"size": 5}})
    send(server, "$groupidentify", "someone", **{"$group_type": "company", "$group_key": "acme", "$group_set": {"city": "Oslo"}})
    send(server, "in groups", "someone", **{"$groups": {"company": "acme", "team": "blue"}})
    (row,) = server.query("select group_0, group_1, group_2, properties from events where event = 'in groups'")
    assert (row["group_0"], row["group_1"], row["group_2"]) == ("blue", "acme", None)
    properties = json.loads(row["properties"])
    assert (properties["$group_0"], properties["$group_1"]) == ("blue", "acme")
    (group,) = server.query("select group_type_index, group_key, group_properties from groups")
    assert (group["group_type_index"], group["group_key"]) == (1, "acme")
    assert json.loads(group["group_properties"]) == {"size": 5, "city": "Oslo"}


def test_whoever_has_the_key_finds_persons(start_hogflare) -> None:
    server: Hogflare = start_hogflare()
    send(server, "$pageview", "visitor")
    identify(server, "user", "visitor", email="Ann@Example.com")
    send(server, "$pageview", "other")
    assert server.get("/api/persons").status == 401
    assert len(read(server, "/api/persons").json()["persons"]) == 2
    page = read(server, "/api/persons?limit=1").json()
    rest = read(server, f"/api/persons?after={page['next']}").json()
    assert len({person["id"] for person in page["persons"] + rest["persons"]}) == 2
    (found,) = read(server, "/api/persons?search=ann@").json()["persons"]
    assert (found["distinct_ids"], found["properties"]["email"]) == (["user", "visitor"], "Ann@Example.com")
    for name in (found["id"], "user", "visitor"):
        assert read(server, f"/api/persons/{name}").json() == found
    did = read(server, "/api/persons/user/events").json()
    assert ([event["event"] for event in did["events"]], did["next"]) == (["$identify", "$pageview"], None)
    assert did["events"][0]["properties"]["$anon_distinct_id"] == "visitor"
    first = read(server, f"/api/persons/user/events?before={did['events'][0]['timestamp']}").json()
    assert [event["event"] for event in first["events"]] == ["$pageview"]
    assert read(server, "/api/persons/nobody").status == 404
    assert read(server, "/api/persons/nobody/events").status == 404
    assert read(server, "/api/persons?project=2").json()["persons"] == []


def test_events_of_one_moment_are_all_shown(start_hogflare) -> None:
    server: Hogflare = start_hogflare()
    for number in range(5):
        body = {"api_key": TOKEN, "event": f"e{number}", "distinct_id": "user", "timestamp": "2026-07-01T11:00:00Z"}
        assert server.post("/e/", body).is_success()
    seen, before = [], ""
    while before is not None:
        page = read(server, f"/api/persons/user/events?limit=2{before and f'&before={before}'}").json()
        seen += [event["event"] for event in page["events"]]
        before = page["next"]
    assert sorted(seen) == [f"e{number}" for number in range(5)]


def test_nobody_shows_up_as_another_by_an_id_of_theirs(start_hogflare) -> None:
    server: Hogflare = start_hogflare()
    send(server, "$pageview", "victim", **{"$set": {"name": "Ann"}})
    (victim,) = server.query("select id from persons")
    send(server, "$pageview", victim["id"], **{"$set": {"name": "impostor"}})
    for shown in (run(server, "person", "show", victim["id"]).stdout, read(server, f"/api/persons/{victim['id']}").body.decode()):
        assert "Ann" in shown
        assert "impostor" not in shown


@pytest.mark.parametrize("running", [True, False], ids=["running", "stopped"])
def test_the_command_line_finds_persons(start_hogflare, running: bool) -> None:
    server: Hogflare = start_hogflare()
    identify(server, "user", "visitor", email="ann@example.com")
    send(server, "$pageview", "o'hara")
    if not running:
        server.stop()
    listed = json.loads(run(server, "persons", "--format", "json").stdout)
    assert {(person["distinct_id"], person["email"]) for person in listed} == {
        ("visitor", "ann@example.com"),
        ("o'hara", None),
    }
    (found,) = json.loads(run(server, "persons", "--format", "json", "O'H").stdout)
    assert found["distinct_id"] == "o'hara"
    shown = run(server, "person", "show", "user")
    assert shown.returncode == 0, shown.stderr
    (user,) = [person["id"] for person in listed if person["email"]]
    for text in (user, "ann@example.com", "visitor", "$identify"):
        assert text in shown.stdout
    missing = run(server, "person", "show", "nobody")
    assert (missing.returncode, missing.stderr) == (1, "hogflare: project 1 has no person nobody\n")


def test_nothing_is_remembered_where_nothing_is_to_be(start_hogflare) -> None:
    server: Hogflare = start_hogflare(HOGFLARE_STATE="none")
    send(server, "$pageview", "visitor")
    identify(server, "user", "visitor")
    assert len(persons_of_events(server)) == 2
    assert server.query("select * from persons") == []
    assert read(server, "/api/persons").status == 404
    assert not (server.data_dir / "state.db").exists()


def test_what_is_kept_of_persons_is_for_the_owner_alone(start_hogflare) -> None:
    server: Hogflare = start_hogflare()
    send(server, "$pageview", "visitor")
    modes = {file.name: file.stat().st_mode & 0o777 for file in server.data_dir.glob("state.db*")}
    assert modes["state.db"] == 0o600
    assert set(modes.values()) == {0o600}
    server.stop()
    copy = server.data_dir.parent / "copy.db"
    shutil.copy(server.data_dir / "state.db", copy)
    # The file alone is whole.
    assert sqlite3.connect(copy).execute("select count(*) from persons").fetchone() == (1,)


def test_all_that_is_known_of_a_person_can_be_taken_away(start_hogflare) -> None:
    server: Hogflare = start_hogflare()
    send(server, "$pageview", "visitor", page=1)
    identify(server, "user", "visitor", email="ann@example.com")
    send(server, "$$client_ingestion_warning", "user")
    send(server, "$pageview", "other")
    exported = run(server, "person", "export", "user")
    assert exported.returncode == 0, exported.stderr
    lines = [json.loads(line) for line in exported.stdout.splitlines()]
    tables = [line["table"] for line in lines]
    assert tables == ["persons", "person_distinct_ids", "person_distinct_ids", "events", "events", "quarantine"]
    assert json.loads(lines[0]["row"]["properties"])["email"] == "ann@example.com"
    assert "other" not in exported.stdout


def tables_of(database) -> dict[str, list[tuple]]:
    """Everything that is kept of persons, whatever the order in which it was written."""
    connection = sqlite3.connect(database)
    names = connection.execute("select name from sqlite_master where type = 'table'").fetchall()
    kept = [name for (name,) in names if name.startswith(("person", "group"))]
    return {name: sorted(connection.execute(f"select * from {name}").fetchall(), key=str) for name in kept}


def test_a_rebuild_from_the_lake_equals_what_was_kept(start_hogflare) -> None:
    server: Hogflare = start_hogflare()
    for number in range(20):
        send(server, "$pageview", f"visitor-{number}", **{"$process_person_profile": number % 2 == 0})
        identify(server, f"user-{number // 3}", f"visitor-{number}", plan=number)
    merge = {"$merge_dangerously": "user-1"}
    send(server, "$merge_dangerously", "user-0", alias="user-1", **merge)
    send(server, "$groupidentify", "user-0", **{"$group_type": "company", "$group_key": "acme", "$group_set": {"size": 5}})
    server.stop()
    database = server.data_dir / "state.db"
    before = tables_of(database)
    assert all(before.values()), "the history touches every table"
    database.unlink()
    rebuilt = run(server, "rebuild", "identity")
    assert rebuilt.returncode == 0, rebuilt.stderr
    assert "10 distinct ids were used without a person" in rebuilt.stdout
    assert tables_of(database) == before
    again = run(server, "rebuild", "identity")
    assert "state.db.old" in again.stdout, again.stdout
    server.start()
    identify(server, "user-0", "visitor-after")
    persons = server.query("select distinct person_id from events where distinct_id in ('user-0', 'user-1', 'visitor-0')")
    assert len(persons) == 1
    assert run(server, "rebuild", "identity").returncode == 1, "the server runs"
