"""Where a copied clip can begin or end, found by reading as little of the source as its format allows."""

from __future__ import annotations  # Packet is generic for the type checker only

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import BinaryIO

import av
from av.container import InputContainer
from av.packet import Packet
from av.video.stream import VideoStream

from shared.domain.render_plan import EARLIER_S, LATER_S, ROUNDED_S, snap
from shared.domain.span import Span, join_near, span
from shared.domain.video import Video
from shared.media.h264 import header_sets, is_entry_point, may_have_fields, parameter_sets
from shared.media.source import open_source, read_only
from shared.media.timeline import REORDERED, Damage, demux, packets_before, snap_s

CLOSE_S = 4.0  # stretches nearer than this are read through: a seek would read most of what lies between
INDEX_ENDS_S = 1.0  # before what is wanted does: the index of a fragmented file that was not read on


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyPoints:
    """What planning a copy needs to know of a source."""

    keyframes_s: tuple[float, ...]
    """When the keyframes a stream may begin with are shown, in source time, ascending; open GOPs' are left out."""
    why_not: str | None = None
    """Why what is wanted cannot be copied, None when it can."""


@dataclass(slots=True)
class _Seen:
    """What the packets told so far; they come in any order of time."""

    video: Video
    base: Fraction
    headers: bytes | None
    known: frozenset[bytes]
    in_force: frozenset[bytes]
    """The parameter sets of the sample entry the demuxer read last: it tells when they change, also after a seek."""
    keyframes_s: set[float] = field(default_factory=set)
    brings_sets: bool = False
    obstacles: list[tuple[float, str]] = field(default_factory=list)
    """What no copy can hold, and where in source time it is."""

    def why_not(self, wanted: Sequence[Span] | None) -> str | None:
        """Return the first obstacle in the longest spans that a copy of what is wanted may have, None without one."""
        keyframes_s, duration_s = sorted(self.keyframes_s), self.video.duration_s
        spans: Iterable[Span | None] = (span(0.0, duration_s),)
        if wanted is not None:
            spans = [snap(each, keyframes_s, duration_s=duration_s, lead_in_s=each.duration_s) for each in wanted]
        inside = (
            (at_s, what)
            for at_s, what in self.obstacles
            if any(
                each is not None and each.start_s - self.tolerance_s <= at_s < each.end_s - self.tolerance_s
                for each in spans
            )
        )
        first = min(inside, default=None)
        return f"{first[1]} at {max(0.0, first[0]):.1f} s" if first is not None else None

    @property
    def tolerance_s(self) -> float:
        return snap_s(self.video)

    def look(self, packet: Packet[VideoStream]) -> float | None:
        """Take the packet in; return when its picture is shown if it is a keyframe a stream may begin with."""
        if packet.has_sidedata("new_extradata"):
            self.in_force = header_sets(bytes(packet.get_sidedata("new_extradata")))
            self.brings_sets = True
        if not packet.size:
            return None
        if packet.pts is None:
            at_s = float((packet.dts or 0) * self.base) - self.video.start_s
            self.obstacles.append((at_s, "a picture does not say when it is shown"))
            return None
        at_s = float(packet.pts * self.base) - self.video.start_s
        if packet.is_discard:
            self.obstacles.append((at_s, "an edit list leaves out pictures"))
            return None
        if not packet.is_keyframe or at_s <= -1 / float(self.video.fps):
            return None
        if self.video.codec == "h264":
            data = bytes(packet)
            brought = parameter_sets(data, self.headers)
            self.brings_sets = self.brings_sets or bool(brought)
            if not (brought | self.in_force) <= self.known:
                self.obstacles.append((at_s, "its parameter sets change"))
            if not is_entry_point(data, self.headers):
                return None
        self.keyframes_s.add(at_s)
        return at_s


def copy_points(
    file: BinaryIO, video: Video, *, name: str = "the source", wanted: Sequence[Span] | None = None
) -> CopyPoints:
    """Return where clips that show what is `wanted` can begin and end; None looks at the whole source.

    With an index (MP4) only keyframes are read: the nearest around each border, and those between when parameter sets
    travel with the pictures. Without one, each stretch from `EARLIER_S` before what is wanted to `LATER_S` after it.
    """
    with open_source(file, name=name) as container:
        stream = container.streams[video.stream_index]
        assert isinstance(stream, VideoStream)
        read_only(container, stream)
        headers = stream.codec_context.extradata
        sets = header_sets(headers) if video.codec == "h264" else frozenset[bytes]()
        why_not = _why_no_header(sets) if video.codec == "h264" else None
        if why_not is not None:
            return CopyPoints(keyframes_s=(), why_not=why_not)
        base = stream.time_base or Fraction(1, av.time_base)
        seen = _Seen(video, base, headers, sets, sets)
        keys = _indexed_keys(stream, seen, wanted) if wanted is not None else None
        if wanted is None:
            for packet in demux(container, stream, Damage()):
                seen.look(packet)
        elif keys is None:
            _sweep(container, stream, seen, wanted)
        else:
            _pick(_KeyReader(container, stream, seen, keys), wanted)
        return CopyPoints(keyframes_s=tuple(sorted(seen.keyframes_s)), why_not=seen.why_not(wanted))


def _why_no_header(sets: frozenset[bytes]) -> str | None:
    if not sets:
        return "its header has no parameter sets"
    return "its pictures may be coded as fields" if may_have_fields(sets) else None


def _sweep(container: InputContainer, stream: VideoStream, seen: _Seen, wanted: Iterable[Span]) -> None:
    """Read every packet around what is wanted."""
    start_s = seen.video.start_s
    around = (span(max(0.0, each.start_s - EARLIER_S), each.end_s + LATER_S) for each in wanted)
    for stretch in join_near(around, gap_s=CLOSE_S):
        beyond = round((stretch.end_s + start_s) / seen.base)
        for packet in packets_before(container, stream, stretch.start_s + start_s):
            seen.look(packet)
            if packet.size and min(_ticks(packet.dts, beyond), _ticks(packet.pts, beyond)) > beyond:
                break


def _ticks(time: int | None, otherwise: int) -> int:
    return time if time is not None else otherwise + 1


def _indexed_keys(stream: VideoStream, seen: _Seen, wanted: Sequence[Span]) -> list[int] | None:
    """Return the decoding times of the keyframes in an MP4's index, None without an index that holds what is wanted.

    Pictures an edit list leaves out in the middle of what is shown speak against a copy: copied, they would be seen.
    """
    if "mov" not in seen.video.container.split(",") or not wanted:
        return None
    keys: list[int] = []
    last = 0
    for entry in stream.index_entries:
        last = max(last, entry.timestamp)
        if entry.is_discard:
            at_s = float(entry.timestamp * seen.base) - seen.video.start_s
            seen.obstacles.append((at_s, "an edit list leaves out pictures"))
        elif entry.is_keyframe:
            keys.append(entry.timestamp)
    end_s = min(seen.video.duration_s, max(each.end_s for each in wanted))
    is_whole = keys and float(last * seen.base) - seen.video.start_s >= end_s - INDEX_ENDS_S
    return sorted(keys) if is_whole else None


@dataclass(slots=True)
class _KeyReader:
    """Reads single keyframes, each once."""

    container: InputContainer
    stream: VideoStream
    seen: _Seen
    keys: list[int]
    _shown_s: dict[int, float | None] = field(default_factory=dict)

    def place(self, at_s: float) -> int:
        """Return the number of the first keyframe decoded later than source time `at_s`."""
        return bisect_right(self.keys, round((at_s + self.seen.video.start_s) / self.seen.base))

    def decoded_s(self, number: int) -> float:
        return float(self.keys[number] * self.seen.base) - self.seen.video.start_s

    def shown_s(self, number: int) -> float | None:
        """Return when the keyframe is shown, None when no clip may begin with it."""
        if number not in self._shown_s:
            self._shown_s[number] = self._read(number)
        return self._shown_s[number]

    def _read(self, number: int) -> float | None:
        for packet in self._packets_at(number):
            shown_s = self.seen.look(packet)
            if packet.dts is not None and packet.dts >= self.keys[number]:
                return shown_s
        return None

    def _packets_at(self, number: int) -> Iterator[Packet[VideoStream]]:
        # A seek that may land on any picture lands on the very one; others go by when it is shown.
        self.container.seek(self.keys[number], stream=self.stream, any_frame=True)
        return demux(self.container, self.stream, Damage())


def _pick(reader: _KeyReader, wanted: Sequence[Span]) -> None:
    """Read the keyframes next to each border, and all between them if parameter sets come with pictures.

    What lies next to it is what `snap` takes, to the very tolerance.
    """
    for each in wanted:
        if not _last_until(reader, each.start_s + ROUNDED_S):
            _first_from(reader, each.start_s, until_s=each.end_s)
        _first_from(reader, each.end_s, until_s=each.end_s + LATER_S)
    if not reader.seen.brings_sets:
        return
    for each in wanted:
        for number in range(max(0, reader.place(each.start_s - EARLIER_S) - 1), reader.place(each.end_s)):
            reader.shown_s(number)


def _last_until(reader: _KeyReader, at_s: float) -> bool:
    """Read keyframes backwards until a clip may begin with one at or before `at_s`; tell whether there is one."""
    number = reader.place(at_s) - 1
    while number >= 0 and reader.decoded_s(number) >= at_s - EARLIER_S - 1:
        shown_s = reader.shown_s(number)
        if shown_s is not None and shown_s <= at_s:
            return shown_s >= at_s - EARLIER_S
        number -= 1
    return False


def _first_from(reader: _KeyReader, at_s: float, *, until_s: float) -> None:
    """Read keyframes forwards until a clip may begin with one at `at_s` or later."""
    ahead_s = REORDERED / float(reader.seen.video.fps)  # a keyframe decoded this much before may be shown after
    number = reader.place(at_s - ahead_s)
    while number < len(reader.keys) and reader.decoded_s(number) <= until_s:
        shown_s = reader.shown_s(number)
        if shown_s is not None and shown_s >= at_s - ROUNDED_S:
            return
        number += 1
