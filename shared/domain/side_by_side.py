"""How a run of units is shared out among decoders that work side by side.

A decoder begins at the keyframe before its first frame, so where it begins decides what is decoded twice.
"""

from bisect import bisect_right
from collections.abc import Sequence

LEAST_GAIN = 0.8  # of the time of one decoder; where two would need more, one is enough


def side_by_side(units: range, *, unit_s: float, keyframes_s: Sequence[float], decoders: int) -> tuple[range, ...]:
    """Return the units in at most so many runs, in order, that take about the same time to decode.

    `keyframes_s` are the source's keyframes, ascending; without any it is assumed that they lie near. It is halved
    again and again: `decoders` counts as the next lower power of two.
    """
    if decoders < 2 or len(units) < 2:
        return (units,)

    def lasts_s(run: range) -> float:
        """Return how long a decoder has to go for a run, from the keyframe before it."""
        start_s = run.start * unit_s
        before = bisect_right(keyframes_s, start_s)
        return run.stop * unit_s - (keyframes_s[before - 1] if before else 0.0 if keyframes_s else start_s)

    halves = [(range(units.start, at), range(at, units.stop)) for at in range(units.start + 1, units.stop)]
    first, second = min(halves, key=lambda pair: max(lasts_s(run) for run in pair))
    if max(lasts_s(first), lasts_s(second)) > LEAST_GAIN * lasts_s(units):
        return (units,)
    return tuple(
        run
        for half in (first, second)
        for run in side_by_side(half, unit_s=unit_s, keyframes_s=keyframes_s, decoders=decoders // 2)
    )
