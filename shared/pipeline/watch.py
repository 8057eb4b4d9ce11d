"""Look after unfinished jobs, so that nothing waits for an event that will never come."""

import logging
import random
from collections.abc import Iterable
from dataclasses import dataclass
from math import ceil

from shared.errors import MontageError
from shared.log import event
from shared.pipeline.receive_upload import look_for_upload
from shared.pipeline.reconcile import reconcile
from shared.ports import Cloud

log = logging.getLogger(__name__)

AWAITED_AT_ONCE = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """How many jobs were looked after, and how many of them could not be."""

    jobs: int
    failed: int


def watch(cloud: Cloud, job_ids: Iterable[str] | None = None) -> Watched:
    """Reconcile every unfinished job, or just these; one job's trouble does not keep the others waiting."""
    if job_ids is None:
        cloud.jobs.sweep_tombstones()
    chosen = _unfinished(cloud) if job_ids is None else list(job_ids)
    failed = 0
    for job_id in chosen:
        try:
            _watch_one(cloud, job_id)
        except MontageError as error:
            failed += 1
            log.warning("could not look after %s: %s", job_id, error.message, extra=event("watch_failed", job=job_id))
        except Exception:  # a bug met in one job must not keep the others waiting; its deadline ends that one
            failed += 1
            log.exception("could not look after %s", job_id, extra=event("watch_failed", job=job_id))
    return Watched(jobs=len(chosen), failed=failed)


def _unfinished(cloud: Cloud) -> list[str]:
    """Return the jobs to look after now: all that are at work, and some of those that await their upload.

    Of these there may be thousands for a week, and hardly ever one whose event was lost: each round looks at other
    ones, and none keeps those at work waiting.
    """
    jobs = cloud.jobs.list(unfinished_only=True)
    at_work = [job.id for job in jobs if job.state != "awaiting_upload"]
    awaited = [job.id for job in jobs if job.state == "awaiting_upload"]
    turns = max(1, ceil(len(awaited) / AWAITED_AT_ONCE))
    return at_work + awaited[random.randrange(turns) :: turns]


def _watch_one(cloud: Cloud, job_id: str) -> None:
    if cloud.jobs.get(job_id).state == "awaiting_upload":
        look_for_upload(cloud, job_id)
    reconcile(cloud, job_id, look_at_executions=True)
