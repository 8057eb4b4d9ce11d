"""Stretches of time, half-open: [start_s, end_s)."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Span:
    """A stretch of time in seconds; `start_s` belongs to it, `end_s` does not."""

    start_s: float
    end_s: float

    def __post_init__(self) -> None:
        if not self.start_s <= self.end_s:
            raise ValueError(f"a span cannot end before it starts: [{self.start_s}, {self.end_s})")

    @property
    def duration_s(self) -> float:
        return self.end_s - self.start_s

    @property
    def middle_s(self) -> float:
        return (self.start_s + self.end_s) / 2


def span(start_s: float, end_s: float) -> Span:
    """Return the span [start_s, end_s)."""
    return Span(start_s=start_s, end_s=end_s)


def meet(one: Span, other: Span) -> bool:
    """Return whether two spans share more than a border."""
    return one.start_s < other.end_s and other.start_s < one.end_s


def meeting(one: Span, ordered: Sequence[Span]) -> Sequence[Span]:
    """Return those that meet it, of spans that are in order and do not overlap."""
    first = bisect_right(ordered, one.start_s, key=lambda each: each.end_s)
    return ordered[first : bisect_left(ordered, one.end_s, key=lambda each: each.start_s)]


def join_near(spans: Iterable[Span], *, gap_s: float = 0.0) -> tuple[Span, ...]:
    """Return the spans in order, those less than or exactly `gap_s` apart joined; nothing overlaps afterwards."""
    joined: list[Span] = []
    for each in sorted(spans):
        if joined and each.start_s - joined[-1].end_s <= gap_s:
            joined[-1] = span(joined[-1].start_s, max(joined[-1].end_s, each.end_s))
        else:
            joined.append(each)
    return tuple(joined)


def padded(spans: Iterable[Span], *, before_s: float, after_s: float, within: Span) -> tuple[Span, ...]:
    """Return each span widened by the padding, kept inside `within`; spans that now touch are joined."""
    widened = (
        span(max(within.start_s, each.start_s - before_s), min(within.end_s, each.end_s + after_s)) for each in spans
    )
    return join_near(each for each in widened if each.duration_s > 0)


def longer_than(spans: Iterable[Span], shortest_s: float) -> tuple[Span, ...]:
    """Return the spans that last at least `shortest_s`."""
    return tuple(each for each in spans if each.duration_s >= shortest_s)


def total_s(spans: Iterable[Span]) -> float:
    """Return the summed length in seconds; overlaps count twice."""
    return sum(each.duration_s for each in spans)


def overlap_s(one: Span, spans: Sequence[Span]) -> float:
    """Return how many seconds of `one` the others cover, each second counted once."""
    covered = 0.0
    for other in join_near(spans):
        covered += max(0.0, min(one.end_s, other.end_s) - max(one.start_s, other.start_s))
    return covered
