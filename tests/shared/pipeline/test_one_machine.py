"""The handlers, the records and the messages on one machine, disturbed in every way a cloud may disturb them."""

import json
import logging
from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import BaseModel

from functions.on_stage_requested import handle_stage_requested
from functions.on_upload import handle_upload
from jobs.task import Part, Task
from shared.domain.job import Job
from shared.domain.messages import ObjectFinalized, StageRequested
from shared.domain.object_names import source
from shared.domain.options import Options
from shared.errors import BadVideo, LeaseLost, TryAgain
from tests.clips import ClipSpec, make_clip
from tests.one_machine import OneMachine, make_part, one_machine
from tests.shared.domain.records import a_video


@pytest.fixture(scope="session")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clip of 25 seconds: three units."""
    return make_clip(tmp_path_factory.mktemp("clips"), ClipSpec(seconds=25.0, fps=ClipSpec().fps / 3, has_sound=False))


@pytest.fixture
def machine(tmp_path: Path) -> OneMachine:
    return one_machine(tmp_path)


TENS = Options(chunk_s=10)


def finalized(machine: OneMachine, job: Job) -> ObjectFinalized:
    stat = machine.cloud.uploads.stat(source(job.id))
    return ObjectFinalized(bucket="uploads", name=stat.name, generation=stat.generation, size_bytes=stat.size_bytes)


def test_an_upload_becomes_a_reel(machine: OneMachine, video: Path) -> None:
    job = machine.run_to_the_end(machine.submit(video, options=TENS).id)
    assert (job.state, job.error) == ("done", None)
    assert job.artifacts == {"reel": f"downloads/{job.id}/r1/reel.mp4"}
    assert job.numbers == {"reel_s": 3.0}
    assert [warned.code for warned in job.warnings] == ["nothing_found"]
    assert [(stage, tasks) for stage, _, tasks in machine.launcher.launches] == [("pose", 3), ("merge", 1)]


def test_the_finalized_event_again_and_again_changes_nothing(machine: OneMachine, video: Path) -> None:
    submitted = machine.submit(video, options=TENS)
    event = finalized(machine, submitted).model_dump_json()
    for _ in range(5):
        handle_upload(machine.cloud, event)
    job = machine.run_to_the_end(submitted.id)
    for _ in range(5):
        handle_upload(machine.cloud, event)
    assert machine.cloud.jobs.get(job.id) == job
    assert len(machine.launcher.launches) == 2


def test_a_doubled_order_launches_once(machine: OneMachine, video: Path) -> None:
    submitted = machine.submit(video, options=TENS)
    handle_upload(machine.cloud, finalized(machine, submitted).model_dump_json())
    order = StageRequested(job_id=submitted.id, epoch=1, stage="pose", request=1).model_dump_json()
    for _ in range(10):
        handle_stage_requested(machine.cloud, order)
    assert [stage for stage, _, _ in machine.launcher.launches] == ["pose"]


def test_an_order_met_while_its_launch_is_under_way_is_told_to_come_again(machine: OneMachine, video: Path) -> None:
    submitted = machine.submit(video, options=TENS)
    handle_upload(machine.cloud, finalized(machine, submitted).model_dump_json())
    order = StageRequested(job_id=submitted.id, epoch=1, stage="pose", request=1).model_dump_json()

    def dies(*_: object, **__: object) -> str:
        raise KeyboardInterrupt

    launch, machine.launcher.launch = machine.launcher.launch, dies  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        handle_stage_requested(machine.cloud, order)
    machine.launcher.launch = launch  # type: ignore[method-assign]
    with pytest.raises(TryAgain):
        handle_stage_requested(machine.cloud, order)
    machine.clock.now += machine.cloud.limits.launching_s
    handle_stage_requested(machine.cloud, order)
    assert machine.run_to_the_end(submitted.id).state == "done"


def test_an_upload_whose_event_was_lost_is_found_by_the_watchdog(tmp_path: Path, video: Path) -> None:
    machine = one_machine(tmp_path)
    submitted = machine.submit(video)
    while (lost := machine.cloud.deliveries.take()) is not None:
        machine.cloud.deliveries.acknowledge(lost)
    assert machine.run_to_the_end(submitted.id).state == "done"


def test_an_event_for_nobodys_object_is_passed_over(machine: OneMachine, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        handle_upload(
            machine.cloud, ObjectFinalized(bucket="uploads", name="x", generation="1", size_bytes=1).model_dump_json()
        )
    assert "not an upload of ours" in caplog.text


def test_a_message_that_is_none_ends_among_the_dead_letters(machine: OneMachine) -> None:
    class Odd(BaseModel):
        topic: str = "stage-done"
        nonsense: int = 1

    machine.cloud.bus.publish(Odd())  # type: ignore[arg-type]
    pump = machine.pump()
    while pump.step():
        pass
    (kept,) = machine.dead_letters.list()
    letter = kept.letter
    assert letter.code == "malformed"
    assert letter.original_topic == "stage-done"


def test_a_stage_whose_execution_vanished_is_run_again_without_what_was_done(tmp_path: Path, video: Path) -> None:
    machine = one_machine(tmp_path)
    submitted = machine.submit(video, options=TENS)
    pump = machine.pump()
    while pump.step():
        pass
    machine.launcher.waiting = machine.launcher.waiting[:1]  # tasks 1 and 2 die with their machine
    machine.launcher.run_tasks()
    assert machine.run_to_the_end(submitted.id).state == "done"
    assert [(stage, tasks) for stage, _, tasks in machine.launcher.launches] == [("pose", 3), ("pose", 2), ("merge", 1)]


def test_a_chunk_that_fails_now_and_then_is_tried_again(tmp_path: Path, video: Path) -> None:
    tries: list[int] = []

    def flaky(task: Task) -> Part:
        tries.append(task.chunk)
        if len(tries) < 3:
            raise TryAgain("the store is away")
        return make_part(task)

    machine = one_machine(tmp_path, pose=flaky)
    job = machine.run_to_the_end(machine.submit(video).id)
    assert job.state == "done"
    assert machine.launcher.exit_codes == [1, 1, 0, 0]


def failing(error: BaseException) -> Callable[[Task], Part]:
    def work(_: Task) -> Part:
        raise error

    return work


def test_a_source_refused_by_its_task_fails_the_job_at_once(tmp_path: Path, video: Path) -> None:
    machine = one_machine(tmp_path, pose=failing(BadVideo("corrupt", "ride.mp4: nothing in it decodes.")))
    job = machine.run_to_the_end(machine.submit(video, options=TENS).id)
    assert job.state == "failed"
    assert job.error is not None
    assert (job.error.code, job.error.is_input) == ("corrupt", True)
    assert machine.launcher.exit_codes[0] == 0, "the platform must not start a refused task again"


def test_a_task_that_always_breaks_ends_the_job_after_its_attempts(tmp_path: Path, video: Path) -> None:
    machine = one_machine(tmp_path, pose=failing(ZeroDivisionError()))
    job = machine.run_to_the_end(machine.submit(video).id)
    assert job.state == "failed"
    assert job.error is not None
    assert (job.error.code, job.error.is_input) == ("internal", False)
    assert machine.launcher.exit_codes == [1, 1, 1, 0]


def test_a_task_whose_chunk_was_taken_over_leaves_nothing_behind(tmp_path: Path, video: Path) -> None:
    machine = one_machine(tmp_path)

    def overtaken(task: Task) -> Part:
        machine.clock.now += 200
        answer = task.cloud.jobs.start_chunk(
            task.job.id, "pose", 0, run_id=str(task.job.stages["pose"].run_id), task_attempt=1
        )
        task.cloud.jobs.finish_chunk(answer, result="work/x/winner.json", numbers={})  # type: ignore[arg-type]
        return make_part(task)

    machine.launcher.work["pose"] = overtaken
    machine.cloud.work.write("work/x/winner.json", json.dumps({"chunk": 0}).encode())
    job = machine.run_to_the_end(machine.submit(video).id)
    assert job.state == "done"
    assert machine.cloud.jobs.chunks(job.id, "pose")[0].result == "work/x/winner.json"


def test_a_bad_source_costs_nothing_and_says_what_it_is(machine: OneMachine, tmp_path: Path) -> None:
    text = tmp_path / "notes.mp4"
    text.write_text("not a video at all, but long enough to be looked at")
    job = machine.run_to_the_end(machine.submit(text).id)
    assert job.state == "failed"
    assert job.error is not None
    assert (job.error.code, job.error.is_input) == ("not_a_video", True)
    assert machine.launcher.launches == []


def test_a_source_that_was_replaced_is_refused(machine: OneMachine, video: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.mp4"
    copy.write_bytes(video.read_bytes())
    submitted = machine.submit(copy)
    event = finalized(machine, submitted).model_dump_json()
    copy.write_bytes(video.read_bytes() + b"more")
    handle_upload(machine.cloud, event)
    job = machine.run_to_the_end(submitted.id)
    assert job.state == "failed"
    assert job.error is not None and job.error.code == "source_gone"


def test_two_jobs_of_one_source_do_not_meet(machine: OneMachine, video: Path) -> None:
    one, other = machine.submit(video), machine.submit(video)
    assert machine.run_to_the_end(one.id).state == machine.run_to_the_end(other.id).state == "done"
    assert len(machine.launcher.launches) == 4


def test_a_lost_lease_ends_a_task_quietly(tmp_path: Path, video: Path) -> None:
    machine = one_machine(tmp_path, pose=failing(LeaseLost("taken")))
    submitted = machine.submit(video)
    pump = machine.pump()
    while pump.step():
        pass
    machine.launcher.run_tasks()
    assert machine.launcher.exit_codes == [0]
    assert machine.cloud.jobs.chunks(submitted.id, "pose")[0].state == "running"


def test_what_the_probe_warns_of_reaches_the_record(
    machine: OneMachine, video: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    warning = "duration_estimated: It is about 25 seconds long."
    monkeypatch.setattr("shared.media.probe.probe_media", lambda *_, **__: a_video(warnings=(warning,)))
    job = machine.run_to_the_end(machine.submit(video).id)
    assert next((w.code, w.message) for w in job.warnings) == ("duration_estimated", "It is about 25 seconds long.")


def test_a_source_that_cannot_be_read_is_given_up_after_its_attempts(machine: OneMachine, tmp_path: Path) -> None:
    unreadable = Path("/sys/class/net/lo/speed")  # a regular file whose reads fail, like a dying disk's
    if not unreadable.exists():
        pytest.skip("no such file on this system")
    job = machine.run_to_the_end(machine.submit(unreadable).id)
    assert job.error is not None
    assert (job.state, job.error.code, job.probes) == ("failed", "cannot_read", machine.cloud.limits.max_attempts)


def test_a_source_that_kills_whoever_looks_at_it_is_given_up(
    machine: OneMachine, video: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(*_: object, **__: object) -> None:
        raise SystemExit(139)

    monkeypatch.setattr("shared.media.probe.probe_media", crash)
    submitted = machine.submit(video)
    for _ in range(machine.cloud.limits.max_attempts):
        with pytest.raises(SystemExit):
            machine.pump().step()
    job = machine.run_to_the_end(submitted.id)
    assert job.error is not None
    assert (job.state, job.error.code) == ("failed", "crashed_worker")
