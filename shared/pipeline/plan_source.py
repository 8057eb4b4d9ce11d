"""Look at a source's header by ranged reads and plan its chunks, or refuse it before it costs anything."""

import logging

from shared.domain import job as jobs
from shared.domain.chunk import Failure
from shared.domain.job import Job
from shared.domain.limits import Limits
from shared.domain.units import POSE_UNIT_S, plan_chunks
from shared.domain.video import Video
from shared.errors import BadVideo
from shared.log import event
from shared.media.probe import probe
from shared.pipeline.pinned_source import open_source
from shared.ports import Cloud

log = logging.getLogger(__name__)


def plan_source(cloud: Cloud, job: Job) -> Job:
    """Move a queued job on to `analysing` with its plan, or to `failed` with what is wrong with the source."""
    try:
        video = _look_at(cloud, job)
    except BadVideo as error:
        failure = Failure(code=error.code, message=error.message, is_input=True)
        log.info("source refused: %s", error.message, extra=event("source_refused", job=job.id, code=error.code))
        return cloud.jobs.update(job.id, lambda current: jobs.failed(current, failure, now=cloud.clock()))
    plan = plan_chunks(
        duration_s=video.duration_s,
        unit_s=POSE_UNIT_S,
        chunk_s=job.options.chunk_s,
        max_tasks=cloud.limits.max_tasks,
    )
    deadline = cloud.clock() + cloud.limits.deadline_s(video.duration_s)
    log.info("planned %d chunks for %.1f s", plan.chunks, video.duration_s, extra=event("job_planned", job=job.id))
    return cloud.jobs.update(
        job.id,
        lambda current: jobs.planned(current, video=video, plans={"pose": plan}, warnings=(), deadline=deadline),
    )


def _look_at(cloud: Cloud, job: Job) -> Video:
    name = job.source.file_name
    if job.source.size_bytes > cloud.limits.max_source_bytes:
        raise BadVideo(
            "too_large", f"{name}: {job.source.size_bytes} bytes; at most {cloud.limits.max_source_bytes} are taken."
        )
    with open_source(cloud, job) as file:
        video = probe(file, name=name)
    _refuse_too_long(video, name, cloud.limits)
    return video


def _refuse_too_long(video: Video, name: str, limits: Limits) -> None:
    if video.duration_s > limits.max_source_s:
        raise BadVideo(
            "too_long",
            f"{name}: {video.duration_s / 3600:.1f} hours long; at most {limits.max_source_s / 3600:.0f} are taken, "
            "so cut it into parts.",
        )
