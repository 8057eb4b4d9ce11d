"""Render a reel that is there once more, from an edit list that somebody edited: nothing is analysed again."""

import logging
import secrets
from functools import partial

from shared.domain import job as jobs
from shared.domain.edit_list import Join, RenderMode
from shared.domain.given_edit_list import GivenEditList, what_is_wrong
from shared.domain.job import Edit, Job
from shared.domain.object_names import source
from shared.errors import BadRequest, NotFound
from shared.log import event
from shared.pipeline.given_edit_list import read_given, store_edit
from shared.pipeline.reconcile import reconcile
from shared.ports import Cloud

log = logging.getLogger(__name__)


def render_again(
    cloud: Cloud,
    job_id: str,
    given: GivenEditList,
    *,
    render: RenderMode | None,
    join: Join | None,
    expected_revision: int,
) -> Job:
    """Set the job's next revision going and return the job; None for `render` and `join` leaves what the job was asked.

    The clips are stored first, then the record is changed, if it still has the revision that the caller edited: of many
    who edit the same one, one wins. The same call again, as after a lost answer, changes nothing. A revision that fails
    leaves the reel before it.

    Raises NotFound `unknown_job`, BadRequest `not_done`, `edit_list_changed`, `bad_edit_list` or `source_expired`.
    """
    job = cloud.jobs.get(job_id)
    render, join = render or job.options.render, join or job.options.joins
    if _is_asked_again(cloud, job, given, render, join, expected_revision):
        return job
    _refuse(cloud, job, given, expected_revision)
    name = store_edit(cloud, job_id, expected_revision + 1, given, token=secrets.token_hex(6))
    edit = Edit(given=name, render=render, join=join)
    change = partial(
        jobs.rendering_again,
        edit=edit,
        expected_revision=expected_revision,
        now=cloud.clock(),
        deadline_s=cloud.limits.deadline_s(job.duration_s),
    )
    try:
        job = cloud.jobs.update(job_id, change)
    except NotFound:  # erased meanwhile
        cloud.work.delete(name)
        raise
    if job.edit != edit:
        cloud.work.delete(name)
        _refuse_changed(job, expected_revision)
    log.info("revision %d asked for", job.revision, extra=event("revision_asked", job=job_id))
    return reconcile(cloud, job_id)


def _is_asked_again(
    cloud: Cloud, job: Job, given: GivenEditList, render: RenderMode, join: Join, expected_revision: int
) -> bool:
    if job.edit is None or job.revision != expected_revision + 1 or (job.edit.render, job.edit.join) != (render, join):
        return False
    if job.is_edit_lost:  # it came to nothing: that is no answer
        return False
    return read_given(cloud, job) == given


def _refuse(cloud: Cloud, job: Job, given: GivenEditList, expected_revision: int) -> None:
    _refuse_changed(job, expected_revision)
    media = job.media
    wrong = what_is_wrong(given, media) if media is not None else None
    if wrong is not None:
        raise BadRequest("bad_edit_list", f"{job.source.file_name}: {wrong}")
    try:
        is_there = cloud.uploads.stat(source(job.id)).generation == job.source.generation
    except NotFound:
        is_there = False
    if not is_there:
        sentence = "its source is not kept any more, so it cannot be cut anew; upload it again."
        raise BadRequest("source_expired", f"{job.source.file_name}: {sentence}")


def _refuse_changed(job: Job, expected_revision: int) -> None:
    """Raise BadRequest for a job that is not done, or is at another revision than expected."""
    if job.revision != expected_revision:
        sentence = (
            f"The edit list is at revision {job.revision}, not {expected_revision}: somebody edited it meanwhile."
        )
        raise BadRequest("edit_list_changed", sentence)
    if job.state != "done":
        raise BadRequest("not_done", f"Only a finished job has an edit list to change; this one is {job.state}.")
