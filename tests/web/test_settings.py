"""What is settled in the pages: who may come in, with what, to which projects; and what a viewer cannot do."""

import re
from collections.abc import Callable

import pytest
from harness.poll import until
from harness.server import Hogflare
from playwright.sync_api import Page, expect

from .conftest import ACCOUNT, OWNER, Session, Site

PASSWORD = "another horse battery"


@pytest.fixture
def server(start_hogflare) -> Hogflare:
    """A server with an owner, and an event of a token that no project has."""
    server = start_hogflare(**ACCOUNT)
    assert server.capture("$pageview", properties={"$pathname": "/ours"}).is_success()
    assert server.post("/e/", {"api_key": "phc_stranger", "event": "stray", "distinct_id": "x"}).is_success()
    return server


def follow(new_page: Callable[..., Page], server: Hogflare, link: str) -> Page:
    """Follows a link to choose a password."""
    page = new_page(Site(server), link, key="")
    expect(page.get_by_role("heading", name="Choose a password")).to_be_visible()
    page.get_by_role("textbox", name="Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_text("Newest events")).to_be_visible()
    return page


def test_a_viewer_is_invited_and_reads(server: Hogflare, new_page: Callable[..., Page]) -> None:
    page = new_page(Site(server), "/settings?tab=members", account=OWNER)
    page.get_by_role("button", name="Invite").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Email").fill("vera@example.com")
    dialog.get_by_role("button", name="Make a link").click()
    link = dialog.get_by_label("Link", exact=True)
    expect(link).to_have_value(re.compile(r"/setup\?token=hfl_"))
    address = link.input_value()
    dialog.get_by_role("button", name="Close").last.click()
    expect(page.get_by_role("row").filter(has_text="vera@example.com").get_by_text("invited")).to_be_visible()
    viewer = follow(new_page, server, address)
    # What a viewer cannot change is text, or is not there.
    viewer.goto("/settings?tab=projects")
    expect(viewer.get_by_role("cell", name="UTC")).to_be_visible()
    expect(viewer.get_by_role("button", name="New project")).to_have_count(0)
    expect(viewer.get_by_role("tab", name="Members")).to_have_count(0)
    expect(viewer.get_by_role("tab", name="Audit log")).to_have_count(0)
    viewer.goto("/insights/trends")
    expect(viewer.locator("#page canvas").first).to_be_visible()
    expect(viewer.get_by_role("button", name="Save", exact=True)).to_have_count(0)
    viewer.goto("/dashboards")
    expect(viewer.get_by_text("Whoever may save makes the first one.")).to_be_visible()
    expect(viewer.get_by_role("button", name="New dashboard")).to_have_count(0)
    viewer.goto("/data")
    viewer.get_by_role("cell", name="Pageview").click()
    expect(viewer.get_by_role("dialog").get_by_text("Show its trend")).to_be_visible()
    expect(viewer.get_by_role("dialog").get_by_label("Description")).to_have_count(0)
    # And the server says so, too.
    session = Session(viewer.context, Site(server), ("vera@example.com", PASSWORD))
    for method, path, body in [("POST", "/api/projects", {"name": "x"}), ("POST", "/api/dashboards?project=1", {"name": "x", "definition": {}}), ("GET", "/api/users", None)]:
        assert session.ask(method, path, body).status == 403


def test_roles_are_changed_and_people_removed(server: Hogflare, new_page: Callable[..., Page]) -> None:
    page = new_page(Site(server), "/settings?tab=members", account=OWNER)
    page.get_by_role("button", name="Invite").click()
    page.get_by_role("dialog").get_by_label("Email").fill("vera@example.com")
    page.get_by_role("dialog").get_by_role("button", name="Make a link").click()
    page.get_by_role("dialog").get_by_role("button", name="Close").last.click()
    page.get_by_role("combobox", name="Role of vera@example.com").click()
    page.get_by_role("option", name="Admin").click()
    expect(page.get_by_role("combobox", name="Role of vera@example.com")).to_have_value("Admin")
    page.reload()
    expect(page.get_by_role("combobox", name="Role of vera@example.com")).to_have_value("Admin")
    # Of oneself nothing is changed here.
    expect(page.get_by_role("combobox", name="Role of jane@example.com")).to_have_count(0)
    page.get_by_role("button", name="Change vera@example.com").click()
    page.get_by_role("menuitem", name="Remove").click()
    page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    expect(page.get_by_text("vera@example.com")).to_have_count(0)
    page.get_by_role("tab", name="Audit log").click()
    expect(page.get_by_role("cell", name="vera@example.com").first).to_be_visible()


@pytest.mark.complains
def test_a_key_is_told_once_and_taken_back(server: Hogflare, new_page: Callable[..., Page]) -> None:
    page = new_page(Site(server), "/settings?tab=keys", account=OWNER)
    page.get_by_role("button", name="New key").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill("Notebook")
    dialog.get_by_role("button", name="Make it").click()
    shown = dialog.get_by_label("Key", exact=True)
    expect(shown).to_have_value(re.compile("^phx_"))
    key = shown.input_value()
    status = f"fetch('/api/persons', {{credentials: 'omit', headers: {{authorization: 'Bearer {key}'}}}}).then(answer => answer.status)"
    assert page.evaluate(status) == 200
    page.reload()
    row = page.get_by_role("row").filter(has_text="Notebook")
    expect(row).to_contain_text(key[-4:])
    assert key not in page.content()
    row.get_by_role("button", name="Revoke Notebook").click()
    page.get_by_role("dialog").get_by_role("button", name="Revoke").click()
    expect(page.get_by_text("No key yet")).to_be_visible()
    assert page.evaluate(status) == 401


def test_a_token_is_claimed_and_another_blocked(server: Hogflare, new_page: Callable[..., Page]) -> None:
    assert server.post("/e/", {"api_key": "phc_spam", "event": "buy", "distinct_id": "x"}).is_success()
    page = new_page(Site(server), "/settings?tab=projects", account=OWNER)
    page.get_by_role("button", name="Claim phc_stranger").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill("Shop")
    dialog.get_by_label("Time zone").fill("Asia/Tokyo")
    page.get_by_role("option", name="Asia/Tokyo").click()
    dialog.get_by_role("button", name="Claim it").click()
    expect(page.get_by_role("region", name="Projects", exact=True).last.get_by_role("row").filter(has_text="Shop")).to_contain_text("Asia/Tokyo")
    expect(page.get_by_role("button", name="Claim phc_stranger")).to_have_count(0)
    page.get_by_role("button", name="Block phc_spam").click()
    expect(page.get_by_role("button", name="Take events of phc_spam again")).to_be_visible()
    # What comes now is the project's.
    assert server.post("/e/", {"api_key": "phc_stranger", "event": "$pageview", "distinct_id": "y", "properties": {"$pathname": "/theirs"}}).is_success()
    page.get_by_role("region", name="Project, search and range").get_by_role("button").filter(has_text="Project 1").click()
    page.get_by_role("menuitem", name=re.compile("Shop")).click()
    page.goto(page.url.replace("/settings", "/live"))
    expect(page.get_by_text("/theirs")).to_be_visible()
    expect(page.get_by_text("/ours")).to_have_count(0)


def test_an_event_is_described(server: Hogflare, new_page: Callable[..., Page]) -> None:
    page = new_page(Site(server), "/data", account=OWNER)
    page.get_by_role("cell", name="Pageview").click()
    drawer = page.get_by_role("dialog")
    drawer.get_by_label("Description").fill("Somebody sees a page")
    drawer.get_by_label("Who looks after it").fill("Web team")
    drawer.get_by_role("button", name="Save").click()
    expect(page.get_by_role("cell", name="Web team")).to_be_attached()
    page.reload()
    expect(page.get_by_text("Somebody sees a page")).to_be_visible()
    page.get_by_role("tab", name="Event properties").click()
    expect(page.get_by_role("row").filter(has_text="$pathname")).to_contain_text("/ours")


@pytest.mark.complains
def test_a_session_that_is_over_leads_to_the_door_and_back(server: Hogflare, new_page: Callable[..., Page]) -> None:
    page = new_page(Site(server), "/data?tab=properties", account=OWNER)
    expect(page.get_by_text("For example")).to_be_visible()
    page.context.clear_cookies()
    page.get_by_role("button", name="Refresh").click()
    expect(page.get_by_role("heading", name="Log in to Hogflare")).to_be_visible()
    page.get_by_label("Email").fill(OWNER[0])
    page.get_by_role("textbox", name="Password").fill(OWNER[1])
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_text("For example")).to_be_visible()
    assert "tab=properties" in page.url


@pytest.mark.complains
def test_what_writes_shows_the_token_of_its_session(server: Hogflare, new_page: Callable[..., Page]) -> None:
    page = new_page(Site(server), "/dashboards", account=OWNER)
    forged = "fetch('/api/dashboards?project=1', {method: 'POST', headers: {'content-type': 'application/json'}, body: JSON.stringify({name: 'forged', definition: {}})}).then(answer => answer.status)"
    assert page.evaluate(forged) == 403
    sent: list[str | None] = []
    page.on("request", lambda request: request.method == "POST" and request.url.endswith("/api/dashboards?project=1") and sent.append(request.headers.get("x-hogflare-csrf")))
    page.get_by_role("button", name="New dashboard").first.click()
    page.get_by_role("dialog").get_by_label("Name").fill("Ours")
    page.get_by_role("dialog").get_by_role("button", name="Make it").click()
    expect(page.get_by_role("heading", name="Ours")).to_be_visible()
    assert len(sent) == 1
    assert sent[0]


def test_the_licences_are_told(server: Hogflare, new_page: Callable[..., Page]) -> None:
    page = new_page(Site(server), "/settings?tab=about", account=OWNER)
    address = page.get_by_role("link", name="Their licences").get_attribute("href")
    text = page.request.get(f"{Site(server).url}{address}").text()
    for name in ["react ", "echarts ", "@fontsource-variable/inter ", "@tabler/icons-react "]:
        assert f"\n{name}" in text, name


def test_help_is_a_key_away(server: Hogflare, new_page: Callable[..., Page]) -> None:
    page = new_page(Site(server), "/", account=OWNER)
    expect(page.get_by_text("Newest events")).to_be_visible()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog").get_by_text("Search pages, persons and events")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("g")
    page.keyboard.press("b")
    page.wait_for_url(re.compile("/dashboards"))


@pytest.mark.complains
def test_a_password_over_http_is_warned_of(server: Hogflare, new_page: Callable[..., Page]) -> None:
    page = new_page(Site(server), "/login", key="")
    expect(page.get_by_role("button", name="Log in")).to_be_visible()
    expect(page.get_by_text("ssh -N -L")).to_have_count(0)
    # Not on this machine: the server tells by the name that it is called by.
    elsewhere = server.get("/api/setup", host="stats.example.com:8080")
    page.route("**/api/setup", lambda route: route.fulfill(status=200, content_type="application/json", body=elsewhere.body))
    page.reload()
    expect(page.get_by_text("ssh -N -L")).to_be_visible()


def test_what_is_kept_of_events_is_told(start_hogflare, new_page: Callable[..., Page]) -> None:
    server = start_hogflare(HOGFLARE_IP="drop", HOGFLARE_RETENTION="13 months", **ACCOUNT)
    page = new_page(Site(server), "/settings?tab=privacy", account=OWNER)
    kept = page.get_by_role("region", name="What is kept of events")
    expect(kept.get_by_text("13 months")).to_be_visible()
    expect(kept.get_by_text("Not stored")).to_be_visible()
    expect(kept.get_by_text("All that are not removed")).to_be_visible()


def test_dead_letters_are_sent_again(
    start_hogflare, start_emulator, new_page: Callable[..., Page]
) -> None:
    emulator = start_emulator()
    emulator.fault("status", status=400, match="poison")
    server = start_hogflare(CLOUDFLARE_PIPELINE_ENDPOINT=emulator.url, **ACCOUNT)
    assert server.capture("poison").is_success()
    until(lambda: list((server.data_dir / "dead-letters" / "pipelines").glob("*.ndjson")), what="the dead letter")
    page = new_page(Site(server), "/system", account=OWNER)
    letters = page.get_by_role("region", name="Dead letters")
    expect(letters.get_by_role("row").filter(has_text="400")).to_be_visible()
    letters.get_by_role("button", name="Send them again").click()
    expect(letters.get_by_text("0 rows taken, 1 refused again")).to_be_visible()
    emulator.fault("ok")
    letters.get_by_role("button", name="Send them again").click()
    expect(letters.get_by_text("1 row taken, 0 refused again")).to_be_visible()
    expect(letters.get_by_role("button", name="Send them again")).to_have_count(0)
    assert [row["event"] for row in emulator.events()].count("poison") == 1
    log = Session(page.context, Site(server), OWNER).ask("GET", "/api/audit").json()
    assert "dead_letters.resend" in str(log)
