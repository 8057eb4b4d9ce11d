"""A page on jobs in every state: real answers on loopback, records put there by hand, nobody carries them along."""

import base64
import io
import secrets
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

import uvicorn
from PIL import Image
from playwright.sync_api import Browser, Page

from functions.local.server import application
from shared.connect import LocalCloud, connect_local
from shared.domain.batch import Batch
from shared.domain.chunk import Failure, Lease
from shared.domain.job import MERGE_PLAN, NO_PLAN, Job, JobState, Source, Stage, Warned
from shared.domain.messages import StageName
from shared.domain.object_names import artifact, source
from shared.domain.options import Options
from shared.domain.sound import AudioStream, Sound
from shared.domain.units import ChunkPlan
from shared.domain.video import Video
from shared.errors import NotFound
from shared.settings import Settings

FILM_S = 1530.0
FILM = Video(
    container="mp4",
    start_s=0.0,
    duration_s=FILM_S,
    stream_index=0,
    codec="h264",
    pixel_format="yuv420p",
    coded_width=1280,
    coded_height=720,
    width=1280,
    height=720,
    rotation_deg=0,
    is_mirrored=False,
    sample_aspect_ratio=Fraction(1),
    fps=Fraction(25),
    is_variable_rate=False,
)
TALK = Sound(
    container="mp3",
    duration_s=1234.0,
    start_s=0.0,
    audio=(AudioStream(index=0, codec="mp3", rate_hz=44100, channels=2),),
)
CHUNKS = 8
SKIPPED = Stage(plan=NO_PLAN, state="skipped")
SEEN = ChunkPlan(unit_s=60.0, units=26, units_per_chunk=4)  # parts of 4 minutes
HEARD = ChunkPlan(unit_s=24.0, units=64, units_per_chunk=32)
DAMAGE = Warned(code="damaged", message="park.mp4: damaged, 3.2 s of it are lost; the reel shows what there is.")
Kind = Literal[
    "awaiting", "queued", "analysing", "slow", "merging", "done", "sound", "refused", "crashed", "cancelled", "expired",
    "erasing",
]  # fmt: skip


@dataclass(kw_only=True)
class Watched:
    """A running page and what lies behind it."""

    url: str
    port: int
    """Where the server itself listens, whatever is in front of it."""
    cloud: LocalCloud
    later: list[float] = field(default_factory=lambda: [0.0])
    """Seconds by which the records' clock is ahead."""
    made: int = 0

    def job(self, kind: Kind, name: str = "", **changes: Any) -> Job:
        """Put a new job of that kind there and return it."""
        made = Job(
            id=new_id(),
            source=Source(file_name=name or f"{kind}.mp4", declared_bytes=4, content_type="video/mp4"),
            options=Options(),
            created_at=self._next_moment(),
            deadline=time.time() + 3600,
            **changes,
        )
        if kind not in ("awaiting", "expired", "cancelled"):
            stat = self.cloud.uploads.write(source(made.id), b"film")
            made = replace(made, source=replace(made.source, generation=stat.generation, size_bytes=4), video=FILM)
        made = self._in_state(made, kind)
        assert self.cloud.jobs.create(made)
        if kind in ("analysing", "slow"):
            self.later[0] = -45.0 if kind == "slow" else 0.0
            self.work_on(made, "pose", done=3, running=2)
            self.later[0] = 0.0
            self.work_on(made, "transcribe", done=0, running=1)
        return made

    def batch(self, *kinds: Kind) -> Batch:
        """Put a batch of new jobs there, one of each kind."""
        batch_id = new_id()
        ids = tuple(self.job(kind, batch=batch_id).id for kind in kinds)
        return self.batch_of(batch_id, *ids)

    def batch_of(self, batch_id: str, *job_ids: str) -> Batch:
        """Put a batch of jobs there."""
        batch = Batch(id=batch_id, owner="local", created_at=time.time(), job_ids=job_ids)
        assert self.cloud.jobs.create_batch(batch)
        return batch

    def work_on(self, job: Job, stage: StageName, *, done: int, running: int) -> list[Lease]:
        """Have the first chunks of a stage done and the next ones half way; return the leases of those."""
        leases = []
        for index in range(done + running):
            lease = self.cloud.jobs.start_chunk(job.id, stage, index, run_id="r", task_attempt=0)
            assert isinstance(lease, Lease)
            if index < done:
                self.cloud.jobs.finish_chunk(lease, result="work/x", numbers={})
            else:
                self.cloud.jobs.beat(lease, 0.5)
                leases.append(lease)
        return leases

    def work_on_next(self, job: Job, stage: StageName, index: int) -> None:
        """Have one more chunk of a stage done."""
        lease = self.cloud.jobs.start_chunk(job.id, stage, index, run_id="r", task_attempt=0)
        assert isinstance(lease, Lease)
        self.cloud.jobs.finish_chunk(lease, result="work/x", numbers={})

    def state_of(self, job_id: str) -> JobState | None:
        """Return a job's state, None when it is gone."""
        try:
            return self.cloud.jobs.get(job_id).state
        except NotFound:
            return None

    def _in_state(self, job: Job, kind: Kind) -> Job:
        now = job.created_at
        pose = Stage(plan=SEEN, state="launched", run_id="r", execution="e", launches=1, started_at=now - 120)
        heard = replace(pose, plan=HEARD)
        seen: dict[StageName, Stage] = {
            "pose": replace(pose, state="done", ended_at=now),
            "transcribe": replace(heard, state="done", ended_at=now),
        }
        merge = Stage(plan=MERGE_PLAN, state="launched", run_id="m", started_at=now - 10, told_percent=40)
        match kind:
            case "awaiting":
                return job
            case "queued":
                return replace(job, state="queued", video=None)
            case "analysing" | "slow":
                return replace(job, state="analysing", stages={"pose": pose, "transcribe": heard})
            case "merging":
                return replace(job, state="merging", stages={**seen, "transcribe": SKIPPED, "merge": merge})
            case "done":
                return self.done(replace(job, stages=seen), picture=True)
            case "sound":
                heard_alone: dict[StageName, Stage] = {"pose": SKIPPED, "transcribe": seen["transcribe"]}
                return self.done(replace(job, video=None, sound=TALK, stages=heard_alone), picture=False)
            case "refused":
                found = (
                    f"{job.source.file_name}: no video stream (found: audio aac); choose a file with a moving picture."
                )
                error = Failure(code="no_video_stream", message=found, is_input=True)
                return replace(job, state="failed", error=error, ended_at=now, video=None)
            case "crashed":
                error = Failure(code="crashed_worker", message="The pose task for part 3 ended without a word 3 times.")
                return replace(
                    job,
                    state="failed",
                    error=error,
                    ended_at=now,
                    stages={**seen, "pose": replace(pose, state="failed")},
                )
            case "cancelled" | "expired" | "erasing":
                states: dict[str, JobState] = {"cancelled": "cancelled", "expired": "expired", "erasing": "erasing"}
                return replace(job, state=states[kind], ended_at=None if kind == "erasing" else now)

    def done(self, job: Job, *, picture: bool, reel_s: float = 42.0) -> Job:
        """Return the job with a reel; its files are there, but for the reel itself no real ones."""
        files = {"reel": "reel.mp4" if picture else "reel.m4a", "report": "report.json"}
        names = {name: artifact(job.id, 1, file_name) for name, file_name in files.items()}
        for object_name in names.values():
            self.cloud.downloads.write(object_name, b"made")
        if picture:
            names["poster"] = artifact(job.id, 1, "poster.jpg")
            self.cloud.downloads.write(names["poster"], self._poster())
        merged = Stage(plan=MERGE_PLAN, state="done", started_at=1.0, ended_at=2.0)
        return replace(
            job,
            state="done",
            ended_at=job.created_at + 3,
            stages={**job.stages, "merge": merged},
            artifacts=names,
            rendered_revision=1,
            numbers={"reel_s": reel_s},
        )

    def _next_moment(self) -> float:
        self.made += 1
        return time.time() - 60 + self.made * 0.01  # no two at once, so that there is a newest

    def _poster(self) -> bytes:
        data = io.BytesIO()
        rows = [Image.new("HSV", (320, 1), (self.made * 47 % 256, 110, 60 + y)).convert("RGB") for y in range(180)]
        picture = Image.new("RGB", (320, 180))
        for y, row in enumerate(rows):
            picture.paste(row, (0, y))
        picture.save(data, "JPEG")
        return data.getvalue()


def new_id() -> str:
    """Return an id nobody has."""
    return base64.b32encode(secrets.token_bytes(16)).decode().lower().rstrip("=")


@contextmanager
def watched(home: Path, *, front: int | None = None, require_keys: bool = False) -> Iterator[Watched]:
    """Serve the page on the records below `home` until the block ends; `front` is the port that people come to."""
    later = [0.0]
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        url = f"http://localhost:{front or port}"
        settings = Settings(cloud="local", home=home, public_url=url, requests_per_minute=0, require_keys=require_keys)
        with connect_local(settings, clock=lambda: time.time() + later[0]) as cloud:
            app = application(settings, cloud)
            with _serving(app, listener), closing(app.state.api.keys):
                yield Watched(url=url, port=port, cloud=cloud, later=later)


@contextmanager
def _serving(app: Any, listener: socket.socket) -> Iterator[None]:
    config = uvicorn.Config(
        app, log_config=None, access_log=False, lifespan="off", timeout_graceful_shutdown=1, ws="none"
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        while not server.started and thread.is_alive():
            time.sleep(0.005)
        yield
    finally:
        server.should_exit = True
        thread.join()


def quiet_page(browser: Browser, **how: Any) -> tuple[Page, list[str]]:
    """Return a page, and the list of what it says to the console or fails with unforeseen."""
    page = browser.new_page(**how)
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    return page, said
