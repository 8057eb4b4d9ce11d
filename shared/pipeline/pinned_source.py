"""A job's source, as it was when the upload was complete."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

from shared.domain.job import Job
from shared.domain.object_names import source
from shared.errors import BadVideo, NotFound
from shared.ports import Cloud


@contextmanager
def open_source(cloud: Cloud, job: Job) -> Iterator[BinaryIO]:
    """Open the job's source for reading, pinned to its generation.

    Raises BadVideo `source_gone` when it was removed or replaced since, also while it is being read.
    """
    try:
        with cloud.uploads.open(source(job.id), job.source.generation) as file:
            yield file
    except NotFound as error:
        name = job.source.file_name
        message = f"{name}: the file was moved, removed or changed since the job began; run it again."
        raise BadVideo("source_gone", message) from error
