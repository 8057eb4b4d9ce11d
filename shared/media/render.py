"""The reel: an edit list and its source become one MP4. It decides nothing: what is shown is in the edit list."""

from __future__ import annotations  # Packet is generic for the type checker only

import heapq
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
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
from shared.domain.video import Video
from shared.errors import BadVideo
from shared.log import event
from shared.media.frame_rate import reel_fps
from shared.media.picture import EncodeSettings, add_picture, encode_picture
from shared.media.reel_file import reel_file
from shared.media.sound import SoundClip, add_sound, encode_sound, reel_sound, silenced, sound_clips, sound_stream
from shared.media.source import open_source
from shared.media.stream_copy import add_copy, copied_clips, copy_picture, why_not_copy
from shared.media.timeline import Damage, came_on_s

log = logging.getLogger(__name__)

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
    heard = Damage()
    work = _Work(what=_stream(video), how=f"by {edit_list.render}")
    with (
        open_source(file, name=name) as pictures,
        open_source(file, name=name) as sounds,
        ExitStack() as more,
        reel_file(path, kind="mp4", name=name, doing=lambda: f"rendering {work.what} {work.how}") as output,
    ):
        began_s, seen = write(
            _Decks(pictures, lambda: more.enter_context(open_source(file, name=name))),
            sounds,
            video,
            edit_list,
            output,
            settings or EncodeSettings(),
            on_progress or _ignore,
            name,
            heard,
            work,
        )
    rendered = _measured(path, video, began_s, warnings=seen + silenced(heard))
    work.ended(rendered)
    return rendered


class _Decks:
    """The source opened for the picture: once, and again when two clips have to be shown together."""

    def __init__(self, first: InputContainer, open_another: Callable[[], InputContainer]) -> None:
        self.first = first
        self._open_another = open_another
        self._is_first_taken = False

    def open(self) -> InputContainer:
        if self._is_first_taken:
            return self._open_another()
        self._is_first_taken = True
        return self.first


class _Work:
    """What is being done, for the log and for messages."""

    def __init__(self, *, what: str, how: str) -> None:
        self.what = what
        self.how = how
        self._began_at = time.monotonic()

    def began(self, how: str) -> None:
        self.how = how
        log.info("rendering %s %s", self.what, how, extra=event("render_began"))

    def ended(self, made: Rendered) -> None:
        elapsed_s = max(time.monotonic() - self._began_at, 1e-3)
        log.info(
            "rendered %d frames, %.1f s of reel, in %.1f s: %.1f x real time",
            made.frames,
            made.duration_s,
            elapsed_s,
            made.duration_s / elapsed_s,
            extra=event("render_ended", elapsed_s=round(elapsed_s, 3)),
        )


def _stream(video: Video) -> str:
    return (
        f"stream {video.stream_index} ({video.codec}, {video.pixel_format}, {video.coded_width}x{video.coded_height})"
    )


def _write_encode(
    decks: _Decks,
    sounds: InputContainer,
    video: Video,
    edit_list: EditList,
    output: OutputContainer,
    settings: EncodeSettings,
    on_progress: Progress,
    name: str,
    heard: Damage,
    work: _Work,
) -> tuple[tuple[float, ...], tuple[str, ...]]:
    """Write the reel; return when each clip's first frame came on in the source, and warnings about the picture."""
    seen = Damage()
    fps = reel_fps(video, max_fps=settings.max_fps)
    clips = lay_out(edit_list, fps, lambda t_s: came_on_s(decks.first, video, t_s))
    total = max(1, *(clip.first_frame + clip.frames for clip in clips))
    stream = add_picture(output, video, fps, settings)
    clips_heard = sound_clips((clip.start_s for clip in clips), (clip.frames / fps for clip in clips))
    encoder = f"{settings}, {fps} fps, joins by {edit_list.join.kind}"
    picture = encode_picture(
        decks.open,
        video,
        clips,
        stream,
        fps=fps,
        join=edit_list.join.kind,
        name=name,
        damage=seen,
        on_graph=lambda graph: work.began(f"by encode (filters: {graph}; {encoder})"),
        on_frame=lambda done: on_progress(done / total),
    )
    _mux(output, picture, _sound(sounds, video, clips_heard, output, settings, heard))
    return tuple(clip.start_s for clip in clips), _damaged(seen)


def _write_copy(
    decks: _Decks,
    sounds: InputContainer,
    video: Video,
    edit_list: EditList,
    output: OutputContainer,
    settings: EncodeSettings,
    on_progress: Progress,
    name: str,
    heard: Damage,
    work: _Work,
) -> tuple[tuple[float, ...], tuple[str, ...]]:
    """Write the reel; return when each clip's first frame came on in the source, and warnings about the picture."""
    why_not = why_not_copy(video)
    if why_not is not None:
        raise BadVideo("render_failed", f"{name}: cannot be copied: {why_not}; render with `encode`.")
    source = decks.first.streams[video.stream_index]
    assert isinstance(source, VideoStream)
    work.began("by copy (no filters, no encoder)")
    base = source.time_base or Fraction(1, av.time_base)
    stream = add_copy(output, source)
    clips_heard = sound_clips(
        (clip.actual.start_s for clip in edit_list.clips), (clip.actual.duration_s for clip in edit_list.clips)
    )
    starts: list[bool] = []
    total = max(1, round(edit_list.duration_s / base))
    picture = copy_picture(
        decks.first,
        video,
        copied_clips(edit_list, video, base),
        stream,
        name=name,
        damage=Damage(),
        clean_starts=starts,
        on_packet=lambda pts: on_progress(min(1.0, max(0.0, pts / total))),
    )
    _mux(output, picture, _sound(sounds, video, clips_heard, output, settings, heard))
    return tuple(clip.actual.start_s for clip in edit_list.clips), _open_gops(starts)


def _sound(
    container: InputContainer,
    video: Video,
    clips: tuple[SoundClip, ...],
    output: OutputContainer,
    settings: EncodeSettings,
    damage: Damage,
) -> Iterator[Packet[AudioStream]]:
    """Add the sound stream and return its packets; none for a source without sound."""
    source = sound_stream(container, video)
    if source is None:
        return iter(())
    stream = add_sound(output, bitrate_bps=settings.audio_bitrate_bps)
    return encode_sound(reel_sound(container, source, video, clips, damage=damage), stream)


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
