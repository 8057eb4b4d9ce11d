"""What a source is, from its header, one decoded frame and as few packets as possible."""

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from struct import Struct
from typing import BinaryIO, TypeVar, cast

import av
from av.container import InputContainer
from av.sidedata.sidedata import SideData
from av.stream import Disposition, Stream
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from shared.domain.sound import Sound
from shared.domain.video import Media, Video
from shared.errors import BadVideo
from shared.media.orientation import Turn, read_display_matrix, shown_size
from shared.media.probe_sound import audio_streams, described, probe_sound
from shared.media.sample_entry import sample_entries
from shared.media.source import open_source, read_only
from shared.media.timeline import Damage, decoded, demux, pts_of
from shared.media.timing import average_fps, duration_of, frame_gaps, is_uneven

M = TypeVar("M", Video, Sound, Media)

_MATRIX = Struct("5i")  # of libav's 9 numbers [a b u, c d v, x y w], up to d
TOO_SHORT_S = 0.5  # nothing to choose from; one_frame.mp4 and friends
ENCRYPTED = ("encv", "enca", "drmi", "drms")  # Common Encryption (ISO/IEC 23001-7), and FairPlay before it
MAX_PACKETS_BEFORE_PICTURE = 600  # 10 s at 60 fps: longer than any keyframe interval seen at the start of a file


@dataclass(frozen=True, slots=True)
class _FirstPicture:
    width: int
    height: int
    pixel_format: str
    start_s: float
    rotation_deg: Turn
    is_mirrored: bool
    is_interlaced: bool
    lost_before_s: float
    warnings: tuple[str, ...]


def probe(file: BinaryIO, *, name: str) -> Video:
    """Return what a source with a moving picture is; `name` is what messages call it.

    Raises BadVideo `no_video_stream` for one without, and what `probe_media` raises.
    """
    media = _measured(file, name=name)
    if isinstance(media, Sound):
        found = ", ".join(f"audio {each.codec}" for each in media.audio)
        raise BadVideo(
            "no_video_stream",
            f"{name}: no video stream (found: {found}); choose a file with a moving picture, or look for speech.",
        )
    return _long_enough(media, name=name)


def probe_media(file: BinaryIO, *, name: str) -> Media:
    """Return what the source is; `name` is what messages call it.

    Raises BadVideo with one of `empty_file`, `truncated`, `not_a_video`, `no_video_stream` (nor any sound),
    `unsupported_codec`, `encrypted`, `corrupt`, `too_short`.
    """
    return _long_enough(_measured(file, name=name), name=name)


def _measured(file: BinaryIO, *, name: str) -> Media:
    with open_source(file, name=name) as container:
        encrypted = encrypted_streams(container, file)
        moving = _moving_pictures(container)
        if not moving:
            return probe_sound(container, file, encrypted, name=name)
        return _probe_video(container, _playable(moving, file, encrypted, name=name), encrypted, name=name)


def _long_enough(media: M, *, name: str) -> M:
    if media.duration_s < TOO_SHORT_S:
        what = "picture" if isinstance(media, Video) else "sound"
        raise BadVideo(
            "too_short",
            f"{name}: only {media.duration_s:.2f} s of {what}, at least {TOO_SHORT_S} s are needed; use a longer one.",
        )
    return media


def _probe_video(container: InputContainer, stream: VideoStream, encrypted: frozenset[int], *, name: str) -> Video:
    picture = _first_picture(container, stream, name=name)
    duration_s, warnings = duration_of(container, stream, picture.start_s)
    return _video(container, stream, picture, encrypted, duration_s=duration_s, warnings=warnings)


def _moving_pictures(container: InputContainer) -> list[Stream]:
    stills = Disposition.attached_pic | Disposition.timed_thumbnails
    return [each for each in container.streams if each.type == "video" and not each.disposition & stills]


def _playable(moving: list[Stream], file: BinaryIO, encrypted: frozenset[int], *, name: str) -> VideoStream:
    if any(each.index in encrypted for each in moving):
        raise BadVideo("encrypted", f"{name}: its picture is encrypted; use a copy without copy protection.")
    playable = [each for each in moving if each.codec_context is not None]
    if not playable:
        found = ", ".join(sample_entries(file)) or "an unknown codec"
        message = f"{name}: no decoder for its picture (found: {found}); export it as H.264 in MP4."
        raise BadVideo("unsupported_codec", message)
    return max((each for each in playable if isinstance(each, VideoStream)), key=_preference)


def encrypted_streams(container: InputContainer, file: BinaryIO) -> frozenset[int]:
    """Return the streams whose packets need a key: by sample entry in MP4 and MOV, by a tag libav makes in Matroska."""
    entries = sample_entries(file) if "mp4" in container.format.name.split(",") else ()
    tagged = (each.index for each in container.streams if "enc_key_id" in each.metadata)
    return frozenset((*tagged, *(index for index, entry in enumerate(entries) if entry in ENCRYPTED)))


def _preference(stream: VideoStream) -> tuple[bool, int, int]:
    return bool(stream.disposition & Disposition.default), stream.width * stream.height, -stream.index


def _first_picture(container: InputContainer, stream: VideoStream, *, name: str) -> _FirstPicture:
    read_only(container, stream)
    damage = Damage(sent=[])
    stream.thread_type = "SLICE"  # frame threads read ahead, we want one frame
    packets = islice(demux(container, stream, damage), MAX_PACKETS_BEFORE_PICTURE)
    frame = next((each for each in decoded(packets, damage) if each.width and each.height), None)
    if frame is None:
        why = f" ({damage.last_error})" if damage else ""
        raise BadVideo(
            "corrupt", f"{name}: no picture of its {described(stream)} can be decoded{why}; export or copy it again."
        )
    return _described(frame, stream, damage)


def _described(frame: VideoFrame, stream: VideoStream, damage: Damage) -> _FirstPicture:
    turn, is_mirrored, warnings = _turn(frame)
    ticks = pts_of(frame)
    base = stream.time_base or Fraction(1, av.time_base)
    start_s = float((ticks if ticks is not None else stream.start_time or 0) * base)
    first_s = float(damage.sent[0] * base) if damage and damage.sent else start_s
    return _FirstPicture(
        width=frame.width,
        height=frame.height,
        pixel_format=frame.format.name,
        start_s=start_s,
        rotation_deg=turn,
        is_mirrored=is_mirrored,
        is_interlaced=frame.interlaced_frame,
        lost_before_s=max(0.0, start_s - first_s),
        warnings=warnings,
    )


def _turn(frame: VideoFrame) -> tuple[Turn, bool, tuple[str, ...]]:
    # frame.rotation cannot tell a vertical flip from half a turn (both are -180), so the matrix itself is read.
    side_data = cast("Iterable[SideData]", frame.side_data)
    data = next((each for each in side_data if each.type.name == "DISPLAYMATRIX"), None)
    if data is None:
        return 0, False, ()
    a, b, _, c, d = _MATRIX.unpack_from(bytes(data))
    turn, is_mirrored, exact = read_display_matrix(((a, b), (c, d)))
    warning = f"odd_rotation: the rotation is no quarter turn; taken as {turn} degrees"
    return turn, is_mirrored, () if exact else (warning,)


def _video(
    container: InputContainer,
    stream: VideoStream,
    picture: _FirstPicture,
    encrypted: frozenset[int],
    *,
    duration_s: float,
    warnings: tuple[str, ...],
) -> Video:
    gaps = frame_gaps(container, stream)
    sar = stream.sample_aspect_ratio or Fraction(1)
    sar = sar if Fraction(1, 8) <= sar <= 8 else Fraction(1)
    width, height = shown_size(picture.width, picture.height, float(sar), picture.rotation_deg)
    return Video(
        container=container.format.name,
        duration_s=duration_s,
        start_s=picture.start_s,
        stream_index=stream.index,
        codec=_codec(stream),
        pixel_format=picture.pixel_format,
        coded_width=picture.width,
        coded_height=picture.height,
        width=width,
        height=height,
        fps=average_fps(stream, gaps),
        is_variable_rate=is_uneven(gaps, stream.time_base or Fraction(1, av.time_base)),
        rotation_deg=picture.rotation_deg,
        is_mirrored=picture.is_mirrored,
        sample_aspect_ratio=sar,
        is_interlaced=picture.is_interlaced,
        audio=audio_streams(container, encrypted),
        lost_before_s=picture.lost_before_s,
        warnings=picture.warnings + warnings,
    )


def _codec(stream: VideoStream) -> str:
    """Return the codec's own name, e.g. "av1" where the decoder is called libdav1d."""
    return stream.codec_context.codec.canonical_name
