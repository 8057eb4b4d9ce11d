"""Servers for tests: on free loopback ports, started and stopped by their own pid."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

START_S = 30.0
STOP_S = 5.0


def free_port() -> int:
    """Return a port that nobody listened on a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def answers(port: int) -> bool:
    """Return whether somebody accepts connections there."""
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def server(
    command: Sequence[str | Path],
    *,
    log: Path,
    port: int,
    environment: Mapping[str, str] | None = None,
    is_ready: Callable[[], bool] | None = None,
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server until the block ends, and with it every process it started; what it says goes to `log`."""
    is_ready = is_ready or (lambda: answers(port))
    with log.open("wb") as said:
        process = subprocess.Popen(
            [str(word) for word in command],
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.STDOUT,
            env={**os.environ, **(environment or {})},
            start_new_session=True,  # a group of its own, so that a shell script's Java ends with it
        )
        try:
            give_up_at = time.monotonic() + START_S
            while not is_ready():
                if process.poll() is not None or time.monotonic() > give_up_at:
                    words = log.read_text(errors="replace")[-2000:]
                    raise RuntimeError(f"{command[0]} did not start (exit code {process.returncode}):\n{words}")
                time.sleep(0.05)
            yield process
        finally:
            _stop(process)


def _stop(process: "subprocess.Popen[bytes]") -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            continue
