"""The reel's picture by encoding: for every frame of the reel the one on screen in the source, upright, in H.264."""

from __future__ import annotations  # Packet is generic for the type checker only

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from queue import Queue
from threading import Lock
from typing import cast

import cv2
from av.codec.context import Flags
from av.container import InputContainer, OutputContainer
from av.packet import Packet
from av.video.codeccontext import VideoCodecContext
from av.video.frame import PictureType, VideoFrame
from av.video.reformatter import ColorRange, ColorTrc
from av.video.stream import VideoStream

from shared.domain.edit_list import JoinKind
from shared.domain.options import Quality
from shared.domain.reel_pieces import Piece
from shared.domain.reel_time import ReelClip
from shared.domain.video import Video
from shared.errors import BadVideo
from shared.media.ahead import Check
from shared.media.deck import Deck
from shared.media.joins import cross_faded, dimmed
from shared.media.painter import Colours, Painter, deinterlacing
from shared.media.timeline import Damage

KEYFRAME_EVERY_S = 8.0  # beside each clip's first frame; every 2 s made reels of a still camera 30 % larger
LEAST_LOOKAHEAD, LOOKAHEAD_BYTES = 10, 96 << 20  # 30 frames up to 1080p, 10 of 4K: x264 holds about twice as much
CPU_AVX_512F = 13  # of OpenCV's CpuFeatures, which it gives Python no names for
LEAD = 0.49  # a frame is shown at the nearest place of the reel's grid, so that jitter of the clock changes nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodeSettings:
    """How the reel is encoded. A picture is a function of these and the source, so none of them is automatic."""

    crf: float = 22
    preset: str = "veryfast"
    encoder_threads: int = 2
    """How many pieces of the reel are encoded at once, each by an encoder of one thread; the picture is the same."""
    max_fps: int = 60
    lookahead: int = 30
    """Frames that the encoder looks ahead, fewer where they are large: it holds them all."""
    x264: tuple[tuple[str, str], ...] = ()
    """Further options of libx264 (name, value), over the preset's."""

    def __str__(self) -> str:
        more = "".join(f", {name} {value}" for name, value in self.x264)
        return f"libx264 {self.preset}, CRF {self.crf:g}, {self.encoder_threads} pieces at once{more}"


def encode_settings(quality: Quality, *, encoder_threads: int) -> EncodeSettings:
    """Return the settings that a quality stands for; see docs/decisions/0015 for what was measured."""
    return replace(QUALITIES[quality], encoder_threads=encoder_threads)


QUALITIES: dict[Quality, EncodeSettings] = {
    "draft": EncodeSettings(preset="superfast", crf=25, lookahead=10),
    "standard": EncodeSettings(preset="veryfast", crf=22, x264=(("trellis", "1"),)),
    "high": EncodeSettings(preset="fast", crf=18),
}


def reel_size(video: Video) -> tuple[int, int]:
    """Return (width, height) of the encoded reel: as shown, odd sizes rounded up, because 4:2:0 needs even ones."""
    return video.width + video.width % 2, video.height + video.height % 2


def add_picture(output: OutputContainer, video: Video, fps: Fraction, settings: EncodeSettings) -> VideoStream:
    """Add the reel's picture stream: H.264 high, yuv420p, limited range, the curve of BT.709."""
    stream = output.add_stream("libx264", rate=fps)
    _configure(stream.codec_context, reel_size(video), fps, settings)
    return stream


def _encoder(size: tuple[int, int], fps: Fraction, settings: EncodeSettings, colours: Colours) -> VideoCodecContext:
    """Return an encoder whose stream goes on one that `add_picture` began."""
    context = VideoCodecContext.create("libx264", "w")
    context.framerate = fps
    context.flags |= Flags.global_header  # MP4 wants the parameter sets in its header only
    _configure(context, size, fps, settings)
    context.colorspace, context.color_primaries = colours
    return context


def _configure(context: VideoCodecContext, size: tuple[int, int], fps: Fraction, settings: EncodeSettings) -> None:
    context.width, context.height = size
    context.pix_fmt = "yuv420p"
    context.profile = "High"
    context.time_base = 1 / fps
    context.thread_count = 1  # pieces side by side keep all cores busy; threads of one encoder wait for each other
    context.gop_size = max(1, round(KEYFRAME_EVERY_S * fps))
    context.color_range, context.color_trc = ColorRange.MPEG, ColorTrc.BT709
    held = LOOKAHEAD_BYTES // (size[0] * size[1] * 3 // 2)
    context.options = {
        "crf": str(settings.crf),
        "preset": settings.preset,
        "rc-lookahead": str(max(LEAST_LOOKAHEAD, min(settings.lookahead, held))),
        "forced-idr": "1",  # a clip's first frame is a real entry point
        "a53cc": "0",  # captions of repeated frames would repeat
        **_repeatable(),
        **dict(settings.x264),
    }


def _repeatable() -> dict[str, str]:
    """Return options that make x264's output a function of its input.

    Its AVX-512 code for macroblock trees is not: where the width in macroblocks is no multiple of 16 (1920 pixels are
    120), up to half of the runs differed. Machines without AVX-512 give what AVX2 gives.
    """
    return {"x264-params": "asm=AVX2"} if cv2.checkHardwareSupport(CPU_AVX_512F) else {}


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
        encoder = _encoder(show.size, self._fps, self._settings, show.colours)
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
