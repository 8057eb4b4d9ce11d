"""A job: one upload on its way to a reel. The record, and every change it can go through.

Changes are pure functions job → job that may run twice: each looks at the state it finds and returns the job as it is
when it does not apply. What must be told to others goes into `outbox` in the same change.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from shared.domain.chunk import Failure
from shared.domain.edit_list import Join, RenderMode
from shared.domain.messages import JobEvent, Message, StageName, StageRequested
from shared.domain.options import Options
from shared.domain.sound import Sound
from shared.domain.units import ChunkPlan
from shared.domain.video import Media, Video

SCHEMA_VERSION = 1

JobState = Literal[
    "awaiting_upload", "queued", "analysing", "merging", "done", "failed", "cancelled", "expired", "erasing"
]
StageState = Literal["planned", "skipped", "requested", "launching", "launched", "done", "failed_soft", "failed"]

FINAL_STATES: frozenset[JobState] = frozenset({"done", "failed", "cancelled", "expired"})
ANALYSIS_STAGES: tuple[StageName, ...] = ("pose", "transcribe")
MERGE_PLAN = ChunkPlan(unit_s=1.0, units=1, units_per_chunk=1)
NO_PLAN = ChunkPlan(unit_s=1.0, units=0, units_per_chunk=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """The uploaded object, pinned."""

    file_name: str
    """The user's name for it; metadata only, never part of a path."""
    generation: str | None = None
    """None until the upload is complete; afterwards no other generation is accepted."""
    size_bytes: int = 0
    declared_bytes: int | None = None
    """How large its owner said it would be, before the upload; None where nobody was asked."""
    content_type: str | None = None
    """The media type its owner said it would have; None where nobody was asked."""
    origin: str | None = None
    """Where it is to be copied from, as gs://bucket/name; None when its owner uploads it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Warned:
    """Something a user should know about a job that goes on."""

    code: str
    message: str


def warned(text: str) -> Warned:
    """Return the warning in a text of the form "code: sentence"."""
    code, _, message = text.partition(": ")
    return Warned(code=code, message=message)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One stage of a job and the run that works on it."""

    plan: ChunkPlan
    first_chunk: int = 0
    """The plan's chunks are numbered from here: each revision's merge has a chunk of its own, the first one's is 0."""
    state: StageState = "planned"
    requests: int = 0
    requested_at: float = 0.0
    run_id: str | None = None
    launching_until: float = 0.0
    execution: str | None = None
    launches: int = 0
    left: tuple[int, ...] = ()
    """Chunks that tasks of an older run were visibly moving when this run was launched; they are not in its list."""
    lively_at: float = 0.0
    """When it was last noted that the execution gets on; looked at only where chunks wait and none runs ..."""
    ended_then: int = 0
    """... and how many chunks had ended by then."""
    told_percent: int = 0
    """How far the stage was when others were last told."""
    silent: tuple[int, ...] = ()
    """Running chunks whose position has stood still for a while, by number."""
    started_at: float | None = None
    ended_at: float | None = None
    error: Failure | None = None

    @property
    def is_settled(self) -> bool:
        return self.state in ("done", "skipped", "failed_soft", "failed")

    @property
    def chunks(self) -> range:
        """The numbers of the plan's chunks."""
        return range(self.first_chunk, self.first_chunk + self.plan.chunks)


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """What a reel that was made once is to be rendered again from."""

    given: str
    """Name of the object in the work bucket that holds the clips."""
    render: RenderMode
    join: Join


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """The record of one job."""

    id: str
    source: Source
    options: Options
    created_at: float
    owner: str = "local"
    batch: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    is_given: bool = False
    """Whether somebody gave the edit list (object_names.given_edit_list): nothing is analysed then."""
    schema_version: int = SCHEMA_VERSION
    state: JobState = "awaiting_upload"
    revision: int = 1
    """Counts edit lists: 1 is the first that was chosen, or given with the job."""
    rendered_revision: int = 0
    """Which revision the artifacts are of; 0 before there are any. A failed one leaves those of the one before."""
    edit: Edit | None = None
    """What revisions after the first are rendered from; None in the first."""
    epoch: int = 1
    video: Video | None = None
    """What was measured of a source with a picture; None before that."""
    sound: Sound | None = None
    """The same of a source without one."""
    stages: Mapping[StageName, Stage] = field(default_factory=dict)
    outbox: tuple[Message, ...] = ()
    events: int = 0
    """How many events this job has told so far; the next one's number."""
    error: Failure | None = None
    warnings: tuple[Warned, ...] = ()
    """Of the analysis, then of the reel that there is."""
    warned_before_merge: int = 0
    """How many of them are of the analysis."""
    artifacts: Mapping[str, str] = field(default_factory=dict)
    """Artifact names ("reel", "report", "poster") to object names in the downloads bucket."""
    numbers: Mapping[str, float] = field(default_factory=dict)
    """What the merge measured, e.g. reel_s and kept_s in seconds."""
    probes: int = 0
    """How often somebody began to look at the source."""
    deadline: float | None = None
    ended_at: float | None = None

    @property
    def is_final(self) -> bool:
        return self.state in FINAL_STATES

    @property
    def is_rendered(self) -> bool:
        """Whether there is a reel, of this revision or of an earlier one."""
        return self.rendered_revision > 0

    @property
    def is_over(self) -> bool:
        """Whether nothing more is to be made of it: it is final, or about to be erased."""
        return self.is_final or self.state == "erasing"

    @property
    def is_edit_lost(self) -> bool:
        """Whether the last edit came to no reel: it failed or was cancelled, and the reel is an earlier revision's."""
        return self.state == "done" and 0 < self.rendered_revision < self.revision

    @property
    def warnings_before_merge(self) -> tuple[Warned, ...]:
        """What was told of the analysis; each reel has its own warnings besides."""
        return self.warnings[: self.warned_before_merge]

    @property
    def is_unfinished(self) -> bool:
        """Whether there is something left to do or to tell."""
        return not self.is_final or bool(self.outbox)

    @property
    def media(self) -> Media | None:
        return self.video or self.sound

    @property
    def duration_s(self) -> float:
        """The source's length; 0 before it is known."""
        return self.media.duration_s if self.media is not None else 0.0

    def wanted_run(self, name: StageName) -> str | None:
        """Return the run whose tasks the job waits for, None when it wants no more of the stage."""
        stage = self.stages.get(name)
        if self.is_over or stage is None or stage.is_settled:
            return None
        return stage.run_id

    def wants(self, name: StageName, chunk: int) -> bool:
        """Return whether the job waits for this chunk, whichever run works on it."""
        return self.wanted_run(name) is not None and chunk in self.stages[name].chunks


def _told(
    job: Job,
    kind: Literal["created", "progress", "done", "failed", "cancelled"],
    *,
    stage: StageName | None = None,
    percent: int | None = None,
) -> Job:
    event = JobEvent(
        type=kind,
        job_id=job.id,
        epoch=job.epoch,
        revision=job.revision,
        n=job.events,
        state=job.state,
        labels=dict(job.labels),
        error_code=job.error.code if job.error else None,
        stage=stage,
        percent=percent,
    )
    return replace(job, outbox=(*job.outbox, event), events=job.events + 1)


def _with_stage(job: Job, name: StageName, stage: Stage) -> Job:
    return replace(job, stages={**job.stages, name: stage})


def uploaded(job: Job, *, generation: str, size_bytes: int, deadline: float) -> Job:
    """The source is complete: awaiting_upload → queued, pinned to its generation. Another generation is refused."""
    if job.state != "awaiting_upload":
        return job
    source = replace(job.source, generation=generation, size_bytes=size_bytes)
    return _told(replace(job, state="queued", source=source, deadline=deadline), "created")


def probing(job: Job) -> Job:
    """Somebody begins to look at the source; counted, so that a source that kills whoever looks is given up."""
    return replace(job, probes=job.probes + 1) if job.state == "queued" else job


def planned(
    job: Job, *, media: Media, plans: Mapping[StageName, ChunkPlan], warnings: tuple[Warned, ...], deadline: float
) -> Job:
    """The source was probed: queued → analysing, with a plan for each analysis stage; one without a plan is skipped."""
    if job.state != "queued":
        return job
    stages: dict[StageName, Stage] = {
        name: _planned_stage(job.stages.get(name), plans.get(name)) for name in ANALYSIS_STAGES
    }
    if "merge" in job.stages:  # of a job that is tried again
        stages["merge"] = job.stages["merge"]
    job = replace(
        job,
        state="analysing",
        video=media if isinstance(media, Video) else None,
        sound=media if isinstance(media, Sound) else None,
        stages=stages,
        warnings=job.warnings + warnings,
        deadline=deadline,
    )
    return _told(job, "progress")


def _execution_of(job: Job, name: StageName) -> str | None:
    return job.stages[name].execution if name in job.stages else None


def _planned_stage(before: Stage | None, plan: ChunkPlan | None) -> Stage:
    """Return a stage's record at the beginning.

    A retried job keeps its plan, whatever this Montage would plan: that is what the chunks that are done are numbered
    by.
    """
    if plan is None:
        return Stage(plan=NO_PLAN, state="skipped")
    return Stage(plan=plan) if before is None or before.state == "skipped" else before


def stage_requested(job: Job, name: StageName, *, now: float, seen_requests: int) -> Job:
    """Ask for a launch of the stage's outstanding chunks, unless someone asked since `seen_requests` was read."""
    stage = job.stages.get(name)
    if job.is_over or stage is None or stage.is_settled or stage.requests != seen_requests:
        return job
    stage = replace(stage, state="requested", requests=stage.requests + 1, requested_at=now)
    order = StageRequested(job_id=job.id, epoch=job.epoch, stage=name, request=stage.requests)
    return replace(_with_stage(job, name, stage), outbox=(*job.outbox, order))


def stage_launching(job: Job, name: StageName, *, run_id: str, now: float, until: float) -> Job:
    """A dispatcher is about to launch a run: requested → launching; an overdue launching is taken over."""
    stage = job.stages.get(name)
    if job.is_over or stage is None:
        return job
    is_free = stage.state == "requested" or (stage.state == "launching" and now >= stage.launching_until)
    if not is_free:
        return job
    stage = replace(
        stage,
        state="launching",
        run_id=run_id,
        launching_until=until,
        launches=stage.launches + 1,
        lively_at=now,
        started_at=stage.started_at if stage.started_at is not None else now,
    )
    return _with_stage(job, name, stage)


def stage_launched(job: Job, name: StageName, *, run_id: str, execution: str, left: tuple[int, ...] = ()) -> Job:
    """The platform took the run: launching → launched. A run that was superseded meanwhile changes nothing.

    `left` are the chunks that it leaves to tasks of an older run.
    """
    stage = job.stages.get(name)
    if stage is None or stage.state != "launching" or stage.run_id != run_id:
        return job
    return _with_stage(job, name, replace(stage, state="launched", execution=execution, left=left))


def liveliness_noted(job: Job, name: StageName, *, now: float, ended: int) -> Job:
    """The stage's execution gets on, or still waits for its turn: its chunks may wait on."""
    stage = job.stages.get(name)
    if stage is None or stage.state != "launched":
        return job
    return _with_stage(job, name, replace(stage, lively_at=now, ended_then=ended))


def silence_noted(job: Job, name: StageName, silent: tuple[int, ...]) -> Job:
    """Name the chunks of a stage that stand still."""
    stage = job.stages.get(name)
    if stage is None or stage.is_settled:
        return job
    return _with_stage(job, name, replace(stage, silent=silent))


def progress_told(job: Job, name: StageName, percent: int) -> Job:
    """Tell others how far a stage is, once per step; chunks that begin anew do not take back what was told."""
    stage = job.stages.get(name)
    if job.is_over or stage is None or stage.is_settled or percent <= stage.told_percent:
        return job
    job = _with_stage(job, name, replace(stage, told_percent=percent))
    return _told(job, "progress", stage=name, percent=percent)


def stage_settled(
    job: Job, name: StageName, state: Literal["done", "failed", "failed_soft"], *, now: float, error: Failure | None
) -> Job:
    """Every chunk of the stage has ended; what came of it. A soft failure is kept as a warning."""
    stage = job.stages.get(name)
    if job.is_over or stage is None or stage.is_settled:
        return job
    if state == "done":
        job = progress_told(job, name, 100)
        stage = job.stages[name]
    job = _with_stage(job, name, replace(stage, state=state, error=error, ended_at=now, silent=()))
    if state != "failed_soft" or error is None:
        return job
    return replace(job, warnings=(*job.warnings, Warned(code=error.code, message=error.message)))


def merging(job: Job) -> Job:
    """The analysis is complete: analysing → merging, with the merge stage planned."""
    if job.state != "analysing":
        return job
    merge = Stage(plan=MERGE_PLAN, execution=_execution_of(job, "merge"))  # there is one where it is tried again
    job = replace(job, state="merging", stages={**job.stages, "merge": merge}, warned_before_merge=len(job.warnings))
    return _told(job, "progress")


def done(
    job: Job,
    *,
    artifacts: Mapping[str, str],
    numbers: Mapping[str, float],
    warnings: tuple[Warned, ...],
    now: float,
) -> Job:
    """The reel is there: merging → done."""
    if job.state != "merging":
        return job
    job = replace(
        job,
        state="done",
        artifacts=artifacts,
        numbers=numbers,
        warnings=(*job.warnings_before_merge, *warnings),
        rendered_revision=job.revision,
        ended_at=now,
    )
    return _told(job, "done")


def rendering_again(job: Job, edit: Edit, *, expected_revision: int, now: float, deadline_s: float) -> Job:
    """The reel is to be rendered from other clips: done → merging, the next revision; nothing is analysed again.

    Unless this very revision was expected: then somebody else edited meanwhile, and nothing changes.
    """
    if job.state != "done" or job.revision != expected_revision:
        return job
    # The execution before goes with it: of an edit that was cancelled it may still run, and nobody is to lose sight.
    merge = Stage(plan=MERGE_PLAN, first_chunk=job.revision, execution=_execution_of(job, "merge"))
    job = replace(
        job,
        state="merging",
        revision=job.revision + 1,
        rendered_revision=job.rendered_revision or job.revision,  # 0 in records from before there were edits
        edit=edit,
        stages={**job.stages, "merge": merge},
        error=None,
        deadline=now + deadline_s,
        ended_at=None,
    )
    return _told(job, "progress")


def failed(job: Job, error: Failure, *, now: float) -> Job:
    """The job cannot be finished: any unfinished state → failed; where there is a reel, that stays: merging → done."""
    if job.is_over:
        return job
    state: JobState = "done" if job.is_rendered else "failed"
    return _told(replace(job, state=state, error=error, ended_at=now), "failed")


def source_gone(job: Job, error: Failure, *, now: float) -> Job:
    """What was to be copied is not there any more: awaiting_upload → failed."""
    return failed(job, error, now=now) if job.state == "awaiting_upload" else job


def expired(job: Job, *, now: float) -> Job:
    """Nobody completed the upload: awaiting_upload → expired."""
    if job.state != "awaiting_upload":
        return job
    return replace(job, state="expired", ended_at=now)


def cancelled(job: Job, *, now: float) -> Job:
    """Nobody wants the job any more: any unfinished state → cancelled; where there is a reel, that stays: → done."""
    if job.is_over:
        return job
    state: JobState = "done" if job.is_rendered else "cancelled"
    return _told(replace(job, state=state, ended_at=now), "cancelled")


def erasing(job: Job, *, now: float) -> Job:
    """Nothing is to be left of the job: any state → erasing; one that was unfinished is told as cancelled.

    From `ended_at` on no task and no dispatcher takes anything up.
    """
    if job.state == "erasing":
        return job
    return replace(cancelled(job, now=now), state="erasing", ended_at=now)


def retried(job: Job, *, now: float, deadline_s: float) -> Job:
    """Somebody wants a failed job to be tried again: failed → queued, or → awaiting_upload for one yet to be copied.

    It begins anew in a higher epoch, with a new deadline; what tasks have finished is kept. A job without a source, and
    one that has not failed, stays as it is.
    """
    if job.state != "failed" or not (job.source.generation or job.source.origin):
        return job
    state: JobState = "queued" if job.source.generation else "awaiting_upload"
    again = replace(
        job,
        state=state,
        epoch=job.epoch + 1,
        error=None,
        warnings=(),
        warned_before_merge=0,
        probes=0,
        deadline=now + deadline_s,
        ended_at=None,
        stages={name: _begun_anew(stage) for name, stage in job.stages.items()},
    )
    return _told(again, "progress")


def _begun_anew(stage: Stage) -> Stage:
    """Return a retried job's stage, planned as it was.

    It keeps the name of its last execution, so that whoever launches the next sees whether that still runs.
    """
    if stage.state == "skipped":
        return stage
    return Stage(plan=stage.plan, first_chunk=stage.first_chunk, execution=stage.execution)


def published(job: Job, messages: tuple[Message, ...]) -> Job:
    """The messages were handed to the bus: they leave the outbox."""
    return replace(job, outbox=tuple(message for message in job.outbox if message not in messages))


def resumed(job: Job, *, now: float, deadline_s: float) -> Job:
    """A person wants this unfinished job to go on: its deadline and its budgets start anew."""
    if job.is_over or job.deadline is None:
        return job
    stages = {name: stage if stage.is_settled else replace(stage, launches=0) for name, stage in job.stages.items()}
    return replace(job, deadline=now + deadline_s, probes=0, stages=stages)
