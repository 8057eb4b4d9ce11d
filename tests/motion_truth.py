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


MET = 0.3
"""The share of an event that must be found, and a little more, for it to be met."""
MET_WELL = 0.5


def event_recall(found: Marked, truth: Marked) -> float:
    """Return the share of events of which more than MET was found, in [0, 1]; 1 where nothing happens."""
    return _share([covered(event, found) > MET for event in truth])


def strict_event_recall(found: Marked, truth: Marked) -> float:
    """Return the share of events of which MET_WELL or more was found, in [0, 1]; 1 where nothing happens."""
    return _share([covered(event, found) >= MET_WELL for event in truth])


def edge_errors(found: Marked, truth: Marked) -> list[tuple[float, float] | None]:
    """Return, per event, how much later the found span begins and ends than it does, in seconds; None: not met at all.

    The span is the one that overlaps the event most. Negative is too early.
    """
    return [_edge_error(event, found) for event in truth]


def edge_error_sizes(found: Marked, truth: Marked) -> list[float]:
    """Return the sizes of all edge errors, in seconds, ascending: two for every event that was met."""
    met = [error for error in edge_errors(found, truth) if error is not None]
    return sorted(abs(side) for error in met for side in error)


def empty_kept_s(found: Marked, truth: Marked) -> float:
    """Return how many seconds were found in which nothing happens. Neither list overlaps itself."""
    return sum(end - start - sum(_overlap_s((start, end), event) for event in truth) for start, end in found)


def _share(claims: Sequence[bool]) -> float:
    return sum(claims) / len(claims) if claims else 1.0


def _overlap_s(one: Sequence[float], other: Sequence[float]) -> float:
    return max(0.0, min(one[1], other[1]) - max(one[0], other[0]))


def _edge_error(event: Sequence[float], found: Marked) -> tuple[float, float] | None:
    best = max(found, key=lambda span: _overlap_s(span, event), default=None)
    if best is None or _overlap_s(best, event) == 0:
        return None
    return best[0] - event[0], best[1] - event[1]
