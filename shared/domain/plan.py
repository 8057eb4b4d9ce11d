"""What is outstanding for a job, derived from its record alone.

`next_effects` is the one place that holds the order of things. It is level-triggered: it never asks what just happened,
only what is there, so lost, doubled and reordered events stop mattering.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from shared.domain.chunk import Chunk, ChunkSummary, Failure
from shared.domain.job import ANALYSIS_STAGES, Job, Stage
from shared.domain.limits import Limits
from shared.domain.messages import StageName

ExecutionState = Literal["queued", "running", "ended"]
"""Queued: the platform has not begun any of its tasks; where a platform does not tell, it is running."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What was seen of a stage: its chunks, and its execution where somebody looked."""

    summary: ChunkSummary = field(default_factory=ChunkSummary)
    execution: ExecutionState | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeSource:
    """Read the source's header and plan its chunks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestStage:
    """Ask for a launch of the stage's outstanding chunks."""

    stage: StageName
    seen_requests: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SettleStage:
    """Record that the stage has ended."""

    stage: StageName
    state: Literal["done", "failed", "failed_soft"]
    error: Failure | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteSilence:
    """Name in the record the chunks that stand still."""

    stage: StageName
    silent: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteLiveliness:
    """Record that the stage's execution gets on, which gives its pending chunks another while to be started."""

    stage: StageName
    ended: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TellProgress:
    """Tell other systems that a stage is this far."""

    stage: StageName
    percent: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StartMerge:
    """Enter the merging state."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishJob:
    """Read what the merge made and close the job."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FailJob:
    """Close the job with an error."""

    error: Failure


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpireJob:
    """Close a job whose upload never came."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelExecution:
    """Stop an execution nobody waits for any more."""

    stage: StageName
    execution: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishOutbox:
    """Hand the outbox to the bus."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EraseJob:
    """Remove everything of the job."""


Effect = (
    ProbeSource
    | RequestStage
    | SettleStage
    | NoteSilence
    | NoteLiveliness
    | TellProgress
    | StartMerge
    | FinishJob
    | FailJob
    | ExpireJob
    | CancelExecution
    | PublishOutbox
    | EraseJob
)


def next_effects(job: Job, seen: Mapping[StageName, Seen], *, now: float, limits: Limits) -> tuple[Effect, ...]:
    """Return what should be done for the job now; nothing when it is final and quiet, or when others are at work.

    `seen` holds the stages that were looked at; a stage that is missing counts as not started.
    """
    outbox: tuple[Effect, ...] = (PublishOutbox(),) if job.outbox else ()
    if job.is_final:
        return (*_cancel_what_runs(job, seen), *outbox)
    if job.state == "erasing":
        before = (*_cancel_what_runs(job, seen), *outbox)
        return (EraseJob(),) if not outbox and is_quiet(job, seen, now=now, limits=limits) else before
    if job.deadline is not None and now >= job.deadline:
        return (FailJob(error=_deadline_exceeded(job, seen)),)
    return (*outbox, *_progress(job, seen), *_next_steps(job, seen, now=now, limits=limits))


def outstanding_chunks(
    stage: Stage, chunks: Sequence[Chunk], *, is_running: bool, now: float, limits: Limits
) -> list[int]:
    """Return the chunk numbers a new run should compute.

    Chunks that are done or failed for good are left out; so are those left to tasks of older runs.
    """
    settled = {chunk.index for chunk in chunks if chunk.state in ("done", "failed")}
    left = set(left_chunks(stage, chunks, is_running=is_running, now=now, limits=limits))
    return [index for index in stage.chunks if index not in settled and index not in left]


def left_chunks(
    stage: Stage, chunks: Sequence[Chunk], *, is_running: bool, now: float, limits: Limits
) -> tuple[int, ...]:
    """Return the numbers of the chunks that a new run leaves to the tasks that are visibly moving them.

    Those are tasks of the stage's latest execution, unless that has ended (`is_running` False), and those that it in
    turn had left to older ones.
    """
    return tuple(
        chunk.index
        for chunk in chunks
        if chunk.state == "running"
        and chunk.index in stage.chunks
        and now - chunk.moved_at < limits.rerun_after_s
        and (is_running or chunk.index in stage.left)
    )


def under_way(stage: Stage, summary: ChunkSummary) -> tuple[Chunk, ...]:
    """Return the chunks that a task is to be seen moving: those the stage's run has started or has left to an older.

    What an older run started and this one has in its list is as good as pending: it waits for a worker, maybe long.
    """
    return tuple(each for each in summary.running if each.run_id == stage.run_id or each.index in stage.left)


def silent_chunks(running: Sequence[Chunk], *, now: float, silent_s: float) -> tuple[Chunk, ...]:
    """Return those of the running chunks whose position has stood still for `silent_s` or longer, slowest first."""
    silent = (chunk for chunk in running if now - chunk.moved_at >= silent_s)
    return tuple(sorted(silent, key=lambda chunk: (chunk.moved_at, chunk.index)))


def is_quiet(job: Job, seen: Mapping[StageName, Seen], *, now: float, limits: Limits) -> bool:
    """Return whether nobody may write something of an ended job any more.

    A task that is alive sees within seconds that it is not wanted, and one that never looks ends itself once it has
    stood still for as long as the limits allow. Before that time only executions that are known to have ended count.
    """
    if job.ended_at is not None and now >= job.ended_at + limits.rerun_after_s + limits.silent_after_s:
        return True
    return all(_is_quiet(stage, seen.get(name, Seen()), now=now) for name, stage in job.stages.items())


def _is_quiet(stage: Stage, seen: Seen, *, now: float) -> bool:
    is_launching = stage.state == "launching"
    if is_launching and now < stage.launching_until:
        return False
    if stage.execution is not None and stage.state != "done" and seen.execution != "ended":
        return False
    # What an older run's task had, or one of a launch that was never recorded, may be at work in another execution.
    return not any(is_launching or chunk.run_id != stage.run_id for chunk in seen.summary.running)


def _progress(job: Job, seen: Mapping[StageName, Seen]) -> tuple[Effect, ...]:
    """Return what is to be told of stages that have passed another tenth; their end is told when they settle."""
    far = {
        name: _tenths(looked.summary.position_sum / job.stages[name].plan.chunks)
        for name, looked in seen.items()
        if looked.summary.done < job.stages[name].plan.chunks and not job.stages[name].is_settled
    }
    return tuple(
        TellProgress(stage=name, percent=percent)
        for name, percent in far.items()
        if percent > job.stages[name].told_percent
    )


def _tenths(share: float) -> int:
    """Return the share in percent, cut to a step of 10; all of it is not yet the end."""
    return min(90, 10 * int(10 * share + 1e-9))  # ten chunks at 0.1 add up to a little less than one


def _next_steps(job: Job, seen: Mapping[StageName, Seen], *, now: float, limits: Limits) -> tuple[Effect, ...]:
    match job.state:
        case "awaiting_upload":
            # One that is tried again has a deadline instead: its upload is a copy of ours.
            is_late = job.deadline is None and now >= job.created_at + limits.upload_expires_s
            return (ExpireJob(),) if is_late else ()
        case "queued":
            return (ProbeSource(),)
        case "analysing":
            return _analysis_steps(job, seen, now=now, limits=limits)
        case "merging":
            return _merge_steps(job, seen, now=now, limits=limits)
        case _:
            return ()


def _analysis_steps(job: Job, seen: Mapping[StageName, Seen], *, now: float, limits: Limits) -> tuple[Effect, ...]:
    stages = {name: job.stages[name] for name in ANALYSIS_STAGES if name in job.stages}
    for stage in stages.values():
        if stage.state == "failed" and stage.error is not None:
            return (FailJob(error=stage.error),)
    if all(stage.is_settled for stage in stages.values()):
        is_enough = job.is_given or any(stage.state == "done" for stage in stages.values())
        return (StartMerge(),) if is_enough else _nothing_left(stages)
    return tuple(
        _softened(job, effect)
        for name, stage in stages.items()
        for effect in _stage_steps(name, stage, seen.get(name, Seen()), now=now, limits=limits)
    )


def _softened(job: Job, effect: Effect) -> Effect:
    """Return the effect; sound that cannot be transcribed is no reason to lose the movement."""
    if not isinstance(effect, SettleStage) or effect.state != "failed" or effect.stage != "transcribe":
        return effect
    pose = job.stages.get("pose")
    return effect if pose is None or pose.state == "skipped" else replace(effect, state="failed_soft")


def _nothing_left(stages: Mapping[StageName, Stage]) -> tuple[Effect, ...]:
    """Every analysis failed softly or was skipped: the first one's error is the job's."""
    errors = [stage.error for stage in stages.values() if stage.error is not None]
    nothing = Failure(
        code="nothing_to_analyse", message="There is neither a picture nor sound to look at.", is_input=True
    )
    return (FailJob(error=errors[0] if errors else nothing),)


def _merge_steps(job: Job, seen: Mapping[StageName, Seen], *, now: float, limits: Limits) -> tuple[Effect, ...]:
    stage = job.stages["merge"]
    if stage.state == "done":
        return (FinishJob(),)
    if stage.state == "failed" and stage.error is not None:
        return (FailJob(error=stage.error),)
    return _stage_steps("merge", stage, seen.get("merge", Seen()), now=now, limits=limits)


def _stage_steps(name: StageName, stage: Stage, seen: Seen, *, now: float, limits: Limits) -> tuple[Effect, ...]:
    again = RequestStage(stage=name, seen_requests=stage.requests)
    if stage.is_settled:
        return ()
    if seen.summary.failed:
        return (SettleStage(stage=name, state="failed", error=seen.summary.failed[0].error),)
    if seen.summary.done >= stage.plan.chunks:
        return (SettleStage(stage=name, state="done"),)
    if stage.launches >= limits.max_launches and seen.execution == "ended":
        return (SettleStage(stage=name, state="failed", error=_never_ended(name, stage)),)
    match stage.state:
        case "planned":
            return (again,)
        case "requested":
            return (again,) if now >= stage.requested_at + limits.request_lost_s else ()
        case "launching":
            return (again,) if now >= stage.launching_until + limits.request_lost_s else ()
        case "launched":
            running = under_way(stage, seen.summary)
            is_stuck = silent_chunks(running, now=now, silent_s=limits.rerun_after_s)
            is_left = [each for each in running if each.index in stage.left]
            is_over = seen.execution == "ended" and stage.plan.chunks - seen.summary.ended > len(is_left)
            if is_over or is_stuck:
                return (again,)
            if not running and seen.execution is not None and now >= stage.lively_at + limits.start_within_s:
                is_lively = seen.execution == "queued" or seen.summary.ended != stage.ended_then
                return (NoteLiveliness(stage=name, ended=seen.summary.ended) if is_lively else again,)
            still = silent_chunks(running, now=now, silent_s=limits.silent_after_s)
            silent = tuple(sorted(chunk.index for chunk in still))
            return (NoteSilence(stage=name, silent=silent),) if silent != stage.silent else ()
        case _:
            return ()


def _cancel_what_runs(job: Job, seen: Mapping[StageName, Seen]) -> tuple[Effect, ...]:
    """Stop the stages nobody waits for any more; one that is done is only on its way out."""
    return tuple(
        CancelExecution(stage=name, execution=stage.execution)
        for name, stage in job.stages.items()
        if stage.execution is not None
        and stage.state != "done"
        and seen.get(name, Seen()).execution in ("queued", "running")
    )


def _never_ended(name: StageName, stage: Stage) -> Failure:
    return Failure(
        code="stage_never_ended",
        message=f"The {name} stage was launched {stage.launches} times and did not come to an end; "
        "`montage doctor` may say why.",
    )


def _deadline_exceeded(job: Job, seen: Mapping[StageName, Seen]) -> Failure:
    slowest = next((each.summary.slowest for each in seen.values() if each.summary.slowest is not None), None)
    where = f"{slowest.stage} part {slowest.index}" if slowest is not None else f"the state {job.state}"
    return Failure(code="deadline_exceeded", message=f"The job did not end in the time allowed; last seen in {where}.")
