"""From the link that a first start prints to the first chart, and who may do what then."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from harness import bare_root
from harness.poll import until
from harness.server import TOKEN, Hogflare
from playwright.sync_api import Page, expect

from .conftest import Site

PASSWORD = "correct horse battery"


def link(server: Hogflare) -> str:
    """The link that the start printed."""
    return until(lambda: re.search(r"/setup\?token=\S+", server.log_path.read_text()), what="a link")[0]


def set_up(server: Hogflare, new_page: Callable[..., Page]) -> Page:
    """Becomes the owner."""
    page = new_page(Site(server), link(server), key="")
    page.get_by_label("Email").fill("jane@example.com")
    page.get_by_role("textbox", name="Password").fill(PASSWORD)
    page.get_by_role("button", name="Make it").click()
    expect(page.get_by_text("Waiting for your first event…")).to_be_visible()
    return page


def first_minute(server: Hogflare, new_page: Callable[..., Page]) -> None:
    """From the link to the first chart."""
    page = set_up(server, new_page)
    page.get_by_label("Token").fill(TOKEN)
    snippet = page.get_by_text(f'data-project-token="{TOKEN}"')
    expect(snippet).to_contain_text(f'data-api-host="{server.url}"')
    assert server.capture("$pageview", properties={"$pathname": "/first", "$session_id": "one"}).is_success()
    # The page hears of it by itself.
    expect(page.get_by_text("Waiting for your first event…")).to_have_count(0, timeout=15_000)
    page.goto("/insights/trends")
    expect(page.locator("#page canvas").first).to_be_visible()
    expect(page.locator("#page").get_by_text("Pageview").first).to_be_visible()
    page.goto("/")
    expect(page.get_by_text("/first").first).to_be_visible()
    # Whoever closes the tab is still known by the session.
    assert page.evaluate("sessionStorage.getItem('hogflare.read-key')") is None
    page.reload()
    expect(page.get_by_text("Newest events")).to_be_visible()


def test_the_first_minute(start_hogflare, new_page: Callable[..., Page]) -> None:
    first_minute(start_hogflare(), new_page)


def test_the_first_minute_where_there_is_nothing_but_the_binary(binary: Path, tmp_path: Path, new_page: Callable[..., Page]) -> None:
    """No shell, no certificates, no zones, no users, no `/tmp`: what a system without Rust and Node has, and less."""
    root = bare_root.make(tmp_path / "root", binary)
    server = Hogflare(binary, root / "data", tmp_path / "hogflare.log")
    server.command = bare_root.command(root, "serve")
    server.start(HOGFLARE_DATA_DIR="/data")
    try:
        first_minute(server, new_page)
        server.stop()
    finally:
        server.kill9()


def test_snippets_and_links_have_the_host_that_the_world_knows(start_hogflare, new_page: Callable[..., Page]) -> None:
    server: Hogflare = start_hogflare(HOGFLARE_PUBLIC_URL="http://stats.example.com")
    # The link has that host, too, which nobody answers to here.
    page = set_up(server, new_page)
    expect(page.get_by_text('data-api-host="http://stats.example.com"')).to_be_visible()
    page.get_by_role("tab", name=".NET").click()
    expect(page.get_by_text('new Uri("http://stats.example.com")')).to_be_visible()


@pytest.mark.complains
def test_the_link_works_once_and_a_session_ends(start_hogflare, new_page: Callable[..., Page]) -> None:
    server: Hogflare = start_hogflare()
    first = link(server)
    page = set_up(server, new_page)
    again = new_page(Site(server), first, key="")
    expect(again.get_by_role("heading", name="Choose a password")).to_be_visible()
    again.get_by_role("textbox", name="Password").fill(PASSWORD)
    again.get_by_role("button", name="Log in").click()
    expect(again.get_by_text("Waiting for your first event…")).to_have_count(0)
    expect(again.get_by_role("button", name="Log in")).to_be_visible()
    page.get_by_role("button", name="Your account").click()
    page.get_by_role("menuitem", name="Log out").click()
    expect(page.get_by_role("heading", name="Log in to Hogflare")).to_be_visible()
    page.goto("/persons")
    expect(page.get_by_role("heading", name="Log in to Hogflare")).to_be_visible()
    page.get_by_label("Email").fill("jane@example.com")
    page.get_by_role("textbox", name="Password").fill("wrong password")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_text("Log in to Hogflare")).to_be_visible()
    page.get_by_role("textbox", name="Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("heading", name="Persons")).to_be_visible()
