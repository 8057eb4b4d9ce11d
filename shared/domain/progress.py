"""How far a job is and how long it will still take, by its record and the positions of its tasks."""

from collections.abc import Mapping
from dataclasses import dataclass

from shared.domain.chunk import ChunkSummary
from shared.domain.job import ANALYSIS_STAGES, Job, Stage
from shared.domain.messages import StageName

ANALYSIS_SHARE = 0.75  # of a job's time; encoded reels take a fifth to a third of it, copied ones next to nothing
LEAST_SHARE, LEAST_ELAPSED_S = 0.02, 2.0  # before that a rate is a guess


@dataclass(frozen=True, slots=True, kw_only=True)
class StandingChunk:
    """The running chunk of a stage that has stood still longest."""

    name: str
    """Stage and number, as logs and records call it, e.g. "pose-00003"."""
    position: float
    """How far its task is, in [0, 1]."""
    still_for_s: float
    source_span_s: tuple[float, float] | None
    """Which stretch of the source it works on; None for the merge stage, which works on the whole."""


def stage_progress(stage: Stage, summary: ChunkSummary | None) -> float:
    """Return how much of a stage is done, in [0, 1]; without a summary in the steps that others are told."""
    if stage.state in ("done", "skipped", "failed_soft"):
        return 1.0
    told = stage.told_percent / 100
    if summary is None or not stage.plan.chunks:
        return told
    return max(told, min(1.0, summary.position_sum / stage.plan.chunks))  # a chunk that begins anew takes nothing back


def job_progress(job: Job, shares: Mapping[StageName, float]) -> float:
    """Return how much of a job is done, in [0, 1]: the mean of its analysis stages and then its merge."""
    if job.state == "done":
        return 1.0
    merge = shares.get("merge", 0.0)
    analysis = [shares.get(name, 0.0) for name in _analysed(job)]
    if not analysis or job.edit is not None:  # nothing is analysed where the edit list was given, or changed
        return merge
    return ANALYSIS_SHARE * sum(analysis) / len(analysis) + (1 - ANALYSIS_SHARE) * merge


def time_left_s(job: Job, shares: Mapping[StageName, float], *, now: float) -> float | None:
    """Return about how many seconds pass until the job is done; None while nothing is known of its pace.

    A stage goes on at the pace it had since it was started, waiting included. The slower of the analysis stages
    counts, since they run beside each other; the merge is taken for a fixed share of the whole until it shows its pace.
    """
    if job.state == "done":
        return 0.0
    if job.state == "merging" and "merge" in job.stages:
        return _merge_left_s(job, shares.get("merge", 0.0), now=now)
    if job.state != "analysing" or job.epoch > 1:  # what was kept from before says nothing of today's pace
        return None
    totals = [_total_s(job.stages[name], shares.get(name, 0.0), now=now) for name in _analysed(job)]
    known = [total_s for total_s in totals if total_s is not None]
    if not known or len(known) < len(totals):
        return None
    left = [
        total_s - _elapsed_s(job.stages[name], now=now) for name, total_s in zip(_analysed(job), known, strict=True)
    ]
    return max(0.0, *left) + max(known) * _MERGE_PER_ANALYSIS


def standing(
    name: StageName, stage: Stage, summary: ChunkSummary, *, duration_s: float, now: float
) -> StandingChunk | None:
    """Return the running chunk that has stood still longest; None when none runs."""
    chunk = summary.slowest
    if chunk is None:
        return None
    span_s = None
    if name in ANALYSIS_STAGES and chunk.index < stage.plan.chunks:
        units = stage.plan.units_of(chunk.index)
        end_s = units.stop * stage.plan.unit_s
        span_s = (units.start * stage.plan.unit_s, min(end_s, duration_s) if duration_s else end_s)
    return StandingChunk(
        name=f"{name}-{chunk.index:05d}",
        position=chunk.position,
        still_for_s=max(0.0, now - chunk.moved_at),
        source_span_s=span_s,
    )


_MERGE_PER_ANALYSIS = (1 - ANALYSIS_SHARE) / ANALYSIS_SHARE


def _analysed(job: Job) -> list[StageName]:
    return [name for name in ANALYSIS_STAGES if name in job.stages and job.stages[name].state != "skipped"]


def _merge_left_s(job: Job, share: float, *, now: float) -> float | None:
    stage = job.stages["merge"]
    total_s = _total_s(stage, share, now=now)
    if total_s is None:
        is_part = job.edit is None and job.epoch == 1
        analysis_s = [_elapsed_s(job.stages[name], now=now) for name in _analysed(job)] if is_part else []
        total_s = max(analysis_s) * _MERGE_PER_ANALYSIS if analysis_s else None
    return None if total_s is None else max(0.0, total_s - _elapsed_s(stage, now=now))


def _total_s(stage: Stage, share: float, *, now: float) -> float | None:
    """Return how long the whole stage takes at its pace so far; None when that cannot be told yet."""
    elapsed_s = _elapsed_s(stage, now=now)
    if stage.is_settled:
        return elapsed_s
    return elapsed_s / share if share >= LEAST_SHARE and elapsed_s >= LEAST_ELAPSED_S else None


def _elapsed_s(stage: Stage, *, now: float) -> float:
    if stage.started_at is None:
        return 0.0
    return max(0.0, (now if stage.ended_at is None else stage.ended_at) - stage.started_at)
