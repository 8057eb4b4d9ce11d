"""What a recognizer heard, made into words."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.heard_words import (
    LONGEST_WORD_S,
    SHORTEST_WORD_S,
    HeardWord,
    at_their_place,
    in_source_time,
    without_guesses,
    worth_hearing,
)
from shared.domain.span import Span, span

times = st.floats(-1, 35, allow_nan=False)
heard_words = st.lists(
    st.tuples(st.sampled_from([" a", "b.", "  ", " ?", "%", " «", '"']), times, times, st.floats(-0.1, 1.1)),
    max_size=40,
)


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


def test_a_word_that_was_cut_at_its_hyphen_is_one() -> None:
    heard = [(" cold", 0.5, 0.9, 0.9), ("-hearted", 0.9, 1.3, 0.7), (" 3", 1.4, 1.5, 1.0), (".5", 1.5, 1.8, 0.9)]
    words = in_source_time([*heard, (" -", 2.0, 2.1, 1.0)], span(10.0, 20.0), [])
    assert [(w.text, w.start_s, w.end_s, w.confidence) for w in words] == [
        ("cold-hearted", 10.5, 11.3, 0.7),
        ("3.5", 11.4, 11.8, 0.9),
        ("-", 12.0, 12.1, 1.0),
    ]


@pytest.mark.parametrize(
    ("heard", "whole"),
    [
        ([" by", " 20", "%", " from"], ["by", "20%", "from"]),
        ([" version", " 3", ".5"], ["version", "3.5"]),
        ([" $", "5", " to", " $3", ",500", "."], ["$5", "to", "$3,500."]),
        ([" 1", ",000", ",000"], ["1,000,000"]),
        ([" the", " U", ".S", "."], ["the", "U.S."]),
        ([" at", " 10", ":30"], ["at", "10:30"]),
        ([" allez", "-vous", " ?", " Il"], ["allez-vous\u00a0?", "Il"]),
        ([" dit", " :", " «", " Trop", " tard", " !", " »"], ["dit\u00a0:", "«\u00a0Trop", "tard\u00a0!\u00a0»"]),
        ([" 80", " %", " mehr"], ["80\u00a0%", "mehr"]),
        ([" ¿", "Cómo", " estás", "?", " ¡", "Qué"], ["¿Cómo", "estás?", "¡Qué"]),
        ([" said", ' "', "We", " go", ".", '"'], ["said", '"We', 'go."']),
        ([" (", "the", " doctor", ")"], ["(the", "doctor)"]),
        (["「", "はい", "」", "。"], ["「はい」。"]),
        ([" one", " -", " two"], ["one", "-", "two"]),
        ([" didn", "'t"], ["didn't"]),
        ([" ...", " so"], ["...", "so"]),
    ],
)
def test_numbers_and_marks_stay_with_their_words(heard: list[str], whole: list[str]) -> None:
    timed = [(text, n * 0.5, n * 0.5 + 0.5, 0.9) for n, text in enumerate(heard)]
    words = in_source_time(timed, span(10.0, 30.0), [])
    assert [word.text for word in words] == whole
    assert all(SHORTEST_WORD_S <= word.end_s - word.start_s <= LONGEST_WORD_S for word in words)


def test_a_mark_takes_no_time_unless_it_is_said() -> None:
    heard = [(" vous", 1.0, 1.4, 0.9), (" ?", 1.4, 2.4, 0.1), (" «", 2.4, 3.0, 0.2), (" 20", 3.0, 3.4, 0.8)]
    words = in_source_time([*heard, ("%", 3.4, 3.8, 0.7)], span(0.0, 20.0), [])
    assert [(w.start_s, w.end_s, w.confidence) for w in words] == [(1.0, 1.4, 0.9), (3.0, 3.8, 0.7)]


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


@pytest.mark.parametrize(
    ("silent", "heard"),
    [
        ([], [(0.0, 20.0)]),
        ([span(0.0, 12.0), span(14.0, 20.0)], [(11.5, 14.5)]),  # the ends of a unit
        ([span(4.0, 5.9)], [(0.0, 20.0)]),  # no long silence
        ([span(4.0, 9.0)], [(0.0, 4.5), (8.5, 20.0)]),
        ([span(0.0, 20.0)], []),
    ],
)
def test_long_silences_are_not_worth_hearing(silent: list[Span], heard: list[tuple[float, float]]) -> None:
    assert [(each.start_s, each.end_s) for each in worth_hearing(silent, 20.0)] == heard


def test_words_go_back_to_where_they_were_heard() -> None:
    stretches = [span(1.0, 4.0), span(10.0, 12.0)]
    heard = [
        ("a", 0.5, 1.0, 1.0),
        ("b", 2.5, 3.0, 1.0),
        ("c", 3.0, 3.5, 1.0),
        ("d", 2.8, 3.2, 1.0),
        ("e", 4.9, 5.5, 1.0),
    ]
    assert [(start_s, end_s) for _, start_s, end_s, _ in at_their_place(heard, stretches)] == [
        (1.5, 2.0),
        (3.5, 4.0),
        (10.0, 10.5),
        (pytest.approx(3.8), pytest.approx(10.2)),
        (pytest.approx(11.9), pytest.approx(12.5)),  # past the end: left for the unit's own end to stop
    ]


@given(silences(), st.floats(24, 30))
def test_what_is_worth_hearing_has_all_the_speech(silent: list[Span], duration_s: float) -> None:
    stretches = worth_hearing(silent, duration_s)
    assert all(before.end_s <= after.start_s for before, after in pairwise(stretches))
    for at_s in (step / 10 for step in range(240)):
        if not any(each.start_s <= at_s <= each.end_s for each in silent):
            assert any(each.start_s <= at_s <= each.end_s for each in stretches)


@pytest.mark.parametrize(
    ("word", "silent", "is_kept"),
    [
        ((" So", 1.6, 2.4, 0.43), [span(0.0, 1.9), span(2.4, 20.0)], False),  # a knock, far from all speech
        ((" Yes.", 1.9, 2.4, 0.93), [span(0.0, 1.9), span(2.4, 20.0)], True),
        ((" so", 1.9, 2.4, 0.43), [span(0.0, 1.9), span(2.4, 2.9)], True),  # somebody goes on speaking
        ((" so", 0.1, 0.4, 0.43), [span(0.4, 20.0)], True),  # what was before this unit is not known
        ((" so", 1.9, 3.4, 0.43), [span(0.0, 1.9), span(3.4, 20.0)], True),  # too long for a knock
        ((" so", 2.3, 4.7, 0.43), [span(0.0, 1.9), span(2.4, 4.4)], True),  # said after the knock, heard from it on
    ],
)
def test_a_guess_at_a_lonely_sound_is_left_out(word: HeardWord, silent: list[Span], is_kept: bool) -> None:
    assert without_guesses([word, (" and", 22.0, 22.2, 0.2)], silent) == [
        *([word] if is_kept else []),
        (" and", 22.0, 22.2, 0.2),
    ]


def test_a_lonely_sound_with_a_clear_word_keeps_its_others() -> None:
    heard = [(" Oh,", 2.0, 2.2, 0.3), (" yes.", 2.2, 2.6, 0.9)]
    assert without_guesses(heard, [span(0.0, 1.9), span(2.7, 20.0)]) == heard
