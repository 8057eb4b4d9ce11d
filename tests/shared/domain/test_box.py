from hypothesis import given
from hypothesis import strategies as st

from shared.domain.box import Box

SHARE = st.floats(0, 1)
MIDDLE = Box(left=0.4, top=0.4, right=0.6, bottom=0.6)


@st.composite
def boxes(draw: st.DrawFn) -> Box:
    left, right = sorted((draw(SHARE), draw(SHARE)))
    top, bottom = sorted((draw(SHARE), draw(SHARE)))
    return Box(left=left, top=top, right=right, bottom=bottom)


def test_the_area_is_a_share_of_the_picture() -> None:
    assert Box(left=0.25, top=0.5, right=0.75, bottom=1.0).area == 0.25
    assert Box(left=0.75, top=0.5, right=0.25, bottom=1.0).area == 0, "turned inside out it covers nothing"


def test_boxes_that_touch_meet_and_boxes_beside_each_other_do_not() -> None:
    assert MIDDLE.meets(Box(left=0.6, top=0.6, right=0.8, bottom=0.8))
    assert not MIDDLE.meets(Box(left=0.61, top=0.4, right=0.8, bottom=0.6))
    assert not MIDDLE.meets(Box(left=0.4, top=0.0, right=0.6, bottom=0.39))


def test_a_box_grows_up_to_the_edges_of_the_picture() -> None:
    assert Box(left=0.25, top=0.0, right=0.5, bottom=1.0).grown(0.25, 0.5) == Box(
        left=0.0, top=0.0, right=0.75, bottom=1.0
    )


def test_a_box_has_a_middle_and_is_told_in_pixels_too() -> None:
    box = Box(left=0.25, top=0.5, right=0.75, bottom=1.0)
    assert box.middle == Box(left=0.5, top=0.75, right=0.5, bottom=0.75)
    assert box.scaled(1600, 900) == Box(left=400, top=450, right=1200, bottom=900)


@given(boxes(), boxes())
def test_meeting_is_mutual_and_what_lies_inside_meets(one: Box, other: Box) -> None:
    assert one.meets(other) == other.meets(one)
    assert one.meets(other) or not one.holds(other)


@given(boxes(), SHARE, SHARE)
def test_a_grown_box_holds_the_box_and_lies_in_the_picture(box: Box, across: float, down: float) -> None:
    grown = box.grown(across, down)
    assert grown.holds(box)
    assert Box(left=0, top=0, right=1, bottom=1).holds(grown)


@given(boxes())
def test_what_is_stored_is_off_by_at_most_half_a_thousandth(box: Box) -> None:
    rounded = box.rounded
    assert abs(rounded.left - box.left) <= 0.00051 and abs(rounded.bottom - box.bottom) <= 0.00051
    assert rounded.rounded == rounded
