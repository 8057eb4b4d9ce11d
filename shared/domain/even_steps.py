"""Measurements on an even grid, no more of them than a page can take."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

MOST_VALUES = 30_000  # two hours at four a second; a screen has two thousand columns


@dataclass(frozen=True, slots=True)
class EvenSteps:
    """Values from the source's beginning on."""

    every_s: float
    values: tuple[float, ...]
    """Number n holds for the source from n * `every_s` on."""


def coarser(steps: EvenSteps, *, at_most: int = MOST_VALUES) -> EvenSteps:
    """Return the greatest value of every so many, as few as leave at most `at_most`; itself when it has no more."""
    together = max(1, ceil(len(steps.values) / at_most))
    if together == 1:
        return steps
    return EvenSteps(
        round(steps.every_s * together, 6),
        tuple(max(steps.values[at : at + together]) for at in range(0, len(steps.values), together)),
    )


def on_grid(
    found: Sequence[tuple[float, float]], *, every_s: float, duration_s: float, nothing: float
) -> tuple[float, ...]:
    """Return the greatest value in each step of the source; `found` are (time in s, value), `nothing` where none is.

    What lies behind the source's end is left out.
    """
    values: list[float | None] = [None] * max(1, ceil(duration_s / every_s - 1e-6))
    for at_s, value in found:
        step = int(at_s / every_s + 1e-6)
        if 0 <= step < len(values):
            before = values[step]
            values[step] = value if before is None else max(before, value)
    return tuple(nothing if each is None else each for each in values)
