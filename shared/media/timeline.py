"""Decoded frames in the order they are shown, begun at a keyframe: the same frames from any start."""

from __future__ import annotations  # Packet is generic for the type checker only

from bisect import insort
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeVar, cast

import av
from av.container import InputContainer
from av.packet import Packet
from av.stream import Stream
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from shared.domain.video import Video
from shared.media.filter_chain import FilterChain, Step
from shared.media.source import describe, read_only

SNAP_S = 0.002  # containers with millisecond clocks (MKV) round both a frame's time and the first frame's
BACK_OFF_S = (
    0.0,
    1.0,
    4.0,
    16.0,
    64.0,
    256.0,
    1024.0,
    4096.0,
)  # seeks that land too late are repeated this much earlier, then from the start
REORDERED = 16  # H.264 and HEVC keep at most so many pictures waiting for one shown before them

S = TypeVar("S", bound=Stream)

INDEXED_SHARE = 0.8  # of the source: an index that ends sooner was built by reading so far
MAX_READ_FAILURES = 20  # a demuxer that fails this often in a row will not come back


@dataclass(slots=True)
class Damage:
    """What could not be decoded on the way; filled while frames are read."""

    decode_errors: int = 0
    read_errors: int = 0
    last_error: str = ""
    heard_samples: int = 0
    """Sound that could be decoded."""
    sent: list[int] | None = None
    """Times of the packets given to the decoder, in ticks, ascending; None when nobody wants to know."""

    def __bool__(self) -> bool:
        return bool(self.decode_errors or self.read_errors)

    @property
    def places(self) -> str:
        """How many there are, e.g. "1 place"."""
        count = self.decode_errors + self.read_errors
        return f"{count} place{'' if count == 1 else 's'}"


@dataclass(slots=True)
class Tally:
    """What reading frames took; filled on the way."""

    packets: int = 0
    decoded_frames: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownFrame:
    """A decoded frame and when it is on screen, in source time."""

    frame: VideoFrame
    pts: int
    """In ticks of the stream's clock: the identity of the frame, whatever the decoding started from."""
    start_s: float
    end_s: float


def snap_s(video: Video) -> float:
    """Return how much early a frame may be taken, in seconds: for clocks that round, and never near a whole frame."""
    return min(SNAP_S, 0.25 / float(video.fps))


def shown_at(
    container: InputContainer,
    video: Video,
    times_s: Iterable[float],
    *,
    threads: int = 0,
    damage: Damage | None = None,
    lead_s: float | None = None,
    steps: tuple[Step, ...] = (),
    tally: Tally | None = None,
) -> Iterator[tuple[float, ShownFrame]]:
    """Yield each of the ascending times (source seconds) with the frame that is on screen then.

    That is the last frame with a time <= t, the first one for anything earlier. Ends when the pictures do:
    the last one is on screen for its own duration. A frame that comes on less than `lead_s` after t is taken already
    (by default just enough for clocks that round). `steps` are filters each decoded frame goes through.
    """
    times = iter(times_s)
    wanted = next(times, None)
    if wanted is None:
        return
    lead_s = snap_s(video) if lead_s is None else lead_s
    for shown in shown_from(container, video, wanted, threads=threads, damage=damage, steps=steps, tally=tally):
        while wanted is not None and wanted + lead_s < shown.end_s:
            yield wanted, shown
            wanted = next(times, None)
        if wanted is None:
            return


def shown_from(
    container: InputContainer,
    video: Video,
    from_s: float,
    *,
    threads: int = 0,
    damage: Damage | None = None,
    steps: tuple[Step, ...] = (),
    tally: Tally | None = None,
) -> Iterator[ShownFrame]:
    """Yield every frame in the order they are shown, from the keyframe at or before source time `from_s` on."""
    frames = frames_from(container, video, from_s, threads=threads, damage=damage, tally=tally)
    return _with_end(_filtered(frames, steps), video)


def came_on_s(container: InputContainer, video: Video, t_s: float) -> float:
    """Return when the frame on screen at `t_s` came on, in source time, from packets alone.

    `t_s` itself when that is more than a frame ago (a picture that stands still, or the end) or cannot be told, and for
    a variable rate: on the reel's even grid nothing stays in step with it, so beginning earlier gains nothing and shows
    the rest of the clip late, by up to three of its shortest frames.
    """
    if video.is_variable_rate:
        return t_s
    stream = container.streams[video.stream_index]
    read_only(container, stream)
    base = stream.time_base or Fraction(1, av.time_base)
    latest = round((t_s + video.start_s + snap_s(video)) / base)
    best: int | None = None
    later = 0
    for packet in packets_before(container, stream, t_s + video.start_s):
        if packet.pts is not None and packet.pts <= latest:
            best = max(packet.pts, best if best is not None else packet.pts)
        else:
            later += 1
        if later > REORDERED:
            break
    came_s = float(best * base) - video.start_s if best is not None else t_s
    return max(0.0, came_s) if -snap_s(video) <= t_s - came_s <= 1 / float(video.fps) else t_s


def frames_from(
    container: InputContainer,
    video: Video,
    from_s: float,
    *,
    threads: int = 0,
    damage: Damage | None = None,
    tally: Tally | None = None,
) -> Iterator[VideoFrame]:
    """Yield decoded frames in the order they are shown, starting at or before source time `from_s`.

    The first is a keyframe at or before the time (or the first there is); frames shown before it, which an open GOP
    cannot decode without its neighbour, are left out.
    """
    stream = picture_stream(container, video, threads=threads)
    damage = damage if damage is not None else Damage()
    tally = tally if tally is not None else Tally()
    packets = packets_before(container, stream, from_s + video.start_s, damage=damage)
    for frame in decoded(counted(packets, tally), damage):
        tally.decoded_frames += 1
        yield frame


def picture_stream(
    container: InputContainer, video: Video, *, threads: int = 0, options: Mapping[str, str] | None = None
) -> VideoStream:
    """Return the stream to decode, the only one that is read from now on; `options` are its decoder's."""
    stream = container.streams[video.stream_index]
    assert isinstance(stream, VideoStream)
    if not stream.codec_context.is_open:  # the second seek in a container finds it open
        stream.thread_type = "AUTO"
        stream.thread_count = threads
        stream.codec_context.options = dict(options or {})
    read_only(container, stream)
    return stream


def counted(packets: Iterable[Packet[S]], tally: Tally) -> Iterator[Packet[S]]:
    """Yield the packets, counting those that hold something."""
    for packet in packets:
        tally.packets += packet.size > 0
        yield packet


def indexed_keyframes_s(container: InputContainer, video: Video) -> tuple[float, ...]:
    """Return about when the source's keyframes are shown, in source time, ascending; () where no index tells all.

    Nothing is read for it. An index may hold decoding times, which are a few frames early.
    """
    stream = container.streams[video.stream_index]
    base = stream.time_base or Fraction(1, av.time_base)
    known = [(float(each.timestamp * base) - video.start_s, each.is_keyframe) for each in stream.index_entries]
    is_whole = bool(known) and known[0][0] <= 1.0 and known[-1][0] >= INDEXED_SHARE * video.duration_s
    return tuple(sorted(t_s for t_s, is_keyframe in known if is_keyframe)) if is_whole else ()


def decoded(packets: Iterable[Packet[VideoStream]], damage: Damage) -> Iterator[VideoFrame]:
    """Yield the frames of packets that begin at a keyframe, without those shown before it."""
    first_pts: int | None = None
    for packet in packets:
        if first_pts is None and packet.size:
            first_pts = packet.pts
        is_leading = first_pts is not None and packet.pts is not None and packet.pts < first_pts
        is_shown = packet.size and not packet.is_discard and not is_leading
        if damage.sent is not None and is_shown and packet.pts is not None:
            insort(damage.sent, packet.pts)
        # What an open GOP shows before its keyframe is wanted by nobody, so it cannot be missed either.
        for frame in _decoded(packet, Damage() if is_leading else damage):
            if first_pts is None or frame.pts is None or frame.pts >= first_pts:
                yield frame


def packets_before(
    container: InputContainer, stream: S, at_s: float, *, damage: Damage | None = None
) -> Iterator[Packet[S]]:
    """Yield the stream's packets from a keyframe shown at or before `at_s` on the container's clock, or from its start.

    Seeks by index land where the *decoding* time fits, which may be a keyframe shown too late; byte-wise ones
    (MPEG-TS) land anywhere. So what is found is checked.
    """
    damage = damage if damage is not None else Damage()
    base = stream.time_base or Fraction(1, av.time_base)
    start_s = float((stream.start_time or 0) * base)
    for back_off_s in BACK_OFF_S:
        if at_s - back_off_s <= start_s:
            break
        _seek(container, stream, at_s - back_off_s)
        packets = demux(container, stream, damage)
        first = _first_keyframe(packets)
        if first is not None and _time_s(first, base) <= at_s + SNAP_S / 2:
            yield first
            yield from packets
            return
    _seek(container, stream, None)
    yield from demux(container, stream, damage)


def demux(container: InputContainer, stream: S, damage: Damage) -> Iterator[Packet[S]]:
    """Yield the stream's packets and the empty one at the end; damaged places are counted and passed over.

    After MAX_READ_FAILURES of them in a row, as where a file was cut, the stream has ended.
    """
    failures = 0
    while True:
        try:
            for packet in container.demux(stream):
                failures = 0
                yield cast("Packet[S]", packet)
            return
        except av.FFmpegError as error:
            failures += 1
            damage.read_errors += 1
            damage.last_error = describe(error)
            if isinstance(error, av.PyAVCallbackError):
                raise
            if failures >= MAX_READ_FAILURES:
                return


def pts_of(frame: VideoFrame) -> int | None:
    """Return the frame's time in ticks; AVI has decoding times only."""
    return frame.pts if frame.pts is not None else frame.dts


def _first_keyframe(packets: Iterator[Packet[S]]) -> Packet[S] | None:
    return next((packet for packet in packets if packet.is_keyframe and packet.size), None)


def _time_s(packet: Packet[S], base: Fraction) -> float:
    """Return when the packet is shown; AVI has decoding times only."""
    ticks = packet.pts if packet.pts is not None else packet.dts
    return float(ticks * base) if ticks is not None else float("inf")


def _seek(container: InputContainer, stream: Stream, at_s: float | None) -> None:
    """Seek to a time on the container's clock, None for the start of the file."""
    base = stream.time_base or Fraction(1, av.time_base)
    # MPEG-TS whose clock is about to wrap begins before 0; asked for its very start, libav would land after it.
    earliest = min(0, (stream.start_time or 0) - round(1 / base))
    ticks = earliest if at_s is None else int(at_s / base)
    try:
        container.seek(ticks, stream=stream)
    except av.FFmpegError:
        _seek_to_start(container, stream)


def _seek_to_start(container: InputContainer, stream: Stream) -> None:
    try:
        # Matroska refuses a sound's times before its first one, and has then forgotten the cluster it had read: told
        # to go to byte 0 it would begin with the second one, seconds later.
        container.seek((container.start_time or 0) - av.time_base)
    except av.FFmpegError:
        try:
            # AVI takes its first time and none before; from byte 0 it would go on counting from where it was.
            container.seek(stream.start_time or 0, stream=stream)
        except av.FFmpegError:
            # Formats without any index (raw streams, some TS) cannot seek by time; the start always works.
            container.seek(0, unsupported_byte_offset=True)


def _decoded(packet: Packet[VideoStream], damage: Damage) -> list[VideoFrame]:
    try:
        return packet.decode()
    except EOFError:
        return []
    except av.FFmpegError as error:
        damage.decode_errors += 1
        damage.last_error = describe(error)
        return []


def _filtered(frames: Iterator[VideoFrame], steps: tuple[Step, ...]) -> Iterator[VideoFrame]:
    if not steps:
        yield from frames
        return
    chain = FilterChain(steps)
    for frame in frames:
        yield from chain.push(frame)
    yield from chain.finish()


def _with_end(frames: Iterable[VideoFrame], video: Video) -> Iterator[ShownFrame]:
    """Give every frame its time on screen: until the next one starts, the last for its own duration."""
    previous: ShownFrame | None = None
    for frame in frames:
        current = shown_frame(frame, previous, video)
        if previous is None:
            previous = current
        elif current.start_s > previous.start_s:  # damaged streams repeat and reorder times
            yield ShownFrame(frame=previous.frame, pts=previous.pts, start_s=previous.start_s, end_s=current.start_s)
            previous = current
    if previous is not None:
        yield previous


def shown_frame(frame: VideoFrame, previous: ShownFrame | None, video: Video) -> ShownFrame:
    """Return the frame with its time on screen, as far as it tells; one without a time follows the one before."""
    base = frame.time_base or Fraction(1, av.time_base)
    pts = pts_of(frame)
    if pts is None:
        start_s = previous.end_s if previous else 0.0
        pts = round((start_s + video.start_s) / base)
    start_s = float(pts * base) - video.start_s
    lasts_s = float(frame.duration * base) if frame.duration else 1 / float(video.fps)
    return ShownFrame(frame=frame, pts=pts, start_s=start_s, end_s=start_s + lasts_s)
