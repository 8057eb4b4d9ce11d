"""Turn a requested stage into one execution with one task per outstanding chunk."""

import json
import logging
import secrets
from contextlib import suppress

from shared.domain import job as jobs
from shared.domain.job import Job
from shared.domain.messages import StageName, StageRequested
from shared.domain.object_names import run_list
from shared.domain.plan import left_chunks, outstanding_chunks
from shared.errors import NotFound, TryAgain
from shared.log import event
from shared.pipeline.reconcile import reconcile
from shared.ports import Cloud

log = logging.getLogger(__name__)


def launch_stage(cloud: Cloud, order: StageRequested) -> None:
    """Launch the stage's outstanding chunks once, however often and late the order comes.

    `launching(run_id, until)` is written before the launch. An order that comes again before `until` raises TryAgain;
    after it a new run takes over and the old one's tasks are refused their chunks.
    """
    try:
        job = cloud.jobs.get(order.job_id)
    except NotFound:
        log.warning("order for an unknown job %s", order.job_id, extra=event("order_ignored"))
        return
    stage = job.stages.get(order.stage)
    if job.epoch != order.epoch or job.is_over or stage is None or stage.requests != order.request:
        return
    if stage.state not in ("requested", "launching"):
        return
    previous = stage.execution
    was_running = previous is not None and cloud.launcher.state(previous) != "ended"
    run_id = _claim(cloud, job, order.stage)
    if run_id is None:
        return
    _launch(cloud, job.id, order.stage, run_id, previous=previous, was_running=was_running)
    with suppress(NotFound):  # erased meanwhile
        reconcile(cloud, job.id)


def _claim(cloud: Cloud, job: Job, name: StageName) -> str | None:
    """Return the id of the run that is ours to launch, None when the job has ended or begun anew meanwhile."""
    run_id = secrets.token_hex(4)
    now = cloud.clock()
    until, epoch = now + cloud.limits.launching_s, job.epoch

    def claimed(job: Job) -> Job:
        return jobs.stage_launching(job, name, run_id=run_id, now=now, until=until) if job.epoch == epoch else job

    try:
        job = cloud.jobs.update(job.id, claimed)
    except NotFound:
        return None
    if job.is_over or job.epoch != epoch:
        return None
    if not _is_ours(job, name, run_id):
        raise TryAgain(f"the {name} stage of {job.id} is being launched by another dispatcher")
    return run_id


def _is_ours(job: Job, name: StageName, run_id: str) -> bool:
    """Return whether the job still waits for this run."""
    return not job.is_over and name in job.stages and job.stages[name].run_id == run_id


def _launch(
    cloud: Cloud, job_id: str, name: StageName, run_id: str, *, previous: str | None, was_running: bool
) -> None:
    """Launch what is outstanding; `previous` is the stage's execution before, which may still run."""
    try:
        job = cloud.jobs.get(job_id)
    except NotFound:
        return
    if not _is_ours(job, name, run_id):  # nothing is written, let alone launched, for a job that has ended
        return
    stage = job.stages[name]
    records, now = tuple(cloud.jobs.chunks(job_id, name)), cloud.clock()
    chunks = outstanding_chunks(stage, records, is_running=was_running, now=now, limits=cloud.limits)
    left = left_chunks(stage, records, is_running=was_running, now=now, limits=cloud.limits)
    if not chunks:
        _keep_waiting_for(cloud, job_id, name, run_id, previous, left)
        return
    cloud.work.write(run_list(job_id, name, run_id), json.dumps({"chunks": chunks}).encode())
    execution = cloud.launcher.launch(name, job_id, run_id, tasks=len(chunks))
    log.info(
        "launched %d %s tasks", len(chunks), name, extra=event("stage_launched", job=job_id, stage=name, run=run_id)
    )
    try:
        job = cloud.jobs.update(
            job_id, lambda job: jobs.stage_launched(job, name, run_id=run_id, execution=execution, left=left)
        )
    except NotFound:  # erased meanwhile
        cloud.launcher.cancel(execution)
        return
    if not _is_ours(job, name, run_id):
        cloud.launcher.cancel(execution)
    elif previous is not None and was_running and not left:
        cloud.launcher.cancel(previous)  # a task hung in a native call would keep its worker for ever


def _keep_waiting_for(
    cloud: Cloud, job_id: str, name: StageName, run_id: str, previous: str | None, left: tuple[int, ...]
) -> None:
    """Whatever has not ended is moving: the execution before stays the stage's own."""
    if previous is not None:
        cloud.jobs.update(
            job_id, lambda job: jobs.stage_launched(job, name, run_id=run_id, execution=previous, left=left)
        )
