"""Sources that the recordings lack: larger ones, a long one that is mostly still, and one in which nothing happens."""

from __future__ import annotations  # Generic streams and packets are for the type checker only

from collections.abc import Callable, Iterator
from fractions import Fraction
from itertools import count, islice
from math import ceil
from pathlib import Path

import av
import numpy as np
from av.container import OutputContainer
from av.packet import Packet
from av.stream import Stream
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from benchmarks.render_bare import AddPicture, bare_reel
from benchmarks.render_sources import scaled

SESSION = "raw_session_mixed_720p.mp4"
WALKS = "motion/one_by_one_person_768x432.mp4"
LOOPED_S = 20 * 60.0
EMPTY_S = 120.0
EMPTY_FPS = Fraction(30)
NOISE = 3.0  # standard deviation in levels of 255: a phone's sensor indoors has 2 to 4
FLAT = 16  # how far noise is shifted at least from frame to frame, in pixels: no encoder looks that far for a match
SOURCE_OPTIONS = {"preset": "medium", "crf": "23"}
LARGE_S = 15.0


def made(folder: Path, name: str, make: Callable[[Path], None]) -> Path:
    """Return the source in the folder, made when it is not there yet; one half made does not stay."""
    source = folder / name
    if not source.exists():
        unfinished = source.with_suffix(".part")
        make(unfinished)
        unfinished.replace(source)
    return source


def session_1080p(session: Path, out: Path) -> None:
    """Write the whole session scaled to 1920 × 1080 without its sound: x264, preset medium, CRF 23."""
    bare_reel(session, ((0.0, float("inf")),), out, _encoder(1920, 1080, Fraction(30)), has_sound=False)


def session_2160p(session: Path, out: Path) -> None:
    """Write a busy stretch of the session scaled to 3840 × 2160."""
    scaled(session, out, height=2160, seconds=LARGE_S)


def looped(recording: Path, out: Path, *, seconds: float = LOOPED_S) -> None:
    """Write a recording's picture over and over until it lasts so long: its very packets, only their times shifted."""
    with av.open(str(recording)) as source, av.open(str(out), "w", format="mp4") as target:
        stream = source.streams.video[0]
        packets = [packet for packet in source.demux(stream) if packet.dts is not None]
        copied = target.add_stream_from_template(stream)
        for packet in _repeated(packets, seconds=seconds):
            packet.stream = copied
            target.mux(packet)


def empty_scene(session: Path, out: Path, *, seconds: float = EMPTY_S) -> None:
    """Write a locked-off car park in which nothing moves but the sensor's noise: x264, preset medium, CRF 23, 30 fps.

    It is the session's first frame under Gaussian noise on brightness, new in every frame, the same in every run.
    """
    still = first_frame(session)
    with av.open(str(out), "w", format="mp4") as output:
        stream = _encoder(still.width, still.height, EMPTY_FPS)(output)
        for frame in islice(_noisy(still), round(seconds * EMPTY_FPS)):
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))


def first_frame(source: Path) -> VideoFrame:
    """Return the first picture of a source as yuv420p."""
    with av.open(str(source)) as container:
        return next(container.decode(container.streams.video[0])).reformat(format="yuv420p")


def _noisy(still: VideoFrame) -> Iterator[VideoFrame]:
    """Yield the picture under ever new noise: stretches of one large field of it, which is much quicker to draw."""
    random = np.random.default_rng(1)
    height, width = still.height, still.width
    field = random.normal(0.0, NOISE, (height + 16 * FLAT, width + 16 * FLAT)).round().astype(np.int16)
    planes = still.to_ndarray()
    brightness = planes[:height].astype(np.int16)
    for number in count():
        top, left = random.integers(0, 16, 2) * FLAT
        planes[:height] = (brightness + field[top : top + height, left : left + width]).clip(0, 255)
        frame = VideoFrame.from_ndarray(planes, format="yuv420p")
        frame.pts, frame.time_base = number, 1 / EMPTY_FPS
        yield frame


def _repeated(packets: list[Packet[VideoStream]], *, seconds: float) -> Iterator[Packet[Stream]]:
    """Yield copies of the packets, again and again, each time later by as long as all of them are shown."""
    base = packets[0].time_base
    shown = [packet.pts or 0 for packet in packets]
    period = max(shown) - min(shown) + (packets[0].duration or 0)
    for number in range(ceil(seconds / float(period * base))):
        for packet in packets:
            copy = Packet(bytes(packet))
            copy.time_base, copy.duration, copy.is_keyframe = base, packet.duration, packet.is_keyframe
            copy.pts, copy.dts = (packet.pts or 0) + number * period, (packet.dts or 0) + number * period
            yield copy


def _encoder(width: int, height: int, fps: Fraction) -> AddPicture:
    def add(output: OutputContainer) -> VideoStream:
        stream = output.add_stream("libx264", rate=fps, options=SOURCE_OPTIONS)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        return stream

    return add
