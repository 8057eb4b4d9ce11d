"""Nothing is to be left of a job."""

import logging

from shared.domain import job as jobs
from shared.domain.job import Job
from shared.log import event
from shared.pipeline.reconcile import reconcile
from shared.ports import Cloud

log = logging.getLogger(__name__)


def erase_job(cloud: Cloud, job_id: str) -> Job:
    """Have everything of a job removed, whatever its state, and return it as it was before: `erasing`.

    Where something of it still runs that is stopped, and the watchdog removes the rest once it has ended. Afterwards
    the job is unknown, and for eight days what comes late for it is removed, and nobody can make one of the same id.
    Raises NotFound, also when it was erased before, and TryAgain when it is recorded and the watchdog sees to it.
    """
    now = cloud.clock()
    cloud.jobs.update(job_id, lambda job: jobs.erasing(job, now=now))
    log.info("job is to be erased", extra=event("job_erasing", job=job_id))
    return reconcile(cloud, job_id, look_at_executions=True)
