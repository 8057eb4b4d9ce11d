"""How long a picture lasts and how fast its frames follow, from its index or as few packets as possible."""

from __future__ import annotations  # Packet is generic for the type checker only

import time
from collections.abc import Iterator
from fractions import Fraction
from itertools import islice, pairwise

import av
import numpy as np
from av.container import InputContainer
from av.packet import Packet
from av.video.stream import VideoStream

from shared.media.timeline import packets_before

RATE_PACKETS = 240  # where there is no index, this many packets tell whether the rate varies
INDEX_ENTRIES = 20_000  # 5 to 10 minutes; reading an index costs about 1 µs an entry
MEASURE_LIMIT_S = 15.0  # reading a file without index to its end may take this long
REORDERED = 8  # of those, the last ones may still wait for frames shown before them
UNEVEN = 0.05  # gaps between frames that differ by more than this share of the usual one are uneven
CLOCK_S = 0.0021  # millisecond clocks round both ends of a gap
RATES = (Fraction(1, 100), Fraction(1000))  # anything else is a header's mistake


def average_fps(stream: VideoStream, gaps: list[int]) -> Fraction:
    base = stream.time_base or Fraction(1, av.time_base)
    if gaps and min(gaps) == max(gaps):  # exact; the header's average is off where an edit list trims the stream
        rates: tuple[Fraction | None, ...] = (1 / (gaps[0] * base),)
    else:
        rates = (stream.average_rate, stream.guessed_rate, stream.base_rate)
    sane = next((rate for rate in rates if rate is not None and RATES[0] <= rate <= RATES[1]), None)
    return sane if sane is not None else Fraction(25)


def is_uneven(gaps: list[int], base: Fraction) -> bool:
    """Return whether a frame is missing or more than a few gaps differ from the usual one."""
    if len(gaps) < 2:
        return False
    usual = float(np.median(gaps))
    allowed = max(UNEVEN * usual, CLOCK_S / float(base))
    off = [abs(gap - usual) for gap in gaps]
    return any(each > max(allowed, usual / 2) for each in off) or sum(each > allowed for each in off) > len(gaps) // 100


def frame_gaps(container: InputContainer, stream: VideoStream) -> list[int]:
    """Return the ticks between neighbouring frames, of the first minutes (index) or seconds (packets)."""
    if 2 <= stream.frames <= len(stream.index_entries):  # complete: MP4 and MOV, decoding times, nothing is read
        ticks = [entry.timestamp for entry in islice(stream.index_entries, INDEX_ENTRIES)]
    else:
        packets = packets_before(container, stream, float("-inf"))
        ticks = sorted(p.pts for p in islice(packets, RATE_PACKETS) if p.pts is not None)
        ticks = ticks[:-REORDERED] if len(ticks) > 2 * REORDERED else ticks
    return [b - a for a, b in pairwise(sorted(ticks)) if b > a]


def picture_duration_s(container: InputContainer, stream: VideoStream, start_s: float) -> tuple[float, tuple[str, ...]]:
    """Return how long the picture lasts (header, else last packets, else all packets), and warnings."""
    base = stream.time_base or Fraction(1, av.time_base)
    if stream.duration and stream.duration > 0 and not _is_fragmented(container, stream):
        begin_s = float((stream.start_time or 0) * base)
        return float(stream.duration * base) + begin_s - start_s, ()
    if container.duration and container.duration > 0:
        last = _last_end_s(container, stream, packets_before(container, stream, _header_end_s(container, start_s)))
        if last is not None:
            return last[0] - start_s, ()
    last = _last_end_s(container, stream, packets_before(container, stream, float("-inf")))
    if last is None:
        return 0.0, ()
    warnings = () if last[1] else ("the header has no duration and the file is long: its duration is an estimate",)
    return last[0] - start_s, warnings


def _header_end_s(container: InputContainer, start_s: float) -> float:
    """Return a time near the end on the container's clock; Matroska counts from 0, others from the start."""
    duration_s = (container.duration or 0) / av.time_base
    return duration_s if duration_s > start_s else duration_s + start_s


def _is_fragmented(container: InputContainer, stream: VideoStream) -> bool:
    """Return whether an MP4's header speaks only of its first fragments."""
    return "mp4" in container.format.name and stream.frames == 0


def _last_end_s(
    container: InputContainer, stream: VideoStream, packets: Iterator[Packet[VideoStream]]
) -> tuple[float, bool] | None:
    """Return (when the last packet ends on the container's clock, whether the end was reached)."""
    base = stream.time_base or Fraction(1, av.time_base)
    deadline = time.monotonic() + MEASURE_LIMIT_S
    end_s: float | None = None
    at_byte = 0
    for packet in packets:
        ticks = packet.pts if packet.pts is not None else packet.dts
        if ticks is None:
            continue
        lasts = packet.duration or round(1 / (stream.average_rate or Fraction(25)) / base)
        end_s = max(end_s or 0.0, float((ticks + lasts) * base))
        at_byte = packet.pos or at_byte
        if time.monotonic() > deadline:
            return end_s * max(1.0, container.size / max(1, at_byte)), False
    return (end_s, True) if end_s is not None else None
