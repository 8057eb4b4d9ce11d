"""A task's tie to the process that started it: when that one dies, even by SIGKILL, the task dies with it."""

import os
import signal
import stat
import threading

LIFELINE_VARIABLE = "MONTAGE_LIFELINE_FD"
"""Names the descriptor of a pipe that nobody writes to; its other end is open as long as the parent lives."""
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
