"""Events as a shop has them, the same every time, with what makes counting hard.

Among them are persons that merge after they did things, events that come days late, several at the same
microsecond, the days on which clocks change, bots, test users, sessions over midnight, exceptions with and without
a stack, and properties of every kind.
"""

import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

START = datetime(2026, 3, 1, tzinfo=UTC)
DAYS = 35
BROWSERS = ["Chrome", "Chrome", "Chrome", "Firefox", "Safari", "chrome mobile", "", None, True, 7, ["Chrome"], {"name": "x"}]
PLANS = ["free", "pro", "team", None]
AMOUNTS = [10, 19.99, "25", "n/a", -3, 1e3, None, True]
NAMES = ["$pageview"] * 9 + ["sign up"] + ["purchase"] * 2 + ["$autocapture"] * 4 + ["$screen", "$exception"]
SCREENS = ["Home", "Basket", "Settings", "", None, 4]
SOURCES = [None] * 6 + ["newsletter", "google", "Partner & Co", ""]
REFERRERS = [("$direct", "$direct")] * 3 + [("www.google.com", "https://www.google.com/?q=1#top"), ("news.example", "https://news.example/today")]
DEVICES = ["Desktop", "Mobile", "Tablet", None]
PLACES = [("DE", "Berlin", "Berlin"), ("DE", "Hesse", "Frankfurt"), ("US", "Ohio", "Berlin"), (None, None, "Nowhere"), ("FR", None, None)]
URLS = [f"https://shop.example/p/{page}" for page in range(300)] + ["https://shop.example/?", "https://shop.example//"]


def stamp(moment: datetime) -> str:
    """A time as SDKs write it, to the microsecond."""
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


def properties(rng: random.Random, name: str, user: int, when: datetime) -> dict:
    """Properties of one event; what is `None` is sent as `null`, and some are not sent at all."""
    url = URLS[min(int(rng.expovariate(0.02)), len(URLS) - 1)]
    domain, referrer = rng.choice(REFERRERS)
    country, region, city = rng.choice(PLACES)
    made = {
        "$browser": rng.choice(BROWSERS),
        "$current_url": url,
        "$pathname": url.removeprefix("https://shop.example").split("?")[0],
        "$host": "shop.example",
        "$referrer": referrer,
        "$referring_domain": domain,
        "$device_type": rng.choice(DEVICES),
        "$geoip_country_code": country,
        "$geoip_subdivision_1_name": region,
        "$geoip_city_name": city,
        "utm_source": rng.choice(SOURCES),
        "amount": rng.choice(AMOUNTS),
        "version": f"{rng.randrange(3)}.{rng.randrange(12)}.{rng.randrange(5)}",
        "due": stamp(START + timedelta(hours=rng.randrange(24 * DAYS))),
        "$session_id": session(user, when),
    }
    if name == "$screen":
        made["$screen_name"] = rng.choice(SCREENS)
    if name == "$exception":
        made |= exception(rng)
    for member in list(made):
        if rng.random() < 0.1:
            del made[member]
    if rng.random() < 0.05:
        made["$bot"] = "Googlebot"
    return made


def session(user: int, when: datetime) -> str:
    """A session of eleven hours, some by uuids, as SDKs make them, and some by other texts."""
    part = int((when - START).total_seconds()) // 39_600
    return f"session-{user}-{part}" if user % 4 == 0 else f"{part:08x}-0000-7000-8000-{user:012x}"


def exception(rng: random.Random) -> dict:
    """What an `$exception` says, as newer and older SDKs have it."""
    of, message = rng.choice([("TypeError", "x is undefined"), ("ValueError", "it's \"odd\""), ("Timeout", None)])
    if rng.random() < 0.2:
        return {"$exception_type": of, "$exception_message": message}
    frames = [{"function": "main", "filename": "app.js", "lineno": 1}, {"function": rng.choice(["pay", "show"]), "filename": "shop.js", "lineno": rng.randrange(9)}]
    thrown = {"type": of, "value": message} | ({"stacktrace": {"type": "raw", "frames": frames}} if rng.random() < 0.8 else {})
    own = {"$exception_fingerprint": "basket"} if rng.random() < 0.1 else {}
    return {"$exception_list": [thrown, {"type": "Cause"}], **own}


def moment(rng: random.Random, user: int) -> datetime:
    """When something happens: by night too, and often at the same microsecond as something else, or soon after."""
    day = (user * 7 + int(rng.triangular(0, DAYS, user % DAYS))) % DAYS
    busy = (user * 7_919 + day * 104_729) % 84_000
    seconds = busy + rng.randrange(2_400) if rng.random() < 0.5 else rng.randrange(86_400)
    micros = rng.choice([0, 0, 500_000, rng.randrange(1_000_000), 999_999])
    return START + timedelta(days=day, seconds=seconds // 600 * 600 if rng.random() < 0.3 else seconds, microseconds=micros)


def event(rng: random.Random, user: int, known_as: str) -> dict:
    """One event of a user under one of its names."""
    name, when = rng.choice(NAMES), moment(rng, user)
    return {
        "uuid": str(uuid_of(rng)),
        "event": name,
        "distinct_id": known_as,
        "timestamp": stamp(when),
        "properties": properties(rng, name, user, when),
    }


def uuid_of(rng: random.Random) -> str:
    """A uuid of these dice."""
    bits = rng.getrandbits(128)
    text = f"{bits:032x}"
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-a{text[17:20]}-{text[20:]}"


def identified(rng: random.Random, user: int) -> dict:
    """A visitor logs in: from now on both names are one person's, for what it did before, too."""
    company = "example.com" if user % 10 == 0 else "customer.test"
    person = {"email": f"user{user}@{company}", "plan": PLANS[user % len(PLANS)]}
    return {
        "uuid": uuid_of(rng),
        "event": "$identify",
        "distinct_id": f"user-{user}",
        "timestamp": stamp(moment(rng, user)),
        "properties": {"$anon_distinct_id": f"visitor-{user}", "$set": person},
    }


def events(count: int, seed: int = 20260323) -> Iterator[dict]:
    """So many events, in the order in which they come, which is not that in which they happened."""
    rng = random.Random(seed)
    users = max(count // 50, 1)
    logged_in = set()
    for number in range(count):
        # A third of the events come from few users.
        user = int(rng.triangular(0, users, 0)) if rng.random() < 0.3 else rng.randrange(users)
        if user % 3 and number > count // 4 and user not in logged_in:
            logged_in.add(user)
            yield identified(rng, user)
            continue
        # Some go on under the name of before, and servers know the user's before it has logged in.
        knows_name = rng.random() < (0.8 if user in logged_in else 0.1)
        yield event(rng, user, f"user-{user}" if knows_name else f"visitor-{user}")


def batches(count: int, size: int = 1_000) -> Iterator[bytes]:
    """Their bodies for `/batch`, without the token."""
    batch = []
    for made in events(count):
        batch.append(made)
        if len(batch) == size:
            yield json.dumps(batch, separators=(",", ":")).encode()
            batch = []
    if batch:
        yield json.dumps(batch, separators=(",", ":")).encode()
