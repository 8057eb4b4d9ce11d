from hypothesis import given
from hypothesis import strategies as st

from shared.domain.highlight import Highlight, Shorten, choose_highlights, fallback_highlight, motion_highlights
from shared.domain.motion import Look
from shared.domain.options import MotionOptions
from shared.domain.pose import PoseSample
from shared.domain.span import Span, span, total_s


def candidate(start_s: float, end_s: float, score: float) -> Highlight:
    return Highlight(span=span(start_s, end_s), score=score, reasons=("movement",))


def from_its_start(whole: Span, at_most_s: float) -> Span:
    return span(whole.start_s, whole.start_s + at_most_s)


THREE = (candidate(0, 10, 0.2), candidate(20, 30, 0.9), candidate(40, 50, 0.5))


def chosen(candidates: tuple[Highlight, ...]) -> list[tuple[float, float]]:
    return [(each.span.start_s, each.span.end_s) for each in candidates if each.is_chosen]


def test_without_a_target_everything_found_is_kept() -> None:
    assert chosen(choose_highlights(THREE, target_s=None, shortened=from_its_start)) == [(0, 10), (20, 30), (40, 50)]


def test_a_target_takes_the_best_first_and_shows_them_in_order_of_time() -> None:
    assert chosen(choose_highlights(THREE, target_s=20, shortened=from_its_start)) == [(20, 30), (40, 50)]


def test_the_clip_that_would_exceed_the_target_is_cut() -> None:
    assert chosen(choose_highlights(THREE, target_s=15, shortened=from_its_start)) == [(20, 30), (40, 45)]


def test_one_that_cannot_be_shortened_leaves_its_room_to_the_next() -> None:
    candidates = (*THREE, candidate(60, 64, 0.1))
    assert chosen(choose_highlights(candidates, target_s=15, shortened=lambda *_: None)) == [(20, 30), (60, 64)]


def test_a_remainder_too_short_to_follow_is_left_out() -> None:
    assert chosen(choose_highlights(THREE, target_s=11, shortened=from_its_start)) == [(20, 30)]


@given(
    st.lists(st.tuples(st.integers(1, 30), st.floats(0, 1)), min_size=1, max_size=8),
    st.one_of(st.none(), st.floats(1, 100)),
    st.sampled_from([from_its_start, lambda _whole, _at_most_s: None]),
)
def test_a_choice_is_never_empty_nor_longer_than_the_target(
    clips: list[tuple[int, float]], target_s: float | None, shortened: Shorten
) -> None:
    candidates = tuple(candidate(100 * n, 100 * n + length, score) for n, (length, score) in enumerate(clips))
    kept = [
        each.span for each in choose_highlights(candidates, target_s=target_s, shortened=shortened) if each.is_chosen
    ]
    assert kept
    assert target_s is None or total_s(kept) <= target_s + 1e-9


def test_a_candidate_has_its_padding_and_the_score_of_its_fastest_moment() -> None:
    looks = [Look(t_s=t, speed=1.0, energy=1.0 if t == 11 else 0.1) for t in range(30)]
    (one,) = motion_highlights([span(10, 12)], looks, MotionOptions(), duration_s=30)
    assert (one.span, one.score) == (span(8, 15), 0.5)


def samples(change_at: dict[int, float], seconds: int) -> list[PoseSample]:
    return [
        PoseSample(index=step, shown_s=step / 8, change=change_at.get(step // 8, 0.0)) for step in range(8 * seconds)
    ]


def test_the_fallback_shows_the_ten_seconds_in_which_most_changes() -> None:
    found = fallback_highlight(samples({31: 0.5, 33: 0.2}, 60), duration_s=60)
    assert found.span.duration_s == 10
    assert found.span.start_s <= 31 and found.span.end_s >= 34
    assert found.is_chosen


def test_the_fallback_of_a_short_source_is_the_source() -> None:
    assert fallback_highlight(samples({}, 4), duration_s=4).span == span(0, 4)


def test_where_nothing_changes_at_all_the_fallback_is_the_beginning() -> None:
    assert fallback_highlight(samples({}, 60), duration_s=60).span == span(0, 10)
    assert fallback_highlight([], duration_s=60).span == span(0, 10)
