"""Another system asks for a job: read its message, look at what it names, and set a job going."""

import logging
from contextlib import suppress
from dataclasses import dataclass

from pydantic import ValidationError

from shared.domain.job import Job, Source
from shared.domain.messages import JobRequested
from shared.domain.refusals import refusal
from shared.domain.requested_job import REQUESTS_OWNER, requested_job_id
from shared.domain.source_address import SourceAddress, source_address
from shared.errors import BadRequest, NotFound
from shared.log import event
from shared.pipeline.receive_upload import look_for_upload
from shared.ports import Cloud

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Requested:
    """The job of a request."""

    job: Job
    is_new: bool
    """Whether this was the first time that it was asked for."""


def receive_request(cloud: Cloud, body: bytes | str) -> None:
    """Read the message and do what it asks. Raises like `read_request` and `request_job`."""
    request_job(cloud, read_request(body))


def read_request(body: bytes | str) -> JobRequested:
    """Return the request in a message's body, with or without its `topic`.

    Raises BadRequest `bad_source`, `unknown_option`, `bad_option`, or `bad_message` for all else that is wrong.
    """
    try:
        return JobRequested.model_validate_json(body)
    except ValidationError as error:
        raise BadRequest(*refusal(error, body="a job request", code="bad_message")) from error


def request_job(cloud: Cloud, message: JobRequested, *, owner: str = REQUESTS_OWNER) -> Requested:
    """Make the job that was asked for, once, set it going and return it as it then is.

    First its record is made, in which duplicates meet; then the source is copied to where uploads lie. Whoever is
    stopped in between is followed by the message's next delivery, or by the watchdog. Raises TryAgain for what may
    pass, and BadRequest `bad_source`, `source_not_allowed`, `no_such_source`, `too_large`, `request_conflict` or
    `erased`.
    """
    address = _allowed(cloud, message.source)
    job_id = requested_job_id(cloud.requests.server_key(), owner=owner, request_id=message.request_id)
    wanted = Job(
        id=job_id,
        source=Source(file_name=address.file_name, origin=str(address)),
        options=message.options,
        created_at=cloud.clock(),
        owner=owner,
        labels=message.labels,
    )
    requested = _found_or_made(cloud, wanted, address)
    job = requested.job
    if not _asks_the_same(job, wanted):
        sentence = "Another job was requested with this request_id; a request_id names one source, options and labels."
        raise BadRequest("request_conflict", sentence)
    if job.state == "awaiting_upload":
        look_for_upload(cloud, job.id)
        job = cloud.jobs.get(job.id)
    return Requested(job=job, is_new=requested.is_new)


def _allowed(cloud: Cloud, source: str) -> SourceAddress:
    try:
        address = source_address(source)
    except ValueError as error:
        raise BadRequest("bad_source", f"source: {error}.") from error
    if address.bucket not in cloud.requests.buckets:
        raise BadRequest("source_not_allowed", f"Sources in the bucket {address.bucket} are not allowed.")
    return address


def _found_or_made(cloud: Cloud, wanted: Job, address: SourceAddress) -> Requested:
    """Return the request's job. What it names is looked at only for a new one: later it may be gone, and rightly."""
    with suppress(NotFound):
        return Requested(job=cloud.jobs.get(wanted.id), is_new=False)
    if cloud.jobs.was_erased(wanted.id):  # a late delivery, or somebody who does not know: it must not come back unseen
        raise BadRequest("erased", "The job of this request_id was erased; ask for another one under another id.")
    try:
        found = cloud.uploads.stat_elsewhere(address)
    except NotFound as error:
        raise BadRequest("no_such_source", f"There is no object {address}.") from error
    most = cloud.limits.max_source_bytes
    if found.size_bytes > most:
        raise BadRequest("too_large", f"{address} has {found.size_bytes} bytes; {most} are the most.")
    if cloud.jobs.create(wanted):
        log.info("job requested", extra=event("job_requested", job=wanted.id))
        return Requested(job=wanted, is_new=True)
    return Requested(job=cloud.jobs.get(wanted.id), is_new=False)


def _asks_the_same(job: Job, wanted: Job) -> bool:
    return (job.source.origin, job.options, dict(job.labels)) == (
        wanted.source.origin,
        wanted.options,
        dict(wanted.labels),
    )
