"""The published table of SDKs, written from what a run found."""

from dataclasses import dataclass, field
from pathlib import Path

from .matrix import Case

HEADER = """\
# Which SDKs work

`make compatibility` wrote this table. It takes each SDK from its package registry and runs it against Hogflare,
posthog-js in Chromium. A proxy between the two records what the SDK put on the wire; then every recorded event is
held against the row that SQL returns for it:

- there is one row for each event and no other, under the uuid and the distinct id that were sent;
- each property has the bytes that were sent, and only what [events.md](events.md) lists was taken out or added;
- the timestamp is the sent one, corrected for the client's clock by the time of sending;
- `$set` and `$set_once` stand in the row's person properties;
- each question about feature flags got its answer, in the shape that this version reads.

The events have emoji, nested objects, numbers of every size, explicit times and uuids, persons, aliases, groups,
exceptions and batches, some of them sent while the program or page ends. Counts add up the runs with each encoding.
*Wire* is the protocol: `v0` (`/e/`, `/batch/`), `v1` (`/i/v1/analytics/events`), `ai` (`/i/v0/ai/batch/`), `otel`
(OpenTelemetry spans to `/i/v0/ai/otel`).

| SDK | version | wire | encodings | requests | events sent | events stored | flags answered | result |
|---|---|---|---|---:|---:|---:|---|---|
"""


@dataclass
class Finding:
    """What was found out about one case."""

    case: Case
    encodings: set[str] = field(default_factory=set)
    requests: int = 0
    sent: int = 0
    stored: int = 0
    flag_questions: int = 0
    works: bool = False

    def row(self) -> str:
        """Returns its line of the table."""
        case = self.case
        cells = [case.sdk, case.version, case.wire, ", ".join(sorted(self.encodings)), self.requests, self.sent]
        cells += [self.stored, "yes" if self.flag_questions else "not asked", "works" if self.works else "**fails**"]
        return "| " + " | ".join(map(str, cells)) + " |"


def render(findings: list[Finding]) -> str:
    """Returns the whole page."""
    return HEADER + "".join(f"{finding.row()}\n" for finding in findings)


def published(path: Path) -> list[tuple[str, str, str, str]]:
    """Returns SDK, version, wire and result of each line of a page."""
    lines = [line.strip("|\n").split("|") for line in path.read_text().splitlines() if line.startswith("| ")]
    return [tuple(line[index].strip() for index in (0, 1, 2, -1)) for line in lines[1:]]
