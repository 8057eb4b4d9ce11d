"""What a recognizer heard, made into words."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.heard_words import LONGEST_WORD_S, SHORTEST_WORD_S, HeardWord, in_source_time
from shared.domain.span import Span, span

times = st.floats(-1, 35, allow_nan=False)
heard_words = st.lists(st.tuples(st.sampled_from([" a", "b.", "  "]), times, times, st.floats(-0.1, 1.1)), max_size=40)


@st.composite
def silences(draw: st.DrawFn) -> list[Span]:
    ends = sorted(draw(st.lists(st.floats(0, 24, allow_nan=False), max_size=12)))
    return [span(a, b) for a, b in zip(ends[::2], ends[1::2], strict=False)]


@given(heard_words, st.floats(0.1, 24), silences())
def test_words_are_in_order_inside_the_unit_and_as_long_as_words_can_be(
    heard: list[HeardWord], duration_s: float, silent: list[Span]
) -> None:
    unit = span(100.0, 100.0 + duration_s)
    words = in_source_time(heard, unit, silent)
    assert all(unit.start_s <= word.start_s <= word.end_s <= unit.end_s for word in words)
    assert all(before.end_s <= after.start_s for before, after in pairwise(words))
    assert all(word.end_s - word.start_s <= LONGEST_WORD_S + 2e-3 for word in words)
    assert all(0 <= word.confidence <= 1 and word.text == word.text.strip() != "" for word in words)
    if duration_s >= SHORTEST_WORD_S * len(heard):
        assert all(word.end_s - word.start_s >= SHORTEST_WORD_S - 2e-3 for word in words)


def test_sound_words_are_only_moved_to_source_time() -> None:
    words = in_source_time([(" Hello", 0.5, 0.9, 0.75), (" you.", 0.9, 1.3, 1.0)], span(48.0, 60.0), [span(2, 12)])
    assert [(w.text, w.start_s, w.end_s, w.confidence) for w in words] == [
        ("Hello", 48.5, 48.9, 0.75),
        ("you.", 48.9, 49.3, 1.0),
    ]


@pytest.mark.parametrize(
    ("heard", "silent", "spoken"),
    [
        ((0.0, 3.0), [span(0.0, 2.6)], (2.6, 3.0)),  # begins when somebody speaks
        ((1.0, 5.0), [span(1.4, 9.0)], (1.0, 1.4)),  # ends when nobody does
        ((1.0, 5.0), [], (1.0, 3.0)),  # nobody speaks one word for four seconds
        ((1.2, 1.3), [span(1.0, 1.5)], (1.2, 1.3)),  # too quiet for the detector, near other speech
    ],
)
def test_a_word_is_where_somebody_speaks(
    heard: tuple[float, float], silent: list[Span], spoken: tuple[float, float]
) -> None:
    (word,) = in_source_time([("word", *heard, 1.0)], span(0.0, 20.0), silent)
    assert (word.start_s, word.end_s) == spoken


@pytest.mark.parametrize(("at_s", "is_kept"), [(2.1, True), (4.0, False), (7.8, True), (15.0, False), (19.8, False)])
def test_words_deep_in_a_long_silence_are_invented(at_s: float, is_kept: bool) -> None:
    heard = [(" Thanks", at_s, at_s + 0.1, 0.9)]
    assert len(in_source_time(heard, span(0.0, 20.0), [span(2.0, 8.0), span(10.0, 20.0)])) == is_kept
