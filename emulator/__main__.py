"""Runs the emulator: `python -m emulator --port 8088`."""

import argparse
import sys

import uvicorn

from .app import create_app
from .settings import Settings

# Bodies are read in many small steps, each of which would wait this long for a thread that parses one.
_SWITCH_SECONDS = 0.0001


def main() -> None:
    """Serves until it is told to stop; a request kept hanging does not delay that."""
    parser = argparse.ArgumentParser(prog="python -m emulator", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8088)
    options = parser.parse_args()
    sys.setswitchinterval(_SWITCH_SECONDS)
    settings = Settings.from_env()
    print(f"pipeline on http://{options.host}:{options.port}, schema {settings.schema or 'none'}", flush=True)
    uvicorn.run(
        create_app(settings),
        host=options.host,
        port=options.port,
        access_log=False,
        log_level="warning",
        timeout_graceful_shutdown=1,
    )


if __name__ == "__main__":
    main()
