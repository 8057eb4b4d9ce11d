"""A source of more than an hour in seconds of work: one clip that tells its time, its packets over and over."""

from __future__ import annotations  # Packet is generic for the type checker only

import heapq
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
from av.packet import Packet
from av.stream import Stream

from tests.clips import ClipSpec, make_clip
from tests.reel_sync import Source

PERIOD_S = 64  # 3,000 frames of AAC at 48 kHz: only so does the sound go on without a gap
PERIODS = 57
SOURCE = Source(
    spec=ClipSpec(seconds=PERIOD_S, fps=Fraction(10), size=(96, 54), sound_layout="mono"),
    is_repeated=True,
)
Timed = tuple[Fraction, bytes, "Packet[Stream]"]
"""When a packet is decoded in s, what it holds, and the packet it repeats."""


def make_hour(folder: Path, *, spec: ClipSpec = SOURCE.spec, periods: int = PERIODS) -> Path:
    """Write an MP4 of so many periods, a little over an hour unless said, and return where it is."""
    hour = folder / "hour.mp4"
    with av.open(str(make_clip(folder, spec))) as source, av.open(str(hour), "w") as target:
        streams = {each.index: target.add_stream_from_template(each) for each in source.streams}
        packets = [packet for packet in source.demux() if _is_kept(packet)]
        tracks = (_repeated([each for each in packets if each.stream.index == index], periods) for index in streams)
        for at_s, data, original in heapq.merge(*tracks, key=lambda each: each[0]):
            copied = Packet(data)
            shift = round(at_s / original.time_base) - (original.dts or 0)
            copied.pts, copied.dts = (original.pts or 0) + shift, (original.dts or 0) + shift
            copied.duration, copied.time_base = original.duration, original.time_base
            copied.is_keyframe = original.is_keyframe
            copied.stream = streams[original.stream.index]
            target.mux(copied)
    return hour


def _is_kept(packet: Packet[Stream]) -> bool:
    """Return whether it is of the period: what comes before (the encoder's priming) and after would overlap."""
    return packet.pts is not None and 0 <= packet.pts * packet.time_base < PERIOD_S


def _repeated(packets: list[Packet[Stream]], periods: int) -> Iterator[Timed]:
    once = [((each.dts or 0) * each.time_base, bytes(each), each) for each in packets]
    for number in range(periods):
        yield from ((at_s + number * PERIOD_S, data, each) for at_s, data, each in once)
