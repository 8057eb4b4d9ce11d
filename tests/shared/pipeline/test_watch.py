"""What the watchdog does alone, when nobody else comes any more."""

from dataclasses import replace
from pathlib import Path

import pytest

from shared.domain.job import Job, Source
from shared.domain.listing import JobQuery
from shared.domain.messages import JobEvent, Message, StageDone
from shared.domain.options import Options
from shared.pipeline.watch import AWAITED_AT_ONCE, watch
from shared.ports import EventBus
from tests.counting import CountedCalls
from tests.waves import machine_of_waves, slow_film, submit


class Crash(BaseException):
    """The process ends here."""


def test_an_upload_that_never_came_expires_after_its_session(tmp_path: Path) -> None:
    machine = machine_of_waves(tmp_path, parallelism=1)
    job = Job(id="abandoned", source=Source(file_name="a.mp4"), options=Options(), created_at=machine.clock.now)
    assert machine.cloud.jobs.create(job)
    machine.clock.now += machine.cloud.limits.upload_expires_s - 1
    watch(machine.cloud)
    assert machine.cloud.jobs.get(job.id).state == "awaiting_upload"
    machine.clock.now += 1
    watch(machine.cloud)
    assert machine.cloud.jobs.get(job.id).state == "expired"
    assert machine.cloud.jobs.list(unfinished_only=True) == []


def test_a_job_whose_tasks_never_end_fails_by_its_deadline_and_what_runs_is_stopped(tmp_path: Path) -> None:
    machine = machine_of_waves(tmp_path, parallelism=1, deadline_base_s=1000.0, deadline_per_source_s=1.0)
    job = submit(machine, slow_film(tmp_path / "film.mp4", 3))
    pump = machine.pump()
    while pump.step():
        pass
    job = machine.cloud.jobs.get(job.id)
    assert machine.launcher.state(str(job.stages["pose"].execution)) != "ended"
    machine.clock.now = (job.deadline or 0) - 1
    watch(machine.cloud)
    assert machine.cloud.jobs.get(job.id).state == "analysing"
    machine.clock.now += 1
    watch(machine.cloud)
    job = machine.cloud.jobs.get(job.id)
    assert (job.state, job.error.code if job.error else None) == ("failed", "deadline_exceeded")
    assert machine.launcher.state(str(job.stages["pose"].execution)) == "ended"


class CrashingBus(CountedCalls):
    """A bus whose n-th publishing out of an outbox, from 0, ends the process before anything is published."""

    def __init__(self, bus: EventBus, crash_at: int) -> None:
        super().__init__(bus, before=lambda _: None)
        self._left = crash_at
        self.told: list[str] = []

    def publish(self, message: Message) -> None:
        self._left -= not isinstance(message, StageDone)  # that is a task's own, and in no outbox
        if self._left == -1:
            raise Crash
        if isinstance(message, JobEvent):
            self.told.append(message.type)
        self._port.publish(message)


@pytest.mark.parametrize("crash_at", range(6))
def test_what_a_crash_left_in_the_outbox_is_told_by_the_watchdog(tmp_path: Path, crash_at: int) -> None:
    machine = machine_of_waves(tmp_path, parallelism=3)
    bus = CrashingBus(machine.cloud.bus, crash_at)
    machine.cloud = machine.launcher.cloud = replace(machine.cloud, bus=bus)
    job = submit(machine, slow_film(tmp_path / "film.mp4", 3))
    with pytest.raises(Crash):
        machine.run_to_the_end(job.id)
    assert machine.cloud.jobs.get(job.id).outbox
    watch(machine.cloud, [job.id])
    assert machine.cloud.jobs.get(job.id).outbox == ()
    machine.clock.now += 100
    ended = machine.run_to_the_end(job.id)
    assert (ended.state, list(dict.fromkeys(bus.told))) == ("done", ["created", "progress", "done"])


def test_a_final_job_with_something_left_to_tell_is_not_forgotten(tmp_path: Path) -> None:
    machine = machine_of_waves(tmp_path, parallelism=3)
    job = machine.run_to_the_end(submit(machine, slow_film(tmp_path / "film.mp4", 3)).id)
    event = JobEvent(type="done", job_id=job.id, epoch=1, revision=1, n=9, state="done")
    machine.cloud.jobs.update(job.id, lambda job: replace(job, outbox=(event,)))
    bus = CrashingBus(machine.cloud.bus, 99)
    watch(replace(machine.cloud, bus=bus))
    assert (bus.told, machine.cloud.jobs.get(job.id).outbox) == (["done"], ())


def test_awaited_uploads_take_turns_and_keep_nobody_waiting_who_is_at_work(tmp_path: Path) -> None:
    machine = machine_of_waves(tmp_path, parallelism=1)
    for number in range(5 * AWAITED_AT_ONCE):
        job = Job(id=f"{number}", source=Source(file_name="a.mp4"), options=Options(), created_at=machine.clock.now)
        assert machine.cloud.jobs.create(job)
    at_work = submit(machine, slow_film(tmp_path / "film.mp4", 3))
    machine.pump().step()
    first = watch(machine.cloud)
    assert first.jobs == 1 + AWAITED_AT_ONCE
    assert machine.cloud.jobs.get(at_work.id).state != "awaiting_upload"
    machine.clock.now += machine.cloud.limits.upload_expires_s
    for _ in range(100):  # chance passes over a fifth so often once in 10 ** 9
        watch(machine.cloud)
    assert machine.cloud.jobs.page(JobQuery(state="awaiting_upload"), limit=1, token=None).jobs == ()
