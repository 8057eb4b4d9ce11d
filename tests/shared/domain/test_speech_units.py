"""Where speech is cut."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.span import Span, span
from shared.domain.speech_units import MARGIN_S, SPEECH_UNIT_S, border_s, is_found_by_listening, margin
from shared.domain.units import ChunkPlan, plan_chunks

durations = st.floats(0.05, 20_000, allow_nan=False)


@st.composite
def silences(draw: st.DrawFn) -> list[Span]:
    times = sorted(draw(st.lists(st.floats(0, 400, allow_nan=False), max_size=60)))
    return [span(a, b) for a, b in zip(times[::2], times[1::2], strict=False)]


def planned(duration_s: float) -> ChunkPlan:
    return plan_chunks(duration_s=duration_s, unit_s=SPEECH_UNIT_S, chunk_s=60, max_tasks=200)


def borders(duration_s: float, silent: list[Span]) -> list[float]:
    plan = planned(duration_s)
    inner = [
        border_s(border, silent, duration_s=duration_s)
        for border in range(plan.units + 1)
        if is_found_by_listening(border, plan)
    ]
    return [0.0, *inner, duration_s]


@given(durations, silences())
def test_units_are_never_longer_than_a_window_and_cover_the_source(duration_s: float, silent: list[Span]) -> None:
    found = borders(duration_s, silent)
    assert len(found) == planned(duration_s).units + 1
    assert all(0 <= before <= after for before, after in pairwise(found))
    assert all(after - before <= 30.0 + 1e-9 for before, after in pairwise(found))


@given(st.floats(100, 400), silences(), silences())
def test_what_happens_outside_a_margin_does_not_move_its_border(
    duration_s: float, silent: list[Span], elsewhere: list[Span]
) -> None:
    around = margin(2, duration_s=duration_s)
    inside = [
        span(max(each.start_s, around.start_s), min(each.end_s, around.end_s))
        for each in silent
        if each.start_s < around.end_s and each.end_s > around.start_s
    ]
    outside = [each for each in elsewhere if each.end_s <= around.start_s or each.start_s >= around.end_s]
    expected = border_s(2, inside, duration_s=duration_s)
    assert border_s(2, sorted([*silent, *outside]), duration_s=duration_s) == expected


@given(silences(), st.integers(1, 12))
def test_a_border_lies_in_the_widest_silence_or_on_the_grid(silent: list[Span], border: int) -> None:
    at_s = border_s(border, silent, duration_s=400)
    around = margin(border, duration_s=400)
    widths = [
        (min(each.end_s, around.end_s) - max(each.start_s, around.start_s), each)
        for each in silent
        if min(each.end_s, around.end_s) > max(each.start_s, around.start_s)
    ]
    if not widths:
        assert at_s == border * SPEECH_UNIT_S
        return
    widest_s = max(width for width, _ in widths)
    assert any(each.start_s <= at_s <= each.end_s for width, each in widths if width == widest_s)


@pytest.mark.parametrize(
    ("silent", "at_s"),
    [
        ([], 24.0),
        ([span(22.0, 22.4), span(25.0, 25.9)], 25.45),
        ([span(10.0, 22.0)], 21.5),  # only what lies in the margin counts
        ([span(21.5, 22.0), span(24.5, 25.0)], 24.75),  # of equals the nearer
        ([span(23.0, 23.5), span(24.5, 25.0)], 23.25),  # of equally near ones the earlier
        ([span(0.0, 60.0)], 24.0),
    ],
)
def test_a_border_is_the_middle_of_the_widest_silence_near_the_grid(silent: list[Span], at_s: float) -> None:
    assert border_s(1, silent, duration_s=60.0) == pytest.approx(at_s)


def test_a_margin_ends_with_the_source() -> None:
    assert margin(1, duration_s=25.0) == span(24.0 - MARGIN_S, 25.0)
    assert margin(2, duration_s=400.0) == span(45.0, 51.0)


def test_silence_after_the_end_does_not_move_a_border_out_of_the_source() -> None:
    assert border_s(1, [span(24.5, 30.0)], duration_s=25.0) == pytest.approx(24.75)
