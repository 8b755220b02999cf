"""When to roll: every so many seconds, after so many bytes, and at the end."""

import logging
import threading

from .roll import Roller
from .settings import Settings


class RollSchedule:
    """A thread that rolls; it runs only where there is a folder to roll to."""

    def __init__(self, roller: Roller, settings: Settings) -> None:
        self._roller, self._seconds, self._bytes = roller, settings.roll_seconds, settings.roll_bytes
        self._lock, self._landed_bytes = threading.Lock(), 0
        self._wake, self._stopped = threading.Event(), False
        self._thread = threading.Thread(target=self._run, daemon=True) if settings.data_dir else None

    def start(self) -> None:
        """Starts rolling; the first roll begins with what an earlier process left unfinished."""
        if self._thread:
            self._roller.remove_unfinished()
            self._thread.start()

    def landed(self, size: int) -> None:
        """Notes bytes that landed; enough of them bring the next roll forward."""
        if not self._bytes:
            return
        with self._lock:
            self._landed_bytes += size
            due = self._landed_bytes >= self._bytes
        if due:
            self._wake.set()

    def stop(self) -> None:
        """Ends the thread after one last roll."""
        if self._thread:
            self._stopped = True
            self._wake.set()
            self._thread.join()

    def _run(self) -> None:
        while not self._stopped:
            self._wake.wait(self._seconds)
            self._wake.clear()
            with self._lock:
                self._landed_bytes = 0
            self._roll()

    def _roll(self) -> None:
        try:
            self._roller.roll()
        except Exception:
            # The rows stay where they are; the next roll takes them.
            logging.getLogger(__name__).exception("roll failed")
