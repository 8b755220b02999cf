"""Https as Chromium takes it, which believes the test's certificates and nothing else that is wrong."""

import os
import ssl
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from playwright.sync_api import Browser, Playwright, expect

from harness.certificates import CertificateAuthority, Pair
from harness.https import SecureHogflare
from harness.poll import until
from harness.server import TOKEN

OWNER, PASSWORD = "jane@example.com", "correct horse battery"
PAGE = """<!doctype html><title>Shop</title><button>Buy</button>
<script src="{host}/static/array.js"></script>
<script>
  posthog.init('{token}', {{ api_host: '{host}', opt_out_useragent_filter: true, request_batching: false }})
  posthog.capture('bought', {{ amount: 3 }})
</script>"""


@pytest.fixture(scope="module")
def pair(authority: CertificateAuthority) -> Pair:
    """The certificate of the server, and of the shop."""
    return authority.issue("localhost", "127.0.0.1")


@pytest.fixture(scope="module")
def browser(pair: Pair, playwright: Playwright) -> Iterator[Browser]:
    """Chromium, which believes this certificate."""
    believed = f"--ignore-certificate-errors-spki-list={pair.fingerprint()}"
    options = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"]
    path = os.environ.get("CHROMIUM", "/usr/bin/chromium")
    browser = playwright.chromium.launch(executable_path=path, args=[*options, believed])
    yield browser
    browser.close()


@pytest.fixture
def secure(new_secure: Callable[..., SecureHogflare], pair: Pair) -> SecureHogflare:
    """A server that Chromium believes."""
    account = {"HOGFLARE_ADMIN_EMAIL": OWNER, "HOGFLARE_ADMIN_PASSWORD": PASSWORD}
    return new_secure(**pair.settings, **account).start()


@pytest.fixture
def shop(secure: SecureHogflare, pair: Pair) -> Iterator[str]:
    """A site of another origin, by https, that loads posthog-js from the server."""

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_arguments) -> None:
            pass

        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("content-type", "text/html")
            self.end_headers()
            self.wfile.write(PAGE.format(host=secure.url, token=TOKEN).encode())

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.certificate, pair.key)
    site = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    site.daemon_threads = True
    site.socket = context.wrap_socket(site.socket, server_side=True)
    threading.Thread(target=site.serve_forever, daemon=True).start()
    yield f"https://127.0.0.1:{site.server_port}"
    site.shutdown()
    site.server_close()


def test_a_page_by_https_sends_its_events(secure: SecureHogflare, shop: str, browser: Browser) -> None:
    context = browser.new_context()
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: message.type == "error" and complaints.append(message.text))
    page.on("requestfailed", lambda request: complaints.append(f"{request.url}: {request.failure}"))
    page.goto(f"{shop}/cart")
    assert page.evaluate("isSecureContext")
    until(lambda: secure.metric("hogflare_events_accepted_total") >= 2, what="events")
    rows = secure.query("select event, current_url, properties->>'amount' as amount from events order by event")
    assert [row["event"] for row in rows][:2] == ["$pageview", "bought"]
    assert {row["current_url"] for row in rows} == {f"{shop}/cart"} and "3" in {str(row["amount"]) for row in rows}
    assert complaints == []
    context.close()


def test_somebody_logs_in_by_https(secure: SecureHogflare, browser: Browser) -> None:
    context = browser.new_context(base_url=secure.url)
    page = context.new_page()
    page.goto("/insights")
    page.get_by_label("Email").fill(OWNER)
    page.get_by_role("textbox", name="Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("button", name="Your account")).to_be_visible(timeout=20_000)
    [cookie] = [cookie for cookie in context.cookies() if cookie["name"] == "hogflare_session"]
    assert cookie["secure"] and cookie["httpOnly"] and cookie["sameSite"] == "Lax"
    # The browser keeps it from plain http, where the same page asks who it is anew.
    page.reload()
    expect(page.get_by_role("button", name="Your account")).to_be_visible(timeout=20_000)
    context.close()


def test_a_browser_that_came_by_http_is_sent_to_the_same_page(secure: SecureHogflare, browser: Browser) -> None:
    # Chromium is on this machine, so what it says it is has to come from a proxy.
    context = browser.new_context(extra_http_headers={"x-forwarded-for": "203.0.113.7"})
    page = context.new_page()
    page.goto(f"http://localhost:{secure.plain_port}/sql?x=1")
    page.wait_for_url(f"{secure.url}/**")
    assert page.url.startswith(secure.url) and "sql" in page.url
    context.close()
