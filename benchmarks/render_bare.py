"""The bare way: a reel by PyAV alone, in a plain loop.

It decodes what the spans need with all cores, scales, encodes every frame of the spans and their sound, and gives each
clip no more care than that: no turning, no colours, no constant rate, no faded or sample-exact joins, no damage
survived.
"""

from __future__ import annotations  # Generic streams are for the type checker only

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

import av
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.container import InputContainer, OutputContainer
from av.video.frame import PictureType, VideoFrame
from av.video.reformatter import Interpolation
from av.video.stream import VideoStream

Spans = Sequence[tuple[float, float]]
AddPicture = Callable[[OutputContainer], VideoStream]
"""Adds the picture stream, with its size and all settings of the encoder."""
RATE_HZ = 48_000
BITRATE_BPS = 160_000
EARLY_S = 0.002  # a time stamp may be rounded


def bare_reel(source: Path, spans: Spans, out: Path, add_picture: AddPicture, *, has_sound: bool) -> None:
    """Write the spans of a source (seconds on its own clock) to `out` as MP4."""
    with (
        av.open(str(source)) as container,
        av.open(str(out), "w", format="mp4", container_options={"movflags": "+faststart"}) as output,
    ):
        video = container.streams.video[0]
        video.thread_type = "AUTO"
        picture = add_picture(output)
        audio = container.streams.audio[0] if has_sound else None
        sound = output.add_stream("aac", rate=RATE_HZ, layout="stereo", bit_rate=BITRATE_BPS) if audio else None
        frames = samples = 0
        for start_s, end_s in spans:
            frames = _picture(container, video, output, picture, start_s, end_s, frames)
            if audio is not None and sound is not None:
                samples = _sound(container, audio, output, sound, start_s, end_s, samples)
        output.mux(picture.encode(None))
        if sound is not None:
            output.mux(sound.encode(None))


def _picture(
    container: InputContainer,
    source: VideoStream,
    output: OutputContainer,
    stream: VideoStream,
    start_s: float,
    end_s: float,
    done: int,
) -> int:
    """Encode one span's pictures and return how many the reel has by now."""
    container.seek(_ticks(source, start_s), stream=source)
    rate = source.average_rate or Fraction(30)
    for frame in container.decode(source):
        assert isinstance(frame, VideoFrame) and frame.time is not None
        if frame.time >= end_s - EARLY_S:
            break
        if frame.time < start_s - EARLY_S:
            continue
        scaled = frame.reformat(stream.width, stream.height, "yuv420p", interpolation=Interpolation.BICUBIC)
        scaled.pts, scaled.time_base, scaled.pict_type = done, 1 / rate, PictureType.NONE
        output.mux(stream.encode(scaled))
        done += 1
    return done


def _sound(
    container: InputContainer,
    source: AudioStream,
    output: OutputContainer,
    stream: AudioStream,
    start_s: float,
    end_s: float,
    done: int,
) -> int:
    """Encode one span's sound and return how many samples the reel has by now."""
    container.seek(_ticks(source, start_s), stream=source)
    resampler = AudioResampler(format="fltp", layout="stereo", rate=RATE_HZ)
    for frame in container.decode(source):
        assert isinstance(frame, AudioFrame) and frame.time is not None
        if frame.time >= end_s:
            break
        if frame.time < start_s:
            continue
        frame.pts = None
        for heard in resampler.resample(frame):
            heard.pts, heard.time_base = done, Fraction(1, RATE_HZ)
            done += heard.samples
            output.mux(stream.encode(heard))
    return done


def _ticks(stream: VideoStream | AudioStream, at_s: float) -> int:
    return int(at_s / (stream.time_base or Fraction(1, av.time_base)))
