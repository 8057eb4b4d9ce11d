"""The rules by which words and characters are compared."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.normalise import character_error_rate, errors, normalise, word_error_rate


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
    with pytest.raises(ValueError, match="without words"):
        character_error_rate("。", "あ")


@pytest.mark.parametrize(
    ("recognised", "rate"),
    [
        ("データを 比較できます", 0.0),
        ("データ、を比較できます。", 0.0),
        ("ﾃﾞｰﾀを比較できます", 0.0),
        ("データを比較できました", 0.2),
        ("データ比較できます", 0.1),
        ("", 1.0),
    ],
)
def test_characters_count_where_no_spaces_part_words(recognised: str, rate: float) -> None:
    assert character_error_rate("データを比較できます。", recognised) == rate


def test_a_voicing_mark_is_part_of_its_character() -> None:
    assert character_error_rate("ガ", "カ") == 1.0
    assert character_error_rate("Custom Speech", "custom speech") == 0.0


def test_what_is_wrong_is_told_in_order_and_as_often_as_it_counts() -> None:
    assert errors("he saw a cold-hearted man", "He saw cold hurted, man then") == (
        "- a",
        "hearted > hurted",
        "+ then",
    )
    assert errors("a b", "A, b.") == ()
    assert errors("", "um") == ("+ um",)


@given(st.lists(st.sampled_from("abc"), min_size=1, max_size=8), st.lists(st.sampled_from("abcd"), max_size=8))
def test_as_many_errors_are_told_as_the_rate_counts(expected: list[str], found: list[str]) -> None:
    reference, recognised = " ".join(expected), " ".join(found)
    assert len(errors(reference, recognised)) == round(word_error_rate(reference, recognised) * len(expected))
