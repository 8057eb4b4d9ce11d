"""A job's source, as it was when the upload was complete."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

from shared.domain.job import Job
from shared.domain.object_names import source
from shared.errors import BadVideo, NotFound
from shared.ports import GENERATION_GONE, Cloud


@contextmanager
def open_source(cloud: Cloud, job: Job) -> Iterator[BinaryIO]:
    """Open the job's source for reading, pinned to its generation.

    Raises BadVideo `source_gone` when it was removed or replaced since, also while it is being read.
    """
    try:
        file = cloud.uploads.open(source(job.id), job.source.generation)
    except NotFound as error:
        raise _gone(job) from error
    with file:
        try:
            yield file
        except NotFound as error:
            if error.code != GENERATION_GONE:
                raise
            raise _gone(job) from error


def _gone(job: Job) -> BadVideo:
    name = job.source.file_name
    return BadVideo("source_gone", f"{name}: the file was moved, removed or changed meanwhile; run it again.")
