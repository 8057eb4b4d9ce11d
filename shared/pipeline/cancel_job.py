"""Somebody does not want a job any more."""

import logging

from shared.domain import job as jobs
from shared.domain.job import Job
from shared.domain.object_names import source
from shared.errors import BadRequest
from shared.log import event
from shared.pipeline.reconcile import reconcile
from shared.ports import Cloud

log = logging.getLogger(__name__)


def cancel_job(cloud: Cloud, job_id: str) -> Job:
    """End an unfinished job, stop what runs of it and return it; one that is cancelled already is returned as it is.

    Once it is recorded nothing more is made of the job, even when this call is cut off: the watchdog stops what runs.
    Raises NotFound, BadRequest `already_ended`, and TryAgain when it is recorded but not everything could be stopped.
    """
    now = cloud.clock()

    def change(job: Job) -> Job:
        if job.is_over and not _is_cancelled(job):
            raise _already_ended(job)
        return jobs.cancelled(job, now=now)

    job = cloud.jobs.update(job_id, change)
    log.info("job cancelled", extra=event("job_cancelled", job=job_id))
    if job.source.generation is None:  # else what has arrived of its upload would lie there for a week
        cloud.uploads.delete(source(job_id))
    return reconcile(cloud, job_id, look_at_executions=True)


def _is_cancelled(job: Job) -> bool:
    """Return whether the job is, or its last edit: that leaves the reel before it, and no error."""
    return job.state == "cancelled" or (job.is_edit_lost and job.error is None)


def _already_ended(job: Job) -> BadRequest:
    how = "is being erased" if job.state == "erasing" else f"has already ended: it is {job.state}"
    return BadRequest("already_ended", f"The job {job.id} {how}; only an unfinished job can be cancelled.")
