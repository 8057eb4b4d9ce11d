"""What others are told of a job that gets on: each change of state, and each tenth of a stage, once."""

from dataclasses import replace
from typing import Literal

import pytest

from shared.domain import job as jobs
from shared.domain.chunk import ChunkSummary
from shared.domain.job import Job, Stage
from shared.domain.limits import Limits
from shared.domain.messages import JobEvent, StageName
from shared.domain.plan import Seen, TellProgress, next_effects
from shared.domain.units import ChunkPlan
from tests.shared.domain.records import a_job

TEN = ChunkPlan(unit_s=1.0, units=10, units_per_chunk=1)
ANALYSING = replace(a_job(), state="analysing", stages={"pose": Stage(plan=TEN, state="launched", execution="e")})


def seen_at(position_sum: float) -> dict[StageName, Seen]:
    return {"pose": Seen(summary=ChunkSummary(position_sum=position_sum), execution="running")}


def reconciled(job: Job, position_sum: float) -> Job:
    for effect in next_effects(job, seen_at(position_sum), now=0.0, limits=Limits()):
        if isinstance(effect, TellProgress):
            job = jobs.progress_told(job, effect.stage, effect.percent)
    return job


def told(job: Job) -> list[tuple[str, int | None]]:
    return [(event.state, event.percent) for event in job.outbox if isinstance(event, JobEvent)]


def test_each_tenth_is_told_once_however_often_somebody_looks() -> None:
    job = ANALYSING
    for step in range(1001):
        job = reconciled(job, step / 100)
    job = jobs.stage_settled(job, "pose", "done", now=0.0, error=None)
    assert told(job) == [("analysing", percent) for percent in range(10, 101, 10)]
    assert len({event.event_id for event in job.outbox if isinstance(event, JobEvent)}) == 10


def test_steps_that_were_passed_at_once_are_one_event() -> None:
    assert told(reconciled(reconciled(ANALYSING, 0.5), 7.3)) == [("analysing", 70)]


def test_a_chunk_that_begins_anew_takes_nothing_back_and_is_not_told_again() -> None:
    job = ANALYSING
    for position in (5.0, 4.2, 5.9, 6.0):
        job = reconciled(job, position)
    assert told(job) == [("analysing", 50), ("analysing", 60)]


def test_ten_chunks_at_a_tenth_are_a_tenth() -> None:
    assert told(reconciled(ANALYSING, sum([0.1] * 10))) == [("analysing", 10)]


@pytest.mark.parametrize("state", ["failed", "failed_soft"])
def test_a_stage_that_failed_is_not_told_as_whole(state: Literal["failed", "failed_soft"]) -> None:
    settled = jobs.stage_settled(ANALYSING, "pose", state, now=0.0, error=None)
    assert told(settled) == []


def test_who_looked_before_the_stage_settled_tells_nothing_afterwards() -> None:
    settled = jobs.stage_settled(ANALYSING, "pose", "done", now=0.0, error=None)
    assert jobs.progress_told(settled, "pose", 50) == settled
    failed = replace(ANALYSING, state="failed")
    assert jobs.progress_told(failed, "pose", 50) == failed
