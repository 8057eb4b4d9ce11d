"""Scenes of real people before real backgrounds, of which is known exactly when somebody moves in the picture.

`python -m tests.motion_scenes OUT_FOLDER [--only NAME] [--seconds N]` writes `NAME.mp4` and `NAME.intervals.json`
beside it. Somebody who moves counts from when half of him is inside the picture until half of him has left it.
"""

import argparse
import json
import math
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import chain, cycle
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from tests.clips import display_matrix
from tests.cut_outs import CutOut, Picture, cut_out, pictures_of
from tests.scene_camera import Camera, Track, panned, shaken, softened, tripod

RATE_HZ = 30
WIDE = (1280, 720)
PORTRAIT = (720, 1280)
SECONDS = 45.0
INSIDE_FROM = 0.5  # the share of a person that must be in the picture
SHORTEST_S = 0.3  # of an event and of a gap between two: shake at the picture's edge makes shorter ones
BLUR_FROM_PX = 2.0
BRIGHT, DIM = 0.15, 0.5  # how long a shutter is open by day and indoors, as a share of the time between two pictures
FASTEST_BODIES_PER_S = 5.0  # 30 km/h on a board

Colour = NDArray[np.float32]
Interval = tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class Actor:
    """A person in the world, picture by picture."""

    who: CutOut
    x: Track
    feet_y: Track
    """On the ground; jumps are above it."""
    tall_px: Track
    pose: Track
    """Which of his pictures, counted on and back again."""
    is_moving: NDArray[np.bool_]
    is_there: NDArray[np.bool_]
    above_px: Track
    """How high over the ground he is."""
    faces_left: bool = False
    has_board: bool = False
    lean_deg: float = 0.0
    """Forwards."""


@dataclass(frozen=True, kw_only=True)
class Scene:
    """All there is to draw."""

    kind: str
    camera: Camera
    ground: Callable[[], Iterator[Picture]]
    """The world's picture at every moment, its middle at the world's origin; beyond its edges lies its mirror image."""
    ground_zoom: float = 1.0
    """How large a pixel of the ground is in the world."""
    actors: Sequence[Actor] = ()
    size: tuple[int, int] = WIDE
    noise: float = 2.5
    """Standard deviation of the sensor's noise, of 255."""
    flicker: float = 0.0
    """Standard deviation of the brightness from picture to picture, as a share."""
    light: float = 1.0
    shutter: float = BRIGHT
    """The share of the time between two pictures that it is open."""
    rotation_deg: int = 0
    x264: str = ""
    options: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Studio:
    """Where the recordings are and cut-outs are kept."""

    media: Path
    cache: Path
    people_s: float = math.inf
    """How much of a recording people are cut out of at most; less is made sooner, and people repeat themselves."""

    def who(self, name: str) -> CutOut:
        """Return a person by his name in SOURCES."""
        return cut_out(name, media=self.media, cache=self.cache, most_s=self.people_s)

    def still(self, file: str, at_s: float) -> Picture:
        """Return a picture of a recording."""
        return next(pictures_of(self.media / file, start_s=at_s))

    def lawn(self) -> Picture:
        """Return the juggler's lawn without him."""
        return _folded(self.still("motion/juggle_720p.mp4", 3.0), 570, 890)

    def path(self) -> Picture:
        """Return the way through a garden where the dog was, without dog and woman."""
        file = self.media / "motion/dog_fetch_720p.mp4"
        over_time = list(pictures_of(file, start_s=5.8, end_s=8.2))[::6]  # she stands; the dog is never long anywhere
        path = _folded(np.asarray(np.median(over_time, axis=0), np.uint8), 150, 370)
        path[:, 740:] = self.still("motion/dog_fetch_720p.mp4", 0.5)[:, 740:]  # before the dog ran there
        return path

    def office(self) -> Picture:
        """Return the office of two people without them."""
        whole = _folded(self.still("motion/two_people_1080p.mp4", 0.5), 620, 1180)
        return np.asarray(cv2.resize(whole, WIDE, interpolation=cv2.INTER_AREA), np.uint8)

    def road(self) -> Picture:
        """Return an empty road seen from above."""
        return self.still("motion/no_person_cars.mp4", 1.0)


def _folded(picture: Picture, left: int, right: int) -> Picture:
    """Return the picture with what lies between two columns covered by what lies beside them, mirrored."""
    width = right - left
    columns = np.arange(width)
    last = picture.shape[1] - 1
    from_left = picture[:, np.abs(left - 1 - columns)]
    from_right = picture[:, last - np.abs(last - (right + width - 1 - columns))]
    mix = np.clip((columns - width / 2) / 80 + 0.5, 0, 1)[None, :, None]
    folded = picture.copy()
    folded[:, left:right] = np.asarray(from_left * (1 - mix) + from_right * mix, np.uint8)
    return folded


# --- drawing


def pictures(scene: Scene, rng: np.random.Generator) -> Iterator[tuple[Picture, bool]]:
    """Yield every picture as it is shown, and whether somebody moves in it."""
    grain = _Grain(scene, rng)
    seen, of = np.empty(0, np.uint8), None
    for number, ground in zip(range(len(scene.camera.x)), scene.ground(), strict=False):
        view = scene.camera.view(number, scene.size)
        before = scene.camera.view(max(0, number - 1), scene.size)
        if ground is not of or not np.array_equal(view, before):
            seen, of = _seen_ground(scene, ground, view, before), ground
        canvas = np.asarray(seen, np.float32)
        moves = False
        for actor in scene.actors:
            if actor.is_there[number]:
                inside = _draw(canvas, actor, number, view, before, shutter=scene.shutter)
                moves = moves or (bool(actor.is_moving[number]) and inside >= INSIDE_FROM)
        yield grain.over(canvas, scene), moves


class _Grain:
    """The sensor: light, flicker and noise. Noise is cut at random out of a larger sheet, which is made once."""

    def __init__(self, scene: Scene, rng: np.random.Generator) -> None:
        width, height = scene.size
        fine = rng.standard_normal((height + 128, width + 128, 3), np.float32)
        coarse = cv2.GaussianBlur(fine, (0, 0), 0.7)  # a sensor's colours are made of its neighbours
        self._sheet = np.asarray(coarse / float(coarse.std()) * scene.noise, np.float32)
        self._rng = rng

    def over(self, canvas: Colour, scene: Scene) -> Picture:
        across, down = self._rng.integers(0, 128, 2)
        light = scene.light * (1 + scene.flicker * float(self._rng.standard_normal()))
        height, width = canvas.shape[:2]
        noise = self._sheet[down : down + height, across : across + width]
        return np.asarray(cv2.addWeighted(canvas, light, noise, 1.0, 0.0, dtype=cv2.CV_8U), np.uint8)


def _seen_ground(scene: Scene, ground: Picture, view: NDArray[np.float64], before: NDArray[np.float64]) -> Picture:
    height, width = ground.shape[:2]
    zoom = scene.ground_zoom
    to_world = np.array([[zoom, 0, -zoom * width / 2], [0, zoom, -zoom * height / 2], [0, 0, 1]])
    move = view @ to_world
    seen = cv2.warpAffine(ground, move, scene.size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    middle = np.array([scene.size[0] / 2, scene.size[1] / 2])
    world = np.linalg.solve(view[:, :2], middle - view[:, 2])
    way_px = middle - (before[:, :2] @ world + before[:, 2])
    return np.asarray(_smeared(seen, scene.shutter * way_px), np.uint8)


def _smeared(picture: Any, way_px: NDArray[np.float64]) -> Any:
    """Return the picture as it looks when it moves so far while the shutter is open."""
    length = float(np.hypot(*way_px))
    if length < BLUR_FROM_PX:
        return picture
    if abs(way_px[1]) < 0.15 * abs(way_px[0]):
        return cv2.blur(picture, (round(length) | 1, 1))
    reach = int(length / 2) + 1
    line = np.zeros((2 * reach + 1, 2 * reach + 1), np.float32)
    half = way_px / np.hypot(*way_px) * length / 2
    ends = [(round(reach + sign * half[0]), round(reach + sign * half[1])) for sign in (-1, 1)]
    cv2.line(line, ends[0], ends[1], 1.0, 1)
    return cv2.filter2D(picture, -1, line / line.sum())


def _draw(
    canvas: Colour,
    actor: Actor,
    number: int,
    view: NDArray[np.float64],
    before: NDArray[np.float64],
    *,
    shutter: float,
) -> float:
    """Draw a person with the shadow under his feet; return what share of him is inside the picture."""
    x, feet, tall = actor.x[number], actor.feet_y[number], actor.tall_px[number]
    above = actor.above_px[number]
    zoom = float(np.hypot(view[0, 0], view[1, 0]))
    _draw_ellipse(canvas, view, (x, feet), (0.26 * tall, 0.035 * tall), opacity=0.45, soft=True)
    if actor.has_board:
        _draw_ellipse(canvas, view, (x, feet - above), (0.24 * tall, 0.022 * tall), opacity=0.92, soft=False)
    picture = _pose(actor.who, actor.pose[number])
    scale = tall / actor.who.person_px
    picture, scale = _shrunk(picture, scale, zoom)
    height, width = picture.shape[:2]
    side = -1 if actor.faces_left else 1
    turn = side * np.deg2rad(actor.lean_deg)
    across, down = scale * np.cos(turn), scale * np.sin(turn)
    place = np.array([[side * across, -down, x], [side * down, across, feet - above], [0, 0, 1]])
    to_feet = np.array([[1, 0, -width / 2], [0, 1, 4 * height / actor.who.pictures.shape[1] - height], [0, 0, 1]])
    whole = view @ place @ to_feet
    last = max(0, number - 1)
    was = before @ np.array([actor.x[last], actor.feet_y[last] - actor.above_px[last], 1])
    way = view @ np.array([x, feet - above, 1]) - was if actor.is_there[last] else np.zeros(2)
    return _laid_over(canvas, picture, whole, shutter * way)


def _pose(who: CutOut, pose: float) -> Picture:
    """Return one of a person's pictures, forwards and back again."""
    count = len(who.pictures)
    at = int(pose) % max(1, 2 * count - 2)
    picture: Picture = who.pictures[at if at < count else 2 * count - 2 - at]
    return picture


def _shrunk(picture: Picture, scale: float, zoom: float) -> tuple[Picture, float]:
    """Return the picture made smaller where it would be skipped through, and what scale is left."""
    if scale * zoom > 0.7:
        return picture, scale
    share = 1.2 * scale * zoom
    size = (max(2, round(picture.shape[1] * share)), max(2, round(picture.shape[0] * share)))
    smaller = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
    return smaller, scale * picture.shape[0] / size[1]


def _laid_over(canvas: Colour, picture: Picture, move: NDArray[np.float64], way_px: NDArray[np.float64]) -> float:
    height, width = picture.shape[:2]
    corners = move @ np.array([[0, width, 0, width], [0, 0, height, height], [1, 1, 1, 1]])
    rim = 4 + int(np.abs(way_px).max())
    left, top = (int(v) - rim for v in np.floor(corners.min(axis=1)))
    right, bottom = (int(v) + rim for v in np.ceil(corners.max(axis=1)))
    shifted = move.copy()
    shifted[:, 2] -= (left, top)
    drawn = cv2.warpAffine(picture, shifted, (right - left, bottom - top), flags=cv2.INTER_LINEAR)
    drawn = np.asarray(_smeared(drawn, way_px), np.float32)
    rows = slice(max(0, -top), max(0, min(bottom, canvas.shape[0]) - top))
    columns = slice(max(0, -left), max(0, min(right, canvas.shape[1]) - left))
    inside = drawn[rows, columns]
    if inside.size:
        spot = canvas[max(0, top) : max(0, top) + inside.shape[0], max(0, left) : max(0, left) + inside.shape[1]]
        spot *= 1 - inside[..., 3:] / 255
        spot += inside[..., :3]
    return float(inside[..., 3].sum() / max(1.0, float(drawn[..., 3].sum())))


def _draw_ellipse(
    canvas: Colour,
    view: NDArray[np.float64],
    at: tuple[float, float],
    half: tuple[float, float],
    *,
    opacity: float,
    soft: bool,
) -> None:
    """Darken what lies under a flat ellipse, sharply or fading towards its rim."""
    x, y = view @ np.array([*at, 1])
    zoom = float(np.hypot(view[0, 0], view[1, 0]))
    across, down = half[0] * zoom, max(1.0, half[1] * zoom)
    left, right = (int(np.clip(x + side * (across + 2), 0, canvas.shape[1])) for side in (-1, 1))
    top, bottom = (int(np.clip(y + side * (down + 2), 0, canvas.shape[0])) for side in (-1, 1))
    if left >= right or top >= bottom:
        return
    far = ((np.arange(left, right)[None, :] - x) / across) ** 2 + ((np.arange(top, bottom)[:, None] - y) / down) ** 2
    dark = np.clip(1 - far, 0, 1) if soft else np.clip((1.1 - far) / 0.3, 0, 1)
    canvas[top:bottom, left:right] *= np.asarray(1 - opacity * dark, np.float32)[..., None]


# --- what happens in them


def _count(seconds: float) -> int:
    return round(seconds * RATE_HZ)


def _visits(rng: np.random.Generator, seconds: float, lasts_s: Interval, apart_s: Interval) -> list[Interval]:
    """Return when events begin and end, with stillness before, between and after them."""
    visits: list[Interval] = []
    at_s = float(rng.uniform(*apart_s))
    while True:
        end_s = at_s + float(rng.uniform(*lasts_s))
        if end_s > seconds - 2:
            return visits
        visits.append((at_s, end_s))
        at_s = end_s + float(rng.uniform(*apart_s))


def _standing(who: CutOut, count: int, *, x: float, feet_y: float, tall_px: float) -> dict[str, Any]:
    return {
        "who": who,
        "x": np.full(count, x),
        "feet_y": np.full(count, feet_y),
        "tall_px": np.full(count, tall_px),
        "pose": np.zeros(count),
        "is_moving": np.zeros(count, bool),
        "is_there": np.ones(count, bool),
        "above_px": np.zeros(count),
    }


def crossing(
    who: CutOut,
    count: int,
    visit: Interval,
    *,
    from_x: float,
    to_x: float,
    feet_y: float,
    tall_px: float,
    pose_rate: float = 1.0,
    first_pose: float = 0.0,
    bob: float = 0.0,
    **more: Any,
) -> Actor:
    """Return somebody who goes from one place to the other, is there only then, and moves all the while."""
    at_s = np.arange(count) / RATE_HZ
    share = (at_s - visit[0]) / (visit[1] - visit[0])
    return Actor(
        **_standing(who, count, x=0, feet_y=feet_y, tall_px=tall_px)
        | {
            "x": from_x + (to_x - from_x) * share,
            "pose": first_pose + np.clip(at_s - visit[0], 0, None) * who.rate_hz * pose_rate,
            "is_moving": np.ones(count, bool),
            "is_there": (share >= 0) & (share <= 1),
            "above_px": bob * tall_px * (1 - np.cos(2 * np.pi * 0.9 * (at_s - visit[0]))) / 2,
        },
        **more,
    )


RIDERS = (
    ("thrower", 0.4, 72.0),
    ("squatter", 0.0, 11.0),
    ("juggler", 1.0, 0.0),
    ("thrower", 0.6, 0.0),
    ("squatter", 0.0, 5.0),
)
"""Who rides, how fast he moves his limbs, 1 being life, and from which picture on."""


def _riders(
    studio: Studio,
    rng: np.random.Generator,
    count: int,
    visits: Sequence[Interval],
    *,
    tall: Interval,
    feet: Interval,
    size: tuple[int, int] = WIDE,
) -> list[Actor]:
    """Return people on boards who cross the picture, now rightwards, now leftwards; sizes in shares of its height."""
    riders = []
    for number, visit in enumerate(visits):
        name, pose_rate, first_pose = RIDERS[number % len(RIDERS)]
        tall_px = float(rng.uniform(*tall)) * size[1]
        side = -1 if rng.uniform() < 0.5 else 1
        beyond = size[0] / 2 + 0.5 * tall_px
        tall_px = max(tall_px, 2 * beyond / (visit[1] - visit[0]) / FASTEST_BODIES_PER_S)
        riders.append(
            crossing(
                studio.who(name), count, visit, from_x=-side * beyond, to_x=side * beyond,
                feet_y=(float(rng.uniform(*feet)) - 0.5) * size[1], tall_px=tall_px, pose_rate=pose_rate,
                first_pose=first_pose, bob=0.05, faces_left=side < 0, has_board=True, lean_deg=float(rng.uniform(0, 8)),
            )
        )  # fmt: skip
    return riders


def _always(picture: Picture) -> Callable[[], Iterator[Picture]]:
    return lambda: cycle([picture])


def handheld_small_riders(studio: Studio, rng: np.random.Generator, seconds: float) -> Scene:
    """Return riders of 12 to 20 % of the height who cross in 2.4 to 4 s before a camera held by hand."""
    count = _count(seconds)
    visits = _visits(rng, seconds, (2.4, 4), (4.5, 7))
    return Scene(
        kind="hand-held, small riders crossing",
        camera=shaken(tripod(count), rng, height=WIDE[1], rate_hz=RATE_HZ),
        ground=_always(studio.path()),
        ground_zoom=1.1,
        actors=_riders(studio, rng, count, visits, tall=(0.12, 0.2), feet=(0.6, 0.85)),
    )


def tripod_small_riders(studio: Studio, rng: np.random.Generator, seconds: float) -> Scene:
    """Return riders of 10 to 15 % of the height before a camera on a tripod."""
    count = _count(seconds)
    visits = _visits(rng, seconds, (3.2, 5), (4.5, 7))
    return Scene(
        kind="tripod, small riders crossing",
        camera=tripod(count),
        ground=_always(studio.lawn()),
        actors=_riders(studio, rng, count, visits, tall=(0.10, 0.15), feet=(0.62, 0.85)),
        noise=2.0,
    )


def follow_pans(studio: Studio, rng: np.random.Generator, seconds: float) -> Scene:
    """Return riders whom the camera follows, the ground rushing by; in between it wanders over empty ground."""
    count = _count(seconds)
    at_s = np.arange(count) / RATE_HZ
    aim = np.zeros(count)
    actors: list[Actor] = []
    here = 0.0
    for number, visit in enumerate(_visits(rng, seconds, (3.5, 6), (5, 8))):
        name, pose_rate, first_pose = RIDERS[number % len(RIDERS)]
        side = -1 if rng.uniform() < 0.5 else 1
        tall_px = float(rng.uniform(0.18, 0.35)) * WIDE[1]
        speed = side * min(float(rng.uniform(0.5, 1.0)) * WIDE[0], FASTEST_BODIES_PER_S * tall_px)
        before = here + side * float(rng.uniform(-0.3, 0.3)) * WIDE[0]
        first, last = _count(visit[0]), _count(visit[1])
        start = max(0, first - _count(4.0))
        aim[start:] += (before - here) * np.clip((at_s[start:] - at_s[start]) / 3.0, 0, 1)  # wanders there
        from_x = before - side * (WIDE[0] / 2 + tall_px)
        lasts_s = visit[1] - visit[0]
        rider = crossing(
            studio.who(name), count, (visit[0], visit[1]), from_x=from_x, to_x=from_x + speed * lasts_s,
            feet_y=float(rng.uniform(0.15, 0.35)) * WIDE[1], tall_px=tall_px, pose_rate=pose_rate,
            first_pose=first_pose, bob=0.05, faces_left=side < 0, has_board=True, lean_deg=float(rng.uniform(0, 8)),
        )  # fmt: skip
        ahead = side * (rider.x - before)
        ends = ahead[last - _count(1.0)] if last - _count(1.0) > first else 0.0  # then it lets him go
        aim[first:] += side * np.clip(ahead[first:], 0, max(0.0, ends))
        here = float(aim[-1])
        actors.append(rider)
    actors = [_left_alone(actor, WIDE) for actor in actors]
    camera = panned(tripod(count), (), width=WIDE[0], rate_hz=RATE_HZ)
    camera = Camera(x=softened(aim, 0.15 * RATE_HZ), y=camera.y, zoom=camera.zoom, roll_deg=camera.roll_deg)
    return Scene(
        kind="the camera follows riders",
        camera=shaken(camera, rng, height=WIDE[1], rate_hz=RATE_HZ, much=0.8),
        ground=_always(studio.path()),
        ground_zoom=1.15,
        actors=actors,
    )


def _left_alone(actor: Actor, size: tuple[int, int]) -> Actor:
    """Return the rider riding on for another two seconds, until he has left a camera that stopped."""
    there = actor.is_there.copy()
    end = int(np.flatnonzero(there)[-1])
    there[end : end + _count(1.5)] = True
    return Actor(**{name: getattr(actor, name) for name in actor.__dataclass_fields__} | {"is_there": there})


EMPTY_MOVES = (
    (2.0, 5.0, 0.3), (7.0, 9.0, -0.9), (10.5, 11.0, 3.0), (13.0, 13.4, -3.5), (16.0, 19.0, 1.5), (21.0, 24.0, -0.5),
    (26.0, 26.4, 2.5), (26.8, 27.2, -2.5), (29.0, 33.0, 0.7), (35.0, 36.5, -1.2),
)  # fmt: skip


def _empty_pans(studio: Studio, rng: np.random.Generator, seconds: float, ground: Picture) -> Scene:
    count = _count(seconds)
    camera = panned(tripod(count), EMPTY_MOVES, width=WIDE[0], rate_hz=RATE_HZ)
    forward = softened(np.interp(np.arange(count) / RATE_HZ, [0, 30, 40, 60], [1, 1, 1.7, 1.7]), 10)
    camera = Camera(x=camera.x, y=camera.y, zoom=forward, roll_deg=camera.roll_deg)
    return Scene(
        kind="pans, whip pans and shakes over empty ground",
        camera=shaken(camera, rng, height=WIDE[1], rate_hz=RATE_HZ, much=1.3),
        ground=_always(ground),
        ground_zoom=1.15,
        noise=3.0,
        shutter=DIM,
    )


def empty_pans(studio: Studio, rng: np.random.Generator, seconds: float) -> Scene:
    """Return strong pans over an empty path; nobody is there."""
    return _empty_pans(studio, rng, seconds, studio.path())


def empty_pans_lawn(studio: Studio, rng: np.random.Generator, seconds: float) -> Scene:
    """Return strong pans over a lawn with trees; nobody is there."""
    return _empty_pans(studio, rng, seconds, studio.lawn())


def empty_pans_office(studio: Studio, rng: np.random.Generator, seconds: float) -> Scene:
    """Return strong pans through an empty office."""
    return _empty_pans(studio, rng, seconds, studio.office())


UPRIGHT_DEG = -9.0  # the room was seen from near its ceiling
WALKERS = ("walker_1", "walker_2", "walker_3", "walker_4", "walker_5")


def portrait_rotated(studio: Studio, rng: np.random.Generator, seconds: float) -> Scene:
    """Return people of 25 to 50 % of the height walking through a phone's upright picture, coded lying."""
    count = _count(seconds)
    walkers = []
    for number, visit in enumerate(_visits(rng, seconds, (3.5, 5.5), (5, 9))):
        tall_px = float(rng.uniform(0.25, 0.5)) * PORTRAIT[1]
        side = -1 if rng.uniform() < 0.5 else 1
        beyond = PORTRAIT[0] / 2 + 0.3 * tall_px
        name = WALKERS[number % len(WALKERS)]
        walkers.append(
            crossing(
                studio.who(name), count, visit, from_x=-side * beyond, to_x=side * beyond,
                feet_y=float(rng.uniform(0.25, 0.42)) * PORTRAIT[1], tall_px=tall_px, faces_left=side < 0,
                lean_deg=UPRIGHT_DEG,
            )
        )  # fmt: skip
    return Scene(
        kind="portrait with a display matrix, people walk through",
        camera=shaken(tripod(count), rng, height=PORTRAIT[0], rate_hz=RATE_HZ, much=0.6),
        ground=_always(studio.lawn()),
        ground_zoom=1.85,
        actors=walkers,
        size=PORTRAIT,
        rotation_deg=90,
    )


def _locked_off(studio: Studio, seconds: float, **more: Any) -> Scene:
    count = _count(seconds)
    return Scene(
        kind="locked off, empty, noise and flicker",
        camera=tripod(count),
        ground=_always(studio.office()),
        noise=3.5,
        flicker=0.01,
        **more,
    )


def locked_off_empty(studio: Studio, rng: np.random.Generator, seconds: float) -> Scene:
    """Return an empty room with noise and flicker."""
    return _locked_off(studio, seconds)


def locked_off_empty_cbr(studio: Studio, rng: np.random.Generator, seconds: float) -> Scene:
    """Return the same at a constant bitrate: packets say nothing about what happens."""
    rate = {"b": "4000000", "maxrate": "4000000", "bufsize": "4000000"}
    return _locked_off(studio, seconds, options=rate, x264="nal-hrd=cbr:filler=1")


def locked_off_empty_intra(studio: Studio, rng: np.random.Generator, seconds: float) -> Scene:
    """Return the same with keyframes only."""
    return _locked_off(studio, seconds, x264="keyint=1")


def _begins_to_move(who: CutOut, count: int, rng: np.random.Generator, seconds: float, **place: float) -> Actor:
    """Return somebody who stands nearly still, and at times walks to and fro or jumps."""
    at_s = np.arange(count) / RATE_HZ
    parts = _standing(who, count, **place)
    tall_px = place["tall_px"]
    sway = 0.004 * tall_px * np.sin(2 * np.pi * 0.23 * at_s) + 0.002 * tall_px * np.sin(2 * np.pi * 0.61 * at_s)
    speed, side = np.zeros(count), 1
    for number, (start_s, end_s) in enumerate(_visits(rng, seconds, (3.5, 6), (6, 9))):
        now = (at_s >= start_s) & (at_s < end_s)
        if number % 2:
            parts["above_px"][now] = 0.22 * tall_px * np.abs(np.sin(2 * np.pi * 0.8 * (at_s[now] - start_s)))
        else:
            speed[now] = side * 0.45 * tall_px
            side = -side
        parts["pose"] += np.clip(at_s - start_s, 0, end_s - start_s) * who.rate_hz
        parts["is_moving"] |= now
    parts["x"] = parts["x"] + sway + np.cumsum(speed) / RATE_HZ
    return Actor(**parts)


def standing_handheld(studio: Studio, rng: np.random.Generator, seconds: float) -> Scene:
    """Return a person who mostly stands still while the camera shakes."""
    count = _count(seconds)
    return Scene(
        kind="a person stands while the camera shakes, and at times walks or jumps",
        camera=shaken(tripod(count), rng, height=WIDE[1], rate_hz=RATE_HZ),
        ground=_always(studio.lawn()),
        ground_zoom=1.1,
        actors=[_begins_to_move(studio.who("juggler"), count, rng, seconds, x=-150, feet_y=250, tall_px=330)],
    )


def cars_and_riders(studio: Studio, rng: np.random.Generator, seconds: float) -> Scene:
    """Return a road with cars, which riders cross; the cars are none of them."""
    count = _count(seconds)
    file = studio.media / "motion/no_person_cars.mp4"

    def road() -> Iterator[Picture]:
        rate_hz = 12.5
        there = list(pictures_of(file))
        turns = chain(there, reversed(there))
        for number, picture in enumerate(cycle(turns)):
            shown = _count((number + 1) / rate_hz) - _count(number / rate_hz)
            yield from [picture] * shown

    visits = [(10.0, 13.0), (20.0, 23.0), (36.5, 39.5)]  # no car is near then
    within = [visit for visit in visits if visit[1] < seconds - 1]
    return Scene(
        kind="cars pass, and riders",
        camera=tripod(count),
        ground=road,
        ground_zoom=WIDE[0] / 768,
        actors=_riders(studio, rng, count, within, tall=(0.18, 0.3), feet=(0.45, 0.9)),
    )


def close_walker(studio: Studio, rng: np.random.Generator, seconds: float) -> Scene:
    """Return people who pass so close that only their upper half is in the picture, which they nearly fill."""
    count = _count(seconds)
    actors = []
    for number, visit in enumerate(_visits(rng, seconds, (3, 5), (5, 8))):
        name = ("host", "juggler")[number % 2]
        side = -1 if rng.uniform() < 0.5 else 1
        tall_px = float(rng.uniform(0.85, 1.0) if name == "host" else rng.uniform(1.2, 1.45)) * WIDE[1]
        beyond = WIDE[0] / 2 + 0.3 * tall_px
        actors.append(
            crossing(
                studio.who(name), count, visit, from_x=-side * beyond, to_x=side * beyond,
                feet_y=-0.32 * WIDE[1] + tall_px, tall_px=tall_px, bob=0.01,
                faces_left=side < 0,
            )
        )  # fmt: skip
    return Scene(
        kind="people pass close by, half of them in the picture",
        camera=shaken(tripod(count), rng, height=WIDE[1], rate_hz=RATE_HZ, much=0.4),
        ground=_always(studio.path()),
        ground_zoom=1.1,
        actors=actors,
    )


def two_people(studio: Studio, rng: np.random.Generator, seconds: float) -> Scene:
    """Return somebody who stands there all the time and others who walk past him."""
    count = _count(seconds)
    at_s = np.arange(count) / RATE_HZ
    parts = _standing(studio.who("squatter"), count, x=330, feet_y=290, tall_px=400)
    parts["x"] = parts["x"] + 1.2 * np.sin(2 * np.pi * 0.21 * at_s)
    walkers = []
    for number, visit in enumerate(_visits(rng, seconds, (3.5, 5.5), (5, 8))):
        name = WALKERS[number % len(WALKERS)]
        side = -1 if rng.uniform() < 0.5 else 1
        walkers.append(
            crossing(
                studio.who(name), count, visit, from_x=-side * 760, to_x=side * 760, feet_y=250, tall_px=360,
                faces_left=side < 0, lean_deg=UPRIGHT_DEG,
            )
        )  # fmt: skip
    return Scene(
        kind="one stands, others walk past",
        camera=tripod(count),
        ground=_always(studio.office()),
        actors=[*walkers, Actor(**parts)],
    )


def night_noise(studio: Studio, rng: np.random.Generator, seconds: float) -> Scene:
    """Return riders of 20 % of the height in the dark, under heavy noise."""
    count = _count(seconds)
    visits = _visits(rng, seconds, (2.5, 4), (4.5, 8))
    return Scene(
        kind="dark and noisy, riders crossing",
        camera=tripod(count),
        ground=_always(studio.path()),
        actors=_riders(studio, rng, count, visits, tall=(0.19, 0.22), feet=(0.65, 0.85)),
        noise=9.0,
        shutter=DIM,
        flicker=0.015,
        light=0.3,
    )


SCENES: dict[str, Callable[[Studio, np.random.Generator, float], Scene]] = {
    each.__name__: each
    for each in (
        handheld_small_riders, tripod_small_riders, follow_pans, empty_pans, standing_handheld, portrait_rotated,
        locked_off_empty, locked_off_empty_cbr, locked_off_empty_intra, cars_and_riders, close_walker, two_people,
        night_noise, empty_pans_lawn, empty_pans_office,
    )
}  # fmt: skip


# --- writing


def write_scene(scene: Scene, path: Path, rng: np.random.Generator) -> list[Interval]:
    """Write the scene as an MP4 and its truth beside it; return when somebody moves in it."""
    moving: list[bool] = []
    with av.open(str(path), "w") as output:
        stream = _stream(output, scene)
        for number, (picture, moves) in enumerate(pictures(scene, rng)):
            moving.append(moves)
            coded = np.ascontiguousarray(np.rot90(picture, k=scene.rotation_deg // 90))
            frame = VideoFrame.from_ndarray(coded, format="bgr24").reformat(format="yuv420p")
            frame.pts = number
            frame.time_base = Fraction(1, RATE_HZ)
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    truth = intervals(moving)
    told = {"file": path.name, "kind": scene.kind, "duration": len(moving) / RATE_HZ, "motion_intervals": truth}
    path.with_suffix(".intervals.json").write_text(json.dumps(told, indent=1))
    return truth


def _stream(output: Any, scene: Scene) -> Any:
    stream = output.add_stream("libx264", rate=RATE_HZ)
    is_turned = scene.rotation_deg in (90, 270)
    stream.width, stream.height = scene.size[::-1] if is_turned else scene.size
    stream.pix_fmt = "yuv420p"
    quality = {} if "b" in scene.options else {"crf": "23"}
    stream.codec_context.options = {"preset": "veryfast", **quality, **scene.options} | (
        {"x264-params": scene.x264} if scene.x264 else {}
    )
    if scene.rotation_deg:
        stream.set_display_matrix(display_matrix(scene.rotation_deg, False))
    return stream


def intervals(moving: Sequence[bool]) -> list[Interval]:
    """Return the stretches in which the claims hold, in seconds; gaps and stretches below SHORTEST_S are none."""
    found: list[Interval] = []
    for number in (number for number, moves in enumerate(moving) if moves):
        start_s, end_s = number / RATE_HZ, (number + 1) / RATE_HZ
        if found and start_s - found[-1][1] < SHORTEST_S:
            found[-1] = (found[-1][0], end_s)
        else:
            found.append((start_s, end_s))
    return [(round(start, 3), round(end, 3)) for start, end in found if end - start >= SHORTEST_S]


def make(name: str, folder: Path, *, studio: Studio, seconds: float = SECONDS) -> list[Interval]:
    """Write one of SCENES into the folder, the same every time; return when somebody moves in it."""
    rng = np.random.default_rng([ord(letter) for letter in name])
    return write_scene(SCENES[name](studio, rng, seconds), folder / f"{name}.mp4", rng)


def main() -> None:
    """Write scenes and print what happens in them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--only", choices=SCENES)
    parser.add_argument("--seconds", type=float, default=SECONDS)
    asked = parser.parse_args()
    beside = Path(__file__).parents[2] / "shared" / "media"
    media = Path(os.environ.get("MONTAGE_MEDIA") or beside)
    studio = Studio(media=media, cache=asked.out / "cut_outs")
    asked.out.mkdir(parents=True, exist_ok=True)
    for name in [asked.only] if asked.only else SCENES:
        print(name, make(name, asked.out, studio=studio, seconds=asked.seconds), flush=True)


if __name__ == "__main__":
    main()
