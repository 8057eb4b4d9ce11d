"""The pose task: `python -m jobs.pose JOB_ID RUN_ID`."""

import time

from jobs.task import Part, Task, main
from shared.models.fetch import ensure
from shared.models.manifest import find_model
from shared.pipeline.pinned_source import open_source

MODEL = "pose_landmarker_full"


def analyse(task: Task) -> Part:
    """Return the chunk's pose samples."""
    from jobs.pose.detector import MediaPipeDetector  # loads a model runtime: only in the task that needs it
    from shared.pipeline.analyse_pose import analyse_chunk, part_to_json

    started_at = time.monotonic()
    if task.job.video is None:
        raise RuntimeError(f"job {task.job.id} is analysed without having been probed")
    model = ensure(
        MODEL,
        cache_dir=task.settings.models,
        # Fetching moves the position, by next to nothing, so that a slow network is not taken for a task that hangs.
        on_progress=lambda fetched: task.progress(1e-3 * fetched.done_bytes / max(1, fetched.total_bytes)),
    )
    with (
        MediaPipeDetector(model, model_version=find_model(MODEL).sha256[:12]) as detector,
        open_source(task.cloud, task.job) as file,
    ):
        start_up_s = round(time.monotonic() - started_at, 3)
        part = analyse_chunk(
            file,
            task.job.video,
            plan=task.job.stages["pose"].plan,
            chunk=task.chunk,
            detector=detector,
            name=task.job.source.file_name,
            on_progress=task.progress,
        )
    return Part(body=part_to_json(part), numbers={"start_up_s": start_up_s, "samples": len(part.samples)})


if __name__ == "__main__":
    main("pose", analyse)
