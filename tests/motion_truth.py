"""How well found movements match what people marked: F1 on a grid of 0.1 s, and which events were met."""

from collections.abc import Sequence

STEP_S = 0.1

Marked = Sequence[Sequence[float]]
"""[[start_s, end_s], ...]"""


def f1(found: Marked, truth: Marked, *, duration_s: float) -> float:
    """Return the harmonic mean of precision and recall over the middles of the grid's steps, in [0, 1]."""
    middles = [(step + 0.5) * STEP_S for step in range(int(duration_s / STEP_S))]
    is_found = [any(start <= t < end for start, end in found) for t in middles]
    is_true = [any(start <= t < end for start, end in truth) for t in middles]
    both = sum(one and other for one, other in zip(is_found, is_true, strict=True))
    return 2 * both / max(1, sum(is_found) + sum(is_true))


def covered(event: Sequence[float], found: Marked) -> float:
    """Return the share of an event that was found, in [0, 1]."""
    start, end = event
    return sum(max(0.0, min(end, e) - max(start, s)) for s, e in found) / (end - start)
