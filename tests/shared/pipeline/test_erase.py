"""A job of which nothing is to be left: no object, no record, and nobody who brings it back."""

import json
import random
import sqlite3
import tempfile
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.local.event_pump import HANDLERS
from functions.on_upload import handle_upload
from jobs.task import DONE, Part, Task, run_task
from shared.domain import job as jobs
from shared.domain.batch import Batch
from shared.domain.chunk import Failure
from shared.domain.job import Job, JobState, Stage
from shared.domain.messages import ObjectFinalized, StageDone, StageRequested
from shared.domain.object_names import artifact, heard_speech, source
from shared.domain.units import ChunkPlan
from shared.errors import BadRequest, LeaseLost, MontageError, NotFound
from shared.pipeline.cancel_job import cancel_job
from shared.pipeline.erase_job import erase_job
from shared.pipeline.launch_stage import launch_stage
from shared.pipeline.receive_upload import receive_upload
from shared.pipeline.remembered_speech import RememberedSpeech
from shared.pipeline.request_job import receive_request
from shared.pipeline.retry_job import retry_job
from shared.pipeline.watch import watch
from tests.one_machine import OneMachine, make_part, make_reel, one_machine
from tests.shared.pipeline.test_cancel import (
    CHUNKS,
    TENS,
    Before,
    Crash,
    awaiting,
    drained,
    in_analysis,
    in_merge,
    queued,
    with_bus,
)
from tests.waves import slow_film


@pytest.fixture(scope="session")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three chunks of nothing."""
    return slow_film(tmp_path_factory.mktemp("films") / "film.mp4", CHUNKS)


def done(machine: OneMachine, film: Path) -> Job:
    return machine.run_to_the_end(machine.submit(film, options=TENS).id)


def cancelled(machine: OneMachine, film: Path) -> Job:
    return cancel_job(machine.cloud, in_analysis(machine, film).id)


def assert_nothing_left(machine: OneMachine, job_id: str) -> None:
    """Assert that no object and no record names the job, and that it is known to have been erased."""
    cloud = machine.cloud
    stores = {"uploads": cloud.uploads, "work": cloud.work, "downloads": cloud.downloads}
    assert [name for bucket, store in stores.items() for name in store.list(f"{bucket}/") if job_id in name] == []
    with closing(sqlite3.connect(machine.home / "jobs.sqlite3")) as records:
        assert [line for line in records.iterdump() if job_id in line] == []
    with pytest.raises(NotFound):
        cloud.jobs.get(job_id)
    assert cloud.jobs.was_erased(job_id)


@pytest.mark.parametrize(
    ("before", "state"),
    [
        (awaiting, "awaiting_upload"), (queued, "queued"), (in_analysis, "analysing"), (in_merge, "merging"),
        (done, "done"), (cancelled, "cancelled"),
    ],
)  # fmt: skip
def test_a_job_in_any_state_is_erased_with_all_that_is_of_it(
    tmp_path: Path, film: Path, before: Before, state: JobState
) -> None:
    machine = one_machine(tmp_path / "home")
    other = done(machine, film)
    bus = with_bus(machine)
    job = before(machine, film)
    assert job.state == state
    machine.cloud.downloads.write(artifact(job.id, 1, "reel.mp4"), b"reel")
    machine.cloud.work.write(f"work/{job.id}/edit_lists/1.json", b"{}")
    told = len(bus.events)
    assert erase_job(machine.cloud, job.id).state == "erasing"
    assert_nothing_left(machine, job.id)
    is_told = [event.type for event in bus.events[told:] if event.type != "created"]
    assert is_told == ([] if state in ("done", "cancelled") else ["cancelled"])
    assert film.exists(), "the owner's own file is nobody's but the owner's"
    assert machine.cloud.jobs.get(other.id) == other
    assert machine.cloud.uploads.stat(source(other.id))
    machine.clock.now += 1000
    drained(machine)
    machine.launcher.run_tasks()
    assert_nothing_left(machine, job.id)
    with pytest.raises(NotFound):
        erase_job(machine.cloud, job.id)


def test_a_batch_loses_its_job_and_goes_with_the_last(tmp_path: Path, film: Path) -> None:
    machine = one_machine(tmp_path)
    cloud = machine.cloud
    ids = [done(machine, film).id for _ in range(2)]
    for job_id in ids:
        cloud.jobs.update(job_id, lambda job: replace(job, batch="batch"))
    cloud.jobs.create_batch(Batch(id="batch", owner="local", created_at=1.0, job_ids=tuple(ids)))
    erase_job(cloud, ids[0])
    assert cloud.jobs.get_batch("batch").job_ids == (ids[1],)
    erase_job(cloud, ids[1])
    with pytest.raises(NotFound):
        cloud.jobs.get_batch("batch")


def test_what_was_heard_for_a_job_goes_with_it_also_when_another_has_used_it(tmp_path: Path, film: Path) -> None:
    machine = one_machine(tmp_path)
    one, other = (done(machine, film).id for _ in range(2))
    work = machine.cloud.work

    class Listener:
        """Hears its own name in everything."""

        manner = "listening"

        def silences(self, samples: object) -> list[tuple[float, float]]:
            return []

        def languages(self, samples: object) -> dict[str, float]:
            return {"en": 1.0}

        def transcribe_all(self, pieces: object, *, hints: object = ()) -> object:
            for _ in pieces:  # type: ignore[attr-defined]
                yield [("Ada", 0.0, 1.0, 1.0)]

    def hear(job_id: str, level: float) -> RememberedSpeech:
        speech = RememberedSpeech(recognizer=Listener(), store=work, job_id=job_id)  # type: ignore[arg-type]
        sound = np.full(16000, level, np.float32)
        assert len(list(speech.transcribe_all([(sound, "en")]))) == 1
        speech.languages(sound)
        return speech

    assert (hear(one, 0.1).heard, hear(other, 0.1).remembered, hear(other, 0.2).heard) == (1, 1, 1)
    heard = heard_speech("")[: -len(".json")]
    assert len(list(work.list(heard))) == 4
    erase_job(machine.cloud, one)
    assert len(list(work.list(heard))) == 2, "what only the other has heard stays"
    assert hear(other, 0.2).remembered == 1
    erase_job(machine.cloud, other)
    assert list(work.list(heard)) == []


@pytest.mark.parametrize("when", ["running", "settled"])
def test_an_erasure_waits_until_what_runs_has_ended(tmp_path: Path, film: Path, when: str) -> None:
    machine = one_machine(tmp_path)
    job = in_analysis(machine, film)
    cancel, machine.launcher.cancel = machine.launcher.cancel, lambda execution: None  # type: ignore[method-assign]
    if when == "settled":
        oops = Failure(code="oops", message="Oops.")
        machine.cloud.jobs.update(job.id, lambda job: jobs.failed(job, oops, now=machine.clock.now))
    assert erase_job(machine.cloud, job.id).state == "erasing"
    for _ in range(3):
        machine.clock.now += 30
        watch(machine.cloud)
        assert machine.cloud.jobs.get(job.id).state == "erasing"
    machine.launcher.run_tasks()
    assert machine.launcher.exit_codes == [DONE] * CHUNKS
    machine.launcher.cancel = cancel  # type: ignore[method-assign]
    watch(machine.cloud)
    assert_nothing_left(machine, job.id)


def test_a_task_that_nobody_can_stop_is_waited_for_only_as_long_as_it_can_live(tmp_path: Path, film: Path) -> None:
    machine = one_machine(tmp_path)
    job = in_analysis(machine, film)
    machine.launcher.cancel = lambda execution: None  # type: ignore[method-assign]
    erase_job(machine.cloud, job.id)
    limits = machine.cloud.limits
    machine.clock.now += limits.rerun_after_s + limits.silent_after_s - 1
    watch(machine.cloud)
    assert machine.cloud.jobs.get(job.id).state == "erasing"
    machine.clock.now += 1
    watch(machine.cloud)
    assert_nothing_left(machine, job.id)


@pytest.mark.parametrize("is_launching", [False, True])
def test_a_chunk_of_an_older_run_and_a_launch_under_way_are_waited_for(
    tmp_path: Path, film: Path, is_launching: bool
) -> None:
    machine = one_machine(tmp_path)
    cloud = machine.cloud
    plan = ChunkPlan(unit_s=10.0, units=1, units_per_chunk=1)
    launched = Stage(plan=plan, state="launched", run_id="old", execution="long over")
    newer = replace(launched, run_id="new")
    if is_launching:
        newer = Stage(plan=plan, state="launching", run_id="new", launching_until=machine.clock.now + 1000)
    job = queued(machine, film)
    cloud.jobs.update(job.id, lambda job: replace(job, state="analysing", stages={"pose": launched}))
    if not is_launching:
        cloud.jobs.start_chunk(job.id, "pose", 0, run_id="old", task_attempt=0)
    cloud.jobs.update(job.id, lambda job: replace(job, stages={"pose": newer}))
    erase_job(cloud, job.id)
    assert cloud.jobs.get(job.id).state == "erasing"
    machine.clock.now += 300
    watch(cloud)
    assert_nothing_left(machine, job.id)


def test_a_task_at_work_sees_that_its_job_is_erased_and_leaves_nothing(tmp_path: Path, film: Path) -> None:
    def pose(task: Task) -> Part:
        erase_job(task.cloud, task.job.id)
        with pytest.raises(LeaseLost):
            task.confirm()
        raise LeaseLost("nobody wants it")

    machine = one_machine(tmp_path, pose=pose)
    job = in_analysis(machine, film)
    machine.launcher.run_tasks()
    machine.clock.now += 300
    watch(machine.cloud)
    assert_nothing_left(machine, job.id)


def test_what_comes_late_for_an_erased_job_changes_nothing(tmp_path: Path, film: Path) -> None:
    machine = one_machine(tmp_path)
    cloud, launcher = machine.cloud, machine.launcher
    job = in_analysis(machine, film)
    run_id = str(job.stages["pose"].run_id)
    event = ObjectFinalized(bucket="uploads", name=source(job.id), generation="1", size_bytes=1).model_dump_json()
    erase_job(cloud, job.id)
    cloud.uploads.upload(film, source(job.id))
    handle_upload(cloud, event)
    launch_stage(cloud, StageRequested(job_id=job.id, epoch=1, stage="pose", request=1))
    HANDLERS["stage-done"](cloud, StageDone(job_id=job.id, epoch=1, stage="pose").model_dump_json())
    code = run_task(cloud, launcher.settings, "pose", job.id, run_id, index=0, attempt=1, work=make_part)
    assert code == DONE, "the platform must not start it again"
    assert not cloud.jobs.create(replace(job, state="queued"))
    assert_nothing_left(machine, job.id)
    assert watch(cloud).failed == 0
    assert launcher.waiting == []


def test_an_upload_of_nobody_s_is_left_alone(tmp_path: Path, film: Path) -> None:
    machine = one_machine(tmp_path)
    stray = machine.cloud.uploads.upload(film, source("z" * 26))
    receive_upload(
        machine.cloud, ObjectFinalized(bucket="uploads", name=stray.name, generation=stray.generation, size_bytes=1)
    )
    assert machine.cloud.uploads.stat(stray.name) == stray


def test_a_request_whose_job_was_erased_does_not_come_back_unseen(tmp_path: Path, film: Path) -> None:
    folder = tmp_path / "footage"
    folder.mkdir()
    (folder / "film.mp4").write_bytes(film.read_bytes())
    machine = one_machine(tmp_path / "home", request_folders=f"mine={folder}")
    asked = json.dumps({"request_id": "1", "source": "gs://mine/film.mp4", "options": {"chunk_s": 10}})
    receive_request(machine.cloud, asked)
    (job,) = machine.cloud.jobs.list()
    erase_job(machine.cloud, job.id)
    for _ in range(2):
        with pytest.raises(BadRequest) as raised:
            receive_request(machine.cloud, asked)
        assert raised.value.code == "erased"
    assert_nothing_left(machine, job.id)
    machine.clock.now += 8 * 24 * 3600
    receive_request(machine.cloud, asked)
    assert machine.cloud.jobs.get(job.id).state != "erasing"


def test_the_watchdog_sweeps_old_tombstones(tmp_path: Path, film: Path) -> None:
    machine = one_machine(tmp_path)
    erase_job(machine.cloud, done(machine, film).id)

    def tombstones() -> int:
        with closing(sqlite3.connect(machine.home / "jobs.sqlite3")) as records:
            (count,) = records.execute("SELECT COUNT(*) FROM tombstones").fetchone()
            return int(count)

    watch(machine.cloud)
    assert tombstones() == 1
    machine.clock.now += 8 * 24 * 3600
    watch(machine.cloud)
    assert tombstones() == 0


def mortal(machine: OneMachine, dies_at: int) -> None:
    """Let the process end right after one of its writes, by their number from 0."""
    count = 0

    def dying(call: Callable[..., object]) -> Callable[..., object]:
        def called(*given: object, **named: object) -> object:
            nonlocal count
            answer = call(*given, **named)
            count += 1
            if count == dies_at + 1:
                raise Crash
            return answer

        return called

    cloud = machine.cloud
    for port, name in (
        (cloud.jobs, "update"), (cloud.jobs, "forget"), (cloud.jobs, "reopen_chunks"), (cloud.bus, "publish"),
        (cloud.uploads, "delete"), (cloud.work, "delete"), (cloud.downloads, "delete"), (machine.launcher, "launch"),
        (machine.launcher, "cancel"), (cloud.work, "write"),
    ):  # fmt: skip
        setattr(port, name, dying(getattr(port, name)))


@pytest.mark.parametrize("dies_at", range(14))
def test_an_erasure_that_is_cut_off_after_any_write_is_completed_by_the_watchdog(
    tmp_path: Path, film: Path, dies_at: int
) -> None:
    machine = one_machine(tmp_path)
    job = in_merge(machine, film)
    machine.cloud.work.write(f"work/{job.id}/transcribe/heard/abc.json", b"{}")
    machine.cloud.work.write(heard_speech("abc"), b"[]")
    mortal(machine, dies_at)
    with suppress(Crash):
        erase_job(machine.cloud, job.id)
    watch(machine.cloud)
    assert_nothing_left(machine, job.id)
    assert list(machine.cloud.work.list("work/heard/")) == []


@settings(max_examples=25, deadline=None)
@given(
    chance=st.randoms(use_true_random=False),
    asks=st.lists(st.sampled_from([cancel_job, retry_job, erase_job]), min_size=1, max_size=4),
    dies_at=st.integers(0, 60),
    broken=st.sampled_from([None, None, "pose", "merge"]),
)
def test_whatever_is_asked_whenever_the_job_ends_in_one_state_and_erased_means_gone(
    film: Path, chance: random.Random, asks: list[Callable[..., Job]], dies_at: int, broken: str | None
) -> None:
    def work(stage: str, good: Callable[[Task], Part]) -> Callable[[Task], Part]:
        def one(task: Task) -> Part:
            maybe_ask()
            if broken == stage and task.job.epoch == 1:
                raise ZeroDivisionError
            return good(task)

        return one

    left = list(asks)
    job_id = ""

    def maybe_ask() -> None:
        if left and job_id and chance.random() < 0.2:
            with suppress(MontageError, Crash):
                left.pop(0)(machine.cloud, job_id)

    with tempfile.TemporaryDirectory() as folder:
        machine = one_machine(Path(folder), pose=work("pose", make_part), merge=work("merge", make_reel))
        bus = with_bus(machine)
        job_id = machine.submit(film, options=TENS).id
        mortal(machine, dies_at)
        for _ in range(300):
            maybe_ask()
            with suppress(Crash):
                machine.pump().step() if chance.random() < 0.8 else watch(machine.cloud)
            if chance.random() < 0.3:
                with suppress(Crash):
                    machine.launcher.run_tasks()
            machine.clock.now += chance.choice([0, 1, 31])
            if not left and machine.cloud.jobs.list(unfinished_only=True) == []:
                break
        while left:
            with suppress(MontageError):
                left.pop(0)(machine.cloud, job_id)
        for _ in range(60):
            drained(machine)
            machine.launcher.run_tasks()
            machine.clock.now += 31
        assert machine.cloud.jobs.list(unfinished_only=True) == []
        assert machine.launcher.waiting == []
        if machine.cloud.jobs.was_erased(job_id):
            assert_nothing_left(machine, job_id)
            return
        ended = machine.cloud.jobs.get(job_id)
        of_epoch = {event.type for event in bus.events if event.epoch == ended.epoch} - {"created", "progress"}
        assert of_epoch == {ended.state}, "record and events agree"
        machine.cloud.close()
