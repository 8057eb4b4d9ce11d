"""Small pictures of a whole source, evenly apart: when they are taken, how large they are, what stands in for one."""

from bisect import bisect_left
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import ceil
from typing import TypeVar

EVERY_S = (1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 900, 1200, 1800, 3600)
MOST_THUMBNAILS = 720  # one a second of twelve minutes, one every ten seconds of two hours
LONGER_SIDE_PX = 160
COLUMNS = 16  # of the sheet that shows them all
ROUNDED_S = 1e-6  # a source that ends on a step has no thumbnail there, whatever its length was rounded to

Picture = TypeVar("Picture")


@dataclass(frozen=True, slots=True, kw_only=True)
class Thumbnail:
    """One small picture of the source."""

    number: int
    """n: it shows the source at n times the seconds that `thumbnail_every_s` tells."""
    jpeg: bytes


def thumbnail_every_s(duration_s: float, *, at_most: int = MOST_THUMBNAILS) -> int:
    """Return how many seconds of the source lie between two thumbnails: the fewest that need no more than `at_most`.

    Whole seconds, so that every thumbnail lies on a step of the sampling grid. Raises ValueError for `at_most` below 1.
    """
    if at_most < 1:
        raise ValueError(f"a source cannot be shown in {at_most} thumbnails")
    return next(each for each in _intervals_s() if thumbnail_count(duration_s, every_s=each) <= at_most)


def thumbnail_count(duration_s: float, *, every_s: int) -> int:
    """Return how many thumbnails a source has: at 0, at `every_s` and so on before its end; at least one."""
    return max(1, ceil(duration_s / every_s - ROUNDED_S))


def thumbnail_size(width: int, height: int) -> tuple[int, int]:
    """Return the (width, height) in pixels of a shown picture's thumbnails: even, and never larger than the picture.

    Of a picture of one pixel's width they are two pixels wide.
    """
    scale = min(1.0, LONGER_SIDE_PX / max(width, height))
    return _even(width * scale), _even(height * scale)


def sheet_shape(count: int) -> tuple[int, int]:
    """Return the (columns, rows) in which so many thumbnails lie, row by row."""
    columns = min(COLUMNS, count)
    return columns, ceil(count / columns)


def without_gaps(found: Mapping[int, Picture], count: int) -> tuple[Picture, ...]:
    """Return a picture for each number below `count`; the nearest stands in for a missing one, the earlier of two.

    Raises ValueError when there is none at all.
    """
    numbers = sorted(found)
    if not numbers:
        raise ValueError("nothing can stand in for nothing")

    def nearest(number: int) -> Picture:
        at = bisect_left(numbers, number)
        return found[min(numbers[max(0, at - 1) : at + 1], key=lambda other: (abs(other - number), other))]

    return tuple(nearest(number) for number in range(count))


def _intervals_s() -> Iterator[int]:
    """Yield the lengths to choose from, ascending: round ones, then whole hours without end."""
    yield from EVERY_S
    hours = 2
    while True:
        yield 3600 * hours
        hours += 1


def _even(side_px: float) -> int:
    return max(2, 2 * round(side_px / 2))
