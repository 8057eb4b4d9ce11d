"""The pose task: `python -m jobs.pose JOB_ID RUN_ID`."""

from contextlib import ExitStack
from typing import TYPE_CHECKING

from jobs.task import Part, Task, main
from shared.models.fetch import ensure
from shared.models.manifest import find_model
from shared.pipeline.pinned_source import open_source

if TYPE_CHECKING:  # loads a model runtime: only in the task that needs it
    from jobs.pose.detector import MediaPipeDetector

MODEL = "pose_landmarker_full"


class Pose:
    """The stage's work; the model is loaded for the process's first chunk and serves those that follow.

    Close it, or use it as a context manager.
    """

    def __init__(self) -> None:
        self._detector: MediaPipeDetector | None = None
        self._opened = ExitStack()

    def __call__(self, task: Task) -> Part:
        """Return the chunk's pose samples."""
        from shared.pipeline.analyse_pose import analyse_chunk, part_to_json

        if task.job.video is None:
            raise RuntimeError(f"job {task.job.id} is analysed without having been probed")
        detector = self._loaded(task)
        with open_source(task.cloud, task.job) as file:
            task.ready()
            part = analyse_chunk(
                file,
                task.job.video,
                plan=task.job.stages["pose"].plan,
                chunk=task.chunk,
                detector=detector,
                name=task.job.source.file_name,
                on_progress=task.progress,
                threshold=task.job.options.motion.movement_threshold,
                decoders=task.settings.threads_per_task,
            )
        effort = part.effort
        return Part(
            body=part_to_json(part),
            numbers={"samples": len(part.samples), "frames": effort.decoded_frames, "looks": effort.looks},
        )

    def _loaded(self, task: Task) -> "MediaPipeDetector":
        from jobs.pose.detector import MediaPipeDetector

        if self._detector is None:
            model = ensure(
                MODEL,
                cache_dir=task.settings.models,
                # Fetching moves the position, by next to nothing, so that a slow network is not taken for a hung task.
                on_progress=lambda fetched: task.progress(1e-3 * fetched.done_bytes / max(1, fetched.total_bytes)),
            )
            made = MediaPipeDetector(model, model_version=find_model(MODEL).sha256[:12])
            self._detector = self._opened.enter_context(made)
        return self._detector

    def close(self) -> None:
        """Give the model back."""
        self._opened.close()
        self._detector = None

    def __enter__(self) -> "Pose":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


if __name__ == "__main__":
    with Pose() as pose:
        main("pose", pose)
