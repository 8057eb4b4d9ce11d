"""A task's ties to the process that started it.

When that one dies, even by SIGKILL, the task dies with it. And a task that is done may ask it for another one, where it
is a launcher that has more: starting a process and loading a model cost more than many a task.
"""

import json
import os
import signal
import socket
import stat
import threading
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

LIFELINE_VARIABLE = "MONTAGE_LIFELINE_FD"
"""Names the descriptor of a pipe that nobody writes to; its other end is open as long as the parent lives."""
MORE_TASKS_VARIABLE = "MONTAGE_MORE_TASKS_FD"
"""Names the descriptor of a socket: a byte asks for another task, a line of JSON is one, its end says there is none."""
ORPHANED = 143  # as if SIGTERM had ended us; nobody is left to read it


def watch_lifeline() -> None:
    """Begin to watch the parent, if it asked for that; call this first thing in a task.

    When the parent is gone this process ends at once, without a trace, and so does everything it started. The variable
    is taken out of the environment and the descriptor is not passed on.
    Raises ValueError or OSError when the variable names no pipe of ours.
    """
    text = os.environ.pop(LIFELINE_VARIABLE, None)
    if text is None:
        return
    fd = int(text)
    if not stat.S_ISFIFO(os.fstat(fd).st_mode):
        raise ValueError(f"{LIFELINE_VARIABLE}={text} is no pipe")
    os.set_inheritable(fd, False)
    threading.Thread(target=_end_with, args=(fd,), name="lifeline", daemon=True).start()


def _end_with(fd: int) -> None:
    while os.read(fd, 1):
        pass
    if os.getpgrp() == os.getpid():  # we were started as our group's leader: only our own offspring is in it
        os.killpg(os.getpgrp(), signal.SIGKILL)
    os._exit(ORPHANED)


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenTask:
    """Another task of the run that the process was started for."""

    index: int
    attempt: int
    log_path: Path
    """Where its output belongs."""

    def to_line(self) -> bytes:
        """Return it as it goes through the socket."""
        return json.dumps([self.index, self.attempt, str(self.log_path)]).encode() + b"\n"

    @classmethod
    def from_line(cls, line: bytes) -> "GivenTask":
        """Return what `to_line` wrote."""
        index, attempt, log_path = json.loads(line)
        return cls(index=index, attempt=attempt, log_path=Path(log_path))


class MoreTasks:
    """A process's way to further tasks; nobody gives any where the platform starts a process for each.

    The variable is taken out of the environment and the descriptor is not passed on.
    """

    def __init__(self) -> None:
        """Raises ValueError or OSError when the variable names no socket of ours."""
        text = os.environ.pop(MORE_TASKS_VARIABLE, None)
        self._socket: socket.socket | None = None
        if text is not None:
            self._socket = socket.socket(fileno=int(text))
            self._socket.set_inheritable(False)

    def ask(self) -> GivenTask | None:
        """Say that the task at hand is done, and return the next, None when there is none for this process.

        It waits as long as the launcher lives; the answer takes a tick of its clock.
        """
        if self._socket is None:
            return None
        line = b""
        with suppress(OSError):  # a launcher that is gone has nothing to give
            self._socket.sendall(b"?")
            while not line.endswith(b"\n") and (got := self._socket.recv(4096)):
                line += got
        return GivenTask.from_line(line) if line.endswith(b"\n") else None
