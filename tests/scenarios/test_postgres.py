"""Several nodes that know the same persons, in a PostgreSQL that these tests start, stop and kill."""

import itertools
import json
import os
import random
import shutil
import signal
import subprocess
import threading
import uuid
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from harness.emulator import SCHEMA
from harness.poll import until
from harness.postgres import PASSWORD, Database
from harness.process import StartFailed, child_env
from harness.server import TOKEN, Hogflare

NAMES = ("one", "two", "three")
PERSONS_SCHEMA = SCHEMA.with_name("persons-pipeline-schema.json")
BEGIN = datetime(2026, 7, 1, 11, tzinfo=UTC)

# Each table of persons, its key, and what else a row says of it.
TABLES = {
    "persons": (("team_id", "id"), ("version", "created_at", "is_identified", "properties", "last_seen_at")),
    "person_distinct_ids": (("team_id", "distinct_id"), ("version", "person_id")),
    "person_overrides": (("team_id", "old_person_id"), ("version", "person_id")),
    "groups": (("team_id", "group_type_index", "group_key"), ("version", "group_properties")),
}


def event(number: int, name: str, distinct_id: str, **properties) -> dict:
    """An event of which every node makes the same."""
    return {
        "event": name,
        "distinct_id": distinct_id,
        "uuid": str(uuid.UUID(int=0x0198_0000_0000_7000_8000_0000_0000_0000 + number)),
        "timestamp": (BEGIN + timedelta(seconds=400 * number)).isoformat(),
        "properties": properties,
    }


def random_event(chance: random.Random, number: int) -> dict:
    """An event of the kinds that change persons, about few ids, so that what is near meets."""
    ids = [f"{name} {number // 25 - (chance.random() < 0.05)}" for name in ("a", "b", "c", "d", "é", "o'hara")]
    one, other = chance.choice(ids), chance.choice(ids)
    sets = {"$set": {chance.choice("abc"): chance.randrange(4)}, "$set_once": {"first": number}}
    group = {"$group_type": chance.choice(["company", "team"]), "$group_key": chance.choice("xy")}
    kinds = [
        lambda: event(number, "$pageview", one, **sets),
        lambda: event(number, "$pageview", one, **{"$process_person_profile": False}),
        lambda: event(number, "$set", one, **sets),
        lambda: event(number, "$identify", one, **{"$anon_distinct_id": other}, **sets),
        lambda: event(number, "$identify", one, **{"$anon_distinct_id": other}),
        lambda: event(number, "$create_alias", one, alias=other),
        lambda: event(number, "$merge_dangerously", one, alias=other),
        lambda: event(number, "$groupidentify", one, **group, **{"$group_set": {"size": chance.randrange(3)}}),
        lambda: event(number, "$pageview", one, **{"$groups": {"company": "x"}, "$unset": ["a"]}),
    ]
    return chance.choices(kinds, weights=[5, 3, 4, 4, 2, 2, 1, 2, 1])[0]()


def is_taken(node: Hogflare, one: dict, token: str = TOKEN) -> bool:
    """Sends an event; says whether it was acknowledged."""
    try:
        return node.post("/e/", {"api_key": token, **one}).is_success()
    except OSError:
        return False


def take(nodes: list[Hogflare], one: dict) -> None:
    """Sends an event to one node after the other until one acknowledges it."""
    tries = itertools.cycle(nodes)
    until(lambda: is_taken(next(tries), one), every=0.05, what="an acknowledgement")


def take_from_one_that_dies(nodes: list[Hogflare], one: dict, delay: float) -> None:
    """Kills a node while it takes an event, which is then sent again, to others too."""
    sent = threading.Thread(target=is_taken, args=(nodes[0], one))
    sent.start()
    threading.Event().wait(delay)
    nodes[0].kill9()
    sent.join()
    take(nodes[1:], one)
    nodes[0].start()


def read(node: Hogflare, path: str):
    """Asks as somebody with the key."""
    return node.get(path, authorization=f"Bearer {node.read_key()}")


def run(node: Hogflare, *arguments: str) -> subprocess.CompletedProcess:
    """Runs a command as the node's owner does."""
    env = child_env(node.env | {"HOGFLARE_DATA_DIR": str(node.data_dir)})
    command = [node.binary, *arguments]
    return subprocess.run(command, env=env, cwd=node.log_path.parent, capture_output=True, text=True, check=False)


def persons(node: Hogflare, project: int = 1) -> list[dict]:
    """Everybody whom a node knows, page by page."""
    found, after = [], ""
    while after is not None:
        page = read(node, f"/api/persons?project={project}&limit=3{after and f'&after={after}'}").json()
        found += page["persons"]
        after = page["next"]
    whole = [read(node, f"/api/persons/{person['id']}?project={project}").json() for person in found]
    return sorted(whole, key=lambda person: person["id"])


def rows(nodes: list[Hogflare], table: str) -> dict[tuple, tuple]:
    """A table of persons as all lakes together have it: of a key the highest version counts."""
    key, rest = TABLES[table]
    deleted = "" if table == "person_overrides" else ", is_deleted"
    newest: dict[tuple, tuple] = {}
    for node in nodes:
        for row in node.query(f"select {', '.join(key + rest)}{deleted} from {table}_raw"):
            name, value = tuple(row[column] for column in key), tuple(row[column] for column in rest)
            gone = row.get("is_deleted", 0)
            if name not in newest or newest[name][0] < value[0]:
                newest[name] = (*value, gone)
            else:
                same = newest[name][0] > value[0] or newest[name] == (*value, gone)
                assert same, f"two rows of one version: {newest[name]} and {value}"
    return {name: value[:-1] for name, value in newest.items() if not value[-1]}


def whose(nodes: list[Hogflare]) -> dict[str, str]:
    """The person of each event, by all lakes together."""
    overrides = {former: now for (_, former), (_, now) in rows(nodes, "person_overrides").items()}
    of: dict[str, str] = {}
    for node in nodes:
        for row in node.query("select uuid, person_id from events_raw"):
            person = overrides.get(row["person_id"], row["person_id"])
            assert of.setdefault(row["uuid"], person) == person, "an event that two nodes took is of one person"
    return of


@pytest.mark.parametrize("seed", range(3))
def test_three_nodes_that_die_make_what_one_makes(postgres, start_nodes, start_hogflare, seed: int) -> None:
    chance = random.Random(seed)
    history = [random_event(chance, number) for number in range(150)]
    database = postgres.database()
    nodes = start_nodes(database)
    alone = start_hogflare()
    for one in history:
        assert is_taken(alone, one)
        chance.shuffle(nodes)
        match chance.random():
            case now if now < 0.05:
                take_from_one_that_dies(nodes, one, chance.uniform(0, 0.01))
            case now if now < 0.1:
                nodes[0].restart()
                take(nodes, one)
            case now if now < 0.13:
                database.ask("select pg_terminate_backend(pid) from pg_stat_activity where application_name <> 'psql'")
                take(nodes, one)
            case _:
                take(nodes, one)
    expected = persons(alone)
    assert len(expected) > 1
    for node in nodes:
        assert persons(node) == expected
    until(database.is_handed_on, what="all changes to be handed on")
    for table in TABLES:
        assert rows(nodes, table) == rows([alone], table), table
    assert whose(nodes) == {row["uuid"]: row["person_id"] for row in alone.query("select uuid, person_id from events")}
    for person in expected:
        did = read(alone, f"/api/persons/{person['id']}/events?limit=1000").json()["events"]
        told = [read(node, f"/api/persons/{person['id']}/events?limit=1000").json()["events"] for node in nodes]
        assert {one["uuid"] for events in told for one in events} == {one["uuid"] for one in did}


# Events of three nodes, two of each, all of which are about whom two visitors are.
CONFLICTS = [
    [("$identify", "user", "phone"), ("$identify", "user", "laptop"), ("$identify", "other", "phone")],
    [("$merge_dangerously", "user", "other"), ("$create_alias", "phone", "laptop"), ("$identify", "other", "laptop")],
    [("$set", "user", None), ("$set", "phone", None), ("$merge_dangerously", "phone", "user")],
]


def conflicting(chance: random.Random, number: int) -> dict:
    """An event that contradicts others of its kind."""
    name, one, other = chance.choice(chance.choice(CONFLICTS))
    other_as = {"$identify": "$anon_distinct_id", "$create_alias": "alias", "$merge_dangerously": "alias"}
    merge = {other_as[name]: other} if other else {}
    return event(number, name, one, **merge, **{"$set": {"last": number}, "$set_once": {"first": number}})


def outcome(found: list[dict]) -> list:
    """Who is who, but for ids, which have the project in them."""
    return sorted(
        [person["distinct_ids"], sorted(person["properties"].items()), person["created_at"], person["is_identified"]]
        for person in found
    )


def send_while_all_wait(database: Database, nodes: list[Hogflare], events: list[dict], token: str) -> None:
    """Has each node settle an event on what it reads before any of them writes."""
    taken: list[bool] = []
    threads = [
        threading.Thread(target=lambda node, one: taken.append(is_taken(node, one, token)), args=pair)
        for pair in zip(nodes, events, strict=True)
    ]
    waiting = (
        "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock' "
        "and application_name <> 'psql'"
    )
    with database.session() as session:
        session.run("begin")
        session.run("select from hogflare.clock for update")
        for thread in threads:
            thread.start()
        until(lambda: database.number(waiting) + len(taken) == len(nodes), every=0.01, what="all nodes to have read")
        session.run("commit")
        for thread in threads:
            thread.join()
    assert taken == [True] * len(nodes)


def orders(history: list[tuple[list[tuple[str, dict]], list[str]]]) -> list[list[dict]]:
    """Serial orders of rounds of events, those that wrote in the order in which they did; others anywhere in theirs."""
    allowed: list[list[dict]] = [[]]
    for events, wrote in history:
        fitting = [
            [one for _, one in order]
            for order in itertools.permutations(events)
            if [name for name, _ in order if name in wrote] == wrote
        ]
        allowed = [before + order for before in allowed for order in fitting]
    return allowed


def test_conflicting_merges_make_what_some_order_of_them_makes(postgres, start_nodes, start_hogflare) -> None:
    chance = random.Random(11)
    cases, rounds = 8, 2
    tokens = {f"phc_case_{case}": case + 1 for case in range(cases)}
    projects = ",".join(f"{token}={number}" for token, number in tokens.items())
    database = postgres.database()
    nodes = start_nodes(database, HOGFLARE_PROJECTS=projects, POSTHOG_API_KEY="")
    database.ask(
        "create table written (at bigint, name text); create function note() returns trigger language plpgsql as $$ "
        "begin insert into written values (new.at, current_setting('application_name')); return null; end $$; "
        "create trigger note after update on hogflare.clock for each row execute function note()"
    )
    histories = {}
    for token in tokens:
        histories[token] = []
        for number in range(rounds):
            events = [conflicting(chance, 10 * number + index) for index in range(len(nodes))]
            before = database.number("select at from hogflare.clock")
            send_while_all_wait(database, nodes, events, token)
            wrote = [name for (name,) in database.ask(f"select name from written where at > {before} order by at")]
            assert len(set(wrote)) == len(wrote) > 0, "each event is settled once"
            histories[token].append((list(zip(NAMES, events, strict=True)), wrote))
    # Every order in a project of its own, on one node.
    tried = {
        (token, number): order
        for token, history in histories.items()
        for number, order in enumerate(orders(history))
    }
    numbers = {key: f"phc_order_{index}" for index, key in enumerate(tried)}
    every = ",".join(f"{token}={index + 1}" for index, token in enumerate(numbers.values()))
    alone = start_hogflare(HOGFLARE_PROJECTS=every, POSTHOG_API_KEY="")
    allowed = defaultdict(list)
    for index, (key, order) in enumerate(tried.items()):
        assert alone.post("/batch", {"api_key": numbers[key], "batch": order}).is_success()
        allowed[key[0]].append(outcome(persons(alone, index + 1)))
    for token, project in tokens.items():
        of_nodes = [outcome(persons(node, project)) for node in nodes]
        assert of_nodes[0] == of_nodes[1] == of_nodes[2]
        assert of_nodes[0] in allowed[token], (histories[token], of_nodes[0], allowed[token])


def test_without_postgres_nothing_is_acknowledged_and_with_it_all_goes_on(own_postgres, start_nodes) -> None:
    database = own_postgres.database()
    nodes = start_nodes(database, NAMES[:2])
    node = nodes[0]
    assert is_taken(node, event(0, "$identify", "user", **{"$anon_distinct_id": "visitor"}))
    acknowledged = [0]
    for outage in range(3):
        own_postgres.kill()
        refused = node.post("/e/", {"api_key": TOKEN, **event(10 * outage + 1, "$pageview", "visitor")})
        assert (refused.status, bool(refused.headers.get("retry-after"))) == (503, True)
        until(lambda: node.get("/_readiness").status == 503, what="readiness to say no")
        assert node.get("/_readiness").json()["status"] == "persons unreachable"
        assert read(node, "/api/persons").status == 503
        told = run(node, "doctor")
        assert told.returncode == 1
        assert "cannot be reached" in told.stdout
        # Strangers are nobody's.
        assert is_taken(node, event(10 * outage + 2, "$pageview", "visitor"), "phc_stranger")
        own_postgres.start()
        until(node.is_ready, what="readiness to say yes")
        for number in (1, 2, 3):
            take([node], event(10 * outage + number, "$pageview", "visitor"))
            acknowledged.append(10 * outage + number)
    stored = node.query("select uuid, person_id from events where team_id = 1")
    expected = [event(number, "", "")["uuid"] for number in acknowledged]
    assert sorted(row["uuid"] for row in stored) == sorted(expected), "nothing lost, nothing twice"
    (person,) = persons(nodes[1])
    assert person["distinct_ids"] == ["user", "visitor"]
    assert {row["person_id"] for row in stored} == {person["id"]}


def test_nodes_that_start_at_once_make_the_tables_once(postgres, new_nodes) -> None:
    database = postgres.database()
    nodes = new_nodes(database)
    for node in nodes:
        node.start(wait=False)
    for number, node in enumerate(nodes):
        node.process.wait_ready(node.is_ready, timeout=60)
        assert is_taken(node, event(number, "$pageview", "visitor"))
    assert [len(persons(node)) for node in nodes] == [1, 1, 1]


def test_a_newer_format_is_not_touched(postgres, start_nodes) -> None:
    database = postgres.database()
    (node,) = start_nodes(database, NAMES[:1])
    node.stop()
    database.ask("insert into hogflare.migrations values (99, 'newer', '2030-01-01T00:00:00Z', '1')")
    with pytest.raises(StartFailed, match="format 99 of persons"):
        node.start()
    assert "format 99 of persons" in run(node, "doctor").stdout


def test_a_node_starts_before_postgres(own_postgres, new_nodes) -> None:
    database = own_postgres.database()
    own_postgres.kill()
    (node,) = new_nodes(database, NAMES[:1])
    node.start(wait=False)
    until(lambda: answers(node), what="an answer")
    assert not node.is_ready()
    own_postgres.start()
    until(node.is_ready, what="readiness to say yes")
    assert is_taken(node, event(0, "$pageview", "visitor"))


def answers(node: Hogflare) -> bool:
    """Says whether it is there at all, ready or not."""
    try:
        return node.get("/_readiness").status == 503
    except OSError:
        return False


def test_another_node_hands_on_what_a_dead_or_frozen_one_left(postgres, start_nodes) -> None:
    database = postgres.database()
    nodes = start_nodes(database)
    by_name = dict(zip(NAMES, nodes, strict=True))
    number = itertools.count()
    expected = []

    def somebody_comes(node: Hogflare) -> None:
        expected.append(f"visitor {next(number)}")
        assert is_taken(node, event(len(expected), "$pageview", expected[-1]))

    def all_are_told(among: list[Hogflare]) -> None:
        until(database.is_handed_on, timeout=60, what="all changes to be handed on")
        told = {key[1] for key in rows(among, "person_distinct_ids")}
        assert told == set(expected)

    somebody_comes(nodes[0])
    first = until(database.writer, what="a writer")
    # Its connection ends, and the process lives.
    database.ask(f"select pg_terminate_backend(pid) from pg_stat_activity where application_name = '{first}'")
    somebody_comes(nodes[1])
    all_are_told(nodes)
    # It dies.
    dead = until(database.writer, what="a writer")
    by_name[dead].kill9()
    alive = [node for name, node in by_name.items() if name != dead]
    somebody_comes(alive[0])
    until(lambda: database.writer() not in (None, dead), what="another writer")
    by_name[dead].start()
    all_are_told(nodes)
    # It stands still, and wakes when another has gone on.
    frozen = database.writer()
    os.kill(by_name[frozen].process.pid, signal.SIGSTOP)
    others = [node for name, node in by_name.items() if name != frozen]
    somebody_comes(others[0])
    until(lambda: database.writer() not in (None, frozen), timeout=90, what="another writer")
    until(database.is_handed_on, timeout=60, what="all changes to be handed on")
    os.kill(by_name[frozen].process.pid, signal.SIGCONT)
    until(by_name[frozen].is_ready, what="the frozen node to go on")
    somebody_comes(by_name[frozen])
    all_are_told(nodes)


def test_changes_are_not_lost_with_a_disk_that_does_not_last(postgres, new_nodes, start_emulator) -> None:
    stream, tables = start_emulator(), start_emulator(EMULATOR_SCHEMA=str(PERSONS_SCHEMA))
    database = postgres.database()
    one, two = new_nodes(
        database,
        NAMES[:2],
        HOGFLARE_LAKE="off",
        HOGFLARE_ACK="delivered",
        CLOUDFLARE_PIPELINE_ENDPOINT=stream.url,
        CLOUDFLARE_PERSONS_PIPELINE_ENDPOINT=tables.url,
    )
    tables.fault("status", status=500)
    one.start()
    assert is_taken(one, event(0, "$pageview", "visitor"))
    until(database.writer, what="a writer")
    until(lambda: one.metric("hogflare_person_changes_total") > 0, what="changes in the journal")
    assert not database.is_handed_on()
    one.kill9()
    shutil.rmtree(one.data_dir)
    tables.fault("ok")
    two.start()
    until(database.is_handed_on, timeout=60, what="all changes to be handed on")
    (person,) = tables.events()
    assert person["team_id"] == 1


def test_whoever_has_the_key_finds_persons_that_others_made(postgres, start_nodes) -> None:
    one, two = start_nodes(postgres.database(), NAMES[:2])
    sets = {"$set": {"email": "Ann@example.com", "name": "Ann"}}
    assert is_taken(one, event(0, "$pageview", "visitor"))
    assert is_taken(two, event(1, "$identify", "user", **{"$anon_distinct_id": "visitor"}, **sets))
    assert is_taken(one, event(2, "$pageview", "o'hara"))
    for node in (one, two):
        (found,) = read(node, "/api/persons?search=ann@").json()["persons"]
        assert (found["distinct_ids"], found["properties"]["name"]) == (["user", "visitor"], "Ann")
        for name in (found["id"], "user", "visitor"):
            assert read(node, f"/api/persons/{name}").json() == found
        assert read(node, "/api/persons/nobody").status == 404
    did = [[one["event"] for one in read(node, "/api/persons/user/events").json()["events"]] for node in (one, two)]
    assert did == [["$pageview"], ["$identify"]]
    two.stop()
    for node, name in ((one, "$pageview"), (two, "$identify")):
        listed = json.loads(run(node, "persons", "--format", "json").stdout)
        told = {(person["distinct_id"], person["distinct_ids"], person["email"], person["name"]) for person in listed}
        assert told == {("visitor", 2, "Ann@example.com", "Ann"), ("o'hara", 1, None, None)}
        assert {person["created_at"][-1] for person in listed} == {"Z"}
        (person,) = json.loads(run(node, "persons", "--format", "json", "O'H").stdout)
        assert person["distinct_id"] == "o'hara"
        assert json.loads(run(node, "persons", "--format", "json", "nobody").stdout or "[]") == []
        shown = run(node, "person", "show", "user")
        assert shown.returncode == 0, shown.stderr
        for text in (found["id"], "Ann@example.com", "visitor", name):
            assert text in shown.stdout
        exported = [json.loads(line) for line in run(node, "person", "export", "user").stdout.splitlines()]
        tables = [line["table"] for line in exported]
        assert tables == ["persons", "person_distinct_ids", "person_distinct_ids", "events"]
        assert exported[-1]["row"]["event"] == name
        missing = run(node, "person", "show", "nobody")
        assert (missing.returncode, missing.stderr) == (1, "hogflare: project 1 has no person nobody\n")
        refused = run(node, "rebuild", "identity")
        assert refused.returncode == 1
        assert "backup" in refused.stderr


def test_the_password_is_shown_nowhere(own_postgres, new_nodes) -> None:
    database = own_postgres.database()
    (node,) = new_nodes(database, NAMES[:1], HOGFLARE_LOG="trace")
    node.start()
    assert is_taken(node, event(0, "$pageview", "visitor"))
    metrics = node.get("/metrics", authorization=f"Bearer {node.read_key()}").body.decode()
    own_postgres.kill()
    until(lambda: not node.is_ready(), what="readiness to say no")
    assert not is_taken(node, event(1, "$pageview", "visitor"))
    commands = [run(node, *command) for command in (["doctor"], ["config"], ["persons"], ["rebuild", "identity"])]
    shown = "".join(done.stdout + done.stderr for done in commands)
    pages = node.get("/_readiness").body.decode() + read(node, "/api/persons").body.decode()
    for text in (metrics, shown, pages, node.process.log()):
        assert text
        assert PASSWORD not in text
    for url in (f"postgres://me:{PASSWORD}@host:notaport/db", f"postgresql:/me:{PASSWORD}@host", f"pg://:{PASSWORD}"):
        with pytest.raises(StartFailed, match="HOGFLARE_STATE") as wrong:
            node.restart(HOGFLARE_STATE=url)
        assert PASSWORD not in str(wrong.value)


def test_embedded_persons_are_not_left_behind(postgres, start_hogflare) -> None:
    node = start_hogflare()
    node.stop()
    with pytest.raises(StartFailed, match="has persons that PostgreSQL does not"):
        node.start(HOGFLARE_STATE=postgres.database().url("one"))
