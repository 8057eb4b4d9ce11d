from hypothesis import given
from hypothesis import strategies as st

from shared.domain.edit_list import EditList, Join
from shared.domain.highlight import Highlight
from shared.domain.render_plan import EARLIER_S, LATER_S, lead_in_before, plan_render, snap
from shared.domain.span import span

EVERY_SECOND = [float(second) for second in range(60)]


def highlight(start_s: float, end_s: float) -> Highlight:
    return Highlight(span=span(start_s, end_s), score=0.5, reasons=("movement",), is_chosen=True)


def plan(
    *chosen: Highlight,
    render: str = "auto",
    why_not: str | None = None,
    keyframes: list[float] = EVERY_SECOND,
    may_repeat: bool = False,
) -> EditList:
    return plan_render(
        chosen,
        render=render,  # type: ignore[arg-type]
        why_not_copy=why_not,
        keyframes_s=keyframes,
        duration_s=60.0,
        lead_in_s=2.0,
        may_repeat=may_repeat,
    )


def actual(edit: EditList) -> list[tuple[float, float]]:
    return [(clip.actual.start_s, clip.actual.end_s) for clip in edit.clips]


def test_a_keyframe_s_time_that_was_rounded_is_still_the_keyframe() -> None:
    keyframes_s = [n * 10 / 24 for n in range(10)]
    for first, beyond in [(2, 4), (1, 5)]:  # 0.8333 and 1.6667, 0.4167 and 2.0833: down and up, up and down
        wanted = span(round(keyframes_s[first], 4), round(keyframes_s[beyond], 4))
        actual = snap(wanted, keyframes_s, duration_s=5.0, lead_in_s=0.0)
        assert actual == span(keyframes_s[first], keyframes_s[beyond])


def test_encoding_shows_exactly_what_is_wanted() -> None:
    edit = plan(highlight(10.4, 20.7), render="encode")
    assert (edit.render, actual(edit), edit.why_not_copied) == ("encode", [(10.4, 20.7)], None)


def test_copying_widens_a_clip_to_the_keyframes_around_it() -> None:
    edit = plan(highlight(10.4, 20.7))
    assert (edit.render, actual(edit)) == ("copy", [(10.0, 21.0)])
    assert edit.clips[0].wanted == span(10.4, 20.7)


def test_a_clip_on_keyframes_stays_as_it_is() -> None:
    assert actual(plan(highlight(10.0, 20.0))) == [(10.0, 20.0)]


def test_clips_that_keyframes_would_make_a_longer_one_than_asked_are_encoded() -> None:
    beside = (highlight(10.4, 18.0), highlight(18.5, 26.0))
    keyframes_s = [float(at) for at in range(0, 60, 2)]

    def planned(longest_s: float | None) -> EditList:
        return plan_render(
            beside, render="copy", why_not_copy=None, keyframes_s=keyframes_s, duration_s=60.0, longest_s=longest_s
        )

    assert actual(planned(None)) == actual(planned(13)) == [(10.0, 26.0)]
    assert actual(planned(8)) == [(10.4, 18.0), (18.5, 26.0)]
    reason = "cut on keyframes, clips would run into each other and last longer than 8 s"
    assert planned(8).why_not_copied == reason


def test_far_keyframes_send_the_reel_to_the_encoder_with_the_reason() -> None:
    edit = plan(highlight(10.4, 20.7), keyframes=[0.0, 8.0, 16.0, 24.0])
    assert edit.render == "encode"
    assert edit.why_not_copied == "no keyframes near [10.40, 20.70) s"


def test_a_keyframe_inside_the_lead_in_may_begin_a_clip() -> None:
    assert snap(span(10.0, 20.0), [0.0, 11.5, 20.0], duration_s=60, lead_in_s=2.0) == span(11.5, 20.0)
    assert snap(span(10.0, 20.0), [0.0, 12.5, 20.0], duration_s=60, lead_in_s=2.0) is None


def test_a_border_in_milliseconds_means_the_keyframe_it_was_rounded_from() -> None:
    keyframes_s = [1.0676, 3.0031, 4.5045]
    assert snap(span(3.003, 4.505), keyframes_s, duration_s=60, lead_in_s=0) == span(3.0031, 4.5045)


def test_the_sources_end_ends_a_clip_like_a_keyframe() -> None:
    assert actual(plan(highlight(50.0, 59.5))) == [(50.0, 60.0)]


def test_a_source_that_cannot_be_copied_is_encoded_even_when_copying_was_asked_for() -> None:
    edit = plan(highlight(10.0, 20.0), render="copy", why_not="HEVC is not copied")
    assert (edit.render, edit.why_not_copied) == ("encode", "HEVC is not copied")


def test_clips_that_the_keyframes_made_overlap_become_one() -> None:
    edit = plan(highlight(10.0, 14.5), highlight(14.8, 20.0))
    assert actual(edit) == [(10.0, 20.0)]
    assert edit.clips[0].wanted == span(10.0, 20.0)


@given(st.floats(0, 58), st.floats(0.5, 30), st.lists(st.floats(0, 60), max_size=40))
def test_a_snapped_clip_stays_near_what_was_wanted(start_s: float, length_s: float, keyframes: list[float]) -> None:
    wanted = span(start_s, min(60.0, start_s + length_s))
    found = snap(wanted, sorted(keyframes), duration_s=60.0, lead_in_s=2.0)
    if found is not None:
        assert wanted.start_s - EARLIER_S <= found.start_s <= wanted.start_s + 2.0
        assert wanted.end_s - 0.001 <= found.end_s <= wanted.end_s + LATER_S
        assert found.start_s in keyframes


def test_what_is_wanted_twice_is_shown_twice() -> None:
    assert actual(plan(highlight(1, 4), highlight(1, 4), highlight(2, 5), render="encode")) == [(1, 4), (1, 4), (2, 5)]
    assert actual(plan(highlight(1, 4), highlight(2, 5))) == [(1, 4), (2, 5)]


def test_a_cross_fade_sends_the_reel_to_the_encoder_with_the_reason() -> None:
    edit = plan_render(
        (highlight(10, 20), highlight(30, 40)),
        render="copy",
        why_not_copy=None,
        keyframes_s=EVERY_SECOND,
        duration_s=60.0,
        lead_in_s=2.0,
        join=Join(kind="crossfade"),
    )
    assert (edit.render, edit.why_not_copied) == ("encode", "a crossfade is drawn into the picture")


def test_each_highlight_may_have_a_lead_in_of_its_own() -> None:
    edit = plan_render(
        (highlight(10, 20), highlight(30, 40)),
        render="copy",
        why_not_copy=None,
        keyframes_s=[11.5, 20.0, 28.5, 31.5, 40.0],
        duration_s=60.0,
        lead_in_s=[2.0, 0.0],
    )
    assert actual(edit) == [(11.5, 20.0), (28.5, 40.0)]
    without = plan_render(
        (highlight(10, 20),), render="copy", why_not_copy=None, keyframes_s=[11.5, 20.0], duration_s=60.0
    )
    assert without.why_not_copied == "no keyframes near [10.00, 20.00) s"


def test_a_lead_in_lasts_until_something_happens() -> None:
    happening = (span(2, 3), span(12, 14), span(11.5, 13), span(30, 31))
    assert lead_in_before(span(10, 20), happening) == 1.5
    assert lead_in_before(span(12.5, 20), happening) == 0
    assert lead_in_before(span(15, 20), happening) == 0


def test_clips_out_of_order_that_keyframes_would_make_overlap_are_encoded() -> None:
    every_other = [float(second) for second in range(0, 60, 2)]
    best_first = (highlight(21, 25), highlight(40, 44), highlight(17.5, 20.5))
    edit = plan(*best_first, keyframes=every_other)
    assert edit.render == "encode" and edit.why_not_copied is not None and "twice" in edit.why_not_copied
    assert plan(*best_first, keyframes=every_other, may_repeat=True).render == "copy", "whoever gave that order knows"
    assert plan(*sorted(best_first, key=lambda each: each.span), keyframes=every_other).render == "copy"
