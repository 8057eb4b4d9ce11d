"""Somebody wants a failed job to be tried again."""

import logging

from shared.domain import job as jobs
from shared.domain.job import Job
from shared.errors import BadRequest
from shared.log import event
from shared.pipeline.receive_upload import look_for_upload
from shared.pipeline.reconcile import reconcile
from shared.ports import Cloud

log = logging.getLogger(__name__)


def retry_job(cloud: Cloud, job_id: str) -> Job:
    """Set a failed job going again in a higher epoch and return it; chunks that are done are not computed again.

    First its chunks are reopened, which means nothing as long as the job has failed, and then the job is queued: cut
    off in between, the job has still failed and can be tried again. Raises NotFound, BadRequest `not_failed`, and
    TryAgain; once it is recorded the watchdog sees to the rest.
    """
    _check(cloud.jobs.get(job_id))
    reconcile(cloud, job_id, look_at_executions=True)  # stops what may still run of the epoch that failed
    cloud.jobs.reopen_chunks(job_id)
    now, limits = cloud.clock(), cloud.limits

    def change(job: Job) -> Job:
        _check(job)
        return jobs.retried(job, now=now, deadline_s=limits.deadline_s(job.duration_s))

    job = cloud.jobs.update(job_id, change)
    log.info("job tried again", extra=event("job_retried", job=job_id, epoch=job.epoch))
    if job.state == "awaiting_upload":
        look_for_upload(cloud, job_id)
    return reconcile(cloud, job_id)


def _check(job: Job) -> None:
    """Raises BadRequest for a job that cannot be tried again."""
    if job.state != "failed":
        state = job.state.replace("_", " ")
        raise BadRequest("not_failed", f"The job {job.id} is {state}; only a failed job can be tried again.")
    if job.source.generation is None and job.source.origin is None:
        raise BadRequest("not_failed", f"The upload of the job {job.id} never came; make a new job of the file.")
