"""How long pages take in Chromium until all that they show is there, over the lake that `bench/insights` made.

    tests/.venv/bin/python bench/insights/measure.py --server target/release/hogflare --events 10000000 --folder /tmp/bench
    tests/.venv/bin/python bench/web/load.py --server target/release/hogflare --data /tmp/bench/10000000

Each page is opened once, and then `--runs` times in a new tab of the same browser: at once, so that answers which the server keeps may
serve, and after an event of another kind, so that none does. A page is there once nothing that it asked for is open, and nothing on it
stands for something else, for 100 ms, which are not counted.
"""

import argparse
import os
import statistics
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from harness.server import TOKEN, Hogflare  # noqa: E402
from playwright.sync_api import BrowserContext, Page, sync_playwright  # noqa: E402

OWNER = ("jane@example.com", "correct horse battery")
MONTH = {"date_from": "2026-03-01", "date_to": "2026-03-30"}


def node(event: str | None, math: str = "total") -> dict:
    """A series."""
    return {"kind": "EventsNode", "event": event, "math": math}


BOARD = {
    "Visitors": {"kind": "TrendsQuery", "series": [node("$pageview", "dau")], "interval": "day"},
    "Views by browser": {"kind": "TrendsQuery", "series": [node("$pageview")], "interval": "day", "breakdownFilter": {"breakdown": "$browser", "breakdown_type": "event"}},
    "Persons by event": {"kind": "TrendsQuery", "series": [node(None, "dau")], "interval": "day", "breakdownFilter": {"breakdown": "event", "breakdown_type": "event_metadata"}},
    "Purchases": {"kind": "TrendsQuery", "series": [node("purchase")], "interval": "day", "trendsFilter": {"display": "BoldNumber"}},
    "From sign-up to purchase": {"kind": "FunnelsQuery", "series": [node("sign up"), node("add to cart"), node("purchase")]},
    "Coming again": {"kind": "RetentionQuery", "retentionFilter": {"period": "Week", "totalIntervals": 5}},
    "Who stays": {"kind": "LifecycleQuery", "series": [node("$pageview")], "interval": "week"},
    "Days in a month": {"kind": "StickinessQuery", "series": [node("$pageview")], "interval": "day"},
}


def is_there(page: Page, open_requests: set) -> bool:
    """Whether all of a page is shown."""
    return not open_requests and page.evaluate("document.querySelector('main') && !document.querySelector('.mantine-Skeleton-root, .mantine-Loader-root')")


def load(context: BrowserContext, url: str) -> float:
    """Seconds from asking for a page until it is there."""
    page, still_open = context.new_page(), set()
    page.on("request", lambda request: "/api/live" not in request.url and still_open.add(request))
    page.on("requestfinished", lambda request: still_open.discard(request))
    page.on("requestfailed", lambda request: still_open.discard(request))
    begun = time.perf_counter()
    page.goto(url, wait_until="commit")
    there_since = None
    while there_since is None or time.perf_counter() - there_since < 0.1:
        if not is_there(page, still_open):
            there_since = None
        elif there_since is None:
            there_since = time.perf_counter()
        page.wait_for_timeout(5)
        assert time.perf_counter() - begun < 120, f"{url}: {[request.url for request in still_open]}"
    page.close()
    return there_since - begun


def tick(server: Hogflare) -> None:
    """A row that no page shows."""
    log = {"resourceLogs": [{"scopeLogs": [{"logRecords": [{"body": {"stringValue": "tick"}}]}]}]}
    assert server.post(f"/i/v1/logs?token={TOKEN}", log).status == 200


def main() -> None:
    """Opens the pages, and prints a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--server", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--screenshots", type=Path)
    given = parser.parse_args()
    account = {"HOGFLARE_ADMIN_EMAIL": OWNER[0], "HOGFLARE_ADMIN_PASSWORD": OWNER[1]}
    server = Hogflare(given.server.resolve(), given.data, given.data.with_name("web.log"), account).start()
    try:
        with sync_playwright() as playwright:
            chromium = playwright.chromium.launch(executable_path=os.environ.get("CHROMIUM", "/usr/bin/chromium"), args=["--no-sandbox", "--disable-gpu"])
            context = chromium.new_context(viewport={"width": 1400, "height": 2400})
            answer = context.request.post(f"{server.url}/api/session", data={"email": OWNER[0], "password": OWNER[1]})
            assert answer.ok, answer.text()
            headers = {"x-hogflare-csrf": answer.json()["csrf"], "origin": server.url}

            def save(door: str, name: str, definition: dict) -> str:
                answer = context.request.post(f"{server.url}{door}?project=1", headers=headers, data={"name": name, "definition": definition})
                assert answer.status == 201, answer.text()
                return answer.json()["id"]

            insights = [save("/api/insights/saved", name, request | {"dateRange": MONTH}) for name, request in BOARD.items()]
            tiles = [{"insight": insight, "x": place % 2 * 6, "y": place // 2 * 5, "w": 6, "h": 5} for place, insight in enumerate(insights)]
            board = save("/api/dashboards", "Eight", {"tiles": tiles})
            pages = {
                "web analytics, a week": "/web?range=2026-03-23..2026-03-29",
                "web analytics, 30 days": "/web?range=2026-03-01..2026-03-30",
                "a dashboard of eight insights, 30 days": f"/dashboards/{board}",
            }
            print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}\n\n| page | first | answers kept, s | nothing kept, s |\n|---|--:|--:|--:|")
            for name, path in pages.items():
                first = load(context, server.url + path)
                kept, anew = [], []
                for _ in range(given.runs):
                    kept.append(load(context, server.url + path))
                for _ in range(given.runs):
                    tick(server)
                    anew.append(load(context, server.url + path))
                ranges = [f"{statistics.median(took):.2f} ({min(took):.2f}–{max(took):.2f})" for took in (kept, anew)]
                print(f"| {name} | {first:.2f} | {ranges[0]} | {ranges[1]} |", flush=True)
                if given.screenshots:
                    page = context.new_page()
                    page.goto(server.url + path)
                    page.wait_for_timeout(3_000)
                    page.screenshot(path=given.screenshots / f"{path.split('?')[0].strip('/').replace('/', '-')}.png")
                    page.close()
    finally:
        server.kill9()


if __name__ == "__main__":
    main()
