import pytest

from shared.domain.running_text import joined
from shared.domain.transcript import Word, sentences


def parted(*texts: str) -> list[str]:
    words = [Word(text=text, start_s=n, end_s=n + 0.9, confidence=1.0) for n, text in enumerate(texts)]
    return [joined(each.words) for each in sentences(words)]


@pytest.mark.parametrize(
    "whole",
    [
        "I saw Dr. Smith.",
        "Well... you know how it is.",
        "Das kostet z.B. Zeit.",
        "He said “Stop!” and left.",
        "Am 3. und 4. spielen wir.",
    ],
)
def test_a_dot_that_ends_no_sentence_does_not_end_one(whole: str) -> None:
    assert parted(*whole.split()) == [whole]


@pytest.mark.parametrize("end", ["।", "۔", "؟", "។", "။", "።", "፧", "։", "。"])
def test_sentences_end_as_each_script_ends_them(end: str) -> None:
    assert parted("Ka", f"ta{end}", "Na", f"ma{end}") == [f"Ka ta{end}", f"Na ma{end}"]


def test_sentences_end_at_their_punctuation() -> None:
    assert parted("Why?", "“Because.”", "¿Por", "qué?", "No.", "Yes!") == [
        "Why?",
        "“Because.”",
        "¿Por qué?",
        "No.",
        "Yes!",
    ]


def test_a_quote_in_pieces_closes_with_its_sentence_and_goes_on_with_its_particle() -> None:
    assert parted("「", "本当", "に", "？", "」", "彼", "は", "見た", "。") == ["「本当に？」", "彼は見た。"]
    assert parted("「", "本当", "に", "？」", "と", "言った", "。") == ["「本当に？」と言った。"]
