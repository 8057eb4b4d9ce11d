"""Connections of one machine's server: bounded in number, and closed when nothing is asked on them.

uvicorn waits for a request's head, and for the rest of a body that it has answered already, as long as a sender
dawdles; each wait holds a file descriptor, of which jobs need some as well.
"""

import asyncio
import resource
from contextlib import suppress
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_S = 20.0
"""How long a request's head may take to arrive, and the rest of a body after the answer."""
MOST_CONNECTIONS = 1000
FILES_OF_ONE = 3
"""Descriptors to reserve for a connection: its own, its file's, and one for everything else that is open."""
WANTED_FILES = 4096


def bounded(*, head_s: float = HEAD_S) -> type[H11Protocol]:
    """Return the protocol for uvicorn; raises this process's bound on open files as far as it goes and is useful."""
    most = min(MOST_CONNECTIONS, _open_files() // FILES_OF_ONE)
    return type("Bounded", (BoundedConnection,), {"head_s": head_s, "most": most})


class BoundedConnection(H11Protocol):
    """A connection that is closed when it is one too many, or when nothing is asked on it for a while."""

    head_s = HEAD_S
    most = MOST_CONNECTIONS

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._giving_up: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if len(self.connections) > self.most:
            transport.abort()
        self._watch()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        self._rest()
        super().connection_lost(exc)

    def _watch(self) -> None:
        if not self._is_idle():
            self._rest()
        elif self._giving_up is None:
            self._giving_up = self.loop.call_later(self.head_s, self._give_up)

    def _rest(self) -> None:
        if self._giving_up is not None:
            self._giving_up.cancel()
            self._giving_up = None

    def _give_up(self) -> None:
        self._giving_up = None
        if self._is_idle():
            self.transport.close()

    def _is_idle(self) -> bool:
        """Return whether a request's head is yet to come, or only what is left of one that was answered."""
        theirs = self.conn.their_state
        return theirs is h11.IDLE or (theirs is h11.SEND_BODY and self.conn.our_state is h11.DONE)


def _open_files() -> int:
    """Return how many files may be open, once it was tried to have it be enough."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = WANTED_FILES if hard == resource.RLIM_INFINITY else min(hard, WANTED_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
            soft = wanted
    return WANTED_FILES if soft == resource.RLIM_INFINITY else soft
