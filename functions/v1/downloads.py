"""Where a job's files can be downloaded: addresses that are signed as they are asked for."""

from functions.v1.context import Api
from functions.v1.problems import Problem
from shared.domain.job import Job
from shared.domain.object_names import source
from shared.errors import BadRequest, NotFound
from shared.ports import ObjectStat

SOURCE = "source"
"""The artifact that everybody has from the start."""
ERASING = ("erasing", "The job is being erased.")


def demand_not_erasing(job: Job) -> None:
    """Return for a job whose files are not about to go. Raises Problem `erasing`."""
    if job.state == "erasing":
        raise Problem(404, *ERASING, state=job.state)


def artifact_url(api: Api, job: Job, name: str) -> str:
    """Return the address of an artifact. Raises Problem `unknown_artifact`."""
    demand_artifact(job, name)
    object_name = job.artifacts[name]
    stem = job.source.file_name.rpartition(".")[0] or job.source.file_name
    file_name = f"{stem}-{object_name.rpartition('/')[2]}"
    return api.signers.downloads.download(
        object_name, file_name=file_name, expires_s=api.settings.download_url_expires_s
    )


def demand_artifact(job: Job, name: str) -> None:
    """Return where there is such an artifact. Raises Problem `unknown_artifact`."""
    if name not in job.artifacts:
        raise _unknown_artifact(job, name)


def stored_source(api: Api, job: Job) -> ObjectStat:
    """Return the source as it is stored. Raises Problem `unknown_artifact`, BadRequest `source_expired`."""
    if job.source.generation is None:
        raise _unknown_artifact(job, SOURCE)
    try:
        return api.cloud.uploads.stat(source(job.id))
    except NotFound as error:
        raise BadRequest("source_expired", "The source is not kept any more.") from error


def source_url(api: Api, job: Job, stored: ObjectStat) -> str:
    """Return the address of a source that is stored."""
    expires_s = api.settings.download_url_expires_s
    return api.signers.uploads.download(stored.name, file_name=job.source.file_name, expires_s=expires_s)


def _unknown_artifact(job: Job, name: str) -> Problem:
    there = sorted(job.artifacts) + ([SOURCE] if job.source.generation is not None else [])
    found = f"There are: {', '.join(there)}." if there else "There is nothing yet."
    return Problem(404, "unknown_artifact", f"This job has no artifact {name[:80]}. {found}", artifacts=there)
