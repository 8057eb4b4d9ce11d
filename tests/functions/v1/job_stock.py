"""Jobs in states that operations can succeed on, put straight into the stores of one machine."""

import base64
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import count
from typing import Any, Literal, get_args

from shared.domain.batch import Batch
from shared.domain.chunk import Failure, Lease
from shared.domain.job import MERGE_PLAN, NO_PLAN, Job, Source, Stage
from shared.domain.object_names import artifact, source
from shared.domain.options import Options
from shared.domain.units import ChunkPlan
from shared.domain.video import Video
from tests.functions.v1.local_api import LocalApi

Kind = Literal["awaiting", "analysing", "done", "failed"]
KINDS: tuple[Kind, ...] = get_args(Kind)
FILES = {"reel": "reel.mp4", "report": "report.json", "poster": "poster.jpg"}
FILM_S = 20.0
FILM = Video(
    container="mp4",
    start_s=0.0,
    duration_s=FILM_S,
    stream_index=0,
    codec="h264",
    pixel_format="yuv420p",
    coded_width=64,
    coded_height=64,
    width=64,
    height=64,
    rotation_deg=0,
    is_mirrored=False,
    sample_aspect_ratio=Fraction(1),
    fps=Fraction(25),
    is_variable_rate=False,
)
SKIPPED = Stage(plan=NO_PLAN, state="skipped")
SEEN = Stage(plan=ChunkPlan(unit_s=10.0, units=2, units_per_chunk=1), state="done", started_at=1.0, ended_at=2.0)
MERGED = Stage(plan=MERGE_PLAN, state="done", started_at=2.0, ended_at=3.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class JobStock:
    """Makes jobs for the owner whom one machine takes callers for; each has an id of its own."""

    api: LocalApi
    numbers: "count[int]" = field(default_factory=lambda: count(1))

    def new_id(self) -> str:
        """Return an id nobody has, and the same ones in each run."""
        return base64.b32encode(next(self.numbers).to_bytes(16, "big")).decode().lower().rstrip("=")

    def job(self, kind: Kind, **changes: Any) -> Job:
        """Return a new job of that kind; its objects are there, too."""
        make: dict[Kind, Callable[[Job], Job]] = {
            "awaiting": lambda job: job,
            "analysing": self._analysing,
            "done": self._done,
            "failed": self._failed,
        }
        made = Job(
            id=self.new_id(),
            source=Source(file_name=f"{kind}.mp4", declared_bytes=4, content_type="video/mp4"),
            options=Options(),
            created_at=self.api.clock(),
            **changes,
        )
        made = make[kind](made if kind == "awaiting" else self._arrived(made))
        assert self.api.cloud.jobs.create(made)
        if kind == "analysing":
            self._work_on(made)
        return made

    def batch(self) -> str:
        """Return the id of a new batch with one job of each kind."""
        batch_id = self.new_id()
        jobs = [self.job(kind, batch=batch_id) for kind in KINDS]
        batch = Batch(id=batch_id, owner="local", created_at=self.api.clock(), job_ids=tuple(job.id for job in jobs))
        assert self.api.cloud.jobs.create_batch(batch)
        return batch_id

    def _arrived(self, job: Job) -> Job:
        stat = self.api.cloud.uploads.write(source(job.id), b"film")
        return replace(job, source=replace(job.source, generation=stat.generation, size_bytes=4), video=FILM)

    def _analysing(self, job: Job) -> Job:
        seen = replace(SEEN, state="launched", run_id="r", execution="e", launches=1, ended_at=None)
        return replace(job, state="analysing", deadline=job.created_at + 3600, stages=_stages(seen))

    def _work_on(self, job: Job) -> None:
        for index, position in enumerate((0.5, None)):
            lease = self.api.cloud.jobs.start_chunk(job.id, "pose", index, run_id="r", task_attempt=0)
            assert isinstance(lease, Lease)
            if position is None:
                self.api.cloud.jobs.finish_chunk(lease, result="work/x", numbers={})
            else:
                self.api.cloud.jobs.beat(lease, position)

    def _done(self, job: Job) -> Job:
        names = {name: artifact(job.id, 1, file_name) for name, file_name in FILES.items()}
        for object_name in names.values():
            self.api.cloud.downloads.write(object_name, b"made")
        stages = {**_stages(SEEN), "merge": MERGED}
        ended = replace(job, state="done", ended_at=job.created_at + 3, stages=stages, artifacts=names)
        return replace(ended, rendered_revision=1, numbers={"reel_s": 5.0})

    def _failed(self, job: Job) -> Job:
        error = Failure(code="crashed_worker", message="The task pose-00000 ended without a word.")
        stages = _stages(replace(SEEN, state="failed", error=error))
        return replace(job, state="failed", ended_at=job.created_at + 3, error=error, stages=stages)


def _stages(pose: Stage) -> dict[Any, Stage]:
    return {"pose": pose, "transcribe": SKIPPED}
