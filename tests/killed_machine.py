"""One machine that kills itself, as kill -9 would, before or after one of the calls it makes.

    python -m tests.killed_machine HOME functions|tasks MOMENT TURN

Carries the job below HOME to its end. The calls that the handlers, or the tasks, make of ports are counted, twice
each: before and after. At the MOMENT-th, counted from 1, the process is killed; with 0 it never is, and how many there
were is printed. Each TURN's clock goes on well after the last one's.
"""

import os
import signal
import sys
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from jobs.task import Part, Task
from shared.connect import LocalCloud
from shared.domain.messages import JobEvent
from shared.domain.object_names import artifact
from tests.counting import CountedCalls
from tests.one_machine import OneMachine, make_part, make_reel, one_machine

TURN_S = 1000.0  # whatever a killed process had taken or begun is free again by then
PORTS = {"uploads", "work", "downloads", "jobs", "bus", "launcher", "deliveries"}


class Moments:
    """Counts moments and kills the process at one of them."""

    def __init__(self, kill_at: int) -> None:
        self.passed = 0
        self._kill_at = kill_at

    def __call__(self, _: str) -> None:
        self.passed += 1
        if self.passed == self._kill_at:
            os.kill(os.getpid(), signal.SIGKILL)


class TellingBus(CountedCalls):
    """A bus that notes which events it was given."""

    def __init__(self, bus: Any, told: Path, moments: Moments) -> None:
        super().__init__(bus, before=moments, after=moments)
        self._told = told

    def publish(self, message: Any) -> None:
        self._before("publish")
        if isinstance(message, JobEvent) and message.percent in (None, 100):  # the steps between depend on who looks
            with self._told.open("a") as file:
                file.write(f"{message.type} {message.state} {message.stage} {message.percent}\n")
        self._port.publish(message)
        self._after("publish")


def machine_below(home: Path, *, turn: int = 0) -> OneMachine:
    """Return the machine, whose reel is the parts' bytes and whose every computed chunk leaves a line."""

    def pose(task: Task) -> Part:
        with (home / "computed").open("a") as file:
            file.write(f"{task.chunk}\n")
        return make_part(task)

    def merge(task: Task) -> Part:
        chunks = task.cloud.jobs.chunks(task.job.id, "pose")
        reel = b"".join(task.cloud.work.read(str(chunk.result)) for chunk in chunks)
        task.cloud.downloads.write(artifact(task.job.id, task.job.revision, "reel.mp4"), reel)
        return make_reel(task)

    machine = one_machine(home, pose=pose, merge=merge)
    machine.clock.now += TURN_S * turn
    return machine


def main() -> None:
    """Run the job to its end, or to the moment."""
    home, side, moment, turn = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    machine, moments = machine_below(home, turn=turn), Moments(moment)
    (job,) = machine.cloud.jobs.list()
    told, never = home / "told", Moments(0)
    machine.launcher.cloud = _watched(machine.cloud, moments if side == "tasks" else never, told)
    machine.cloud = _watched(machine.cloud, moments if side == "functions" else never, told)
    machine.run_to_the_end(job.id)
    machine.cloud.close()
    print(moments.passed)


def _watched(cloud: LocalCloud, moments: Moments, told: Path) -> LocalCloud:
    ports: dict[str, Any] = {
        each.name: CountedCalls(getattr(cloud, each.name), before=moments, after=moments)
        for each in fields(cloud)
        if each.name in PORTS
    }
    return replace(cloud, **{**ports, "bus": TellingBus(cloud.bus, told, moments)})


if __name__ == "__main__":
    main()
