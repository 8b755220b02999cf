"""Who may look: whoever has the key, as long as the tab is open."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from .conftest import Site


@pytest.mark.complains
def test_nothing_is_shown_without_a_key(site: Site, new_page: Callable[..., Page]) -> None:
    page = new_page(site, "/web?range=30d", key="")
    expect(page.get_by_role("heading", name="Log in to Hogflare")).to_be_visible()
    expect(page.get_by_role("navigation")).to_have_count(0)
    page.get_by_role("button", name="Use the read key").click()
    page.get_by_label("Read key").fill("hfr_wrong")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_text("This is not the read key of this server.")).to_be_visible()
    page.get_by_label("Read key").fill(site.server.read_key())
    page.keyboard.press("Enter")
    # Back to where it was going.
    expect(page.get_by_role("heading", name="Web", exact=True)).to_be_visible()
    assert "range=30d" in page.url


@pytest.mark.complains
def test_who_logs_out_leaves_nothing_behind(open_page: Callable[..., Page]) -> None:
    page = open_page("/persons")
    expect(page.get_by_text("Anonymous").first).to_be_visible()
    page.evaluate("sessionStorage.setItem('out', '1')")
    page.get_by_role("button", name="Your account").click()
    page.get_by_role("menuitem", name="Log out").click()
    expect(page.get_by_role("heading", name="Log in to Hogflare")).to_be_visible()
    kept = page.evaluate("JSON.stringify([{...sessionStorage}, {...localStorage}])")
    assert "hfr_" not in kept
    page.go_back()
    expect(page.get_by_role("heading", name="Log in to Hogflare")).to_be_visible()


@pytest.mark.complains
def test_a_key_that_opens_no_longer_leads_to_the_door(site: Site, new_page: Callable[..., Page]) -> None:
    page = new_page(site, "/", key="hfr_of_yesterday")
    expect(page.get_by_role("heading", name="Log in to Hogflare")).to_be_visible()


def test_a_link_leads_to_no_other_site(site: Site, new_page: Callable[..., Page]) -> None:
    page = new_page(site, "/login?next=//elsewhere.example/")
    expect(page.get_by_role("heading", name="Home")).to_be_attached()
    assert page.url.startswith(site.url)
