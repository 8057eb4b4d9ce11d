"""A job that comes with its edit list: nothing is analysed, and what does not fit is refused at once."""

import hashlib
import json
import logging
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

import av
import pytest
from av.audio.frame import AudioFrame
from av.video.frame import VideoFrame

from functions.local.given_edit_list import read_edit_list
from functions.local.run_jobs import new_job_id
from jobs.task import Part, Task
from shared.domain.edit_list import RenderMode
from shared.domain.given_edit_list import GivenClip, GivenEditList
from shared.domain.job import Job, Source
from shared.domain.object_names import edit_list, source
from shared.domain.options import Options
from shared.domain.span import Span, span
from shared.pipeline.choose import as_given, as_told
from shared.pipeline.given_edit_list import store_given
from shared.pipeline.make_reel import make_reel
from tests.clips import ClipSpec, joined, make_clip, shown_times
from tests.one_machine import OneMachine, one_machine


@pytest.fixture(scope="session")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six seconds with a keyframe every 5/12 s: times that no report can hold exactly."""
    spec = ClipSpec(seconds=6.0, fps=Fraction(24), keyframe_s=10 / 24)
    return make_clip(tmp_path_factory.mktemp("clips"), spec)


@pytest.fixture
def machine(tmp_path: Path) -> OneMachine:
    """A machine that renders in this process."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()

    def merge(task: Task) -> Part:
        made = make_reel(task.cloud, task.job, scratch, encoder_threads=2, on_progress=task.progress)
        return Part(body=json.dumps(made).encode(), numbers={})

    return one_machine(tmp_path / "home", merge=merge)


def given(*wanted: Span) -> GivenEditList:
    return GivenEditList(clips=tuple(GivenClip(wanted=each) for each in wanted))


def submit(machine: OneMachine, video: Path, edit_list: GivenEditList, render: RenderMode = "encode") -> Job:
    """Hand in a job as the command does."""
    job = Job(
        id=new_job_id(),
        source=Source(file_name=video.name),
        options=Options(render=render),
        created_at=machine.clock.now,
        is_given=True,
    )
    store_given(machine.cloud, job.id, edit_list)
    assert machine.cloud.jobs.create(job)
    machine.cloud.uploads.upload(video, source(job.id))
    return job


def rendered(machine: OneMachine, video: Path, edit_list: GivenEditList, render: RenderMode = "encode") -> Job:
    job = machine.run_to_the_end(submit(machine, video, edit_list, render).id)
    assert (job.state, job.error) == ("done", None)
    return job


def report_of(machine: OneMachine, job: Job) -> Any:
    return json.loads(machine.cloud.downloads.read(job.artifacts["report"]))


def reel_of(machine: OneMachine, job: Job, path: Path) -> Path:
    path.write_bytes(machine.cloud.downloads.read(job.artifacts["reel"]))
    return path


def decoded(reel: Path, kind: Literal["video", "audio"]) -> str:
    """Return a digest of what a player shows or plays, with its times."""
    digest = hashlib.sha256()
    with av.open(str(reel)) as container:
        for frame in container.decode(next(each for each in container.streams if each.type == kind)):
            assert isinstance(frame, VideoFrame | AudioFrame)
            digest.update(f"{frame.pts} {frame.time_base}".encode())
            digest.update(frame.to_ndarray().tobytes())
    return digest.hexdigest()


def test_a_given_edit_list_is_rendered_in_its_order_without_analysis(
    machine: OneMachine, video: Path, tmp_path: Path
) -> None:
    job = rendered(machine, video, given(span(4, 6.04), span(1, 2), span(4, 6.04)))
    assert [(stage, tasks) for stage, _, tasks in machine.launcher.launches] == [("merge", 1)]
    assert {name: stage.state for name, stage in job.stages.items()} == {
        "pose": "skipped",
        "transcribe": "skipped",
        "merge": "done",
    }
    assert set(job.artifacts) == {"reel", "report", "poster", "timeline", "timeline_json", "thumbs"}
    report = report_of(machine, job)
    assert [clip["wanted"] for clip in report["edit_list"]["clips"]] == [[4, 6], [1, 2], [4, 6]]
    assert [(each["start_s"], each["chosen"]) for each in report["highlights"]] == [(4, True), (1, True), (4, True)]
    assert (report["motion"], report["speech"], report["warnings"]) == ([], [], [])
    assert job.numbers["kept_s"] == 5.0
    shown = shown_times(reel_of(machine, job, tmp_path / "reel.mp4"))
    for at_s, source_s in [(0.0, 4.0), (2.0, 1.0), (3.0, 4.0)]:
        assert min(abs(told_s - source_s) for t_s, told_s in shown if abs(t_s - at_s) < 0.02) <= 1 / 24


@pytest.mark.parametrize("render", ["encode", "copy"])
def test_the_report_of_a_reel_rendered_again_gives_the_same_reel(
    machine: OneMachine, video: Path, tmp_path: Path, render: RenderMode
) -> None:
    later_than_wanted = GivenClip(wanted=span(0.9, 1.6), lead_in_s=0.4)
    on_keyframes = GivenClip(wanted=span(20 / 24, 40 / 24), score=0.5, reasons=("jump",))  # rounded down, and up
    wanted = GivenEditList(clips=(GivenClip(wanted=span(4.1, 5.3)), later_than_wanted, on_keyframes))
    first = rendered(machine, video, wanted, render)
    report = report_of(machine, first)
    assert report["edit_list"]["render"] == render
    path = tmp_path / "report.json"
    path.write_text(json.dumps(report))
    asked = read_edit_list(str(path))
    assert asked.render == render
    second = rendered(machine, video, asked.edit_list, asked.render)
    assert report_of(machine, second)["edit_list"] == report["edit_list"]
    reels = [reel_of(machine, job, tmp_path / f"{job.id}.mp4") for job in (first, second)]
    assert shown_times(reels[0]) == shown_times(reels[1])
    assert decoded(reels[0], "audio") == decoded(reels[1], "audio")
    if render == "copy":  # an encoder may round a pixel otherwise the second time
        assert decoded(reels[0], "video") == decoded(reels[1], "video")


def test_why_a_list_was_not_copied_is_told_again(machine: OneMachine, video: Path) -> None:
    why = "its pixels are not square (2)"
    job = rendered(machine, video, GivenEditList(clips=given(span(1, 2)).clips, why_not_copied=why))
    assert report_of(machine, job)["edit_list"]["why_not_copied"] == why
    copied = rendered(machine, video, GivenEditList(clips=given(span(1, 2)).clips, why_not_copied=why), "copy")
    assert report_of(machine, copied)["edit_list"]["why_not_copied"] is None


def test_what_turns_out_uncopyable_while_it_is_copied_is_encoded(
    machine: OneMachine, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Its parameter sets change inside a clip; the keyframe before it says nothing of that, and none is at its end."""
    first = ClipSpec(seconds=3.0, has_sound=False)
    parts = []
    for name, spec in (("one", first), ("two", replace(first, x264=":ref=4:repeat-headers=1"))):
        (tmp_path / name).mkdir()
        parts.append(make_clip(tmp_path / name, spec))
    changing = joined(parts[0], parts[1], tmp_path / "changing.mp4", at_s=3.0)
    with caplog.at_level(logging.INFO, logger="shared.pipeline.make_reel"):
        job = rendered(machine, changing, given(span(0.2, 0.5), span(1.2, 6)), "auto")
    assert "encoding after all: its parameter sets change at 3.0 s" in caplog.messages
    assert json.loads(machine.cloud.work.read(edit_list(job.id, job.revision)))["render"] == "copy", "stays pinned"
    edit = report_of(machine, job)["edit_list"]
    assert (edit["render"], edit["why_not_copied"]) == ("encode", "its parameter sets change at 3.0 s")
    assert [clip["actual"] for clip in edit["clips"]] == [[0.2, 0.5], [1.2, 6]]
    shown = [told_s for _, told_s in shown_times(reel_of(machine, job, tmp_path / "reel.mp4"))]
    assert shown[0] == pytest.approx(0.2, abs=0.04)
    assert shown[-1] == pytest.approx(3 - 1 / 30, abs=0.002), "the second half, which tells its own time"


def test_sound_alone_is_cut_by_an_edit_list_too(machine: OneMachine, tmp_path: Path) -> None:
    sound = make_clip(tmp_path, ClipSpec(seconds=4.0, has_picture=False, suffix=".m4a"))
    job = rendered(machine, sound, given(span(2, 3), span(0.5, 1)))
    assert {name: Path(each).name for name, each in job.artifacts.items()} == {
        "reel": "reel.m4a",
        "report": "report.json",
        "timeline": "timeline.png",
        "timeline_json": "timeline.json",
    }
    assert job.numbers["kept_s"] == 1.5


def test_a_clip_outside_the_source_is_refused_before_anything_is_launched(machine: OneMachine, video: Path) -> None:
    job = machine.run_to_the_end(submit(machine, video, given(span(1, 2), span(5, 7))).id)
    assert job.error is not None
    assert (job.error.code, job.error.is_input) == ("bad_edit_list", True)
    assert job.error.message == "clip.mp4: clip 2 of the edit list, 5 to 7 s, lies outside it; it is 6 s long."
    assert machine.launcher.launches == []


@pytest.mark.parametrize(
    ("duration_s", "end_s"), [(12.012, 12.012), (1001 / 30, 33.3666), (30 * 1001 / 30000, 1.001), (10.0, 10.0)]
)
def test_times_are_those_that_a_report_tells_and_never_beyond_the_source(duration_s: float, end_s: float) -> None:
    clips = given(span(1 / 3, 2 / 3), span(0.5, duration_s))
    told = as_told(as_given(clips, duration_s=duration_s), duration_s=duration_s)
    assert [each.span for each in told.highlights] == [span(0.3333, 0.6667), span(0.5, end_s)]
    again = as_told(
        as_given(given(*(each.span for each in told.highlights)), duration_s=duration_s), duration_s=duration_s
    )
    assert again.highlights == told.highlights
