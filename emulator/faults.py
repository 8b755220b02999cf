"""Faults that can be ordered over HTTP, to see what a sender does about them."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Mode = Literal["ok", "status", "hang", "reset", "commit_then_timeout"]


class Fault(BaseModel):
    """One order.

    mode        ok: answer normally; status: answer `status`; hang: never answer;
                reset: break the connection; commit_then_timeout: store, never answer
    status      for mode `status`
    latency_ms  wait before anything else, in every mode
    count       how many requests it applies to; null: until changed
    match       only requests whose body contains this text; null: all
    """

    model_config = ConfigDict(extra="forbid")

    mode: Mode = "ok"
    status: int = Field(default=500, ge=400, le=599)
    latency_ms: int = Field(default=0, ge=0, le=600_000)
    count: int | None = Field(default=None, ge=0)
    match: str | None = None


class Faults:
    """The order in force, used up request by request."""

    def __init__(self) -> None:
        self.current = Fault()

    def order(self, fault: Fault) -> None:
        """Replaces the order in force."""
        self.current = fault

    def take(self, body: bytes) -> Fault:
        """Returns what applies to this request and counts it."""
        fault = self.current
        if fault.count == 0 or (fault.match is not None and fault.match.encode() not in body):
            return Fault()
        if fault.count is not None:
            self.current = fault.model_copy(update={"count": fault.count - 1})
        return fault
