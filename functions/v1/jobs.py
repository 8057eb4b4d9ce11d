"""/v1/jobs: what becomes of sources, and what was made of them."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

from fastapi import APIRouter, Header, Path, Query, Request, Response

from functions.edit_list_body import asked_for
from functions.v1.answers import job_answer, job_row, json_answer
from functions.v1.bodies import BATCH_ID, ImportAsked, JobsTold, JobTold
from functions.v1.callers import Caller, Reader, Uploader
from functions.v1.context import Api, api_of
from functions.v1.documented import ETAG, LOCATION, WITH_BODY, json_body, problems
from functions.v1.downloads import ERASING, SOURCE, artifact_url, demand_not_erasing, source_url, stored_source
from functions.v1.problems import Problem, status_of
from functions.v1.requests import JobId, JsonBody, expected_revision, job_of, only, read_any, read_as
from shared.domain.job import Job, JobState
from shared.domain.listing import JobQuery
from shared.domain.messages import JobRequested
from shared.errors import BadRequest, NotAllowed
from shared.pipeline.cancel_job import cancel_job
from shared.pipeline.erase_job import erase_job
from shared.pipeline.render_again import render_again
from shared.pipeline.request_job import request_job
from shared.pipeline.retry_job import retry_job

router = APIRouter(tags=["jobs"])

MOST_ON_A_PAGE = 200
WITHOUT_REEL = {
    "cancelled": ("cancelled", "The job was cancelled, so there is no reel."),
    "expired": ("expired", "The upload was never completed, so there is no reel."),
    "erasing": ERASING,
}


@router.get(
    "/v1/jobs",
    operation_id="list_jobs",
    summary="List jobs, newest first",
    response_model=JobsTold,
    responses=problems("bad_parameter", "bad_page_token"),
    dependencies=[only("batch", "state", "owner", "limit", "page_token")],
)
def list_jobs(
    request: Request,
    caller: Reader,
    batch: Annotated[str | None, Query(max_length=200, description="Only this batch's.", examples=[BATCH_ID])] = None,
    state: Annotated[JobState | None, Query(description="Only those in this state.")] = None,
    owner: Annotated[
        str | None, Query(max_length=200, description="Only this owner's; others' are for keys with the scope admin.")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=MOST_ON_A_PAGE, description="Jobs on a page, at most.")] = 50,
    page_token: Annotated[
        str | None, Query(max_length=2000, description="`next_page_token` of the page before.")
    ] = None,
) -> Response:
    """Your own jobs; with the scope admin everybody's. A page in between may be short."""
    query = JobQuery(owner=_owner(caller, owner), batch=batch, state=state)
    page = api_of(request).cloud.jobs.page(query, limit=limit, token=page_token)
    return json_answer(JobsTold(jobs=[job_row(job) for job in page.jobs], next_page_token=page.next_token))


@router.post(
    "/v1/jobs",
    operation_id="import_job",
    summary="Make a reel of a file in a bucket",
    status_code=201,
    response_model=JobTold,
    response_description="A new job",
    responses={
        200: {"description": "The job of an earlier request with this request_id", "model": JobTold, **ETAG},
        201: ETAG,
        **problems(
            *WITH_BODY,
            "unknown_option",
            "bad_option",
            "bad_source",
            "source_not_allowed",
            "no_such_source",
            "request_conflict",
            "erased",
            "too_large",
            "disk_full",
        ),
    },
    dependencies=[only()],
    openapi_extra=json_body("ImportAsked"),
)
def import_job(request: Request, caller: Uploader, body: JsonBody) -> Response:
    """The file must lie in a bucket of the allow-list; it is copied, and may be removed once the job is queued.

    The same `request_id` again is the same job, as long as it names the same source, options and labels.
    """
    api, asked = api_of(request), read_as(ImportAsked, body)
    message = JobRequested(
        request_id=asked.request_id or secrets.token_hex(16),
        source=asked.source,
        options=asked.options,
        labels=asked.labels,
    )
    requested = request_job(api.cloud, message, owner=caller.owner)
    return job_answer(api.cloud, requested.job, status=201 if requested.is_new else 200)


@router.get(
    "/v1/jobs/{job_id}",
    operation_id="get_job",
    summary="How a job is getting on",
    response_model=JobTold,
    responses={200: ETAG, **problems("unknown_job")},
    dependencies=[only()],
)
def get_job(request: Request, caller: Reader, job_id: JobId) -> Response:
    """State, progress of each stage, time left, warnings, error, and what can be downloaded."""
    api = api_of(request)
    return job_answer(api.cloud, job_of(api, caller, job_id))


@router.post(
    "/v1/jobs/{job_id}/cancel",
    operation_id="cancel_job",
    summary="Stop a job",
    response_model=JobTold,
    responses={200: ETAG, **problems("unknown_job", "already_ended")},
    dependencies=[only()],
)
def post_cancel(request: Request, caller: Uploader, job_id: JobId) -> Response:
    """What runs of it stops within seconds, and nothing more is made of it. Cancelling it again changes nothing."""
    api = api_of(request)
    job = job_of(api, caller, job_id)
    with _telling_state(api, job):
        return job_answer(api.cloud, cancel_job(api.cloud, job.id))


@router.delete(
    "/v1/jobs/{job_id}",
    operation_id="erase_job",
    summary="Erase a job with all that is of it",
    status_code=202,
    response_model=JobTold,
    response_description="The job as it was, now being erased",
    responses=problems("unknown_job"),
    dependencies=[only()],
)
def delete_job(request: Request, caller: Uploader, job_id: JobId) -> Response:
    """Source, parts, reels and records go; what runs of it is stopped first. Afterwards the job is unknown."""
    api = api_of(request)
    job = job_of(api, caller, job_id)
    return job_answer(api.cloud, erase_job(api.cloud, job.id), status=202)


@router.post(
    "/v1/jobs/{job_id}/retry",
    operation_id="retry_job",
    summary="Try a failed job again",
    status_code=202,
    response_model=JobTold,
    responses={202: ETAG, **problems("unknown_job", "not_failed", "disk_full")},
    dependencies=[only()],
)
def post_retry(request: Request, caller: Uploader, job_id: JobId) -> Response:
    """It goes on in a higher `epoch`; what was done of it is not done again."""
    api = api_of(request)
    job = job_of(api, caller, job_id)
    with _telling_state(api, job):
        return job_answer(api.cloud, retry_job(api.cloud, job.id), status=202)


@router.put(
    "/v1/jobs/{job_id}/edit-list",
    operation_id="put_edit_list",
    summary="Have another reel cut from the same source",
    status_code=202,
    response_model=JobTold,
    responses={
        202: ETAG,
        **problems(
            "bad_json",
            "body_too_large",
            "not_json",
            "too_slow",
            "bad_edit_list",
            "bad_parameter",
            "unknown_job",
            "not_done",
            "source_expired",
            "edit_list_changed",
            "no_if_match",
            "disk_full",
        ),
    },
    dependencies=[only()],
    openapi_extra=json_body("EditListAsked"),
)
def put_edit_list(
    request: Request,
    caller: Uploader,
    body: JsonBody,
    job_id: JobId,
    if_match: Annotated[
        str | None, Header(alias="If-Match", description="The ETag of the job as you know it.", examples=['"r1"'])
    ] = None,
) -> Response:
    """Nothing is analysed again: the job's next `revision` is rendered, and the reel before it stays until then.

    The body is the `edit_list` of a report, edited: `wanted` spans are cut, `actual` ones are only told. A whole report
    and a bare list of clips with `start_s` and `end_s` do as well.
    """
    api = api_of(request)
    job = job_of(api, caller, job_id)
    expected = expected_revision(if_match, job.revision)
    asked = asked_for(read_any(body), "The body")
    with _telling_state(api, job):
        job = render_again(
            api.cloud, job.id, asked.edit_list, render=asked.render, join=asked.join, expected_revision=expected
        )
    return job_answer(api.cloud, job, status=202)


@router.get(
    "/v1/jobs/{job_id}/reel",
    operation_id="get_reel",
    summary="Download the reel",
    status_code=302,
    response_class=Response,
    response_description="The reel is at `Location`",
    responses={
        302: LOCATION,
        **problems("unknown_job", "unknown_artifact", "no_video_stream", "cancelled", "expired", "erasing", "not_done"),
    },
    dependencies=[only()],
)
def get_reel(request: Request, caller: Reader, job_id: JobId) -> Response:
    """While the job runs this is 409 `not_done` with its `state`; of one that failed 404 with the job's own error.

    While a new edit list is rendered, `artifacts/reel` is the reel before it.
    """
    api = api_of(request)
    job = job_of(api, caller, job_id)
    if job.state == "done":
        return _redirect(artifact_url(api, job, "reel"))
    if job.state in WITHOUT_REEL:
        raise Problem(404, *WITHOUT_REEL[job.state], state=job.state)
    if job.error is not None and job.is_final:
        raise Problem(404, job.error.code, job.error.message, state=job.state)
    yet = "the reel before it is artifacts/reel" if "reel" in job.artifacts else "there is no reel yet"
    raise Problem(409, "not_done", f"The job is {job.state.replace('_', ' ')}; {yet}.", state=job.state)


@router.get(
    "/v1/jobs/{job_id}/artifacts/{name}",
    operation_id="get_artifact",
    summary="Download what was made, or the source",
    status_code=302,
    response_class=Response,
    response_description="The file is at `Location`",
    responses={302: LOCATION, **problems("unknown_job", "unknown_artifact", "erasing", "source_expired")},
    dependencies=[only()],
)
def get_artifact(
    request: Request,
    caller: Reader,
    job_id: JobId,
    name: Annotated[str, Path(description="One of the job's `artifacts`, or `source`.", examples=["report"])],
) -> Response:
    """Signed when it is asked for and good for a while: keep the name, not the address."""
    api = api_of(request)
    job = job_of(api, caller, job_id)
    demand_not_erasing(job)
    if name == SOURCE:
        return _redirect(source_url(api, job, stored_source(api, job)))
    return _redirect(artifact_url(api, job, name))


@contextmanager
def _telling_state(api: Api, job: Job) -> Iterator[None]:
    """Tell of what cannot be done in the job's state with that state."""
    try:
        yield
    except BadRequest as error:
        if status_of(error) != 409:
            raise
        raise Problem(409, error.code, error.message, state=api.cloud.jobs.get(job.id).state) from error


def _owner(caller: Caller, asked: str | None) -> str | None:
    if caller.is_admin or asked == caller.owner:
        return asked
    if asked is not None:
        raise NotAllowed("wrong_scope", "Others' jobs are for keys with the scope admin.")
    return caller.owner


def _redirect(url: str) -> Response:
    return Response(status_code=302, headers={"Location": url, "Cache-Control": "no-store"})
