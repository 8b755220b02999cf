"""Faults that can be ordered over HTTP, to see what a sender does about them."""

import random
from typing import Literal, get_args

from pydantic import BaseModel, ConfigDict, Field

PlainMode = Literal[
    "ok",
    "status",
    "html",
    "hang",
    "reset",
    "redirect",
    "unsuccessful",
    "garbage",
    "commit_then_timeout",
    "commit_then_status",
    "reset_after_commit",
    "miscount",
    "slow",
]
Mode = Literal[PlainMode, "random"]


class Fault(BaseModel):
    """One order; the README says what each mode does.

    status           for modes status, html and commit_then_status
    retry_after      seconds in a Retry-After header, for the same modes
    location         where mode redirect sends the client
    redirect_status  the status that mode redirect answers
    dribble_ms       pause between two bytes of the answer, for mode slow
    latency_ms       wait before anything else, in every mode
    count            how many requests it applies to; null: until changed
    match            only requests whose body contains this text; null: all
    seed             for mode random: the same seed makes the same choices
    probability      for mode random: how often one of `modes` is chosen instead of ok
    modes            for mode random: what to choose from
    sink             breaks or repairs the sink; null: leaves it as it is
    failure_reason   what GET /status says of a broken sink
    """

    model_config = ConfigDict(extra="forbid")

    mode: Mode = "ok"
    status: int = Field(default=500, ge=400, le=599)
    retry_after: int | None = Field(default=None, ge=0)
    location: str = "/redirected"
    redirect_status: Literal[301, 302, 303, 307, 308] = 302
    dribble_ms: int = Field(default=100, ge=0, le=60_000)
    latency_ms: int = Field(default=0, ge=0, le=600_000)
    count: int | None = Field(default=None, ge=0)
    match: str | None = None
    seed: int = 0
    probability: float = Field(default=0.5, ge=0, le=1)
    modes: list[PlainMode] = Field(default=[mode for mode in get_args(PlainMode) if mode != "ok"], min_length=1)
    sink: Literal["working", "broken"] | None = None
    failure_reason: str = "ordered by /admin/faults"

    def concerns_sink_only(self) -> bool:
        """Says whether the order leaves `POST /` as it is."""
        return self.sink is not None and "mode" not in self.model_fields_set


class Faults:
    """The order in force, used up request by request."""

    def __init__(self) -> None:
        self.current = Fault()
        self._random = random.Random(0)

    def order(self, fault: Fault) -> None:
        """Replaces the order in force."""
        self.current = fault
        self._random = random.Random(fault.seed)

    def take(self, body: bytes) -> Fault:
        """Returns what applies to this request and counts it; never one of mode random."""
        fault = self.current
        if fault.count == 0 or (fault.match is not None and fault.match.encode() not in body):
            return Fault()
        if fault.count is not None:
            self.current = fault.model_copy(update={"count": fault.count - 1})
        return self._choose(fault) if fault.mode == "random" else fault

    def _choose(self, fault: Fault) -> Fault:
        drawn, mode = self._random.random(), self._random.choice(fault.modes)
        return fault.model_copy(update={"mode": mode if drawn < fault.probability else "ok"})
