import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.body_speed import (
    FASTEST,
    LOOKED_EVERY_S,
    STIRRED,
    TO_AND_FRO,
    Way,
    credible,
    likelier,
    shows_who_moves,
    speed_between,
)
from shared.domain.box import Box
from shared.domain.camera import Camera
from shared.domain.pose import Body, Keypoint, PoseSample
from tests.bodies import standing, upside_down

WIDE = 16 / 9
TURNING = Camera(x=0.03, y=-0.02, turn=0.01, zoom=0.01)


def seen(body: Body | None, *, t_s: float = 0.0, stir: float = 1.0, regions: tuple[Box, ...] = ()) -> PoseSample:
    index = round(t_s * 8)
    return PoseSample(index=index, shown_s=t_s, body=body, stir=stir, regions=regions, is_looked_at=True)


def through(cameras: list[Camera], body: Body) -> Body:
    """Return where a body at rest is seen after the camera's movements."""
    joints = list(body.joints)
    for camera in cameras:
        moved = [camera.moved(each.x, each.y) for each in joints]
        joints = [Keypoint(x=x, y=y, visibility=0.9) for x, y in moved]
    return Body(joints=tuple(joints))


def test_speed_is_in_body_heights_per_second_at_any_distance() -> None:
    for size in (1.0, 0.3, 0.1):
        tall = standing(size=size).height
        after = seen(standing(size=size, x=0.5 * tall * 0.25), t_s=0.25)
        assert speed_between(seen(standing(size=size)), after, []) == pytest.approx(0.5)


def test_time_is_when_the_frames_came_on_screen() -> None:
    late = replace(seen(standing(x=0.1), t_s=0.25), shown_s=0.1)
    on_time = seen(standing(x=0.1), t_s=0.25)
    fast, slow = (speed_between(seen(standing()), each, []) for each in (late, on_time))
    assert fast is not None and slow is not None and fast > slow
    assert speed_between(on_time, on_time, []) is None, "no time passes"


def test_who_moves_with_the_camera_alone_does_not_move() -> None:
    for cameras in ([Camera(x=0.05)] * 2, [Camera(turn=0.02)] * 2, [Camera(zoom=-0.02)] * 2, [TURNING] * 8):
        before, after = seen(standing()), seen(through(cameras, standing()), t_s=len(cameras) / 8)
        assert speed_between(before, after, cameras) == pytest.approx(0, abs=1e-9)
        assert speed_between(before, after, []) != pytest.approx(0, abs=0.05)


def test_who_keeps_up_with_a_pan_moves() -> None:
    speed = speed_between(seen(standing()), seen(standing(), t_s=0.25), [Camera(x=-0.05)] * 2)
    assert speed == pytest.approx(0.1 / standing().height / 0.25, rel=0.05)


def test_a_camera_fitted_a_little_wrongly_moves_nobody() -> None:
    before, after = seen(standing(size=0.1)), seen(standing(size=0.1), t_s=0.25)
    assert speed_between(before, after, [Camera(x=0.001), Camera(x=0.001)]) == 0


@given(st.lists(st.tuples(st.floats(-0.02, 0.02), st.floats(-0.02, 0.02)), min_size=13, max_size=13))
def test_the_trembling_joints_of_a_body_at_rest_count_nothing(tremble: list[tuple[float, float]]) -> None:
    shaken = Body(
        joints=tuple(
            replace(joint, x=joint.x + x, y=joint.y + y)
            for joint, (x, y) in zip(standing().joints, tremble, strict=True)
        )
    )
    assert speed_between(seen(standing(), stir=0), seen(shaken, t_s=0.25, stir=0), []) == 0


def test_the_less_of_the_body_stirs_the_less_its_speed_counts() -> None:
    def speed(before: float, after: float) -> float:
        found = speed_between(seen(standing(), stir=before), seen(standing(x=0.1), t_s=0.25, stir=after), [])
        assert found is not None
        return found

    whole = speed(STIRRED, STIRRED)
    assert speed(1, 1) == whole, "enough is enough"
    assert speed(STIRRED / 2, STIRRED / 2) == pytest.approx(whole / 2)
    assert speed(0, STIRRED) == speed(STIRRED, 0) == whole, "one of the two ends will do: it has just begun or ended"


def test_two_people_far_apart_are_not_one_fast_body() -> None:
    assert speed_between(seen(standing(size=0.2)), seen(standing(x=1.5, size=0.2), t_s=0.25), []) is None


def test_no_speed_comes_of_a_body_the_model_only_guesses() -> None:
    for one, other in ((None, standing()), (standing(), None), (standing(visibility=0.3), standing())):
        assert speed_between(seen(one), seen(other, t_s=0.25), []) is None


def test_slow_movement_in_place_is_judged_alike_however_far_apart_the_looks_are() -> None:
    """Arms that go to and fro get as far as chance takes them: with the root of the time."""

    def speed(seconds: float) -> float:
        way = 0.04 * math.sqrt(seconds / LOOKED_EVERY_S)
        found = speed_between(seen(standing()), seen(standing(x=way), t_s=seconds), [])
        assert found is not None
        return found

    assert speed(1.0) == pytest.approx(speed(0.25)) == pytest.approx(speed(0.5))


@given(st.floats(-1, 1), st.floats(-1, 1), st.floats(0.1, 1), st.floats(0, 1), st.sampled_from([0.25, 0.5, 1.0]))
def test_a_speed_is_never_negative_nor_faster_than_any_body(
    x: float, y: float, size: float, stir: float, seconds: float
) -> None:
    after = seen(standing(x=x, y=y, size=size), t_s=seconds, stir=stir)
    speed = speed_between(seen(standing(size=size)), after, [TURNING] * round(8 * seconds))
    assert speed is None or 0 <= speed <= FASTEST * math.sqrt(seconds / LOOKED_EVERY_S)


def way(x: float, *, y: float = 0.0, seconds: float = 1.0, stirred: float = 0.6) -> Way:
    """Return a way so many body heights to the right and down."""
    straight = math.hypot(x, y) / seconds
    return Way(seconds=seconds, straight=straight, net=(x, y), stirred=stirred, counts=1.0)


def test_who_keeps_his_direction_is_told_as_fast_as_looks_show() -> None:
    for goes in (0.3, 1.0, 2.0):
        assert way(goes).told([way(goes), way(0.8 * goes, y=0.3 * goes)]) == pytest.approx(goes)
        assert way(goes).told([]) == pytest.approx(goes)


def test_who_turns_back_is_told_by_how_much_of_him_changes() -> None:
    told = [way(0.24, stirred=stirred).told([way(-0.24)]) for stirred in (0.1, 0.3, 0.4, 0.9)]
    assert told == pytest.approx([TO_AND_FRO, 0.3, 0.4, 0.48]), "no faster than by the root of the time"
    assert way(0.1).told([way(-0.15, seconds=0.25)]) == pytest.approx(0.6), "and no slower than beside, as far as seen"
    assert way(0.24).told([way(-0.02)]) == TO_AND_FRO, "so short a way has no direction"


@given(st.floats(-2, 2), st.floats(-2, 2), st.floats(0.25, 2), st.floats(0, 1), st.lists(st.floats(-2, 2), max_size=2))
def test_what_is_told_lies_between_what_decides_and_what_is_seen(
    x: float, y: float, seconds: float, stirred: float, beside: list[float]
) -> None:
    one = way(x, y=y, seconds=seconds, stirred=stirred)
    assert one.decides <= one.told([way(each) for each in beside]) <= max(one.decides, stirred)


def test_limbs_are_told_to_go_no_farther_than_they_reach() -> None:
    flipped = Way(seconds=1.0, straight=0.6, net=(0.05, 0.0), stirred=0.1, counts=1.0)
    assert flipped.decides == 0.6
    assert flipped.told([]) == pytest.approx(0.25)


def test_an_arm_reaching_in_is_not_a_body_on_its_head() -> None:
    assert credible(upside_down(standing(visibility=0.7))) is None
    assert credible(standing(visibility=0.7)) is not None
    assert credible(upside_down(standing(visibility=0.95))) is not None, "an acrobat in full view counts"
    assert credible(None) is None


def test_of_two_looks_the_one_at_who_moves_is_kept() -> None:
    rests, moves = seen(standing(), stir=0.0), seen(standing(visibility=0.6), stir=0.3)
    assert likelier(rests, moves) == likelier(moves, rests) == moves
    guessed = seen(standing(visibility=0.3), stir=0.9)
    assert likelier(guessed, rests) == likelier(rests, guessed) == rests
    assert likelier(seen(None), guessed) == guessed
    assert likelier(rests, seen(standing(x=0.5), stir=0.0)) == rests, "the first where they are alike"


def test_a_look_is_enough_when_the_body_is_where_something_moves() -> None:
    beside = Box(left=0.9, top=0.4, right=0.95, bottom=0.5)
    assert shows_who_moves(seen(standing(), stir=0.2, regions=(standing().box(WIDE),)), WIDE)
    assert shows_who_moves(seen(standing(), stir=0.0), WIDE), "nothing moves that it could miss"
    assert not shows_who_moves(seen(standing(), stir=0.0, regions=(beside,)), WIDE)
    assert not shows_who_moves(seen(standing(visibility=0.3), stir=1.0), WIDE)
    assert not shows_who_moves(seen(None), WIDE)
