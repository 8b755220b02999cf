"""What people do: filter, compare, build insights, ask in SQL, look somebody up."""

import csv
import json
import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from playwright.sync_api import Download, Page, expect

from harness.server import TOKEN, Hogflare

from .conftest import ZONE, Site

WEEK = f"timestamp >= bucket('day', now(), '{ZONE}') - INTERVAL '6 days'"


def figure(page: Page, name: str) -> str:
    """A figure of the web page, once it is there."""
    tab = page.get_by_role("tab").filter(has=page.get_by_text(name, exact=True))
    expect(tab).to_have_text(re.compile(rf"^{name}\s*[\d–]"))
    expect(page.locator("[data-stale]")).to_have_count(0)
    return tab.inner_text().split("\n")[1]


def number(server: Hogflare, sql: str) -> int:
    """What the server counts."""
    [row] = server.query(sql)
    return int(row["n"])


def saved(page: Page, click: Callable[[], None]) -> list[list[str]]:
    """The rows of a file that a click saves."""
    with page.expect_download() as waiting:
        click()
    download: Download = waiting.value
    return list(csv.reader(Path(download.path()).read_text().splitlines()))


def test_figures_are_what_sql_counts(open_page: Callable[..., Page], visited: Hogflare) -> None:
    page = open_page("/web")
    views = number(visited, f"SELECT count(*) AS n FROM events WHERE event = '$pageview' AND {WEEK}")
    visitors = number(visited, f"SELECT count(DISTINCT person_id) AS n FROM events WHERE event = '$pageview' AND {WEEK}")
    assert (figure(page, "Views"), figure(page, "Visitors")) == (f"{views:,}", f"{visitors:,}")


def test_a_value_that_is_clicked_is_a_filter_and_back_undoes_it(open_page: Callable[..., Page], visited: Hogflare) -> None:
    page = open_page("/web")
    before = figure(page, "Views")
    page.get_by_role("button", name="Only /pricing").click()
    expect(page.get_by_role("button", name="Change the filter: Page is /pricing")).to_be_visible()
    views = number(visited, f"SELECT count(*) AS n FROM events WHERE event = '$pageview' AND pathname = '/pricing' AND {WEEK}")
    assert figure(page, "Views") == f"{views:,}"
    assert parse_qs(urlsplit(page.url).query)["f"] == ["$pathname~exact~/pricing"]
    page.go_back()
    expect(page.get_by_role("button", name="Change the filter")).to_have_count(0)
    assert figure(page, "Views") == before


def test_a_value_can_be_left_out(open_page: Callable[..., Page], visited: Hogflare) -> None:
    page = open_page("/web")
    page.get_by_role("button", name="Only /pricing").hover()
    page.get_by_role("button", name="Leave out /pricing").click()
    views = number(visited, f"SELECT count(*) AS n FROM events WHERE event = '$pageview' AND pathname <> '/pricing' AND {WEEK}")
    assert figure(page, "Views") == f"{views:,}"


def test_a_filter_is_made_by_hand(open_page: Callable[..., Page]) -> None:
    page = open_page("/web")
    page.get_by_role("button", name="Add a filter").click()
    page.get_by_label("Search: Add a filter").fill("plan")
    page.get_by_role("option", name="plan").first.click()
    page.get_by_role("checkbox", name="free").check()
    page.get_by_role("button", name="Apply").click()
    expect(page.get_by_role("button", name="Change the filter: plan is free")).to_be_visible()


def test_dragging_over_a_chart_zooms(open_page: Callable[..., Page]) -> None:
    page = open_page("/web")
    canvas = page.locator("canvas").first
    expect(canvas).to_be_visible()
    box = canvas.bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.3, box["y"] + 90)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.6, box["y"] + 90, steps=4)
    page.mouse.up()
    page.wait_for_url(re.compile(r"range=\d{4}-\d\d-\d\d\.\.\d{4}-\d\d-\d\d"))


def test_a_table_and_a_file_stand_behind_a_chart(open_page: Callable[..., Page]) -> None:
    page = open_page("/web?metric=views")
    figure(page, "Views")
    more = page.get_by_role("button", name="More about Views")
    more.click()
    page.get_by_role("menuitem", name="Show the table").click()
    expect(page.get_by_role("region", name="Table of Views").get_by_role("row")).to_have_count(8)
    more.click()
    rows = saved(page, lambda: page.get_by_role("menuitem", name="Save as CSV").click())
    assert rows[0] == ["Date", "Views"] and len(rows) == 8
    assert f"{sum(int(row[1]) for row in rows[1:]):,}" == figure(page, "Views")


def test_the_persons_behind_a_trend(open_page: Callable[..., Page], visited: Hogflare) -> None:
    question = quote(json.dumps({"series": [{"event": "signed up", "math": "dau"}], "look": "number"}))
    page = open_page(f"/insights/trends?q={question}&range=30d")
    persons = number(visited, "SELECT count(DISTINCT person_id) AS n FROM events WHERE event = 'signed up'")
    page.get_by_role("button", name=str(persons), exact=True).click()
    drawer = page.get_by_role("dialog")
    expect(drawer.get_by_text(f"{persons} persons")).to_be_visible()
    rows = saved(page, lambda: drawer.get_by_role("button", name="Save as CSV").click())
    assert len(rows) == persons + 1
    drawer.get_by_role("link").first.click()
    page.wait_for_url(re.compile("/persons/[0-9a-f-]{36}"))
    expect(page.get_by_text("signed up").first).to_be_visible()


def test_the_sql_of_an_insight_runs_in_the_console(open_page: Callable[..., Page]) -> None:
    page = open_page("/insights/lifecycle")
    page.get_by_role("button", name="More about Lifecycle").click()
    page.get_by_role("menuitem", name="Show the SQL").click()
    page.get_by_role("link", name="Open in the console").first.click()
    expect(page.get_by_text(re.compile(r"^\d+ rows? · "))).to_be_visible()


def test_a_trend_is_built(open_page: Callable[..., Page]) -> None:
    page = open_page("/insights/trends")
    page.get_by_role("button", name="Add a series").click()
    page.get_by_role("button", name="Event of Series B").click()
    page.get_by_label("Search: Event of Series B").fill("signed")
    page.get_by_role("option", name="signed up").first.click()
    expect(page.get_by_role("region", name="Series of the chart").get_by_role("row")).to_have_count(3)
    page.get_by_role("textbox", name="Formula").fill("B / A * 100")
    page.get_by_role("textbox", name="Formula").press("Enter")
    expect(page.get_by_role("region", name="Series of the chart").get_by_role("row")).to_have_count(2)
    question = json.loads(parse_qs(urlsplit(page.url).query)["q"][0])
    assert question["formula"] == "B / A * 100" and question["series"][1]["event"] == "signed up"
    page.reload()
    expect(page.get_by_role("textbox", name="Formula")).to_have_value("B / A * 100")


@pytest.mark.complains
def test_a_formula_that_is_wrong_is_told(open_page: Callable[..., Page]) -> None:
    page = open_page("/insights/trends")
    page.get_by_role("textbox", name="Formula").fill("A +")
    page.get_by_role("textbox", name="Formula").press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("ormula")


def test_who_drops_off_a_funnel(open_page: Callable[..., Page], visited: Hogflare) -> None:
    series = [{"event": "$pageview", "f": ["$pathname~exact~/signup"]}, {"event": "signed up"}]
    page = open_page(f"/insights/funnels?range=30d&q={quote(json.dumps({'series': series}))}")
    drop = page.get_by_role("button", name=re.compile("dropped off"))
    lost = int(drop.inner_text().split()[0])
    drop.click()
    expect(page.get_by_role("dialog").get_by_text(f"{lost} persons")).to_be_visible()


@pytest.mark.complains
def test_sql_is_asked_told_wrong_and_remembered(open_page: Callable[..., Page]) -> None:
    page = open_page("/sql")
    editor = page.get_by_role("textbox", name="SQL")
    editor.click()
    page.keyboard.press("Control+a")
    page.keyboard.insert_text("SELECT 40 + 2 AS answer")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("cell", name="42")).to_be_visible()
    assert parse_qs(urlsplit(page.url).query)["q"] == ["SELECT 40 + 2 AS answer"]
    page.keyboard.press("Control+a")
    page.keyboard.insert_text("DROP TABLE events")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("alert")).to_contain_text("refused")
    page.get_by_role("button", name="History").click()
    page.get_by_role("dialog").get_by_text("SELECT 40 + 2 AS answer").click()
    page.get_by_role("button", name="Run").click()
    expect(page.get_by_role("cell", name="42")).to_be_visible()


def test_the_console_knows_the_tables(open_page: Callable[..., Page]) -> None:
    page = open_page("/sql")
    expect(page.get_by_text("9 rows")).to_be_visible()
    page.get_by_role("textbox", name="SQL").click()
    page.keyboard.press("Control+a")
    page.keyboard.type("SELECT referring_d")
    expect(page.get_by_role("option", name="referring_domain")).to_be_visible()


def test_an_event_is_there_as_it_comes(open_page: Callable[..., Page], visited: Hogflare) -> None:
    page = open_page("/live")
    expect(page.get_by_text("Pageview").first).to_be_visible()
    assert visited.capture("just now", distinct_id="somebody new", properties={"colour": "orange"}).is_success()
    page.get_by_role("button", name="just now").click()
    drawer = page.get_by_role("dialog")
    expect(drawer.get_by_text("orange")).to_be_visible()
    # The address is the event's.
    page.reload()
    expect(page.get_by_role("dialog").get_by_text("orange")).to_be_visible()


def test_somebody_is_looked_up(open_page: Callable[..., Page], visited: Hogflare) -> None:
    [row] = visited.query("SELECT id, properties->>'email' AS email, properties->>'name' AS name FROM persons WHERE is_identified = 1 ORDER BY id LIMIT 1")
    page = open_page("/persons")
    page.get_by_label("Search", exact=True).fill(row["email"])
    page.get_by_role("cell", name=row["email"]).click()
    expect(page.get_by_role("heading", name=row["name"])).to_be_visible()
    page.get_by_role("button", name=re.compile("signed up")).click()
    expect(page.get_by_text("Properties, sent as user-")).to_be_visible()


def test_keys_lead_everywhere(open_page: Callable[..., Page]) -> None:
    page = open_page("/")
    expect(page.get_by_text("Newest events")).to_be_visible()
    page.keyboard.press("Control+k")
    page.get_by_placeholder("Pages, persons, events…").fill("signed")
    expect(page.get_by_role("button", name="signed up")).to_be_visible()
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/insights/trends"))
    page.locator("#page").focus()
    page.keyboard.press("g")
    page.keyboard.press("w")
    page.wait_for_url(re.compile("/web"))


def test_colours_that_were_chosen_stay(open_page: Callable[..., Page]) -> None:
    page = open_page("/settings")
    page.get_by_text("Dark", exact=True).click()
    expect(page.locator("html")).to_have_attribute("data-mantine-color-scheme", "dark")
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-mantine-color-scheme", "dark")


def test_the_first_event_turns_the_page(start_hogflare, new_page: Callable[..., Page]) -> None:
    server = start_hogflare()
    page = new_page(Site(server))
    expect(page.get_by_text("Waiting for your first event…")).to_be_visible()
    page.get_by_label("Token").fill(TOKEN)
    page.get_by_role("tab", name="Web page").click()
    expect(page.get_by_text(f'data-project-token="{TOKEN}"')).to_be_visible()
    assert server.capture("$pageview", properties={"$pathname": "/first"}).is_success()
    page.goto("/")
    expect(page.get_by_text("Newest events")).to_be_visible()
    expect(page.get_by_text("/first").first).to_be_visible()


@pytest.mark.complains
def test_a_server_that_is_gone_is_told_and_asked_again(start_hogflare, new_page: Callable[..., Page]) -> None:
    server = start_hogflare()
    assert server.capture("$pageview").is_success()
    port = server.port
    page = new_page(Site(server), "/data")
    expect(page.get_by_role("cell", name="Pageview $pageview")).to_be_visible()
    server.kill9()
    page.get_by_role("button", name="Refresh").click()
    expect(page.get_by_role("alert")).to_contain_text("The server does not answer.")
    # What was there before stays.
    expect(page.get_by_role("cell", name="Pageview $pageview")).to_be_visible()
    server.start(APP_ADDR=f"127.0.0.1:{port}", wait=False)
    server.port = port
    server.process.wait_ready(server.is_ready, timeout=60)
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("alert")).to_have_count(0)
