"""A film put together from stretches of clips: how the sample is made from what packages carry."""

from __future__ import annotations  # Packet is generic for the type checker only

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil
from pathlib import Path

from av.container import OutputContainer
from av.packet import Packet
from av.video.stream import VideoStream

from shared.domain.span import Span
from shared.errors import BadVideo
from shared.media.filter_chain import Step
from shared.media.probe import probe, probe_media
from shared.media.reel_file import reel_file
from shared.media.sound import RATE_HZ, Block, SoundClip, add_sound, clip_sound, encode_sound, silence, sound_stream
from shared.media.source import open_source
from shared.media.timeline import Damage, shown_at

BITRATE_BPS = 96_000
KEYFRAME_EVERY_S = 1
OPTIONS = {"crf": "28", "preset": "veryfast"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A stretch of a clip's picture, and what is heard meanwhile."""

    clip: Path
    span: Span
    """In the clip's time, from its first shown frame."""
    speed: float = 1.0
    """0.5 shows it in twice the time."""
    crop: tuple[float, float, float, float] = (0.0, 0.0, 1.0, 1.0)
    """(left, top, right, bottom) of what is shown, as shares of the picture."""
    speech: Path | None = None
    """A recording that is heard, as long as the part lasts; silence without one."""
    speech_from_s: float = 0.0
    """Where in the recording the part begins; a negative time is silence before it."""

    @property
    def duration_s(self) -> float:
        return self.span.duration_s / self.speed


def write_film(path: Path, parts: Sequence[Part], *, size: tuple[int, int], fps: Fraction) -> None:
    """Write the parts, one after the other, as MP4 (H.264, AAC); each fills the picture of `size` (width, height).

    Raises BadVideo when a clip or a recording cannot be decoded; nothing is left at `path` then.
    """
    with reel_file(path, kind="mp4", name=path.name, doing="putting it together") as output:
        picture = _add_picture(output, size, fps)
        sound = add_sound(output, bitrate_bps=BITRATE_BPS)
        first = 0
        for part in parts:
            for packet in _picture(part, picture, first=first, size=size, fps=fps):
                output.mux(packet)
            first += _frames(part, fps)
        for packet in picture.encode(None):
            output.mux(packet)
        blocks = (block for part in parts for block in _sound(part, round(_frames(part, fps) / fps * RATE_HZ)))
        for heard in encode_sound(blocks, sound):
            output.mux(heard)


def _frames(part: Part, fps: Fraction) -> int:
    return max(1, round(part.duration_s * fps))


def _add_picture(output: OutputContainer, size: tuple[int, int], fps: Fraction) -> VideoStream:
    stream = output.add_stream("libx264", rate=fps, options=OPTIONS)
    stream.width, stream.height = size
    stream.pix_fmt = "yuv420p"
    stream.codec_context.gop_size = ceil(KEYFRAME_EVERY_S * fps)
    stream.codec_context.time_base = 1 / fps
    return stream


def _picture(
    part: Part, stream: VideoStream, *, first: int, size: tuple[int, int], fps: Fraction
) -> Iterator[Packet[VideoStream]]:
    """Yield the encoded frames of a part whose first one is the film's frame `first`."""
    with part.clip.open("rb") as file, open_source(file, name=part.clip.name) as container:
        video = probe(file, name=part.clip.name)
        count = _frames(part, fps)
        times_s = (part.span.start_s + part.speed * float(n / fps) for n in range(count))
        shown = 0
        for _, each in shown_at(container, video, times_s, steps=_filling(part, size)):
            each.frame.pts, each.frame.time_base = first + shown, 1 / fps
            shown += 1
            yield from stream.encode(each.frame)
    if shown < count:
        raise BadVideo("corrupt", f"{part.clip.name}: it ends after {shown} of {count} pictures.")


def _filling(part: Part, size: tuple[int, int]) -> tuple[Step, ...]:
    left, top, right, bottom = part.crop
    width, height = size
    return (
        ("crop", f"iw*{right - left:.4f}:ih*{bottom - top:.4f}:iw*{left:.4f}:ih*{top:.4f}"),
        ("scale", f"{width}:{height}:force_original_aspect_ratio=increase:flags=bicubic:out_color_matrix=bt709"),
        ("crop", f"{width}:{height}"),
        ("setsar", "1"),
        ("format", "yuv420p"),
    )


def _sound(part: Part, samples: int) -> Iterator[Block]:
    if part.speech is None:
        yield from silence(samples)
        return
    with part.speech.open("rb") as file, open_source(file, name=part.speech.name) as container:
        media = probe_media(file, name=part.speech.name)
        stream = sound_stream(container, media)
        if stream is None:
            raise BadVideo("no_sound", f"{part.speech.name}: it has no sound that can be decoded.")
        clip = SoundClip(part.speech_from_s, samples)
        yield from clip_sound(container, stream, media, clip, damage=Damage())
