"""The reel's picture by stream copy: the source's own packets from keyframe to keyframe, with new times."""

from __future__ import annotations  # Packet is generic for the type checker only

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction

import av
from av.container import InputContainer, OutputContainer
from av.packet import Packet
from av.video.stream import VideoStream

from shared.domain.edit_list import EditList
from shared.domain.video import Video
from shared.errors import BadVideo
from shared.media.h264 import is_entry_point
from shared.media.source import read_only
from shared.media.timeline import Damage, packets_before, snap_s

PIXEL_FORMATS = ("yuv420p", "yuvj420p")  # what every player of H.264 takes


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
    on_packet: Callable[[int], None],
) -> Iterator[Packet[VideoStream]]:
    """Yield the clips' packets with the reel's times; `on_packet` is told the reel time reached, in ticks.

    For each clip `clean_starts` gets whether its keyframe is one a stream may begin with.
    """
    source = container.streams[video.stream_index]
    assert isinstance(source, VideoStream)
    read_only(container, source)
    last_dts: int | None = None
    for clip in clips:
        for packet in _clip_packets(container, video, source, clip, clean_starts, name=name, damage=damage):
            assert packet.pts is not None and packet.dts is not None
            packet.pts += clip.shift
            # Where clips meet, decoding times may overlap by a tick or two; they have to grow.
            packet.dts = max(packet.dts + clip.shift, last_dts + 1) if last_dts is not None else packet.dts + clip.shift
            packet.dts = min(packet.dts, packet.pts) if last_dts is None or packet.pts > last_dts else packet.dts
            last_dts = packet.dts
            packet.stream = stream
            yield packet
            on_packet(packet.pts)


def _timed(packets: Iterator[Packet[VideoStream]], video: Video, base: Fraction) -> Iterator[Packet[VideoStream]]:
    """Yield the packets that are shown; those without a decoding time (MKV's first ones after a seek) get one."""
    frame = max(1, int(1 / (video.fps * base)))
    waiting: list[Packet[VideoStream]] = []
    for packet in packets:
        if not packet.size or packet.pts is None:
            continue
        waiting.append(packet)
        if packet.dts is None:
            continue
        for back, each in enumerate(reversed(waiting)):
            each.dts = packet.dts - back * frame
        yield from waiting
        waiting = []
    for number, each in enumerate(waiting):  # no decoding time at all: nothing is reordered
        each.dts = each.pts if number == 0 else max(each.pts or 0, (waiting[number - 1].dts or 0) + 1)
    yield from waiting


def _clip_packets(
    container: InputContainer,
    video: Video,
    source: VideoStream,
    clip: CopiedClip,
    clean_starts: list[bool],
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
    began, ahead = False, 0
    held: Packet[VideoStream] | None = None
    for packet in _timed(packets_before(container, source, float(clip.first_pts * base), damage=damage), video, base):
        assert packet.pts is not None
        if not began and not (packet.is_keyframe and packet.pts >= clip.first_pts - tolerance):
            continue
        if packet.pts >= clip.beyond_pts - tolerance:
            break
        if not began and packet.pts > clip.first_pts + tolerance:
            break
        if not began:
            began, ahead = True, packet.pts - (packet.dts or 0)
            clean_starts.append(is_entry_point(bytes(packet), source.codec_context.extradata))
        if packet.pts < clip.first_pts - tolerance:
            continue
        if held is not None:
            yield held
        held = packet
    if held is None:
        at_s = float(clip.first_pts * base) - video.start_s
        raise BadVideo("render_failed", f"{name}: no keyframe at {at_s:.3f} s to copy from; render with `encode`.")
    assert held.dts is not None and held.pts is not None
    # The last one lasts to the clip's end, on the clock of decoding, which runs ahead of the one of showing.
    held.duration = max(1, clip.beyond_pts - ahead - held.dts)
    yield held
