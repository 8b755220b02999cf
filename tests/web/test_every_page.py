"""Every page, light and dark, wide and narrow: it shows something, fits, and keeps nobody out."""

import gzip
import json
import re
from collections.abc import Callable
from urllib.parse import quote

import pytest
from playwright.sync_api import Page, Response, expect

from .conftest import OWNER, Site

FUNNEL = quote(json.dumps({"series": [{"event": "$pageview"}, {"event": "signed up"}]}))
BROKEN = quote(json.dumps({"series": [{"event": "$pageview"}], "breakdown": {"of": "event", "key": "$browser"}}))
# An address, and what is there once the page has its data.
PAGES = {
    "/": "Newest events",
    "/web?compare=previous": "/docs",
    f"/insights/trends?q={BROKEN}": "Mobile Safari",
    f"/insights/funnels?q={FUNNEL}": "dropped off",
    "/insights/retention?range=30d": "On average",
    "/insights/paths?range=30d": "After, on average",
    "/insights/web-overview": "Bounce rate",
    "/insights/saved": "Coming again",
    "/dashboards": "How we are doing",
    "/dashboards/BOARD": "On average",
    "/errors?range=30d": "TypeError",
    "/insights/lifecycle?range=30d": "Resurrecting",
    "/insights/stickiness": "In every day",
    "/live": "Pageview",
    "/persons": "Anonymous",
    "/persons?show=company": "Key",
    "/sql": "9 rows",
    "/data": "In 30 days",
    "/data?tab=properties": "For example",
    "/connect": "data-project-token",
    "/system": "Takes events",
    "/settings": "Change the password",
    "/settings?tab=projects": "Europe/Berlin",
    "/settings?tab=members": "Owner",
    "/settings?tab=keys": "New key",
    "/settings?tab=audit": "session.begin",
    "/settings?tab=privacy": "Nobody was erased",
    "/settings?tab=about": "Their licences",
}
BUDGET_BYTES = 250_000


def settled(page: Page, text: str) -> None:
    """Waits until the page has its data."""
    expect(page.locator("#page").get_by_text(text).first).to_be_visible()
    expect(page.locator("[aria-busy=true]")).to_have_count(0)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", PAGES)
def test_nobody_is_kept_out(path: str, scheme: str, open_page: Callable[..., Page], axe: str, board: str) -> None:
    page = open_page(path.replace("BOARD", board), scheme=scheme, bypass_csp=True, account=OWNER)
    settled(page, PAGES[path])
    page.evaluate(axe)
    found = page.evaluate("axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']})")
    barriers = {violation["id"]: [node["target"] for node in violation["nodes"]] for violation in found["violations"]}
    assert barriers == {}


@pytest.mark.parametrize("width", [1440, 1024, 390])
@pytest.mark.parametrize("path", PAGES)
def test_every_width_is_enough(path: str, width: int, open_page: Callable[..., Page], board: str) -> None:
    page = open_page(path.replace("BOARD", board), width=width, account=OWNER)
    settled(page, PAGES[path])
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    assert page.title().endswith("Hogflare")


def test_the_first_page_is_light(site: Site, new_page: Callable[..., Page]) -> None:
    loaded: dict[str, int] = {}

    def weigh(response: Response) -> None:
        if re.search(r"\.(js|css)$", response.url) and "echarts" not in response.url:
            loaded[response.url.rsplit("/", 1)[-1]] = len(gzip.compress(response.body(), 9))

    page = new_page(site, watch=weigh)
    settled(page, "Newest events")
    assert len(loaded) > 5
    assert sum(loaded.values()) < BUDGET_BYTES, sorted(loaded.items(), key=lambda item: -item[1])[:8]


def test_strangers_words_are_words(start_hogflare, new_page: Callable[..., Page]) -> None:
    server = start_hogflare()
    nasty = "<img src=x onerror=window.hit=1><script>window.hit=1</script>"
    properties = {"$pathname": nasty, "$browser": nasty, "$referring_domain": nasty, "$session_id": "s"}
    for event in ["$pageview", nasty]:
        assert server.capture(event, distinct_id=nasty, properties=properties).is_success()
    site = Site(server)
    broken = quote(json.dumps({"series": [{"event": None}], "breakdown": {"of": "event_metadata", "key": "event"}}))
    for path in ["/", "/web", f"/insights/trends?q={broken}", "/live", "/persons", "/data"]:
        page = new_page(site, path)
        expect(page.locator("#page").get_by_text("<img src=x").first).to_be_visible()
        if canvas := page.locator("canvas").first:
            if canvas.count():
                canvas.hover()
        assert page.evaluate("window.hit") is None
        page.close()


@pytest.mark.complains
def test_an_address_without_a_page(open_page: Callable[..., Page]) -> None:
    page = open_page("/web/nowhere")
    expect(page.get_by_role("heading", name="There is no such page")).to_be_visible()


def test_long_words_widen_no_page(start_hogflare, new_page: Callable[..., Page]) -> None:
    server = start_hogflare()
    long = "w" * 180
    properties = {"$pathname": f"/{long}", "$current_url": f"https://x.example/{long * 2}", "$browser": long, "$referring_domain": long, "$session_id": "s"}
    for event in ["$pageview", long]:
        assert server.capture(event, distinct_id=long, properties=properties).is_success()
    page = new_page(Site(server), width=390)
    for path in ["/", "/web", "/live", "/persons", "/data", "/connect"]:
        page.goto(path)
        expect(page.locator("#page").get_by_text("wwwww").first).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"), path


@pytest.mark.complains
def test_what_the_lake_has_nothing_to_do_with_is_there_without_it(site: Site, new_page: Callable[..., Page]) -> None:
    page = new_page(site, "/system")
    failure = {"error": "the query failed: a file cannot be read"}
    page.route("**/api/sql*", lambda route: route.fulfill(status=500, json=failure))
    for path, text in (("/system", "Takes events"), ("/settings?tab=projects", "Europe/Berlin"), ("/connect", "data-project-token")):
        page.goto(path)
        expect(page.locator("#page").get_by_text(text).first).to_be_visible()
    page.goto("/live")
    expect(page.get_by_text("a file cannot be read").first).to_be_visible()
