"""What the reel shows and why, of real recordings and by the command that people use."""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from shared.connect import connect_local
from shared.domain.transcript import Sentence, Word, sentences
from shared.settings import Settings
from tests.e2e.conftest import Montage

pytestmark = [pytest.mark.slow, pytest.mark.models, pytest.mark.timeout(300)]

EXACT_S = 1e-3
LEAD_IN_S, LEAD_IN_SHARE = 0.3, 3 / 8
"""Before the first word, or so much of a silence that is too short for it and for the run-out before."""
SESSION = "raw_session_mixed_720p"
SENTENCE_ENDS = re.compile(r"[.!?…。！？][\"'”’»)」』]*$")


@dataclass(frozen=True, kw_only=True)
class Result:
    """What a run left."""

    report: dict[str, Any]
    words: tuple[Word, ...]
    reel_s: float
    heard: float
    """Pieces of sound that were transcribed for it."""
    remembered: float
    """Pieces that had been before."""

    @property
    def sentences(self) -> tuple[Sentence, ...]:
        return sentences(self.words)

    @property
    def chosen(self) -> list[tuple[float, float]]:
        return [(each["start_s"], each["end_s"]) for each in self.report["highlights"] if each["chosen"]]

    @property
    def clips(self) -> list[tuple[float, float]]:
        return [tuple(each["wanted"]) for each in self.report["edit_list"]["clips"]]


def cut(montage: Montage, source: Path, *options: str) -> Result:
    ended = montage("run", "--json", "--quiet", "--quality", "draft", *options, source)
    assert ended.code == 0, ended.err
    outputs = ended.json["outputs"]
    with connect_local(Settings(home=montage.folder / "home")) as cloud:
        numbers = [chunk.numbers or {} for chunk in cloud.jobs.chunks(ended.json["job_id"], "transcribe")]
    words = json.loads(Path(outputs["transcript"]).read_text("utf-8"))["words"]
    told = ("text", "start_s", "end_s", "confidence")
    return Result(
        report=json.loads(Path(outputs["report"]).read_text("utf-8")),
        words=tuple(Word(**{name: each[name] for name in told}) for each in words),
        reel_s=ended.json["reel_s"],
        heard=sum(each["heard"] for each in numbers),
        remembered=sum(each["remembered"] for each in numbers),
    )


def assert_whole_sentences(result: Result, shown: Sequence[tuple[float, float]], *, lead_in_s: float) -> None:
    """Every clip begins at the first word of a sentence, after a lead-in, and ends behind the last word of one."""
    assert shown
    first_words = {each.words[0].start_s for each in result.sentences}
    for start_s, end_s in shown:
        inside = [each for each in result.words if start_s - EXACT_S <= each.start_s < end_s]
        broken = [each for each in result.words if each.start_s < start_s - EXACT_S < each.end_s - 2 * EXACT_S]
        assert not broken, f"{start_s} s cuts {broken}"
        assert inside and inside[-1].end_s <= end_s + EXACT_S, f"{end_s} s cuts {inside[-1:]}"
        assert inside[0].start_s in first_words, f"it begins inside a sentence, with {inside[0]}"
        assert SENTENCE_ENDS.search(inside[-1].text), f"it ends inside a sentence, with {inside[-1]}"
        at = result.words.index(inside[0])
        silence_s = inside[0].start_s - (result.words[at - 1].end_s if at else 0.0)
        wanted_s = min(lead_in_s, LEAD_IN_SHARE * silence_s)
        assert inside[0].start_s - start_s >= wanted_s - EXACT_S, f"no lead-in before {inside[0]}"


def test_every_movement_of_a_session_is_a_candidate_and_the_best_comes_first(
    montage: Montage, media_file: Callable[[str], Path]
) -> None:
    marked = json.loads(media_file(f"{SESSION}.intervals.json").read_text())["motion_intervals"]
    result = cut(montage, media_file(f"{SESSION}.mp4"), "--order", "score", "--keywords", "farm, local, kickflip")
    candidates = [(each["start_s"], each["end_s"], each) for each in result.report["highlights"]]
    assert len(marked) == 7
    found = []
    for event_start_s, event_end_s in marked:
        around = [each for start_s, end_s, each in candidates if start_s <= event_start_s and event_end_s <= end_s]
        assert len(around) == 1, f"[{event_start_s}, {event_end_s}) s"
        assert {"movement", "fast movement"} & set(around[0]["reasons"])
        found.append(around[0])
    assert result.report["highlights"] == found, "nothing but the seven events is a candidate"

    asked_for = found[1]  # somebody walks and says "about everything local from the farm to the table"
    assert asked_for["reasons"][:2] == ["your keyword: local", "your keyword: farm"]
    assert asked_for["score"] == max(each["score"] for each in found)
    assert not any("kickflip" in reason for each in found for reason in each["reasons"]), "invented"
    clips = result.report["edit_list"]["clips"]
    assert clips[0]["reasons"] == asked_for["reasons"]
    assert [each["score"] for each in clips] == sorted((each["score"] for each in found), reverse=True)


def test_clips_of_long_speech_are_whole_sentences_however_long_and_it_is_heard_once(
    montage: Montage, media_file: Callable[[str], Path]
) -> None:
    talk = media_file("speech/libri_long_1spk.m4a")
    plain = cut(montage, talk, "--mode", "speech")
    assert len(plain.report["highlights"]) >= 4
    assert_whole_sentences(plain, plain.chosen, lead_in_s=LEAD_IN_S)
    assert_whole_sentences(plain, plain.clips, lead_in_s=LEAD_IN_S)
    assert plain.heard > 1 and plain.remembered == 0

    target_s = 20.0
    short = cut(montage, talk, "--mode", "speech", "--target-s", f"{target_s:g}")
    assert_whole_sentences(short, short.clips, lead_in_s=LEAD_IN_S)
    longest_s = max(end_s - start_s for start_s, end_s in short.clips)
    assert target_s / 2 < short.reel_s <= target_s + longest_s
    assert len(short.report["highlights"]) == len(plain.report["highlights"])
    answered = [each for each in short.report["highlights"] if "a question and its answer" in each["reasons"]]
    for each in (one for one in answered if one["chosen"]):
        said = [one.text for one in short.words if each["start_s"] <= one.start_s < each["end_s"]]
        assert any(text.endswith("?") for text in said[:-1]), f"the answer alone: {said}"

    brief = cut(montage, talk, "--mode", "speech", "--longest-clip-s", "5", "--order", "score")
    assert_whole_sentences(brief, brief.chosen, lead_in_s=0.0)  # there may be no room for it
    assert max(end_s - start_s for start_s, end_s in brief.chosen) <= 5 + EXACT_S
    assert all(one[1] <= other[0] for one, other in pairwise(sorted(brief.clips)))
    scores = [each["score"] for each in brief.report["edit_list"]["clips"]]
    assert scores == sorted(scores, reverse=True) and len(set(scores)) > 4

    assert plain.words == short.words == brief.words
    for again in (short, brief):
        assert (again.heard, again.remembered) == (0, plain.heard), "other options, and all of it heard again"


def test_speech_in_a_script_without_spaces_is_cut_at_its_sentences(
    montage: Montage, media_file: Callable[[str], Path]
) -> None:
    result = cut(montage, media_file("speech/ja_28s.wav"), "--mode", "speech", "--target-s", "20")
    assert_whole_sentences(result, result.clips, lead_in_s=LEAD_IN_S)
    assert result.reel_s <= 20 + EXACT_S
