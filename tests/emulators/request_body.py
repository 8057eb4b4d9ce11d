"""The bytes that come with a request, read piece by piece."""

from collections.abc import Callable, Iterator
from email.message import Message
from io import BufferedIOBase

PIECE_BYTES = 256 * 1024  # an answer that breaks off is counted too high by no more; 1 MiB was a third faster


class BrokenOff(Exception):
    """The connection ended before the body did."""


class RequestBody:
    """A body whose length was announced or that comes in chunks; `on_read` is told of every piece's length."""

    def __init__(
        self, source: BufferedIOBase, headers: Message, on_read: Callable[[int], None] = lambda _: None
    ) -> None:
        self._source = source
        self._on_read = on_read
        self._is_chunked = "chunked" in headers.get("Transfer-Encoding", "").lower()
        self.size_bytes = None if self._is_chunked else int(headers.get("Content-Length") or 0)
        """None when it was not announced."""
        self._left_bytes = self.size_bytes or 0
        self._is_over = self.size_bytes == 0

    def pieces(self) -> Iterator[bytes]:
        """Yield what has not been read yet. Raises BrokenOff."""
        try:
            while not self._is_over:
                if self._is_chunked and not self._left_bytes:
                    self._begin_chunk()
                    continue
                piece = self._source.read1(min(self._left_bytes, PIECE_BYTES))
                if not piece:
                    raise BrokenOff
                self._left_bytes -= len(piece)
                self._on_read(len(piece))
                if not self._left_bytes:
                    self._end_chunk()
                yield piece
        except (OSError, ValueError) as error:  # reset, timed out, or not a chunk's size
            raise BrokenOff from error

    def read(self) -> bytes:
        """Return all of it. Raises BrokenOff."""
        return b"".join(self.pieces())

    def drain(self) -> None:
        """Let the sender finish, so that it reads the answer. Raises BrokenOff."""
        for _ in self.pieces():
            pass

    def _begin_chunk(self) -> None:
        self._left_bytes = int(self._source.readline().split(b";")[0], 16)
        if not self._left_bytes:
            while self._source.readline().strip():  # trailers
                pass
            self._is_over = True

    def _end_chunk(self) -> None:
        if self._is_chunked:
            self._source.readline()
        else:
            self._is_over = True
