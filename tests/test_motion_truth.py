"""The measures by which found movements are judged, on figures one can check in one's head."""

import pytest

from tests.motion_truth import (
    edge_error_sizes,
    edge_errors,
    empty_kept_s,
    event_recall,
    strict_event_recall,
)

EVENTS = [(10.0, 20.0), (30.0, 34.0), (50.0, 60.0)]
FOUND = [(9.5, 20.2), (31.0, 32.5)]


def test_an_event_is_met_by_more_than_three_tenths_and_met_well_by_half() -> None:
    assert event_recall(FOUND, EVENTS) == pytest.approx(2 / 3)
    assert strict_event_recall(FOUND, EVENTS) == pytest.approx(1 / 3)
    assert event_recall([(0.0, 9.0)], []) == strict_event_recall([], []) == 1


def test_edges_are_those_of_the_span_that_overlaps_most() -> None:
    first, second, third = edge_errors([*FOUND, (33.9, 36.0)], EVENTS)
    assert first == pytest.approx((-0.5, 0.2))
    assert second == pytest.approx((1.0, -1.5))
    assert third is None
    assert edge_error_sizes(FOUND, EVENTS) == pytest.approx([0.2, 0.5, 1.0, 1.5])
    assert edge_errors([], EVENTS) == [None, None, None]


def test_only_what_lies_outside_of_every_event_is_kept_for_nothing() -> None:
    assert empty_kept_s(FOUND, EVENTS) == pytest.approx(0.7)
    assert empty_kept_s([(5.0, 65.0)], EVENTS) == pytest.approx(36)
    assert empty_kept_s([(1.0, 2.0)], []) == pytest.approx(1)
