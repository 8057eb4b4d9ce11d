"""The reel's picture by encoding: pieces of it side by side, each frame the one on screen in the source."""

from __future__ import annotations  # Packet is generic for the type checker only

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from functools import partial
from queue import Queue
from threading import Lock
from typing import cast

from av.packet import Packet
from av.video.frame import PictureType
from av.video.stream import VideoStream

from shared.domain.edit_list import JoinKind
from shared.domain.reel_pieces import Piece
from shared.media.ahead import Check
from shared.media.encoder import EncodeSettings, piece_encoder
from shared.media.projector import Projector, reel_frames


class Encoding:
    """A reel's picture, encoded piece by piece on several threads; whoever is free takes the next piece."""

    def __init__(self, pieces: Sequence[Piece], settings: EncodeSettings, *, fps: Fraction, join: JoinKind) -> None:
        self._left = iter(pieces)
        self._count = len(pieces)
        self._settings = settings
        self._fps = fps
        self._join = join
        self._taken_by: Queue[int] = Queue()
        self._taking = Lock()

    def worker(
        self, number: int, show: Projector, check: Check, *, on_graph: Callable[[str], None]
    ) -> Iterator[Packet[VideoStream] | None]:
        """Yield the packets of the pieces this worker takes, None after each piece; all on one thread.

        `check` is called before each frame, and `on_graph` is told the filters that `show` makes the frames with.
        """
        while (piece := self._next(number)) is not None:
            yield from self._encoded(piece, show, check, on_graph)
            yield None

    def packets(
        self, workers: Sequence[Iterator[Packet[VideoStream] | None]], stream: VideoStream
    ) -> Iterator[Packet[VideoStream]]:
        """Yield the packets of all pieces in the reel's order, for `stream`."""
        for _ in range(self._count):
            worker = workers[self._taken_by.get()]
            for packet in iter(partial(next, worker), None):
                packet.stream = stream
                yield packet

    def _next(self, number: int) -> Piece | None:
        with self._taking:
            piece = next(self._left, None)
            if piece is not None:
                self._taken_by.put(number)
            return piece

    def _encoded(
        self, piece: Piece, show: Projector, check: Check, on_graph: Callable[[str], None]
    ) -> Iterator[Packet[VideoStream]]:
        encoder = piece_encoder(show.size, self._fps, self._settings, show.colours)
        first = min(part.first_frame for part in piece)
        starts = {part.first_frame for part in piece}
        for number, frame in enumerate(reel_frames(piece, show.clip, join=self._join), first):
            check()
            if number == first:
                on_graph(show.graph)
            frame.pts, frame.time_base = number, 1 / self._fps
            frame.pict_type = PictureType.I if number in starts else PictureType.NONE
            yield from cast("list[Packet[VideoStream]]", encoder.encode(frame))
        yield from cast("list[Packet[VideoStream]]", encoder.encode(None))
