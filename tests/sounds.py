"""Sounds to make reels of, and a meter that is not the renderer's own: libav's loudness with its true peaks."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import log10
from pathlib import Path
from typing import cast

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.filter import Graph
from numpy.typing import NDArray

Sound = NDArray[np.float32]
"""Shape (channels, samples)."""
RATE_HZ = 48_000


def write_wav(path: Path, sound: Sound, *, layout: str = "stereo", rate_hz: int = RATE_HZ) -> Path:
    """Write the sound as it is (32-bit float) and return where."""
    with av.open(str(path), "w", format="wav") as output:
        stream = output.add_stream("pcm_f32le", rate=rate_hz, layout=layout)
        for begin in range(0, sound.shape[1], rate_hz):
            packed = np.ascontiguousarray(sound[:, begin : begin + rate_hz].T, np.float32).reshape(1, -1)
            frame = AudioFrame.from_ndarray(packed, format="flt", layout=layout)
            frame.sample_rate, frame.time_base, frame.pts = rate_hz, Fraction(1, rate_hz), begin
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return path


def read_sound(path: Path) -> Sound:
    """Return the file's sound from its time 0 on, as a player decodes it, all channels."""
    with av.open(str(path)) as container:
        pieces = []
        for frame in container.decode(container.streams.audio[0]):
            samples = cast(Sound, frame.to_ndarray())
            early = max(0, -round((frame.time or 0) * frame.sample_rate))
            pieces.append(samples[:, early:])
    return np.concatenate(pieces, axis=1)


@dataclass(frozen=True, kw_only=True)
class Heard:
    """What the meter says of a sound."""

    lufs: float
    dbtp: float


def metered(sound: Sound) -> Heard:
    """Return the stereo sound's integrated loudness and true peak, by EBU R 128."""
    graph = Graph()
    source = graph.add_abuffer(sample_rate=RATE_HZ, format="fltp", layout="stereo", time_base=Fraction(1, RATE_HZ))
    meter = graph.add("ebur128", "metadata=1:framelog=quiet:peak=true")
    graph.link_nodes(source, meter, graph.add("abuffersink"))
    graph.configure()
    lufs, peak = -70.0, 1e-9
    silent_end = np.zeros((2, RATE_HZ // 5), np.float32)  # the last tenth of a second is measured when it is full
    for block in (sound, silent_end):
        frame = AudioFrame.from_ndarray(np.ascontiguousarray(block), format="fltp", layout="stereo")
        frame.sample_rate, frame.time_base = RATE_HZ, Fraction(1, RATE_HZ)
        graph.push(frame)
        while True:
            try:
                said = graph.pull().metadata
            except (av.BlockingIOError, av.EOFError):
                break
            lufs = float(said.get("lavfi.r128.I", lufs))
            peak = max([peak, *(float(value) for key, value in said.items() if "true_peaks_ch" in key)])
    return Heard(lufs=lufs, dbtp=20 * log10(peak))


VOICELESS_RATE_HZ = 16_000
VOICELESS = ("silence", "room", "white", "pink", "hum", "knocks", "chords", "drums", "arpeggios", "sung_vowel", "band")
"""Sounds in which nobody says anything."""


def voiceless(name: str, seconds: float, *, level_db: float = -20.0, seed: int = 1) -> NDArray[np.float32]:
    """Return one of VOICELESS, shape (samples,) at VOICELESS_RATE_HZ, of that RMS level below full scale."""
    n = round(seconds * VOICELESS_RATE_HZ)
    random = np.random.default_rng(seed)
    t = np.arange(n) / VOICELESS_RATE_HZ
    match name:
        case "silence":
            return np.zeros(n, np.float32)
        case "room":
            made, level_db = random.standard_normal(n), level_db - 40
        case "white":
            made = random.standard_normal(n)
        case "pink":
            made = _pink(n, random)
        case "hum":
            made = np.sum([np.sin(2 * np.pi * 50 * k * t) / k for k in (1, 2, 3, 5)], axis=0)
        case "knocks":
            made = _struck(n, random, every_s=0.9, pitch_hz=180, fading_s=0.02)
        case "chords":
            made = _chords(t)
        case "drums":
            made = _drums(n, random)
        case "arpeggios":
            made = _arpeggios(n)
        case "sung_vowel":
            made = _sung_vowel(t)
        case "band":
            parts = (_chords(t), 2 * _drums(n, random), _arpeggios(n), 0.7 * _sung_vowel(t))
            made = np.sum([part / np.sqrt(np.mean(part**2)) for part in parts], axis=0)
        case _:
            raise ValueError(name)
    return _at_level(np.asarray(made, np.float64), level_db)


def _at_level(made: NDArray[np.float64], level_db: float) -> NDArray[np.float32]:
    level = 10 ** (level_db / 20) / max(1e-12, float(np.sqrt(np.mean(made**2))))
    return np.clip(made * level, -1, 1).astype(np.float32)


def _pink(n: int, random: np.random.Generator) -> NDArray[np.float64]:
    spectrum = np.fft.rfft(random.standard_normal(n))
    return np.fft.irfft(spectrum / np.sqrt(np.maximum(1, np.arange(len(spectrum)))), n)


def _struck(
    n: int, random: np.random.Generator, *, every_s: float, pitch_hz: float, fading_s: float
) -> NDArray[np.float64]:
    made = np.zeros(n)
    t = np.arange(round(10 * fading_s * VOICELESS_RATE_HZ)) / VOICELESS_RATE_HZ
    at_s = 0.3
    while at_s * VOICELESS_RATE_HZ < n:
        hit = np.exp(-t / fading_s) * (np.sin(2 * np.pi * pitch_hz * t) + 0.4 * random.standard_normal(len(t)))
        first = round(at_s * VOICELESS_RATE_HZ)
        made[first : first + len(t)] += random.uniform(0.5, 1) * hit[: n - first]
        at_s += every_s * random.uniform(0.8, 1.2)
    return made


def _chords(t: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return four chords of organ-like tones, one every 2 s."""
    roots = np.array([220.0, 174.6, 261.6, 196.0])[(t // 2).astype(int) % 4]
    phase = 2 * np.pi * np.cumsum(roots) / VOICELESS_RATE_HZ
    swell = 0.3 + 0.7 * np.sin(np.pi * (t % 2) / 2) ** 0.5
    return np.asarray(
        swell * sum(np.sin(phase * third * k) / k for third in (1, 1.2599, 1.4983, 2) for k in (1, 2, 3, 4, 6))
    )


def _drums(n: int, random: np.random.Generator) -> NDArray[np.float64]:
    return (
        1.5 * _struck(n, random, every_s=0.5, pitch_hz=60, fading_s=0.08)
        + _struck(n, random, every_s=1.0, pitch_hz=200, fading_s=0.05)
        + 0.3 * _struck(n, random, every_s=0.25, pitch_hz=5000, fading_s=0.02)
    )


def _arpeggios(n: int) -> NDArray[np.float64]:
    """Return plucked notes, eight a second, up and down a chord."""
    made = np.zeros(n)
    t = np.arange(round(0.6 * VOICELESS_RATE_HZ)) / VOICELESS_RATE_HZ
    for note in range(int(n / VOICELESS_RATE_HZ * 8)):
        pitch_hz = 220 * 2 ** (((0, 4, 7, 12, 16, 12, 7, 4)[note % 8] + (0, -4, 3, -2)[note // 16 % 4]) / 12)
        pluck = np.sum(
            [np.exp(-t * (3 + 3 * k)) * np.sin(2 * np.pi * pitch_hz * k * t) / k for k in range(1, 8)], axis=0
        )
        first = note * VOICELESS_RATE_HZ // 8
        made[first : first + len(t)] += pluck[: n - first]
    return made


def _sung_vowel(t: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return an "ah" with vibrato on a slow tune: a buzz through three formants."""
    tune_hz = np.array([220.0, 246.9, 261.6, 293.7, 261.6, 246.9])[(t // 1.5).astype(int) % 6]
    pitch_hz = tune_hz * (1 + 0.02 * np.sin(2 * np.pi * 5.5 * t))
    phase = 2 * np.pi * np.cumsum(pitch_hz) / VOICELESS_RATE_HZ
    made = np.zeros(len(t))
    for k in range(1, 20):
        strength = sum(np.exp(-(((k * pitch_hz - f) / w) ** 2)) for f, w in ((750, 130), (1150, 150), (2500, 250)))
        made += (strength + 0.02) * np.sin(phase * k)
    return made * (0.4 + 0.6 * np.sin(np.pi * (t % 1.5) / 1.5))
