"""Every message delivered ten times, in any order, before and after what it asks for was done."""

import random
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from functions.local.event_pump import HANDLERS
from jobs.task import Part, Task
from shared.domain.job import Job
from shared.domain.messages import JobEvent, Message, ObjectFinalized
from shared.domain.object_names import source
from shared.errors import TryAgain
from shared.pipeline.watch import watch
from tests.one_machine import OneMachine, make_part
from tests.waves import machine_of_waves, slow_film, submit

TIMES = 10
CHUNKS = 6


class Tenfold:
    """A bus that delivers each message ten times, whenever chance will have it."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._waiting: list[Message] = []
        self.events: list[JobEvent] = []
        self.delivered = 0

    def publish(self, message: Message) -> None:
        if isinstance(message, JobEvent):
            self.events.append(message)
        elif message.topic in HANDLERS:
            self._waiting += [message] * TIMES

    def deliver_one(self, machine: OneMachine) -> bool:
        """Hand any of the messages to its handler; one that is to come again comes again."""
        if not self._waiting:
            return False
        message = self._waiting.pop(self._chance.randrange(len(self._waiting)))
        try:
            HANDLERS[message.topic](machine.cloud, message.model_dump_json())
            self.delivered += 1
        except TryAgain:
            self._waiting.append(message)
        return True


@pytest.mark.parametrize("seed", range(10))
def test_each_message_ten_times_in_any_order_makes_one_reel_and_tells_each_fact_once(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    computed: Counter[int] = Counter()

    def pose(task: Task) -> Part:
        computed[task.chunk] += 1
        while chance.random() < 0.5 and bus.deliver_one(machine):
            pass
        return make_part(task)

    machine = machine_of_waves(tmp_path, parallelism=1, pose=pose)
    bus = Tenfold(chance)
    machine.cloud = machine.launcher.cloud = replace(machine.cloud, bus=bus)
    job = submit(machine, slow_film(tmp_path / "film.mp4", CHUNKS))
    stat = machine.cloud.uploads.stat(source(job.id))
    bus.publish(
        ObjectFinalized(bucket="uploads", name=stat.name, generation=stat.generation, size_bytes=stat.size_bytes)
    )
    ended = run(machine, bus, chance, job.id)
    assert (ended.state, ended.revision) == ("done", 1)
    assert ended.artifacts == {"reel": f"downloads/{job.id}/r1/reel.mp4"}
    assert computed == Counter(range(CHUNKS))
    assert [(stage, tasks) for stage, _, tasks in machine.launcher.launches] == [("pose", CHUNKS), ("merge", 1)]
    assert bus.delivered >= 4 * TIMES  # the upload, two orders, and each stage's end
    once = {event.event_id: event for event in bus.events}
    assert sorted(e.type for e in once.values() if e.percent is None) == ["created", "done", "progress", "progress"]
    steps = [(event.stage, event.percent) for event in once.values() if event.percent is not None]
    assert len(set(steps)) == len(steps)
    assert {("pose", 100), ("merge", 100)} <= set(steps)
    assert all(once[event.event_id] == event for event in bus.events), "one id, one fact"


def run(machine: OneMachine, bus: Tenfold, chance: random.Random, job_id: str) -> Job:
    """Deliver and compute in any order until every message was delivered ten times, and return the job."""
    for _ in range(2000):
        if chance.random() < 0.1:
            machine.launcher.run_tasks()
        if chance.random() < 0.1:
            watch(machine.cloud)
        if not bus.deliver_one(machine) and not machine.launcher.waiting:
            job = machine.cloud.jobs.get(job_id)
            if job.is_final and not job.outbox:
                return job
            machine.clock.now += 31
    raise AssertionError(f"not ended: {machine.cloud.jobs.get(job_id)}")
