"""The newest SDKs, run for real: what they send is what the lake and the pipeline hold."""

import uuid
from dataclasses import dataclass

import pytest

from harness.compare import LAKE_COLUMNS, as_object, as_time, check_belief, check_rows, check_stored_once
from harness.decode import SentEvent
from harness.node import run_driver
from harness.poll import until
from harness.server import TOKEN

SDKS = ["posthog_js.js", "posthog_node.js", "posthog_python.py"]
ALWAYS_THERE = {"source", "event_type", "distinct_id", "timestamp", "properties", "api_key"}
# NULL where the request had none; the stream takes a NULL as a member that is absent.
OBJECTS_IF_THERE = ["person_properties", "context", "extra"]


@dataclass
class Run:
    """What one SDK sent, and what was stored of it."""

    sdk: str
    explicit_uuid: str
    believed: list[dict]
    sent: list[SentEvent]
    statuses: set[int]
    encodings: set[str]
    lake: list[dict]
    pipeline: list[dict]
    pipeline_misfits: list[dict]


@pytest.fixture(params=[f"{sdk} {mode}" for sdk in SDKS for mode in ("gzip", "plain")])
def run(request, piped, emulator, start_tee) -> Run:
    """Runs one driver against the server and waits until both stores hold its events."""
    sdk, mode = request.param.split()
    tee, explicit_uuid = start_tee(piped.port), str(uuid.uuid4())
    settings = {"posthog_host": tee.url, "token": TOKEN, "explicit_uuid": explicit_uuid}
    believed = run_driver(sdk, compression="on" if mode == "gzip" else "off", **settings)
    sent = tee.events()
    until(lambda: emulator.count() >= len(sent), timeout=60, what="the pipeline to hold every event")
    until(lambda: piped.query("select count(*) as n from events")[0]["n"] >= len(sent), timeout=60, what="the lake")
    posts = [exchange for exchange in tee.exchanges() if exchange.method == "POST"]
    return Run(
        sdk=sdk,
        explicit_uuid=explicit_uuid,
        believed=believed,
        sent=sent,
        statuses={exchange.status for exchange in posts},
        encodings={_encoding(exchange.body) for exchange in posts if "/flags" not in exchange.target},
        lake=piped.query(f"select {LAKE_COLUMNS} from events"),
        pipeline=emulator.events(),
        pipeline_misfits=emulator.dropped() + emulator.stripped(),
    )


def test_every_event_is_stored_once_and_says_what_the_sdk_said(run: Run) -> None:
    assert run.statuses == {200}
    check_belief(run.believed, run.sent)
    check_stored_once(run.sent, run.lake)
    check_rows(run.sent, run.lake)
    check_stored_once(run.sent, run.pipeline)
    check_rows(run.sent, run.pipeline)
    _check_pipeline_rows(run)
    _check_columns(run)


def _check_pipeline_rows(run: Run) -> None:
    assert run.pipeline_misfits == []
    lake_times = {row["uuid"]: as_time(row["timestamp"]) for row in run.lake}
    for row in run.pipeline:
        assert ALWAYS_THERE <= row.keys(), f"missing: {ALWAYS_THERE - row.keys()}"
        assert row["source"] == "posthog"
        assert row["event_type"] == row["event"]
        assert row["api_key"] == row["token"] == TOKEN
        assert isinstance(row["properties"], dict)
        assert all(isinstance(row.get(name, {}), dict) for name in OBJECTS_IF_THERE)
        assert as_time(row["timestamp"]) == lake_times[row["uuid"]]


def _check_columns(run: Run) -> None:
    in_group = next(row for row in run.lake if row["event"].endswith("in group"))
    assert "acme" in as_object(in_group["properties"])["$groups"].values()
    if run.sdk == "posthog_js.js":
        clicked = next(row for row in run.lake if row["event"] == "$autocapture")
        assert clicked["elements_chain"].startswith("button") and 'attr__id="buy"' in clicked["elements_chain"]
        assert sum(row["event"] == "js while leaving" for row in run.lake) == 10
        assert any(row["event"] == "$pageleave" for row in run.lake)
    else:
        explicit = next(row for row in run.lake if row["event"].endswith("explicit uuid"))
        assert explicit["uuid"] == run.explicit_uuid
        assert {"gzip", "json"} >= run.encodings and len(run.encodings) == 1
    identified = next(row for row in run.lake if row["event"] == "$identify")
    assert as_object(identified["person_properties"])


def _encoding(body: bytes) -> str:
    if body.startswith(b"\x1f\x8b"):
        return "gzip"
    return "form" if body.startswith(b"data=") else "json"
