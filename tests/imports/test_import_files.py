"""`hogflare import files`: what was in files is in the lake, once, whatever stops on the way."""

import csv
import gzip
import json
import os
from datetime import datetime
from pathlib import Path

import brotli
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from harness.importing import as_json, begin, bring, by_day, event, lake_days
from harness.poll import until
from harness.server import TOKEN, Hogflare

# A million takes some minutes; as many as that are brought where this says so.
ROWS = int(os.environ.get("HOGFLARE_IMPORT_ROWS", "100000"))
TIME = pa.timestamp("us", tz="UTC")


def parquet(path: Path, rows: list[dict], compression: str = "snappy") -> Path:
    """Writes rows as PostHog's batch exports do."""
    texts = [row | {"properties": json.dumps(row["properties"])} for row in rows]
    names = ["uuid", "event", "distinct_id", "properties"]
    schema = pa.schema([(name, pa.string()) for name in names] + [("timestamp", TIME), ("created_at", TIME)])
    pq.write_table(pa.Table.from_pylist(texts, schema=schema), path, compression=compression, row_group_size=20_000)
    return path


def test_a_large_file_is_brought_once_though_importer_and_server_are_killed(hogflare: Hogflare, tmp_path: Path) -> None:
    """Kills both in the middle, resumes, and brings the same again under another name."""
    rows = [event(number) for number in range(ROWS)]
    path = parquet(tmp_path / "events.parquet", rows)
    log = tmp_path / "import.log"
    stored = lambda: hogflare.metric("hogflare_events_accepted_total")  # noqa: E731
    importer = begin(hogflare, log, "files", str(path), "--events-per-second", str(ROWS // 4))
    until(lambda: stored() > ROWS / 10, timeout=60, what="a tenth")
    importer.kill9()
    assert 0 < stored() < ROWS, "it was killed in the middle"
    importer = begin(hogflare, log, "files", str(path), "--events-per-second", str(ROWS // 4))
    until(lambda: stored() > ROWS / 3, timeout=60, what="a third")
    hogflare.restart()
    assert importer.wait_end(300) == 0, importer.log()
    assert lake_days(hogflare) == by_day(rows)
    copy = parquet(tmp_path / "copy.parquet", rows)
    assert copy.read_bytes() == path.read_bytes()
    accepted = stored()
    bring(hogflare, "files", str(copy))
    assert stored() == accepted, "a second run sends nothing"
    assert lake_days(hogflare) == by_day(rows)


def test_rows_are_what_they_were(hogflare: Hogflare, tmp_path: Path) -> None:
    """Nothing of the importer is added: no address, no place, no other time."""
    rows = [event(number) for number in range(50)]
    rows[7]["properties"] |= {"$cookieless_mode": True, "$raw_user_agent": "Mozilla/5.0 (compatible; Googlebot/2.1)"}
    bring(hogflare, "files", str(parquet(tmp_path / "a.parquet", rows)))
    found = hogflare.query("select uuid, event, distinct_id, timestamp, properties, extra from events")
    assert len(found) == len(rows)
    expected = {row["uuid"]: row for row in rows}
    for row in found:
        source = expected[row["uuid"]]
        assert (row["event"], row["distinct_id"]) == (source["event"], source["distinct_id"])
        assert datetime.fromisoformat(row["timestamp"]) == source["timestamp"]
        assert json.loads(row["properties"]) == source["properties"]
        extra = json.loads(row["extra"])
        assert datetime.fromisoformat(extra["original_created_at"]) == source["created_at"]
        assert extra["historical_migration"] is True


@pytest.mark.parametrize("compression", ["none", "snappy", "gzip", "brotli", "zstd", "lz4"])
def test_compressions_of_parquet(shared_import: Hogflare, tmp_path: Path, compression: str) -> None:
    """Each that PostHog writes."""
    rows = [event(number, event=f"parquet-{compression}") for number in range(300)]
    bring(shared_import, "files", str(parquet(tmp_path / "a.parquet", rows, compression)))
    assert count(shared_import, f"parquet-{compression}") == 300


@pytest.mark.parametrize("ending", ["jsonl", "jsonl.gz", "jsonl.zst", "jsonl.br"])
def test_compressions_of_json_lines(shared_import: Hogflare, tmp_path: Path, ending: str) -> None:
    """Each that PostHog writes, and zstd."""
    name = f"lines-{ending}"
    text = "".join(as_json(event(number, event=name)) + "\n" for number in range(300)).encode()
    pack = {"gz": gzip.compress, "zst": zstandard.compress, "br": brotli.compress}
    packed = pack.get(ending.rsplit(".", 1)[-1], bytes)(text)
    (tmp_path / f"a.{ending}").write_bytes(packed)
    bring(shared_import, "files", str(tmp_path))
    assert count(shared_import, name) == 300


def test_csv_with_names_of_its_own(shared_import: Hogflare, tmp_path: Path) -> None:
    """Columns are mapped, times are read in their zone, and rows without uuids are brought once."""
    path = tmp_path / "orders.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file, delimiter=";")
        writer.writerow(["what", "customer", "when", "amount", "zip"])
        writer.writerows([["csv-order", "ann", "01.07.2024 12:00:01", "12.5", "01234"]] * 2)
    words = ["--map", "what=event", "--map", "customer=distinct_id", "--map", "when=timestamp"]
    words += ["--map", "amount=properties.amount", "--map", "zip=properties.zip", "--delimiter", ";"]
    words += ["--time-zone", "Europe/Berlin", "--time-format", "%d.%m.%Y %H:%M:%S"]
    bring(shared_import, "files", str(path), *words)
    bring(shared_import, "files", str(path), *words, "--ledger", str(tmp_path / "other.db"))
    found = shared_import.query("select distinct_id, timestamp, properties from events where event = 'csv-order'")
    assert len(found) == 2, "two rows at two places, and none of the second run"
    assert found[0]["timestamp"].startswith("2024-07-01T10:00:01")
    assert json.loads(found[0]["properties"]) == {"amount": 12.5, "zip": "01234"}


def test_rubbish_is_counted_and_kept_aside(shared_import: Hogflare, tmp_path: Path) -> None:
    """Good rows come through, each bad one stands in a file with its reason, and there is an end to it."""
    good = [as_json(event(number, event="between-rubbish")) for number in range(10)]
    bad = [
        '{"event": ',
        as_json(event(1, event="")),
        as_json(event(1, distinct_id="")),
        as_json(event(1, uuid="seven")),
        as_json(event(1) | {"timestamp": "soon"}),
        as_json(event(1) | {"timestamp": "1969-12-31T00:00:00Z"}),
        as_json(event(1) | {"properties": "[1]"}),
    ]
    path, rejects = tmp_path / "a.jsonl", tmp_path / "rejects.ndjson"
    path.write_bytes("\n".join([*bad, *good]).encode() + b"\n\x00\xff\n")
    done = bring(shared_import, "files", str(path), "--rejects", str(rejects))
    assert "8 rows cannot be brought" in done.stdout
    reasons = [json.loads(line)["reason"] for line in rejects.read_text().splitlines()]
    assert reasons == [
        "not_json",
        "no_event",
        "no_distinct_id",
        "bad_uuid",
        "unreadable_timestamp",
        "timestamp_before_1971",
        "bad_properties",
        "not_json",
    ]
    assert count(shared_import, "between-rubbish") == 10
    path.write_text("\n".join([*bad, *good, "{}"]) + "\n")
    done = bring(shared_import, "files", str(path), "--rejects", str(rejects), "--max-errors", "3", expected=1)
    assert "more than 3 rows" in done.stderr
    path.write_text("\n".join(bad[1:]) + "\n")
    done = bring(shared_import, "files", str(path), "--rejects", str(rejects), expected=1)
    assert "nothing could be brought" in done.stdout


def test_wrong_files_and_words_say_what_is_wrong(shared_import: Hogflare, tmp_path: Path) -> None:
    """Before anything is sent."""
    (tmp_path / "no.parquet").write_bytes(b"not parquet at all")
    (tmp_path / "cut.parquet").write_bytes(b"PAR1 cut off")
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    (tmp_path / "a.zip").write_bytes(b"PK\x03\x04....")
    for name, said in {
        "no.parquet": "called Parquet, and is not",
        "cut.parquet": "cut.parquet",
        "other.csv": "say what they are with --map",
        "a.zip": "compressed in a way",
        "nothing-*.csv": "there is no such file",
    }.items():
        assert said in bring(shared_import, "files", str(tmp_path / name), expected=1).stderr
    done = bring(shared_import, "files", str(tmp_path / "other.csv"), "--map", "c=event", expected=1)
    assert "no column c" in done.stderr


def test_what_stands_before_damage_is_brought(shared_import: Hogflare, tmp_path: Path) -> None:
    """A file that is cut off is an error, each time, and none of its rows is lost or doubled."""
    text = "".join(as_json(event(number, event="before-damage")) + "\n" for number in range(3_000)).encode()
    packed = gzip.compress(text)
    path = tmp_path / "cut.jsonl.gz"
    path.write_bytes(packed[: len(packed) // 2])
    for _ in range(2):
        assert "cut.jsonl.gz, behind row" in bring(shared_import, "files", str(path), expected=1).stderr
        found = count(shared_import, "before-damage")
        assert 500 < found < 3_000
    path.write_bytes(packed)
    bring(shared_import, "files", str(path))
    assert count(shared_import, "before-damage") == 3_000


def test_what_the_lake_does_not_have_ends_with_an_error(shared_import: Hogflare, tmp_path: Path) -> None:
    """Rows that other rows are duplicates of are told, and explain the difference."""
    twice = [event(number, event="twice") for number in range(20)] * 2
    done = bring(shared_import, "files", str(parquet(tmp_path / "twice.parquet", twice)))
    assert "20 have uuid, event and distinct id of rows that were there already" in done.stdout
    assert count(shared_import, "twice") == 20


def test_a_dry_run_counts_and_sends_nothing(shared_import: Hogflare, tmp_path: Path) -> None:
    """Days as in the file."""
    rows = [event(number, event="dry") for number in range(500)]
    done = bring(shared_import, "files", str(parquet(tmp_path / "a.parquet", rows)), "--dry-run")
    told = dict(line.split()[:2] for line in done.stdout.splitlines() if line.startswith("2024"))
    assert {day: int(n) for day, n in told.items()} == by_day(rows)
    assert count(shared_import, "dry") == 0


def test_a_lake_of_ours_is_brought_to_another(hogflare: Hogflare, new_hogflare, tmp_path: Path) -> None:
    """Its files have all tokens' rows; those of the project come, to the microsecond."""
    rows = [event(number) for number in range(200)]
    bring(hogflare, "files", str(parquet(tmp_path / "a.parquet", rows)))
    hogflare.post("/capture", {"api_key": "phc_other", "event": "others", "distinct_id": "x"})
    hogflare.stop()
    other = new_hogflare(tmp_path / "other").start()
    done = bring(other, "files", str(hogflare.data_dir / "lake" / "data" / "events"))
    assert "other_token" in done.stdout
    assert lake_days(other) == by_day(rows)
    asked = "select uuid, event, distinct_id, timestamp, properties from events where token like 'phc_hog%' order by 1"
    assert other.query(asked) == hogflare.query(asked)


def persons_file(path: Path) -> Path:
    """Two persons with three and one distinct ids, and one that is deleted."""
    people = {"p-1": ["ann", "ann-phone", "ann-work"], "p-2": ["bob"], "p-3": ["gone"]}
    properties = {"p-1": {"email": "ann@example.com", "age": 33}, "p-2": {"email": "bob@example.com"}, "p-3": {}}
    rows = [
        {
            "team_id": 1,
            "distinct_id": distinct_id,
            "person_id": person,
            "properties": json.dumps(properties[person]),
            "person_version": 1,
            "is_deleted": person == "p-3",
            "created_at": datetime.fromisoformat("2023-05-01T10:00:00+00:00"),
        }
        for person, distinct_ids in people.items()
        for distinct_id in distinct_ids
    ]
    pq.write_table(pa.Table.from_pylist(rows), path)
    return path


def test_persons_are_who_they_were(hogflare: Hogflare, tmp_path: Path) -> None:
    """Distinct ids of one are one's, properties are the export's and not those of old events."""
    persons = persons_file(tmp_path / "persons.parquet")
    ids = ["ann", "ann-phone", "ann-work", "bob", "cid"]
    rows = [event(number, distinct_id=ids[number % 5]) for number in range(100)]
    for row in rows:
        row["properties"] |= {"$set": {"email": "old@example.com", "age": 1}}
    events = parquet(tmp_path / "events.parquet", rows)
    for _ in range(2):
        bring(hogflare, "files", str(events), str(persons))
        found = hogflare.query("select distinct_id, person_id, count(*) as n from events group by 1, 2 order by 1")
        assert [row["distinct_id"] for row in found] == ids
        assert len({row["person_id"] for row in found[:3]}) == 1
        assert len({row["person_id"] for row in found}) == 3
        assert {int(row["n"]) for row in found} == {20}
    people = hogflare.query("select id, properties, created_at from persons")
    known = {row["id"]: row for row in people}
    ann, bob = known[found[0]["person_id"]], known[found[3]["person_id"]]
    told = json.loads(ann["properties"])
    assert (told["email"], told["age"]) == ("ann@example.com", 33)
    assert json.loads(bob["properties"])["email"] == "bob@example.com"
    assert ann["created_at"].startswith("2023-05-01T10:00:00")
    assert hogflare.query("select count(*) as n from person_distinct_ids where distinct_id = 'gone'")[0]["n"] == 0


def test_history_leaves_newer_persons_as_they_are(hogflare: Hogflare, tmp_path: Path) -> None:
    """With --keep-persons, since SDKs sent newer events already; without it the last that came counts."""
    hogflare.capture("$set", "ann", properties={"$set": {"plan": "pro"}})
    old = [event(number, distinct_id="ann") for number in range(3)]
    for row in old:
        row["properties"] |= {"$set": {"plan": "free"}}
    plan = lambda: json.loads(hogflare.query("select properties from persons")[0]["properties"])["plan"]  # noqa: E731
    bring(hogflare, "files", str(parquet(tmp_path / "a.parquet", old)), "--keep-persons")
    assert plan() == "pro"
    again = [row | {"uuid": event(100 + number)["uuid"]} for number, row in enumerate(old)]
    bring(hogflare, "files", str(parquet(tmp_path / "b.parquet", again)))
    assert plan() == "free"


def test_a_server_elsewhere_wants_an_administrators_key(shared_import: Hogflare, tmp_path: Path) -> None:
    """Over HTTP; the read key is not enough. What cannot be compared does not end well."""
    path = parquet(tmp_path / "a.parquet", [event(number, event="remote") for number in range(5)])
    words = ["files", str(path), "--server", shared_import.url, "--ledger", str(tmp_path / "ledger.db")]
    done = bring(shared_import, *words, "--server-key", shared_import.read_key(), expected=1)
    assert "the server refuses" in done.stderr
    done = bring(shared_import, *words, "--server-key", shared_import.admin_key(), expected=1)
    assert "5 rows were acknowledged; the lake cannot be asked" in done.stdout
    assert count(shared_import, "remote") == 5
    shared_import.post("/api/import", {"api_key": TOKEN, "batch": [{"event": "x", "distinct_id": "y"}]})
    assert count(shared_import, "x") == 0, "nobody brings anything without a key"


def count(server: Hogflare, name: str) -> int:
    """How many events of a name the lake has."""
    return int(server.query(f"select count(*) as n from events where event = '{name}'")[0]["n"])
