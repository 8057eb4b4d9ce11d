import numpy as np
import pytest

from shared.domain.crop import around
from shared.domain.moving_region import Box, GreyPicture, change_between

RANDOM = np.random.default_rng(7)
NOISE = RANDOM.integers(0, 255, (27, 48)).astype(np.float32)


def scene(*, shift: int = 0, patch: tuple[int, int] | None = None) -> GreyPicture:
    """Return a textured picture, 108 × 192, seen by a camera `shift` pixels further left, with a bright patch."""
    wide = np.kron(NOISE, np.ones((4, 6), np.float32))  # 108 × 288
    picture = wide[:, 48 - shift : 240 - shift].copy()
    if patch is not None:
        x, y = patch
        picture[y : y + 16, x : x + 10] = 255 - picture[y : y + 16, x : x + 10]
    return picture.astype(np.uint8)


def test_a_still_picture_has_no_moving_region() -> None:
    change = change_between(scene(), scene())
    assert (change.region, change.share, change.camera_x, change.camera_y) == (None, 0.0, 0.0, 0.0)


def test_what_appears_is_found_where_it_is() -> None:
    region = change_between(scene(), scene(patch=(100, 40))).region
    assert region is not None
    assert region.left < 100 / 192 and region.right > 110 / 192
    assert region.top < 40 / 108 and region.bottom > 56 / 108
    assert region.right - region.left < 0.2


def test_a_pan_is_the_camera_and_nothing_moves() -> None:
    change = change_between(scene(), scene(shift=6))
    assert change.camera_x == pytest.approx(6 / 108, abs=0.01)
    assert change.share < 0.02


def test_somebody_moving_in_a_pan_is_still_found() -> None:
    change = change_between(scene(), scene(shift=6, patch=(100, 40)))
    assert change.region is not None
    assert change.region.left < 105 / 192 < change.region.right


def test_pictures_of_two_shapes_cannot_be_compared() -> None:
    with pytest.raises(ValueError, match="shape"):
        change_between(np.zeros((4, 4), np.uint8), np.zeros((4, 5), np.uint8))


@pytest.mark.parametrize("shape", [(2, 2), (1, 1), (8, 192)])
def test_tiny_pictures_do_no_harm(shape: tuple[int, int]) -> None:
    change_between(np.zeros(shape, np.uint8), np.full(shape, 255, np.uint8))


def test_the_crop_holds_the_region_with_room_and_stays_in_the_picture() -> None:
    assert around([Box(left=0.4, top=0.4, right=0.6, bottom=0.6)], width=1000, height=1000) == (325, 325, 675, 675)
    assert around([Box(left=0.9, top=0.9, right=1.0, bottom=1.0)], width=1000, height=500) == (862, 387, 1000, 500)
    assert around([], width=1000, height=1000) is None
    assert around([Box(left=0, top=0, right=1, bottom=1)], width=1, height=1) == (0, 0, 1, 1)
