"""The reel's picture by stream copy: the source's own packets from keyframe to keyframe, with new times."""

from __future__ import annotations  # Packet is generic for the type checker only

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from heapq import heappop, heappush
from typing import cast

import av
from av.container import InputContainer, OutputContainer
from av.packet import Packet
from av.video.stream import VideoStream

from shared.domain.edit_list import EditList
from shared.domain.video import Video
from shared.errors import CannotCopy
from shared.media.h264 import header_sets, is_entry_point, parameter_sets
from shared.media.source import read_only
from shared.media.timeline import REORDERED, Damage, packets_before, snap_s

MISSING_S = Fraction(1, 4)  # of a clip's end: containers and cameras round that much off a film's
PIXEL_FORMATS = ("yuv420p", "yuvj420p")  # what every player of H.264 takes
LOOK_AHEAD = 2 * REORDERED  # packets; the pictures shown next are certainly among them
LONGEST_DELAY_FRAMES = 4 * REORDERED  # where a picture stood still, the ones decoded ahead of it need not wait as long


def why_not_copy(video: Video) -> str | None:
    """Return why the picture cannot be copied as it is, None when it can."""
    if video.codec != "h264":
        return f"the picture is {video.codec}, not h264"
    if video.pixel_format not in PIXEL_FORMATS:
        return f"its pixel format is {video.pixel_format}, not 8-bit 4:2:0"
    if video.rotation_deg or video.is_mirrored:
        return f"it is turned by {video.rotation_deg} degrees{' and mirrored' if video.is_mirrored else ''}"
    if video.sample_aspect_ratio != 1:
        return f"its pixels are not square ({video.sample_aspect_ratio})"
    if video.is_interlaced:
        return "it is interlaced"
    if "avi" in video.container.split(","):
        return "AVI does not say when its pictures are shown"
    return None


@dataclass(frozen=True, slots=True)
class CopiedClip:
    """Where a clip lies on the stream's clock."""

    first_pts: int
    beyond_pts: int
    shift: int
    """Added to the source's times, gives the reel's."""


def copied_clips(edit_list: EditList, video: Video, base: Fraction) -> tuple[CopiedClip, ...]:
    """Return the clips in ticks; borders are rounded from the exact sums, so nothing adds up."""
    clips: list[CopiedClip] = []
    total_s = 0.0
    for clip in edit_list.clips:
        first = round((clip.actual.start_s + video.start_s) / base)
        beyond = round((clip.actual.end_s + video.start_s) / base)
        clips.append(CopiedClip(first, beyond, round(total_s / base) - first))
        total_s += clip.actual.duration_s
    return tuple(clips)


def add_copy(output: OutputContainer, source: VideoStream) -> VideoStream:
    """Add a picture stream with the source's parameters."""
    stream = output.add_stream_from_template(source)
    stream.time_base = source.time_base
    return stream


def copy_picture(
    container: InputContainer,
    video: Video,
    clips: tuple[CopiedClip, ...],
    stream: VideoStream,
    *,
    name: str,
    damage: Damage,
    clean_starts: list[bool],
) -> Iterator[Packet[VideoStream]]:
    """Yield the clips' packets with the reel's times.

    For each clip `clean_starts` gets whether its keyframe is one a stream may begin with. Raises CannotCopy where no
    keyframe is, or where the parameter sets are not the header's.
    """
    source = container.streams[video.stream_index]
    assert isinstance(source, VideoStream)
    read_only(container, source)
    clock = _DecodingClock(frame=max(1, round(1 / (video.fps * (source.time_base or Fraction(1, av.time_base))))))
    clock.may_reorder = source.codec_context.has_b_frames
    sets = _SetsGuard(source.codec_context.extradata, video, name)
    for clip in clips:
        copied = _clip_packets(container, video, source, clip, clean_starts, sets, name=name, damage=damage)
        for packet in _retimed(copied, clip, clock):
            packet.stream = stream
            yield packet


@dataclass(slots=True)
class _DecodingClock:
    """Gives packets their decoding times: the k-th is decoded when the k-th picture is shown, less one same delay.

    The source's own times are not used: MKV has none, after a seek libav knows none, and where clips meet they overlap.
    """

    frame: int
    may_reorder: bool = False
    delay: int | None = None
    last_dts: int | None = None

    def begin(self, packets: Iterable[Packet[VideoStream]], shown: Sequence[int], *, shift: int) -> None:
        """Set the delay, once for the whole reel, from the first clip's first packets."""
        needed = [0, 2 * self.frame if self.may_reorder else 0]
        for packet, slot in zip(packets, sorted(shown), strict=True):
            needed.append(slot - shift - (packet.pts or 0))
            if packet.dts is not None and slot - shift - packet.dts <= REORDERED * self.frame:
                needed.append(slot - shift - packet.dts)
        self.delay = min(max(needed), LONGEST_DELAY_FRAMES * self.frame)

    def stamp(self, pts: int, slot: int, to_come: Sequence[int]) -> int:
        """Return the decoding time of a picture shown at `pts`; it leaves room for the ones to come."""
        dts = min(slot - (self.delay or 0), pts)
        if to_come and dts > min(to_come) - len(to_come):  # reordered further than the delay allows: squeeze them in
            dts = min(dts, *(later - 1 - number for number, later in enumerate(to_come)))
        if self.last_dts is not None:
            dts = max(dts, self.last_dts + 1)
        self.last_dts = dts
        return dts


def _retimed(
    packets: Iterable[Packet[VideoStream]], clip: CopiedClip, clock: _DecodingClock
) -> Iterator[Packet[VideoStream]]:
    """Yield a clip's packets with the reel's times; each lasts until the next is shown, the last to the clip's end."""
    waiting: deque[Packet[VideoStream]] = deque()
    times: deque[int] = deque()  # of those waiting
    slots: list[int] = []  # a heap of the times nothing was decoded for yet
    beyond = clip.beyond_pts + clip.shift
    more = iter(packets)
    is_last = False
    while waiting or not is_last:
        packet = next(more, None) if not is_last else None
        is_last = packet is None
        if packet is not None:
            assert packet.pts is not None
            waiting.append(packet)
            times.append(packet.pts + clip.shift)
            heappush(slots, packet.pts + clip.shift)
            if len(waiting) <= LOOK_AHEAD:
                continue
        if clock.delay is None:
            clock.begin(waiting, slots, shift=clip.shift)
        if waiting:
            yield _stamped(waiting.popleft(), times, slots, clock, beyond, is_last=is_last)


def _stamped(
    packet: Packet[VideoStream],
    times: deque[int],
    slots: list[int],
    clock: _DecodingClock,
    beyond: int,
    *,
    is_last: bool,
) -> Packet[VideoStream]:
    pts, slot = times.popleft(), heappop(slots)
    dts = clock.stamp(pts, slot, times)
    lasts = (slots[0] if slots else beyond) - slot
    if is_last and times and pts > max(times):
        lasts = beyond - pts  # shown last, though others are decoded after it
    packet.pts, packet.dts, packet.duration = max(pts, dts), dts, max(1, min(lasts, beyond - pts) if times else lasts)
    return packet


class _SetsGuard:
    """Lets packets by whose parameter sets are the header's, the only ones the reel has."""

    def __init__(self, headers: bytes | None, video: Video, name: str) -> None:
        self._headers, self._known = headers, header_sets(headers)
        self._in_force = self._known
        self._video, self._name = video, name

    def note(self, packet: Packet[VideoStream]) -> None:
        """Take in which sample entry the demuxer reads; it tells with the first packet of another one only."""
        if packet.has_sidedata("new_extradata"):
            self._in_force = header_sets(bytes(packet.get_sidedata("new_extradata")))

    def passed(self, packet: Packet[VideoStream]) -> Packet[VideoStream]:
        """Return the packet as it may be copied; raises CannotCopy when it may not."""
        brought = parameter_sets(bytes(packet), self._headers) if packet.is_keyframe else frozenset[bytes]()
        if not (brought | self._in_force) <= self._known:
            at_s = float((packet.pts or 0) * packet.time_base) - self._video.start_s
            why = f"its parameter sets change at {at_s:.1f} s"
            raise CannotCopy(self._name, why)
        return _without_side_data(packet) if packet.has_sidedata("new_extradata") else packet


def _without_side_data(packet: Packet[VideoStream]) -> Packet[VideoStream]:
    """Return the packet without the sample entry it brings, which is the reel's already."""
    plain = cast("Packet[VideoStream]", Packet(bytes(packet)))
    plain.pts, plain.dts, plain.duration, plain.time_base = packet.pts, packet.dts, packet.duration, packet.time_base
    plain.is_keyframe = packet.is_keyframe
    return plain


def _clip_packets(
    container: InputContainer,
    video: Video,
    source: VideoStream,
    clip: CopiedClip,
    clean_starts: list[bool],
    sets: _SetsGuard,
    *,
    name: str,
    damage: Damage,
) -> Iterator[Packet[VideoStream]]:
    """Yield the packets from the clip's keyframe on, until one (in decoding order) is shown at its end or later.

    Left out are frames shown before the keyframe (an open GOP's, which need the GOP before) and, at the end, the few
    that could only be decoded with a picture beyond the end; the one before them stays on screen instead.
    """
    base = source.time_base or Fraction(1, av.time_base)
    tolerance = max(1, round(snap_s(video) / base))
    earliest, beyond = clip.first_pts - tolerance, clip.beyond_pts - tolerance
    began, is_over = False, False
    shown_until = clip.first_pts
    for packet in packets_before(container, source, float(clip.first_pts * base), damage=damage):
        sets.note(packet)
        if not packet.size or packet.pts is None:
            continue
        if not began:
            if not packet.is_keyframe or packet.pts < earliest:
                continue
            if packet.pts >= beyond or packet.pts > clip.first_pts + tolerance:
                break
            began = True
            clean_starts.append(is_entry_point(bytes(packet), source.codec_context.extradata))
        if packet.pts >= beyond:
            is_over = True
            break
        if packet.pts >= earliest:
            shown_until = max(shown_until, packet.pts + (packet.duration or 0))
            yield sets.passed(packet)
    if began and not is_over and shown_until < clip.beyond_pts - MISSING_S / base:
        ends_s = float(shown_until * base) - video.start_s
        raise CannotCopy(name, f"its picture ends at {ends_s:.1f} s, before its header says")
    if damage.read_errors:
        raise CannotCopy(name, f"it is damaged ({damage.last_error})")
    if not began:
        at_s = float(clip.first_pts * base) - video.start_s
        raise CannotCopy(name, f"there is no keyframe at {at_s:.3f} s")
