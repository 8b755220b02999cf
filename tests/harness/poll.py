"""Bounded waiting for something that another process is about to do."""

import time
from collections.abc import Callable
from typing import TypeVar

Found = TypeVar("Found")


def until(find: Callable[[], Found], *, timeout: float = 30, every: float = 0.1, what: str = "") -> Found:
    """Calls `find` until it returns something true, and returns that."""
    deadline = time.monotonic() + timeout
    while True:
        found = find()
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {timeout:g} s for {what or find.__name__}; last: {found!r}")
        time.sleep(every)
