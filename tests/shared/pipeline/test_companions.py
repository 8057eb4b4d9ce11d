import json
from fractions import Fraction
from pathlib import Path

from pysubs2 import SSAFile

from shared.domain.edit_list import Clip, EditList
from shared.domain.reel_time import as_asked
from shared.domain.span import span
from shared.domain.transcript import Transcript, Word
from shared.pipeline.companions import SPEECH_FILES, TranscriptFile, transcript_file, write_speech_companions

HINDI = Transcript(
    language="hi",
    words=(
        Word(text="नमस्ते।", start_s=0.5, end_s=1.00049, confidence=0.98765),
        Word(text="आप", start_s=12.0, end_s=12.4, confidence=1.0),
        Word(text="कैसे", start_s=12.5, end_s=13.0, confidence=1.0),
        Word(text="हैं?", start_s=13.0, end_s=13.5, confidence=1.0),
    ),
)
REEL = EditList(
    render="encode", clips=(Clip(wanted=span(10, 15), actual=span(10, 15), score=0.5, reasons=("movement",)),)
)


def starts_and_texts(path: Path) -> list[tuple[int, str]]:
    return [(each.start, each.text) for each in SSAFile.load(str(path), encoding="utf-8")]


def test_captions_are_in_reel_time_and_source_captions_in_source_time(tmp_path: Path) -> None:
    written = write_speech_companions(tmp_path, HINDI, REEL, fps=Fraction(25), duration_s=20, came_on_s=as_asked)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(written.values())
    for kind in ("srt", "vtt"):
        assert starts_and_texts(tmp_path / f"captions.{kind}") == [(2000, "आप कैसे हैं?")]
        assert starts_and_texts(tmp_path / f"source_captions.{kind}") == [(500, "नमस्ते।"), (12000, "आप कैसे हैं?")]


def test_the_transcript_is_words_and_sentences_with_a_version(tmp_path: Path) -> None:
    write_speech_companions(tmp_path, HINDI, REEL, fps=Fraction(25), duration_s=20, came_on_s=as_asked)
    text = (tmp_path / SPEECH_FILES["transcript"]).read_text(encoding="utf-8")
    assert TranscriptFile.model_validate_json(text) == transcript_file(HINDI)
    found = json.loads(text)
    assert (found["schema_version"], found["language"]) == (1, "hi")
    assert found["words"][0] == {
        "text": "नमस्ते।",
        "start_s": 0.5,
        "end_s": 1.0,
        "confidence": 0.988,
        "space_before": False,
    }
    assert found["segments"] == [
        {"start_s": 0.5, "end_s": 1.0, "text": "नमस्ते।"},
        {"start_s": 12.0, "end_s": 13.5, "text": "आप कैसे हैं?"},
    ]


def test_a_source_without_speech_has_an_empty_transcript(tmp_path: Path) -> None:
    silent = Transcript(language=None, words=())
    write_speech_companions(tmp_path, silent, REEL, fps=Fraction(25), duration_s=20, came_on_s=as_asked)
    assert transcript_file(silent).words == []
    assert starts_and_texts(tmp_path / "captions.vtt") == []


def test_the_words_with_their_spaces_are_the_text_of_the_sentences() -> None:
    said = ("写真", "を", "Montage", "で", "見た", "。", "Das", "ist", "gut.")
    heard = (None, None, True, False, None, None, None, None, None)
    words = tuple(
        Word(text=text, start_s=n, end_s=n + 1, confidence=1.0, space_before=space)
        for n, (text, space) in enumerate(zip(said, heard, strict=True))
    )
    found = transcript_file(Transcript(language="ja", words=words))
    text = "".join((" " if each.space_before else "") + each.text for each in found.words)
    assert text == "写真を Montageで見た。Das ist gut."
    assert [each.text for each in found.segments] == ["写真を Montageで見た。", "Das ist gut."]
