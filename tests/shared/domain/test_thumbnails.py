"""When thumbnails are taken, how large they are, and which stands in for a missing one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.pose import SAMPLE_RATE_HZ
from shared.domain.thumbnails import (
    MOST_THUMBNAILS,
    sheet_shape,
    thumbnail_count,
    thumbnail_every_s,
    thumbnail_size,
    without_gaps,
)

HOUR_S = 3600.0


@pytest.mark.parametrize(
    ("duration_s", "every_s", "count"),
    [
        (0.5, 1, 1),
        (1.0, 1, 1),
        (201.3, 1, 202),
        (720.0, 1, 720),
        (720.1, 2, 361),
        (HOUR_S, 5, 720),
        (2 * HOUR_S, 10, 720),
        (12 * HOUR_S, 60, 720),
        (12 * HOUR_S + 1, 120, 361),
    ],
)
def test_no_source_has_more_than_720_thumbnails(duration_s: float, every_s: int, count: int) -> None:
    assert thumbnail_every_s(duration_s) == every_s
    assert thumbnail_count(duration_s, every_s=every_s) == count


@pytest.mark.parametrize(("duration_s", "every_s"), [(60.0, 1), (61.0, 2), (2 * HOUR_S, 120), (12 * HOUR_S, 900)])
def test_fewer_are_further_apart(duration_s: float, every_s: int) -> None:
    assert thumbnail_every_s(duration_s, at_most=60) == every_s


@given(duration_s=st.floats(0.01, 1e7), at_most=st.integers(1, MOST_THUMBNAILS))
def test_thumbnails_lie_inside_the_source_and_never_too_many(duration_s: float, at_most: int) -> None:
    every_s = thumbnail_every_s(duration_s, at_most=at_most)
    count = thumbnail_count(duration_s, every_s=every_s)
    assert 1 <= count <= at_most
    assert (count - 1) * every_s < duration_s <= count * every_s + 0.1
    assert (every_s * SAMPLE_RATE_HZ) % 1 == 0, "each lies on a step of the sampling grid"


def test_none_at_all_is_no_answer() -> None:
    with pytest.raises(ValueError, match="0 thumbnails"):
        thumbnail_every_s(10.0, at_most=0)


@pytest.mark.parametrize(
    ("shown", "size"),
    [
        ((1280, 720), (160, 90)),
        ((720, 1280), (90, 160)),
        ((1920, 800), (160, 66)),
        ((639, 359), (160, 90)),
        ((80, 45), (80, 44)),
        ((5000, 10), (160, 2)),
        ((1, 1), (2, 2)),
    ],
)
def test_the_longer_side_is_160_at_most_and_both_are_even(shown: tuple[int, int], size: tuple[int, int]) -> None:
    assert thumbnail_size(*shown) == size


@pytest.mark.parametrize(
    ("count", "shape"), [(1, (1, 1)), (15, (15, 1)), (16, (16, 1)), (17, (16, 2)), (720, (16, 45))]
)
def test_the_sheet_has_a_place_for_each(count: int, shape: tuple[int, int]) -> None:
    assert sheet_shape(count) == shape


def test_the_nearest_stands_in_for_what_is_missing() -> None:
    assert "".join(without_gaps({1: "b", 5: "f", 9: "z"}, 8)) == "bbbbffff"
    assert without_gaps({0: "a", 1: "b"}, 2) == ("a", "b")
    with pytest.raises(ValueError, match="nothing"):
        without_gaps({}, 2)


@given(st.dictionaries(st.integers(0, 30), st.integers(), min_size=1), st.integers(1, 31))
def test_whatever_is_missing_every_place_is_taken(found: dict[int, int], count: int) -> None:
    there = without_gaps(found, count)
    assert len(there) == count
    for number, picture in enumerate(there):
        nearest = min(abs(other - number) for other in found)
        assert picture in {found.get(number - nearest), found.get(number + nearest)}
        assert number not in found or picture == found[number]
