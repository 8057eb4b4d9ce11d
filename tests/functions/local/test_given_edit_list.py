"""What people and programs may write down as an edit list, and what they are told when it is none."""

import io
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from functions.edit_list_body import MOST_CLIPS, AskedFor
from functions.local.given_edit_list import read_edit_list
from shared.domain.edit_list import Clip, EditList, Join
from shared.domain.given_edit_list import GivenClip
from shared.domain.span import span
from shared.errors import BadRequest
from shared.pipeline.report import report_edit_list

HARD_CUT = Join()
BARE = {"start_s": 1.0, "end_s": 4.0}


def read(folder: Path, value: Any) -> AskedFor:
    path = folder / "edits.json"
    path.write_bytes(value if isinstance(value, bytes) else json.dumps(value).encode())
    return read_edit_list(str(path))


def refusal(folder: Path, value: Any) -> str:
    """Return the sentence, without the folder."""
    with pytest.raises(BadRequest) as caught:
        read(folder, value)
    assert caught.value.code == "bad_edit_list"
    return caught.value.message.replace(f"{folder}/", "")


def reported(*clips: Clip, render: Any = "encode", join: Join = HARD_CUT, why: str | None = None) -> Any:
    edit = EditList(render=render, clips=clips, join=join, why_not_copied=why)
    return json.loads(report_edit_list(edit).model_dump_json())


def clip(wanted: tuple[float, float], actual: tuple[float, float] | None = None) -> Clip:
    return Clip(wanted=span(*wanted), actual=span(*(actual or wanted)), score=0.7, reasons=("movement",))


def test_a_bare_list_keeps_its_order_and_repeats(tmp_path: Path) -> None:
    later = {"start_s": 8, "end_s": 9.5, "score": 0.5, "reasons": ["the best"]}
    asked = read(tmp_path, [later, BARE, BARE])
    first = GivenClip(wanted=span(8, 9.5), score=0.5, reasons=("the best",))
    assert asked.edit_list.clips == (first, *[GivenClip(wanted=span(1, 4), score=1.0, reasons=())] * 2)
    assert (asked.render, asked.join) == (None, None)


def test_an_edit_list_is_the_same_alone_and_in_its_report(tmp_path: Path) -> None:
    edit = reported(clip((1, 4)), join=Join(kind="dip", duration_s=1.5), why="the picture is vp9, not h264")
    asked = read(tmp_path, edit)
    assert asked.edit_list.clips == (GivenClip(wanted=span(1, 4), score=0.7, reasons=("movement",)),)
    assert asked.edit_list.why_not_copied == "the picture is vp9, not h264"
    assert (asked.render, asked.join) == ("encode", Join(kind="dip", duration_s=1.5))
    assert read(tmp_path, {"schema_version": 1, "job_id": "x", "edit_list": edit, "new_in_2030": {}}) == asked
    assert read(tmp_path, edit["clips"]).edit_list.clips == asked.edit_list.clips


def test_a_copied_clip_keeps_the_lead_in_that_it_began_in(tmp_path: Path) -> None:
    edit = reported(clip((1, 4), (0.5, 4.5)), clip((5, 9), (6.5, 9)), render="copy")
    early, late = read(tmp_path, edit).edit_list.clips
    assert (early.wanted, early.lead_in_s) == (span(1, 4), 0.0)
    assert late.wanted == span(5, 9)
    assert late.lead_in_s == pytest.approx(1.5, abs=2e-4)


def test_a_clip_that_is_wanted_much_earlier_than_before_may_not_lose_that(tmp_path: Path) -> None:
    edit = reported(clip((4, 20), (10, 20)), render="copy")  # `wanted` was moved by hand, `actual` forgotten
    assert read(tmp_path, edit).edit_list.clips[0].lead_in_s == 2.0


def test_editing_only_one_of_wanted_and_actual_is_noticed(tmp_path: Path) -> None:
    edit = reported(clip((1, 4)), clip((5, 9)))
    edit["clips"][1]["wanted"][1] = 8.0
    assert refusal(tmp_path, edit) == (
        "edits.json: clip 2 wants 5 to 8 s, but its actual says 5 to 9 s; "
        "wanted is what counts: mend it, and remove actual."
    )
    del edit["clips"][1]["actual"]
    assert read(tmp_path, edit).edit_list.clips[1].wanted == span(5, 8)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_what_editors_put_in_front_does_not_matter(tmp_path: Path, encoding: str) -> None:
    words = json.dumps([{**BARE, "reasons": ["schön"]}], ensure_ascii=False)
    assert read(tmp_path, words.encode(encoding)).edit_list.clips[0].reasons == ("schön",)


def test_standard_input_and_pipes_are_files_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(json.dumps([BARE]).encode())))
    assert len(read_edit_list("-").edit_list.clips) == 1
    reader, writer = os.pipe()
    os.write(writer, json.dumps([BARE, BARE]).encode())
    os.close(writer)
    assert len(read_edit_list(f"/dev/fd/{reader}").edit_list.clips) == 2
    os.close(reader)


WRONG: list[tuple[Any, str]] = [
    (b"", "edits.json is no JSON: Expecting value in line 1, column 1."),
    (b'[{"start_s": 1,\n  "end_s": }]', "edits.json is no JSON: Expecting value in line 2, column 12."),
    (b"\x89PNG\r\n\x1a\n\xff", "edits.json is no JSON: not even text."),
    (b"[" * 100_000, "edits.json is no edit list; give the report"),
    (b'[{"start_s": 1, "end_s": ' + b"9" * 5000 + b"}]", "edits.json is no edit list; give the report"),
    (None, "edits.json is no edit list; give the report"),
    ({"start_s": 1, "end_s": 4}, "edits.json is no edit list; give the report"),
    ({"edit_list": None}, "edits.json is no edit list; give the report"),
    ([], "edits.json has no clips; a reel needs at least one."),
    ({"clips": []}, "edits.json has no clips; a reel needs at least one."),
    ({"clips": {}}, "edits.json: the edit list: clips cannot be {} ("),
    ({"clips": [BARE], "render": "fast"}, 'edits.json: the edit list: render cannot be "fast" ('),
    ({"clips": [BARE], "join": {"kind": "wipe"}}, 'edits.json: the edit list: join.kind cannot be "wipe" ('),
    (
        {"clips": [BARE], "join": {"kind": "dip", "duration_s": 9}},
        "edits.json: the edit list's join: must lie between 0.1 and 5 seconds, not 9.",
    ),
    ([BARE] * (MOST_CLIPS + 1), "edits.json has 10001 clips; 10000 are the most."),
    ([{"start_s": 0, "end_s": 50_000}] * 2, "edits.json asks for a reel of 27.78 hours; 24 are the most."),
    ([BARE, 5], "edits.json: clip 2 must be an object with start_s and end_s, not 5."),
    ([BARE, {"start_s": 1}], "edits.json: clip 2 has no end_s."),
    (
        [{**BARE, "end": 4}],
        'edits.json: clip 1 has an unknown "end"; it may have start_s, end_s, score and reasons.',
    ),
    ([{**BARE, "start_s": "1"}], 'edits.json: clip 1: start_s must be a number, not "1".'),
    ([{**BARE, "start_s": True}], "edits.json: clip 1: start_s must be a number, not true."),
    ([{**BARE, "start_s": None}], "edits.json: clip 1: start_s must be a number, not null."),
    (b'[{"start_s": NaN, "end_s": 4}]', "edits.json: clip 1: start_s must be finite, not NaN."),
    (b'[{"start_s": 1, "end_s": Infinity}]', "edits.json: clip 1: end_s must be finite, not Infinity."),
    (b'[{"start_s": 1, "end_s": 1e999}]', "edits.json: clip 1: end_s must be finite, not Infinity."),
    ([{**BARE, "start_s": -1}], "edits.json: clip 1: start_s must not be negative, not -1."),
    ([{**BARE, "score": 2}], "edits.json: clip 1: score must be at most 1, not 2."),
    ([{**BARE, "reasons": "all"}], 'edits.json: clip 1: reasons cannot be "all" ('),
    ([{**BARE, "reasons": [1]}], "edits.json: clip 1: reasons cannot be 1 ("),
    ([{"start_s": 4, "end_s": 4}], "edits.json: clip 1 begins at 4 s and ends at 4 s; the end has to come later."),
    ([{"wanted": [5, 4]}], "edits.json: clip 1 begins at 5 s and ends at 4 s; the end has to come later."),
    ([{"wanted": [5]}], "edits.json: clip 1: wanted must be two numbers of seconds"),
    ([{"wanted": [5, 6, 7]}], "edits.json: clip 1: wanted must be two numbers of seconds"),
    ([{"wanted": 5}], "edits.json: clip 1: wanted must be two numbers of seconds, not 5."),
    ([{"wanted": [5, "6"]}], 'edits.json: clip 1: wanted must be a number, not "6".'),
    ([{"wanted": [5, 6], "start_s": 5}], "edits.json: clip 1 has both wanted and start_s or end_s; leave one"),
]


@pytest.mark.parametrize(("value", "words"), WRONG, ids=range(len(WRONG)))
def test_what_is_wrong_is_said_in_one_sentence(tmp_path: Path, value: Any, words: str) -> None:
    said = refusal(tmp_path, value)
    assert said.startswith(words)
    assert said.endswith(".")
    assert len(said) < 250
    assert "\n" not in said


def test_a_file_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    for file, code, words in [
        ("nowhere.json", "no_such_file", "nowhere.json: there is no such file."),
        (str(tmp_path), "cannot_read", f"{tmp_path}: cannot be read (Is a directory)."),
        ("nul\0", "cannot_read", "nul?: cannot be read (embedded null byte)."),
    ]:
        with pytest.raises(BadRequest) as caught:
            read_edit_list(file)
        assert (caught.value.code, caught.value.message) == (code, words)
