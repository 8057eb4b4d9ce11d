"""A bucket says an object is complete: pin the job to it and set it going."""

import logging
from contextlib import suppress

from shared.domain import job as jobs
from shared.domain.chunk import Failure
from shared.domain.messages import ObjectFinalized
from shared.domain.object_names import job_of_source, source
from shared.domain.source_address import source_address
from shared.errors import AlreadyThere, NotFound
from shared.log import event
from shared.pipeline.reconcile import reconcile
from shared.ports import Cloud, ObjectStat

log = logging.getLogger(__name__)


def receive_upload(cloud: Cloud, finalized: ObjectFinalized) -> None:
    """Record the source's generation and reconcile its job; a second event for it changes nothing.

    An object that belongs to no known job is passed over with a line in the log; one of an erased job is removed, and
    so is one that its job did not wait for any more.
    """
    job_id = job_of_source(finalized.name)
    if job_id is None:
        log.warning("not an upload of ours: %s", finalized.name, extra=event("upload_ignored"))
        return
    deadline = cloud.clock() + cloud.limits.deadline_s(0.0)
    try:
        job = cloud.jobs.update(
            job_id,
            lambda job: jobs.uploaded(
                job, generation=finalized.generation, size_bytes=finalized.size_bytes, deadline=deadline
            ),
        )
        if job.is_over and job.source.generation != finalized.generation:
            _remove(cloud, finalized)
        reconcile(cloud, job_id)
    except NotFound as error:
        if error.code != "unknown_job":
            raise
        if cloud.jobs.was_erased(job_id):
            cloud.uploads.delete(finalized.name)
        log.warning("upload without a job: %s", finalized.name, extra=event("upload_ignored", job=job_id))


def _remove(cloud: Cloud, finalized: ObjectFinalized) -> None:
    """Remove what came for a job that is over: who had begun to upload it could still complete it, even begin anew."""
    with suppress(NotFound):
        if cloud.uploads.stat(finalized.name).generation == finalized.generation:
            cloud.uploads.delete(finalized.name)
            log.warning("upload came too late", extra=event("upload_ignored", job=job_of_source(finalized.name)))


def look_for_upload(cloud: Cloud, job_id: str) -> None:
    """Do for a job that awaits its upload what a lost event would have done; a requested one's source is fetched."""
    stat = _arrived(cloud, job_id) or _fetched(cloud, job_id)
    if stat is not None:
        receive_upload(
            cloud,
            ObjectFinalized(bucket="uploads", name=stat.name, generation=stat.generation, size_bytes=stat.size_bytes),
        )


def _arrived(cloud: Cloud, job_id: str) -> ObjectStat | None:
    try:
        return cloud.uploads.stat(source(job_id))
    except NotFound:
        return None


def _fetched(cloud: Cloud, job_id: str) -> ObjectStat | None:
    """Copy a requested job's source to where uploads lie. None when its owner uploads it, or when it is gone."""
    origin = cloud.jobs.get(job_id).source.origin
    if origin is None:
        return None
    try:
        return cloud.uploads.copy_from(source_address(origin), source(job_id))
    except AlreadyThere:
        return _arrived(cloud, job_id)
    except NotFound:
        gone = Failure(code="source_gone", message=f"{origin} was removed before it could be copied.", is_input=True)
        cloud.jobs.update(job_id, lambda job: jobs.source_gone(job, gone, now=cloud.clock()))
        reconcile(cloud, job_id)
        return None
