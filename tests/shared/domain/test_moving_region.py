import math

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.domain.box import Box
from shared.domain.camera import STILL, Camera
from shared.domain.moving_region import REGIONS, Change, GreyPicture, change_between

HEIGHT, WIDTH = 108, 192
PERSON_PX = (4, 10)  # across and down: a tenth of the picture's height
GROUND = 96  # grey levels; people are brighter
SEEN = 200
SHIFTED = Camera(x=6 / HEIGHT)
IN_THE_HAND = Camera(x=2.4 / HEIGHT, y=-1.7 / HEIGHT, turn=0.008, zoom=0.006)
STRONG_PAN = Camera(x=-20.3 / HEIGHT, y=0.6 / HEIGHT)  # the picture's whole width in 1.2 s
CAMERAS = [
    pytest.param(SHIFTED, id="shift"),
    pytest.param(STRONG_PAN, id="strong pan"),
    pytest.param(Camera(y=1.4 / HEIGHT), id="tilt"),
    pytest.param(Camera(turn=0.02), id="turn"),
    pytest.param(Camera(x=-0.01, y=-0.01, zoom=0.02), id="zoom"),
    pytest.param(IN_THE_HAND, id="in the hand"),
]


def textured() -> GreyPicture:
    """Return a picture with edges of many sizes and directions, as of a room or a street."""
    random = np.random.default_rng(7)
    picture = np.full((HEIGHT, WIDTH), GROUND, np.float32)
    for size_px in (4, 9, 20):
        coarse = random.uniform(-25, 25, (HEIGHT // size_px + 2, WIDTH // size_px + 2)).astype(np.float32)
        picture += cv2.resize(coarse, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
    return np.clip(picture, 0, 255).astype(np.uint8)


def plain() -> GreyPicture:
    return np.full((HEIGHT, WIDTH), GROUND, np.uint8)


def with_person(picture: GreyPicture, x: int, y: int = 50, size: tuple[int, int] = PERSON_PX) -> GreyPicture:
    """Return the picture with a bright rectangle whose top left corner is there."""
    shown = picture.copy()
    shown[y : y + size[1], x : x + size[0]] = SEEN
    return shown


def moved_by(camera: Camera, picture: GreyPicture) -> GreyPicture:
    """Return what the camera shows after it moved."""
    return np.asarray(
        cv2.warpAffine(picture, camera.matrix(HEIGHT), (WIDTH, HEIGHT), flags=cv2.INTER_CUBIC,
                       borderMode=cv2.BORDER_REFLECT), np.uint8,
    )  # fmt: skip


def noisy(picture: GreyPicture, *, seed: int, levels: float = 4) -> GreyPicture:
    noise = np.random.default_rng(seed).normal(0, levels, picture.shape)
    return np.clip(picture + noise, 0, 255).astype(np.uint8)


def finds(change: Change, x: float, y: float) -> bool:
    """Return whether the largest thing that moves is a small one around a pixel."""
    if not change.regions:
        return False
    box = change.regions[0]
    return box.left < x / WIDTH < box.right and box.top < y / HEIGHT < box.bottom and box.area < 0.1


def place_of(camera: Camera, x: float, y: float) -> tuple[float, float]:
    """Return the pixel a pixel gets to."""
    moved = camera.moved(x / HEIGHT, y / HEIGHT)
    return moved[0] * HEIGHT, moved[1] * HEIGHT


def test_the_same_picture_twice_shows_a_camera_at_rest_and_nothing_that_moves() -> None:
    change = change_between(textured(), textured())
    assert (change.camera, change.share, change.regions, change.moved) == (STILL, 0.0, (), None)


def test_who_appears_is_found_where_he_is() -> None:
    change = change_between(textured(), with_person(textured(), 100, 40))
    assert finds(change, 102, 45)
    assert change.camera == STILL
    assert change.share == pytest.approx(4 * 10 / (HEIGHT * WIDTH), abs=0.005)


@pytest.mark.parametrize("picture", [pytest.param(plain(), id="plain"), pytest.param(textured(), id="textured")])
@pytest.mark.parametrize("step_px", [2, 6])
def test_a_small_person_crossing_a_noisy_picture_is_found_at_every_step(picture: GreyPicture, step_px: int) -> None:
    for step, x in enumerate(range(40, 120, step_px)):
        before, after = with_person(picture, x), with_person(picture, x + step_px)
        change = change_between(noisy(before, seed=2 * step), noisy(after, seed=2 * step + 1))
        assert change.camera == STILL
        assert finds(change, x + step_px / 2 + 2, 55) or finds(change, x + step_px, 55), x


@pytest.mark.parametrize("camera", CAMERAS)
def test_a_small_person_crossing_is_found_while_the_camera_moves(camera: Camera) -> None:
    for x in (70, 90, 110):
        before = with_person(textured(), x)
        after = moved_by(camera, with_person(textured(), x + 8))
        change = change_between(before, noisy(after, seed=x, levels=2))
        assert finds(change, *place_of(camera, x + 8, 55)), x


@pytest.mark.parametrize("camera", CAMERAS)
def test_in_an_empty_picture_a_camera_that_moves_is_all_there_is(camera: Camera) -> None:
    change = change_between(textured(), moved_by(camera, textured()))
    assert change.share < 0.005
    for corner in ((0, 0), (WIDTH, 0), (0, HEIGHT), (WIDTH, HEIGHT)):
        assert math.dist(place_of(change.camera, *corner), place_of(camera, *corner)) < 3, "pixels"


@pytest.mark.parametrize(
    "camera", [Camera(turn=0.01), Camera(turn=0.02), Camera(zoom=0.01), Camera(zoom=0.02), IN_THE_HAND]
)
@pytest.mark.parametrize("x", [10, 90, 160])
def test_who_stands_still_anywhere_in_a_picture_taken_from_the_hand_does_not_stir(camera: Camera, x: int) -> None:
    before = with_person(textured(), x, 40, (16, 43))
    before[40:83, x + 2 : x + 4] = 40  # an arm
    box = Box(left=x / WIDTH, top=40 / HEIGHT, right=(x + 16) / WIDTH, bottom=83 / HEIGHT)
    assert change_between(before, moved_by(camera, before)).share_in(box) < 0.02


@pytest.mark.parametrize("picture", [pytest.param(plain(), id="plain"), pytest.param(textured(), id="textured")])
def test_noise_moves_nothing(picture: GreyPicture) -> None:
    for step in range(8):
        change = change_between(noisy(picture, seed=step), noisy(picture, seed=step + 1))
        assert (change.camera, change.regions) == (STILL, ())


@pytest.mark.parametrize("levels", [-8, -3, 3, 8])
def test_a_light_that_flickers_moves_nothing(levels: int) -> None:
    change = change_between(textured(), np.clip(textured().astype(int) + levels, 0, 255).astype(np.uint8))
    assert (change.camera, change.regions) == (STILL, ())


def walker(x: int, phase: float) -> GreyPicture:
    """Return a plain room, a door in it, and somebody 90 pixels high in front, who swings arms and legs."""
    picture = plain()
    picture[95:], picture[:, 170:174] = 70, 60

    def limb(of: tuple[int, int], length: int, angle: float, thick: int) -> None:
        end = (round(of[0] + length * math.sin(angle)), round(of[1] + length * math.cos(angle)))
        cv2.line(picture, of, end, SEEN, thick)

    cv2.circle(picture, (x, 16), 8, SEEN - 30, -1)
    limb((x, 26), 32, 0.0, 16)
    for swing in (0.6 * math.sin(phase), -0.6 * math.sin(phase)):
        limb((x, 58), 38, swing, 7)
        limb((x, 28), 28, -swing, 5)
    return picture


@pytest.mark.parametrize("step_px", [0, 2, 4, 6])
def test_who_fills_much_of_a_plain_room_and_moves_is_not_taken_for_the_camera(step_px: int) -> None:
    for step in range(4):
        before, after = (walker(60 + step_px * n, 0.7 * n) for n in (step, step + 1))
        change = change_between(noisy(before, seed=1), noisy(after, seed=2))
        assert change.camera == STILL
        assert change.share > 0.03


@pytest.mark.parametrize("levels", [12, 30, -25])
def test_a_lamp_switched_on_or_a_new_exposure_moves_nothing(levels: int) -> None:
    lit = np.clip(textured().astype(np.int16) + levels, 0, 255).astype(np.uint8)
    assert change_between(textured(), lit).share < 0.01
    lit_person = with_person(lit, 90, 50, (20, 40))
    assert change_between(textured(), lit_person).regions, "who comes in meanwhile is seen"


def test_after_a_cut_nearly_all_has_changed() -> None:
    other = (255 - textured()[::-1, ::-1]).copy()
    other[:, ::2] //= 3
    assert change_between(textured(), other).share > 0.7
    assert change_between(np.full_like(plain(), 20), np.full_like(plain(), 220)).share > 0.95


def test_what_moves_is_told_the_largest_first_and_scraps_are_left_out() -> None:
    after = with_person(with_person(plain(), 20, 20, (20, 40)), 140, 20, (12, 30))
    change = change_between(plain(), with_person(after, 90, 90, (2, 4)))
    assert [each.left < 0.5 for each in change.regions] == [True, False]
    crowd = plain()
    for n in range(6):
        crowd = with_person(crowd, 10 + 30 * n, 40, (8, 20))
    assert len(change_between(plain(), crowd).regions) == REGIONS


def test_how_much_of_a_box_moves_is_told_of_any_box() -> None:
    change = change_between(plain(), with_person(plain(), 96, 0, (96, 108)))
    assert change.share_in(Box(left=0.6, top=0.1, right=0.9, bottom=0.9)) == 1
    assert change.share_in(Box(left=0.1, top=0.1, right=0.4, bottom=0.9)) == 0
    assert change.share_in(Box(left=0.25, top=0.0, right=0.75, bottom=1.0)) == pytest.approx(0.5, abs=0.05)
    assert change_between(plain(), plain()).share_in(Box(left=0.0, top=0.0, right=1.0, bottom=1.0)) == 0


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 0.2))
def test_a_box_without_room_or_at_the_edge_has_a_share_too(left: float, top: float, side: float) -> None:
    change = change_between(plain(), with_person(plain(), 96, 0, (96, 108)))
    box = Box(left=left, top=top, right=min(1.0, left + side), bottom=min(1.0, top + side))
    assert 0 <= change.share_in(box) <= 1


def test_pictures_of_two_shapes_cannot_be_compared() -> None:
    with pytest.raises(ValueError, match="shape"):
        change_between(np.zeros((4, 4), np.uint8), np.zeros((4, 5), np.uint8))


@settings(max_examples=60, deadline=None)
@given(st.tuples(st.integers(1, 24), st.integers(1, 24)), st.integers(0, 99))
def test_tiny_pictures_do_no_harm(shape: tuple[int, int], seed: int) -> None:
    random = np.random.default_rng(seed)
    before, after = (random.integers(0, 255, shape).astype(np.uint8) for _ in range(2))
    change = change_between(before, after)
    assert 0 <= change.share <= 1
    assert all(0 <= each.left < each.right <= 1 and 0 <= each.top < each.bottom <= 1 for each in change.regions)
