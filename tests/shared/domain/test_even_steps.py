"""Measurements on an even grid."""

from hypothesis import given
from hypothesis import strategies as st

from shared.domain.even_steps import EvenSteps, coarser, on_grid


def test_few_values_stay_as_they_are() -> None:
    steps = EvenSteps(0.25, (0.0, 1.0, 0.5))
    assert coarser(steps) is steps


def test_of_too_many_the_greatest_in_each_step_is_kept() -> None:
    steps = EvenSteps(0.1, (1.0, 3.0, 2.0, 0.0, 0.0, 4.0, 7.0))
    assert coarser(steps, at_most=3) == EvenSteps(0.3, (3.0, 4.0, 7.0))


def test_two_hours_of_levels_become_24000() -> None:
    assert (coarser(EvenSteps(0.1, (0.0,) * 72_000)).every_s, len(coarser(EvenSteps(0.1, (0.0,) * 72_000)).values)) == (
        0.3,
        24_000,
    )


@given(st.lists(st.floats(-100, 100), min_size=1, max_size=60), st.integers(1, 20))
def test_the_peaks_stay_where_they_were(values: list[float], at_most: int) -> None:
    made = coarser(EvenSteps(0.25, tuple(values)), at_most=at_most)
    assert 1 <= len(made.values) <= at_most
    assert max(made.values) == max(values)
    together = round(made.every_s / 0.25)
    assert made.values[values.index(max(values)) // together] == max(values)


def test_what_is_measured_at_odd_times_falls_into_its_step() -> None:
    found = [(0.0, -30.0), (0.1, -20.0), (0.14, -10.0), (0.3, -40.0), (0.7, -5.0)]
    assert on_grid(found, every_s=0.1, duration_s=0.45, nothing=-100.0) == (-30.0, -10.0, -100.0, -40.0, -100.0)


def test_steps_of_a_tenth_fall_each_into_their_own() -> None:
    found = [(round(n * 0.1, 3), float(n)) for n in range(5000)]
    assert on_grid(found, every_s=0.1, duration_s=500.0, nothing=-1.0) == tuple(value for _, value in found)


def test_a_source_of_which_nothing_is_known_has_nothing() -> None:
    assert on_grid([], every_s=0.25, duration_s=1.0, nothing=0.0) == (0.0,) * 4
