"""A launcher that runs some tasks at a time, in threads, and lets others look while they work. No real time passes."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path

import av
from av.video.frame import VideoFrame

from jobs.task import Part, Task, Work, run_task
from shared.domain.job import Job
from shared.domain.messages import StageName
from shared.domain.options import Options
from shared.domain.plan import ExecutionState
from tests.one_machine import InlineLauncher, OneMachine, one_machine

UNIT_S = 10
PATIENCE_S = 60.0  # for a task's thread to reach its work on a busy machine


def slow_film(path: Path, units: int) -> Path:
    """Write a film of that many units of the pose stage, a black picture each, and return its path."""
    with av.open(str(path), "w") as film:
        stream = film.add_stream("libx264", rate=Fraction(1, UNIT_S))
        stream.width = stream.height = 64
        stream.pix_fmt = "yuv420p"
        picture = VideoFrame(64, 64, "yuv420p")
        for number in range(units):
            picture.pts, picture.time_base = number, Fraction(UNIT_S)
            film.mux(stream.encode(picture))
        film.mux(stream.encode())
    return path


@dataclass
class WaveLauncher(InlineLauncher):
    """Takes tasks from all executions' queue, `parallelism` at once.

    `look` is called while these are at work, `look_between` while none is. An execution in `hung` has a task that never
    ends, until it is cancelled.
    """

    parallelism: int = 2
    look: Callable[[], object] = lambda: None
    look_between: Callable[[], None] = lambda: None
    hung: set[str] = field(default_factory=set)
    begun: set[str] = field(default_factory=set)

    def state(self, execution: str) -> ExecutionState:
        if execution not in self.hung and super().state(execution) == "ended":
            return "ended"
        return "running" if execution in self.begun else "queued"

    def cancel(self, execution: str) -> None:
        self.hung.discard(execution)
        super().cancel(execution)

    def run_tasks(self) -> None:
        while self.waiting:
            self.look_between()
            wave = self.waiting[: self.parallelism]
            self.begun |= {task[0] for task in wave}
            self._run(wave)
            self.waiting = [task for task in self.waiting if task not in wave]

    def _run(self, wave: list[tuple[str, StageName, str, str, int]]) -> None:
        go_on = threading.Event()
        arrivals = [threading.Event() for _ in wave]
        threads = [
            threading.Thread(target=self._run_one, args=(task, arrived, go_on))
            for task, arrived in zip(wave, arrivals, strict=True)
        ]
        for thread in threads:
            thread.start()
        for arrived in arrivals:
            assert arrived.wait(PATIENCE_S)
        self.look()
        go_on.set()
        for thread in threads:
            thread.join()

    def _run_one(
        self, one: tuple[str, StageName, str, str, int], arrived: threading.Event, go_on: threading.Event
    ) -> None:
        _, stage, job_id, run_id, index = one
        assert self.cloud is not None

        def work(task: Task) -> Part:
            arrived.set()
            assert go_on.wait(PATIENCE_S)
            return self.work[stage](task)

        code = run_task(self.cloud, self.settings, stage, job_id, run_id, index=index, attempt=0, work=work)
        self.exit_codes.append(code)
        arrived.set()  # one that was refused its chunk never comes to work


def machine_of_waves(home: Path, *, parallelism: int, pose: Work | None = None, **limits: float) -> OneMachine:
    """Return a machine for plans of up to 2,000 chunks, with the patience of a cloud."""
    machine = one_machine(home) if pose is None else one_machine(home, pose=pose)
    launcher = WaveLauncher(settings=machine.launcher.settings, work=machine.launcher.work, parallelism=parallelism)
    clouds_own = {"max_tasks": 2000, "launching_s": 60.0, "request_lost_s": 120.0, "start_within_s": 600.0, **limits}
    changed = replace(machine.cloud.limits, **clouds_own)  # type: ignore[arg-type]
    launcher.cloud = replace(machine.cloud, limits=changed, launcher=launcher)
    return replace(machine, cloud=launcher.cloud, launcher=launcher)


def submit(machine: OneMachine, film: Path) -> Job:
    """Return the job of a film, a chunk for each unit."""
    return machine.submit(film, options=Options(mode="motion", chunk_s=UNIT_S))
