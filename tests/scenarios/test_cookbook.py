"""Each statement of `docs/sql-cookbook.md` and `docs/sql.md` runs as it stands there, and finds something; some are
counted again here."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import psycopg
import pytest

from harness.process import free_port
from harness.server import TOKEN, Hogflare
from web.traffic import send, traffic

DOCS = Path(__file__).resolve().parents[2] / "docs"
VISITS, DAYS = 4_000, 45
NOTHING = (None, "", 0)


def read_statements() -> dict[str, str]:
    """The blocks of SQL, by page, heading and number below it."""
    found = {}
    for page in ["sql-cookbook.md", "sql.md"]:
        heading, count = "", 0
        for block in re.finditer(r"^```sql\n(.*?)^```|^## ([^\n]*)", (DOCS / page).read_text(), re.DOTALL | re.MULTILINE):
            if block[1] is None:
                heading, count = block[2], 0
                continue
            count += 1
            found[f"{page}: {heading} {count}"] = block[1]
    return found


STATEMENTS = read_statements()
EACH = pytest.mark.parametrize("statement", STATEMENTS.values(), ids=STATEMENTS.keys())


def slow_pages(end: datetime) -> Iterator[dict]:
    """What posthog-js sends of how fast pages are."""
    for number in range(60):
        moment = end - timedelta(hours=number)
        yield {
            "event": "$web_vitals",
            "distinct_id": f"visitor-{number % 7}",
            "timestamp": moment.isoformat(),
            "properties": {"$pathname": ["/docs", "/pricing"][number % 2], "$web_vitals_LCP_value": 900 + 40 * number},
        }


@pytest.fixture(scope="module")
def sent() -> list[dict]:
    """Some weeks of a site's visits."""
    end = datetime.now(UTC)
    return [*traffic(VISITS, DAYS, end), *slow_pages(end)]


@pytest.fixture(scope="module")
def filled(sent: list[dict], binary: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hogflare]:
    """A server with these events, which answers over HTTP and as PostgreSQL does."""
    folder = tmp_path_factory.mktemp("cookbook")
    door = {"HOGFLARE_PG_ADDR": f"127.0.0.1:{free_port()}"}
    server = Hogflare(binary, folder / "data", folder / "log", door).start()
    try:
        send(server.url, TOKEN, sent)
        yield server
    finally:
        server.kill9()


@EACH
def test_statement_of_the_docs_finds_something(filled: Hogflare, statement: str) -> None:
    """It has rows, and each of its columns has a value in one of them."""
    rows = over_http(filled, statement)
    assert rows, "it finds nothing"
    empty = [name for name in columns(rows) if all(told(row.get(name)) in NOTHING for row in rows)]
    assert not empty, f"columns without any value: {empty}"


@EACH
def test_statement_of_the_docs_runs_in_clients_of_postgresql(filled: Hogflare, statement: str) -> None:
    """It has as many rows there."""
    host, port = filled.env["HOGFLARE_PG_ADDR"].split(":")
    with psycopg.connect(host=host, port=port, user="me", dbname="hogflare", password=filled.read_key()) as lake:
        found = lake.execute(statement).fetchall()
    assert len(found) == len(over_http(filled, statement))


def test_pages_have_statements() -> None:
    """Nothing is tested where the blocks are not found."""
    assert len(STATEMENTS) >= 25


def test_hours_are_those_of_the_zone(filled: Hogflare, sent: list[dict]) -> None:
    """The days before the last thirty are left out, and nothing else."""
    [rows] = [over_http(filled, text) for name, text in STATEMENTS.items() if name.endswith("Days of a time zone 2")]
    # Events within a minute of the bound may be on either side of it, by when the statement runs.
    bound = datetime.now(UTC) - timedelta(days=30)
    sure = Counter(hour_there(event) for event in sent if moment(event) >= bound)
    close = sum(abs(moment(event) - bound) < timedelta(minutes=1) for event in sent)
    counted = {int(row["hour"]): row["events"] for row in rows}
    assert sum(abs(counted.get(hour, 0) - sure[hour]) for hour in range(24)) <= close


def test_revenue_is_what_was_sent(filled: Hogflare, sent: list[dict]) -> None:
    """By month and plan."""
    [rows] = [over_http(filled, text) for name, text in STATEMENTS.items() if name.endswith("Revenue by plan 1")]
    revenue = Counter()
    for event in sent:
        if event["event"] == "plan upgraded":
            revenue[event["timestamp"][:7], event["properties"]["plan"]] += event["properties"]["amount"]
    assert {(row["month"][:7], row["plan"]): row["revenue"] for row in rows} == revenue


def test_users_of_days_are_those_of_the_insight(filled: Hogflare) -> None:
    """As trends count them."""
    rows = over_http(filled, STATEMENTS["sql-cookbook.md: How many users: daily, weekly, monthly 1"])
    wanted = {"series": [{"event": None, "math": "dau"}], "dateRange": {"date_from": "-30d"}}
    answer = filled.post("/api/insights/trends?project=1", wanted, authorization=f"Bearer {filled.read_key()}")
    [series] = answer.json()["results"]
    insight = dict(zip((day[:10] for day in series["days"]), series["data"], strict=True))
    # The first day of the statement begins in the middle.
    users = {row["day"][:10]: row["users"] for row in rows[1:]}
    assert users == {day: insight[day] for day in users}


def moment(event: dict) -> datetime:
    """When it happened."""
    return datetime.fromisoformat(event["timestamp"])


def hour_there(event: dict) -> int:
    """The hour by New York's clocks."""
    return moment(event).astimezone(ZoneInfo("America/New_York")).hour


def over_http(server: Hogflare, statement: str) -> list[dict]:
    """The rows of one statement."""
    asked = {"query": statement, "format": "json"}
    answer = server.post("/api/sql", asked, authorization=f"Bearer {server.read_key()}")
    assert answer.status == 200, answer.body.decode()
    return json.loads(answer.body, parse_float=Decimal)


def columns(rows: list[dict]) -> list[str]:
    """The names in any row."""
    return list(dict.fromkeys(name for row in rows for name in row))


def told(value: object) -> object:
    """A list is nothing where it is empty."""
    return None if value in ([], {}) else value
