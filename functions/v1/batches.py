"""GET /v1/batches/{batch}: files that were announced together, as a whole."""

from collections import Counter

from fastapi import APIRouter, Request, Response

from functions.v1.answers import job_row, json_answer, own_labels
from functions.v1.bodies import BatchTold, moment
from functions.v1.callers import Caller, Reader
from functions.v1.context import Api, api_of
from functions.v1.documented import problems
from functions.v1.requests import ID, BatchId, only
from shared.domain.batch import Batch
from shared.domain.job import Job
from shared.domain.listing import JobQuery
from shared.errors import NotFound

router = APIRouter(tags=["batches"])


@router.get(
    "/v1/batches/{batch_id}",
    operation_id="get_batch",
    summary="How a batch is getting on",
    response_model=BatchTold,
    responses=problems("unknown_batch"),
    dependencies=[only()],
)
def get_batch(request: Request, caller: Reader, batch_id: BatchId) -> Response:
    """Its jobs in the order of the files, and how many are in which state. Others' batches are not there."""
    api = api_of(request)
    batch = _visible(api, caller, batch_id)
    return json_answer(_told(batch, _jobs(api, batch)))


def _visible(api: Api, caller: Caller, batch_id: str) -> Batch:
    unknown = NotFound(f"There is no batch {batch_id[:80]}.", code="unknown_batch")
    if not ID.fullmatch(batch_id):
        raise unknown
    batch = api.cloud.jobs.get_batch(batch_id)
    if not caller.sees(batch.owner):
        raise unknown
    return batch


def _jobs(api: Api, batch: Batch) -> list[Job]:
    """Return the batch's jobs that are there, in its order; one query finds them all."""
    page = api.cloud.jobs.page(JobQuery(batch=batch.id), limit=max(1, len(batch.job_ids)), token=None)
    found = {job.id: job for job in page.jobs}
    return [found[job_id] for job_id in batch.job_ids if job_id in found]


def _told(batch: Batch, jobs: list[Job]) -> BatchTold:
    rows = [job_row(job) for job in jobs]
    shares = [1.0 if job.is_final else row.progress for job, row in zip(jobs, rows, strict=True)]
    return BatchTold(
        id=batch.id,
        created_at=moment(batch.created_at),
        counts=dict(Counter(job.state for job in jobs)),
        progress=round(sum(shares) / len(shares), 4) if shares else 1.0,
        is_ended=len(jobs) == len(batch.job_ids)
        and all(job.is_final for job in jobs),  # a newer Montage's are not told
        jobs=rows,
        labels=own_labels(batch.labels),
    )
