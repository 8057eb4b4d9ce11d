"""How long a stream lasts and how fast its frames follow, from its index or as few packets as possible."""

from __future__ import annotations  # Packet is generic for the type checker only

from collections.abc import Iterator
from fractions import Fraction
from itertools import islice, pairwise
from statistics import median
from typing import TypeVar

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.packet import Packet
from av.video.stream import VideoStream

from shared.media.timeline import packets_before

S = TypeVar("S", VideoStream, AudioStream)

RATE_PACKETS = 240  # where there is no index, this many packets tell whether the rate varies
INDEX_ENTRIES = 20_000  # 5 to 10 minutes; reading an index costs about 1 µs an entry
MEASURE_BYTES = 2 << 30  # of a file without index: 15 s from an object store (140 MB/s), 1.9 h of a browser's recording
REORDERED = 8  # of those, the last ones may still wait for frames shown before them
UNEVEN = 0.05  # gaps between frames that differ by more than this share of the usual one are uneven
CLOCK_S = 0.0021  # millisecond clocks round both ends of a gap
NO_LENGTH = ("mp3", "aac", "ac3", "eac3", "dts", "amr", "loas")  # libav guesses theirs from the first packets' bitrate
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
    usual = float(median(gaps))
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


def duration_of(container: InputContainer, stream: S, start_s: float) -> tuple[float, tuple[str, ...]]:
    """Return how long the stream lasts (header, else last packets, else all packets), and warnings.

    `start_s` is when its first frame is shown or heard, on the container's clock.
    """
    base = stream.time_base or Fraction(1, av.time_base)
    is_guessed = container.format.name in NO_LENGTH
    if stream.duration and stream.duration > 0 and not is_guessed and not _is_fragmented(container, stream):
        begin_s = float((stream.start_time or 0) * base)
        return float(stream.duration * base) + begin_s - start_s, ()
    if container.duration and container.duration > 0 and not is_guessed:
        last = _last_end_s(container, stream, packets_before(container, stream, _header_end_s(container, start_s)))
        if last is not None:
            return last[0] - start_s, last[1]
    last = _last_end_s(container, stream, packets_before(container, stream, float("-inf")))
    return (last[0] - start_s, last[1]) if last is not None else (0.0, ())


def _header_end_s(container: InputContainer, start_s: float) -> float:
    """Return a time near the end on the container's clock; Matroska counts from 0, others from the start."""
    duration_s = (container.duration or 0) / av.time_base
    return duration_s if duration_s > start_s else duration_s + start_s


def _is_fragmented(container: InputContainer, stream: VideoStream | AudioStream) -> bool:
    """Return whether an MP4's header speaks only of its first fragments."""
    return "mp4" in container.format.name and stream.frames == 0


def _last_end_s(
    container: InputContainer, stream: S, packets: Iterator[Packet[S]]
) -> tuple[float, tuple[str, ...]] | None:
    """Return when the last packet ends on the container's clock, and warnings; None without packets.

    After MEASURE_BYTES of the file the rest is taken to be like them.
    """
    base = stream.time_base or Fraction(1, av.time_base)
    usual_s = 1 / (stream.average_rate or Fraction(25)) if isinstance(stream, VideoStream) else Fraction(0)
    first: tuple[float, int] | None = None
    end_s = float("-inf")
    at_byte = 0
    for packet in packets:
        ticks = packet.pts if packet.pts is not None else packet.dts
        if ticks is None:
            continue
        lasts = packet.duration or round(usual_s / base)
        end_s = max(end_s, float((ticks + lasts) * base))
        at_byte = packet.pos or at_byte + packet.size
        first = first or (float(ticks * base), at_byte)
        if at_byte - first[1] > MEASURE_BYTES:
            share = (at_byte - first[1]) / max(1, container.size - first[1])
            return first[0] + (end_s - first[0]) / min(1.0, share), (_estimated(at_byte - first[1]),)
    return (end_s, ()) if first is not None else None


def _estimated(seen_bytes: int) -> str:
    return (
        "duration_estimated: the file has no index and its header does not say how long it is; "
        f"its duration is an estimate from {seen_bytes / 1e9:.1f} GB of it"
    )
