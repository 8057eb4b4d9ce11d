"""A source's sound as speech recognition wants it: one channel, 16 kHz, a function of the stretch alone."""

from __future__ import annotations  # Stream is generic for the type checker only

from dataclasses import dataclass
from typing import BinaryIO

import av
import numpy as np
from av.audio.stream import AudioStream
from numpy.typing import NDArray

from shared.domain.sound_level import LEVEL_STEP_S, SILENCE_DB
from shared.domain.video import Media
from shared.errors import BadVideo
from shared.media.sound import PRE_ROLL_S, decoded_sound, placed, sound_stream
from shared.media.source import describe, open_source
from shared.media.timeline import Damage

SPEECH_RATE_HZ = 16_000

Samples = NDArray[np.float32]
"""Shape (samples,), in [-1, 1], at SPEECH_RATE_HZ."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SoundTrack:
    """The sound stream to listen to, and where source time 0 lies on the container's clock."""

    stream_index: int
    start_s: float
    """The picture's first shown frame; of a source without picture, the first sample."""


def speech_track(file: BinaryIO, media: Media, *, name: str, language: str | None = None) -> SoundTrack | None:
    """Return the sound track that the reel of `language` (ISO 639, None for the default one) uses too; or None."""
    with open_source(file, name=name) as container:
        stream = sound_stream(container, media, language)
        return SoundTrack(stream_index=stream.index, start_s=media.start_s) if stream is not None else None


def hear(
    file: BinaryIO, track: SoundTrack, *, start_s: float, end_s: float, name: str, damage: Damage | None = None
) -> Samples:
    """Return the samples of [start_s, end_s) of source time, silence where the source has none.

    The same stretch is the same samples, bit for bit, whatever was heard before: a decoder's output depends on where
    it began (several common AAC files differ for a whole window), so each stretch opens the file, seeks and resamples
    afresh. What cannot be decoded is counted in `damage` and silent. Raises BadVideo `no_sound` when the track is none.
    """
    heard = np.zeros(max(0, round((end_s - start_s) * SPEECH_RATE_HZ)), np.float32)
    damage = damage if damage is not None else Damage()
    origin_s = track.start_s + start_s
    with open_source(file, name=name) as container:
        stream = container.streams[track.stream_index] if track.stream_index < len(container.streams) else None
        if not isinstance(stream, AudioStream):
            raise BadVideo("no_sound", f"{name}: stream {track.stream_index} is no sound that can be decoded.")
        frames = decoded_sound(container, stream, origin_s - PRE_ROLL_S, damage)
        try:
            for at, block in placed(frames, origin_s, rate_hz=SPEECH_RATE_HZ, layout="mono"):
                if at >= len(heard):
                    break
                begin, end = max(0, at), min(len(heard), at + block.shape[1])
                if begin < end:
                    heard[begin:end] = block[0, begin - at : end - at]
                    damage.heard_samples += end - begin
        except (
            av.FFmpegError
        ) as error:  # the demuxer has given up; what the storage raised still comes out of the block
            damage.read_errors += 1
            damage.last_error = describe(error)
    return heard


def sound_levels_db(samples: Samples) -> tuple[float, ...]:
    """Return how loud each `LEVEL_STEP_S` of the samples is, RMS in dB below full scale; the last may be shorter."""
    if not len(samples):
        return ()
    step = round(LEVEL_STEP_S * SPEECH_RATE_HZ)
    starts = np.arange(0, len(samples), step)
    lengths = np.diff(np.append(starts, len(samples)))
    power = np.add.reduceat(samples.astype(np.float64) ** 2, starts) / lengths
    return tuple(float(level) for level in np.round(10 * np.log10(np.maximum(power, 10 ** (SILENCE_DB / 10))), 1))
