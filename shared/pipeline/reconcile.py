"""Read a job's record, derive what is outstanding, do it. Every handler ends here; every effect is idempotent."""

import json
import logging
from functools import partial

from shared.domain import job as jobs
from shared.domain.job import Job, Warned
from shared.domain.messages import StageName
from shared.domain.object_names import artifact, digests_heard_for, everything_of, heard_speech, source
from shared.domain.plan import (
    CancelExecution,
    Effect,
    EraseJob,
    ExpireJob,
    FailJob,
    FinishJob,
    NoteLiveliness,
    NoteSilence,
    ProbeSource,
    PublishOutbox,
    RequestStage,
    Seen,
    SettleStage,
    StartMerge,
    TellProgress,
    next_effects,
)
from shared.domain.tombstone import tombstone_of
from shared.log import event
from shared.pipeline.plan_source import plan_source
from shared.pipeline.stage_summary import stage_summary
from shared.ports import Cloud, ObjectStore

log = logging.getLogger(__name__)

MAX_ROUNDS = 50  # a job passes through about ten rounds in its life; more at once would be a loop


def reconcile(cloud: Cloud, job_id: str, *, look_at_executions: bool = False) -> Job:
    """Carry out everything outstanding for the job and return it as it then is.

    `look_at_executions` also asks the platform whether launched executions still run; the watchdog does, handlers need
    not. A job that is being erased is returned as it was before, and may be unknown afterwards.
    Raises NotFound for an unknown job, TryAgain when a port is out of reach: calling again is always right.
    """
    for _ in range(MAX_ROUNDS):
        job = cloud.jobs.get(job_id)
        seen = {name: _look(cloud, job, name, look_at_executions=look_at_executions) for name in job.stages}
        effects = next_effects(job, seen, now=cloud.clock(), limits=cloud.limits)
        if not effects:
            return job
        for effect in effects:
            _carry_out(cloud, job, effect)
        if EraseJob() in effects:
            return job  # as it was; it is not there any more
        if all(isinstance(effect, CancelExecution | TellProgress) for effect in effects):
            return job  # tasks take a while to stop, and what was told changes nothing: looking again costs reads
    raise RuntimeError(f"job {job_id} did not settle in {MAX_ROUNDS} rounds; last effects: {effects}")


def _look(cloud: Cloud, job: Job, name: StageName, *, look_at_executions: bool) -> Seen:
    stage = job.stages[name]
    is_worth_asking = stage.state != "done" if job.is_over else not stage.is_settled
    is_erasing = job.state == "erasing"
    is_asked = is_worth_asking and (look_at_executions or is_erasing or _was_just_ended(job))
    execution = cloud.launcher.state(stage.execution) if is_asked and stage.execution is not None else None
    if not is_erasing and (stage.state == "planned" or stage.is_settled):
        return Seen(execution=execution)
    # Whoever still works on an earlier revision is in the way of erasing, too.
    summary = cloud.jobs.chunk_summary(job.id, name) if is_erasing else stage_summary(cloud, job, name)
    return Seen(summary=summary, execution=execution)


def _was_just_ended(job: Job) -> bool:
    """Return whether this may be the last look at the job: once its outbox is empty nobody need come by again."""
    return job.is_over and bool(job.outbox)


def _carry_out(cloud: Cloud, job: Job, effect: Effect) -> None:
    now = cloud.clock()
    update = partial(cloud.jobs.update, job.id)
    match effect:
        case PublishOutbox():
            _publish_outbox(cloud, job)
        case ProbeSource():
            plan_source(cloud, job)
        case RequestStage(stage=stage, seen_requests=seen):
            update(lambda job: jobs.stage_requested(job, stage, now=now, seen_requests=seen))
        case SettleStage(stage=stage, state=state, error=error):
            log.info("%s stage %s", stage, state, extra=event("stage_settled", job=job.id, stage=stage, state=state))
            update(lambda job: jobs.stage_settled(job, stage, state, now=now, error=error))
        case NoteSilence(stage=stage, silent=silent):
            if silent:
                log.warning(
                    "%s chunks %s stand still", stage, silent, extra=event("chunk_silent", job=job.id, stage=stage)
                )
            update(lambda job: jobs.silence_noted(job, stage, silent))
        case NoteLiveliness(stage=stage, ended=ended):
            update(lambda job: jobs.liveliness_noted(job, stage, now=now, ended=ended))
        case TellProgress(stage=stage, percent=percent):
            _publish_outbox(cloud, update(lambda job: jobs.progress_told(job, stage, percent)))
        case StartMerge():
            update(jobs.merging)
        case FinishJob():
            _finish(cloud, job)
        case FailJob(error=error):
            log.warning("job failed: %s", error.message, extra=event("job_failed", job=job.id, code=error.code))
            update(lambda job: jobs.failed(job, error, now=now))
        case ExpireJob():
            update(lambda job: jobs.expired(job, now=now))
        case CancelExecution(execution=execution):
            cloud.launcher.cancel(execution)
        case EraseJob():
            _erase(cloud, job)


def _publish_outbox(cloud: Cloud, job: Job) -> None:
    for message in job.outbox:
        cloud.bus.publish(message)
    cloud.jobs.update(job.id, lambda current: jobs.published(current, job.outbox))


def _erase(cloud: Cloud, job: Job) -> None:
    """Remove everything of the job, its record last: whoever is cut off is followed by the watchdog.

    What was heard for it goes before the notes of that. An object that comes late meets the record, which has all this
    done again, or the tombstone that the record leaves.
    """
    cloud.uploads.delete(source(job.id))  # unfinished uploads of it as well, which no listing shows
    prefixes = everything_of(job.id)
    for digest in digests_heard_for(job.id, cloud.work.list(prefixes["work"])):
        cloud.work.delete(heard_speech(digest))
    for bucket, prefix in prefixes.items():
        store: ObjectStore = getattr(cloud, bucket)
        for name in list(store.list(prefix)):
            store.delete(name)
    cloud.launcher.forget(job.id)
    cloud.jobs.forget(job.id)
    log.info("job erased", extra=event("job_erased", tombstone=tombstone_of(job.id)))


def _finish(cloud: Cloud, job: Job) -> None:
    """Close the job with what the merge task says it made."""
    number = job.stages["merge"].first_chunk
    winner = next(chunk for chunk in cloud.jobs.chunks(job.id, "merge") if chunk.index == number)
    if winner.result is None:
        raise RuntimeError(f"merge of {job.id} is done but names no result")
    made = json.loads(cloud.work.read(winner.result))
    artifacts = {name: artifact(job.id, job.revision, file_name) for name, file_name in made["artifacts"].items()}
    warnings = tuple(Warned(**each) for each in made["warnings"])
    now = cloud.clock()
    cloud.jobs.update(
        job.id,
        lambda current: jobs.done(current, artifacts=artifacts, numbers=made["numbers"], warnings=warnings, now=now),
    )
