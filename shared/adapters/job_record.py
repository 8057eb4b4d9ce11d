"""What every store of jobs does with what it reads: records to jobs, page tokens to places."""

import logging
from collections.abc import Mapping
from typing import Any

from shared.domain.job import Job
from shared.domain.listing import BadPageToken, JobQuery, Place, place_in
from shared.domain.migration import NewerRecord, job_from_record
from shared.errors import BadRequest
from shared.log import event

log = logging.getLogger(__name__)


def job_of(record: Mapping[str, Any]) -> Job:
    """Return the job in a stored record. Raises BadRequest `newer_records` when a newer Montage wrote it."""
    try:
        return job_from_record(record)
    except NewerRecord as error:
        raise BadRequest("newer_records", f"The record of job {record.get('id')} {error}") from error


def listed(record: Mapping[str, Any]) -> tuple[Place, Job | None]:
    """Return where a stored record stands in listings, and its job: None, with a line in the log, for a newer schema.

    One such record (of a version that was rolled back) must not keep the others from being looked after.
    """
    place = Place(created_at=float(record["created_at"]), job_id=str(record["id"]))
    try:
        return place, job_from_record(record)
    except NewerRecord as error:
        log.warning("left out of a listing: job %s %s", place.job_id, error, extra=event("newer_record"))
        return place, None


def place_of(token: str | None, query: JobQuery) -> Place | None:
    """Return after which job the page begins, None for the first. Raises BadRequest `bad_page_token`."""
    try:
        return None if token is None else place_in(token, query)
    except BadPageToken as error:
        raise BadRequest("bad_page_token", str(error)) from error


def check_limit(limit: int) -> None:
    """Raises ValueError for a page without room for a job."""
    if limit < 1:
        raise ValueError(f"a page holds at least 1 job, not {limit}")
