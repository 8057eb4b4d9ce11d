from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.side_by_side import side_by_side

EVERY_SECOND = [float(second) for second in range(200)]


def test_two_decoders_share_evenly_where_keyframes_are_near() -> None:
    runs = side_by_side(range(6), unit_s=10.0, keyframes_s=EVERY_SECOND, decoders=2)
    assert runs == (range(0, 3), range(3, 6))


def test_keyframes_that_nobody_told_are_taken_to_be_near() -> None:
    assert side_by_side(range(6), unit_s=10.0, keyframes_s=(), decoders=2) == (range(0, 3), range(3, 6))


def test_the_border_lies_where_little_is_decoded_twice() -> None:
    runs = side_by_side(range(6), unit_s=10.0, keyframes_s=(0.0, 39.9), decoders=2)
    assert runs == (range(0, 4), range(4, 6))


def test_one_decoder_is_enough_where_the_second_would_do_most_of_it_again() -> None:
    assert side_by_side(range(6), unit_s=10.0, keyframes_s=(0.0,), decoders=2) == (range(6),)


@pytest.mark.parametrize(("units", "decoders"), [(range(6), 1), (range(3, 4), 8)])
def test_what_cannot_be_shared_is_not(units: range, decoders: int) -> None:
    assert side_by_side(units, unit_s=10.0, keyframes_s=EVERY_SECOND, decoders=decoders) == (units,)


@given(
    st.integers(0, 5),
    st.integers(1, 12),
    st.lists(st.floats(0, 170), max_size=20).map(sorted),
    st.integers(1, 9),
)
def test_every_unit_is_in_one_run_and_runs_are_no_more_than_asked_for(
    first: int, count: int, keyframes_s: list[float], decoders: int
) -> None:
    units = range(first, first + count)
    runs = side_by_side(units, unit_s=10.0, keyframes_s=keyframes_s, decoders=decoders)
    assert len(runs) <= decoders
    assert (runs[0].start, runs[-1].stop) == (units.start, units.stop)
    assert all(len(each) > 0 for each in runs)
    assert all(one.stop == other.start for one, other in pairwise(runs))
