"""The reel's sound: for every clip exactly its samples of the source, silence where there are none, soft joins, AAC."""

from __future__ import annotations  # Packet is generic for the type checker only

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import cast

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.container import InputContainer, OutputContainer
from av.packet import Packet
from numpy.typing import NDArray

from shared.domain.sound import default_first
from shared.domain.video import Media
from shared.media.source import describe, read_only
from shared.media.timeline import Damage, packets_before

RATE_HZ = 48_000
CHANNELS = 2
PRE_ROLL_S = 0.25  # several AAC files decode differently right after a seek; Opus asks for 80 ms
DRIFT_S = 0.008  # clocks of containers round (MKV: 1 ms); beyond this a time stamp is believed and a gap is real
FADE_S = 0.008  # a join without it clicks
BLOCK_S = 1.0  # silence is given in pieces of this length
Block = NDArray[np.float32]
"""Shape (channels, samples), in [-1, 1]."""


@dataclass(frozen=True, slots=True)
class SoundClip:
    """Where a clip lies in the reel's sound."""

    start_s: float
    """In source time."""
    samples: int


def sound_stream(container: InputContainer, media: Media) -> AudioStream | None:
    """Return the sound track of the reel: the default one, else the first that has a decoder; None without any."""
    known = default_first(media.audio)
    return next((s for a in known if isinstance(s := container.streams[a.index], AudioStream)), None)


def sound_clips(starts_s: Iterable[float], lengths_s: Iterable[Fraction | float]) -> tuple[SoundClip, ...]:
    """Return the clips on the sample grid; borders are rounded from the exact sums, so sound cannot leave picture."""
    clips: list[SoundClip] = []
    total_s: Fraction | float = Fraction(0)
    border = 0
    for start_s, length_s in zip(starts_s, lengths_s, strict=True):
        total_s += length_s
        beyond = round(total_s * RATE_HZ)
        clips.append(SoundClip(start_s, beyond - border))
        border = beyond
    return tuple(clips)


def reel_sound(
    container: InputContainer, stream: AudioStream, media: Media, clips: tuple[SoundClip, ...], *, damage: Damage
) -> Iterator[Block]:
    """Yield the sound of all clips in order: their samples and not one more or less."""
    for clip in clips:
        yield from _faded(clip_sound(container, stream, media, clip, damage=damage), clip.samples)


def clip_sound(
    container: InputContainer, stream: AudioStream, media: Media, clip: SoundClip, *, damage: Damage
) -> Iterator[Block]:
    """Yield exactly the clip's samples; where the source has no sound, silence."""
    done = 0
    origin_s = media.start_s + clip.start_s
    frames = decoded_sound(container, stream, origin_s - PRE_ROLL_S, damage)
    for at, block in placed(frames, origin_s, rate_hz=RATE_HZ, layout="stereo"):
        if at >= clip.samples:
            break
        if at > done:
            yield from silence(at - done)
            done = at
        fresh = block[:, done - at : clip.samples - at]
        if fresh.shape[1]:
            yield fresh
            done += fresh.shape[1]
        if done == clip.samples:
            return
    yield from silence(clip.samples - done)


def add_sound(output: OutputContainer, *, bitrate_bps: int) -> AudioStream:
    """Add the reel's sound stream: AAC, 48 kHz, stereo."""
    stream = output.add_stream("aac", rate=RATE_HZ, layout="stereo")
    stream.codec_context.bit_rate = bitrate_bps
    return stream


def encode_sound(blocks: Iterable[Block], stream: AudioStream) -> Iterator[Packet[AudioStream]]:
    """Yield the encoded sound. The encoder's priming has a negative time, which the muxer turns into an edit list."""
    at = 0
    for block in blocks:
        frame = AudioFrame.from_ndarray(np.ascontiguousarray(block), format="fltp", layout="stereo")
        frame.sample_rate = RATE_HZ
        frame.time_base = Fraction(1, RATE_HZ)
        frame.pts = at
        at += block.shape[1]
        yield from stream.encode(frame)
    yield from stream.encode(None)


def silenced(heard: Damage) -> tuple[str, ...]:
    """Return the warning about what could not be decoded; none when all could."""
    if not heard:
        return ()
    return (f"sound_failed: {heard.places} of the sound could not be decoded; there it is silent ({heard.last_error})",)


def decoded_sound(container: InputContainer, stream: AudioStream, at_s: float, damage: Damage) -> Iterator[AudioFrame]:
    """Yield the stream's frames from a packet at or before `at_s` on the container's clock; damage is passed over."""
    read_only(container, stream)
    for packet in packets_before(container, stream, at_s, damage=damage):
        try:
            yield from packet.decode()
        except EOFError:
            return
        except av.FFmpegError as error:
            damage.decode_errors += 1
            damage.last_error = describe(error)


def placed(frames: Iterable[AudioFrame], origin_s: float, *, rate_hz: int, layout: str) -> Iterator[tuple[int, Block]]:
    """Yield resampled blocks with where they start, in samples after `origin_s` (negative before it)."""
    resampler: AudioResampler | None = None
    heard: tuple[int, str, str] | None = None
    at = 0  # where the resampler's next sample lies
    expected_s = float("-inf")
    for frame in frames:
        start_s = frame.time if frame.time is not None else expected_s
        sounds = (frame.sample_rate, frame.format.name, frame.layout.name)
        if resampler is None or sounds != heard or abs(start_s - expected_s) > DRIFT_S:
            if resampler is not None:
                yield from _run(resampler, None, at)
            resampler = AudioResampler(format="fltp", layout=layout, rate=rate_hz)
            heard = sounds
            at = round((start_s - origin_s) * rate_hz)
            expected_s = start_s
        frame.pts = None  # the resampler would fill gaps by itself
        for placed in _run(resampler, frame, at):
            at = placed[0] + placed[1].shape[1]
            yield placed
        expected_s += frame.samples / frame.sample_rate
    if resampler is not None:
        yield from _run(resampler, None, at)


def _run(resampler: AudioResampler, frame: AudioFrame | None, at: int) -> Iterator[tuple[int, Block]]:
    for made in resampler.resample(frame):
        block = cast(Block, made.to_ndarray())  # "fltp"
        yield at, block
        at += block.shape[1]


def silence(samples: int) -> Iterator[Block]:
    """Yield so many samples of nothing."""
    piece = round(BLOCK_S * RATE_HZ)
    for begin in range(0, samples, piece):
        yield np.zeros((CHANNELS, min(piece, samples - begin)), np.float32)


def _faded(blocks: Iterable[Block], samples: int) -> Iterator[Block]:
    """Yield the blocks of a clip with a short ramp at both ends."""
    ramp = max(1, min(round(FADE_S * RATE_HZ), samples // 2))
    at = 0
    for block in blocks:
        n = block.shape[1]
        if at < ramp or at + n > samples - ramp:
            where = np.arange(at, at + n, dtype=np.float32)
            gain = np.minimum(1, np.minimum((where + 0.5) / ramp, (samples - where - 0.5) / ramp))
            block = block * gain.astype(np.float32)
        yield block
        at += n
