"""How far a job is and how long it takes yet, in numbers that can be checked in the head."""

from dataclasses import replace

import pytest

from shared.domain.chunk import Chunk, ChunkSummary, summarise
from shared.domain.job import MERGE_PLAN, NO_PLAN, Job, Source, Stage
from shared.domain.options import Options
from shared.domain.progress import StandingChunk, job_progress, stage_progress, standing, time_left_s
from shared.domain.units import ChunkPlan

PLAN = ChunkPlan(unit_s=10.0, units=9, units_per_chunk=2)  # five chunks, the last one of 10 s
RUNNING = Stage(plan=PLAN, state="launched", started_at=100.0)
JOB = Job(id="a", source=Source(file_name="a.mp4"), options=Options(), created_at=0.0, state="analysing")
ANALYSING = replace(JOB, stages={"pose": RUNNING, "transcribe": Stage(plan=NO_PLAN, state="skipped")})
MERGING = replace(
    JOB,
    state="merging",
    stages={
        "pose": replace(RUNNING, state="done", ended_at=160.0),
        "merge": Stage(plan=MERGE_PLAN, state="launched", started_at=170.0),
    },
)


def chunk(index: int, state: str, **more: float) -> Chunk:
    return replace(Chunk(stage="pose", index=index), state=state, **more)  # type: ignore[arg-type]


def test_a_stage_is_as_far_as_its_chunks_together() -> None:
    summary = summarise([chunk(0, "done"), chunk(1, "running", position=0.5), chunk(2, "failed")])
    assert stage_progress(RUNNING, summary) == pytest.approx(1.5 / 5)


def test_without_a_look_at_its_chunks_a_stage_is_as_far_as_was_told() -> None:
    assert stage_progress(replace(RUNNING, told_percent=40), None) == 0.4


@pytest.mark.parametrize("state", ["done", "skipped", "failed_soft"])
def test_a_stage_that_holds_nothing_up_any_more_is_through(state: str) -> None:
    assert stage_progress(replace(RUNNING, state=state), ChunkSummary()) == 1.0  # type: ignore[arg-type]


def test_the_analysis_is_three_quarters_of_a_job_and_skipped_stages_do_not_count() -> None:
    assert job_progress(ANALYSING, {"pose": 0.4, "transcribe": 1.0}) == pytest.approx(0.3)
    assert job_progress(MERGING, {"pose": 1.0, "merge": 0.5}) == pytest.approx(0.875)
    assert job_progress(replace(MERGING, state="done"), {}) == 1.0
    assert job_progress(JOB, {}) == 0.0


def test_a_job_whose_edit_list_was_given_is_its_merge() -> None:
    given = replace(MERGING, stages={"merge": MERGING.stages["merge"]})
    assert job_progress(given, {"merge": 0.5}) == 0.5


def test_half_an_analysis_in_a_minute_leaves_another_and_the_merge() -> None:
    assert time_left_s(ANALYSING, {"pose": 0.5}, now=160.0) == pytest.approx(60 + 120 / 3)


def test_the_slower_stage_decides() -> None:
    both = replace(ANALYSING, stages={"pose": RUNNING, "transcribe": RUNNING})
    assert time_left_s(both, {"pose": 0.5, "transcribe": 0.25}, now=160.0) == pytest.approx(180 + 240 / 3)


def test_nothing_is_known_before_each_stage_shows_its_pace() -> None:
    both = replace(ANALYSING, stages={"pose": RUNNING, "transcribe": Stage(plan=PLAN)})
    assert time_left_s(both, {"pose": 0.5}, now=160.0) is None
    assert time_left_s(ANALYSING, {"pose": 0.5}, now=101.0) is None
    assert time_left_s(ANALYSING, {"pose": 0.01}, now=160.0) is None
    assert time_left_s(replace(JOB, state="queued"), {}, now=160.0) is None


def test_a_merge_is_guessed_from_the_analysis_until_it_shows_its_pace() -> None:
    assert time_left_s(MERGING, {"merge": 0.0}, now=175.0) == pytest.approx(60 / 3 - 5)
    assert time_left_s(MERGING, {"merge": 0.0}, now=999.0) == 0.0
    assert time_left_s(MERGING, {"merge": 0.25}, now=180.0) == pytest.approx(30)


def test_an_ended_job_takes_no_time_or_none_that_is_known() -> None:
    assert time_left_s(replace(MERGING, state="done"), {}, now=999.0) == 0.0
    assert time_left_s(replace(MERGING, state="failed"), {}, now=999.0) is None


def test_the_chunk_that_stands_still_longest_is_named_with_its_stretch_of_the_source() -> None:
    summary = summarise(
        [chunk(1, "running", moved_at=150.0, position=0.5), chunk(4, "running", moved_at=120.0, position=0.1)]
    )
    assert standing("pose", RUNNING, summary, duration_s=83.5, now=160.0) == StandingChunk(
        name="pose-00004", position=0.1, still_for_s=40.0, source_span_s=(80.0, 83.5)
    )
    assert standing("pose", RUNNING, ChunkSummary(), duration_s=83.5, now=160.0) is None
