"""How long pages take in Chromium until all that they show is there, over the lake that `bench/insights` made.

    tests/.venv/bin/python bench/insights/measure.py --server target/release/hogflare --events 10000000 --folder /tmp/bench
    tests/.venv/bin/python bench/web/load.py --server target/release/hogflare --data /tmp/bench/10000000

Each page is opened once, and then `--runs` times in a new tab of the same browser: at once, so that answers which the server keeps may
serve, and after an event of another kind, so that none is of the newest rows. A page is shown once nothing on it stands for
something else, and new once nothing that it asked for is open either, both for 100 ms, which are not counted.
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


def is_shown(page: Page) -> bool:
    """Whether every part of a page has something to show."""
    return page.evaluate("!!document.querySelector('main') && !document.querySelector('.mantine-Skeleton-root, .mantine-Loader-root')")


class Lasting:
    """Since when something has been so, without a break."""

    def __init__(self) -> None:
        self.since: float | None = None

    def is_so(self, now_so: bool) -> bool:
        """Takes note, and says whether it has lasted."""
        now = time.perf_counter()
        self.since = (self.since or now) if now_so else None
        return self.since is not None and now - self.since >= 0.1


def load(context: BrowserContext, url: str) -> tuple[float, float]:
    """Seconds from asking for a page until it is shown, and until it is new."""
    page, still_open = context.new_page(), set()
    page.on("request", lambda request: "/api/live" not in request.url and still_open.add(request))
    page.on("requestfinished", lambda request: still_open.discard(request))
    page.on("requestfailed", lambda request: still_open.discard(request))
    begun, shown, new, shown_at = time.perf_counter(), Lasting(), Lasting(), None
    page.goto(url, wait_until="commit")
    while True:
        now_shown = is_shown(page)
        if shown.is_so(now_shown):
            shown_at = shown_at or shown.since
        if new.is_so(now_shown and not still_open):
            break
        page.wait_for_timeout(5)
        assert time.perf_counter() - begun < 120, f"{url}: {[request.url for request in still_open]}"
    page.close()
    return (shown_at or new.since) - begun, new.since - begun


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
            print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}\n\n| page | first | nothing came since, s | shown after an event, s | new after an event, s |\n|---|--:|--:|--:|--:|")
            for name, path in pages.items():
                _, first = load(context, server.url + path)
                kept = [load(context, server.url + path) for _ in range(given.runs)]
                after = []
                for _ in range(given.runs):
                    tick(server)
                    after.append(load(context, server.url + path))
                figures = [[new for _, new in kept], [shown for shown, _ in after], [new for _, new in after]]
                ranges = [f"{statistics.median(took):.2f} ({min(took):.2f}–{max(took):.2f})" for took in figures]
                print(f"| {name} | {first:.2f} | {' | '.join(ranges)} |", flush=True)
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
