"""`timeline.json` and `thumbs.jpg` as jobs of every kind leave them, rendered by the real merge."""

from __future__ import annotations

import json
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from jobs.task import Part, Task
from shared.domain.given_edit_list import GivenClip, GivenEditList
from shared.domain.job import Job
from shared.domain.object_names import source
from shared.domain.options import Options
from shared.domain.span import span
from shared.domain.transcript import Word
from shared.pipeline.analyse_pose import analyse_chunk, part_from_json
from shared.pipeline.analyse_pose import part_to_json as pose_to_json
from shared.pipeline.make_reel import make_reel
from shared.pipeline.render_again import render_again
from shared.pipeline.timeline_file import TimelineFile
from shared.pipeline.transcribe import SpeechPart, part_to_json
from tests.clips import ClipSpec, make_clip, read_time
from tests.damage import cut_off, index_first
from tests.one_machine import OneMachine, one_machine
from tests.walker_clip import MOVES_S, SECONDS, SeesBright, make_walker

LOUD_FROM_S = 4.0
SPEECH = Options(mode="speech", target_s=4)


@pytest.fixture(scope="module")
def walker(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_walker(tmp_path_factory.mktemp("walker"))


@pytest.fixture(scope="module")
def talk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_clip(tmp_path_factory.mktemp("talk"), ClipSpec(seconds=8.0, b_frames=0))


@pytest.fixture
def machine(tmp_path: Path) -> OneMachine:
    """A machine that looks for what is bright, hears one sentence in anything, and renders in this process."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()

    def look(task: Task) -> Part:
        assert task.job.video is not None
        with task.cloud.uploads.open(source(task.job.id), None) as file:
            part = analyse_chunk(
                file,
                task.job.video,
                plan=task.job.stages["pose"].plan,
                chunk=task.chunk,
                detector=SeesBright(),
                name="x",
                on_progress=task.progress,
            )
        return Part(body=pose_to_json(part), numbers={})

    def hear(task: Task) -> Part:
        part = SpeechPart(
            first_unit=0,
            borders_s=(0.0, 8.0),
            words=tuple(Word(text="Landed.", start_s=n, end_s=n + 1, confidence=0.9) for n in (1.0, 5.0)),
            language="en",
            decode_errors=0,
            heard_samples=8 * 16_000,
            models={},
            levels_db=(tuple(-40.0 if n < 10 * LOUD_FROM_S else -12.345 for n in range(80)),),
        )
        return Part(body=part_to_json(part), numbers={})

    def merge(task: Task) -> Part:
        for left in scratch.iterdir():
            left.unlink()
        made = make_reel(task.cloud, task.job, scratch, encoder_threads=2, on_progress=task.progress)
        return Part(body=json.dumps(made).encode(), numbers={})

    made = one_machine(tmp_path / "home", pose=look, merge=merge)
    made.launcher.work["transcribe"] = hear
    return made


def done(machine: OneMachine, path: Path, options: Options) -> Job:
    job = machine.run_to_the_end(machine.submit(path, options=options).id)
    assert (job.state, job.error) == ("done", None)
    return job


def timeline_of(machine: OneMachine, job: Job) -> TimelineFile:
    return TimelineFile.model_validate_json(machine.cloud.downloads.read(job.artifacts["timeline_json"]))


def thumbnails_of(machine: OneMachine, job: Job) -> list[NDArray[np.uint8]]:
    """Return the brightness of each thumbnail, cut out of the sheet as the page does it."""
    told = timeline_of(machine, job).thumbs
    assert told is not None
    sheet = np.asarray(Image.open(BytesIO(machine.cloud.downloads.read(job.artifacts["thumbs"]))).convert("L"))
    assert sheet.shape == (told.rows * told.height_px, told.columns * told.width_px)
    assert told.columns * (told.rows - 1) < told.count <= told.columns * told.rows
    places = [divmod(number, told.columns) for number in range(told.count)]
    return [
        sheet[row * told.height_px : (row + 1) * told.height_px, column * told.width_px : (column + 1) * told.width_px]
        for row, column in places
    ]


def times_shown(machine: OneMachine, job: Job) -> list[float]:
    return [read_time(each) / 1000 for each in thumbnails_of(machine, job)]


def test_a_source_that_was_looked_at_has_thumbnails_and_how_fast_who_moves(machine: OneMachine, walker: Path) -> None:
    job = done(machine, walker, Options(mode="motion", target_s=4))
    told = timeline_of(machine, job)
    assert (told.schema_version, told.duration_s, told.sound) == (1, SECONDS, None)
    assert told.thumbs is not None
    assert (told.thumbs.every_s, told.thumbs.count) == (1, SECONDS)
    assert len(thumbnails_of(machine, job)) == SECONDS
    assert told.motion is not None
    assert (told.motion.every_s, told.motion.threshold) == (0.25, job.options.motion.movement_threshold)
    assert len(told.motion.energy) == 4 * SECONDS
    for number, energy in enumerate(told.motion.energy):
        at_s = number * told.motion.every_s
        if any(start_s + 0.5 <= at_s <= end_s - 0.5 for start_s, end_s in MOVES_S):
            assert energy > told.motion.threshold
        if all(at_s < start_s - 0.5 or at_s > end_s + 0.5 for start_s, end_s in MOVES_S):
            assert energy < told.motion.threshold


def test_where_only_speech_was_looked_for_the_merge_takes_thumbnails(machine: OneMachine, talk: Path) -> None:
    job = done(machine, talk, SPEECH)
    told = timeline_of(machine, job)
    assert (told.duration_s, told.motion) == (8.0, None)
    assert times_shown(machine, job) == list(range(8))
    assert told.sound is not None
    assert (told.sound.every_s, told.sound.level_db) == (0.1, [-40.0] * 40 + [-12.3] * 40)


def test_what_could_not_be_decoded_has_the_thumbnail_nearest_to_it(machine: OneMachine, walker: Path) -> None:
    job = done(machine, cut_off(index_first(walker), share=0.7), Options(mode="motion", target_s=4))
    assert {each.code for each in job.warnings} == {"damaged"}
    (chunk,) = machine.cloud.jobs.chunks(job.id, "pose")
    assert chunk.result is not None
    decoded = part_from_json(machine.cloud.work.read(chunk.result)).thumbnails
    told = timeline_of(machine, job)
    thumbnails = thumbnails_of(machine, job)
    assert 15 < len(decoded) < SECONDS == len(thumbnails) == told.duration_s
    for stands_in in thumbnails[len(decoded) :]:
        assert np.abs(stands_in.astype(int) - thumbnails[len(decoded) - 1]).mean() < 2
    assert told.motion is not None and len(told.motion.energy) == 4 * SECONDS
    assert not any(told.motion.energy[4 * len(decoded) :])


def test_a_sound_alone_has_a_timeline_without_thumbnails(machine: OneMachine, tmp_path: Path) -> None:
    sound = make_clip(tmp_path, ClipSpec(seconds=8.0, has_picture=False, suffix=".m4a"))
    job = done(machine, sound, Options(target_s=4))
    assert "thumbs" not in job.artifacts
    told = timeline_of(machine, job)
    assert (told.thumbs, told.motion) == (None, None)
    assert told.sound is not None and len(told.sound.level_db) == 80


def test_parts_of_a_montage_that_took_no_thumbnails_are_made_up_for(machine: OneMachine, talk: Path) -> None:
    look = machine.launcher.work["pose"]

    def look_as_before(task: Task) -> Part:
        stored = json.loads(look(task).body)
        assert stored.pop("thumbnails")
        return Part(body=json.dumps(stored).encode(), numbers={})

    machine.launcher.work["pose"] = look_as_before
    job = done(machine, talk, Options(mode="motion", target_s=4))
    assert times_shown(machine, job) == list(range(8))
    assert timeline_of(machine, job).motion is not None


def again(machine: OneMachine, job: Job) -> Job:
    given = GivenEditList(clips=(GivenClip(wanted=span(2, 4)),))
    render_again(machine.cloud, job.id, given, render=None, join=None, expected_revision=job.revision)
    return machine.run_to_the_end(job.id)


def test_the_next_revision_takes_over_what_the_one_before_has(machine: OneMachine, talk: Path) -> None:
    first = done(machine, talk, SPEECH)
    downloads = machine.cloud.downloads
    downloads.write(first.artifacts["thumbs"], b"as it was", only_if_absent=False)
    second = again(machine, first)
    assert (second.state, second.revision, second.error) == ("done", 2, None)
    assert second.artifacts["thumbs"].endswith("/r2/thumbs.jpg")
    assert downloads.read(second.artifacts["thumbs"]) == b"as it was", "nothing is decoded for it"
    assert downloads.read(second.artifacts["timeline_json"]) == downloads.read(first.artifacts["timeline_json"])


@pytest.mark.parametrize(
    "is_gone", ["thumbs", *(pytest.param(each, marks=pytest.mark.slow) for each in ("timeline_json", "another's"))]
)
def test_what_the_revision_before_has_lost_is_made_anew(machine: OneMachine, talk: Path, is_gone: str) -> None:
    first = done(machine, talk, SPEECH)
    before = timeline_of(machine, first)
    if is_gone in first.artifacts:
        machine.cloud.downloads.delete(first.artifacts[is_gone])
    else:
        machine.cloud.downloads.write(first.artifacts["timeline_json"], b'{"schema_version": 9}', only_if_absent=False)
    second = again(machine, first)
    assert (second.state, second.revision, second.error) == ("done", 2, None)
    assert timeline_of(machine, second) == before
    assert times_shown(machine, second) == list(range(8))
