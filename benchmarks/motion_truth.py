"""How well found movements match what people marked: the figures of the benchmark."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from tests.motion_truth import Marked, covered, f1

MET = 0.3
"""An event counts as found when more than this share of it was."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Accuracy:
    """How well a source's movements were found. Times in s."""

    f1: float
    events: int
    missed: int
    edge_median_s: float
    """How far starts and ends of what was found lie from those of the events; 0 with nothing found."""
    edge_worst_s: float
    empty_s: float
    """Seconds kept in which no event is."""


def accuracy(found: Marked, truth: Marked, *, duration_s: float) -> Accuracy:
    """Return how well the found movements match the marked events."""
    errors = edge_error_sizes(found, truth)
    return Accuracy(
        f1=round(f1(found, truth, duration_s=duration_s), 4),
        events=len(truth),
        missed=round((1 - event_recall(found, truth)) * len(truth)),
        edge_median_s=round(median(errors), 3) if errors else 0.0,
        edge_worst_s=round(max(errors), 3) if errors else 0.0,
        empty_s=round(empty_kept_s(found, truth), 2),
    )


def event_recall(found: Marked, truth: Marked) -> float:
    """Return the share of events of which more than MET was found, in [0, 1]; 1 where nothing happens."""
    return sum(covered(event, found) > MET for event in truth) / len(truth) if truth else 1.0


def edge_error_sizes(found: Marked, truth: Marked) -> list[float]:
    """Return how far off starts and ends are, in s, ascending: two for every event of which anything was found.

    Measured on the movement that overlaps the event most.
    """
    return sorted(error for event in truth for error in _edge_errors(event, found))


def empty_kept_s(found: Marked, truth: Marked) -> float:
    """Return how many seconds were found in which nothing happens. Neither list overlaps itself."""
    return sum(end - start - sum(_overlap_s((start, end), event) for event in truth) for start, end in found)


def _edge_errors(event: Sequence[float], found: Marked) -> tuple[float, ...]:
    best = max(found, key=lambda each: _overlap_s(each, event), default=None)
    if best is None or _overlap_s(best, event) == 0:
        return ()
    return abs(best[0] - event[0]), abs(best[1] - event[1])


def _overlap_s(one: Sequence[float], other: Sequence[float]) -> float:
    return max(0.0, min(one[1], other[1]) - max(one[0], other[0]))
