"""Settings of the emulator, each read from one environment variable."""

import os
from collections.abc import Mapping
from dataclasses import dataclass

FIVE_MEGABYTES = 5_000_000
THIRTY_MEGABYTES = 30_000_000
LANDED, ROLLED = "landed", "rolled"


class WrongSetting(ValueError):
    """A setting that the emulator cannot work with."""


@dataclass(frozen=True)
class Settings:
    """What one emulator process is told at its start.

    auth_token    EMULATOR_AUTH_TOKEN    bearer token that ingest requires; unset: none
    max_bytes     EMULATOR_MAX_BYTES     largest accepted body, as Pipelines' 5 MB limit
    database      EMULATOR_DB            DuckDB file; unset: in data_dir, or in memory without one
    schema        EMULATOR_SCHEMA        stream schema file; unset: one json column `value`
    rate_bytes    EMULATOR_RATE_BYTES    bytes per second that ingest takes, as the default rate; 0: no limit
    namespace     EMULATOR_NAMESPACE     namespace of the table
    table         EMULATOR_TABLE         name of the table
    data_dir      EMULATOR_DATA_DIR      folder of the Parquet files and the database; unset: nothing is rolled
    roll_seconds  EMULATOR_ROLL_SECONDS  at most this long between rolls, at least 1
    roll_bytes    EMULATOR_ROLL_BYTES    rolls earlier once so many bytes of rows landed; unset: only by time
    visible       EMULATOR_VISIBLE       which rows /sql sees: landed or rolled
    """

    auth_token: str | None = None
    max_bytes: int = FIVE_MEGABYTES
    database: str | None = None
    schema: str | None = None
    rate_bytes: int = THIRTY_MEGABYTES
    namespace: str = "default"
    table: str = "events"
    data_dir: str | None = None
    roll_seconds: float = 300
    roll_bytes: int | None = None
    visible: str = LANDED

    def __post_init__(self) -> None:
        if self.roll_seconds < 1:
            raise WrongSetting("EMULATOR_ROLL_SECONDS must be at least 1")
        if self.visible not in (LANDED, ROLLED):
            raise WrongSetting(f"EMULATOR_VISIBLE must be {LANDED} or {ROLLED}")
        if self.visible == ROLLED and not self.data_dir:
            raise WrongSetting(f"EMULATOR_VISIBLE={ROLLED} needs EMULATOR_DATA_DIR")
        for name in (self.namespace, self.table):
            if not name.isidentifier():
                raise WrongSetting(f"namespace and table must be plain names, not {name!r}")

    @classmethod
    def from_env(cls, env: Mapping[str, str] = os.environ) -> "Settings":
        """Reads the settings; an empty value counts as unset."""
        read = {
            "auth_token": ("EMULATOR_AUTH_TOKEN", str),
            "max_bytes": ("EMULATOR_MAX_BYTES", int),
            "database": ("EMULATOR_DB", str),
            "schema": ("EMULATOR_SCHEMA", str),
            "rate_bytes": ("EMULATOR_RATE_BYTES", int),
            "namespace": ("EMULATOR_NAMESPACE", str),
            "table": ("EMULATOR_TABLE", str),
            "data_dir": ("EMULATOR_DATA_DIR", str),
            "roll_seconds": ("EMULATOR_ROLL_SECONDS", float),
            "roll_bytes": ("EMULATOR_ROLL_BYTES", int),
            "visible": ("EMULATOR_VISIBLE", str),
        }
        return cls(**{field: convert(env[name]) for field, (name, convert) in read.items() if env.get(name)})
