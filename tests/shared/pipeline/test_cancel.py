"""A job that nobody wants any more: it ends in one state, says so, and nothing more is made of it."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from functions.local.event_pump import HANDLERS
from jobs.merge.__main__ import merge
from jobs.task import DONE, Part, Task
from shared.domain import job as jobs
from shared.domain.chunk import Failure
from shared.domain.given_edit_list import GivenClip, GivenEditList
from shared.domain.job import Job, JobState, Source
from shared.domain.messages import JobEvent, Message, StageName, StageRequested
from shared.domain.options import Options
from shared.domain.span import span
from shared.errors import BadRequest, LeaseLost, NotFound
from shared.pipeline.cancel_job import cancel_job
from shared.pipeline.given_edit_list import store_given
from shared.pipeline.launch_stage import launch_stage
from shared.pipeline.watch import watch
from shared.ports import EventBus
from tests.clips import ClipSpec, make_clip
from tests.counting import CountedCalls
from tests.one_machine import OneMachine, one_machine
from tests.waves import slow_film

CHUNKS = 3
TENS = Options(mode="motion", chunk_s=10)


class Crash(BaseException):
    """The process ends here."""


@pytest.fixture(scope="session")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three chunks of nothing."""
    return slow_film(tmp_path_factory.mktemp("films") / "film.mp4", CHUNKS)


class Told(CountedCalls):
    """A bus that remembers the events that went through it."""

    def __init__(self, bus: EventBus) -> None:
        super().__init__(bus, before=lambda _: None)
        self.events: list[JobEvent] = []

    def publish(self, message: Message) -> None:
        if isinstance(message, JobEvent):
            self.events.append(message)
        self._port.publish(message)

    @property
    def last(self) -> list[str]:
        """The kinds of what was told, but for progress, each once."""
        return list(dict.fromkeys(event.type for event in self.events if event.type != "progress"))


def with_bus(machine: OneMachine) -> Told:
    bus = Told(machine.cloud.bus)
    machine.cloud = machine.launcher.cloud = replace(machine.cloud, bus=bus)
    return bus


def drained(machine: OneMachine) -> None:
    pump = machine.pump()
    while pump.step():
        pass


def in_analysis(machine: OneMachine, film: Path) -> Job:
    job = machine.submit(film, options=TENS)
    drained(machine)
    return machine.cloud.jobs.get(job.id)


def in_merge(machine: OneMachine, film: Path) -> Job:
    job = in_analysis(machine, film)
    machine.launcher.run_tasks()
    drained(machine)
    return machine.cloud.jobs.get(job.id)


def awaiting(machine: OneMachine, film: Path) -> Job:
    job = Job(id="a" * 26, source=Source(file_name=film.name), options=TENS, created_at=machine.clock.now)
    assert machine.cloud.jobs.create(job)
    return job


def queued(machine: OneMachine, film: Path) -> Job:
    job = machine.submit(film, options=TENS)
    stat = machine.cloud.uploads.stat(f"uploads/{job.id}/source")
    return machine.cloud.jobs.update(
        job.id, lambda job: jobs.uploaded(job, generation=stat.generation, size_bytes=1, deadline=9e9)
    )


Before = Callable[[OneMachine, Path], Job]


@pytest.mark.parametrize(
    ("before", "state"),
    [(awaiting, "awaiting_upload"), (queued, "queued"), (in_analysis, "analysing"), (in_merge, "merging")],
)
def test_an_unfinished_job_is_cancelled_tells_it_once_and_stays_so(
    tmp_path: Path, film: Path, before: Before, state: JobState
) -> None:
    machine = one_machine(tmp_path)
    bus = with_bus(machine)
    job = before(machine, film)
    assert job.state == state
    cancelled = cancel_job(machine.cloud, job.id)
    assert (cancelled.state, cancelled.outbox, cancelled.ended_at) == ("cancelled", (), machine.clock.now)
    assert machine.launcher.waiting == [], "recorded executions are cancelled at once"
    launches = list(machine.launcher.launches)
    assert cancel_job(machine.cloud, job.id) == cancelled
    machine.clock.now += 1000
    drained(machine)
    machine.launcher.run_tasks()
    assert machine.cloud.jobs.get(job.id) == cancelled
    assert machine.launcher.launches == launches
    assert [event.type for event in bus.events if event.type == "cancelled"] == ["cancelled"]
    assert bus.events[-1].state == "cancelled"
    assert watch(machine.cloud).jobs == 0


@pytest.mark.parametrize("state", ["done", "failed", "expired", "erasing"])
def test_what_has_ended_cannot_be_cancelled(tmp_path: Path, film: Path, state: JobState) -> None:
    machine = one_machine(tmp_path)
    job = awaiting(machine, film)
    ended = machine.cloud.jobs.update(job.id, lambda job: replace(job, state=state))
    with pytest.raises(BadRequest, match="erased" if state == "erasing" else state) as raised:
        cancel_job(machine.cloud, job.id)
    assert raised.value.code == "already_ended"
    assert machine.cloud.jobs.get(job.id) == ended


def test_a_job_nobody_knows_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFound) as raised:
        cancel_job(one_machine(tmp_path).cloud, "nobody")
    assert raised.value.code == "unknown_job"


def test_a_job_that_is_cancelled_while_it_is_launched_has_its_execution_stopped(tmp_path: Path, film: Path) -> None:
    machine = one_machine(tmp_path)
    launch = machine.launcher.launch

    def launch_late(stage: StageName, job_id: str, run_id: str, *, tasks: int) -> str:
        execution = launch(stage, job_id, run_id, tasks=tasks)
        cancel_job(machine.cloud, job_id)
        return execution

    machine.launcher.launch = launch_late  # type: ignore[method-assign]
    job = in_analysis(machine, film)
    assert job.state == "cancelled"
    assert machine.launcher.waiting == []


def test_an_order_for_a_cancelled_job_launches_nothing(tmp_path: Path, film: Path) -> None:
    machine = one_machine(tmp_path)
    job = queued(machine, film)
    cancel_job(machine.cloud, job.id)
    for stage in ("pose", "merge"):
        launch_stage(machine.cloud, StageRequested(job_id=job.id, epoch=1, stage=stage, request=1))
    assert machine.launcher.launches == []


def test_a_task_of_a_cancelled_job_ends_without_a_trace(tmp_path: Path, film: Path) -> None:
    asked: list[Task] = []

    def pose(task: Task) -> Part:
        asked.append(task)
        machine.cloud.jobs.update(task.job.id, lambda job: jobs.cancelled(job, now=machine.clock.now))
        with pytest.raises(LeaseLost):
            task.confirm()
        raise LeaseLost("nobody wants it")

    machine = one_machine(tmp_path, pose=pose)
    job = in_analysis(machine, film)
    machine.launcher.run_tasks()
    assert machine.launcher.exit_codes == [DONE] * CHUNKS
    assert len(asked) == 1, "the others are refused their chunks"
    assert list(machine.cloud.downloads.list(f"downloads/{job.id}/")) == []
    assert [name for name in machine.cloud.work.list(f"work/{job.id}/") if "/runs/" not in name] == []


def test_the_watchdog_stops_what_a_cut_off_call_left_running(tmp_path: Path, film: Path) -> None:
    machine = one_machine(tmp_path)
    job = in_analysis(machine, film)

    def dies(execution: str) -> None:
        raise Crash(execution)

    cancel, machine.launcher.cancel = machine.launcher.cancel, dies  # type: ignore[method-assign]
    with pytest.raises(Crash):
        cancel_job(machine.cloud, job.id)
    machine.launcher.cancel = cancel  # type: ignore[method-assign]
    assert machine.launcher.waiting
    watch(machine.cloud)
    assert machine.launcher.waiting == []
    assert machine.cloud.jobs.get(job.id).outbox == ()


def test_a_hint_that_comes_first_stops_what_a_cut_off_call_left_running(tmp_path: Path, film: Path) -> None:
    machine = one_machine(tmp_path)
    job = in_analysis(machine, film)
    machine.cloud.jobs.update(job.id, lambda job: jobs.cancelled(job, now=1.0))
    HANDLERS["stage-done"](machine.cloud, f'{{"job_id": "{job.id}", "epoch": 1, "stage": "pose"}}')
    assert machine.launcher.waiting == []


@pytest.mark.parametrize("end", [jobs.cancelled, jobs.erasing])
def test_a_merge_that_has_rendered_when_its_job_is_cancelled_uploads_nothing(
    tmp_path: Path, end: Callable[..., Job]
) -> None:
    """The real merge; it is too quick for its heartbeat to see it."""

    def late(task: Task) -> Part:
        machine.cloud.jobs.update(task.job.id, lambda job: end(job, now=1.0))
        return merge(task)

    machine = one_machine(tmp_path / "home", merge=late)
    video = make_clip(tmp_path, ClipSpec(seconds=1.0, has_sound=False))
    job = Job(
        id="b" * 26, source=Source(file_name=video.name), options=TENS, created_at=machine.clock.now, is_given=True
    )
    store_given(machine.cloud, job.id, GivenEditList(clips=(GivenClip(wanted=span(0, 1)),)))
    assert machine.cloud.jobs.create(job)
    machine.cloud.uploads.upload(video, f"uploads/{job.id}/source")
    drained(machine)
    machine.launcher.run_tasks()
    assert machine.launcher.exit_codes == [DONE]
    assert list(machine.cloud.downloads.list("downloads/")) == []
    assert [name for name in machine.cloud.work.list(f"work/{job.id}/merge/") if "/runs/" not in name] == []


@pytest.mark.parametrize("at", range(24))
def test_a_cancel_between_any_two_changes_of_the_record_ends_in_one_state(tmp_path: Path, film: Path, at: int) -> None:
    """The `at`-th change of the record is followed by a cancel, before its maker goes on."""
    machine = one_machine(tmp_path)
    bus = with_bus(machine)
    count, answers = 0, list[str]()
    store = machine.cloud.jobs
    update = store.update

    def and_then_cancel(job_id: str, change: Callable[[Job], Job]) -> Job:
        nonlocal count
        after = update(job_id, change)
        count += 1
        if count == at + 1:
            try:
                answers.append(cancel_job(machine.cloud, job_id).state)
            except BadRequest as error:
                answers.append(error.code)
        return after

    store.update = and_then_cancel  # type: ignore[method-assign]
    job = machine.submit(film, options=TENS)
    ended = machine.run_to_the_end(job.id)
    machine.clock.now += 1000
    drained(machine)
    assert machine.cloud.jobs.get(job.id) == ended
    assert answers in ([], ["cancelled"], ["already_ended"])
    won = "cancelled" if answers == ["cancelled"] else "done"
    assert ended.state == won
    assert set(bus.last) - {"created"} == {won}, "record and events agree"
    assert ("reel" in ended.artifacts) == (won == "done")
    assert machine.launcher.waiting == []


def test_a_soft_end_and_a_failure_come_too_late_for_a_cancelled_job(tmp_path: Path, film: Path) -> None:
    machine = one_machine(tmp_path)
    job = cancel_job(machine.cloud, in_merge(machine, film).id)
    oops = Failure(code="oops", message="Oops.")
    assert jobs.failed(job, oops, now=1.0) == job
    assert jobs.done(job, artifacts={}, numbers={}, warnings=(), now=1.0) == job
    assert jobs.stage_settled(job, "merge", "done", now=1.0, error=None) == job
    assert jobs.cancelled(job, now=9.0) == job
