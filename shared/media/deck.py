"""A player of one source: shows span after span, and seeks only where that is shorter than going on."""

from collections.abc import Iterable, Iterator
from fractions import Fraction

import av
from av.container import InputContainer

from shared.domain.video import Video
from shared.media.filter_chain import Step
from shared.media.timeline import Damage, ShownFrame, shown_from


class Deck:
    """Shows a source's pictures at the times asked for; the container is its own while it plays.

    A frame that comes on less than `lead_s` after a time is taken already. `steps` are filters each decoded frame goes
    through.
    """

    def __init__(
        self, container: InputContainer, video: Video, *, damage: Damage, lead_s: float, steps: tuple[Step, ...] = ()
    ) -> None:
        self.seeks = 0
        self._container = container
        self._video = video
        self._damage = damage
        self._lead_s = lead_s
        self._steps = steps
        self._frames: Iterator[ShownFrame] = iter(())
        self._current: ShownFrame | None = None

    def show(self, times_s: Iterable[float]) -> Iterator[ShownFrame]:
        """Yield the frame on screen at each of the ascending times (source seconds); ends when the pictures do."""
        times = iter(times_s)
        first_s = next(times, None)
        if first_s is None:
            return
        if not self._stands_before(first_s):
            self._seek(first_s)
        t_s: float | None = first_s
        while t_s is not None and self._current is not None:
            if t_s + self._lead_s < self._current.end_s:
                yield self._current
                t_s = next(times, None)
            else:
                self._current = next(self._frames, None)

    def _seek(self, to_s: float) -> None:
        self.seeks += 1
        self._frames = shown_from(self._container, self._video, to_s, damage=self._damage, steps=self._steps)
        self._current = next(self._frames, None)

    def _stands_before(self, t_s: float) -> bool:
        """Return whether going on leads to a time without decoding more than a seek would."""
        if self._current is None or t_s + self._lead_s < self._current.start_s:
            return False
        return self._keyframe_before(t_s) == self._keyframe_before(self._current.start_s) != -1

    def _keyframe_before(self, t_s: float) -> int:
        """Return the place in the container's index of the keyframe a seek goes to; -1 when it has none."""
        stream = self._container.streams[self._video.stream_index]
        base = stream.time_base or Fraction(1, av.time_base)
        return stream.index_entries.search_timestamp(int((t_s + self._video.start_s) / base))
