"""Records as the API tells them."""

from collections.abc import Mapping
from typing import Any

from fastapi import Response
from pydantic import BaseModel

from functions.v1.bodies import (
    ErrorTold,
    JobRowTold,
    JobTold,
    SourceTold,
    StageTold,
    StandingTold,
    UploadedJobTold,
    UploadTold,
    WarningTold,
    moment,
)
from shared.domain.chunk import ChunkSummary
from shared.domain.job import Job, Stage
from shared.domain.messages import StageName
from shared.domain.progress import job_progress, stage_progress, standing, time_left_s
from shared.pipeline.begin_uploads import BegunUpload
from shared.pipeline.stage_summary import stage_summary
from shared.ports import Cloud, SignedUpload

PLACES = 4  # of shares; nobody sees a difference beyond


def json_answer(told: BaseModel, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Return the answer as it is sent. It is not validated again, as FastAPI would."""
    return Response(
        told.model_dump_json(), status_code=status, headers=dict(headers or {}), media_type="application/json"
    )


def etag(job: Job) -> str:
    """Return the job's revision as `If-Match` takes it."""
    return f'"r{job.revision}"'


def job_answer(cloud: Cloud, job: Job, *, status: int = 200) -> Response:
    """Return the whole of a job; of stages that are being worked on the chunks are asked for."""
    return json_answer(job_told(cloud, job), status=status, headers={"ETag": etag(job)})


def job_told(cloud: Cloud, job: Job) -> JobTold:
    """Return the job with what its tasks have done so far."""
    now = cloud.clock()
    seen = {name: _seen(cloud, job, name, stage) for name, stage in job.stages.items()}
    shares = {name: stage_progress(stage, seen[name]) for name, stage in job.stages.items()}
    left_s = time_left_s(job, shares, now=now)
    return JobTold(
        id=job.id,
        owner=job.owner,
        batch=job.batch,
        state=job.state,
        revision=job.revision,
        rendered_revision=job.rendered_revision,
        epoch=job.epoch,
        created_at=moment(job.created_at),
        ended_at=None if job.ended_at is None else moment(job.ended_at),
        source=_source(job),
        options=job.options,
        stages={
            name: _stage(name, stage, seen[name], shares[name], duration_s=job.duration_s, now=now)
            for name, stage in job.stages.items()
        },
        progress=round(job_progress(job, shares), PLACES),
        time_left_s=None if left_s is None else round(left_s, 1),
        warnings=[WarningTold(code=each.code, message=each.message) for each in job.warnings],
        error=_error(job),
        artifacts=sorted(job.artifacts),
        numbers=dict(job.numbers),
        labels=own_labels(job.labels),
    )


def job_row(job: Job) -> JobRowTold:
    """Return the job as lists have it, from its record alone."""
    shares = {name: stage_progress(stage, None) for name, stage in job.stages.items()}
    return JobRowTold(
        id=job.id,
        owner=job.owner,
        batch=job.batch,
        name=job.source.file_name,
        state=job.state,
        progress=round(job_progress(job, shares), PLACES),
        created_at=moment(job.created_at),
        ended_at=None if job.ended_at is None else moment(job.ended_at),
        error_code=job.error.code if job.error else None,
        artifacts=sorted(job.artifacts),
        reel_s=job.numbers.get("reel_s"),
        duration_s=job.media.duration_s if job.media else None,
    )


def upload_told(begun: BegunUpload) -> UploadedJobTold:
    """Return an announced file's job."""
    return UploadedJobTold(
        job=begun.job_id,
        name=begun.file.name,
        state=begun.state or "erased",
        upload=None if begun.upload is None else _upload(begun.upload),
    )


def own_labels(labels: Mapping[str, str]) -> dict[str, str]:
    """Return the labels without Montage's own."""
    return {name: value for name, value in labels.items() if "." not in name}


def _upload(signed: SignedUpload) -> UploadTold:
    is_resumable = signed.method == "POST"
    fields: dict[str, Any] = {"url": signed.url, "method": signed.method, "headers": dict(signed.headers)}
    return UploadTold(**fields, resumable=is_resumable, expires_at=moment(signed.expires_at))


def _seen(cloud: Cloud, job: Job, name: StageName, stage: Stage) -> ChunkSummary:
    if stage.state == "done":
        return ChunkSummary(done=stage.plan.chunks, position_sum=stage.plan.chunks)
    if stage.state in ("planned", "skipped"):
        return ChunkSummary()
    return stage_summary(cloud, job, name)


def _stage(
    name: StageName, stage: Stage, seen: ChunkSummary, share: float, *, duration_s: float, now: float
) -> StageTold:
    slowest = None if stage.is_settled else standing(name, stage, seen, duration_s=duration_s, now=now)
    return StageTold(
        state=stage.state,
        progress=round(share, PLACES),
        chunks=stage.plan.chunks,
        done=seen.done,
        running=len(seen.running),
        failed=len(seen.failed),
        slowest=None
        if slowest is None
        else StandingTold(
            name=slowest.name,
            position=round(slowest.position, PLACES),
            still_for_s=round(slowest.still_for_s, 1),
            source_span_s=slowest.source_span_s,
        ),
    )


def _source(job: Job) -> SourceTold:
    source, video = job.source, job.video
    size_bytes = source.declared_bytes if source.generation is None else source.size_bytes
    return SourceTold(
        name=source.file_name,
        size_bytes=size_bytes,
        content_type=source.content_type,
        duration_s=job.media.duration_s if job.media else None,
        width=video.width if video else None,
        height=video.height if video else None,
    )


def _error(job: Job) -> ErrorTold | None:
    if job.error is None:
        return None
    return ErrorTold(code=job.error.code, message=job.error.message, is_input=job.error.is_input)
