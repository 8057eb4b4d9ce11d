"""A limiter that looks ahead, and the true peaks it goes by: those of the sound oversampled four times (BS.1770)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache

import numpy as np
from numpy.typing import NDArray

from shared.media.sound import CHANNELS, Block

CEILING_DBTP = -2.0  # AAC adds a little: the finished file shall stay below -1 dBTP
PIECE = 48  # samples of 1 ms: the limiter's gain has a value between any two pieces and is straight in between
REACH = 16  # samples before and after one that its oversampling takes into account
BATCH = 16  # pieces multiplied at once: with more, BLAS starts threads, which cost ten times what they do
HOLD = 12  # pieces before and after a peak that get its gain: the period of a deep voice
SMOOTH = HOLD - 1  # pieces the gain's way there and back takes; less than HOLD, or a peak would get through
SURROUNDINGS = HOLD + SMOOTH
Levels = NDArray[np.float32]
"""One value per piece."""


def limited(blocks: Iterable[Block], samples: int, gain_db: float) -> Iterator[Block]:
    """Yield the sound made louder, no true peak above CEILING_DBTP, as many samples as came in, none of them late.

    Around a peak the gain goes down and comes back along smooth slopes of SMOOTH ms; elsewhere it is the same for
    every sample.
    """
    gain, ceiling = np.float32(10 ** (gain_db / 20)), 10 ** (CEILING_DBTP / 20)
    allowed: Levels = np.ones(SURROUNDINGS, np.float32)
    waiting: Block = np.zeros((CHANNELS, 0), np.float32)
    left = samples
    for window in windows(block * gain for block in blocks):
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


def windows(blocks: Iterable[Block]) -> Iterator[Block]:
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
