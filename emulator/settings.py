"""Settings of the emulator, each read from one environment variable."""

import os
from collections.abc import Mapping
from dataclasses import dataclass

FIVE_MEGABYTES = 5_000_000


@dataclass(frozen=True)
class Settings:
    """What one emulator process is told at its start.

    auth_token  EMULATOR_AUTH_TOKEN  bearer token that ingest requires; unset: none
    max_bytes   EMULATOR_MAX_BYTES   largest accepted body, as Pipelines' 5 MB limit
    database    EMULATOR_DB          DuckDB file; unset: in memory
    schema      EMULATOR_SCHEMA      stream schema file; unset: every object fits
    """

    auth_token: str | None = None
    max_bytes: int = FIVE_MEGABYTES
    database: str = ":memory:"
    schema: str | None = None

    @classmethod
    def from_env(cls, env: Mapping[str, str] = os.environ) -> "Settings":
        """Reads the settings; an empty value counts as unset."""
        return cls(
            auth_token=env.get("EMULATOR_AUTH_TOKEN") or None,
            max_bytes=int(env.get("EMULATOR_MAX_BYTES") or FIVE_MEGABYTES),
            database=env.get("EMULATOR_DB") or ":memory:",
            schema=env.get("EMULATOR_SCHEMA") or None,
        )
