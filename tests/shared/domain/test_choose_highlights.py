"""Which candidates are chosen: lengths, variety, no overlap."""

import itertools

import pytest

from shared.domain.choose_highlights import choose_highlights
from shared.domain.clip_lengths import ClipLengths
from shared.domain.highlight import Highlight
from shared.domain.shortening import Material
from shared.domain.span import span

ANY = ClipLengths()
NOTHING = Material()


def candidate(start_s: float, end_s: float, score: float) -> Highlight:
    return Highlight(span=span(start_s, end_s), score=score, reasons=("movement",))


THREE = (candidate(0, 10, 0.2), candidate(20, 30, 0.9), candidate(40, 50, 0.5))


def chosen(
    *candidates: Highlight,
    target_s: float | None = None,
    lengths: ClipLengths = ANY,
    material: Material = NOTHING,
) -> list[tuple[float, float]]:
    found = choose_highlights(candidates, target_s=target_s, lengths=lengths, material=material)
    return [(each.span.start_s, each.span.end_s) for each in found if each.is_chosen]


def test_without_a_target_everything_found_is_kept() -> None:
    assert chosen(*THREE) == [(0, 10), (20, 30), (40, 50)]


def test_a_target_takes_the_best_first_and_shows_them_in_order_of_time() -> None:
    assert chosen(*THREE, target_s=20) == [(20, 30), (40, 50)]


def test_the_clip_that_would_exceed_the_target_is_cut() -> None:
    assert chosen(*THREE, target_s=15) == [(20, 30), (40, 45)]


def test_one_that_cannot_be_shortened_leaves_its_room_to_the_next() -> None:
    one_sentence = Material(sentences=(span(41, 49),))
    assert chosen(*THREE, candidate(60, 64, 0.3), target_s=14.5, material=one_sentence) == [(20, 30), (60, 64)]


def test_a_remainder_too_short_to_follow_is_left_out() -> None:
    assert chosen(*THREE, target_s=11) == [(20, 30)]


def test_a_few_seconds_left_lengthen_what_is_shown_rather_than_flash_something_longer() -> None:
    long, other = candidate(0, 30, 0.6), candidate(100, 110, 0.6)
    assert chosen(long, other, candidate(60, 70, 0.5), target_s=27) == [(0, 17), (100, 110)]
    assert chosen(long, other, candidate(60, 63, 0.5), target_s=27) == [(0, 14), (60, 63), (100, 110)]


def test_a_question_is_not_shown_without_its_answer_while_something_else_fits() -> None:
    sentences = (span(0.5, 2.5), span(2.6, 9.5), span(40.5, 45.5))
    said = Material(sentences=sentences, exchanges=(span(0.5, 9.5),))
    asked, other = candidate(0, 10, 0.9), candidate(40, 46, 0.4)
    assert chosen(asked, other, target_s=9, material=said) == [(40, 46)]
    assert chosen(asked, other, target_s=16, material=said) == [(0, 10), (40, 46)]
    assert len(chosen(asked, target_s=9, material=said)) == 1, "its answer rather than nothing"


def test_a_keyword_in_a_sentence_too_long_to_be_shown_is_shown_between_words() -> None:
    words = tuple(span(0.5 + t / 2, 1 + t / 2) for t in range(24))  # a sentence of 12 s
    said = Material(sentences=(span(0.5, 12.5), span(40.5, 45.5)), words=words, asked_for=(span(10.0, 10.5),))
    asked, other = candidate(0, 13, 0.9), candidate(40, 46, 0.5)
    assert chosen(asked, other, lengths=ClipLengths(longest_s=8), material=said) == [(5, 13), (40, 46)]
    assert chosen(asked, other, target_s=8, material=said) == [(5, 13)]
    assert chosen(asked, other, target_s=20, material=said) == [(0, 13), (40, 46)], "whole where it fits"
    assert chosen(asked, other, target_s=12.9, material=said) == [(0.2, 13)], "and a little more"


def test_no_clip_is_longer_than_asked_with_a_target_or_without() -> None:
    shown = [(0, 4), (20, 24), (40, 44)]
    lengths = ClipLengths(longest_s=4)
    assert chosen(*THREE, lengths=lengths) == shown
    assert chosen(*THREE, lengths=lengths, target_s=100) == shown


def test_clips_that_touch_are_one_clip_and_no_longer_than_asked() -> None:
    talk = (candidate(0, 7, 0.5), candidate(7, 14, 0.9), candidate(14, 21, 0.4), candidate(21, 28, 0.6))
    lengths = ClipLengths(longest_s=8)
    assert chosen(*talk, lengths=lengths) == [(7, 14), (21, 28)]
    assert chosen(*talk, lengths=lengths, target_s=100) == [(7, 14), (21, 28)]
    assert chosen(*talk) == [(0, 7), (7, 14), (14, 21), (21, 28)], "nobody asked for short ones"
    short = (candidate(0, 3, 0.5), candidate(3, 6, 0.9), candidate(6.0005, 9, 0.4))
    assert chosen(*short, lengths=lengths) == [(0, 3), (3, 6)]
    assert chosen(*short, lengths=ClipLengths(longest_s=9)) == [(0, 3), (3, 6), (6.0005, 9)]


def test_clips_that_touch_take_no_more_of_the_target_than_one_may_before_others_had_their_turn() -> None:
    beside = (candidate(0, 8, 0.9), candidate(8, 16, 0.85))
    assert chosen(*beside, candidate(20, 28, 0.78), target_s=20) == [(0, 8), (20, 28)]
    assert chosen(*beside, candidate(20, 28, 0.1), target_s=20) == [(0, 8), (8, 16), (20, 24)]
    assert chosen(*beside, candidate(20, 22, 0.78), target_s=20) == [(0, 8), (8, 16), (20, 22)], "and then it may"


def test_what_is_too_short_is_left_out_unless_there_is_nothing_else() -> None:
    short = (candidate(0, 3, 0.9), candidate(10, 13, 0.8))
    lengths = ClipLengths(shortest_s=5)
    assert chosen(*short, candidate(20, 26, 0.1), lengths=lengths) == [(20, 26)]
    assert chosen(*short, lengths=lengths) == [(0, 3), (10, 13)]


def test_where_nothing_fits_it_is_the_beginning_of_the_best_between_two_words() -> None:
    said = Material(sentences=(span(20, 30),), words=(span(20, 22), span(22, 25), span(25, 30)))
    assert chosen(THREE[1], target_s=4, material=said) == [(20, 22)]
    assert chosen(THREE[1], target_s=1) == [(20, 21)]


def test_of_candidates_nearly_as_good_those_elsewhere_are_taken() -> None:
    stretch = [candidate(10 * n, 10 * n + 8, 0.6) for n in range(5)]
    elsewhere = [candidate(300, 308, 0.55), candidate(600, 608, 0.5)]
    assert chosen(*stretch, *elsewhere, target_s=24) == [(0, 8), (300, 308), (600, 608)]


def test_variety_does_not_take_what_is_much_worse() -> None:
    stretch = [candidate(10 * n, 10 * n + 8, 0.8) for n in range(5)]
    kept = chosen(*stretch, candidate(600, 608, 0.3), target_s=24)
    assert len(kept) == 3 and max(end_s for _, end_s in kept) < 50


def test_one_long_candidate_does_not_take_the_whole_target_from_one_nearly_as_good() -> None:
    assert chosen(candidate(0, 60, 0.6), candidate(100, 108, 0.5), target_s=40) == [(0, 32), (100, 108)]
    assert chosen(candidate(0, 60, 0.6), candidate(100, 108, 0.2), target_s=40) == [(0, 40)]


def test_what_overlaps_is_shown_once() -> None:
    assert chosen(candidate(0, 10, 0.5), candidate(5, 15, 0.6)) == [(5, 15)]
    assert chosen(candidate(0, 10, 0.5), candidate(5, 15, 0.6), target_s=20) == [(5, 15)]


@pytest.mark.parametrize("target_s", [None, 12])
def test_the_order_in_which_candidates_come_does_not_matter(target_s: float | None) -> None:
    equals = (*THREE, candidate(0, 10, 0.2), candidate(70, 80, 0.5))
    choices = {tuple(chosen(*order, target_s=target_s)) for order in itertools.permutations(equals)}
    assert len(choices) == 1


def test_nothing_comes_of_nothing() -> None:
    assert choose_highlights([], target_s=10, lengths=ANY, material=NOTHING) == ()
