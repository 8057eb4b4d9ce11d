"""The reel: an edit list and its source become one MP4. It decides nothing: what is shown is in the edit list."""

from __future__ import annotations  # Packet is generic for the type checker only

import heapq
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO

import av
from av.audio.stream import AudioStream
from av.container import InputContainer, OutputContainer
from av.packet import Packet
from av.video.stream import VideoStream

from shared.domain.edit_list import EditList
from shared.domain.reel_time import lay_out
from shared.domain.sound import missing_language
from shared.domain.video import Video
from shared.errors import BadVideo
from shared.media.frame_rate import reel_fps
from shared.media.loudness import mastered
from shared.media.picture import EncodeSettings, add_picture, encode_picture
from shared.media.reel_file import reel_file
from shared.media.sound import (
    SoundClip,
    SoundSettings,
    add_sound,
    copied_clips_heard,
    encode_sound,
    encoded_clips,
    reel_sound,
    silenced,
    sound_stream,
)
from shared.media.source import open_source
from shared.media.stream_copy import add_copy, copied_clips, copy_picture, why_not_copy
from shared.media.timeline import Damage, came_on_s

MEASURING_SHARE = 0.05  # of the progress: how loud the sound is has to be known before anything is encoded
Progress = Callable[[float], None]
"""Is told which share of the reel is done, in [0, 1]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """What was written, measured in the file."""

    duration_s: float
    """Of the picture."""
    width: int
    height: int
    fps: Fraction
    frames: int
    has_sound: bool
    began_s: tuple[float, ...]
    """When the first frame of each clip came on, in source time."""
    warnings: tuple[str, ...] = ()
    """In the form of Video.warnings."""


def render_reel(
    file: BinaryIO,
    video: Video,
    edit_list: EditList,
    path: Path,
    *,
    settings: EncodeSettings | None = None,
    sound: SoundSettings | None = None,
    on_progress: Progress | None = None,
    name: str = "the source",
) -> Rendered:
    """Write the reel to `path` as MP4, whatever its name, and return what it is; nothing is left there on failure.

    Raises BadVideo `corrupt` when no picture of a clip can be decoded, `render_failed` when the reel cannot be made,
    and TryAgain when there is no room for it.
    """
    if not edit_list.clips or edit_list.duration_s <= 0:
        raise BadVideo("render_failed", f"{name}: the edit list is empty; choose at least one clip.")
    write = _write_copy if edit_list.render == "copy" else _write_encode
    sound = sound or SoundSettings()
    tell = on_progress or _ignore
    heard = Damage()
    size = f"{video.coded_width}x{video.coded_height}"
    what = f"stream {video.stream_index} ({video.codec}, {video.pixel_format}, {size})"
    doing = f"rendering {what} by {edit_list.render}"
    with (
        open_source(file, name=name) as pictures,
        open_source(file, name=name) as sounds,
        reel_file(path, kind="mp4", name=name, doing=doing) as output,
    ):
        began_s, seen = write(
            pictures,
            sounds,
            video,
            edit_list,
            output,
            settings or EncodeSettings(),
            sound,
            tell,
            name,
            heard,
        )
    return _measured(path, video, began_s, warnings=seen + silenced(heard))


def _write_encode(
    pictures: InputContainer,
    sounds: InputContainer,
    video: Video,
    edit_list: EditList,
    output: OutputContainer,
    settings: EncodeSettings,
    sound: SoundSettings,
    on_progress: Progress,
    name: str,
    heard: Damage,
) -> tuple[tuple[float, ...], tuple[str, ...]]:
    """Write the reel; return when each clip's first frame came on in the source, and warnings about the picture."""
    seen = Damage()
    fps = reel_fps(video, max_fps=settings.max_fps)
    clips = lay_out(edit_list, fps, lambda t_s: came_on_s(pictures, video, t_s))
    total = max(1, sum(clip.frames for clip in clips))
    stream = add_picture(output, video, fps, settings)
    track, said = _sound(sounds, video, encoded_clips(clips, fps), output, sound, heard, on_progress)
    picture = encode_picture(
        pictures,
        video,
        clips,
        stream,
        fps=fps,
        name=name,
        damage=seen,
        on_frame=lambda done: on_progress(_after_measuring(done / total)),
    )
    _mux(output, picture, track)
    return tuple(clip.start_s for clip in clips), said + _damaged(seen)


def _write_copy(
    pictures: InputContainer,
    sounds: InputContainer,
    video: Video,
    edit_list: EditList,
    output: OutputContainer,
    settings: EncodeSettings,
    sound: SoundSettings,
    on_progress: Progress,
    name: str,
    heard: Damage,
) -> tuple[tuple[float, ...], tuple[str, ...]]:
    """Write the reel; return when each clip's first frame came on in the source, and warnings about the picture."""
    why_not = why_not_copy(video)
    if why_not is not None:
        raise BadVideo("render_failed", f"{name}: cannot be copied: {why_not}; render with `encode`.")
    source = pictures.streams[video.stream_index]
    assert isinstance(source, VideoStream)
    base = source.time_base or Fraction(1, av.time_base)
    stream = add_copy(output, source)
    track, said = _sound(sounds, video, copied_clips_heard(edit_list), output, sound, heard, on_progress)
    starts: list[bool] = []
    total = max(1, round(edit_list.duration_s / base))
    picture = copy_picture(
        pictures,
        video,
        copied_clips(edit_list, video, base),
        stream,
        name=name,
        damage=Damage(),
        clean_starts=starts,
        on_packet=lambda pts: on_progress(_after_measuring(min(1.0, max(0.0, pts / total)))),
    )
    _mux(output, picture, track)
    return tuple(clip.actual.start_s for clip in edit_list.clips), said + _open_gops(starts)


def _sound(
    container: InputContainer,
    video: Video,
    clips: tuple[SoundClip, ...],
    output: OutputContainer,
    sound: SoundSettings,
    damage: Damage,
    on_progress: Progress,
) -> tuple[Iterator[Packet[AudioStream]], tuple[str, ...]]:
    """Add the sound stream and return its packets, none for a source without sound, and warnings."""
    source = sound_stream(container, video, sound.language)
    if source is None or not clips:
        return iter(()), ()
    stream = add_sound(output, bitrate_bps=sound.bitrate_bps)
    blocks, warnings = mastered(
        lambda damage: reel_sound(container, source, video, clips, damage=damage),
        clips[-1].beyond,
        sound,
        damage=damage,
        on_progress=lambda share: on_progress(MEASURING_SHARE * share),
    )
    return encode_sound(blocks, stream), missing_language(video.audio, sound.language) + warnings


def _after_measuring(share: float) -> float:
    return MEASURING_SHARE + (1 - MEASURING_SHARE) * share


def _mux(output: OutputContainer, picture: Iterator[Packet[VideoStream]], sound: Iterator[Packet[AudioStream]]) -> None:
    """Write both in the order of their decoding times, so that the muxer has little to hold back."""
    packets: tuple[Iterator[Packet[VideoStream | AudioStream]], ...] = (picture, sound)  # type: ignore[assignment]
    for packet in heapq.merge(*packets, key=_decoding_time):
        output.mux(packet)


def _decoding_time(packet: Packet[VideoStream | AudioStream]) -> Fraction:
    return (packet.dts or 0) * packet.time_base


def _open_gops(clean_starts: list[bool]) -> tuple[str, ...]:
    dirty = clean_starts.count(False)
    return (f"open_gop: {dirty} clips begin at a keyframe that needs frames before it; some are lost",) if dirty else ()


def _damaged(seen: Damage) -> tuple[str, ...]:
    if not seen:
        return ()
    return (f"damaged: {seen.places} of the reel's picture could not be decoded ({seen.last_error})",)


def _measured(path: Path, video: Video, began_s: tuple[float, ...], *, warnings: tuple[str, ...]) -> Rendered:
    with av.open(f"file:{path.absolute()}") as reel:
        stream = reel.streams.video[0]
        base = stream.time_base or Fraction(1, av.time_base)
        return Rendered(
            duration_s=float((stream.duration or 0) * base),
            width=stream.width,
            height=stream.height,
            fps=stream.average_rate or video.fps,
            frames=stream.frames,
            has_sound=bool(reel.streams.audio),
            began_s=began_s,
            warnings=warnings,
        )


def _ignore(_: float) -> None:
    pass
