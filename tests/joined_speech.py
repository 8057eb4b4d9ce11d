"""Long speech of which every word is known: the recordings of single files, joined with quiet noise between them."""

from __future__ import annotations  # Stream is generic for the type checker only

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import cast

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from numpy.typing import NDArray

Samples = NDArray[np.float32]
"""Shape (samples,), one channel."""
RATE_HZ = 16_000
SPEECH = ("libri_long_1spk.m4a", "dialogue_3spk.m4a", "jfk.flac", "librivox_0870.wav", "librivox_0890.wav",
          "librivox_0920.wav", "de_34s.wav", "es_49s.wav", "ja_28s.wav", "ru.wav")  # fmt: skip
"""Every recording whose words are known."""
ENGLISH = SPEECH[:6]
GAPS_S = (0.2, 3.0)
LEVELS_DB = (-18.0, -9.0, 0.0)
ROOM_NOISE = 10 ** (-60 / 20)
CODECS = {".m4a": "aac", ".mp4": "aac", ".ts": "aac", ".mp3": "libmp3lame", ".flac": "flac", ".wav": "pcm_s16le",
          ".webm": "libopus", ".mkv": "libopus", ".ogg": "libopus"}  # fmt: skip
BLOCK = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A recording inside a longer one."""

    name: str
    start_s: float
    end_s: float
    text: str
    """Every word of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinedSpeech:
    """A long recording, and what is said in it, in order."""

    path: Path
    said: tuple[Said, ...]

    @property
    def text(self) -> str:
        return " ".join(each.text for each in self.said)


def joined_speech(
    out: Path, speech: Path, *, seconds: float = 1800.0, names: Sequence[str] = SPEECH, rate_hz: int = RATE_HZ
) -> JoinedSpeech:
    """Write recordings of the folder `speech` one after the other until `seconds` are full, and return what is said.

    Gaps of quiet room noise, levels and the order of every round differ, but are the same at every call. What is
    written is one channel in the codec that the name of `out` asks for; an existing file is not written again.
    """
    samples, said = _joined({name: read_speech(speech / name) for name in names}, speech, seconds)
    if not out.exists():
        write_speech(out, samples, rate_hz=rate_hz)
    return JoinedSpeech(path=out, said=said)


def read_speech(path: Path) -> Samples:
    """Return the file's sound, one channel at RATE_HZ."""
    resampler = AudioResampler(format="fltp", layout="mono", rate=RATE_HZ)
    with av.open(str(path)) as container:
        frames = (each for frame in container.decode(container.streams.audio[0]) for each in resampler.resample(frame))
        blocks = [frame.to_ndarray()[0] for frame in frames]
        blocks += [frame.to_ndarray()[0] for frame in resampler.resample(None)]
    return np.concatenate(blocks).astype(np.float32)


def write_speech(path: Path, samples: Samples, *, rate_hz: int = RATE_HZ, layout: str = "mono") -> Path:
    """Write the sound in the codec that the file's name asks for and return where; 5.1 has it in the centre alone."""
    with av.open(str(path), "w") as output:
        stream = cast(AudioStream, output.add_stream(CODECS[path.suffix], rate=rate_hz, layout=layout))
        context = stream.codec_context
        context.open()  # says how many samples a frame has, as the resampler must know
        resampler = AudioResampler(
            format=context.format, layout=layout, rate=rate_hz, frame_size=context.frame_size or BLOCK
        )
        for frame in (*_frames(samples, layout), None):
            for each in resampler.resample(frame):
                output.mux(stream.encode(each))
        output.mux(stream.encode(None))
    return path


def _frames(samples: Samples, layout: str) -> Iterator[AudioFrame]:
    channels = {"mono": 1, "stereo": 2, "5.1": 6}[layout]
    for begin in range(0, len(samples), RATE_HZ):
        block = samples[begin : begin + RATE_HZ]
        planes = np.zeros((channels, len(block)), np.float32)
        planes[[2] if channels == 6 else slice(None)] = block  # FL FR FC LFE BL BR
        frame = AudioFrame.from_ndarray(planes, format="fltp", layout=layout)
        frame.sample_rate, frame.time_base, frame.pts = RATE_HZ, Fraction(1, RATE_HZ), begin
        yield frame


def _joined(sounds: dict[str, Samples], speech: Path, seconds: float) -> tuple[Samples, tuple[Said, ...]]:
    random = np.random.default_rng(8)
    length = round(seconds * RATE_HZ)
    joined = (random.standard_normal(length) * ROOM_NOISE).astype(np.float32)
    said: list[Said] = []
    at = 0
    while at < length:
        for name in random.permutation(list(sounds)):
            at += round(random.uniform(*GAPS_S) * RATE_HZ)
            level = 10 ** (random.choice(LEVELS_DB) / 20)
            sound = sounds[str(name)]
            if at + len(sound) > length:
                return joined, tuple(said)
            joined[at : at + len(sound)] += sound * np.float32(level)
            text = (speech / str(name)).with_suffix(".txt").read_text("utf-8").strip()
            said.append(Said(name=str(name), start_s=at / RATE_HZ, end_s=(at + len(sound)) / RATE_HZ, text=text))
            at += len(sound)
    return joined, tuple(said)
