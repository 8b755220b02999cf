"""Drives the Python SDK, of any version since 2, through everything it can send; prints what its own hook saw."""

import inspect
import json
import os
import sys
from datetime import UTC, datetime, timedelta, timezone

from posthog import Posthog
from posthog.version import VERSION


def report(message: dict) -> dict:
    """Prints one event as the SDK is about to queue it."""
    print(json.dumps({name: message.get(name) for name in ("event", "distinct_id", "uuid", "properties")}, default=str))
    return message


def fail(error: Exception, _items: list) -> None:
    """Says what the SDK could not deliver."""
    print(f"posthog-python reports {error!r}", file=sys.stderr)


def connect() -> Posthog:
    """Makes the client, with the settings that its version knows."""
    known = inspect.signature(Posthog.__init__).parameters
    newer = {"before_send": report, "capture_mode": os.environ.get("CAPTURE_MODE"), "enable_exception_autocapture": False}
    client = Posthog(
        os.environ["TOKEN"],
        host=os.environ["POSTHOG_HOST"],
        gzip=os.environ["COMPRESSION"] == "on",
        flush_at=20,
        flush_interval=0.2,
        on_error=fail,
        **{name: value for name, value in newer.items() if name in known and value is not None},
    )
    if "before_send" not in known:
        report_queue(client)
    return client


def report_queue(client: Posthog) -> None:
    """Prints what an SDK without a hook puts into its queue."""
    enqueue = client._enqueue

    def reporting(message: dict, *rest):
        print(json.dumps({"event": message["event"]}))
        return enqueue(message, *rest)

    client._enqueue = reporting


def main() -> None:
    """Sends everything once."""
    client = connect()
    send_events(client, "python-user")
    ask_and_fail(client, "python-user")
    for index in range(150):
        client.capture(event="python many", distinct_id=f"python-batch-{index % 7}", properties={"index": index})
    client.flush()
    client.capture(event="python last before shutdown", distinct_id="python-user", properties={"last": True})
    client.shutdown()


def send_events(client: Posthog, user: str) -> None:
    """Sends one event of each kind."""

    def capture(event: str, properties: dict | None = None, **fields) -> None:
        client.capture(event=event, distinct_id=user, properties=properties, **fields)

    capture("python unicode 🎉", {"text": 'héllo — 🦔 日本語 \u0007 "quoted" \\ </script>', "ключ": "値"})
    capture("python nested", {"a": {"b": {"c": [1, {"d": []}, "x", [[]]]}}, "empty": {}, "list": [None, True, False]})
    capture(
        "python numbers", {"int": 42, "big": 2**53 + 1, "negative": -7, "float": 29.99, "tiny": 1e-9, "huge": 1.5e300}
    )
    # Before version 7 such numbers are written as no JSON has them, and PostHog refuses the batch.
    if int(VERSION.partition(".")[0]) >= 7:
        capture("python not a number", {"nan": float("nan"), "infinite": float("inf")})
    capture("python null", {"nothing": None, "text": "null", "no": False})
    capture("python explicit time", {"when": "then"}, timestamp=datetime(2026, 2, 3, 4, 5, 6, 789123, UTC))
    east = timezone(timedelta(hours=5, minutes=30))
    capture("python other zone", timestamp=datetime(2026, 2, 3, 9, 35, 6, tzinfo=east))
    capture("python explicit uuid", uuid=os.environ["EXPLICIT_UUID"])
    capture("python person", {"$set": {"plan": "pro"}, "$set_once": {"first_seen": "today"}, "$unset": ["trial"]})
    capture("$pageview", {"$current_url": "https://shop.example/?utm_source=newsletter"})
    capture("$screen", {"$screen_name": "Home"})
    capture("python anonymous", {"$process_person_profile": False})
    client.set(distinct_id=user, properties={"email": "python@example.com", "nested": {"a": [1]}})
    client.set_once(distinct_id=user, properties={"origin": "test"})
    client.alias("python-alias", user)
    client.group_identify("company", "acme", {"name": "Acme ✨", "employees": 11})
    capture("python in group", groups={"company": "acme"})
    capture("$identify", {"$anon_distinct_id": "python-anonymous", "$set": {"name": "Łucja"}})


def ask_and_fail(client: Posthog, user: str) -> None:
    """Asks for a feature flag and reports an exception, where the version can."""
    client.feature_enabled("python-flag", user)
    client.get_all_flags(user)
    if hasattr(client, "identify"):
        client.identify(distinct_id=user, properties={"name": "Łucja"})
    if hasattr(client, "capture_exception"):
        try:
            raise ValueError("python is broken 💥")
        except ValueError as error:
            client.capture_exception(error, distinct_id=user)


if __name__ == "__main__":
    main()
