"""The reel's frames before they are encoded: what each clip shows, and how clips give way to each other."""

from collections import deque
from collections.abc import Callable, Iterator
from fractions import Fraction

from av.container import InputContainer
from av.video.frame import VideoFrame

from shared.domain.edit_list import JoinKind
from shared.domain.reel_time import ReelClip
from shared.domain.video import Video
from shared.errors import BadVideo
from shared.media.deck import Deck
from shared.media.encoder import reel_size
from shared.media.joins import cross_faded, dimmed
from shared.media.painter import Colours, Painter, deinterlacing
from shared.media.timeline import Damage

LEAD = 0.49  # a frame is shown at the nearest place of the reel's grid, so that jitter of the clock changes nothing


def reel_frames(
    clips: tuple[ReelClip, ...], show: Callable[[int, ReelClip], Iterator[VideoFrame]], *, join: JoinKind
) -> Iterator[VideoFrame]:
    """Yield the reel's frames: `show` gives exactly a clip's own ones, played by deck 0 or 1."""
    going: Iterator[VideoFrame] = iter(())  # what is left of the clip before, in a cross-fade
    for order, clip in enumerate(clips):
        is_crossfade = join == "crossfade"
        frames = show(order % 2 if is_crossfade else 0, clip)
        for number in range(clip.frames - clip.fade_out if is_crossfade else clip.frames):
            frame = next(frames)
            left = clip.frames - 1 - number
            if is_crossfade and number < clip.fade_in:
                frame = cross_faded(next(going), frame, (number + 0.5) / clip.fade_in)
            elif number < clip.fade_in:
                frame = dimmed(frame, number / clip.fade_in)
            elif not is_crossfade and left < clip.fade_out:
                frame = dimmed(frame, left / clip.fade_out)
            yield frame
        going = frames


class Projector:
    """Shows clips of one source as the reel's pictures, with two decks that are opened when they are first needed."""

    def __init__(
        self,
        open_deck: Callable[[], InputContainer],
        video: Video,
        *,
        colours: Colours,
        fps: Fraction,
        name: str,
        damage: Damage,
    ) -> None:
        self._open_deck = open_deck
        self._video = video
        self._fps = fps
        self._name = name
        self._damage = damage
        self.held_s = 0.0
        """How much of the clips shows their last picture because the source has none there."""
        self.size = reel_size(video)
        """(width, height) of the frames."""
        self.colours = colours
        self._painter = Painter(video, self.size, matrix=colours[0])
        self._decks: dict[int, Deck] = {}

    @property
    def graph(self) -> str:
        """The filters that the latest frames went through, for people."""
        steps = ",".join(f"{name}={arguments}" for name, arguments in deinterlacing(self._video))
        return ",".join(each for each in (steps, self._painter.graph) if each) or "none"

    def clip(self, deck: int, clip: ReelClip) -> Iterator[VideoFrame]:
        """Yield exactly the clip's frames, painted; when the source ends early its last one stays on screen."""
        painted: VideoFrame | None = None
        key: int | None = None
        count = 0
        for shown in self._deck(deck).show(clip.start_s + float(n / self._fps) for n in range(clip.frames)):
            if painted is None or shown.pts != key:
                painted, key = self._painter.paint(shown), shown.pts
            count += 1
            yield painted
        if count < clip.frames:
            painted = painted or self._last_before(clip, deck)
            self.held_s += float((clip.frames - count) / self._fps)
        for _ in range(clip.frames - count):
            assert painted is not None
            yield painted

    def _last_before(self, clip: ReelClip, deck: int) -> VideoFrame:
        """Return the last picture of the clip that this is a later part of. Raises BadVideo `corrupt` without one."""
        if clip.begun_s is None:
            raise self._undecodable(clip)
        before = round((clip.start_s - clip.begun_s) * self._fps)
        times_s = (clip.begun_s + float(n / self._fps) for n in range(before))
        last = deque(self._deck(deck).show(times_s), maxlen=1)
        if not last:
            raise self._undecodable(clip)
        return self._painter.paint(last[0])

    def _deck(self, number: int) -> Deck:
        if number not in self._decks:
            lead_s = LEAD / float(max(self._fps, self._video.fps))
            steps = deinterlacing(self._video)
            self._decks[number] = Deck(self._open_deck(), self._video, damage=self._damage, lead_s=lead_s, steps=steps)
        return self._decks[number]

    def _undecodable(self, clip: ReelClip) -> BadVideo:
        why = f" ({self._damage.last_error})" if self._damage else ""
        stream = f"stream {self._video.stream_index} ({self._video.codec})"
        return BadVideo(
            "corrupt",
            f"{self._name}: no picture of {stream} can be decoded at {clip.start_s:.2f} s{why}; export it again.",
        )
