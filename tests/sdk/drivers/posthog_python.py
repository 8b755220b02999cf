"""Drives the Python SDK through everything it can send and prints what its own hook saw."""

import json
import os
import sys
from datetime import UTC, datetime, timedelta, timezone

from posthog import Posthog


def report(message: dict) -> dict:
    """Prints one event as the SDK is about to queue it."""
    print(json.dumps({name: message.get(name) for name in ("event", "distinct_id", "uuid", "properties")}, default=str))
    return message


def fail(error: Exception, _items: list) -> None:
    """Says what the SDK could not deliver."""
    print(f"posthog-python reports {error!r}", file=sys.stderr)


def main() -> None:
    """Sends everything once."""
    client = Posthog(
        os.environ["TOKEN"],
        host=os.environ["POSTHOG_HOST"],
        gzip=os.environ["COMPRESSION"] == "on",
        flush_at=20,
        flush_interval=0.2,
        before_send=report,
        on_error=fail,
    )
    send_events(client, "python-user")
    for index in range(150):
        client.capture("python many", distinct_id=f"python-batch-{index % 7}", properties={"index": index})
    client.flush()
    client.capture("python last before shutdown", distinct_id="python-user", properties={"last": True})
    client.shutdown()


def send_events(client: Posthog, user: str) -> None:
    """Sends one event of each kind."""

    def capture(event: str, properties: dict | None = None, **fields) -> None:
        client.capture(event, distinct_id=user, properties=properties, **fields)

    capture("python unicode 🎉", {"text": 'héllo — 🦔 日本語 \u0007 "quoted" \\ </script>', "ключ": "値"})
    capture("python nested", {"a": {"b": {"c": [1, {"d": []}, "x", [[]]]}}, "empty": {}, "list": [None, True, False]})
    capture(
        "python numbers", {"int": 42, "big": 2**53 + 1, "negative": -7, "float": 29.99, "tiny": 1e-9, "huge": 1.5e300}
    )
    capture("python not a number", {"nan": float("nan"), "infinite": float("inf")})
    capture("python null", {"nothing": None, "text": "null", "no": False})
    capture("python explicit time", {"when": "then"}, timestamp=datetime(2026, 2, 3, 4, 5, 6, 789123, UTC))
    east = timezone(timedelta(hours=5, minutes=30))
    capture("python other zone", timestamp=datetime(2026, 2, 3, 9, 35, 6, tzinfo=east))
    capture("python explicit uuid", uuid=os.environ["EXPLICIT_UUID"])
    capture("python person", {"$set": {"plan": "pro"}, "$set_once": {"first_seen": "today"}, "$unset": ["trial"]})
    client.set(distinct_id=user, properties={"email": "python@example.com", "nested": {"a": [1]}})
    client.set_once(distinct_id=user, properties={"origin": "test"})
    client.alias("python-alias", user)
    client.group_identify("company", "acme", {"name": "Acme ✨", "employees": 11}, distinct_id=user)
    capture("python in group", groups={"company": "acme"})
    capture("$identify", {"$anon_distinct_id": "python-anonymous", "$set": {"name": "Łucja"}})


if __name__ == "__main__":
    main()
