"""Runs the emulator: `python -m emulator --port 8088`."""

import argparse

import uvicorn

from .app import create_app
from .settings import Settings


def main() -> None:
    """Serves until it is told to stop; a request kept hanging does not delay that."""
    parser = argparse.ArgumentParser(prog="python -m emulator", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8088)
    options = parser.parse_args()
    uvicorn.run(
        create_app(Settings.from_env()),
        host=options.host,
        port=options.port,
        access_log=False,
        log_level="warning",
        timeout_graceful_shutdown=1,
    )


if __name__ == "__main__":
    main()
