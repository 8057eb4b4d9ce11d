"""The rules by which words are compared."""

import pytest

from benchmarks.normalise import normalise, word_error_rate


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Don\u2019t — ‘stop’!", "don't stop"),
        ("cold-hearted & selfish [laughter]", "cold hearted and selfish"),
        ("1,000 of 2.5 %", "1000 of 25 percent"),
        ("Mr. and Mrs. Smith, okay?", "mister and missus smith ok"),
        ("STRASSE Straße", "strasse strasse"),
        ("हिन्दी क्षत्रिय।", "हिन्दी क्षत्रिय"),
        ("Ｆｕｌｌ width", "full width"),
        ("", ""),
    ],
)
def test_texts_that_say_the_same_become_the_same(text: str, words: str) -> None:
    assert normalise(text) == words.split()


@pytest.mark.parametrize(
    ("recognised", "rate"),
    [("a b c d", 0.0), ("A, b; C d.", 0.0), ("a x c d", 0.25), ("a b d", 0.25), ("a b b c d", 0.25), ("", 1.0)],
)
def test_each_wrong_missing_or_added_word_counts_once(recognised: str, rate: float) -> None:
    assert word_error_rate("a b c d", recognised) == rate


def test_nothing_to_compare_with_is_an_error() -> None:
    with pytest.raises(ValueError, match="without words"):
        word_error_rate("...", "a")
