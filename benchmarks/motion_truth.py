"""How well found movements match what people marked: the figures of the benchmark."""

from dataclasses import dataclass
from statistics import median

from tests.motion_truth import Marked, edge_error_sizes, empty_kept_s, event_recall, f1


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
