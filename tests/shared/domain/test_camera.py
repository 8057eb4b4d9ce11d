import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.camera import STILL, Camera

SMALL = st.floats(-0.2, 0.2)
CAMERAS = st.builds(Camera, x=SMALL, y=SMALL, turn=SMALL, zoom=SMALL)


def test_a_camera_at_rest_leaves_everything_where_it_is() -> None:
    assert STILL.moved(0.3, 0.7) == (0.3, 0.7)
    assert STILL.reach(16 / 9) == 0


def test_a_quarter_turn_is_clockwise_and_about_the_top_left_corner() -> None:
    assert Camera(turn=math.pi / 2).moved(1.0, 0.0) == pytest.approx((0.0, 1.0))


def test_a_zoom_comes_before_the_shift() -> None:
    assert Camera(x=0.1, y=0.2, zoom=1.0).moved(0.5, 1.0) == pytest.approx((1.1, 2.2))


def test_the_reach_is_the_way_of_the_farthest_corner() -> None:
    assert Camera(x=0.3, y=0.4).reach(2.0) == pytest.approx(0.5)
    assert Camera(zoom=0.1).reach(0.75) == pytest.approx(0.125), "0.1 of a diagonal of 1.25"


@given(CAMERAS, st.floats(0, 2), st.floats(0, 1), st.integers(2, 1080))
def test_a_point_goes_where_the_matrix_takes_its_pixel(camera: Camera, x: float, y: float, height: int) -> None:
    pixel = camera.matrix(height) @ np.array([x * height, y * height, 1.0])
    assert pixel / height == pytest.approx(camera.moved(x, y), abs=1e-5)


@given(CAMERAS, st.integers(2, 1080))
def test_a_camera_is_what_its_matrix_says(camera: Camera, height: int) -> None:
    again = Camera.from_matrix(camera.matrix(height).astype(np.float64), height=height)
    for one, other in zip((again.x, again.y, again.turn, again.zoom),
                          (camera.x, camera.y, camera.turn, camera.zoom), strict=True):  # fmt: skip
        assert one == pytest.approx(other, abs=1e-5)


@given(CAMERAS, st.floats(0.5, 2), st.floats(0, 1), st.floats(0, 1))
def test_nothing_in_the_picture_gets_farther_than_the_reach(camera: Camera, aspect: float, x: float, y: float) -> None:
    assert math.dist((x * aspect, y), camera.moved(x * aspect, y)) <= camera.reach(aspect) + 1e-9


def test_what_is_stored_is_off_by_less_than_a_hundredth_of_a_pixel_of_the_small_picture() -> None:
    camera = Camera(x=1 / 7, y=1 / 7, turn=1 / 70, zoom=1 / 70)
    for corner in ((0.0, 0.0), (16 / 9, 0.0), (0.0, 1.0), (16 / 9, 1.0)):
        assert math.dist(camera.moved(*corner), camera.rounded.moved(*corner)) < 0.01 / 108
