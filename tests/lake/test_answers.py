"""Answers of SQL in every format: at the terminal, over HTTP, and larger than the server's memory limits."""

import csv
import http.client
import io
import json
import os
import pty
import re
import select
import subprocess
import time
from pathlib import Path

import pyarrow as pa
from harness.poll import until
from harness.process import child_env
from harness.server import Hogflare

PROPERTIES = {"price": 29.99, "count": 3, "plan": 'p"ro', "cart": {"a": 1}, "tags": ["x"], "is_new": True}
KEYS = ("price", "count", "plan", "cart", "tags", "is_new", "missing")
SELECTED = ", ".join(f"properties->'{key}' as \"{key}\"" for key in KEYS)


def ask(server: Hogflare, sql: str, form: str = "json") -> bytes:
    """Asks over HTTP."""
    answer = server.post("/api/sql", {"query": sql, "format": form}, authorization=f"Bearer {server.read_key()}")
    assert answer.status == 200, answer.body
    return answer.body


def shop(start_hogflare) -> Hogflare:
    """A server with one purchase."""
    server: Hogflare = start_hogflare()
    assert server.capture("purchase", properties=PROPERTIES).is_success()
    until(lambda: json.loads(ask(server, "select event from events")), what="the row")
    return server


def test_values_of_json_are_what_they_are_in_every_format(start_hogflare) -> None:
    server = shop(start_hogflare)
    sql = f"select {SELECTED} from events"
    expected = PROPERTIES | {"missing": None}
    assert json.loads(ask(server, sql)) == [expected]
    assert json.loads(ask(server, sql, "ndjson")) == expected
    texts = {key: "" if value is None else json.dumps(value) for key, value in expected.items()}
    assert list(csv.DictReader(io.StringIO(ask(server, sql, "csv").decode()))) == [texts]
    table = ask(server, sql, "table").decode()
    assert "29.99" in table and "float" not in table
    arrow = pa.ipc.open_stream(ask(server, sql, "arrow")).read_all()
    assert {key: column[0] or "" for key, column in arrow.to_pydict().items()} == texts


def test_a_stream_of_arrow_is_what_the_rows_are(start_hogflare) -> None:
    server = shop(start_hogflare)
    for number in range(50):
        assert server.capture("view", f"user-{number}", timestamp=f"2026-07-01T00:00:{number:02}Z").is_success()
    sql = "select distinct_id, timestamp, journal_offset from events where event = 'view' order by journal_offset"
    until(lambda: len(json.loads(ask(server, sql))) == 50, what="the rows")
    table = pa.ipc.open_stream(ask(server, sql, "arrow")).read_all()
    assert table["distinct_id"].to_pylist() == [f"user-{number}" for number in range(50)]
    assert [time.second for time in table["timestamp"].to_pylist()] == list(range(50))
    nobody = pa.ipc.open_stream(ask(server, "select uuid from events where event = 'none'", "arrow")).read_all()
    assert nobody.num_rows == 0 and nobody.column_names == ["uuid"]


def test_an_answer_may_be_larger_than_what_a_query_may_hold(start_hogflare) -> None:
    server = shop(start_hogflare)
    rows = 600_000
    sql = f"select value, repeat('x', 1000) as text from generate_series(1, {rows})"
    body = json.dumps({"query": sql, "format": "csv"})
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    connection.request("POST", "/api/sql", body, {"authorization": f"Bearer {server.read_key()}"})
    answer = connection.getresponse()
    assert answer.status == 200
    most, lines = 0, 0
    status = Path(f"/proc/{server.process.pid}/status")
    while piece := answer.read(1 << 20):
        lines += piece.count(b"\n")
        most = max(most, int(re.search(r"VmRSS:\s+(\d+)", status.read_text())[1]))
    assert lines == rows + 1
    assert most < 400_000, f"{most} KiB for an answer of 600 MB"
    # A table has to be held until its widths are known.
    told = server.post("/api/sql", {"query": sql, "format": "table"}, authorization=f"Bearer {server.read_key()}")
    assert told.status == 400 and "larger than" in told.json()["error"]


def test_what_fails_before_the_first_row_has_a_status_and_a_later_one_breaks_off(start_hogflare) -> None:
    server = shop(start_hogflare)
    shown = {"authorization": f"Bearer {server.read_key()}"}
    for form in ("json", "csv", "arrow"):
        told = server.post("/api/sql", {"query": "select nothing from events", "format": form}, **shown)
        assert told.status == 400 and "nothing" in told.json()["error"]
    sql = "select 1 / (value - 200000) as one from generate_series(1, 300000)"
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    connection.request("POST", "/api/sql", json.dumps({"query": sql, "format": "ndjson"}), shown)
    answer = connection.getresponse()
    try:
        answer.read()
        is_whole = answer.status == 200
    except http.client.IncompleteRead:
        is_whole = False
    assert not is_whole
    asked = subprocess.run(
        [server.binary, "sql", "--data-dir", server.data_dir, "--format", "ndjson", sql], capture_output=True, text=True, check=False
    )
    assert asked.returncode == 1 and asked.stderr.startswith("hogflare: ")


class Terminal:
    """`hogflare sql` at a terminal."""

    def __init__(self, server: Hogflare, home: Path) -> None:
        self.end, inner = pty.openpty()
        env = child_env({"HOME": str(home), "TERM": "xterm"})
        command = [server.binary, "sql", "--data-dir", server.data_dir]
        self.process = subprocess.Popen(command, stdin=inner, stdout=inner, stderr=inner, env=env, cwd=home)
        os.close(inner)
        self.unread = ""

    def read_until(self, text: str, timeout: float = 20) -> str:
        """Reads until something is shown."""
        seen, deadline = self.unread, time.monotonic() + timeout
        while text not in seen:
            assert time.monotonic() < deadline, f"{text!r} is not in {seen!r}"
            if select.select([self.end], [], [], 0.2)[0]:
                seen += os.read(self.end, 65_536).decode()
        before, self.unread = seen.split(text, 1)
        return before + text

    def type(self, text: str) -> None:
        """Types something."""
        os.write(self.end, text.encode())


def test_the_shell_completes_answers_and_remembers(start_hogflare, tmp_path: Path) -> None:
    server = shop(start_hogflare)
    terminal = Terminal(server, tmp_path)
    # What is typed while a query runs may be lost, so the prompt is waited for.
    terminal.read_until("hogflare=> ")
    terminal.type("\\f csv\n")
    terminal.read_until("hogflare=> ")
    # Tab completes the only column that begins so; a statement may have several lines.
    terminal.type("select distinct_i\t\nfrom events;\n")
    terminal.read_until("user-1")
    terminal.read_until("hogflare=> ")
    terminal.type("select nothing;\n")
    terminal.read_until("No field named nothing")
    terminal.read_until("hogflare=> ")
    terminal.type("\\d events\n")
    terminal.read_until("person_id")
    terminal.read_until("hogflare=> ")
    terminal.type("\\q\n")
    assert terminal.process.wait(timeout=20) == 0
    assert "distinct_id" in (tmp_path / ".hogflare_history").read_text()


def test_a_query_from_standard_input_is_answered_with_or_without_a_server(start_hogflare) -> None:
    server = shop(start_hogflare)
    command = [server.binary, "sql", "--data-dir", server.data_dir, "--format", "csv"]

    def answered() -> str:
        asked = subprocess.run(command, input="select event from events\n", capture_output=True, text=True, check=True)
        return asked.stdout

    assert answered() == "event\npurchase\n"
    server.stop()
    assert answered() == "event\npurchase\n"


def test_who_asks_again_gets_what_was_answered_until_an_event_comes(start_hogflare) -> None:
    server = shop(start_hogflare)
    key = {"authorization": f"Bearer {server.read_key()}"}
    trend = {"kind": "TrendsQuery", "series": [{"kind": "EventsNode", "event": "purchase"}]}

    def asked() -> tuple[int, float]:
        count = json.loads(ask(server, "select count(*) as count from events"))[0]["count"]
        answer = server.post("/api/insights/trends?project=1", trend, **key)
        assert answer.status == 200, answer.body
        return count, answer.json()["results"][0]["count"]

    def hits() -> float:
        return server.metric("hogflare_query_kept_answers_total", result="hit")

    # Commits and merges make versions of their own, so that a hit may take some tries.
    def asked_again() -> float:
        before = hits()
        first = asked()
        assert first == asked()
        return hits() - before >= 2

    until(asked_again, what="answers that were kept")
    before = asked()
    assert server.capture("purchase", "user-2").is_success()
    assert asked() == (before[0] + 1, before[1] + 1), "an acknowledged event is in the very next answer"
