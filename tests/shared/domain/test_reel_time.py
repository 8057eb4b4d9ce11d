import itertools
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.edit_list import Clip, EditList, Join, JoinKind
from shared.domain.reel_time import lay_out, reel_words, shown_clips, to_reel
from shared.domain.span import Span, span
from shared.domain.transcript import Word

TEN = Fraction(10)
RATES = (Fraction(10), Fraction(25), Fraction(30000, 1001), Fraction(60))
stretches = st.tuples(st.floats(0, 1000), st.floats(0.2, 40)).map(lambda pair: span(pair[0], pair[0] + pair[1]))


def edit(*spans: Span, render: str = "encode") -> EditList:
    clips = tuple(Clip(wanted=each, actual=each, score=1.0, reasons=()) for each in spans)
    return EditList(render=render, clips=clips)  # type: ignore[arg-type]


edits = st.builds(
    lambda spans, render: edit(*spans, render=render),
    st.lists(stretches, min_size=1, max_size=6),
    st.sampled_from(("encode", "copy")),
)


def word(text: str, start_s: float, end_s: float) -> Word:
    return Word(text=text, start_s=start_s, end_s=end_s, confidence=1.0)


def test_a_span_is_found_behind_the_clips_before_it() -> None:
    assert to_reel(span(21, 22), edit(span(0, 5), span(20, 25)), TEN) == (span(6, 7),)


def test_a_span_that_was_cut_away_is_nowhere() -> None:
    assert to_reel(span(10, 12), edit(span(0, 5), span(20, 25)), TEN) == ()


def test_a_clip_shown_twice_has_the_span_twice() -> None:
    assert to_reel(span(1, 2), edit(span(0, 5), span(0, 5)), TEN) == (span(1, 2), span(6, 7))


def test_clips_out_of_order_are_placed_in_the_order_of_the_reel() -> None:
    assert to_reel(span(4, 22), edit(span(20, 25), span(0, 5)), TEN) == (span(0, 2), span(9, 10))


def test_borders_lie_on_the_grid_and_errors_do_not_add_up() -> None:
    reel = edit(*(span(10 * n, 10 * n + 1.04) for n in range(10)))
    assert [each.frames for each in lay_out(reel, TEN)] == [10, 11, 10, 11, 10, 10, 11, 10, 11, 10]


@given(
    spans=st.lists(stretches, min_size=1, max_size=30),
    kind=st.sampled_from(("cut", "crossfade", "dip")),
    join_s=st.floats(0.1, 5),
    fps=st.sampled_from(RATES),
)
def test_joins_never_drift_and_the_two_of_a_clip_never_meet(
    spans: list[Span], kind: JoinKind, join_s: float, fps: Fraction
) -> None:
    reel = replace(edit(*spans), join=Join(kind=kind, duration_s=join_s))
    laid = lay_out(reel, fps)
    assert all(clip.fade_in + clip.fade_out <= clip.frames for clip in laid)
    for before, clip in itertools.pairwise(laid):
        overlap = before.first_frame + before.frames - clip.first_frame
        assert before.fade_out == clip.fade_in
        assert overlap == (clip.fade_in if kind == "crossfade" else 0)
    assert (laid[0].first_frame, laid[0].fade_in, laid[-1].fade_out) == (0, 0, 0)
    is_tiny = min(each.frames for each in laid) < 2 * join_s * fps  # a join that is cut short by a frame or so
    frames_off = abs(laid[-1].first_frame + laid[-1].frames - reel.duration_s * fps)
    assert frames_off <= (len(laid) if is_tiny else 1.001)


def test_a_cross_fade_shows_two_clips_together_and_makes_the_reel_shorter() -> None:
    reel = replace(edit(span(0, 4), span(10, 13), span(20, 21)), join=Join(kind="crossfade", duration_s=1))
    assert [(each.first_frame, each.frames, each.fade_in) for each in lay_out(reel, TEN)] == [
        (0, 40, 0),
        (30, 30, 10),
        (55, 10, 5),  # at most half of a clip
    ]
    assert reel.duration_s == 6.5


def test_a_dip_to_black_takes_half_its_time_from_each_clip() -> None:
    reel = replace(edit(span(0, 4), span(10, 13)), join=Join(kind="dip", duration_s=1))
    assert [(each.first_frame, each.frames, each.fade_in, each.fade_out) for each in lay_out(reel, TEN)] == [
        (0, 40, 0, 5),
        (40, 30, 5, 0),
    ]


def test_a_copied_reel_has_its_borders_where_the_packets_end() -> None:
    assert [each.reel for each in shown_clips(edit(span(0, 1.04), span(5, 6), render="copy"), TEN)] == [
        span(0, 1.04),
        span(1.04, 2.04),
    ]


def test_a_clip_begins_when_its_first_frame_came_on_screen() -> None:
    reel = edit(span(10.04, 12.04))
    assert to_reel(span(11, 11.5), reel, TEN, lambda _: 10.0) == (span(1, 1.5),)


@given(edits, st.sampled_from(RATES))
def test_the_clips_fill_the_reel_without_gap_or_overlap(reel: EditList, fps: Fraction) -> None:
    places = [each.reel for each in shown_clips(reel, fps)]
    assert places[0].start_s == 0
    assert all(one.end_s == other.start_s for one, other in itertools.pairwise(places))
    assert abs(places[-1].end_s - reel.duration_s) <= float(1 / fps) / 2 + 1e-6


@given(edits, st.sampled_from(RATES), stretches)
def test_a_place_is_as_long_as_the_part_that_is_shown(reel: EditList, fps: Fraction, one: Span) -> None:
    places = to_reel(one, reel, fps)
    shown_s = sum(
        max(0.0, min(one.end_s, clip.actual.end_s) - max(one.start_s, clip.actual.start_s)) for clip in reel.clips
    )
    assert sum(each.duration_s for each in places) == pytest.approx(shown_s, abs=len(reel.clips) / float(fps))
    assert all(one.end_s <= other.start_s for one, other in itertools.pairwise(places))


@given(edits, st.sampled_from(RATES), st.floats(0, 1))
def test_a_moment_keeps_its_distance_from_its_clips_start(reel: EditList, fps: Fraction, share: float) -> None:
    for at in shown_clips(reel, fps):
        t_s = at.source.start_s + share * 0.9 * at.source.duration_s
        places = to_reel(span(t_s, t_s), reel, fps)
        assert at.source.duration_s == 0 or any(
            abs(each.start_s - at.reel.start_s - (t_s - at.source.start_s)) < 1e-6 for each in places
        )


def test_a_word_on_a_border_belongs_to_the_clip_that_has_its_middle() -> None:
    said = [word("one", 4.5, 4.9), word("two", 4.95, 5.3), word("three", 5.4, 6)]
    clips = reel_words(said, edit(span(0, 5), span(5, 10)), TEN)
    assert [[each.text for each in heard] for _, heard in clips] == [["one"], ["two", "three"]]
    assert clips[1][1][0] == word("two", 5.0, 5.3)


@given(edits, st.sampled_from(RATES), st.lists(st.floats(0.05, 1), max_size=30))
def test_words_stay_in_order_and_inside_their_clips(reel: EditList, fps: Fraction, lengths: list[float]) -> None:
    ends = list(itertools.accumulate(lengths))
    said = [word(str(n), end_s - length, end_s) for n, (end_s, length) in enumerate(zip(ends, lengths, strict=True))]
    for place, heard in reel_words(said, reel, fps):
        times = [t for each in heard for t in (each.start_s, each.end_s)]
        assert all(place.start_s <= t <= place.end_s for t in times)
        assert all(each.end_s - each.start_s >= 0.001 for each in heard)
        assert all(later >= earlier - 1e-9 for earlier, later in itertools.pairwise(times))


@pytest.mark.parametrize(("kind", "heard"), [("cut", "ab|cd"), ("dip", "ab|cd"), ("crossfade", "a|d")])
def test_a_word_in_the_half_of_a_cross_fade_that_is_the_other_clips_is_in_neither(kind: JoinKind, heard: str) -> None:
    said = [word("a", 3.0, 3.6), word("b", 4.6, 4.9), word("c", 10.1, 10.4), word("d", 10.6, 11.0)]
    reel = replace(edit(span(0, 5), span(10, 15)), join=Join(kind=kind, duration_s=1))
    assert "|".join("".join(each.text for each in words) for _, words in reel_words(said, reel, TEN)) == heard


def test_a_word_over_the_middle_of_a_cross_fade_is_cut_where_the_other_clip_is_heard_more() -> None:
    said = [word("before", 4.3, 4.6), word("after", 10.4, 11.0)]
    reel = replace(edit(span(0, 5), span(10, 15)), join=Join(kind="crossfade", duration_s=1))
    clips = reel_words(said, reel, TEN)
    assert [place for place, _ in clips] == [span(0, 4.5), span(4.5, 9)]
    assert [words for _, words in clips] == [(word("before", 4.3, 4.5),), (word("after", 4.5, 5.0),)]


def test_a_word_of_which_the_grid_leaves_nothing_is_left_out() -> None:
    (clip,) = reel_words([word("gone", 1.01, 1.03)], edit(span(0, 1.04)), TEN)
    assert clip == (span(0, 1.0), ())
