"""From what was said to a reel, with a stage that hears what it is told: order, lengths, keywords, another ranker."""

import json
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from pysubs2 import SSAFile

from jobs.task import Part, Task
from shared.domain.candidate import Candidate, Ranking
from shared.domain.edit_list import RenderMode
from shared.domain.job import Job
from shared.domain.options import Options
from shared.domain.pose import PoseSample
from shared.domain.transcript import Word
from shared.pipeline.analyse_pose import PosePart
from shared.pipeline.analyse_pose import part_to_json as pose_to_json
from shared.pipeline.make_reel import make_reel
from shared.pipeline.transcribe import SpeechPart, part_to_json
from tests.clips import ClipSpec, make_clip, shown_times
from tests.one_machine import OneMachine, one_machine

SAID = {2.0: 0.5, 9.0: 0.9, 16.0: 0.7}
"""When a sentence begins, and how sure its words are."""
BEST_FIRST = [9.0, 16.0, 2.0]


@pytest.fixture(scope="session")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_clip(tmp_path_factory.mktemp("clips"), ClipSpec(seconds=22.0, fps=Fraction(10), keyframe_s=0.5))


@pytest.fixture
def machine(tmp_path: Path) -> OneMachine:
    """A machine that sees nobody, hears three sentences of 4 s in anything, and renders in this process."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()

    def hear(task: Task) -> Part:
        words = tuple(
            Word(text=f"{text}{'.' if n == 7 else ''}", start_s=at_s + n / 2, end_s=at_s + n / 2 + 0.5, confidence=sure)
            for at_s, sure in SAID.items()
            for n, text in enumerate(f"at {at_s:.0f} I landed that kickflip first try".split())
        )
        part = SpeechPart(
            first_unit=0,
            borders_s=(0.0, 22.0),
            words=words,
            language="en",
            decode_errors=0,
            heard_samples=22 * 16_000,
            models={},
        )
        return Part(body=part_to_json(part), numbers={})

    def merge(task: Task) -> Part:
        made = make_reel(task.cloud, task.job, scratch, encoder_threads=2, on_progress=task.progress)
        return Part(body=json.dumps(made).encode(), numbers={})

    def look(task: Task) -> Part:
        still = tuple(PoseSample(index=step, shown_s=step / 8) for step in range(6 * 8))
        return Part(body=pose_to_json(PosePart(samples=still, models={})), numbers={})

    made = one_machine(tmp_path / "home", pose=look, merge=merge)
    made.launcher.work["transcribe"] = hear
    return made


def run(machine: OneMachine, video: Path, options: Options) -> tuple[Job, Any]:
    """Return the job, done, and its report."""
    job = machine.run_to_the_end(machine.submit(video, options=options).id)
    assert (job.state, job.error) == ("done", None)
    return job, json.loads(machine.cloud.downloads.read(job.artifacts["report"]))


def shown(report: Any) -> list[float]:
    """Return about when each clip's sentence begins."""
    return [min(SAID, key=lambda at_s: abs(clip["wanted"][0] + 0.3 - at_s)) for clip in report["edit_list"]["clips"]]


@pytest.mark.parametrize("render", ["encode", "copy"])
def test_the_best_come_first_where_that_was_asked_in_the_picture_and_in_the_captions(
    machine: OneMachine, video: Path, tmp_path: Path, render: RenderMode
) -> None:
    job, report = run(machine, video, Options(mode="speech", order="score", render=render))
    assert (report["edit_list"]["render"], shown(report)) == (render, BEST_FIRST)
    assert [each["start_s"] for each in report["highlights"]] == sorted(
        each["start_s"] for each in report["highlights"]
    )
    reel = tmp_path / "reel.mp4"
    reel.write_bytes(machine.cloud.downloads.read(job.artifacts["reel"]))
    times_s = [source_s for _, source_s in shown_times(reel)]
    jumps = [b for a, b in pairwise(times_s) if abs(b - a) > 1]
    begins = [clip["actual"][0] for clip in report["edit_list"]["clips"]]
    assert [times_s[0], *jumps] == pytest.approx(begins, abs=0.11)
    captions = SSAFile.from_string(machine.cloud.downloads.read(job.artifacts["captions_srt"]).decode())
    assert [line.text.split()[1] for line in captions if line.text.startswith("at ")] == ["9", "16", "2"]


def test_keywords_and_lengths_reach_the_choice(machine: OneMachine, video: Path) -> None:
    options = Options(mode="speech", render="copy", keywords=("at 2", "Kickflip"), longest_clip_s=4.5, target_s=5)
    _, report = run(machine, video, options)
    assert shown(report) == [2.0]
    assert report["edit_list"]["clips"][0]["reasons"][:2] == ["your keyword: at 2", "your keyword: Kickflip"]
    assert all(each["end_s"] - each["start_s"] <= 4.5 + 1e-3 for each in report["highlights"])


def warnings(report: Any) -> dict[str, str]:
    return {each["code"]: each["message"] for each in report["warnings"]}


def test_a_keyword_that_is_never_said_is_told(machine: OneMachine, video: Path) -> None:
    _, report = run(machine, video, Options(mode="speech", render="copy", keywords=("grind", "Kickflip", "ollie")))
    assert warnings(report)["keyword_not_said"] == '"grind" and "ollie" are never said, as far as was heard.'


def test_what_only_listening_could_answer_is_told_where_nobody_listens(machine: OneMachine, video: Path) -> None:
    asked = Options(mode="motion", render="copy", keywords=("grind",), speech_language="en", longest_clip_s=5)
    _, report = run(machine, video, asked)
    told = warnings(report)
    assert told["nothing_listened_to"] == (
        "Motion alone was looked for, so nobody listened, and the keywords and speech language made no difference."
    )
    assert "keyword_not_said" not in told
    assert "has its first 5 seconds" in told["nothing_found"]


def test_a_source_without_sound_says_that_nobody_listened(machine: OneMachine, tmp_path: Path) -> None:
    silent = make_clip(tmp_path, ClipSpec(seconds=6.0, fps=Fraction(10), keyframe_s=0.5, has_sound=False))
    _, report = run(machine, silent, Options(render="copy", vocabulary=("Ada",)))
    told = warnings(report)["nothing_listened_to"]
    assert told == "The source has no sound, so nobody listened, and the vocabulary made no difference."


class FirstIsBest:
    """A ranker of somebody else's."""

    def __init__(self, *, score: float = 1.0) -> None:
        self.score = score

    def rank(self, candidates: Sequence[Candidate]) -> Sequence[Ranking]:
        return [Ranking(score=self.score / (n + 1), reasons=(f"number {n}",)) for n in range(len(candidates))]


def with_ranker(machine: OneMachine, ranker: FirstIsBest) -> OneMachine:
    machine.cloud = replace(machine.cloud, ranker=ranker)
    machine.launcher.cloud = machine.cloud
    return machine


def test_another_ranker_decides(machine: OneMachine, video: Path) -> None:
    _, report = run(with_ranker(machine, FirstIsBest()), video, Options(mode="speech", render="copy", order="score"))
    assert shown(report) == sorted(SAID)
    assert [(each["score"], each["reasons"]) for each in report["highlights"]][:2] == [
        (1, ["number 0"]),
        (0.5, ["number 1"]),
    ]


def test_a_ranker_that_does_not_keep_its_word_fails_the_job_with_a_sentence(machine: OneMachine, video: Path) -> None:
    submitted = with_ranker(machine, FirstIsBest(score=7)).submit(video, options=Options(mode="speech"))
    job = machine.run_to_the_end(submitted.id)
    assert job.state == "failed" and job.error is not None
    assert job.error.code == "bad_ranking"
    assert "scores lie between 0 and 1" in job.error.message
