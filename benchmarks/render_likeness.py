"""How like its source a reel is: the structural similarity (SSIM) of every frame.

Frame n of a clip is held against the source frame that is on screen n / fps after the clip's start: found by the
source's own time stamps. Both pictures are decoded, the reel's is given the source's colour matrix where it says that
it has another one (nothing is scaled), and libav's `ssim` filter compares all three planes.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
from av.filter import Graph
from av.video.frame import VideoFrame
from av.video.reformatter import Interpolation

Spans = Sequence[tuple[float, float]]
UNSAID = 2  # AVColorSpace's "unspecified"
EARLY_S = 0.002  # a time stamp may be rounded


@dataclass(frozen=True, slots=True, kw_only=True)
class Likeness:
    """Means over all frames, in [0, 1]; 1 is the same picture."""

    frames: int
    ssim: float
    """Of all planes, weighted by their size."""
    luma_ssim: float
    worst: float
    """The frame least like its source, all planes."""


def likeness(source: Path, spans: Spans, reel: Path) -> Likeness:
    """Return how like the spans of its source a reel is; a reel with other than their frames raises ValueError."""
    comparison: _Comparison | None = None
    found: list[tuple[float, float]] = []
    with av.open(str(reel)) as shown:
        shown.streams.video[0].thread_type = "AUTO"
        pictures = iter(shown.decode(video=0))
        for expected in _frames(source, spans):
            mine = next(pictures, None)
            if mine is None:
                raise ValueError(f"{reel.name} ends after {len(found)} frames; the spans have more")
            comparison = comparison or _Comparison(expected.width, expected.height)
            found.append(comparison.ssim(mine, expected))
        more = sum(1 for _ in pictures)
    if more:
        raise ValueError(f"{reel.name} has {more} frames more than the {len(found)} of the spans")
    every = [all_planes for all_planes, _ in found]
    luma = [only for _, only in found]
    return Likeness(frames=len(found), ssim=sum(every) / len(every), luma_ssim=sum(luma) / len(luma), worst=min(every))


def _frames(source: Path, spans: Spans) -> Iterator[VideoFrame]:
    """Yield the source's frames with times inside the spans, in their order."""
    with av.open(str(source)) as container:
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        base = stream.time_base
        assert base is not None
        for start_s, end_s in spans:
            container.seek(int(start_s / base), stream=stream)
            for frame in container.decode(stream):
                assert isinstance(frame, VideoFrame) and frame.time is not None
                if frame.time >= end_s - EARLY_S:
                    break
                if frame.time >= start_s - EARLY_S:
                    yield frame


class _Comparison:
    """Compares two pictures at a time."""

    def __init__(self, width: int, height: int) -> None:
        self._graph = Graph()
        shape = f"video_size={width}x{height}:pix_fmt=yuv420p:time_base=1/1:pixel_aspect=1/1"
        self._sources = [self._graph.add("buffer", shape, name=name) for name in ("reel", "source")]
        comparing, self._sink = self._graph.add("ssim"), self._graph.add("buffersink")
        for pad, each in enumerate(self._sources):
            each.link_to(comparing, 0, pad)
        comparing.link_to(self._sink)
        self._graph.configure()
        self._done = 0

    def ssim(self, mine: VideoFrame, expected: VideoFrame) -> tuple[float, float]:
        """Return the similarity of all planes, weighted by their size, and of luma alone."""
        for each, frame in zip(self._sources, (_in_colours_of(mine, expected), expected), strict=True):
            frame.pts, frame.time_base = self._done, Fraction(1)
            each.push(frame)
        self._done += 1
        compared = self._sink.pull()
        assert isinstance(compared, VideoFrame)
        return float(compared.metadata["lavfi.ssim.All"]), float(compared.metadata["lavfi.ssim.Y"])


def _in_colours_of(mine: VideoFrame, expected: VideoFrame) -> VideoFrame:
    """Return the reel's picture in the source's matrix: the same colours may be written in other numbers.

    A reel that does not say which matrix it has is taken to have kept the source's.
    """
    if mine.colorspace in (UNSAID, expected.colorspace) or expected.colorspace == UNSAID:
        return mine
    return mine.reformat(
        src_colorspace=mine.colorspace, dst_colorspace=expected.colorspace, interpolation=Interpolation.BICUBIC
    )
