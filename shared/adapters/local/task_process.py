"""One attempt of one task as a process of this machine."""

import contextlib
import logging
import os
import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from shared.lifeline import MORE_TASKS_VARIABLE, GivenTask

GRACE_S = 5.0  # a task hands its chunk back within a second of SIGTERM; Cloud Run gives ten
FAMILY_EVERY_S = 1.0  # finding a process's children reads all of the process table; tasks rarely have any

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """What one attempt may use."""

    memory_bytes: int
    time_s: float


class TaskProcess:
    """A running attempt: its own session, its output in a log file, its memory and time watched.

    A program that knows how (shared/lifeline.py) may be given another when it has done this one.

    Not safe for threads: the launcher's supervisor is the only one to call it.
    """

    def __init__(
        self, command: Sequence[str], *, environment: Mapping[str, str], lifeline: int, log_path: Path
    ) -> None:
        """Start it. Raises OSError when the process or its log cannot be made."""
        self._log_path = log_path
        log_path.parent.mkdir(parents=True, exist_ok=True)
        self._line, theirs = socket.socketpair()
        self._line.setblocking(False)
        try:
            with theirs, log_path.open("ab") as output:
                self._process = subprocess.Popen(
                    list(command),
                    env={**environment, MORE_TASKS_VARIABLE: str(theirs.fileno())},
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    pass_fds=(lifeline, theirs.fileno()),
                    start_new_session=True,  # a terminal's Ctrl-C is for us; we tell our children ourselves
                )
        except BaseException:
            self._line.close()
            raise
        self._started_at = time.monotonic()
        self._kill_at: float | None = None
        self._is_killed = False
        self._is_cleared = False
        self._family: list[psutil.Process] = []
        self._family_seen_at = -FAMILY_EVERY_S

    @property
    def pid(self) -> int:
        return self._process.pid

    def exit_code(self) -> int | None:
        """Return None while it runs, otherwise its exit code, negative for a signal. What it left behind is killed."""
        code = self._process.poll()
        if code is not None and not self._is_cleared:
            self._is_cleared = True
            self._line.close()
            self._kill_group()
        return code

    def asks_for_more(self) -> bool:
        """Return whether it has done its task, well, and asks for another; true once for each time it asks."""
        try:
            return self._line.recv(1) != b""
        except OSError:  # nothing was said, or the line is closed
            return False

    def give(self, task: GivenTask) -> None:
        """Hand it its next task, with a time of its own. Raises OSError when it cannot hear us."""
        self._line.sendall(task.to_line())
        self._log_path = task.log_path
        self._started_at = time.monotonic()

    def dismiss(self) -> None:
        """Tell it that there is no other task for it, so that it ends."""
        self._line.close()

    def stop(self) -> None:
        """Ask it to end; `enforce` kills it when it has not after GRACE_S."""
        if self._kill_at is None and self._process.poll() is None:
            self._kill_at = time.monotonic() + GRACE_S
            self._process.send_signal(signal.SIGTERM)

    def enforce(self, allowance: Allowance) -> None:
        """Kill it, with a line in its log, when it uses more than it may or ignores that it should stop."""
        now = time.monotonic()
        if self._kill_at is not None and now >= self._kill_at:
            self._kill(f"it did not end within {GRACE_S:g} s of SIGTERM")
        elif now - self._started_at > allowance.time_s:
            self._kill(f"it ran longer than {allowance.time_s:g} s (MONTAGE_TASK_TIMEOUT_S)")
        elif (held := self._memory_bytes(now)) > allowance.memory_bytes:
            limit = _mib(allowance.memory_bytes)
            self._kill(f"it held {_mib(held)}, more than the {limit} it may (MONTAGE_TASK_MEMORY_BYTES)")

    def _memory_bytes(self, now: float) -> int:
        if now - self._family_seen_at >= FAMILY_EVERY_S:
            self._family = _family_of(self.pid)
            self._family_seen_at = now
        return sum(_resident_bytes(process) for process in self._family)

    def _kill(self, reason: str) -> None:
        if self._is_killed or self._process.poll() is not None:
            return
        self._is_killed = True
        log.warning("task process %d was killed: %s", self.pid, reason)
        with contextlib.suppress(OSError), self._log_path.open("a", encoding="utf-8") as output:
            output.write(f"montage: killed this task: {reason}.\n")
        self._kill_group()

    def _kill_group(self) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):  # macOS says the latter of a group of zombies
            os.killpg(self.pid, signal.SIGKILL)


def _family_of(pid: int) -> list[psutil.Process]:
    try:
        parent = psutil.Process(pid)
        return [parent, *parent.children(recursive=True)]
    except psutil.Error:
        return []


def _resident_bytes(process: psutil.Process) -> int:
    try:
        held: int = process.memory_info().rss
    except psutil.Error:
        return 0
    return held


def _mib(size_bytes: int) -> str:
    return f"{size_bytes / 1024**2:.0f} MiB"
