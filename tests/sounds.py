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
