import html
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pysubs2 import SSAFile

from shared.domain.cues import Cue
from shared.media.subtitles import FORMATS, SubtitleFormat, write_subtitles

CUES = (
    Cue(start_s=0.0, end_s=1.2346, lines=("Why? <i>Because</i> {so} & so",)),
    Cue(start_s=1.2346, end_s=3.0, lines=("नमस्ते, आप कैसे हैं?", "மிகவும் நன்றி.")),
    Cue(start_s=59.9996, end_s=3661.5, lines=("مرحبا بكم في البرنامج،", "今日は天気がいいですね。")),
)
Read = list[tuple[int, int, tuple[str, ...]]]


def read_back(path: Path, kind: SubtitleFormat) -> Read:
    found = SSAFile.load(str(path), encoding="utf-8", format_=kind, keep_html_tags=True)
    plain = html.unescape if kind == "vtt" else str
    return [(each.start, each.end, tuple(plain(each.text).split(r"\N"))) for each in found]


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


def test_a_backslash_is_not_a_line_break(tmp_path: Path) -> None:
    write_subtitles(tmp_path / "it.srt", [Cue(start_s=0, end_s=1, lines=(r"in C:\new",))], kind="srt")
    assert "in C:\\\u2060new\n" in (tmp_path / "it.srt").read_text(encoding="utf-8")


@pytest.mark.parametrize(("kind", "text"), [("srt", ""), ("vtt", "WEBVTT\n\n")])
def test_a_file_without_cues_is_a_file(kind: SubtitleFormat, text: str, tmp_path: Path) -> None:
    write_subtitles(tmp_path / "it", [], kind=kind)
    assert (tmp_path / "it").read_text(encoding="utf-8") == text
