"""A catalog or storage that fails loses nothing, doubles nothing and slows nobody."""

import shutil
from collections import Counter

import pytest

from harness.catalog import Catalog
from harness.load import NO_ANSWER, Ledger, new_event, send_batch, send_events
from harness.poll import until
from harness.server import TOKEN, Hogflare

RECOVERY_SECONDS = 120


def send(server: Hogflare, count: int) -> set[str]:
    """Sends events one by one; each must be acknowledged while the catalog fails."""
    events = [new_event("kept") for _ in range(count)]
    send_events(server, events, batch_size=1)
    return {event["uuid"] for event in events}


def assert_all_once(catalog: Catalog, uuids: set[str]) -> None:
    """Each uuid arrives, once, and nothing else does."""
    until(lambda: uuids <= catalog.uuids().keys(), timeout=RECOVERY_SECONDS, every=0.5, what="every row in the catalog")
    assert catalog.uuids() == Counter(uuids)


def manifest_files(catalog: Catalog, name: str = "events") -> set[str]:
    """Returns the manifests and lists that the table's snapshots name."""
    table, named = catalog.table(name), set()
    for snapshot in table.snapshots():
        named.add(snapshot.manifest_list)
        named |= {manifest.manifest_path for manifest in snapshot.manifests(table.io)}
    return named


FAULTS = {
    "applied, then 504": {"on": "commit", "mode": "applied", "count": 3},
    "504": {"on": "commit", "mode": "status", "status": 504, "count": 3},
    "503": {"on": "commit", "mode": "status", "status": 503, "count": 2},
    "409 for nothing": {"on": "commit", "mode": "status", "status": 409, "count": 3},
    "429": {"on": "commit", "mode": "status", "status": 429, "retry_after": 2, "count": 2},
    "applied, then silence": {"on": "commit", "mode": "hang", "seconds": 6, "count": 2},
    "504, and applied later": {"on": "commit", "mode": "late", "seconds": 1.5, "count": 3},
    "another append comes first": {"on": "commit", "mode": "compete", "count": 4},
    "snapshots are expired at once": {"on": "commit", "mode": "expire", "table": "events", "count": 3},
    "tables cannot be loaded": {"on": "load", "status": 500, "count": 5},
    "the storage refuses": {"on": "storage", "status": 403, "count": 6},
    "the storage is busy": {"on": "storage", "status": 503, "count": 12},
}


@pytest.mark.parametrize("order", FAULTS.values(), ids=FAULTS.keys())
def test_what_fails_for_a_while_gets_every_row_once(writer: Hogflare, catalog: Catalog, order: dict) -> None:
    uuids = send(writer, 5)
    assert_all_once(catalog, uuids)
    catalog.fault(**order)

    def fault_is_met() -> bool:
        uuids.update(send(writer, 3))
        return catalog.faults_left() == 0

    until(fault_is_met, timeout=RECOVERY_SECONDS, every=0.3, what="the fault to be met")
    uuids |= send(writer, 5)
    assert_all_once(catalog, uuids)


def test_objects_of_commits_that_lost_a_race_are_deleted(writer: Hogflare, catalog: Catalog) -> None:
    uuids = send(writer, 5)
    assert_all_once(catalog, uuids)
    catalog.fault("commit", mode="compete", table="events", count=4)
    uuids |= send(writer, 5)
    until(lambda: catalog.faults_left() == 0, timeout=RECOVERY_SECONDS, what="the races")
    assert_all_once(catalog, uuids)
    assert 409 in catalog.state()["answers"]

    def kept() -> set[str]:
        return {uri for uri in catalog.objects("default/events/metadata/") if uri.endswith(".avro")}

    until(lambda: kept() == manifest_files(catalog), what="only what snapshots name")
    assert len(catalog.objects("default/events/data/")) == len(list(catalog.table().scan().plan_files()))


POINTS = ["catalog-after-files", "catalog-before-commit", "catalog-after-commit", "catalog-after-all"]


@pytest.mark.parametrize("point", POINTS)
def test_death_during_a_commit_loses_and_doubles_nothing(new_writer, catalog: Catalog, point: str) -> None:
    server, ledger = new_writer(), Ledger()
    for _ in range(2):
        # A start passes some of these points itself when it has work left.
        server.start(HOGFLARE_FAILPOINT=point)
        send_until_death(server, ledger)
        server.start()
        until(lambda: server.metric("hogflare_sink_lag_rows", sink="catalog") == 0, timeout=60, what="the rest")
        server.stop()
    assert_ledger(catalog, ledger)


def send_until_death(server: Hogflare, ledger: Ledger) -> None:
    """Sends batches until the failpoint ends the process."""

    def send() -> bool:
        events = [new_event("fatal") for _ in range(10)]
        uuids = {event["uuid"] for event in events}
        ledger.attempted |= uuids
        try:
            with server.connect() as wire:
                if send_batch(wire, events):
                    ledger.acknowledged |= uuids
        except NO_ANSWER:
            pass
        return not server.process.is_running()

    until(send, timeout=60, every=0.1, what="the failpoint")
    assert server.process.exit_code() != 0


def assert_ledger(catalog: Catalog, ledger: Ledger) -> None:
    """What was acknowledged is there once, what is in doubt at most once."""
    found = catalog.uuids()
    assert ledger.acknowledged <= found.keys() <= ledger.attempted
    assert set(found.values()) == {1}


def test_kills_at_any_moment_lose_and_double_nothing(new_writer, catalog: Catalog, tmp_path) -> None:
    nodes = [new_writer(tmp_path / name).start() for name in ("one", "two")]
    uuids = set()
    for wait in range(6):
        seen = catalog.state()["commits"]
        for node in nodes:
            uuids |= send(node, 20)
        if wait % 3:
            # Right after a commit, which is in the midst of another one, or before there is any.
            until(lambda seen=seen: catalog.state()["commits"] > seen, every=0.01, what="a commit")
        nodes[wait % 2].restart()
    assert_all_once(catalog, uuids)


def test_credentials_are_renewed_before_they_expire(new_writer, catalog: Catalog) -> None:
    catalog.credentials(lifetime=4)
    server = new_writer().start()
    uuids = set()
    for _ in range(4):
        uuids |= send(server, 5)
        seen = catalog.state()["issued"]
        until(lambda seen=seen: catalog.state()["issued"] > seen + 3, timeout=60, what="new credentials")
    catalog.credentials()
    assert_all_once(catalog, uuids)


def test_manifests_are_merged_and_old_snapshots_go(new_writer, catalog: Catalog) -> None:
    server = new_writer(HOGFLARE_CATALOG_SNAPSHOTS="3s").start()
    uuids = send(server, 2)
    assert_all_once(catalog, uuids)
    with catalog.table().transaction() as change:
        change.set_properties({"commit.manifest.min-count-to-merge": "4"})
    commits = 12
    for _ in range(commits):
        uuids |= send(server, 2)
        assert_all_once(catalog, uuids)
    table = catalog.table()
    manifests = table.current_snapshot().manifests(table.io)
    assert len(manifests) <= 6, "one a merge, and those since"
    assert len(table.snapshots()) < commits
    names = {uri for uri in catalog.objects("default/events/metadata/") if uri.endswith(".avro")}
    assert names == manifest_files(catalog), "nothing is left that no snapshot names"
    uuids |= send(server, 2)
    assert_all_once(catalog, uuids)


def test_with_keep_snapshots_stay(new_writer, catalog: Catalog) -> None:
    server = new_writer(HOGFLARE_CATALOG_SNAPSHOTS="keep").start()
    uuids = set()
    for commits in range(1, 5):
        uuids |= send(server, 2)
        assert_all_once(catalog, uuids)
        assert len(catalog.table().snapshots()) >= commits


def test_an_older_copy_of_the_folder_is_noticed(new_writer, catalog: Catalog, tmp_path) -> None:
    server = new_writer().start()
    send(server, 5)
    server.stop()
    copy = tmp_path / "copy"
    shutil.copytree(server.data_dir, copy)
    server.start()
    uuids = send(server, 5)
    until(lambda: uuids <= catalog.uuids().keys(), timeout=60, what="the rows")
    server.stop()
    before = catalog.uuids()
    old = new_writer(copy).start()

    until(lambda: "older copy" in old.trouble("catalog"), what="the reason")
    send(old, 5)
    assert catalog.uuids() == before


def test_a_catalog_that_is_gone_too_long_is_parked_and_catches_up(new_writer, catalog: Catalog) -> None:
    server = new_writer(HOGFLARE_JOURNAL_BUDGET="24MiB").start()
    uuids = send(server, 3)
    assert_all_once(catalog, uuids)
    catalog.process.kill9()
    filling = "x" * 400_000
    for _ in range(30):
        events = [new_event("while it is gone", properties={"filling": filling}) for _ in range(4)]
        events.append(new_event("$$heatmap", properties={"$heatmap_data": {"https://a.b/": []}}))
        body = {"api_key": TOKEN, "batch": events}
        until(lambda body=body: server.post("/batch/", body).is_success(), what="room in the journal")
        uuids |= {event["uuid"] for event in events[:4]}

    def parked() -> bool:
        return server.get("/_readiness").json()["sinks"]["catalog"] == "parked"

    until(parked, timeout=60, what="the catalog's sink to be parked")
    catalog.start_catalog()
    uuids |= send(server, 3)
    assert_all_once(catalog, uuids)
    heatmaps = catalog.rows("heatmaps", "uuid", "properties")
    assert len({row["uuid"] for row in heatmaps}) == len(heatmaps) == 30
    assert all("heatmap_data" in row["properties"] for row in heatmaps)


def test_doctor_looks_at_catalog_and_storage(writer: Hogflare, catalog: Catalog) -> None:
    assert_all_once(catalog, send(writer, 2))
    before = catalog.objects()
    assert "10 tables that can be written to" in writer.doctor()
    assert catalog.objects() == before, "it leaves nothing behind"
    catalog.fault("storage", count=50, status=403)
    assert "BAD   catalog" in writer.doctor()
    catalog.heal()
    writer.env["HOGFLARE_CATALOG_TOKEN"] = "wrong"
    assert "401" in writer.doctor()


def test_a_commit_that_arrives_after_a_restart_counts(writer: Hogflare, catalog: Catalog) -> None:
    uuids = send(writer, 5)
    assert_all_once(catalog, uuids)
    catalog.fault("commit", mode="late", seconds=3, table="events")
    uuids |= send(writer, 5)
    until(lambda: catalog.faults_left() == 0, timeout=60, what="the commit")
    writer.kill9()
    # Before it arrives the next start reads the cursor; after it has, that start commits other rows, too.
    writer.start(HOGFLARE_CATALOG_INTERVAL="5s")
    uuids |= send(writer, 5)
    assert_all_once(catalog, uuids)
    uuids |= send(writer, 5)
    assert_all_once(catalog, uuids)
