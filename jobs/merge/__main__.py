"""The merge task: `python -m jobs.merge JOB_ID RUN_ID`."""

import json
import tempfile
from pathlib import Path

from jobs.task import Part, Task, main
from shared.pipeline.make_reel import make_reel


def merge(task: Task) -> Part:
    """Return what was made of the job's parts: the reel and what belongs to it."""
    with tempfile.TemporaryDirectory(prefix="montage-merge-") as folder:
        made = make_reel(
            task.cloud,
            task.job,
            Path(folder),
            encoder_threads=task.settings.encoder_threads,
            on_progress=task.progress,
            confirm=task.confirm,
        )
    return Part(body=json.dumps(made).encode(), numbers={})


if __name__ == "__main__":
    main("merge", merge)
