"""A failed job that somebody wants to be tried again: what is done of it is kept, and nothing old gets in its way."""

import json
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from functions.local.event_pump import HANDLERS
from jobs.task import DONE, Part, Task, run_task
from shared.domain import job as jobs
from shared.domain.chunk import Failure
from shared.domain.job import Job, JobState, Source
from shared.domain.messages import StageDone, StageRequested
from shared.domain.object_names import source
from shared.errors import BadRequest, BadVideo, LeaseLost, NotFound, TryAgain
from shared.pipeline.launch_stage import launch_stage
from shared.pipeline.reconcile import reconcile
from shared.pipeline.request_job import receive_request
from shared.pipeline.retry_job import retry_job
from shared.pipeline.watch import watch
from tests.one_machine import OneMachine, make_part, make_reel, one_machine
from tests.shared.pipeline.test_cancel import CHUNKS, TENS, Crash, drained, in_analysis, with_bus
from tests.waves import slow_film

OOPS = Failure(code="oops", message="Oops.")


@pytest.fixture(scope="session")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three chunks of nothing."""
    return slow_film(tmp_path_factory.mktemp("films") / "film.mp4", CHUNKS)


class Work:
    """Counts what is computed; as long as `is_broken`, the chunk or the merge that is named fails for good."""

    def __init__(self, broken: int | None = None, *, is_merge_broken: bool = False) -> None:
        self.computed: Counter[int] = Counter()
        self.merged = 0
        self.broken, self.is_merge_broken = broken, is_merge_broken

    def pose(self, task: Task) -> Part:
        if task.chunk == self.broken:
            raise BadVideo("corrupt", "Nothing in it decodes.")
        self.computed[task.chunk] += 1
        return make_part(task)

    def merge(self, task: Task) -> Part:
        if self.is_merge_broken:
            raise ZeroDivisionError
        self.merged += 1
        return make_reel(task)

    def mend(self) -> None:
        self.broken, self.is_merge_broken = None, False


def failed_job(home: Path, film: Path, work: Work) -> tuple[OneMachine, Job]:
    machine = one_machine(home, pose=work.pose, merge=work.merge)
    job = machine.run_to_the_end(machine.submit(film, options=TENS).id)
    assert job.state == "failed"
    return machine, job


def test_a_retry_computes_only_what_is_not_done(tmp_path: Path, film: Path) -> None:
    work = Work(broken=1)
    machine, failed = failed_job(tmp_path, film, work)
    done_before = set(work.computed)
    bus = with_bus(machine)
    work.mend()
    machine.clock.now += 1000
    again = retry_job(machine.cloud, failed.id)
    assert (again.state, again.epoch, again.error, again.ended_at) == ("analysing", 2, None, None)
    assert again.deadline is not None and failed.deadline is not None and again.deadline >= failed.deadline + 1000
    ended = machine.run_to_the_end(failed.id)
    assert (ended.state, ended.epoch) == ("done", 2)
    assert work.computed == Counter(range(CHUNKS)), f"of these none again: {done_before}"
    assert machine.launcher.launches[-2][2] == CHUNKS - len(done_before)
    assert [event.epoch for event in bus.events] == [2] * len(bus.events)
    assert (bus.events[0].type, bus.events[0].state) == ("progress", "queued")
    assert bus.last == ["done"]
    assert bus.events[0].n == failed.events, "numbers go on growing"
    assert [warned.code for warned in ended.warnings] == ["nothing_found"], "no warning is there twice"


def test_a_retry_keeps_the_plan_by_which_done_chunks_are_numbered(tmp_path: Path, film: Path) -> None:
    work = Work(broken=1)
    machine, failed = failed_job(tmp_path, film, work)
    work.mend()
    limits = replace(machine.cloud.limits, max_tasks=1)
    machine.cloud = machine.launcher.cloud = replace(machine.cloud, limits=limits)
    retry_job(machine.cloud, failed.id)
    ended = machine.run_to_the_end(failed.id)
    assert (ended.state, ended.stages["pose"].plan) == ("done", failed.stages["pose"].plan)
    assert work.computed == Counter(range(CHUNKS))


def test_a_retry_after_a_failed_merge_analyses_nothing(tmp_path: Path, film: Path) -> None:
    work = Work(is_merge_broken=True)
    machine, failed = failed_job(tmp_path, film, work)
    assert machine.launcher.exit_codes.count(1) == machine.cloud.limits.max_attempts - 1
    work.mend()
    launches = len(machine.launcher.launches)
    retry_job(machine.cloud, failed.id)
    assert machine.run_to_the_end(failed.id).state == "done"
    assert work.computed == Counter(range(CHUNKS))
    assert work.merged == 1
    assert [(stage, tasks) for stage, _, tasks in machine.launcher.launches[launches:]] == [("merge", 1)]


def test_a_retry_has_all_attempts_again(tmp_path: Path, film: Path) -> None:
    work = Work(is_merge_broken=True)
    machine, failed = failed_job(tmp_path, film, work)
    tried = len(machine.launcher.exit_codes)
    retry_job(machine.cloud, failed.id)
    again = machine.run_to_the_end(failed.id)
    assert (again.state, again.epoch) == ("failed", 2)
    assert len(machine.launcher.exit_codes) == tried + machine.cloud.limits.max_attempts
    work.mend()
    retry_job(machine.cloud, failed.id)
    assert machine.run_to_the_end(failed.id).epoch == 3


@pytest.mark.parametrize("state", ["awaiting_upload", "queued", "analysing", "done", "cancelled", "expired", "erasing"])
def test_only_a_failed_job_can_be_tried_again(tmp_path: Path, state: JobState) -> None:
    machine = one_machine(tmp_path)
    job = Job(id="a", source=Source(file_name="a.mp4", generation="1"), options=TENS, created_at=0.0, state=state)
    machine.cloud.jobs.create(job)
    with pytest.raises(BadRequest) as raised:
        retry_job(machine.cloud, job.id)
    assert raised.value.code == "not_failed"
    assert machine.cloud.jobs.get(job.id) == job
    with pytest.raises(NotFound):
        retry_job(machine.cloud, "nobody")


def test_a_job_whose_upload_never_came_cannot_be_tried_again(tmp_path: Path) -> None:
    machine = one_machine(tmp_path)
    job = Job(id="a", source=Source(file_name="a.mp4"), options=TENS, created_at=0.0, state="failed", error=OOPS)
    machine.cloud.jobs.create(job)
    with pytest.raises(BadRequest, match="never came"):
        retry_job(machine.cloud, job.id)


def test_a_source_that_was_gone_is_copied_once_it_is_back_even_after_a_week(tmp_path: Path, film: Path) -> None:
    folder = tmp_path / "footage"
    folder.mkdir()
    machine = one_machine(tmp_path / "home", request_folders=f"mine={folder}")
    there, away = folder / "film.mp4", folder / "away.mp4"
    there.write_bytes(film.read_bytes())
    asked = {"request_id": "1", "source": "gs://mine/film.mp4", "options": {"mode": "motion", "chunk_s": 10}}
    cloud = machine.cloud

    def busy(*_: object) -> None:
        raise TryAgain("busy")

    copy, cloud.uploads.copy_from = cloud.uploads.copy_from, busy  # type: ignore[method-assign,assignment]
    with pytest.raises(TryAgain):
        receive_request(cloud, json.dumps(asked))
    cloud.uploads.copy_from = copy  # type: ignore[method-assign]
    there.rename(away)
    watch(cloud)
    (failed,) = cloud.jobs.list()
    assert (failed.state, failed.error and failed.error.code) == ("failed", "source_gone")
    retry_job(cloud, failed.id)
    assert cloud.jobs.get(failed.id).state == "failed", "it is still gone"
    away.rename(there)
    machine.clock.now += cloud.limits.upload_expires_s
    cloud.uploads.copy_from = busy  # type: ignore[method-assign,assignment]
    with pytest.raises(TryAgain):
        retry_job(cloud, failed.id)
    cloud.uploads.copy_from = copy  # type: ignore[method-assign]
    assert reconcile(cloud, failed.id).state == "awaiting_upload", "it does not expire by the age of its first try"
    ended = machine.run_to_the_end(failed.id)
    assert (ended.state, ended.epoch) == ("done", 3)


def test_what_comes_late_from_the_epoch_before_changes_nothing(tmp_path: Path, film: Path) -> None:
    machine = one_machine(tmp_path)
    job = in_analysis(machine, film)
    cloud, launcher = machine.cloud, machine.launcher
    old_run = str(job.stages["pose"].run_id)
    at_work: list[Task] = []

    def overtaken(task: Task) -> Part:
        """Work while the job fails, is tried again and is launched again."""
        at_work.append(task)
        cloud.jobs.update(task.job.id, lambda job: jobs.failed(job, OOPS, now=machine.clock.now))
        retry_job(cloud, task.job.id)
        drained(machine)
        with pytest.raises(LeaseLost):
            task.confirm()
        return make_part(task)

    launcher.work["pose"] = overtaken
    _, stage, job_id, run_id, index = launcher.waiting.pop(0)
    assert run_task(cloud, launcher.settings, stage, job_id, run_id, index=index, attempt=0, work=overtaken) == DONE
    again = cloud.jobs.get(job.id)
    assert (again.state, again.epoch) == ("analysing", 2)
    assert cloud.jobs.chunk_summary(job.id, "pose").done == 0, "what it made is not taken"
    computed: list[int] = []
    for late in range(CHUNKS):
        code = run_task(
            cloud, launcher.settings, "pose", job.id, old_run, index=late, attempt=0, work=lambda t: make_part(t)
        )
        assert code == DONE
    assert cloud.jobs.chunk_summary(job.id, "pose").done == 0, "its tasks are refused their chunks"
    before = cloud.jobs.get(job.id)
    launch_stage(cloud, StageRequested(job_id=job.id, epoch=1, stage="pose", request=1))
    launch_stage(cloud, StageRequested(job_id=job.id, epoch=1, stage="merge", request=1))
    HANDLERS["stage-done"](cloud, StageDone(job_id=job.id, epoch=1, stage="pose").model_dump_json())
    assert cloud.jobs.get(job.id) == before
    launcher.work["pose"] = lambda task: computed.append(task.chunk) or make_part(task)  # type: ignore[func-returns-value]
    assert machine.run_to_the_end(job.id).state == "done"
    assert sorted(computed) == list(range(CHUNKS))


def test_a_dispatcher_that_is_overtaken_by_a_retry_launches_nothing_that_stays(tmp_path: Path, film: Path) -> None:
    machine = one_machine(tmp_path)
    launch = machine.launcher.launch
    stopped: list[str] = []

    def launch_late(stage: str, job_id: str, run_id: str, *, tasks: int) -> str:
        machine.launcher.launch = launch  # type: ignore[method-assign]
        execution = launch(stage, job_id, run_id, tasks=tasks)  # type: ignore[arg-type]
        stopped.append(execution)
        machine.cloud.jobs.update(job_id, lambda job: jobs.failed(job, OOPS, now=1.0))
        retry_job(machine.cloud, job_id)
        return execution

    machine.launcher.launch = launch_late  # type: ignore[method-assign]
    job = in_analysis(machine, film)
    assert job.epoch == 2
    assert machine.launcher.state(stopped[0]) == "ended"
    assert machine.run_to_the_end(job.id).state == "done"


@pytest.mark.parametrize("at", range(8))
def test_a_retry_that_is_cut_off_between_any_two_writes_loses_nothing(tmp_path: Path, film: Path, at: int) -> None:
    work = Work(broken=1)
    machine, failed = failed_job(tmp_path, film, work)
    work.mend()
    store, count = machine.cloud.jobs, 0

    def dying(call: Callable[..., object]) -> Callable[..., object]:
        def called(*given: object) -> object:
            nonlocal count
            answer = call(*given)
            count += 1
            if count == at + 1:
                raise Crash
            return answer

        return called

    update, reopen = store.update, store.reopen_chunks
    store.update, store.reopen_chunks = dying(update), dying(reopen)  # type: ignore[method-assign,assignment]
    with suppress(Crash):
        retry_job(machine.cloud, failed.id)
    store.update, store.reopen_chunks = update, reopen  # type: ignore[method-assign]
    if store.get(failed.id).state == "failed":
        retry_job(machine.cloud, failed.id)
    ended = machine.run_to_the_end(failed.id)
    assert (ended.state, ended.epoch) == ("done", 2)
    assert work.computed == Counter(range(CHUNKS))


def test_two_who_retry_at_once_make_one_new_epoch(tmp_path: Path, film: Path) -> None:
    work = Work(broken=1)
    machine, failed = failed_job(tmp_path, film, work)
    work.mend()
    reopen = machine.cloud.jobs.reopen_chunks

    def and_another(job_id: str) -> None:
        machine.cloud.jobs.reopen_chunks = reopen  # type: ignore[method-assign]
        retry_job(machine.cloud, job_id)
        drained(machine)
        machine.launcher.run_tasks()
        reopen(job_id)

    machine.cloud.jobs.reopen_chunks = and_another  # type: ignore[method-assign]
    with pytest.raises(BadRequest):
        retry_job(machine.cloud, failed.id)
    ended = machine.run_to_the_end(failed.id)
    assert (ended.state, ended.epoch) == ("done", 2)
    assert work.computed == Counter(range(CHUNKS))
    assert machine.cloud.uploads.stat(source(failed.id))
