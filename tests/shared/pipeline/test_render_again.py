"""A reel that is there is rendered again from an edited edit list: nothing is analysed, nothing is lost."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from functions.edit_list_body import asked_for
from jobs.task import Part, Task
from shared.domain.damage import Decoded
from shared.domain.edit_list import Join
from shared.domain.given_edit_list import GivenClip, GivenEditList
from shared.domain.job import Job
from shared.domain.object_names import artifact, given_edit_list, source
from shared.domain.options import Options
from shared.domain.pose import PoseSample
from shared.domain.span import Span, span
from shared.domain.transcript import Word
from shared.errors import BadRequest, BadVideo, NotFound
from shared.pipeline.analyse_pose import PosePart
from shared.pipeline.analyse_pose import part_to_json as pose_to_json
from shared.pipeline.cancel_job import cancel_job
from shared.pipeline.erase_job import erase_job
from shared.pipeline.make_reel import make_reel
from shared.pipeline.render_again import render_again
from shared.pipeline.transcribe import SpeechPart, part_to_json
from tests.clips import ClipSpec, make_clip, shown_times
from tests.one_machine import OneMachine, one_machine

SAID_AT_S = (1.0, 5.0, 9.0)
TOLD_BEFORE = Options(mode="speech", render="encode", quality="draft", longest_clip_s=4)


@pytest.fixture(scope="session")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_clip(tmp_path_factory.mktemp("clips"), ClipSpec(seconds=12.0, keyframe_s=1.0))


class Merge:
    """Renders in this process; fails as it is told to."""

    def __init__(self, scratch: Path) -> None:
        self.scratch = scratch
        self.failure: Exception | None = None

    def __call__(self, task: Task) -> Part:
        if self.failure is not None:
            raise self.failure
        made = make_reel(task.cloud, task.job, self.scratch, encoder_threads=2, on_progress=task.progress)
        return Part(body=json.dumps(made).encode(), numbers={})


def hear(task: Task) -> Part:
    """Hear three sentences of two seconds."""
    words = tuple(
        Word(text=text, start_s=at_s + n / 2, end_s=at_s + n / 2 + 0.5, confidence=0.9)
        for at_s in SAID_AT_S
        for n, text in enumerate(("We", "landed", "the", "kickflip."))
    )
    part = SpeechPart(
        first_unit=0,
        borders_s=(0.0, 12.0),
        words=words,
        language="en",
        decode_errors=0,
        heard_samples=12 * 16_000,
        models={},
    )
    return Part(body=part_to_json(part), numbers={})


@pytest.fixture
def merge(tmp_path: Path) -> Merge:
    (tmp_path / "scratch").mkdir()
    return Merge(tmp_path / "scratch")


@pytest.fixture
def machine(tmp_path: Path, merge: Merge) -> OneMachine:
    made = one_machine(tmp_path / "home", merge=merge)
    made.launcher.work["transcribe"] = hear
    return made


@pytest.fixture
def done(machine: OneMachine, video: Path) -> Job:
    """The job with its first reel, of all three sentences."""
    job = machine.run_to_the_end(machine.submit(video, options=TOLD_BEFORE).id)
    assert (job.state, job.revision, job.rendered_revision, job.error) == ("done", 1, 1, None)
    return job


def clips(*wanted: Span) -> GivenEditList:
    return GivenEditList(clips=tuple(GivenClip(wanted=each) for each in wanted))


def again(machine: OneMachine, job: Job, given: GivenEditList, *, expected: int | None = None) -> Job:
    return render_again(
        machine.cloud, job.id, given, render=None, join=None, expected_revision=expected or job.revision
    )


def report_of(machine: OneMachine, job: Job) -> Any:
    return json.loads(machine.cloud.downloads.read(job.artifacts["report"]))


def test_an_edited_list_becomes_the_next_revision_and_nothing_is_analysed_again(
    machine: OneMachine, done: Job, tmp_path: Path
) -> None:
    before = report_of(machine, done)
    launched = len(machine.launcher.launches)
    begun = again(machine, done, clips(span(9, 10), span(1, 3)))
    assert (begun.state, begun.revision, begun.rendered_revision) == ("merging", 2, 1)
    job = machine.run_to_the_end(done.id)
    assert (job.state, job.revision, job.rendered_revision, job.error) == ("done", 2, 2, None)
    assert [stage for stage, _, _ in machine.launcher.launches[launched:]] == ["merge"]
    report = report_of(machine, job)
    assert [clip["actual"] for clip in report["edit_list"]["clips"]] == [[9, 10], [1, 3]]
    assert report["revision"] == 2
    assert report["speech"] == before["speech"]
    assert [each["start_s"] for each in report["highlights"]] == [each["start_s"] for each in before["highlights"]]
    assert [each["chosen"] for each in report["highlights"]] == [True, False, True]
    assert set(job.artifacts) == set(done.artifacts)
    assert all("/r2/" in name for name in job.artifacts.values())
    assert machine.cloud.downloads.stat(done.artifacts["reel"]), "the reel before is kept"
    reel = tmp_path / "reel.mp4"
    reel.write_bytes(machine.cloud.downloads.read(job.artifacts["reel"]))
    shown = [source_s for _, source_s in shown_times(reel)]
    assert (shown[0], shown[-1]) == pytest.approx((9, 3), abs=0.1)
    captions = machine.cloud.downloads.read(job.artifacts["captions_srt"]).decode()
    assert captions.count("kickflip") == 1, "the words of the clips that are shown"


def test_the_edit_list_of_the_report_can_be_handed_back_unchanged(machine: OneMachine, done: Job) -> None:
    edit_list = report_of(machine, done)["edit_list"]
    asked = asked_for(edit_list, "edit list")
    render_again(machine.cloud, done.id, asked.edit_list, render=asked.render, join=asked.join, expected_revision=1)
    assert report_of(machine, machine.run_to_the_end(done.id))["edit_list"] == edit_list


def test_revisions_go_on_and_a_join_is_taken_over(machine: OneMachine, done: Job) -> None:
    again(machine, done, clips(span(1, 3), span(5, 7)))
    second = machine.run_to_the_end(done.id)
    dip = Join(kind="dip", duration_s=0.4)
    render_again(machine.cloud, done.id, clips(span(1, 3), span(9, 11)), render="encode", join=dip, expected_revision=2)
    third = machine.run_to_the_end(done.id)
    assert (second.revision, third.revision) == (2, 3)
    assert report_of(machine, third)["edit_list"]["join"] == {"kind": "dip", "duration_s": 0.4}
    assert third.warnings == second.warnings, "what was told of the analysis is told once"
    assert [chunk.index for chunk in machine.cloud.jobs.chunks(done.id, "merge")] == [0, 1, 2]


def test_somebody_elses_edit_is_not_overwritten_and_the_same_one_again_changes_nothing(
    machine: OneMachine, done: Job
) -> None:
    mine, theirs = clips(span(1, 3)), clips(span(5, 7))
    first = again(machine, done, mine)
    assert again(machine, done, mine) == first, "the answer was lost, and the call came again"
    with pytest.raises(BadRequest) as refused:
        again(machine, done, theirs)
    assert refused.value.code == "edit_list_changed"
    with pytest.raises(BadRequest) as too_early:
        again(machine, done, theirs, expected=2)
    assert too_early.value.code == "not_done"
    job = machine.run_to_the_end(done.id)
    assert again(machine, done, mine, expected=1) == job
    kept = [name for name in machine.cloud.work.list(f"work/{done.id}/edit_lists/") if name.endswith(".given.json")]
    assert kept == [job.edit.given if job.edit else None], "what lost leaves nothing behind"


def test_of_two_who_edit_at_once_one_wins(machine: OneMachine, done: Job) -> None:
    """The record changes between the look and the change of the second."""
    real_update = machine.cloud.jobs.update

    def update(job_id: str, change: Any) -> Job:
        machine.cloud.jobs.__dict__.pop("update")
        again(machine, done, clips(span(1, 3)))
        return real_update(job_id, change)

    machine.cloud.jobs.__dict__["update"] = update
    with pytest.raises(BadRequest) as refused:
        again(machine, done, clips(span(5, 7)))
    assert refused.value.code == "edit_list_changed"
    job = machine.run_to_the_end(done.id)
    assert [clip["wanted"] for clip in report_of(machine, job)["edit_list"]["clips"]] == [[1, 3]]


def test_a_failed_revision_leaves_the_reel_before_it(machine: OneMachine, merge: Merge, done: Job) -> None:
    merge.failure = BadVideo("render_failed", "clip.mp4: cannot be rendered.")
    again(machine, done, clips(span(1, 3)))
    job = machine.run_to_the_end(done.id)
    assert (job.state, job.revision, job.rendered_revision) == ("done", 2, 1)
    assert job.error is not None
    assert job.error.code == "render_failed"
    assert job.artifacts == done.artifacts
    merge.failure = None
    again(machine, job, clips(span(5, 7)))
    mended = machine.run_to_the_end(done.id)
    assert (mended.state, mended.revision, mended.rendered_revision, mended.error) == ("done", 3, 3, None)


def test_a_merge_of_the_revision_before_cannot_end_this_one(machine: OneMachine, done: Job) -> None:
    """Its chunk is another, however late its messages come."""
    again(machine, done, clips(span(1, 3)))
    pump = machine.pump()
    while pump.step():
        pass
    assert machine.cloud.jobs.get(done.id).state == "merging", "the first revision's finished chunk does not count"
    assert machine.run_to_the_end(done.id).artifacts["reel"].endswith("/r2/reel.mp4")


def test_what_cannot_be_rendered_is_refused_before_anything_changes(machine: OneMachine, done: Job) -> None:
    with pytest.raises(BadRequest) as outside:
        again(machine, done, clips(span(11, 15)))
    assert outside.value.code == "bad_edit_list"
    assert outside.value.message == "clip.mp4: clip 1 of the edit list, 11 to 15 s, lies outside it; it is 12 s long."
    machine.cloud.uploads.delete(source(done.id))
    with pytest.raises(BadRequest) as expired:
        again(machine, done, clips(span(1, 3)))
    assert expired.value.code == "source_expired"
    with pytest.raises(NotFound):
        render_again(machine.cloud, "a" * 26, clips(span(1, 3)), render=None, join=None, expected_revision=1)
    assert machine.cloud.jobs.get(done.id) == done
    assert [*machine.cloud.work.list(given_edit_list(done.id, 2)[:-10])] == []


def test_a_running_job_has_no_edit_list_yet(machine: OneMachine, video: Path) -> None:
    job = machine.submit(video, options=TOLD_BEFORE)
    with pytest.raises(BadRequest) as refused:
        again(machine, job, clips(span(1, 3)))
    assert refused.value.code == "not_done"


def test_a_cancelled_revision_leaves_the_reel_before_it(machine: OneMachine, done: Job) -> None:
    again(machine, done, clips(span(1, 3)))
    job = cancel_job(machine.cloud, done.id)
    assert (job.state, job.revision, job.rendered_revision, job.error) == ("done", 2, 1, None)
    assert job.artifacts == done.artifacts
    assert cancel_job(machine.cloud, done.id) == job, "once more changes nothing"
    again(machine, job, clips(span(5, 7)))
    assert machine.run_to_the_end(done.id).rendered_revision == 3
    with pytest.raises(BadRequest) as refused:
        cancel_job(machine.cloud, done.id)
    assert refused.value.code == "already_ended"


def test_an_erased_job_waits_for_the_merge_of_an_edit_that_was_cancelled(
    machine: OneMachine, merge: Merge, done: Job
) -> None:
    """Its task is at work while the next edit is asked for and the job is erased: what it uploads last has to go."""
    again(machine, done, clips(span(1, 3)))
    seen: list[str] = []

    def meanwhile(task: Task) -> Part:
        task.confirm()
        cancel_job(machine.cloud, done.id)
        again(machine, task.job, clips(span(5, 7)))
        erase_job(machine.cloud, done.id)
        seen.append(machine.cloud.jobs.get(done.id).state)
        machine.cloud.downloads.write(artifact(done.id, 2, "reel.mp4"), b"what was under way")
        return Part(body=b"{}", numbers={})

    machine.launcher.work["merge"] = meanwhile
    pump = machine.pump()
    for _ in range(5):
        while pump.step():
            pass
        machine.launcher.run_tasks()
        machine.clock.now += 31
    assert seen == ["erasing"], "not yet gone while a task of it is at work"
    with pytest.raises(NotFound):
        machine.cloud.jobs.get(done.id)
    assert [*machine.cloud.downloads.list(f"downloads/{done.id}/"), *machine.cloud.work.list(f"work/{done.id}/")] == []


def test_a_task_of_a_cancelled_edit_is_not_wanted_by_the_next_one(machine: OneMachine, done: Job) -> None:
    again(machine, done, clips(span(1, 3)))
    wanted: list[bool] = []

    def meanwhile(task: Task) -> Part:
        cancel_job(machine.cloud, done.id)
        again(machine, task.job, clips(span(5, 7)))
        pump = machine.pump()
        while pump.step():
            pass
        machine.launcher.work["merge"] = merge_of_the_next
        wanted.append(machine.cloud.jobs.get(done.id).wanted_run("merge") is not None)
        task.confirm()
        raise AssertionError("it was let go on")

    merge_of_the_next = machine.launcher.work["merge"]
    machine.launcher.work["merge"] = meanwhile
    job = machine.run_to_the_end(done.id)
    assert wanted == [True], "the next revision's run is wanted at that moment"
    assert (job.state, job.rendered_revision) == ("done", 3)
    assert [chunk.state for chunk in machine.cloud.jobs.chunks(done.id, "merge")] == ["done", "pending", "done"]


def test_warnings_are_those_of_the_analysis_and_of_the_reel_there_is(machine: OneMachine, video: Path) -> None:
    options = replace(TOLD_BEFORE, keywords=("airwalk",))
    job = machine.run_to_the_end(machine.submit(video, options=options).id)
    assert [each.code for each in job.warnings] == ["keyword_not_said"]
    again(machine, job, clips(span(1, 3)))
    second = machine.run_to_the_end(job.id)
    codes = ["keyword_not_said", "loudness_skipped"]  # two seconds are too short for the second reel's loudness
    assert [each.code for each in second.warnings] == codes
    assert [each["code"] for each in report_of(machine, second)["warnings"]] == codes, "each is told once"
    again(machine, second, clips(span(1, 5)))
    assert machine.run_to_the_end(job.id).warnings == job.warnings, "what was told of the reel before is over"


def test_what_came_to_nothing_can_be_asked_for_once_more_under_its_new_tag_only(
    machine: OneMachine, merge: Merge, done: Job
) -> None:
    merge.failure = BadVideo("render_failed", "clip.mp4: cannot be rendered.")
    again(machine, done, clips(span(1, 3)))
    machine.run_to_the_end(done.id)
    with pytest.raises(BadRequest) as refused:
        again(machine, done, clips(span(1, 3)))
    assert refused.value.code == "edit_list_changed"
    merge.failure = None
    again(machine, done, clips(span(1, 3)), expected=2)
    assert machine.run_to_the_end(done.id).rendered_revision == 3


def test_an_edit_that_meets_the_erasure_leaves_no_clips_behind(
    machine: OneMachine, done: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    real_write = machine.cloud.work.write

    def write(name: str, data: bytes, *, only_if_absent: bool = False) -> Any:
        monkeypatch.undo()
        erase_job(machine.cloud, done.id)
        return real_write(name, data, only_if_absent=only_if_absent)

    monkeypatch.setattr(machine.cloud.work, "write", write)
    with pytest.raises(NotFound):
        again(machine, done, clips(span(1, 3)))
    assert list(machine.cloud.work.list(f"work/{done.id}/")) == []


def test_an_edit_beyond_what_could_be_decoded_is_refused_as_such(machine: OneMachine, video: Path) -> None:
    """Of the twelve seconds eight could be; the file's header still says twelve."""

    def look(task: Task) -> Part:
        seen = tuple(PoseSample(index=step, shown_s=step / 8, change=0.5) for step in range(8 * 8))
        lost = Decoded(expected=12 * 8, lost=4 * 8, errors=3, last_error="damaged")
        return Part(body=pose_to_json(PosePart(samples=seen, models={}, decoded=lost)), numbers={})

    machine.launcher.work["pose"] = look
    options = replace(TOLD_BEFORE, mode="motion")
    job = machine.run_to_the_end(machine.submit(video, options=options).id)
    assert (job.state, [each.code for each in job.warnings][:1]) == ("done", ["damaged"])
    again(machine, job, clips(span(9, 11)))
    refused = machine.run_to_the_end(job.id)
    assert refused.error is not None
    assert (refused.state, refused.error.code, refused.rendered_revision) == ("done", "bad_edit_list", 1)
    assert refused.error.message == "clip.mp4: clip 1 of the edit list, 9 to 11 s, lies outside it; it is 8 s long."
