"""The reel: an edit list and its source become one MP4. It decides nothing: what is shown is in the edit list."""

from __future__ import annotations  # Packet is generic for the type checker only

import heapq
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from threading import Event
from typing import BinaryIO

import av
from av.audio.stream import AudioStream
from av.container import InputContainer, OutputContainer
from av.packet import Packet
from av.video.stream import VideoStream

from shared.domain.edit_list import EditList
from shared.domain.reel_pieces import reel_pieces
from shared.domain.reel_time import lay_out
from shared.domain.sound import missing_language
from shared.domain.video import Video
from shared.errors import BadVideo, CannotCopy
from shared.log import event
from shared.media.ahead import Check, ahead
from shared.media.encoder import EncodeSettings, add_picture
from shared.media.frame_rate import reel_fps
from shared.media.loudness import mastered
from shared.media.painter import BT709, Colours, kept_colours
from shared.media.picture import Encoding
from shared.media.projector import Projector
from shared.media.reel_file import reel_file
from shared.media.sound import (
    Block,
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
from shared.media.source import Turns, open_source
from shared.media.stream_copy import add_copy, copied_clips, copy_picture, why_not_copy
from shared.media.timeline import Damage, came_on_s, frames_from, indexed_keyframes_s

log = logging.getLogger(__name__)

PACKETS_AHEAD = 256  # of each worker, while the sound is measured: 64 MB of the largest there are
HELD_S = 0.25  # of the last picture: containers and cameras round more than that off a film's end
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

    Raises BadVideo `corrupt` when no picture of a clip can be decoded, `render_failed` when the reel cannot be made
    (CannotCopy when encoding it helps), and TryAgain when there is no room for it.
    """
    if not edit_list.clips or edit_list.duration_s <= 0:
        raise BadVideo("render_failed", f"{name}: the edit list is empty; choose at least one clip.")
    diary = _Diary(what=_stream(video), how=f"by {edit_list.render}")
    heard = Damage()
    turns = Turns()
    with (
        ExitStack() as sources,
        reel_file(path, kind="mp4", name=name, doing=lambda: f"rendering {diary.what} {diary.how}") as output,
        ExitStack() as threads,  # ended before what they use is closed
    ):
        work = _Work(
            video=video,
            edit_list=edit_list,
            settings=settings or EncodeSettings(),
            sound=sound or SoundSettings(),
            name=name,
            output=output,
            open=lambda: sources.enter_context(open_source(file, name=name, turns=turns)),
            threads=threads,
            unwanted=Event(),
            tell=_Progress(on_progress or _ignore),
            diary=diary,
        )
        picture = _copied(work) if edit_list.render == "copy" else _encoded(work)
        track = _Track(work, picture.clips_heard, heard)
        _mux(output, picture, track.packets, work.tell)
    rendered = _measured(path, video, picture.began_s, warnings=track.warnings + picture.warnings() + silenced(heard))
    diary.ended(rendered)
    return rendered


class _Diary:
    """What is being done, for the log and for messages."""

    def __init__(self, *, what: str, how: str) -> None:
        self.what = what
        self.how = how
        self._began_at = time.monotonic()

    def began(self, how: str) -> None:
        if how != self.how:  # every worker tells
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


class _Progress:
    """Puts together how far the measuring of the sound and the picture are; told by one thread only."""

    def __init__(self, on_progress: Progress) -> None:
        self.measured = 0.0
        """Share of the sound that has been measured; set by any thread."""
        self._pictured = 0.0
        self._on_progress = on_progress

    def pictured(self, share: float) -> None:
        self._pictured = min(1.0, max(self._pictured, share))
        self.tell()

    def tell(self) -> None:
        measured = 1.0 if self._pictured == 1 else self.measured
        self._on_progress(MEASURING_SHARE * measured + (1 - MEASURING_SHARE) * self._pictured)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Work:
    """A reel to be made, and where it goes."""

    video: Video
    edit_list: EditList
    settings: EncodeSettings
    sound: SoundSettings
    name: str
    output: OutputContainer
    open: Callable[[], InputContainer]
    """Opens the source once more, each for one thread; all are closed together."""
    threads: ExitStack
    """What is in it ends before anything is closed ..."""
    unwanted: Event
    """... and all of it as soon as the first has to."""
    tell: _Progress
    diary: _Diary


@dataclass(frozen=True, slots=True, kw_only=True)
class _Picture:
    """A reel's picture on its way."""

    packets: Iterator[Packet[VideoStream]]
    duration_s: float
    clips_heard: tuple[SoundClip, ...]
    """Where its sound lies."""
    began_s: tuple[float, ...]
    """When the first frame of each clip came on, in source time."""
    warnings: Callable[[], tuple[str, ...]]
    """To be asked for at the end."""


def _stream(video: Video) -> str:
    return (
        f"stream {video.stream_index} ({video.codec}, {video.pixel_format}, {video.coded_width}x{video.coded_height})"
    )


def _encoded(work: _Work) -> _Picture:
    first = work.open()
    fps, join = reel_fps(work.video, max_fps=work.settings.max_fps), work.edit_list.join.kind
    clips = lay_out(work.edit_list, fps, lambda t_s: _told(work.tell, came_on_s(first, work.video, t_s)))
    colours = _colours(first, work.video, clips[0].start_s)
    pieces = reel_pieces(clips, fps, join=join, keyframes_s=indexed_keyframes_s(first, work.video))
    encoding = Encoding(pieces, work.settings, fps=fps, join=join)
    encoder = f"{work.settings}, {fps} fps, joins by {join}"

    many = max(1, min(work.settings.encoder_threads, len(pieces)))
    seen = [Damage() for _ in range(many)]
    shows = [Projector(work.open, work.video, colours=colours, fps=fps, name=work.name, damage=each) for each in seen]

    def working(number: int) -> Callable[[Check], Iterator[Packet[VideoStream] | None]]:
        return lambda check: encoding.worker(
            number,
            shows[number],
            check,
            on_graph=lambda graph: work.diary.began(f"by encode (filters: {graph}; {encoder})"),
        )

    stream = add_picture(work.output, work.video, fps, work.settings)
    stream.codec_context.colorspace, stream.codec_context.color_primaries = colours
    workers = [
        work.threads.enter_context(
            ahead(working(number), at_most=PACKETS_AHEAD, while_waiting=work.tell.tell, unwanted=work.unwanted)
        )
        for number in range(many)
    ]
    return _Picture(
        packets=encoding.packets(workers, stream),
        duration_s=float(max(clip.first_frame + clip.frames for clip in clips) / fps),
        clips_heard=encoded_clips(clips, fps),
        began_s=tuple(clip.start_s for clip in clips),
        warnings=lambda: _damaged(seen) + _held(sum(show.held_s for show in shows)),
    )


def _colours(container: InputContainer, video: Video, t_s: float) -> Colours:
    """Return the reel's colours, by the keyframe before its first picture."""
    keyframe = next(frames_from(container, video, t_s, threads=1), None)
    return kept_colours(keyframe) if keyframe is not None else (BT709, BT709)


def _copied(work: _Work) -> _Picture:
    why_not = why_not_copy(work.video)
    if why_not is not None:
        raise CannotCopy(work.name, why_not)
    work.diary.began("by copy (no filters, no encoder)")
    container = work.open()
    source = container.streams[work.video.stream_index]
    assert isinstance(source, VideoStream)
    base = source.time_base or Fraction(1, av.time_base)
    starts: list[bool] = []
    packets = copy_picture(
        container,
        work.video,
        copied_clips(work.edit_list, work.video, base),
        add_copy(work.output, source),
        name=work.name,
        damage=Damage(),
        clean_starts=starts,
    )
    return _Picture(
        packets=packets,
        duration_s=work.edit_list.duration_s,
        clips_heard=copied_clips_heard(work.edit_list),
        began_s=tuple(clip.actual.start_s for clip in work.edit_list.clips),
        warnings=lambda: _open_gops(starts),
    )


class _Track:
    """The reel's sound on its way, measured and encoded beside the picture."""

    def __init__(self, work: _Work, clips: tuple[SoundClip, ...], damage: Damage) -> None:
        self.warnings: tuple[str, ...] = ()
        """Complete once all packets have been taken."""
        self.packets: Iterator[Packet[AudioStream]] = iter(())
        container = work.open()
        source = sound_stream(container, work.video, work.sound.language)
        if source is None or not clips:
            return
        self.warnings = missing_language(work.video.audio, work.sound.language)
        stream = add_sound(work.output, bitrate_bps=work.sound.bitrate_bps)

        def play(damage: Damage) -> Iterator[Block]:
            return reel_sound(container, source, work.video, clips, damage=damage)

        def make(check: Check) -> Iterator[Packet[AudioStream]]:
            def measured(share: float) -> None:
                check()
                work.tell.measured = share

            blocks, said = mastered(play, clips[-1].beyond, work.sound, damage=damage, on_progress=measured)
            self.warnings += said
            yield from encode_sound(blocks, stream)

        self.packets = work.threads.enter_context(
            ahead(make, at_most=PACKETS_AHEAD, while_waiting=work.tell.tell, unwanted=work.unwanted)
        )


def _mux(output: OutputContainer, picture: _Picture, sound: Iterator[Packet[AudioStream]], tell: _Progress) -> None:
    """Write both in the order of their decoding times, so that the muxer has little to hold back."""
    packets: tuple[Iterator[Packet[VideoStream | AudioStream]], ...] = (picture.packets, sound)  # type: ignore[assignment]
    for packet in heapq.merge(*packets, key=_decoding_time):
        at_s = float(packet.pts * packet.time_base) if packet.pts is not None else 0.0
        output.mux(packet)
        tell.pictured(at_s / max(picture.duration_s, 1e-3))
    tell.pictured(1.0)


def _decoding_time(packet: Packet[VideoStream | AudioStream]) -> Fraction:
    return (packet.dts or 0) * packet.time_base


def _open_gops(clean_starts: list[bool]) -> tuple[str, ...]:
    dirty = clean_starts.count(False)
    return (f"open_gop: {dirty} clips begin at a keyframe that needs frames before it; some are lost",) if dirty else ()


def _damaged(seen: Sequence[Damage]) -> tuple[str, ...]:
    """Return the warning about what could not be decoded: without a count, as pieces may meet one place twice."""
    said = sorted(each.last_error for each in seen if each)
    return (f"damaged: parts of the reel's picture could not be decoded ({said[0]})",) if said else ()


def _held(held_s: float) -> tuple[str, ...]:
    if held_s <= HELD_S:
        return ()
    return (f"damaged: the source has no picture for {held_s:.1f} s of the reel; the last one before stays on screen",)


def _told(tell: _Progress, came_s: float) -> float:
    tell.tell()  # each clip is looked for, which may take long from afar; whoever wants to stop can
    return came_s


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
