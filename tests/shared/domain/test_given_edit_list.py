from dataclasses import replace
from fractions import Fraction

import pytest

from shared.domain.given_edit_list import GivenClip, GivenEditList, what_is_wrong
from shared.domain.sound import AudioStream, Sound
from shared.domain.span import Span, span
from tests.shared.domain.records import a_video

SOUND = Sound(
    container="wav",
    duration_s=25.0,
    start_s=0.0,
    audio=(AudioStream(index=0, codec="pcm_s16le", rate_hz=48_000, channels=1),),
)


def given(*spans: Span) -> GivenEditList:
    return GivenEditList(clips=tuple(GivenClip(wanted=each) for each in spans))


@pytest.mark.parametrize("wanted", [span(0, 25), span(24, 25.0333), span(24.9, 25), span(3, 3.0333)])
def test_what_lies_inside_a_source_or_is_rounded_is_right(wanted: Span) -> None:
    assert what_is_wrong(given(span(1, 2), wanted), a_video()) is None


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        (span(24, 25.05), "clip 2 of the edit list, 24 to 25.05 s, lies outside it; it is 25 s long."),
        (span(25, 25.01), "clip 2 of the edit list, 25 to 25.01 s, lies outside it; it is 25 s long."),
        (span(1e300, 2e300), "clip 2 of the edit list, 1e+300 to 2e+300 s, lies outside it; it is 25 s long."),
        (
            span(3, 3.01),
            "clip 2 of the edit list, 3 to 3.01 s, is shorter than a frame of the reel, which lasts 0.0333 s.",
        ),
        (
            span(24.99, 25.01),
            "clip 2 of the edit list, 24.99 to 25.01 s, is shorter than a frame of the reel, which lasts 0.0333 s.",
        ),
    ],
)
def test_what_a_source_does_not_have_is_named(wanted: Span, words: str) -> None:
    assert what_is_wrong(given(span(1, 2), wanted), a_video()) == words


def test_a_clip_is_at_least_a_frame_of_the_reel_which_has_60_a_second_at_most() -> None:
    fast = replace(a_video(), fps=Fraction(240))
    assert what_is_wrong(given(span(1, 1.0167)), fast) is None
    assert "shorter than a frame of the reel" in (what_is_wrong(given(span(1, 1.005)), fast) or "")


def test_sound_is_held_to_its_own_length() -> None:
    assert what_is_wrong(given(span(0, 25.01)), SOUND) is None
    assert what_is_wrong(given(span(0, 25.1)), SOUND) is not None
