"""Which sound track is meant when a language is asked for."""

import pytest

from shared.domain.language import CODES, is_same_language
from shared.domain.sound import AudioStream, missing_language, preferred_first


def track(index: int, language: str | None = None, *, is_default: bool = False) -> AudioStream:
    return AudioStream(index=index, codec="aac", rate_hz=48_000, channels=2, language=language, is_default=is_default)


@pytest.mark.parametrize(
    ("one", "other"),
    [("de", "ger"), ("de", "deu"), ("ger", "deu"), ("EN", "en-US"), ("eng", "en_GB"), ("zh", "chi"), ("yue", "yue")],
)
def test_codes_of_one_language_are_the_same(one: str, other: str) -> None:
    assert is_same_language(one, other)
    assert is_same_language(other, one)


@pytest.mark.parametrize(("one", "other"), [("de", "da"), ("und", "en"), ("", "en"), ("dut", "deu"), ("no", "nn")])
def test_codes_of_two_languages_are_not(one: str, other: str) -> None:
    assert not is_same_language(one, other)


def test_the_table_is_whole_and_unambiguous() -> None:
    entries = [entry.split("=") for entry in CODES.split()]
    assert len(entries) == 184
    assert sum(len(entry) == 3 for entry in entries) == 20
    codes = [code for entry in entries for code in entry]
    assert len(set(codes)) == len(codes)
    assert all([len(code) for code in entry] in ([2, 3], [2, 3, 3]) for entry in entries)


def test_the_asked_language_comes_first_then_the_default_track() -> None:
    tracks = (track(1, "eng"), track(2, "ger"), track(3, "eng", is_default=True), track(4))
    assert [each.index for each in preferred_first(tracks)] == [3, 1, 2, 4]
    assert [each.index for each in preferred_first(tracks, "de")] == [2, 3, 1, 4]
    assert [each.index for each in preferred_first(tracks, "en")] == [3, 1, 2, 4]
    assert [each.index for each in preferred_first(tracks, "fr")] == [3, 1, 2, 4]


def test_a_language_that_no_track_has_is_a_warning() -> None:
    tracks = (track(1, "eng"), track(2))
    assert missing_language(tracks, None) == missing_language(tracks, "en") == missing_language((), "fr") == ()
    (said,) = missing_language(tracks, "fr")
    assert said.startswith("language_not_found: ")
    assert "eng, untagged" in said
