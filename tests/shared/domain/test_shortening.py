"""What is left of a candidate for which there is not enough room."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.motion import Look
from shared.domain.shortening import Material
from shared.domain.span import Span, span

SENTENCES = (span(1.0, 3.0), span(3.4, 5.0), span(5.6, 9.5), span(30.0, 34.0))
SPOKEN = Material(sentences=SENTENCES)


@pytest.mark.parametrize(
    ("at_most_s", "kept"),
    [
        (2.6, (0.7, 3.2)),  # one sentence with the silence around it
        (4.9, (5.3, 10.0)),  # the last one is longer than the first two together
        (4.65, (0.7, 5.3)),
        (20.0, (0.7, 10.0)),
    ],
)
def test_whole_sentences_are_kept_as_many_as_fit(at_most_s: float, kept: tuple[float, float]) -> None:
    found = SPOKEN.shortened(span(0, 12), at_most_s)
    assert found is not None
    assert (found.start_s, found.end_s) == pytest.approx(kept)


def test_a_sentence_is_never_cut() -> None:
    assert SPOKEN.shortened(span(0, 12), 1.5) is None
    assert SPOKEN.shortened(span(6, 12), 3.0) == span(9.5, 12.0), "it begins inside one"


def test_a_movement_is_shown_around_its_fastest_moment() -> None:
    looks = tuple(Look(t_s=t / 2, speed=0.1, energy=2.0 if t == 36 else 0.3) for t in range(80))
    moving = Material(sentences=SENTENCES, looks=looks)
    assert moving.shortened(span(9, 25), 6.0) == span(15, 21)
    assert moving.shortened(span(16, 25), 6.0) == span(16, 22)


def test_of_sentences_those_are_kept_in_which_what_counts_happens() -> None:
    kept = Material(sentences=SENTENCES, moments=(4.0,)).shortened(span(0, 12), 4.65)
    assert kept is not None and (kept.start_s, kept.end_s) == pytest.approx((0.7, 5.3))
    kept = Material(sentences=SENTENCES, moments=(7.0, 7.5)).shortened(span(0, 12), 4.9)
    assert kept is not None and (kept.start_s, kept.end_s) == pytest.approx((5.3, 10.0))


def test_where_no_sentence_fits_a_movement_is_shown_and_no_word_is_cut() -> None:
    looks = tuple(Look(t_s=t / 2, speed=0.1, energy=2.0 if t == 20 else 0.3) for t in range(80))
    words = tuple(span(t + 0.1, t + 0.9) for t in range(20))
    moving = Material(sentences=(span(0.1, 19.9),), words=words, events=(span(2, 18),), looks=looks)
    assert moving.shortened(span(0, 20), 5.0) == span(7.9, 12.1)
    assert Material(sentences=(span(0.1, 19.9),), words=words).shortened(span(0, 20), 5.0) is None


def test_of_a_movement_in_which_hardly_a_word_is_said_the_movement_is_shown() -> None:
    looks = tuple(Look(t_s=t / 2, speed=0.1, energy=2.0 if t == 20 else 0.3) for t in range(80))
    beside = Material(sentences=(span(15, 15.2),), events=(span(2, 18),), looks=looks, moments=(10.0,))
    assert beside.shortened(span(0, 20), 8.0) == span(6, 14)
    assert beside.shortened(span(0, 20), 10.1) == span(4.95, 15.0), "and the word is not cut"
    asked_for = Material(sentences=(span(15, 15.2),), events=(span(2, 18),), looks=looks, moments=(10.0, 15.1))
    assert asked_for.shortened(span(0, 20), 8.0) == span(14.7, 15.7)


def test_a_question_keeps_its_answer() -> None:
    asked = Material(sentences=SENTENCES, exchanges=(span(3.4, 9.5),))
    assert asked.shortened(span(0, 12), 4.9) == span(0.7, 3.2), "one sentence rather than half of two"
    kept = asked.shortened(span(0, 12), 7.0)
    assert kept is not None and (kept.start_s, kept.end_s) == pytest.approx((3.2, 10.0))


def test_the_beginning_ends_between_words() -> None:
    words = Material(words=(span(0, 1), span(1, 2), span(2, 9)))
    assert words.beginning(span(0, 12), 4) == span(0, 2)
    assert words.beginning(span(2, 12), 4) == span(2, 6), "one word that fills it is cut rather than nothing shown"


def test_what_was_asked_for_is_shown_with_its_sentence_s_beginning_where_that_fits() -> None:
    words = tuple(span(float(t), t + 1.0) for t in range(1, 13))
    said = Material(sentences=(span(1, 13), span(14, 16)), words=words, asked_for=(span(4, 5),))
    assert said.shortened(span(0, 17), 8) is None, "a sentence without it is not what was asked for"
    assert said.around_what_was_asked_for(span(0, 17), 8) == span(0.7, 8)
    late = Material(sentences=(span(1, 13),), words=words, asked_for=(span(9, 10), span(11, 12)))
    assert late.around_what_was_asked_for(span(0, 14), 6) == span(8, 14), "both"
    assert late.around_what_was_asked_for(span(0, 14), 0.5) is None
    assert late.around_what_was_asked_for(span(0, 8), 6) is None


spans = st.tuples(st.floats(0, 50), st.floats(0.1, 10)).map(lambda at: span(at[0], at[0] + at[1]))


@given(spans, st.floats(0.5, 20), st.lists(st.floats(0.05, 3), max_size=12))
def test_what_is_kept_lies_inside_and_fits(whole: Span, at_most_s: float, lengths: list[float]) -> None:
    sentences, at_s = [], 0.0
    for length_s in lengths:
        sentences.append(span(at_s, at_s + length_s))
        at_s += length_s + length_s / 3
    found = Material(sentences=tuple(sentences)).shortened(whole, at_most_s)
    if found is not None:
        assert whole.start_s <= found.start_s <= found.end_s <= whole.end_s
        assert found.duration_s <= at_most_s + 1e-6
        for each in sentences:
            assert not (each.start_s < found.start_s < each.end_s)
            assert not (each.start_s < found.end_s < each.end_s)
