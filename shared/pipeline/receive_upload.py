"""A bucket says an object is complete: pin the job to it and set it going."""

import logging

from shared.domain import job as jobs
from shared.domain.messages import ObjectFinalized
from shared.domain.object_names import job_of_source, source
from shared.errors import NotFound
from shared.log import event
from shared.pipeline.reconcile import reconcile
from shared.ports import Cloud

log = logging.getLogger(__name__)


def receive_upload(cloud: Cloud, finalized: ObjectFinalized) -> None:
    """Record the source's generation and reconcile its job; a second event for it changes nothing.

    An object that belongs to no known job is passed over with a line in the log.
    """
    job_id = job_of_source(finalized.name)
    if job_id is None:
        log.warning("not an upload of ours: %s", finalized.name, extra=event("upload_ignored"))
        return
    deadline = cloud.clock() + cloud.limits.deadline_s(0.0)
    try:
        cloud.jobs.update(
            job_id,
            lambda job: jobs.uploaded(
                job, generation=finalized.generation, size_bytes=finalized.size_bytes, deadline=deadline
            ),
        )
    except NotFound:
        log.warning("upload without a job: %s", finalized.name, extra=event("upload_ignored", job=job_id))
        return
    reconcile(cloud, job_id)


def look_for_upload(cloud: Cloud, job_id: str) -> None:
    """Do for a job that awaits its upload what a lost event would have done."""
    try:
        stat = cloud.uploads.stat(source(job_id))
    except NotFound:
        return
    receive_upload(
        cloud,
        ObjectFinalized(bucket="uploads", name=stat.name, generation=stat.generation, size_bytes=stat.size_bytes),
    )
