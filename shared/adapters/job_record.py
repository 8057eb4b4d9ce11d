"""What every store of jobs does with what it reads: records to jobs, page tokens to places."""

from collections.abc import Mapping
from typing import Any

from shared.domain.job import Job
from shared.domain.listing import BadPageToken, JobQuery, Place, place_in
from shared.domain.migration import NewerRecord, job_from_record
from shared.errors import BadRequest


def job_of(record: Mapping[str, Any]) -> Job:
    """Return the job in a stored record. Raises BadRequest `newer_records` when a newer Montage wrote it."""
    try:
        return job_from_record(record)
    except NewerRecord as error:
        raise BadRequest("newer_records", f"The record of job {record.get('id')} {error}") from error


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
