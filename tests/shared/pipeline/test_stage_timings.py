"""Which seconds of a stage count as start-up."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.chunk import Chunk
from shared.domain.job import Stage
from shared.domain.units import ChunkPlan
from shared.pipeline.stage_timings import stage_timings

PLAN = ChunkPlan(unit_s=10, units=12, units_per_chunk=6)
Run = tuple[float, float, float]
"""When a task's process began, was ready, and ended its chunk."""


def told(runs: Sequence[Run], *, ended_at: float, started_at: float = 0.0) -> dict[str, float]:
    chunks = [
        Chunk(
            stage="pose",
            index=index,
            state="done",
            moved_at=done_at,
            numbers={"start_up_s": ready_at - began_at, "ready_at": ready_at},
        )
        for index, (began_at, ready_at, done_at) in enumerate(runs)
    ]
    return stage_timings("pose", Stage(plan=PLAN, state="done", started_at=started_at, ended_at=ended_at), chunks)


@pytest.mark.parametrize(
    ("runs", "work_s", "start_up_s", "worst_s"),
    [
        pytest.param([(0, 2, 10)], 8, 2, 2, id="one task"),
        pytest.param([(0, 2, 6), (6, 7, 10)], 7, 3, 2, id="one worker, one process after the other"),
        pytest.param([(0, 2, 10), (0, 3, 10)], 8, 2, 3, id="two that start at once count once, until the first works"),
        pytest.param([(0, 2, 10), (4, 7, 9)], 8, 2, 3, id="a start-up beside another's work costs no time of its own"),
        pytest.param([(0, 2, 6), (0, 2, 8), (6, 9, 10)], 7, 3, 3, id="... but what reaches beyond that work does"),
        pytest.param([(1, 2, 9)], 9, 1, 1, id="launching and settling count as work"),
        pytest.param([(0, 2, 4), (7, 8, 10)], 7, 3, 2, id="so does what lies between two sessions"),
        pytest.param([(-5, 2, 10)], 8, 2, 7, id="nothing counts that was before the stage"),
        pytest.param([(0, 12, 13)], 0, 10, 12, id="nor what came after it, as clocks of two machines may tell"),
    ],
)
def test_start_up_is_when_some_task_starts_and_none_works(
    runs: Sequence[Run], work_s: float, start_up_s: float, worst_s: float
) -> None:
    assert told(runs, ended_at=10) == {
        "pose_s": work_s,
        "pose_start_up_s": start_up_s,
        "pose_start_up_worst_s": worst_s,
    }


times = st.floats(0, 100).map(lambda at: round(at, 1))


@given(st.lists(st.tuples(times, times, times).map(sorted), min_size=1, max_size=12))
def test_work_and_start_up_make_up_the_whole_stage(runs: list[list[float]]) -> None:
    timings = told([(began, ready, done) for began, ready, done in runs], ended_at=100)
    assert timings["pose_s"] + timings["pose_start_up_s"] == pytest.approx(100, abs=0.01)
    assert timings["pose_s"] >= -0.001
    assert timings["pose_start_up_s"] >= -0.001


def test_chunks_that_tell_nothing_leave_the_stage_whole() -> None:
    stage = Stage(plan=PLAN, state="done", started_at=5, ended_at=15)
    chunks = [Chunk(stage="pose", index=0, state="done"), Chunk(stage="pose", index=1, state="failed")]
    assert stage_timings("pose", stage, chunks) == {"pose_s": 10}


def test_a_stage_that_never_began_or_ended_has_no_timings() -> None:
    assert stage_timings("pose", Stage(plan=PLAN), []) == {}
    assert stage_timings("pose", Stage(plan=PLAN, started_at=5), []) == {}
