"""Who is erased is gone wherever they were, at once and after any end; who comes back is somebody new."""

import json
import subprocess

import pytest
from harness.emulator import Emulator
from harness.poll import until
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
EMAIL = "jane@example.com"
POINTS = ["erasure-after-note", "erasure-before-record", "erasure-after-record", "erasure-between-files", "erasure-before-part", "lake-after-erasure-sync", "lake-after-erasure"]


def send(server: Hogflare, event: str, distinct_id: str, token: str = TOKEN, **properties) -> None:
    """Sends an event."""
    body = {"api_key": token, "event": event, "distinct_id": distinct_id, "properties": properties}
    assert server.post("/e/", body).is_success()


def admin(server: Hogflare) -> dict[str, str]:
    """What whoever may erase shows."""
    return {"authorization": f"Bearer {server.admin_key()}"}


def erase(server: Hogflare, who: str, kind: str = "delete", project: int = 1) -> dict:
    """Erases somebody and returns the receipt."""
    answer = server.post("/api/erasures", {"id": who, "kind": kind, "project": project}, **admin(server))
    assert answer.status == 202, answer.body
    return answer.json()


def receipt(server: Hogflare, erasure: str) -> dict:
    """The receipt as it is now."""
    return server.get(f"/api/erasures/{erasure}", authorization=f"Bearer {server.read_key()}").json()


def done(server: Hogflare, erasure: str) -> dict:
    """Waits until nothing is pending."""
    until(lambda: receipt(server, erasure)["is_done"], timeout=90, every=0.3, what="the erasure")
    return receipt(server, erasure)


def read(server: Hogflare, path: str):
    """Asks as somebody with the key."""
    return server.get(path, authorization=f"Bearer {server.read_key()}")


def rows(server: Hogflare, table: str = "events_raw") -> list[dict]:
    """All rows of a table, in the order of the journal."""
    return server.query(f"select * from {table} order by journal_offset")


def run(server: Hogflare, *arguments: str) -> subprocess.CompletedProcess:
    """Runs a command on the server's folder, with nobody to ask."""
    env = child_env({"HOGFLARE_DATA_DIR": str(server.data_dir)})
    return subprocess.run(
        [server.binary, *arguments],
        env=env,
        cwd=server.log_path.parent,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def jane(server: Hogflare) -> None:
    """A visitor becomes Jane, who leaves traces everywhere; Joe is there, too."""
    send(server, "$pageview", "visitor", **{"$current_url": "https://shop.example/a?who=jane", "$browser": "Firefox"})
    send(server, "$identify", EMAIL, **{"$anon_distinct_id": "visitor", "$set": {"email": EMAIL, "plan": "pro"}})
    send(server, "purchase", EMAIL, note="for Jane", **{"$session_id": "session-of-jane"})
    send(server, "$$heatmap", EMAIL, **{"$heatmap_data": {"https://shop.example/jane": [{"x": 1, "y": 2}]}})
    send(server, "$pageview", "joe", **{"$set": {"email": "joe@example.com"}})


def test_whoever_is_deleted_is_gone_and_comes_back_as_somebody_new(start_hogflare) -> None:
    server: Hogflare = start_hogflare()
    jane(server)
    asked = erase(server, EMAIL)
    assert (asked["persons"], asked["distinct_ids"]) == (1, 2)
    until(lambda: {row["distinct_id"] for row in rows(server)} == {"joe"}, what="queries not to show them")
    assert rows(server, "heatmaps") == []
    assert [json.loads(person["properties"])["email"] for person in rows(server, "persons")] == ["joe@example.com"]
    assert read(server, "/api/persons/visitor").status == 404
    send(server, "back again", "visitor", **{"$set_once": {"plan": "free"}})
    told = done(server, asked["id"])
    assert told["removed"]["events"] == 3
    assert [row["event"] for row in rows(server)] == ["$pageview", "back again"]
    person = read(server, "/api/persons/visitor").json()
    assert (person["distinct_ids"], person["properties"]["plan"]) == (["visitor"], "free")
    server.restart()
    assert [row["event"] for row in rows(server)] == ["$pageview", "back again"]
    assert read(server, "/api/persons/visitor").json() == person
    # What is counted of erasures names nobody.
    (counted,) = rows(server, "erasures")
    assert (counted["id"], counted["kind"], counted["distinct_ids"]) == (asked["id"], "delete", 2)


def test_nothing_that_says_who_it_was_is_left_in_state(start_hogflare) -> None:
    server: Hogflare = start_hogflare()
    jane(server)
    person = read(server, f"/api/persons/{EMAIL}").json()
    assert person["properties"]["plan"] == "pro"
    done(server, erase(server, person["id"])["id"])
    kept = b"".join(path.read_bytes() for path in server.data_dir.glob("state.db*"))
    assert b'"plan":"pro"' not in kept, "what was known of the person is overwritten"
    assert EMAIL not in server.log_path.read_text()


def test_whoever_is_made_anonymous_counts_as_nobody(start_hogflare) -> None:
    server: Hogflare = start_hogflare()
    jane(server)
    before = {row["uuid"] for row in rows(server)}
    asked = erase(server, "visitor", "anonymize")
    done(server, asked["id"])
    after = rows(server)
    assert {row["uuid"] for row in after} == before
    (pseudonym,) = {row["distinct_id"] for row in after if row["distinct_id"] != "joe"}
    assert pseudonym.startswith("erased-")
    theirs = [row for row in after if row["distinct_id"] == pseudonym]
    assert len({row["person_id"] for row in theirs}) == 1
    text = json.dumps(theirs)
    for secret in (EMAIL, "jane", "Jane", "visitor", "session-of-jane", "?who="):
        assert secret not in text
    (first,) = [row for row in theirs if row["event"] == "$pageview"]
    assert (first["browser"], first["current_url"]) == ("Firefox", "https://shop.example/a")
    assert len(rows(server, "persons")) == 1
    assert receipt(server, asked["id"])["anonymized"]["events"] == 3


def test_of_two_projects_with_the_same_id_one_loses(start_hogflare, tmp_path) -> None:
    config = tmp_path / "hogflare.toml"
    config.write_text(PROJECTS)
    server: Hogflare = start_hogflare(HOGFLARE_CONFIG=str(config), POSTHOG_API_KEY="")
    for token in ("phc_first", "phc_second", "phc_stranger"):
        send(server, "$pageview", EMAIL, token)
    done(server, erase(server, EMAIL, project=7)["id"])
    assert {row["team_id"] for row in rows(server)} == {0, 8}
    assert read(server, f"/api/persons/{EMAIL}?project=8").status == 200


def test_who_has_no_person_is_erased_by_the_distinct_id(start_hogflare) -> None:
    server: Hogflare = start_hogflare(HOGFLARE_STATE="none")
    send(server, "$pageview", "visitor", **{"$process_person_profile": False})
    send(server, "$pageview", "joe")
    told = done(server, erase(server, "visitor")["id"])
    assert (told["persons"], told["distinct_ids"], told["removed"]["events"]) == (0, 1, 1)
    assert [row["distinct_id"] for row in rows(server)] == ["joe"]


def test_a_retry_does_not_bring_an_event_back(start_hogflare) -> None:
    server: Hogflare = start_hogflare()
    event = {"api_key": TOKEN, "event": "once", "distinct_id": "visitor", "uuid": "0190b7b0-0000-7000-8000-000000000001"}
    assert server.post("/e/", event).is_success()
    done(server, erase(server, "visitor")["id"])
    server.restart()
    assert server.post("/e/", event).is_success()
    assert rows(server) == []


def test_only_the_administrators_key_erases(start_hogflare) -> None:
    server: Hogflare = start_hogflare()
    jane(server)
    body = {"id": EMAIL, "kind": "delete"}
    reader = {"authorization": f"Bearer {server.read_key()}"}
    for shown in ({}, reader, {"authorization": f"Bearer {TOKEN}"}):
        expected = 403 if shown is reader else 401
        assert server.post("/api/erasures", body, **shown).status == expected
        with server.connect() as wire:
            assert wire.request("DELETE", f"/api/persons/{EMAIL}", headers=shown).status == expected
    assert server.get("/api/erasures").status == 401
    assert read(server, "/api/erasures").json() == {"erasures": []}
    assert server.post("/api/sql", {"query": "select 1"}, **admin(server)).status == 403, "it does not read"
    for wrong in ({"id": EMAIL}, {"id": "", "kind": "delete"}, {"id": EMAIL, "kind": "delete", "project": 0}):
        assert server.post("/api/erasures", wrong, **admin(server)).status == 400
    with server.connect() as wire:
        answer = wire.request("DELETE", f"/api/persons/{EMAIL}", headers=admin(server))
    assert answer.status == 202
    assert [one["id"] for one in read(server, "/api/erasures").json()["erasures"]] == [answer.json()["id"]]
    assert (server.data_dir / "admin-key").stat().st_mode & 0o777 == 0o600


def test_the_command_line_erases_when_it_is_told_so(start_hogflare) -> None:
    server: Hogflare = start_hogflare()
    jane(server)
    asked = run(server, "person", "delete", EMAIL)
    assert (asked.returncode, "--yes" in asked.stderr) == (1, True)
    assert len(rows(server)) == 4
    deleted = run(server, "person", "delete", EMAIL, "--yes", "--wait")
    assert deleted.returncode == 0, deleted.stderr
    assert "events: 3" in deleted.stdout
    assert "backups" in deleted.stdout
    assert EMAIL not in deleted.stdout
    assert [row["distinct_id"] for row in rows(server)] == ["joe"]
    shown = run(server, "person", "anonymize", "joe", "--yes", "--wait", "--json")
    assert json.loads(shown.stdout)["anonymized"] == {"events": 1}
    key = run(server, "key", "show", "--admin")
    assert key.stdout.strip() == server.admin_key()
    server.stop()
    assert "not running" in run(server, "person", "delete", "joe", "--yes").stderr


def test_pipelines_get_nothing_of_who_was_erased_while_they_were_down(start_hogflare, emulator: Emulator) -> None:
    emulator.fault("status", status=503)
    server: Hogflare = start_hogflare(CLOUDFLARE_PIPELINE_ENDPOINT=emulator.url)
    jane(server)
    asked = erase(server, EMAIL)
    waiting = {part["part"] for part in receipt(server, asked["id"])["pending"]}
    assert "dead_letters" in waiting, "a pipeline that is not past it may still refuse a row"
    send(server, "back again", EMAIL)
    server.restart()
    emulator.fault("ok")
    until(lambda: len(emulator.events()) >= 2, timeout=60, what="rows at the pipeline")
    done(server, asked["id"])
    assert {(row["distinct_id"], row["event"]) for row in emulator.events()} == {("joe", "$pageview"), (EMAIL, "back again")}


def test_dead_letters_go_with_their_person(start_hogflare, emulator: Emulator) -> None:
    emulator.fault("status", status=400, match="poison")
    server: Hogflare = start_hogflare(CLOUDFLARE_PIPELINE_ENDPOINT=emulator.url)
    send(server, "poison", EMAIL)
    send(server, "poison", "joe")
    letters = lambda: "".join(path.read_text() for path in server.data_dir.glob("dead-letters/pipelines/*.ndjson"))  # noqa: E731
    until(lambda: letters().count("\n") == 2, timeout=60, what="dead letters")
    told = done(server, erase(server, EMAIL)["id"])
    assert told["removed"]["dead_letters"] == 1
    assert (EMAIL in letters(), "joe" in letters()) == (False, True)
    emulator.fault("ok")
    env = {"CLOUDFLARE_PIPELINE_ENDPOINT": emulator.url, "HOGFLARE_DATA_DIR": str(server.data_dir)}
    resent = subprocess.run([server.binary, "resend"], env=child_env(env), cwd=server.log_path.parent, check=True)
    assert resent.returncode == 0
    assert {row["distinct_id"] for row in emulator.events()} == {"joe"}
    statement = next(part["statement"] for part in told["remains"] if part["place"] == "pipelines")
    assert statement.startswith("DELETE FROM events WHERE team_id = 1 AND person_id IN (")
    assert EMAIL not in json.dumps(told)


@pytest.mark.parametrize("point", POINTS)
def test_a_death_anywhere_loses_no_erasure_and_erases_nothing_more(new_hogflare, point: str) -> None:
    server: Hogflare = new_hogflare()
    server.start()
    jane(server)
    server.stop()
    server.start(HOGFLARE_FAILPOINT=point)
    try:
        server.post("/api/erasures", {"id": EMAIL, "kind": "delete"}, **admin(server))
    except OSError:
        pass
    until(lambda: not server.process.is_running(), timeout=60, what="the failpoint")
    server.start()
    if point in POINTS[:2]:
        # It was never answered, and nothing was stored.
        assert read(server, "/api/erasures").json() == {"erasures": []}
        assert len(rows(server)) == 4
        erase(server, EMAIL)
    send(server, "back again", EMAIL)
    (told,) = read(server, "/api/erasures").json()["erasures"]
    done(server, told["id"])
    assert [(row["distinct_id"], row["event"]) for row in rows(server)] == [("joe", "$pageview"), (EMAIL, "back again")]
    server.restart()
    assert len(rows(server)) == 2
    assert len(read(server, "/api/persons").json()["persons"]) == 2


def test_persons_made_again_from_the_lake_do_not_have_who_was_erased(start_hogflare) -> None:
    server: Hogflare = start_hogflare()
    jane(server)
    done(server, erase(server, EMAIL)["id"])
    send(server, "back again", EMAIL)
    person = read(server, f"/api/persons/{EMAIL}").json()
    server.stop()
    rebuilt = run(server, "rebuild", "identity")
    assert rebuilt.returncode == 0, rebuilt.stderr
    server.start()
    assert read(server, f"/api/persons/{EMAIL}").json() == person
    assert read(server, "/api/persons/visitor").status == 404
    send(server, "later", EMAIL)
    assert len(read(server, "/api/persons").json()["persons"]) == 2


def test_who_is_erased_twice_is_gone_and_comes_back_as_somebody_new(start_hogflare) -> None:
    server: Hogflare = start_hogflare()
    jane(server)
    for _ in range(2):
        done(server, erase(server, EMAIL)["id"])
    (gone,) = [row for row in rows(server, "person_distinct_ids_raw") if row["distinct_id"] == EMAIL]
    assert gone["is_deleted"] == 1
    assert [json.loads(person["properties"])["email"] for person in rows(server, "persons")] == ["joe@example.com"]
    server.stop()
    assert run(server, "rebuild", "identity").returncode == 0
    server.start()
    send(server, "back again", EMAIL)
    (back,) = [row for row in rows(server, "person_distinct_ids") if row["distinct_id"] == EMAIL]
    assert back["version"] > gone["version"]


def test_a_lake_that_is_off_is_pending_and_erased_when_it_is_on(start_hogflare, emulator: Emulator) -> None:
    server: Hogflare = start_hogflare()
    jane(server)
    assert len(rows(server)) == 4
    server.stop()
    server.start(HOGFLARE_LAKE="off", CLOUDFLARE_PIPELINE_ENDPOINT=emulator.url)
    asked = erase(server, EMAIL)
    until(lambda: {part["part"] for part in receipt(server, asked["id"])["pending"]} == {"lake"}, timeout=60, what="the rest")
    assert "off" in receipt(server, asked["id"])["pending"][0]["waits_for"]
    segments = lambda: [part for part in receipt(server, asked["id"])["remains"] if part["place"] == "journal"]  # noqa: E731
    until(lambda: not segments(), timeout=60, what="the journal to be without them")
    server.stop()
    server.start()
    assert {row["distinct_id"] for row in rows(server)} == {"joe"}
    assert done(server, asked["id"])["removed"]["events"] == 3


def test_persons_that_are_not_kept_any_more_are_pending(start_hogflare) -> None:
    server: Hogflare = start_hogflare()
    send(server, "$pageview", EMAIL, **{"$set": {"email": EMAIL}})
    assert len(rows(server, "persons")) == 1
    server.stop()
    server.start(HOGFLARE_STATE="none")
    asked = erase(server, EMAIL)
    until(lambda: {part["part"] for part in receipt(server, asked["id"])["pending"]} == {"state"}, timeout=60, what="the rest")
    assert "state.db" in receipt(server, asked["id"])["pending"][0]["waits_for"]
    assert rows(server, "persons") == []
    for file in server.data_dir.glob("state.db*"):
        file.unlink()
    done(server, asked["id"])


def test_an_id_is_looked_for_as_it_was_stored(start_hogflare) -> None:
    server: Hogflare = start_hogflare()
    long = "u" * 250
    send(server, "$pageview", long)
    send(server, "$pageview", "joe")
    told = done(server, erase(server, long)["id"])
    assert (told["persons"], told["removed"]["events"]) == (1, 1)
    assert [row["distinct_id"] for row in rows(server)] == ["joe"]
