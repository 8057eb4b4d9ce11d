"""The reel's loudness: measured over the whole reel, then one gain for all of it, and a limiter where peaks need one.

EBU R 128: integrated loudness by ITU-R BS.1770-4, true peaks on the sound oversampled four times. Nothing is kept
between the passes: the sound is decoded again for each, which is cheap beside encoding it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from math import log10

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.filter import Graph
from numpy.typing import NDArray

from shared.log import event
from shared.media.sound import CHANNELS, LAYOUT, RATE_HZ, Block, SoundSettings, sound_frame
from shared.media.timeline import Damage

log = logging.getLogger(__name__)

TARGET_LUFS = -14.0  # what video platforms play at
CEILING_DBTP = -2.0  # AAC adds a little: the finished file shall stay below -1 dBTP
NEAR_LU = 0.3  # the limiter's gain is good enough then
ALLOWED_LU = 1.0  # beyond it the reel is told to have missed the target
FAINT_LUFS = -50.0  # there is nothing but noise to lift
SHORTEST_S = 3.0  # of less, loudness says little
MOST_LIMITING_DB = 20.0  # more of it is not the same sound any more
MOST_TRIES = 4  # with the limiter, each a pass over the sound
TAKEN_PER_DB = 0.07  # LU that limiting takes for each dB of it, on speech: a first guess that often saves a pass

PIECE = 48  # samples of 1 ms: the limiter's gain has a value between any two pieces and is straight in between
REACH = 16  # samples before and after one that its oversampling takes into account
BATCH = 16  # pieces multiplied at once: with more, BLAS starts threads, which cost ten times what they do
HOLD = 12  # pieces before and after a peak that get its gain: the period of a deep voice
SMOOTH = HOLD - 1  # pieces the gain's way there and back takes; less than HOLD, or a peak would get through
SURROUNDINGS = HOLD + SMOOTH
Levels = NDArray[np.float32]
"""One value per piece."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What a reel's sound was found to be."""

    loudness_lufs: float
    """Integrated; -70 for silence."""
    peak_dbtp: float
    """-inf for digital silence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mastering:
    """What is done to a reel's sound."""

    gain_db: float = 0.0
    is_limited: bool = False
    warnings: tuple[str, ...] = ()
    """In the form of Video.warnings."""


def mastered(
    play: Callable[[Damage], Iterator[Block]],
    samples: int,
    settings: SoundSettings,
    *,
    damage: Damage,
    on_progress: Callable[[float], None],
) -> tuple[Iterator[Block], tuple[str, ...]]:
    """Measure the sound and return it as it shall be encoded, with warnings; as it is when loudness is to be kept.

    `play` gives the reel's whole sound, afresh each time; what it cannot decode is counted once, in `damage`.
    `on_progress` is told the share of the measuring that is done, in [0, 1].
    """
    if settings.loudness == "keep":
        return play(damage), ()
    how = mastering(lambda: play(Damage()), samples, on_progress=on_progress)
    return master(play(damage), samples, how), how.warnings


def mastering(play: Callable[[], Iterable[Block]], samples: int, *, on_progress: Callable[[float], None]) -> Mastering:
    """Return the gain that brings the sound to TARGET_LUFS, and whether its peaks have to be limited for that."""
    if samples < SHORTEST_S * RATE_HZ:
        return _skipped(f"a reel of {samples / RATE_HZ:.1f} s is too short to measure")
    tell = _Halving(samples, on_progress)
    found = measured(tell.counted(play()), samples)
    if found.loudness_lufs < FAINT_LUFS:
        return _skipped(f"its sound is fainter than {FAINT_LUFS:g} LUFS")
    gain_db = TARGET_LUFS - found.loudness_lufs
    reached = Mastering(gain_db=gain_db), TARGET_LUFS
    if found.peak_dbtp + gain_db > CEILING_DBTP:
        reached = _with_limiter(found, lambda gain: measured(tell.counted(limited(play(), samples, gain)), samples))
    how, lufs = reached
    on_progress(1.0)
    said = f"{found.loudness_lufs:.1f} LUFS, peak {found.peak_dbtp:.1f} dBTP; gain {how.gain_db:+.1f} dB"
    log.info(
        "sound of %.1f s at %s%s, %d passes",
        samples / RATE_HZ,
        said,
        f", limited, now {lufs:.1f} LUFS" if how.is_limited else "",
        tell.passes,
        extra=event("sound_mastered"),
    )
    return how


def master(blocks: Iterable[Block], samples: int, how: Mastering) -> Iterator[Block]:
    """Yield the sound as `mastering` wants it, as many samples as came in."""
    if how.is_limited:
        yield from limited(blocks, samples, how.gain_db)
    elif how.gain_db:
        gain = np.float32(10 ** (how.gain_db / 20))
        for block in blocks:
            yield block * gain
    else:
        yield from blocks


def measured(blocks: Iterable[Block], samples: int) -> Measured:
    """Return the loudness and the true peak of the sound."""
    meter = _Meter()
    peak = 0.0
    for window in _windows(meter.heard(blocks)):
        peak = max(peak, float(np.abs(window).max()))
        # Half of the loudest so far cannot become louder than it by oversampling, in any sound that is heard.
        peak = max(peak, float(true_peaks(window, above=peak / 2).max()))
    return Measured(loudness_lufs=meter.loudness_lufs, peak_dbtp=20 * log10(peak) if peak else float("-inf"))


def limited(blocks: Iterable[Block], samples: int, gain_db: float) -> Iterator[Block]:
    """Yield the sound made louder, no true peak above CEILING_DBTP, as many samples as came in, none of them late.

    Around a peak the gain goes down and comes back along smooth slopes of SMOOTH ms; elsewhere it is the same for
    every sample.
    """
    gain, ceiling = np.float32(10 ** (gain_db / 20)), 10 ** (CEILING_DBTP / 20)
    allowed: Levels = np.ones(SURROUNDINGS, np.float32)
    waiting: Block = np.zeros((CHANNELS, 0), np.float32)
    left = samples
    for window in _windows(block * gain for block in blocks):
        peaks = true_peaks(window, above=ceiling / 2)
        allowed = np.concatenate((allowed, ceiling / np.maximum(peaks, np.float32(ceiling))))
        waiting = np.concatenate((waiting, window[:, REACH:-REACH]), axis=1)
        pieces = allowed.size - 2 * SURROUNDINGS
        if pieces > 0:
            size = min(left, pieces * PIECE)
            yield _turned_down(waiting[:, : pieces * PIECE], allowed)[:, :size]
            left -= size
            allowed, waiting = allowed[pieces:], waiting[:, pieces * PIECE :]
    if left:
        allowed = np.concatenate((allowed, np.ones(SURROUNDINGS, np.float32)))
        yield _turned_down(waiting, allowed)[:, :left]


def true_peaks(window: Block, *, above: float = 0.0) -> Levels:
    """Return the peak of each piece, on either channel: the true one where samples reach `above`, else the samples'.

    The window has REACH samples more than its pieces on both sides.
    """
    levels = np.abs(window[:, REACH:-REACH]).reshape(CHANNELS, -1, PIECE).max(axis=(0, 2))
    loud = levels >= above
    loud[:-1] |= loud[1:]  # a peak between two samples belongs to the first one's piece
    (which,) = np.nonzero(loud)
    if which.size:
        stretches = np.lib.stride_tricks.sliding_window_view(window, PIECE + 2 * REACH, axis=1)[:, ::PIECE]
        full = np.resize(which, -(-which.size // BATCH) * BATCH)  # some of them twice
        between = stretches[:, full].reshape(CHANNELS, -1, BATCH, PIECE + 2 * REACH) @ _between()
        peaks = np.abs(between).max(axis=(0, 3)).reshape(-1)[: which.size]
        levels[which] = np.maximum(levels[which], peaks)
    return np.asarray(levels, np.float32)


@cache
def _between() -> NDArray[np.float32]:
    """Return the matrix that makes of a piece and its surroundings the values 1/4, 1/2 and 3/4 behind each sample."""
    taps = np.arange(-REACH + 1, REACH + 1)
    matrix = np.zeros((PIECE + 2 * REACH, 3, PIECE), np.float32)
    for n, share in enumerate((0.25, 0.5, 0.75)):
        away = share - taps
        weights = np.sinc(away) * np.i0(8.0 * np.sqrt(np.maximum(0, 1 - (away / REACH) ** 2))) / np.i0(8.0)
        for sample in range(PIECE):
            matrix[REACH + sample + taps, n, sample] = weights / weights.sum()
    return matrix.reshape(PIECE + 2 * REACH, 3 * PIECE)


def _turned_down(block: Block, allowed: Levels) -> Block:
    """Return the pieces with a smooth gain that is nowhere above what is allowed there or within HOLD of there."""
    if allowed.min() >= 1:
        return block
    lowest = np.lib.stride_tricks.sliding_window_view(allowed, 2 * HOLD).min(axis=1)
    slope = np.hanning(2 * SMOOTH + 3)[1:-1]
    at_edges = np.convolve(lowest, slope / slope.sum(), mode="valid").astype(np.float32)
    along = np.arange(PIECE, dtype=np.float32) / PIECE
    gain = at_edges[:-1, None] + (at_edges[1:] - at_edges[:-1])[:, None] * along
    return np.asarray(block * gain.reshape(-1), np.float32)


def _windows(blocks: Iterable[Block]) -> Iterator[Block]:
    """Yield the sound in whole pieces with REACH samples around them; at its ends silence is added."""
    held = np.zeros((CHANNELS, REACH), np.float32)
    for block in blocks:
        held = np.concatenate((held, block), axis=1)
        pieces = (held.shape[1] - 2 * REACH) // PIECE
        if pieces > 0:
            yield held[:, : pieces * PIECE + 2 * REACH]
            held = held[:, pieces * PIECE :]
    pieces = -(-(held.shape[1] - REACH) // PIECE)
    if pieces > 0:
        yield np.pad(held, ((0, 0), (0, pieces * PIECE + 2 * REACH - held.shape[1])))


def _with_limiter(found: Measured, play: Callable[[float], Measured]) -> tuple[Mastering, float]:
    """Return the gain that comes nearest to the target although limiting takes some of it away, and what it gives.

    Tries gains by the secant through the last two, the first of which is the one that needs no limiter yet.
    """
    most_db = CEILING_DBTP + MOST_LIMITING_DB - found.peak_dbtp
    before_db, before_lufs = CEILING_DBTP - found.peak_dbtp, found.loudness_lufs + CEILING_DBTP - found.peak_dbtp
    gain_db = TARGET_LUFS - found.loudness_lufs
    gain_db = min(most_db, gain_db + TAKEN_PER_DB * (gain_db - before_db))
    tried: list[tuple[float, float]] = []
    while len(tried) < MOST_TRIES:
        lufs = play(gain_db).loudness_lufs
        tried.append((gain_db, lufs))
        if abs(lufs - TARGET_LUFS) <= NEAR_LU or (gain_db == most_db and lufs < TARGET_LUFS):
            break
        risen = (lufs - before_lufs) / (gain_db - before_db) if gain_db != before_db else 1.0
        before_db, before_lufs = gain_db, lufs
        gain_db = min(most_db, gain_db + (TARGET_LUFS - lufs) / min(1.0, max(0.2, risen)))
    gain_db, lufs = min(tried, key=lambda each: abs(each[1] - TARGET_LUFS))
    return Mastering(gain_db=gain_db, is_limited=True, warnings=_missed(found, lufs)), lufs


def _missed(found: Measured, lufs: float) -> tuple[str, ...]:
    if abs(lufs - TARGET_LUFS) <= ALLOWED_LU:
        return ()
    above_db = found.peak_dbtp - found.loudness_lufs
    return (
        f"loudness_not_reached: the reel has {lufs:.1f} LUFS instead of {TARGET_LUFS:g}: "
        f"single peaks stand {above_db:.0f} dB above its loudness",
    )


def _skipped(why: str) -> Mastering:
    return Mastering(warnings=(f"loudness_skipped: {why}; it is as loud as in the source",))


class _Meter:
    """Measures loudness while sound passes by."""

    def __init__(self) -> None:
        self.loudness_lufs = -70.0
        self._graph = Graph()
        source = self._graph.add_abuffer(
            sample_rate=RATE_HZ, format="fltp", layout=LAYOUT, time_base=Fraction(1, RATE_HZ)
        )
        # Without "quiet" it writes a line per tenth of a second to libav's log.
        meter = self._graph.add("ebur128", "metadata=1:framelog=quiet")
        self._graph.link_nodes(source, meter, self._graph.add("abuffersink"))
        self._graph.configure()

    def heard(self, blocks: Iterable[Block]) -> Iterator[Block]:
        """Yield the blocks; when they end the measurement is complete."""
        at = 0
        for block in blocks:
            self._push(sound_frame(block, at))
            at += block.shape[1]
            yield block
        self._push(None)

    def _push(self, frame: AudioFrame | None) -> None:
        self._graph.push(frame)
        while True:
            try:
                said = self._graph.pull().metadata
            except (av.BlockingIOError, av.EOFError):
                return
            self.loudness_lufs = float(said.get("lavfi.r128.I", self.loudness_lufs))


class _Halving:
    """Tells progress of passes whose number nobody knows: each takes half of what is left."""

    def __init__(self, samples: int, on_progress: Callable[[float], None]) -> None:
        self.passes = 0
        self._samples = samples
        self._on_progress = on_progress

    def counted(self, blocks: Iterable[Block]) -> Iterator[Block]:
        """Yield the blocks of one more pass."""
        self.passes += 1
        done = 0
        for block in blocks:
            yield block
            done += block.shape[1]
            self._on_progress(1 - 0.5**self.passes * (2 - done / self._samples))
