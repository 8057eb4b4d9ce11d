"""Look at a source's header by ranged reads and plan its chunks, or refuse it before it costs anything."""

import logging

from shared.domain import job as jobs
from shared.domain.chunk import Failure
from shared.domain.job import Job, warned
from shared.domain.limits import Limits
from shared.domain.object_names import source
from shared.domain.stage_plan import plan_stages
from shared.domain.video import Media
from shared.errors import BadVideo, NotFound, TryAgain
from shared.log import event
from shared.pipeline.given_edit_list import refuse_what_does_not_fit
from shared.pipeline.pinned_source import open_source
from shared.ports import Cloud

log = logging.getLogger(__name__)


def plan_source(cloud: Cloud, job: Job) -> Job:
    """Move a queued job on to `analysing` with its plan, or to `failed` with what is wrong with the source.

    Raises TryAgain when the source cannot be read just now; after `max_attempts` looks that, too, fails the job.
    """
    job = cloud.jobs.update(job.id, jobs.probing)
    if job.state != "queued":
        return job
    if job.probes > cloud.limits.max_attempts:
        return _refuse(cloud, job, _gave_up(job))
    try:
        media = _look_at(cloud, job)
        if job.is_given:
            refuse_what_does_not_fit(cloud, job, media)
    except BadVideo as error:
        return _refuse(cloud, job, Failure(code=error.code, message=error.message, is_input=True))
    except OSError as error:
        return _try_again(cloud, job, error)
    return _plan(cloud, job, media)


def _plan(cloud: Cloud, job: Job, media: Media) -> Job:
    plans = {} if job.is_given else plan_stages(media, job.options, max_tasks=cloud.limits.max_tasks)
    if not plans and not job.is_given:
        message = f"{job.source.file_name}: there is no sound in it to listen to; --mode motion looks at the picture."
        return _refuse(cloud, job, Failure(code="no_audio_stream", message=message, is_input=True))
    deadline = cloud.clock() + cloud.limits.deadline_s(media.duration_s)
    warnings = tuple(warned(text) for text in media.warnings)
    counts = ", ".join(f"{plan.chunks} {stage}" for stage, plan in plans.items()) or "none, the edit list was given"
    log.info("planned chunks for %.1f s: %s", media.duration_s, counts, extra=event("job_planned", job=job.id))
    return cloud.jobs.update(
        job.id,
        lambda current: jobs.planned(current, media=media, plans=plans, warnings=warnings, deadline=deadline),
    )


def _refuse(cloud: Cloud, job: Job, failure: Failure) -> Job:
    log.info("source refused: %s", failure.message, extra=event("source_refused", job=job.id, code=failure.code))
    return cloud.jobs.update(job.id, lambda current: jobs.failed(current, failure, now=cloud.clock()))


def _try_again(cloud: Cloud, job: Job, error: OSError) -> Job:
    """Leave the job queued for another look, or refuse it when this was the last."""
    message = f"{job.source.file_name}: cannot be read ({error.strerror or error}); copy it elsewhere and try again."
    if job.probes >= cloud.limits.max_attempts:
        return _refuse(cloud, job, Failure(code="cannot_read", message=message, is_input=True))
    raise TryAgain(message, code="cannot_read") from error


def _gave_up(job: Job) -> Failure:
    return Failure(
        code="crashed_worker",
        message=f"{job.source.file_name}: whoever looked at it ended without a word, {job.probes - 1} times; "
        "export it as H.264 in MP4.",
    )


def _look_at(cloud: Cloud, job: Job) -> Media:
    from shared.media.probe import probe, probe_media  # every function plans, and hardly any ever loads libav

    name, size_bytes, limits = job.source.file_name, job.source.size_bytes, cloud.limits
    if size_bytes > limits.max_source_bytes:
        raise BadVideo(
            "too_large",
            f"{name}: {_gb(size_bytes)} large, at most {_gb(limits.max_source_bytes)} are taken; "
            "cut it into parts or export it smaller.",
        )
    _refuse_what_was_not_declared(cloud, job)
    with open_source(cloud, job) as file:
        media = (probe if job.options.mode == "motion" else probe_media)(file, name=name)
    _refuse_too_long(media, name, limits)
    return media


def _refuse_what_was_not_declared(cloud: Cloud, job: Job) -> None:
    """Raise BadVideo when the source is not what its owner said it would be, before a byte of it is read."""
    name, declared = job.source.file_name, job.source
    if declared.declared_bytes not in (None, declared.size_bytes):
        raise BadVideo(
            "size_mismatch",
            f"{name}: {declared.size_bytes} bytes arrived where {declared.declared_bytes} were said to come; "
            "upload it again.",
        )
    if declared.content_type is None:
        return
    try:
        found = cloud.uploads.stat(source(job.id)).content_type
    except NotFound:  # whoever opens it next says so in better words
        return
    if found is not None and _media_type(found) != _media_type(declared.content_type):
        raise BadVideo(
            "wrong_type", f"{name}: it was uploaded as {found} and not, as was said, as {declared.content_type}."
        )


def _media_type(text: str) -> str:
    """Return a content type without its parameters, in lower case."""
    return text.partition(";")[0].strip().lower()


def _refuse_too_long(media: Media, name: str, limits: Limits) -> None:
    if media.duration_s > limits.max_source_s:
        raise BadVideo(
            "too_long",
            f"{name}: {_length(media.duration_s)} long, at most {_length(limits.max_source_s)} are taken; "
            "cut it into parts.",
        )


def _gb(size_bytes: int) -> str:
    return f"{size_bytes / 1e9:.3g} GB" if size_bytes >= 10**7 else f"{size_bytes} bytes"


def _length(seconds: float) -> str:
    return f"{seconds / 3600:.3g} hours" if seconds >= 3600 else f"{seconds:.3g} s"
