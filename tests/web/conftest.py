"""The pages as people see them: in Chromium, from a server with some weeks of visits."""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import APIResponse, Browser, BrowserContext, Page, Playwright, Request

from harness.server import TOKEN, Hogflare

from .traffic import traffic

WEB = Path(__file__).resolve().parents[2] / "web"
VISITS, DAYS = 500, 20
ZONE = "Europe/Berlin"
CONFIG = f"""
[[project]]
token = "{TOKEN}"
team_id = 1
time_zone = "{ZONE}"
"""
OWNER = ("jane@example.com", "correct horse battery")
ACCOUNT = {"HOGFLARE_ADMIN_EMAIL": OWNER[0], "HOGFLARE_ADMIN_PASSWORD": OWNER[1]}
# Insights that were saved: a name, and a request.
SAVED = {
    "Visitors": {"kind": "TrendsQuery", "series": [{"kind": "EventsNode", "event": "$pageview", "math": "dau"}], "interval": "day", "dateRange": {"date_from": "-6d"}},
    "Sign-ups": {"kind": "TrendsQuery", "series": [{"kind": "EventsNode", "event": "signed up"}], "interval": "day", "dateRange": {"date_from": "-29d"}, "trendsFilter": {"display": "BoldNumber"}},
    "Coming again": {"kind": "RetentionQuery", "dateRange": {"date_from": "-13d"}, "retentionFilter": {"period": "Day", "totalIntervals": 5}},
}
CHROMIUM = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


class Site:
    """The pages of a server."""

    def __init__(self, server: Hogflare) -> None:
        self.server, self.url = server, server.url


class Session:
    """Somebody who is logged in, with the cookies of a browser."""

    def __init__(self, context: BrowserContext, site: Site, account: tuple[str, str]) -> None:
        self.context, self.site = context, site
        answer = context.request.post(f"{site.url}/api/session", data={"email": account[0], "password": account[1]})
        assert answer.ok, answer.text()
        self.csrf = answer.json()["csrf"]

    def ask(self, method: str, path: str, body: dict | None = None) -> APIResponse:
        """Asks as a page of the server does."""
        headers = {"x-hogflare-csrf": self.csrf, "origin": self.site.url}
        return self.context.request.fetch(f"{self.site.url}{path}", method=method, headers=headers, **({"data": body} if body is not None else {}))

    def save(self, door: str, name: str, definition: dict) -> str:
        """Saves something, and returns its id."""
        answer = self.ask("POST", f"{door}?project=1", {"name": name, "definition": definition})
        assert answer.status == 201, answer.text()
        return answer.json()["id"]


class Watched:
    """What a page did that no page may do."""

    def __init__(self, page: Page, site: Site) -> None:
        self.site, self.complaints, self.elsewhere = site, [], []
        page.on("console", lambda message: message.type == "error" and self.complaints.append(message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", self._asked)

    def _asked(self, request: Request) -> None:
        if not request.url.startswith((self.site.url, "data:", "blob:")):
            self.elsewhere.append(request.url)


@pytest.fixture(scope="session")
def visited(binary: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hogflare]:
    """A server with the visits, the last of them just now."""
    folder = tmp_path_factory.mktemp("visited")
    (folder / "hogflare.toml").write_text(CONFIG)
    server = Hogflare(binary, folder / "data", folder / "log", {"HOGFLARE_CONFIG": str(folder / "hogflare.toml"), **ACCOUNT}).start()
    events = traffic(VISITS, DAYS, datetime.now(UTC))
    try:
        for start in range(0, len(events), 1_000):
            answer = server.post("/batch/", {"api_key": TOKEN, "batch": events[start : start + 1_000]})
            assert answer.is_success(), answer.body
        yield server
    finally:
        server.kill9()


@pytest.fixture(scope="session")
def site(visited: Hogflare) -> Site:
    """The pages of that server."""
    return Site(visited)


@pytest.fixture(scope="session")
def browser(playwright: Playwright) -> Iterator[Browser]:
    """Chromium."""
    path = os.environ.get("CHROMIUM", "/usr/bin/chromium")
    browser = playwright.chromium.launch(executable_path=path, args=CHROMIUM)
    yield browser
    browser.close()


@pytest.fixture(scope="session")
def owner(site: Site, browser: Browser) -> Iterator[Session]:
    """The owner of the visits."""
    context = browser.new_context()
    yield Session(context, site, OWNER)
    context.close()


@pytest.fixture(scope="session")
def insights(owner: Session) -> dict[str, str]:
    """The ids of insights that were saved."""
    return {name: owner.save("/api/insights/saved", name, definition) for name, definition in SAVED.items()}


@pytest.fixture(scope="session")
def board(owner: Session, insights: dict[str, str]) -> str:
    """The id of a dashboard with those insights."""
    tiles = [{"insight": insight, "x": 6 * (index % 2), "y": 5 * (index // 2), "w": 6, "h": 5} for index, insight in enumerate(insights.values())]
    return owner.save("/api/dashboards", "How we are doing", {"tiles": tiles})


@pytest.fixture
def new_page(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Callable[..., Page]]:
    """Opens pages of a site; at the end none may have complained, or asked another host.

    A test that makes the server fail, or is refused, is marked `complains`.
    """
    contexts: list[BrowserContext] = []
    watched: list[Watched] = []

    def new(site: Site, path: str = "/", *, key: str | None = None, account: tuple[str, str] | None = None, width: int = 1440, scheme: str = "light", watch=None, **more) -> Page:
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme, base_url=site.url, **more)
        context.set_default_timeout(20_000)
        contexts.append(context)
        shown = site.server.read_key() if key is None and account is None else key
        if account:
            Session(context, site, account)
        if shown:
            context.add_init_script(f"sessionStorage.getItem('out') || sessionStorage.setItem('hogflare.read-key', {shown!r})")
        page = context.new_page()
        watched.append(Watched(page, site))
        if watch:
            page.on("response", watch)
        page.goto(path)
        return page

    yield new
    for context in contexts:
        context.close()
    assert [url for one in watched for url in one.elsewhere] == []
    if not request.node.get_closest_marker("complains"):
        assert [text for one in watched for text in one.complaints] == []


@pytest.fixture
def open_page(site: Site, new_page: Callable[..., Page]) -> Callable[..., Page]:
    """Opens a page over the visits."""
    return lambda path="/", **more: new_page(site, path, **more)


@pytest.fixture(scope="session")
def axe() -> str:
    """What looks for barriers."""
    return (WEB / "node_modules/axe-core/axe.min.js").read_text()


@pytest.fixture(scope="session")
def openapi_of(binary: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[], str]:
    """Writes the snapshot anew beside a copy of the script, and returns it."""

    def write() -> str:
        folder = tmp_path_factory.mktemp("openapi")
        shutil.copy(WEB / "openapi.sh", folder)
        subprocess.run([folder / "openapi.sh", binary], check=True, timeout=120)
        return (folder / "openapi.json").read_text()

    return write


