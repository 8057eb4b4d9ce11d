"""One task of a stage's execution: its chunk, its lease, its heartbeat and its exit code.

Exit code 0: there is nothing to run again (done, refused, superseded, or failed for good and recorded).
Exit code 1: the platform should start the task again. 143: the task was told to stop and gave its chunk back.
"""

import json
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

from shared import log as logs
from shared.connect import connect
from shared.domain.chunk import AlreadyDone, Exhausted, Failure, Lease
from shared.domain.job import Job
from shared.domain.messages import StageDone, StageName
from shared.domain.object_names import chunk_part, run_list
from shared.errors import BadRequest, BadVideo, LeaseLost, NotFound, TryAgain
from shared.lifeline import MoreTasks, watch_lifeline
from shared.log import event
from shared.pipeline.stage_timings import READY_AT, START_UP_S
from shared.ports import Clock, Cloud
from shared.settings import Settings

log = logging.getLogger(__name__)

DONE, RUN_AGAIN, STOPPED, STUCK = 0, 1, 143, 70
LOOK_EVERY_S = 2.0
"""How often a task sees whether its job still wants it, where its position is written less often."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What a task made of its chunk."""

    body: bytes
    """JSON, stored under the lease's name."""
    numbers: dict[str, float]


def _untold() -> None:
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What the stage's work is given."""

    cloud: Cloud
    settings: Settings
    job: Job
    chunk: int
    progress: Callable[[float], None]
    """To be told a share in [0, 1]; raises LeaseLost or Stopped when the work should end."""
    ready: Callable[[], None] = _untold
    """To be called once the source is open and what every chunk needs is loaded: what took time before was start-up."""
    confirm: Callable[[], None] = _untold
    """To be called before something is written that others see; raises LeaseLost when the job does not want it now."""


Work = Callable[[Task], Part]


class Stopped(BaseException):
    """The platform told the task to stop."""


def main(stage: StageName, work: Work) -> NoReturn:
    """Run the task that the command line (job id, run id) and the CLOUD_RUN_* variables name, and exit.

    A launcher may have more tasks of the same run for this process (see shared/lifeline.py): after one that needs no
    other attempt they come one after the other, each with its own lease and heartbeat, and save starting anew.
    """
    began_at = time.monotonic() - process_age_s()
    watch_lifeline()
    more = MoreTasks()
    stop = threading.Event()  # raised where the work looks, not where the signal strikes: that may be inside a library
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    logs.set_up()
    job_id, run_id = sys.argv[1:3]
    index = int(os.environ.get("CLOUD_RUN_TASK_INDEX", "0"))
    attempt = int(os.environ.get("CLOUD_RUN_TASK_ATTEMPT", "0"))
    settings = Settings()
    cloud = connect(settings)
    while True:
        logs.bind(job=job_id, stage=stage, run=run_id, attempt=attempt)
        code = run_task(
            cloud,
            settings,
            stage,
            job_id,
            run_id,
            index=index,
            attempt=attempt,
            work=work,
            stop=stop,
            began_at=began_at,
        )
        given = more.ask() if code == DONE and not stop.is_set() else None
        if given is None:
            sys.exit(code)
        began_at = time.monotonic()
        index, attempt = given.index, given.attempt
        write_to(given.log_path)


def process_age_s() -> float:
    """Return for how long this process has been running, to 10 ms; 0 where the system does not tell (macOS)."""
    try:
        after_name = Path("/proc/self/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2]
        started_s = int(after_name.split()[19]) / os.sysconf("SC_CLK_TCK")  # proc(5): (22) starttime, since boot
        return max(0.0, time.clock_gettime(time.CLOCK_BOOTTIME) - started_s)
    except (OSError, AttributeError, ValueError, IndexError):
        return 0.0


def write_to(log_path: Path) -> None:
    """Send this process's output, that of libraries too, to the end of a file; where that cannot be, leave it."""
    sys.stdout.flush()
    sys.stderr.flush()
    with suppress(OSError), log_path.open("ab") as log_file:
        os.dup2(log_file.fileno(), 1)
        os.dup2(log_file.fileno(), 2)


def run_task(
    cloud: Cloud,
    settings: Settings,
    stage: StageName,
    job_id: str,
    run_id: str,
    *,
    index: int,
    attempt: int,
    work: Work,
    stop: threading.Event | None = None,
    began_at: float | None = None,
) -> int:
    """Compute the run's `index`-th chunk and return the exit code; `stop` is set when it should be handed back.

    The task's start-up counts from `began_at`, as `time.monotonic` tells it, None for now.
    """
    start_up = _StartUp(began_at=time.monotonic() if began_at is None else began_at, clock=cloud.clock)
    try:
        chunk = int(json.loads(cloud.work.read(run_list(job_id, stage, run_id)))["chunks"][index])
        logs.bind(chunk=chunk)
        answer = cloud.jobs.start_chunk(job_id, stage, chunk, run_id=run_id, task_attempt=attempt)
        job = cloud.jobs.get(job_id)
    except NotFound:
        if not _is_erased(cloud, job_id):
            raise
        log.info("nothing to do: the job was erased", extra=event("chunk_refused", answer="erased"))
        return DONE
    if not isinstance(answer, Lease):
        log.info("nothing to do: %s", type(answer).__name__, extra=event("chunk_refused", answer=type(answer).__name__))
        if not isinstance(answer, AlreadyDone):
            _tell(cloud, stage, job, has_failed=isinstance(answer, Exhausted))
        return DONE
    stop = stop or threading.Event()
    every_s, stuck_after_s = (
        settings.beat_every_s,
        cloud.limits.stuck_after_s(job.duration_s),
    )
    name = job.source.file_name
    with Heartbeat(cloud, answer, stop, name=name, every_s=every_s, stuck_after_s=stuck_after_s) as heartbeat:
        code, has_failed = _work_under(cloud, settings, job, answer, work, heartbeat, start_up)
    if code == DONE:
        _tell(cloud, stage, job, has_failed=has_failed)
    return code


def _is_erased(cloud: Cloud, job_id: str) -> bool:
    try:
        return cloud.jobs.get(job_id).state == "erasing"
    except NotFound:
        return True


def _work_under(
    cloud: Cloud,
    settings: Settings,
    job: Job,
    lease: Lease,
    work: Work,
    heartbeat: "Heartbeat",
    start_up: "_StartUp",
) -> tuple[int, bool]:
    """Return the exit code, and whether the chunk has failed for good."""
    started_at = time.monotonic()
    try:
        log.info("chunk started", extra=event("chunk_started"))
        task = Task(
            cloud=cloud,
            settings=settings,
            job=job,
            chunk=lease.index,
            progress=heartbeat.progress,
            ready=start_up.end,
            confirm=heartbeat.confirm,
        )
        part = work(task)
        heartbeat.raise_if_lost()
        name = chunk_part(lease.job_id, lease.stage, lease.index, lease.token)
        cloud.work.write(name, part.body)
        elapsed_s = round(time.monotonic() - started_at, 3)
        numbers = {"elapsed_s": elapsed_s, **start_up.numbers, **part.numbers}
        cloud.jobs.finish_chunk(lease, result=name, numbers=numbers)
        log.info("chunk done in %.1f s", elapsed_s, extra=event("chunk_done", **numbers))
        return DONE, False
    except LeaseLost as error:
        log.info("stopping: %s", error.message, extra=event("lease_lost"))
        _let_go(cloud, lease)
        return DONE, False
    except Stopped:
        with suppress(LeaseLost):
            cloud.jobs.hand_back_chunk(lease)
        log.info("told to stop; the chunk is handed back", extra=event("chunk_handed_back"))
        return STOPPED, False
    except Exception as error:  # the one place that decides what an error means for the chunk
        return _fail(cloud, lease, error)


def _let_go(cloud: Cloud, lease: Lease) -> None:
    """Have a chunk that nobody wants any more look like what it is: not as if somebody went on with it."""
    with suppress(LeaseLost, NotFound):
        if not cloud.jobs.get(lease.job_id).wants(lease.stage, lease.index):
            cloud.jobs.hand_back_chunk(lease)


@dataclass(slots=True, kw_only=True)
class _StartUp:
    """How long a task took until it was at work."""

    began_at: float
    """By `time.monotonic`."""
    clock: Clock
    numbers: dict[str, float] = field(default_factory=dict)

    def end(self) -> None:
        """Note that it is over; a second time changes nothing."""
        self.numbers = self.numbers or {
            START_UP_S: round(time.monotonic() - self.began_at, 3),
            READY_AT: round(self.clock(), 3),
        }


def _fail(cloud: Cloud, lease: Lease, error: Exception) -> tuple[int, bool]:
    failure, is_final = _judge(error)
    log.error(
        "chunk failed: %s", failure.message, exc_info=not is_final, extra=event("chunk_failed", code=failure.code)
    )
    with suppress(LeaseLost):
        chunk = cloud.jobs.fail_chunk(lease, failure, is_final=is_final)
        return (DONE, True) if chunk.state == "failed" else (RUN_AGAIN, False)
    return DONE, False


def _judge(error: Exception) -> tuple[Failure, bool]:
    """Return what to record of an error and whether trying again is pointless."""
    match error:
        case BadVideo() | BadRequest():
            return Failure(code=error.code, message=error.message, is_input=True), True
        case TryAgain():
            return Failure(code=error.code, message=error.message), False
        case MemoryError():
            return Failure(code="out_of_memory", message="The task needs more memory than it may have."), False
        case _:
            return Failure(code="internal", message=f"Something unforeseen went wrong ({type(error).__name__})."), False


def _tell(cloud: Cloud, stage: StageName, job: Job, *, has_failed: bool) -> None:
    """Publish the hint that the stage has come to its end, if so. Losing it is harmless: the watchdog looks too."""
    if stage not in job.stages:  # the job has begun anew meanwhile
        return
    if has_failed or cloud.jobs.ended_chunks(job.id, stage) >= job.stages[stage].plan.chunks:
        with suppress(NotFound):  # erased meanwhile
            cloud.bus.publish(StageDone(job_id=job.id, epoch=cloud.jobs.get(job.id).epoch, stage=stage))


class Heartbeat:
    """Writes the task's position while it works, and ends the process when the position stands still too long.

    Between two beats that lie far apart it only looks whether the job still wants the task.
    """

    def __init__(
        self, cloud: Cloud, lease: Lease, stop: threading.Event, *, name: str, every_s: float, stuck_after_s: float
    ) -> None:
        self._cloud, self._lease, self._stop = cloud, lease, stop
        self._name = name
        self._every_s, self._stuck_after_s = every_s, stuck_after_s
        self._position = 0.0
        self._moved_at = self._beaten_at = time.monotonic()
        self._lost: LeaseLost | None = None
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="heartbeat", daemon=True)

    def progress(self, position: float) -> None:
        """Note how far the work is, in [0, 1]. Raises LeaseLost when it is no longer wanted, Stopped when told to."""
        if position != self._position:
            self._position, self._moved_at = position, time.monotonic()
        self.raise_if_lost()
        if self._stop.is_set():
            raise Stopped

    def raise_if_lost(self) -> None:
        """Raise LeaseLost when it is known that the work is no longer wanted."""
        if self._lost is not None:
            raise self._lost

    def confirm(self) -> None:
        """Ask the record whether the work is wanted at this moment. Raises LeaseLost, or what else `progress` does."""
        self.progress(self._position)
        self._cloud.jobs.beat(self._lease, round(self._position, 4))

    def _beat(self) -> None:
        while not self._is_over.wait(min(self._every_s, LOOK_EVERY_S)):
            if time.monotonic() - self._moved_at > self._stuck_after_s:
                log.critical("the position stood still for %.0f s", self._stuck_after_s, extra=event("task_stuck"))
                if self._lost is None:
                    self._give_up()
                os._exit(STUCK)
            if self._lost is not None:
                continue  # it ends when the work looks; work that never looks must not go on for ever
            try:
                self._look()
            except LeaseLost as error:
                self._lost = error
            except Exception as error:  # the beat goes on: without it nobody would see the task stand still
                log.warning("no heartbeat this time: %s", error, extra=event("heartbeat_missed"))

    def _look(self) -> None:
        """Write the position when it is time to, else only read. Raises LeaseLost."""
        now = time.monotonic()
        if self._every_s <= LOOK_EVERY_S or now - self._beaten_at >= self._every_s:
            self._beaten_at = now
            self._cloud.jobs.beat(self._lease, round(self._position, 4))
        elif not self._is_wanted():
            raise LeaseLost(f"job {self._lease.job_id} no longer wants its {self._lease.stage} stage.")

    def _is_wanted(self) -> bool:
        try:
            return self._cloud.jobs.get(self._lease.job_id).wants(self._lease.stage, self._lease.index)
        except NotFound:
            return False

    def _give_up(self) -> None:
        """Say in the record why the task ends; the last time that is the chunk's outcome."""
        lease, limits = self._lease, self._cloud.limits
        failure = Failure(
            code="task_stuck",
            message=f"{self._name}: the {lease.stage} task for part {lease.index} stood still "
            f"for {self._stuck_after_s:.0f} s, {lease.attempt} times; export the video as H.264 in MP4.",
        )
        try:
            self._cloud.jobs.fail_chunk(lease, failure, is_final=lease.attempt >= limits.max_stuck)
        except Exception as error:  # the process ends all the same, and its next attempt takes over
            log.warning("could not say so: %s", error, extra=event("heartbeat_missed"))

    def __enter__(self) -> "Heartbeat":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join()
