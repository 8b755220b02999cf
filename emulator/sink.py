"""The state of the pipeline's sink, as `GET /status` shows it."""


class Sink:
    """Works until it is ordered to break, or a roll fails."""

    def __init__(self) -> None:
        self._ordered: str | None = None
        self._failed: str | None = None

    def order_broken(self, reason: str) -> None:
        """Makes every roll fail."""
        self._ordered = reason

    def repair(self) -> None:
        """Lets rolls go on."""
        self._ordered = None

    def is_broken(self) -> bool:
        """Says whether it was ordered to break."""
        return self._ordered is not None

    def rolled(self) -> None:
        """Notes that a roll went well."""
        self._failed = None

    def failed(self, reason: str) -> None:
        """Notes that a roll failed."""
        self._failed = reason

    def status(self) -> dict[str, str | None]:
        """Returns `{"status": "running" | "failed", "failure_reason"}`."""
        reason = self._ordered or self._failed
        return {"status": "failed" if reason else "running", "failure_reason": reason}
