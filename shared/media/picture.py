"""The reel's picture by encoding: for every frame of the reel the one on screen in the source, upright, in H.264."""

from __future__ import annotations  # Packet is generic for the type checker only

from collections.abc import Callable, Container, Iterable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import cast

import cv2
from av.container import InputContainer, OutputContainer
from av.packet import Packet
from av.video.frame import PictureType, VideoFrame
from av.video.reformatter import ColorRange, ColorTrc
from av.video.stream import VideoStream

from shared.domain.edit_list import JoinKind
from shared.domain.options import Quality
from shared.domain.reel_time import ReelClip
from shared.domain.video import Video
from shared.errors import BadVideo
from shared.media.deck import Deck
from shared.media.joins import cross_faded, dimmed
from shared.media.painter import BT709, Painter, deinterlacing
from shared.media.timeline import Damage

KEYFRAME_EVERY_S = 8.0  # beside each clip's first frame; every 2 s made reels of a still camera 30 % larger
MOST_AHEAD, AHEAD_BYTES = (2, 12), 64 << 20  # 12 frames even out what one after the other takes; 64 MiB are 5 of 4K
CPU_AVX_512F = 13  # of OpenCV's CpuFeatures, which it gives Python no names for
LEAD = 0.49  # a frame is shown at the nearest place of the reel's grid, so that jitter of the clock changes nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodeSettings:
    """How the reel is encoded. A picture is a function of these and the source, so none of them is automatic."""

    crf: float = 22
    preset: str = "veryfast"
    encoder_threads: int = 2
    """x264's output depends on it: a fixed setting, never the number of cores."""
    max_fps: int = 60
    x264: tuple[tuple[str, str], ...] = ()
    """Further options of libx264 (name, value), over the preset's."""

    def __str__(self) -> str:
        more = "".join(f", {name} {value}" for name, value in self.x264)
        return f"libx264 {self.preset}, CRF {self.crf:g}, {self.encoder_threads} threads{more}"


def encode_settings(quality: Quality, *, encoder_threads: int) -> EncodeSettings:
    """Return the settings that a quality stands for; see docs/decisions/0015 for what was measured."""
    return replace(QUALITIES[quality], encoder_threads=encoder_threads)


QUALITIES: dict[Quality, EncodeSettings] = {
    "draft": EncodeSettings(preset="superfast", crf=25),
    "standard": EncodeSettings(preset="veryfast", crf=22, x264=(("rc-lookahead", "40"), ("trellis", "2"))),
    "high": EncodeSettings(preset="fast", crf=18),
}


def reel_size(video: Video) -> tuple[int, int]:
    """Return (width, height) of the encoded reel: as shown, odd sizes rounded up, because 4:2:0 needs even ones."""
    return video.width + video.width % 2, video.height + video.height % 2


def add_picture(output: OutputContainer, video: Video, fps: Fraction, settings: EncodeSettings) -> VideoStream:
    """Add the reel's picture stream: H.264 high, yuv420p, limited range, the curve of BT.709."""
    stream = output.add_stream("libx264", rate=fps)
    stream.width, stream.height = reel_size(video)
    stream.pix_fmt = "yuv420p"
    stream.profile = "High"
    context = stream.codec_context
    context.time_base = 1 / fps
    context.thread_count = settings.encoder_threads
    context.gop_size = max(1, round(KEYFRAME_EVERY_S * fps))
    context.color_range, context.color_trc = ColorRange.MPEG, ColorTrc.BT709
    # forced-idr: a clip's first frame is a real entry point; a53cc: captions of repeated frames would repeat.
    fixed = {"crf": str(settings.crf), "preset": settings.preset, "forced-idr": "1", "a53cc": "0"}
    context.options = fixed | _repeatable() | dict(settings.x264)
    return stream


def _repeatable() -> dict[str, str]:
    """Return options that make x264's output a function of its input.

    Its AVX-512 code for macroblock trees is not: where the width in macroblocks is no multiple of 16 (1920 pixels are
    120), up to half of the runs differed. Machines without AVX-512 give what AVX2 gives.
    """
    return {"x264-params": "asm=AVX2"} if cv2.checkHardwareSupport(CPU_AVX_512F) else {}


def encode_picture(
    frames: Iterable[VideoFrame],
    stream: VideoStream,
    *,
    show: Projector,
    starts: Container[int],
    fps: Fraction,
    on_graph: Callable[[str], None],
) -> Iterator[Packet[VideoStream]]:
    """Yield the encoded picture; `on_graph` is told each filter graph that `show` makes the frames with.

    At the frames whose numbers are in `starts` a stream may begin.
    """
    graph: str | None = None
    for number, frame in enumerate(frames):
        if number == 0:  # before the encoder is opened
            stream.codec_context.colorspace, stream.codec_context.color_primaries = show.colours
        if show.graph != graph:
            graph = show.graph
            on_graph(graph)
        frame.pts, frame.time_base = number, 1 / fps
        frame.pict_type = PictureType.I if number in starts else PictureType.NONE
        yield from cast("list[Packet[VideoStream]]", stream.encode(frame))
    yield from cast("list[Packet[VideoStream]]", stream.encode(None))


def frames_ahead(video: Video) -> int:
    """Return how many of the reel's frames may wait to be encoded."""
    return max(MOST_AHEAD[0], min(MOST_AHEAD[1], AHEAD_BYTES // max(1, video.width * video.height * 3 // 2)))


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
        self, open_deck: Callable[[], InputContainer], video: Video, *, fps: Fraction, name: str, damage: Damage
    ) -> None:
        self._open_deck = open_deck
        self._video = video
        self._fps = fps
        self._name = name
        self._damage = damage
        self._painter = Painter(video, reel_size(video))
        self._decks: dict[int, Deck] = {}

    @property
    def graph(self) -> str:
        """The filters that the latest frames went through, for people."""
        steps = ",".join(f"{name}={arguments}" for name, arguments in deinterlacing(self._video))
        return ",".join(each for each in (steps, self._painter.graph) if each) or "none"

    @property
    def colours(self) -> tuple[int, int]:
        """The frames' colour matrix and primaries (AVColorSpace, AVColorPrimaries), once there is a frame."""
        return self._painter.matrix or BT709, self._painter.primaries

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
        if painted is None and clip.frames:
            raise self._undecodable(clip)
        for _ in range(clip.frames - count):
            assert painted is not None
            yield painted

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
