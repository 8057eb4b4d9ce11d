import itertools

from hypothesis import given
from hypothesis import strategies as st

from shared.domain.span import Span, join_near, longer_than, meet, meeting, overlap_s, padded, span, total_s

times = st.integers(0, 400).map(lambda quarter: quarter / 4)
spans = st.lists(st.tuples(times, times).map(lambda pair: span(min(pair), max(pair))), max_size=12)


def seconds_in(found: tuple[Span, ...] | list[Span]) -> set[float]:
    """Return the quarter seconds that lie inside any of the spans."""
    return {q / 4 for q in range(0, 401) if any(s.start_s <= q / 4 < s.end_s for s in found)}


@given(spans)
def test_joining_covers_the_same_seconds_once(found: list[Span]) -> None:
    joined = join_near(found)
    assert seconds_in(joined) == seconds_in(found)
    assert all(one.end_s < other.start_s for one, other in itertools.pairwise(joined))


def test_spans_no_further_apart_than_the_gap_become_one() -> None:
    assert join_near([span(5, 6), span(0, 2), span(3, 4)], gap_s=1.0) == (span(0, 6),)
    assert join_near([span(0, 2), span(3.5, 4)], gap_s=1.0) == (span(0, 2), span(3.5, 4))


@given(spans, st.floats(0, 5), st.floats(0, 5))
def test_padding_stays_within_the_source_and_loses_nothing(found: list[Span], before: float, after: float) -> None:
    whole = span(0, 100)
    widened = padded(found, before_s=before, after_s=after, within=whole)
    assert seconds_in(found) <= seconds_in(widened)
    assert all(0 <= each.start_s < each.end_s <= 100 for each in widened)


def test_padding_is_two_before_and_three_after() -> None:
    assert padded([span(10, 12)], before_s=2, after_s=3, within=span(0, 100)) == (span(8, 15),)
    assert padded([span(1, 2), span(98, 99)], before_s=2, after_s=3, within=span(0, 100)) == (span(0, 5), span(96, 100))


def test_lengths_add_up() -> None:
    assert total_s([span(0, 1), span(5, 7)]) == 3
    assert longer_than([span(0, 1), span(5, 7)], 1.5) == (span(5, 7),)
    assert overlap_s(span(0, 10), [span(2, 4), span(3, 5), span(9, 12)]) == 4


def test_a_span_cannot_end_before_it_starts() -> None:
    import pytest

    with pytest.raises(ValueError, match="cannot end before"):
        span(2, 1)


@given(spans, times, times)
def test_those_that_meet_are_found_among_many(found: list[Span], one_s: float, other_s: float) -> None:
    ordered, one = join_near(found), span(min(one_s, other_s), max(one_s, other_s))
    assert list(meeting(one, ordered)) == [each for each in ordered if meet(one, each)]
