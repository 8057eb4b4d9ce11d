"""The edit lists that people give: stored before a record names them, read when a reel is planned and rendered."""

import json

from shared.domain.given_edit_list import GivenEditList, what_is_wrong
from shared.domain.job import Job
from shared.domain.object_names import given_edit_list
from shared.domain.record import from_dict, to_dict
from shared.domain.video import Media
from shared.errors import BadVideo
from shared.ports import Cloud


def store_given(cloud: Cloud, job_id: str, given: GivenEditList) -> None:
    """Store what a new job is to render; its record has to say `is_given`. Raises AlreadyThere."""
    _store(cloud, given_edit_list(job_id, 1), given)


def store_edit(cloud: Cloud, job_id: str, revision: int, given: GivenEditList, *, token: str) -> str:
    """Store what may become a job's revision and return the object's name. Raises AlreadyThere."""
    name = given_edit_list(job_id, revision, token=token)
    _store(cloud, name, given)
    return name


def read_given(cloud: Cloud, job: Job) -> GivenEditList:
    """Return the edit list of the job's revision as it was given. Raises NotFound."""
    name = job.edit.given if job.edit is not None else given_edit_list(job.id, job.revision)
    return from_dict(GivenEditList, json.loads(cloud.work.read(name)))


def refuse_what_does_not_fit(cloud: Cloud, job: Job, media: Media) -> None:
    """Raise BadVideo `bad_edit_list` when the job's given edit list asks for more than the source has."""
    wrong = what_is_wrong(read_given(cloud, job), media)
    if wrong is not None:
        raise BadVideo("bad_edit_list", f"{job.source.file_name}: {wrong}")


def _store(cloud: Cloud, name: str, given: GivenEditList) -> None:
    cloud.work.write(name, json.dumps(to_dict(given)).encode(), only_if_absent=True)
