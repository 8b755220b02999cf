"""What people keep: insights under names, dashboards, and links that anybody may follow."""

import json
import re
from collections.abc import Callable
from urllib.parse import quote

import pytest
from playwright.sync_api import Page, expect

from .conftest import OWNER, Session, Site

SIGN_UPS = quote(json.dumps({"series": [{"event": "signed up"}], "look": "bar"}))


def tiles_of(owner: Session, board: str) -> list[dict]:
    """Where the tiles of a dashboard stand."""
    return owner.ask("GET", f"/api/dashboards/{board}").json()["definition"]["tiles"]


def ask_shared(page: Page) -> str:
    """Makes a link, and returns it."""
    page.get_by_role("button", name="Share").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name=re.compile("Make a (new )?link")).click()
    link = dialog.get_by_label("Link", exact=True)
    expect(link).to_have_value(re.compile("/shared/hfp_"))
    return link.input_value()


def test_an_insight_is_saved_and_opened_as_it_was(open_page: Callable[..., Page]) -> None:
    page = open_page(f"/insights/trends?range=30d&f=%24browser~exact~Chrome&q={SIGN_UPS}", account=OWNER)
    page.get_by_role("button", name="Save", exact=True).click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill("Sign-ups by day, in Chrome")
    dialog.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", name="Sign-ups by day, in Chrome")).to_be_visible()
    page.goto("/insights/saved")
    page.get_by_role("link", name="Sign-ups by day, in Chrome").click()
    expect(page.get_by_role("heading", name="Sign-ups by day, in Chrome")).to_be_visible()
    assert page.title() == "Sign-ups by day, in Chrome · Hogflare"
    expect(page.get_by_role("button", name="Change the filter: Browser is Chrome")).to_be_visible()
    expect(page.get_by_role("button", name="Last 30 days")).to_be_visible()
    expect(page.get_by_role("combobox", name="How it is drawn")).to_have_value("Columns")
    # What was not changed needs no saving; what is changed is kept under the same name.
    expect(page.get_by_role("button", name="Saved")).to_be_disabled()
    page.get_by_role("button", name="Remove the filter Browser").click()
    page.get_by_role("button", name="Save changes").click()
    expect(page.get_by_role("button", name="Saved")).to_be_disabled()
    page.goto("/insights/saved")
    page.get_by_role("button", name="More about Sign-ups by day, in Chrome").click()
    page.get_by_role("menuitem", name="Rename").click()
    page.get_by_role("dialog").get_by_label("Name").fill("Sign-ups by day")
    page.get_by_role("dialog").get_by_role("button", name="Rename").click()
    expect(page.get_by_role("link", name="Sign-ups by day", exact=True)).to_be_visible()
    page.get_by_role("button", name="More about Sign-ups by day").click()
    page.get_by_role("menuitem", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.get_by_role("link", name="Sign-ups by day", exact=True)).to_have_count(0)


@pytest.mark.complains
def test_a_dashboard_is_arranged_kept_and_shared(site: Site, new_page: Callable[..., Page], owner: Session, insights: dict[str, str]) -> None:
    page = new_page(site, "/dashboards", account=OWNER)
    page.get_by_role("button", name="New dashboard").first.click()
    page.get_by_role("dialog").get_by_label("Name").fill("Monday")
    page.get_by_role("dialog").get_by_role("button", name="Make it").click()
    expect(page.get_by_role("heading", name="Monday")).to_be_visible()
    board = page.url.split("/dashboards/")[1].split("?")[0]
    for name in ["Visitors", "Coming again"]:
        page.get_by_role("button", name="Add", exact=True).click()
        page.get_by_role("menuitem", name=name).click()
        expect(page.get_by_role("region", name=name, exact=True)).to_be_visible()
    assert [(tile["insight"], tile["x"], tile["w"]) for tile in tiles_of(owner, board)] == [(insights["Visitors"], 0, 6), (insights["Coming again"], 6, 6)]
    # By keys alone: one tile smaller, and then past the other one.
    page.get_by_role("button", name="Arrange").click()
    handle = page.get_by_role("button", name="Move Visitors")
    handle.focus()
    page.keyboard.press("Shift+ArrowLeft")
    expect(page.get_by_role("status").filter(has_text="Visitors: column 1, row 1, 5 wide")).to_be_attached()
    page.keyboard.press("Shift+ArrowDown")
    page.get_by_role("button", name="Done").click()
    expect(page.get_by_role("button", name="Arrange")).to_be_visible()
    [first] = [tile for tile in tiles_of(owner, board) if tile["insight"] == insights["Visitors"]]
    assert (first["x"], first["y"], first["w"], first["h"]) == (0, 0, 5, 6)
    # By the pointer: the tile's corner.
    page.get_by_role("button", name="Arrange").click()
    corner = page.locator(".react-resizable-handle").first
    box = corner.bounding_box()
    page.mouse.move(box["x"] + 8, box["y"] + 8)
    page.mouse.down()
    page.mouse.move(box["x"] + 120, box["y"] + 8, steps=6)
    page.mouse.up()
    page.get_by_role("button", name="Done").click()
    expect(page.get_by_role("button", name="Arrange")).to_be_visible()
    [first] = [tile for tile in tiles_of(owner, board) if tile["insight"] == insights["Visitors"]]
    assert first["w"] == 6
    page.reload()
    tile = page.get_by_role("region", name="Visitors", exact=True)
    expect(tile.locator("canvas").first).to_be_visible()
    assert tile.bounding_box()["height"] > page.get_by_role("region", name="Coming again", exact=True).bounding_box()["height"]
    # Whoever follows the link sees it without an account, and nothing else.
    link = ask_shared(page)
    asked: list[str] = []
    visitor = new_page(site, link, key="", watch=lambda response: asked.append(response.url.removeprefix(site.url)))
    expect(visitor.get_by_role("heading", name="Monday")).to_be_visible()
    expect(visitor.get_by_role("region", name="Visitors", exact=True).locator("canvas").first).to_be_visible()
    expect(visitor.get_by_text("On average")).to_be_visible()
    expect(visitor.get_by_role("navigation")).to_have_count(0)
    doors = {path.split("?")[0] for path in asked if path.startswith("/api/")}
    assert doors and all(door.startswith("/api/shared/") for door in doors)
    assert visitor.evaluate("fetch('/api/persons').then(answer => answer.status)") == 401
    secret = link.rsplit("/", 1)[1]
    foreign = insights["Sign-ups"]
    assert visitor.evaluate(f"fetch('/api/shared/{secret}/answers/{foreign}').then(answer => answer.status)") == 404
    visitor.goto("/persons")
    expect(visitor.get_by_role("heading", name="Log in to Hogflare")).to_be_visible()
    page.get_by_role("dialog").get_by_role("button", name="End it").click()
    expect(page.get_by_role("dialog").get_by_role("button", name="Make a link")).to_be_visible()
    visitor.goto(link)
    expect(visitor.get_by_text("This link opens nothing")).to_be_visible()


def test_one_range_for_all_is_tried_and_kept(open_page: Callable[..., Page], owner: Session, insights: dict[str, str]) -> None:
    board = owner.save("/api/dashboards", "Ranges", {"tiles": [{"insight": insights["Visitors"], "x": 0, "y": 0, "w": 12, "h": 5}]})
    page = open_page(f"/dashboards/{board}", account=OWNER)
    more = page.get_by_role("button", name="More about Visitors")
    more.click()
    page.get_by_role("menuitem", name="Show the table").click()
    table = page.get_by_role("region", name="Table of Visitors")
    expect(table.get_by_role("row")).to_have_count(8)
    page.get_by_role("combobox", name="Range of all insights").click()
    page.get_by_role("option", name="Last 30 days").click()
    expect(table.get_by_role("row")).to_have_count(31)
    assert "over=30d" in page.url
    page.get_by_role("button", name="Keep this range").click()
    expect(page.get_by_role("button", name="Keep this range")).to_have_count(0)
    kept = owner.ask("GET", f"/api/dashboards/{board}").json()["definition"]
    assert (kept["range"], kept["dateRange"]) == ("30d", {"date_from": "-29d"})
    page.goto(f"/dashboards/{board}")
    expect(page.get_by_role("combobox", name="Range of all insights")).to_have_value("Last 30 days")
    with page.expect_download() as waiting:
        page.get_by_role("button", name="More about Visitors").click()
        page.get_by_role("menuitem", name="Save as CSV").click()
    assert waiting.value.suggested_filename.startswith("visitors-")


def test_a_link_to_an_insight_tells_numbers_and_nobody(site: Site, new_page: Callable[..., Page], owner: Session, insights: dict[str, str]) -> None:
    link = owner.ask("POST", f"/api/insights/saved/{insights['Sign-ups']}/share").json()["token"]
    page = new_page(site, f"/shared/{link}", key="", width=390, scheme="dark")
    [row] = site.server.query("SELECT count(*) AS n FROM events WHERE event = 'signed up'")
    number = page.get_by_role("button", name=str(row["n"]), exact=True)
    expect(number).to_be_disabled()
    number.dispatch_event("click")
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    owner.ask("DELETE", f"/api/insights/saved/{insights['Sign-ups']}/share")


def test_a_query_is_saved_and_shared(open_page: Callable[..., Page], new_page: Callable[..., Page], site: Site) -> None:
    page = open_page("/sql?q=SELECT%2040%20%2B%202%20AS%20answer", account=OWNER)
    expect(page.get_by_role("cell", name="42")).to_be_visible()
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_role("dialog").get_by_label("Name").fill("The answer")
    page.get_by_role("dialog").get_by_role("button", name="Save").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.goto("/sql")
    page.get_by_role("button", name="Saved").click()
    drawer = page.get_by_role("dialog", name="Saved queries")
    drawer.get_by_role("button", name="Share").click()
    sharing = page.get_by_role("dialog", name="Share “The answer”")
    sharing.get_by_role("button", name="Make a link").click()
    link = sharing.get_by_label("Link", exact=True)
    expect(link).to_have_value(re.compile("/shared/hfp_"))
    address = link.input_value()
    # Escape ends what is on top alone.
    page.keyboard.press("Escape")
    expect(sharing).to_have_count(0)
    expect(drawer).to_be_visible()
    page.keyboard.press("Escape")
    expect(drawer).to_have_count(0)
    page.get_by_role("button", name="Saved").click()
    drawer.get_by_role("button").filter(has_text="SELECT 40 + 2 AS answer").click()
    expect(page.get_by_role("cell", name="42")).to_be_visible()
    stranger = new_page(site, address.removeprefix(site.url), key="")
    expect(stranger.get_by_role("heading", name="The answer").first).to_be_visible()
    expect(stranger.get_by_role("cell", name="42")).to_be_visible()
