"""Every SDK of the matrix, run for real: what it sent is what is stored, and what it asked is answered."""

import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from harness.compare import LAKE_COLUMNS, as_object, as_time, check_belief, check_rows, check_stored_once
from harness.compatibility_table import Finding, render
from harness.decode import SentEvent, SentSpan, decode_text, encoding, is_analytics, is_v1, sent_spans
from harness.matrix import Case, cases
from harness.node import run_program
from harness.poll import until
from harness.server import Hogflare
from harness.tee import Exchange, Tee

FLAGS = {"/flags", "/decide"}
OTEL = "/i/v0/ai/otel"
# What the lake has in tables of their own.
KEPT_APART = {"$$client_ingestion_warning": "quarantine", "$$heatmap": "heatmaps"}
CASES = cases()


@dataclass
class Run:
    """What one SDK put on the wire in one mode, and what was stored of it."""

    token: str
    believed: list[dict]
    exchanges: list[Exchange]
    sent: list[SentEvent]
    rows: list[dict]

    def counted(self) -> list[SentEvent]:
        """What belongs to `events`."""
        return [event for event in self.sent if event.event not in KEPT_APART]

    def posts(self) -> list[Exchange]:
        """Requests that carried anything."""
        return [exchange for exchange in self.exchanges if exchange.method == "POST"]

    def carriers(self) -> list[Exchange]:
        """Requests that carried events."""
        return [exchange for exchange in self.posts() if is_analytics(exchange.target) or OTEL in exchange.target]

    def flag_questions(self) -> list[Exchange]:
        """Requests that asked for feature flags."""
        return [exchange for exchange in self.posts() if exchange.path().rstrip("/") in FLAGS]


@pytest.fixture(scope="module")
def findings(request: pytest.FixtureRequest) -> Iterator[dict[str, Finding]]:
    """What each case found; written as a page at the end where `--table` names one."""
    found: dict[str, Finding] = {}
    yield found
    page = request.config.getoption("--table")
    if page:
        assert found.keys() == {str(case) for case in CASES}, "a table needs every SDK: run without a selection"
        Path(page).write_text(render([found[str(case)] for case in CASES]))


def each(*selected: Case):
    """Parameters of a test: those that every run has, and those that only `make compatibility` has."""
    marks = {True: [], False: [pytest.mark.compatibility]}
    return [pytest.param(case, id=str(case), marks=marks[case.always]) for case in selected]


@pytest.mark.parametrize("case", each(*[case for case in CASES if case.wire != "otel"]))
def test_every_event_is_stored_once_and_says_what_the_sdk_said(
    case: Case, hogflare: Hogflare, start_tee, findings: dict[str, Finding]
) -> None:
    finding = findings[str(case)] = Finding(case)
    for mode in case.modes:
        run = drive(case, mode, hogflare, start_tee(hogflare.port))
        count(finding, run, len(run.sent))
        check_statuses(run)
        check_belief(run.believed, run.sent)
        check_stored_once(run.counted(), run.rows)
        check_rows(run.counted(), run.rows)
        check_v1_answers(run)
        check_flags(case, run)
    finding.works = True


@pytest.mark.parametrize("case", each(*[case for case in CASES if case.wire == "otel"]))
def test_every_span_about_models_is_one_event(
    case: Case, hogflare: Hogflare, start_tee, findings: dict[str, Finding]
) -> None:
    finding = findings[str(case)] = Finding(case)
    run = drive(case, case.modes[0], hogflare, start_tee(hogflare.port))
    spans = [span for exchange in run.carriers() for span in sent_spans(exchange)]
    count(finding, run, len(spans))
    check_statuses(run)
    assert sorted(span.operation for span in spans) == ["chat", "embeddings"]
    stored = {as_object(row["properties"])["$ai_span_id"]: row for row in run.rows}
    assert len(run.rows) == len(stored) and stored.keys() == {span.span_id for span in spans}
    for span in spans:
        check_span(span, stored[span.span_id])
    finding.works = True


def drive(case: Case, mode: dict[str, str], server: Hogflare, tee: Tee) -> Run:
    """Runs the SDK once, under a token of its own, and waits until its events are stored."""
    token = f"phc_{uuid.uuid4().hex}"
    settings = {"posthog_host": tee.url, "token": token, "explicit_uuid": str(uuid.uuid4())}
    believed = run_program([*case.command], **settings, **case.settings, **mode)
    sent, exchanges = tee.events(), tee.exchanges()
    apart = [event for event in sent if event.event in KEPT_APART]
    awaited = len(sent) - len(apart) or sum(len(sent_spans(exchange)) for exchange in exchanges if OTEL in exchange.target)
    assert awaited, f"the SDK sent nothing; it believes in {believed}"
    stored = f"select count(*) as n from events where token = '{token}'"
    until(lambda: server.query(stored)[0]["n"] >= awaited, timeout=30, what=f"{awaited} stored events")
    for event in apart:
        found = f"select 1 from {KEPT_APART[event.event]} where token = '{token}' and uuid = '{event.uuid}'"
        until(lambda found=found: len(server.query(found)) == 1, what=f"{event.event} in a table of its own")
    rows = server.query(f"select {LAKE_COLUMNS} from events where token = '{token}'")
    return Run(token, believed, exchanges, sent, rows)


def count(finding: Finding, run: Run, sent: int) -> None:
    """Adds one mode's traffic to what was found."""
    finding.encodings |= {encoding(exchange) for exchange in run.carriers()}
    finding.requests += len(run.carriers())
    finding.sent += sent
    finding.stored += len(run.rows) + len(run.sent) - len(run.counted())
    finding.flag_questions += len(run.flag_questions())


def check_statuses(run: Run) -> None:
    """Everything was taken; who asks for no answer to a beacon gets none."""
    for exchange in run.posts():
        assert exchange.status == (204 if "beacon=1" in exchange.target else 200), exchange.target


def check_v1_answers(run: Run) -> None:
    """Capture V1 answers for each event."""
    for exchange in run.carriers():
        if is_v1(exchange.target):
            results = json.loads(exchange.answer)["results"]
            batch = json.loads(decode_text(exchange.headers, exchange.body))["batch"]
            assert results == {event["uuid"].lower(): {"result": "ok"} for event in batch}


def check_flags(case: Case, run: Run) -> None:
    """The SDK asked for flags, as its driver told it to, and got an answer with flags in it."""
    assert run.flag_questions() or case.sdk == "@posthog/ai"
    for exchange in run.flag_questions():
        answer = json.loads(exchange.answer)
        assert "flags" in answer or "featureFlags" in answer, answer
        assert not answer.get("errorsWhileComputingFlags"), answer


def check_span(span: SentSpan, row: dict) -> None:
    """The event of a span says what the span said."""
    properties = as_object(row["properties"])
    said = {"$ai_trace_id": span.trace_id, "$ai_model": span.model, "$ai_input_tokens": span.input_tokens}
    assert said == {name: properties.get(name) for name in said}
    assert row["event"] == {"chat": "$ai_generation", "embeddings": "$ai_embedding"}[span.operation]
    assert row["distinct_id"] == span.distinct_id
    assert as_time(row["timestamp"]) == span.started
