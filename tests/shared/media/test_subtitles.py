import html
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw, features
from pysubs2 import SSAFile

from shared.domain.cues import Cue
from shared.media.subtitles import END, FORMATS, LEFT_TO_RIGHT, RIGHT_TO_LEFT, SubtitleFormat, write_subtitles
from shared.media.typeface import typeface_for

CUES = (
    Cue(start_s=0.0, end_s=1.2346, lines=("Why? <i>Because</i> {so} & so",)),
    Cue(start_s=1.2346, end_s=3.0, lines=("नमस्ते, आप कैसे हैं?", "மிகவும் நன்றி.")),
    Cue(start_s=59.9996, end_s=3661.5, lines=("مرحبا بكم في البرنامج،", "今日は天気がいいですね。")),
)
DIRECTIONS = (LEFT_TO_RIGHT, RIGHT_TO_LEFT, END)
Read = list[tuple[int, int, tuple[str, ...]]]


def read_back(path: Path, kind: SubtitleFormat) -> Read:
    found = SSAFile.load(str(path), encoding="utf-8", format_=kind, keep_html_tags=True)
    plain = html.unescape if kind == "vtt" else str
    return [(each.start, each.end, tuple(unmarked(plain(each.text)).split(r"\N"))) for each in found]


def unmarked(text: str) -> str:
    return text.translate(dict.fromkeys(map(ord, DIRECTIONS)))


def written_lines(folder: Path, *lines: str) -> list[str]:
    write_subtitles(folder / "it.srt", [Cue(start_s=0, end_s=1, lines=lines)], kind="srt")
    return (folder / "it.srt").read_text(encoding="utf-8").splitlines()[2 : 2 + len(lines)]


@pytest.mark.parametrize("kind", FORMATS)
def test_a_written_file_reads_back_as_its_cues(kind: SubtitleFormat, tmp_path: Path) -> None:
    write_subtitles(tmp_path / "it", CUES, kind=kind)
    assert read_back(tmp_path / "it", kind) == [
        (0, 1235, CUES[0].lines),
        (1235, 3000, CUES[1].lines),
        (60_000, 3_661_500, CUES[2].lines),
    ]


@pytest.mark.parametrize("kind", FORMATS)
@given(
    cues=st.lists(
        st.tuples(
            st.integers(1, 7000),
            st.lists(st.sampled_from(("Go!", "हैं।", "شكرا.", "写真。", "a <b", "x & y", "{z}")), min_size=1, max_size=2),
        ),
        max_size=12,
    )
)
def test_any_cues_read_back(
    kind: SubtitleFormat, cues: list[tuple[int, list[str]]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / f"any.{kind}"
    wanted: Read = []
    at_ms = 0
    for length_ms, lines in cues:
        wanted.append((at_ms, at_ms + length_ms, tuple(lines)))
        at_ms += length_ms
    write_subtitles(
        path, [Cue(start_s=one / 1000, end_s=two / 1000, lines=lines) for one, two, lines in wanted], kind=kind
    )
    assert read_back(path, kind) == wanted


def test_webvtt_says_what_it_is_and_escapes_what_is_markup(tmp_path: Path) -> None:
    write_subtitles(tmp_path / "it.vtt", CUES[:1], kind="vtt")
    assert (tmp_path / "it.vtt").read_text(encoding="utf-8") == (
        "WEBVTT\n\n1\n00:00:00.000 --> 00:00:01.235\nWhy? &lt;i&gt;Because&lt;/i&gt; {so} &amp; so\n\n"
    )


@pytest.mark.parametrize(
    "line",
    [
        "مرحبا بكم في برنامج Montage الجديد،",
        "Montage برنامج رائع!",
        "اليوم 25 طريقة (سهلة).",
        "שלום לכולם, היום Windows 11 קל מאוד!",
    ],
)
def test_a_line_from_right_to_left_is_shown_alike_whatever_direction_a_player_takes(line: str, tmp_path: Path) -> None:
    face = typeface_for(line, 20)
    if face is None or not features.check("raqm"):
        pytest.skip("no typeface or no layout of right-to-left text here")
    (written,) = written_lines(tmp_path, line)
    shown = set()
    for direction in ("ltr", "rtl"):
        picture = Image.new("L", (800, 40))
        ImageDraw.Draw(picture).text((2, 2), written, font=face, fill=255, direction=direction)
        shown.add(picture.tobytes())
    right = Image.new("L", (800, 40))
    ImageDraw.Draw(right).text((2, 2), line, font=face, fill=255, direction="rtl")
    assert shown == {right.tobytes()}


def test_each_line_has_the_direction_of_most_of_its_cue_and_other_cues_have_no_marks(tmp_path: Path) -> None:
    assert written_lines(tmp_path, "مرحبا بكم", "Montage 2") == [
        f"{RIGHT_TO_LEFT}مرحبا بكم{END}",
        f"{RIGHT_TO_LEFT}Montage 2{END}",
    ]
    assert written_lines(tmp_path, "שלום means peace, they say.") == [
        f"{LEFT_TO_RIGHT}שלום means peace, they say.{END}"
    ]
    assert written_lines(tmp_path, "नमस्ते 12!", "今日は") == ["नमस्ते 12!", "今日は"]


def test_a_backslash_is_not_a_line_break(tmp_path: Path) -> None:
    write_subtitles(tmp_path / "it.srt", [Cue(start_s=0, end_s=1, lines=(r"in C:\new",))], kind="srt")
    assert "in C:\\\u2060new\n" in (tmp_path / "it.srt").read_text(encoding="utf-8")


@pytest.mark.parametrize(("kind", "text"), [("srt", ""), ("vtt", "WEBVTT\n\n")])
def test_a_file_without_cues_is_a_file(kind: SubtitleFormat, text: str, tmp_path: Path) -> None:
    write_subtitles(tmp_path / "it", [], kind=kind)
    assert (tmp_path / "it").read_text(encoding="utf-8") == text
