"""Where nodes share persons, whoever is erased is gone from all of them, whichever node was asked."""

import shutil

import pytest
from harness.poll import until
from harness.server import TOKEN, Hogflare

EMAIL = "jane@example.com"


def send(node: Hogflare, event: str, distinct_id: str, **properties) -> None:
    """Sends an event."""
    body = {"api_key": TOKEN, "event": event, "distinct_id": distinct_id, "properties": properties}
    assert node.post("/e/", body).is_success()


def jane(one: Hogflare, two: Hogflare) -> None:
    """A visitor of two nodes becomes Jane; Joe is there, too."""
    send(one, "$pageview", "visitor", note="visitor, later Jane")
    send(two, "$identify", EMAIL, **{"$anon_distinct_id": "visitor", "$set": {"email": EMAIL}})
    send(two, "purchase", EMAIL, note="for Jane")
    send(one, "purchase", EMAIL, note="for Jane")
    for node in (one, two):
        send(node, "$pageview", "joe", **{"$set": {"email": "joe@example.com"}})


def admin(node: Hogflare) -> dict[str, str]:
    """What whoever may erase shows."""
    return {"authorization": f"Bearer {node.admin_key()}"}


def read(node: Hogflare, path: str):
    """Asks as somebody with the key."""
    return node.get(path, authorization=f"Bearer {node.read_key()}").json()


def erase(node: Hogflare, who: str, kind: str = "delete") -> dict:
    """Asks a node to erase somebody."""
    answer = node.post("/api/erasures", {"id": who, "kind": kind}, **admin(node))
    assert answer.status == 202, answer.body
    return answer.json()


def done(node: Hogflare) -> dict:
    """Waits until a node has heard of the one erasure, and nothing of it is pending there."""

    def receipt() -> dict | None:
        found = read(node, "/api/erasures")["erasures"]
        return found[0] if found and found[0]["is_done"] else None

    return until(receipt, timeout=90, every=0.3, what="the erasure")


def events(node: Hogflare) -> list[tuple[str, str]]:
    """Who did what, as far as a node's lake has it."""
    rows = node.query("select distinct_id, event from events_raw order by journal_offset")
    return [(row["distinct_id"], row["event"]) for row in rows]


def emails(node: Hogflare) -> list[str | None]:
    """Those of everybody there is."""
    return sorted(person["properties"].get("email", "") for person in read(node, "/api/persons")["persons"])


def says(node: Hogflare, text: str) -> list[str]:
    """Tables of a node's lake that have a text."""
    tables = ("events_raw", "persons", "person_distinct_ids", "person_overrides")
    found = {table: node.query(f"select * from {table}") for table in tables}
    return [table for table, rows in found.items() if any(text in str(row) for row in rows)]


def test_every_node_erases_its_rows_of_whom_one_was_asked_about(postgres, start_nodes) -> None:
    one, two = start_nodes(postgres.database(), ("one", "two"))
    jane(one, two)
    asked = erase(one, EMAIL)
    assert (asked["persons"], asked["distinct_ids"]) == (1, 2)
    assert {"other nodes", "PostgreSQL"} <= {copy["place"] for copy in asked["remains"]}
    for node, removed in ((one, 2), (two, 2)):
        told = done(node)
        assert (told["id"], told["removed"]["events"]) == (asked["id"], removed)
        assert events(node) == [("joe", "$pageview")]
        assert emails(node) == ["joe@example.com"]
        assert not set(says(node, "Jane")) and "persons" not in says(node, EMAIL)
    send(two, "back again", EMAIL, **{"$set": {"email": "new@example.com"}})
    assert emails(one) == ["joe@example.com", "new@example.com"]
    for node in (one, two):
        node.restart()
    assert events(one) == [("joe", "$pageview")]
    assert events(two) == [("joe", "$pageview"), (EMAIL, "back again")]
    assert len(read(two, "/api/erasures")["erasures"]) == 1


def test_anonymous_rows_have_the_same_pseudonym_everywhere(postgres, start_nodes) -> None:
    one, two = start_nodes(postgres.database(), ("one", "two"))
    jane(one, two)
    erase(two, "visitor", "anonymize")
    pseudonyms = set()
    for node in (one, two):
        assert done(node)["anonymized"]["events"] == 2
        assert not says(node, "Jane")
        pseudonyms |= {who for who, _ in events(node)} - {"joe"}
    assert len(pseudonyms) == 1 and pseudonyms.pop().startswith("erased-")


def test_a_node_that_was_away_erases_when_it_is_back(postgres, start_nodes) -> None:
    one, two = start_nodes(postgres.database(), ("one", "two"))
    jane(one, two)
    two.kill9()
    erase(one, EMAIL)
    done(one)
    two.start()
    done(two)
    assert events(two) == [("joe", "$pageview")]


def test_a_folder_from_before_hears_of_it_once_more(postgres, start_nodes) -> None:
    one, two = start_nodes(postgres.database(), ("one", "two"))
    jane(one, two)
    until(lambda: len(events(two)) == 3, what="the rows")
    two.stop()
    copy = two.data_dir.with_name("copy")
    shutil.copytree(two.data_dir, copy)
    two.start()
    erase(one, EMAIL)
    done(one)
    done(two)
    two.kill9()
    shutil.rmtree(two.data_dir)
    copy.rename(two.data_dir)
    # As long as a node is away that does not know yet; else only the log can tell.
    two.start()
    until(lambda: "this node missed an erasure" in two.log_path.read_text() or not says(two, "Jane"), what="word of it")


def test_whoever_comes_back_is_in_the_tables_of_persons(postgres, start_nodes) -> None:
    one, two = start_nodes(postgres.database(), ("one", "two"))
    everybody = [f"jane-{number}" for number in range(12)]
    for who in everybody:
        send(one, "$pageview", who, **{"$set": {"email": f"{who}@old.example"}})
        erase(two, who)
        send(two, "back again", who, **{"$set": {"email": f"{who}@new.example"}})

    def known() -> dict[str, str]:
        """Whose distinct ids are in the lakes, by the highest version, with the email that is there."""
        ids, persons = {}, {}
        for node in (one, two):
            for row in node.query("select distinct_id, person_id, version, is_deleted from person_distinct_ids"):
                ids[row["distinct_id"]] = max(ids.get(row["distinct_id"], (-1,)), (row["version"], row["is_deleted"], row["person_id"]))
            for row in node.query("select id, version, is_deleted, properties->>'email' as email from persons"):
                persons[row["id"]] = max(persons.get(row["id"], (-1,)), (row["version"], row["is_deleted"], row["email"]))
        there = {who: persons.get(person) for who, (_, is_deleted, person) in ids.items() if not is_deleted}
        return {who: person[2] for who, person in there.items() if person and not person[1]}

    expected = {who: f"{who}@new.example" for who in everybody}
    until(lambda: known() == expected, timeout=60, what="everybody in the tables")


@pytest.mark.parametrize("point", ["erasure-after-note", "erasure-before-record", "erasure-after-record"])
def test_a_death_of_the_node_that_is_asked_is_everywhere_the_same(postgres, start_nodes, point: str) -> None:
    one, two = start_nodes(postgres.database(), ("one", "two"))
    jane(one, two)
    one.stop()
    one.start(HOGFLARE_FAILPOINT=point)
    try:
        one.post("/api/erasures", {"id": EMAIL, "kind": "delete"}, **admin(one))
    except OSError:
        pass
    until(lambda: not one.process.is_running(), timeout=60, what="the failpoint")
    one.start()
    if point == "erasure-after-note":
        # Nobody was told.
        assert read(one, "/api/erasures") == read(two, "/api/erasures") == {"erasures": []}
        erase(one, EMAIL)
    assert done(one)["id"] == done(two)["id"]
    assert events(one) == events(two) == [("joe", "$pageview")]
    assert emails(one) == emails(two) == ["joe@example.com"]
