"""Frames on a sampling grid at the cost of few: what no step of the grid needs is never decoded.

Which frame a step takes follows from the source's packets alone, so it is the same from any start: decoding begins at
the keyframe before the first step, and no rule looks further back than a keyframe.
"""

from __future__ import annotations  # Packet is generic for the type checker only

from bisect import insort
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction

import av
from av.container import InputContainer
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from shared.domain.video import Video
from shared.media.references import Roles, roles_of
from shared.media.timeline import (
    REORDERED,
    Damage,
    ShownFrame,
    Tally,
    counted,
    decoded,
    packets_before,
    picture_stream,
    pts_of,
    shown_at,
    shown_frame,
    snap_s,
)

# A step may take the last reference frame instead of what is on screen when that is older by at most this share of the
# grid's step: movement between two steps is then still seen between the same two, and at 8 Hz (62 ms) most cameras'
# B-frames need not be decoded, while of a source with fewer than twice the grid's frames none is left out.
OLDER_BY_STEPS = 0.5

# B-slices of H.264 go without deblocking (7 % less CPU). At 192 px that changes 0.07 to 0.15 levels on average and adds
# nothing to what changes at keyframes. Without any deblocking decoding takes 23 % less, but what it is off by adds up
# until the next keyframe: the jump there grew from 0.9 to 4.4 levels in a still scene with keyframes 8 s apart, which
# looks like movement. So it does with HEVC, whose encoders write most P-pictures as B-slices.
DECODER_OPTIONS = {"h264": {"skip_loop_filter": "bidir"}}
HALF_SIZE = {"mjpeg": {"lowres": "1"}}  # for pictures of HALF_FROM_LINES lines or more: they keep 720 (40 % less CPU)
HALF_FROM_LINES = 1440


def sparse_at(
    container: InputContainer,
    video: Video,
    times_s: Iterable[float],
    *,
    step_s: float,
    threads: int = 0,
    damage: Damage | None = None,
    tally: Tally | None = None,
) -> Iterator[tuple[float, ShownFrame]]:
    """Yield each of the ascending times with the frame on screen then, or the reference frame shown shortly before it.

    That is the last one others are decoded from, if it is at most OLDER_BY_STEPS * `step_s` older. A picture that was
    put together from damaged data counts in `damage` like one that could not be decoded. Every frame is
    decoded where packets do not tell which ones others need. Its `end_s` is that of the frame alone.
    """
    damage = damage if damage is not None else Damage()
    tally = tally if tally is not None else Tally()
    stream = picture_stream(container, video, threads=threads, options=_decoder_options(video))
    roles = roles_of(
        video.codec,
        video.container,
        stream.codec_context.extradata,
        is_intra_only=stream.codec_context.codec.intra_only,
    )
    times = list(times_s)
    if roles is None or not times:
        yield from shown_at(container, video, times, threads=threads, damage=damage, tally=tally)
        return
    plan = _Plan(video, stream, roles, times, older_s=OLDER_BY_STEPS * step_s)
    packets = counted(packets_before(container, stream, times[0] + video.start_s, damage=damage), tally)
    previous: VideoFrame | None = None
    for frame in decoded(plan.needed(packets), damage):
        tally.decoded_frames += 1
        if frame.is_corrupt:  # what is put in its place depends on how many threads the decoder has
            damage.decode_errors += 1
            damage.last_error = damage.last_error or "a picture is damaged inside"
        pts = pts_of(frame)
        if pts is None or (previous is not None and pts <= _pts_of(previous)):  # damaged streams repeat times
            continue
        while plan.choices and plan.choices[0][1] <= pts:
            t_s, chosen = plan.choices.popleft()
            yield t_s, shown_frame(frame if chosen == pts or previous is None else previous, None, video)
        previous = frame
    if previous is not None:
        for t_s, _ in plan.choices:
            yield t_s, shown_frame(previous, None, video)


def _pts_of(frame: VideoFrame) -> int:
    """Return the time in ticks of a frame that has one."""
    pts = pts_of(frame)
    assert pts is not None
    return pts


def _decoder_options(video: Video) -> dict[str, str]:
    is_large = min(video.coded_width, video.coded_height) >= HALF_FROM_LINES
    return DECODER_OPTIONS.get(video.codec, {}) | (HALF_SIZE.get(video.codec, {}) if is_large else {})


@dataclass(slots=True, eq=False)
class _Picture:
    """A packet that was read and not yet passed on."""

    packet: Packet[VideoStream]
    pts: int
    start_s: float
    is_reference: bool
    is_fresh: bool
    is_wanted: bool = False


def _pts(picture: _Picture) -> int:
    return picture.pts


class _Plan:
    """Chooses a frame for each time from packets as they are read, and passes on those that have to be decoded.

    Packets come in decoding order; REORDERED of them are read ahead, which shows what is shown after the first.
    """

    def __init__(
        self, video: Video, stream: VideoStream, roles: Roles, times_s: list[float], *, older_s: float
    ) -> None:
        self.choices: deque[tuple[float, int]] = deque()
        """Times and the ticks of their frames, of which the decoder has not given any yet."""
        self._video = video
        self._stream = stream
        self._base = stream.time_base or Fraction(1, av.time_base)
        self._roles = roles
        self._times = deque(times_s)
        self._lead_s = snap_s(video)
        self._older_ticks = int(older_s / self._base)
        self._waiting: deque[_Picture] = deque()
        self._known: list[_Picture] = []  # as they are shown, from the last reference passed on
        self._first_pts: int | None = None
        self._passed_pts: int | None = None  # the latest shown of those passed on
        self._is_all_read = False

    def needed(self, packets: Iterable[Packet[VideoStream]]) -> Iterator[Packet[VideoStream]]:
        """Yield the packets to decode and the empty one at the end; reading stops when every time has its frame."""
        for packet in packets:
            if not packet.size:
                continue
            if self._first_pts is None and not packet.is_keyframe:
                yield packet
                continue
            self._read(packet)
            if len(self._waiting) > REORDERED:
                yield from self._passed_on()
                if not self._times and not any(each.is_wanted for each in self._waiting):
                    self._waiting.clear()
                    break
        self._choose_until(self._end_s())
        self._is_all_read = True
        while self._waiting:
            yield from self._passed_on()
        end: Packet[VideoStream] = Packet()  # type: ignore[assignment]  # typed for any stream
        end.stream, end.time_base = self._stream, self._base  # frames that come out take their clock from it
        yield end

    def _read(self, packet: Packet[VideoStream]) -> None:
        role = self._roles(memoryview(packet), packet.is_keyframe)
        ticks = packet.pts if packet.pts is not None else packet.dts
        if self._first_pts is None:
            self._first_pts = ticks
        pts = ticks if ticks is not None else 0
        # The same as float(pts * self._base), at a fifth of its cost.
        start_s = pts * self._base.numerator / self._base.denominator - self._video.start_s
        picture = _Picture(packet, pts, start_s, role.is_reference, role.is_fresh)
        is_leading = self._first_pts is not None and pts < self._first_pts
        if role.is_fresh and not is_leading:
            self._choose_until(start_s)
        self._waiting.append(picture)
        if ticks is not None and not packet.is_discard and not is_leading:
            insort(self._known, picture, key=_pts)

    def _passed_on(self) -> Iterator[Packet[VideoStream]]:
        """Yield the first packet that waits if it has to be decoded."""
        picture = self._waiting.popleft()
        if self._passed_pts is None or picture.pts > self._passed_pts:
            self._passed_pts = picture.pts
        after = next((each for each in self._known if each.pts > self._passed_pts), None)
        if after is not None:
            self._choose_until(after.start_s)
            self._forget(self._passed_pts)
        if picture.is_wanted or (picture.is_reference and not self._is_spent()):
            yield picture.packet

    def _is_spent(self) -> bool:
        """Return whether nothing that is wanted can need what came before: no picture before the next fresh one is."""
        for each in self._waiting:
            if each.is_fresh or each.is_wanted:
                return each.is_fresh
        return self._is_all_read

    def _choose_until(self, until_s: float) -> None:
        """Choose frames for the times at which no frame is on screen that comes on at `until_s` or later."""
        while self._times and self._known and self._times[0] + self._lead_s < until_s:
            t_s = self._times.popleft()
            picture = self._choice(t_s + self._lead_s)
            picture.is_wanted = True
            self.choices.append((t_s, picture.pts))

    def _choice(self, at_s: float) -> _Picture:
        reference: _Picture | None = None
        on_screen = self._known[0]
        for each in self._known:
            if each.start_s > at_s:
                break
            on_screen = each
            if each.is_reference:
                reference = each
        is_near = reference is not None and on_screen.pts - reference.pts <= self._older_ticks
        return reference if reference is not None and is_near else on_screen

    def _forget(self, until_pts: int) -> None:
        """Forget what was shown before the last reference up to `until_pts`."""
        last = max((n for n, each in enumerate(self._known) if each.is_reference and each.pts <= until_pts), default=0)
        del self._known[:last]

    def _end_s(self) -> float:
        if not self._known:
            return 0.0
        last = self._known[-1]
        lasts_s = float(last.packet.duration * self._base) if last.packet.duration else 1 / float(self._video.fps)
        return last.start_s + lasts_s
