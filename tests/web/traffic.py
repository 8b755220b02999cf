"""Visits of a small product's site: some weeks until now, and, if wanted, on and on.

    tests/.venv/bin/python tests/web/traffic.py http://127.0.0.1:8080 phc_demo --visits 12000 --days 45 --live
"""

import argparse
import json
import random
import time
import urllib.request
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

PAGES = ["/", "/pricing", "/docs", "/docs/install", "/docs/sdks", "/docs/sql", "/blog", "/blog/one-binary", "/blog/lakes-are-open", "/about", "/changelog", "/customers"]
WEIGHTS = [30, 14, 12, 9, 7, 5, 6, 8, 5, 2, 3, 2]
SOURCES = [
    ("$direct", {}),
    ("www.google.com", {}),
    ("news.ycombinator.com", {}),
    ("github.com", {}),
    ("t.co", {}),
    ("duckduckgo.com", {}),
    ("www.google.com", {"utm_source": "google", "utm_medium": "cpc", "utm_campaign": "autumn"}),
    ("lobste.rs", {}),
    ("newsletter.example", {"utm_source": "newsletter", "utm_medium": "email", "utm_campaign": "november"}),
]
PLACES = [
    ("US", "California", "San Francisco"),
    ("US", "New York", "New York"),
    ("DE", "Berlin", "Berlin"),
    ("GB", "England", "London"),
    ("IN", "Karnataka", "Bengaluru"),
    ("FR", "Île-de-France", "Paris"),
    ("NL", "North Holland", "Amsterdam"),
    ("JP", "Tokyo", "Tokyo"),
    ("BR", "São Paulo", "São Paulo"),
    ("CA", "Ontario", "Toronto"),
]
DEVICES = [
    ("Desktop", "Chrome", "Mac OS X", 1728),
    ("Desktop", "Chrome", "Windows", 1920),
    ("Desktop", "Firefox", "Linux", 2560),
    ("Desktop", "Safari", "Mac OS X", 1440),
    ("Mobile", "Mobile Safari", "iOS", 390),
    ("Mobile", "Chrome", "Android", 412),
    ("Tablet", "Safari", "iOS", 820),
    ("Desktop", "Microsoft Edge", "Windows", 1536),
]
FIRST = ["Ada", "Grace", "Edsger", "Barbara", "Ken", "Radia", "Donald", "Margaret", "Tony", "Frances", "Leslie", "Adele"]
LAST = ["Lovelace", "Hopper", "Dijkstra", "Liskov", "Thompson", "Perlman", "Knuth", "Hamilton", "Hoare", "Allen", "Lamport", "Goldberg"]
COMPANIES = ["Acme", "Initech", "Globex", "Umbrella", "Hooli", "Stark", "Wayne", "Wonka"]
PLANS = {"free": 0, "team": 49, "business": 199}
# What goes wrong: where, how often, and in which release.
FAULTS = [
    ("TypeError", "Cannot read properties of undefined (reading 'total')", [("render", "app/checkout/Summary.tsx", 84, 17), ("CartPage", "app/checkout/CartPage.tsx", 31, 9)]),
    ("ChunkLoadError", "Loading chunk 417 failed", [("load", "runtime/loader.js", 12, 3), ("openSettings", "app/settings/open.ts", 22, 11)]),
    ("RangeError", "Invalid time value", [("formatDate", "lib/dates.ts", 41, 20), ("Invoice", "app/billing/Invoice.tsx", 63, 5)]),
    ("NetworkError", "The request for /api/projects timed out", [("request", "lib/http.ts", 18, 13), ("loadProjects", "app/projects/load.ts", 9, 7)]),
    ("SyntaxError", "Unexpected token '<' in JSON at position 0", [("parse", "lib/http.ts", 35, 15), ("loadPlan", "app/billing/plan.ts", 14, 3)]),
]


class Visitor:
    """Somebody with one browser in one place."""

    def __init__(self, rng: random.Random) -> None:
        self.id = str(uuid.UUID(int=rng.getrandbits(128), version=4))
        self.device = rng.choices(DEVICES, [24, 22, 9, 10, 18, 12, 2, 5])[0]
        self.place = rng.choices(PLACES, [18, 9, 15, 11, 10, 8, 6, 5, 5, 5])[0]
        self.source = rng.choices(SOURCES, [30, 24, 10, 9, 6, 5, 5, 3, 5])[0]
        self.user: str | None = None


def fault(rng: random.Random) -> dict:
    """What an SDK tells of an error that nobody caught."""
    kind, message, frames = rng.choices(FAULTS, [40, 14, 9, 20, 5])[0]
    # The frame that threw comes last.
    lines = [{"platform": "web:javascript", "function": name, "filename": f"https://flaredesk.example/{file}", "lineno": line, "colno": column, "in_app": not file.startswith("runtime/")} for name, file, line, column in reversed(frames)]
    return {
        "$exception_list": [{"type": kind, "value": message, "mechanism": {"handled": rng.random() < 0.3, "type": "onerror"}, "stacktrace": {"type": "raw", "frames": lines}}],
        "$exception_level": "error",
        "release": rng.choice(["2026.46", "2026.47"]),
    }


def visit(rng: random.Random, visitor: Visitor, start: datetime, end: datetime) -> Iterator[dict]:
    """The events of one visit, as posthog-js sends them; none after `end`."""
    session = str(uuid.UUID(int=rng.getrandbits(128), version=4))
    kind, browser, system, width = visitor.device
    country, region, city = visitor.place
    domain, campaign = visitor.source
    shared = {
        "$lib": "web",
        "$lib_version": "1.449.2",
        "$session_id": session,
        "$window_id": session,
        "$browser": browser,
        "$browser_version": 142,
        "$os": system,
        "$device_type": kind,
        "$screen_width": width,
        "$geoip_country_code": country,
        "$geoip_subdivision_1_name": region,
        "$geoip_city_name": city,
        "$host": "flaredesk.example",
        "$referrer": "$direct" if domain == "$direct" else f"https://{domain}/",
        "$referring_domain": domain,
        **campaign,
    }
    moment = start

    def event(name: str, path: str, **more) -> dict:
        properties = shared | {"$pathname": path, "$current_url": f"https://flaredesk.example{path}"} | more
        return {
            "uuid": str(uuid.UUID(int=rng.getrandbits(128), version=4)),
            "event": name,
            "distinct_id": visitor.user or visitor.id,
            "timestamp": moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "properties": properties,
        }

    path = rng.choices(PAGES, WEIGHTS)[0]
    for _ in range(min(1 + int(rng.expovariate(0.55)), 14)):
        if moment > end:
            return
        yield event("$pageview", path)
        if rng.random() < 0.4:
            moment += timedelta(seconds=rng.uniform(1, 20))
            yield event("$autocapture", path, **{"$event_type": "click", "$el_text": rng.choice(["Get started", "Read the docs", "Menu", "Copy"])})
        if rng.random() < 0.04:
            yield event("$exception", path, **fault(rng))
        moment += timedelta(seconds=rng.expovariate(1 / 35) + 2)
        path = rng.choices(PAGES, WEIGHTS)[0]
    if moment > end:
        return
    if visitor.user is None and rng.random() < 0.12:
        yield event("$pageview", "/signup")
        if rng.random() < 0.62:
            name = f"{rng.choice(FIRST)} {rng.choice(LAST)}"
            company = rng.choice(COMPANIES)
            known = visitor.id
            visitor.user = f"user-{rng.getrandbits(24):06x}"
            person = {"name": name, "email": f"{name.split()[0].lower()}.{visitor.user[-4:]}@{company.lower()}.example", "company": company, "plan": "free"}
            yield event("$identify", "/signup", **{"$anon_distinct_id": known, "$set": person})
            yield event("$groupidentify", "/signup", **{"$group_type": "company", "$group_key": company.lower(), "$group_set": {"name": company}})
            yield event("signed up", "/welcome", plan="free", **{"$groups": {"company": company.lower()}})
    if visitor.user and rng.random() < 0.7:
        moment += timedelta(seconds=rng.uniform(5, 600))
        yield event("project created", "/app", template=rng.choice(["web", "mobile", "server"]))
    if visitor.user and rng.random() < 0.12:
        moment += timedelta(seconds=rng.uniform(5, 3_000))
        plan = rng.choice(["team", "business"])
        yield event("plan upgraded", "/app/billing", plan=plan, amount=PLANS[plan], **{"$set": {"plan": plan}})
    yield event("$pageleave", path)


def when(rng: random.Random, end: datetime, days: int) -> datetime:
    """A moment of the last days: more of late, in office hours, and on workdays."""
    while True:
        moment = end - timedelta(days=days * (1 - rng.random() ** 0.8))
        hour = (moment.hour - 14) / 6
        if rng.random() < (0.25 + 0.75 * max(0.0, 1 - hour * hour)) * (0.55 if moment.weekday() >= 5 else 1):
            return moment


def traffic(visits: int, days: int, end: datetime, seed: int = 7) -> list[dict]:
    """All events until a moment, in the order of their times."""
    rng = random.Random(seed)
    visitors: list[Visitor] = []
    events: list[dict] = []
    for start in sorted(when(rng, end, days) for _ in range(visits)):
        if not visitors or rng.random() < 0.6:
            visitors.append(Visitor(rng))
        # Who came lately comes again sooner than who came long ago.
        visitor = visitors[-1 - min(int(rng.expovariate(0.004)), len(visitors) - 1)]
        events.extend(visit(rng, visitor, start, end))
    return sorted(events, key=lambda event: event["timestamp"])


def send(url: str, token: str, events: list[dict]) -> None:
    """Sends events; each batch must be acknowledged."""
    for start in range(0, len(events), 1_000):
        body = json.dumps({"api_key": token, "batch": events[start : start + 1_000]}).encode()
        request = urllib.request.Request(f"{url}/batch/", body, {"content-type": "application/json"})
        with urllib.request.urlopen(request, timeout=60) as answer:
            assert answer.status == 200, answer.status


def now() -> datetime:
    """This moment."""
    return datetime.now(UTC)


def go_on(url: str, token: str) -> None:
    """Visits as they would happen, each event at its time."""
    rng = random.Random()
    visitors = [Visitor(rng) for _ in range(20)]
    waiting: list[dict] = []
    while True:
        if rng.random() < 0.2:
            visitors.append(Visitor(rng))
            start = now()
            waiting.extend(visit(rng, rng.choice(visitors[-30:]), start, start + timedelta(hours=1)))
        stamp = now().isoformat(timespec="milliseconds").replace("+00:00", "Z")
        send(url, token, [event for event in waiting if event["timestamp"] <= stamp])
        waiting = [event for event in waiting if event["timestamp"] > stamp]
        time.sleep(1)


def main() -> None:
    """Sends what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("token")
    parser.add_argument("--visits", type=int, default=12_000)
    parser.add_argument("--days", type=int, default=45)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--live", action="store_true", help="go on until it is ended")
    given = parser.parse_args()
    send(given.url, given.token, traffic(given.visits, given.days, now(), given.seed))
    if given.live:
        go_on(given.url, given.token)


if __name__ == "__main__":
    main()
