"""Counters since the start, in Prometheus' text format."""

import threading
from collections import Counter
from collections.abc import Iterable

from .store import Outcome

Sample = tuple[dict[str, str], float]


class Metrics:
    """What ingest counts; any thread may count."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests: Counter[str] = Counter()
        self._faults: Counter[str] = Counter()
        self._dropped: Counter[str] = Counter()
        self._bytes = self._committed = self._stripped = 0

    def received(self, size: int, fault: str) -> None:
        """Counts the bytes of one body, and the fault that applied to it."""
        with self._lock:
            self._bytes += size
            self._faults[fault] += 1

    def answered(self, status: str) -> None:
        """Counts one request by its status; `none` without an answer."""
        with self._lock:
            self._requests[status] += 1

    def stored(self, outcome: Outcome) -> None:
        """Counts what became of one request's rows."""
        with self._lock:
            self._committed += outcome.committed
            self._dropped.update(outcome.reasons())
            self._stripped += len(outcome.stripped)

    def render(self, gauges: dict[str, float]) -> str:
        """Returns all counters and the given values of the moment as text."""
        with self._lock:
            families = [
                _family("emulator_requests_total", "counter", _labelled("status", self._requests)),
                _family("emulator_faults_total", "counter", _labelled("mode", self._faults)),
                _family("emulator_received_bytes_total", "counter", [({}, self._bytes)]),
                _family("emulator_rows_committed_total", "counter", [({}, self._committed)]),
                _family("emulator_rows_dropped_total", "counter", _labelled("reason", self._dropped)),
                _family("emulator_fields_stripped_total", "counter", [({}, self._stripped)]),
            ]
        families += [_family(name, "gauge", [({}, value)]) for name, value in gauges.items()]
        return "".join(families)


def _labelled(label: str, counts: Counter[str]) -> list[Sample]:
    return [({label: value}, count) for value, count in sorted(counts.items())]


def _family(name: str, kind: str, samples: Iterable[Sample]) -> str:
    lines = [f"# TYPE {name} {kind}"]
    for labels, value in samples:
        inside = ",".join(f'{label}="{text}"' for label, text in labels.items())
        lines.append(f"{name}{{{inside}}} {value}" if inside else f"{name} {value}")
    return "\n".join(lines) + "\n"
