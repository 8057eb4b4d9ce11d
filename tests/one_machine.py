"""A whole cloud in a folder with tasks that run in this process: real handlers, records and messages, no models."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from functions.local.event_pump import EventPump
from functions.local.run_jobs import new_job_id
from jobs.task import Part, Task, Work, run_task
from shared.connect import LocalCloud, connect_dead_letters, connect_local
from shared.domain.job import Job, Source
from shared.domain.messages import StageName
from shared.domain.object_names import source
from shared.domain.options import Options
from shared.domain.plan import ExecutionState
from shared.ports import DeadLetters
from shared.settings import Settings


class HandClock:
    """A clock that moves when it is told to."""

    def __init__(self, now: float = 1_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


@dataclass
class InlineLauncher:
    """Runs an execution's tasks one after the other when `run_tasks` is called."""

    settings: Settings
    work: dict[StageName, Work]
    waiting: list[tuple[str, StageName, str, str, int]] = field(default_factory=list)
    launches: list[tuple[StageName, str, int]] = field(default_factory=list)
    exit_codes: list[int] = field(default_factory=list)
    cloud: LocalCloud | None = None
    at_work: str | None = None
    """The execution of the task that is being run: cancelled, too, it has not ended before that returns."""

    def launch(self, stage: StageName, job_id: str, run_id: str, *, tasks: int) -> str:
        execution = f"{stage}-{run_id}"
        self.launches.append((stage, run_id, tasks))
        self.waiting += [(execution, stage, job_id, run_id, index) for index in range(tasks)]
        return execution

    def state(self, execution: str) -> ExecutionState:
        is_waiting = any(task[0] == execution for task in self.waiting)
        return "running" if is_waiting or execution == self.at_work else "ended"

    def cancel(self, execution: str) -> None:
        self.waiting = [task for task in self.waiting if task[0] != execution]

    def forget(self, job_id: str) -> None:
        pass

    def run_tasks(self) -> None:
        assert self.cloud is not None
        while self.waiting:
            self.at_work, stage, job_id, run_id, index = self.waiting[0]
            try:
                code = run_task(
                    self.cloud, self.settings, stage, job_id, run_id, index=index, attempt=0, work=self.work[stage]
                )
            finally:
                self.at_work = None
            self.exit_codes.append(code)
            if self.waiting:
                self.waiting.pop(0)


def make_part(task: Task) -> Part:
    """Stand in for the pose stage: the part says which chunk it is."""
    return Part(body=json.dumps({"chunk": task.chunk}).encode(), numbers={})


def make_reel(task: Task) -> Part:
    """Stand in for the merge stage: the reel is the parts, one after the other."""
    parts = [
        json.loads(task.cloud.work.read(str(chunk.result))) for chunk in task.cloud.jobs.chunks(task.job.id, "pose")
    ]
    made = {
        "artifacts": {"reel": "reel.mp4"},
        "numbers": {"reel_s": float(len(parts))},
        "warnings": [{"code": "nothing_found", "message": "Nothing."}],
    }
    return Part(body=json.dumps(made).encode(), numbers={})


@dataclass
class OneMachine:
    """A cloud, its clock and its launcher."""

    home: Path
    clock: HandClock
    cloud: LocalCloud
    launcher: InlineLauncher
    dead_letters: DeadLetters

    def submit(self, video: Path, *, options: Options | None = None) -> Job:
        job = Job(
            id=new_job_id(),
            source=Source(file_name=video.name),
            options=options or Options(),
            created_at=self.clock.now,
        )
        assert self.cloud.jobs.create(job)
        self.cloud.uploads.upload(video, source(job.id))
        return job

    def pump(self) -> EventPump:
        return EventPump(self.cloud, self.cloud.deliveries, watchdog_every_s=30)

    def run_to_the_end(self, job_id: str, *, rounds: int = 50) -> Job:
        """Deliver, compute and let time pass until the job has ended."""
        pump = self.pump()
        for _ in range(rounds):
            while pump.step():
                pass
            self.launcher.run_tasks()
            job = self.cloud.jobs.get(job_id)
            if job.is_final and not job.outbox:
                return job
            self.clock.now += 31
        raise AssertionError(f"not ended: {job}")


def one_machine(
    home: Path,
    *,
    pose: Callable[[Task], Part] = make_part,
    merge: Callable[[Task], Part] = make_reel,
    request_folders: str = "",
) -> OneMachine:
    """Return a fresh machine below `home`."""
    settings = Settings(home=home, models=home / "models", beat_every_s=60, request_folders=request_folders)
    clock = HandClock()
    launcher = InlineLauncher(settings=settings, work={"pose": pose, "merge": merge})
    cloud = replace(connect_local(settings, clock=clock), launcher=launcher)
    launcher.cloud = cloud
    dead_letters = connect_dead_letters(settings, clock=clock)
    return OneMachine(home=home, clock=clock, cloud=cloud, launcher=launcher, dead_letters=dead_letters)
