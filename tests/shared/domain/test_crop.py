import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.domain.box import Box
from shared.domain.crop import PixelBox, around, around_body, around_closely, crops_to_try, travels
from shared.domain.pose import Body
from tests.bodies import standing
from tests.shared.domain.test_box import boxes

SIZE = {"width": 1600, "height": 900}
BODIES = st.builds(standing, x=st.floats(-1, 2), y=st.floats(-1, 1), size=st.floats(0.01, 1.5))


def at(x: float, y: float = 0.5, *, side: float = 0.05) -> Box:
    """Return a small box around a point."""
    return Box(left=x - side / 2, top=y - side / 2, right=x + side / 2, bottom=y + side / 2)


def side(crop: PixelBox) -> int:
    return max(crop[2] - crop[0], crop[3] - crop[1])


def holds(crop: PixelBox, box: Box) -> bool:
    return (
        crop[0] <= box.left * SIZE["width"]
        and crop[1] <= box.top * SIZE["height"]
        and box.right * SIZE["width"] <= crop[2]
        and box.bottom * SIZE["height"] <= crop[3]
    )


def test_the_crop_holds_the_region_with_room_and_stays_in_the_picture() -> None:
    assert around([Box(left=0.4, top=0.4, right=0.6, bottom=0.6)], width=1000, height=1000) == (325, 325, 675, 675)
    assert around([Box(left=0.9, top=0.9, right=1.0, bottom=1.0)], width=1000, height=500) == (862, 387, 1000, 500)
    with pytest.raises(ValueError):
        around([], width=1000, height=1000)
    assert around([Box(left=0, top=0, right=1, bottom=1)], width=1, height=1) == (0, 0, 1, 1)


def test_where_nothing_moves_there_is_nothing_to_look_at() -> None:
    assert crops_to_try([], None, **SIZE) == ()
    assert crops_to_try([(), (), ()], standing(), **SIZE) == ()


def test_what_ends_up_beside_where_it_began_travels() -> None:
    assert travels([at(0.2), at(0.25), at(0.3)])
    assert travels([at(0.5, 0.2), at(0.5, 0.3)])


def test_what_stirs_in_its_place_does_not_travel() -> None:
    assert not travels([at(0.2), at(0.21), at(0.2)])
    assert not travels([at(0.2), at(0.9), at(0.2)]), "there and back"
    assert not travels([at(0.2)])


def test_who_travels_is_looked_for_closely_where_he_is_now() -> None:
    regions = [[at(x)] for x in (0.2, 0.25, 0.3, 0.35, 0.4)]
    first, second = crops_to_try(regions, None, **SIZE)
    assert holds(first, at(0.3))
    assert not holds(first, at(0.2)) and not holds(first, at(0.4))
    assert all(holds(second, each[0]) for each in regions), "then in all the way he went"
    assert side(first) < side(second)


def test_who_stirs_in_his_place_is_looked_for_in_all_that_moved() -> None:
    regions = [[at(0.5, 0.48)], [], [at(0.5, 0.52)], [at(0.51, 0.49)]]
    (only,) = crops_to_try(regions, None, **SIZE)
    assert all(holds(only, box) for each in regions for box in each)


def test_a_known_body_that_moves_itself_is_looked_at_first() -> None:
    known = standing(x=0.6, y=0.4, size=0.3)
    middle = known.box(16 / 9)
    moving = at((middle.left + middle.right) / 2, (middle.top + middle.bottom) / 2, side=0.02)
    assert crops_to_try([[moving]] * 5, known, **SIZE)[0] == around_body(known, **SIZE)


def test_a_known_body_beside_what_moves_is_not_looked_at() -> None:
    known = standing(x=0.0, y=0.2, size=0.3)
    moving = at(0.8)
    crops = crops_to_try([[moving]] * 5, known, **SIZE)
    assert around_body(known, **SIZE) not in crops
    assert holds(crops[0], moving)


def test_who_walks_past_a_known_body_is_looked_for_and_so_is_the_body() -> None:
    known = standing(x=0.6, y=0.2, size=0.6)
    edge = known.box(16 / 9).right
    moving = Box(left=edge - 0.02, top=0.4, right=edge + 0.15, bottom=0.6)
    crops = crops_to_try([[moving]] * 5, known, **SIZE)
    assert around_body(known, **SIZE) in crops
    assert any(holds(crop, moving) for crop in crops)


def test_a_close_crop_holds_little_more_than_the_region() -> None:
    region = Box(left=0.4, top=0.4, right=0.6, bottom=0.8)
    close, wide = around_closely(region, **SIZE), around([region], **SIZE)
    assert holds(close, region)
    assert side(close) < 1.2 * 0.4 * 900 < side(wide)


def test_where_two_things_move_the_smaller_one_is_looked_at_too() -> None:
    first, second = crops_to_try([[at(0.2, side=0.1), at(0.8)]] * 5, None, **SIZE)
    assert holds(first, at(0.2, side=0.1)) and not holds(first, at(0.8))
    assert holds(second, at(0.8))


REGIONS = st.lists(st.lists(boxes(), max_size=3), max_size=5)


@settings(max_examples=200)
@given(REGIONS, st.none() | BODIES, st.integers(1, 4000), st.integers(1, 4000))
def test_crops_lie_in_the_picture_and_are_never_empty(
    regions: list[list[Box]], known: Body | None, width: int, height: int
) -> None:
    crops = crops_to_try(regions, known, width=width, height=height)
    assert len(set(crops)) == len(crops) <= 3
    assert bool(crops) == any(regions)
    for left, top, right, bottom in crops:
        assert 0 <= left < right <= width
        assert 0 <= top < bottom <= height


@given(boxes(), st.integers(1, 3), st.integers(1, 3))
def test_crops_of_tiny_pictures_are_never_empty(region: Box, width: int, height: int) -> None:
    for left, top, right, bottom in crops_to_try([[region]], standing(), width=width, height=height):
        assert 0 <= left < right <= width
        assert 0 <= top < bottom <= height
