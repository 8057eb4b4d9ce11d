"""What options make of what they are given."""

import pytest

from shared.domain.options import Options
from shared.domain.record import from_dict, to_dict
from shared.domain.speech_languages import SPEECH_LANGUAGES


def test_terms_are_trimmed_and_doubled_or_empty_ones_dropped() -> None:
    assert Options(keywords=(" Kickflip", "", "first \t try", "KICKFLIP")).keywords == ("Kickflip", "first try")


def test_terms_that_look_alike_are_one_however_they_are_encoded() -> None:
    assert Options(vocabulary=("Zo\u00eb", "Zoe\u0308")).vocabulary == ("Zo\u00eb",)


def test_options_are_what_they_were_after_a_record() -> None:
    options = Options(keywords=("a b", "c"), vocabulary=("Ada",), speech_language="ja", order="score", longest_clip_s=9)
    assert from_dict(Options, to_dict(options)) == options
    assert from_dict(Options, {}) == Options()


def test_whisper_knows_99_languages_and_every_one_can_be_named() -> None:
    assert len(set(SPEECH_LANGUAGES)) == 99
    assert all(Options(speech_language=code.upper()).speech_language == code for code in SPEECH_LANGUAGES)


@pytest.mark.parametrize("length_s", [0.4, 61, float("nan")])
def test_a_clip_is_neither_a_blink_nor_a_film(length_s: float) -> None:
    with pytest.raises(ValueError, match=r"shortest_clip_s must lie between 0\.5 and 60 seconds"):
        Options(shortest_clip_s=length_s)


def test_no_clip_is_to_be_longer_than_the_reel() -> None:
    with pytest.raises(ValueError, match=r"shortest_clip_s must be no more than the whole reel's 10 seconds, not 30\."):
        Options(shortest_clip_s=30, target_s=10)
    assert Options(target_s=1).shortest_clip_s == 2, "nobody asked for that"


@pytest.mark.parametrize("keyword", ["!!!", "\U0001f6f9", "C, ++"])
def test_a_keyword_that_nobody_can_say_is_refused(keyword: str) -> None:
    given = tuple(keyword.split(","))
    with pytest.raises(ValueError, match="keywords must have a letter or a digit, or nobody can say them, unlike"):
        Options(keywords=given)


def test_hints_are_no_more_than_a_recognizer_takes() -> None:
    names = tuple(f"{n:02} {'x' * 47}" for n in range(12))  # 600 characters
    assert Options(vocabulary=names, keywords=names).vocabulary == names, "keywords are no hints"
    with pytest.raises(ValueError, match="vocabulary must have at most 600 characters together, not 602"):
        Options(vocabulary=(*names, "Jo"))


@pytest.mark.parametrize("term", ["<|endoftext|>", "a <| b", "|>"])
def test_no_hint_steers_the_recognizer(term: str) -> None:
    with pytest.raises(ValueError, match=r"vocabulary must have no <\| or \|>"):
        Options(vocabulary=(term,))
