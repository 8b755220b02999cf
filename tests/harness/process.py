"""A child process on a free port, with its output kept in a file."""

import os
import signal
import socket
import subprocess
from pathlib import Path

from .poll import until


class StartFailed(AssertionError):
    """The process ended, or said nothing, before it was ready."""


def free_port() -> int:
    """Returns a loopback port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Process:
    """One child process; `ready` says when it serves."""

    def __init__(self, command: list[str], env: dict[str, str], cwd: Path, log: Path) -> None:
        self.log_path = log
        with log.open("ab") as output:
            self._child = subprocess.Popen(
                command, env=env, cwd=cwd, stdin=subprocess.DEVNULL, stdout=output, stderr=output
            )

    @property
    def pid(self) -> int:
        """The process id."""
        return self._child.pid

    def is_running(self) -> bool:
        """Says whether it has not ended yet."""
        return self._child.poll() is None

    def exit_code(self) -> int | None:
        """Returns the exit code, negative for a signal; None while it runs."""
        return self._child.poll()

    def log(self) -> str:
        """Returns everything it has printed."""
        return self.log_path.read_text(errors="replace")

    def wait_ready(self, ready, timeout: float) -> None:
        """Waits until `ready()` is true; raises StartFailed when the process ends first."""

        def ready_or_ended() -> bool:
            if not self.is_running():
                raise StartFailed(f"exit code {self.exit_code()}\n{self.log()}")
            return ready()

        until(ready_or_ended, timeout=timeout, every=0.05, what=f"readiness\n{self.log()[-2000:]}")

    def wait_end(self, timeout: float = 30) -> int:
        """Waits for the end and returns the exit code."""
        return self._child.wait(timeout)

    def stop(self, timeout: float = 30) -> int:
        """Asks it to end and waits."""
        if self.is_running():
            self._child.send_signal(signal.SIGTERM)
        return self.wait_end(timeout)

    def kill9(self) -> None:
        """Kills it without any chance to tidy up."""
        if self.is_running():
            self._child.kill()
        self._child.wait()


def child_env(extra: dict[str, str]) -> dict[str, str]:
    """The environment of a child: nothing of the caller's but what finds programs."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
    return kept | extra


def memory_peak_bytes(pid: int) -> int:
    """Returns the largest resident size the process ever had."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise AssertionError(f"/proc/{pid}/status has no VmHWM")
