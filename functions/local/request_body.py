"""The bytes that come with a request, in pieces worth a write, from senders that may be slow, stop or vanish."""

from collections.abc import AsyncIterator
from typing import Literal

import anyio
from starlette.requests import Request

PIECE_BYTES = 256 * 1024  # what each of hundreds of slow senders holds in memory; larger ones were no faster
MOST_DRAINED_BYTES = 64 * 1024**2  # browsers that send still read no answer; the largest parts they send are smaller

Ending = Literal["whole", "broken", "idle", "stopped"]


class RequestBody:
    """A request's body. No thread waits for it."""

    def __init__(self, request: Request, *, idle_s: float) -> None:
        self._receive = request.receive
        self._idle_s = idle_s
        self._waiting: anyio.CancelScope | None = None
        self._is_stopped = False
        length = request.headers.get("content-length", "")
        self.size_bytes = int(length) if length.isdecimal() else None
        """As announced; None when it was not."""
        self.ending: Ending | None = None
        """How it ended; None as long as it goes on. "idle": not a byte came for `idle_s`."""

    async def pieces(self) -> AsyncIterator[bytearray]:
        """Yield what arrives, in pieces of about PIECE_BYTES; the last ones of a body that breaks off as well."""
        piece = bytearray()
        while self.ending is None:
            piece += await self._arrived()
            if piece and (self.ending is not None or len(piece) >= PIECE_BYTES):
                yield piece
                piece = bytearray()

    async def drain(self) -> None:
        """Let the sender finish, so that it reads the answer; one that has very much to say is cut off."""
        drained_bytes = 0
        async for piece in self.pieces():
            drained_bytes += len(piece)
            if drained_bytes > MOST_DRAINED_BYTES:
                return

    def stop(self) -> None:
        """End the body as "stopped", now or as soon as whoever reads it asks for more."""
        self._is_stopped = True
        if self._waiting is not None:
            self._waiting.cancel()

    async def _arrived(self) -> bytes:
        if self._is_stopped:
            self.ending = "stopped"
            return b""
        with anyio.move_on_after(self._idle_s) as self._waiting:
            message = await self._receive()
        was_waiting, self._waiting = self._waiting, None
        if was_waiting.cancelled_caught:
            self.ending = "stopped" if self._is_stopped else "idle"
            return b""
        if message["type"] == "http.disconnect":
            self.ending = "broken"
        elif not message.get("more_body", False):
            self.ending = "whole"
        body: bytes = message.get("body", b"")
        return body
