import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.units import plan_chunks, unit_span

durations = st.floats(0.05, 50_000, allow_nan=False)
chunk_lengths = st.floats(1, 5_000)


@given(durations, chunk_lengths, st.integers(1, 300))
def test_every_unit_lies_in_exactly_one_chunk(duration_s: float, chunk_s: float, max_tasks: int) -> None:
    plan = plan_chunks(duration_s=duration_s, unit_s=10, chunk_s=chunk_s, max_tasks=max_tasks)
    units = [unit for chunk in range(plan.chunks) for unit in plan.units_of(chunk)]
    assert units == list(range(plan.units))
    assert 1 <= plan.chunks <= max_tasks


@given(durations)
def test_units_cover_the_source_without_gap_or_overlap(duration_s: float) -> None:
    plan = plan_chunks(duration_s=duration_s, unit_s=10, chunk_s=60, max_tasks=200)
    spans = [unit_span(unit, unit_s=10, duration_s=duration_s) for unit in range(plan.units)]
    assert spans[0].start_s == 0
    assert spans[-1].end_s == pytest.approx(duration_s)
    assert all(one.end_s == other.start_s for one, other in itertools.pairwise(spans))


def test_a_chunk_is_rounded_to_whole_units() -> None:
    assert plan_chunks(duration_s=200, unit_s=10, chunk_s=24, max_tasks=200).chunks == 10
    assert plan_chunks(duration_s=200, unit_s=10, chunk_s=60, max_tasks=200).chunks == 4
    assert plan_chunks(duration_s=200, unit_s=10, chunk_s=1, max_tasks=200).chunks == 20
    assert plan_chunks(duration_s=200, unit_s=10, chunk_s=9999, max_tasks=200).chunks == 1


def test_chunks_of_a_long_source_grow_instead_of_exceeding_the_task_limit() -> None:
    assert plan_chunks(duration_s=10 * 3600, unit_s=10, chunk_s=60, max_tasks=200).units_per_chunk == 18


def test_a_source_without_length_cannot_be_planned() -> None:
    with pytest.raises(ValueError, match="cannot plan"):
        plan_chunks(duration_s=0, unit_s=10, chunk_s=60, max_tasks=200)


def test_a_chunk_outside_the_plan_is_refused() -> None:
    with pytest.raises(IndexError):
        plan_chunks(duration_s=20, unit_s=10, chunk_s=10, max_tasks=9).units_of(2)
