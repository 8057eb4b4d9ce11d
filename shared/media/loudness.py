"""The reel's loudness: measured over the whole reel, then one gain for all of it, and a limiter where peaks need one.

EBU R 128: integrated loudness by ITU-R BS.1770-4, true peaks on the sound oversampled four times. Nothing is kept
between the passes: the sound is decoded again for each, which is cheap beside encoding it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from math import log10

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.filter import Graph

from shared.log import event
from shared.media.limiter import CEILING_DBTP, limited, true_peaks, windows
from shared.media.sound import LAYOUT, RATE_HZ, Block, SoundSettings, sound_frame
from shared.media.timeline import Damage

log = logging.getLogger(__name__)

TARGET_LUFS = -14.0  # what video platforms play at
NEAR_LU = 0.3  # the limiter's gain is good enough then
ALLOWED_LU = 1.0  # beyond it the reel is told to have missed the target
FAINT_LUFS = -50.0  # there is nothing but noise to lift
SHORTEST_S = 3.0  # of less, loudness says little
MOST_LIMITING_DB = 20.0  # more of it is not the same sound any more
MOST_TRIES = 4  # with the limiter, each a pass over the sound
TAKEN_PER_DB = 0.07  # LU that limiting takes for each dB of it, on speech: a first guess that often saves a pass


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
    how = plan_mastering(lambda: play(Damage()), samples, on_progress=on_progress)
    return apply_mastering(play(damage), samples, how), how.warnings


def plan_mastering(
    play: Callable[[], Iterable[Block]], samples: int, *, on_progress: Callable[[float], None]
) -> Mastering:
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


def apply_mastering(blocks: Iterable[Block], samples: int, how: Mastering) -> Iterator[Block]:
    """Yield the sound as `plan_mastering` wants it, as many samples as came in."""
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
    for window in windows(meter.heard(blocks)):
        peak = max(peak, float(np.abs(window).max()))
        # Half of the loudest so far cannot become louder than it by oversampling, in any sound that is heard.
        peak = max(peak, float(true_peaks(window, above=peak / 2).max()))
    return Measured(loudness_lufs=meter.loudness_lufs, peak_dbtp=20 * log10(peak) if peak else float("-inf"))


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
