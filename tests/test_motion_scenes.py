"""Made scenes know when somebody is in their picture."""

import json
from itertools import cycle
from pathlib import Path

import numpy as np
import pytest

from shared.media.probe import probe
from tests.cut_outs import CutOut
from tests.motion_scenes import RATE_HZ, Scene, crossing, intervals, write_scene
from tests.scene_camera import panned, tripod

SIZE = (160, 90)
GROUND = np.full((90, 160, 3), 120, np.uint8)
BLOCK = CutOut(pictures=np.full((1, 44, 20, 4), 255, np.uint8), rate_hz=10.0, person_px=40.0)
"""Somebody 20 pixels wide."""


def scene(*, camera_speed: float = 0.0, rotation_deg: int = 0) -> Scene:
    """Return two seconds in which a block goes from 40 pixels left of the picture to 40 right of it."""
    count = 2 * RATE_HZ
    return Scene(
        kind="test",
        camera=panned(tripod(count), [(0.0, 2.0, camera_speed)], width=SIZE[0], rate_hz=RATE_HZ),
        ground=lambda: cycle([GROUND]),
        actors=[crossing(BLOCK, count, (0.0, 2.0), from_x=-120, to_x=120, feet_y=20, tall_px=40)],
        size=SIZE,
        rotation_deg=rotation_deg,
    )


def test_somebody_counts_while_half_of_him_is_inside(tmp_path: Path) -> None:
    ((start_s, end_s),) = write_scene(scene(), tmp_path / "clip.mp4", np.random.default_rng(1))
    # 120 pixels per second: his middle crosses the left edge after 40 pixels, the right one 160 later
    assert start_s == pytest.approx(40 / 120, abs=1.1 / RATE_HZ)
    assert end_s == pytest.approx(200 / 120, abs=1.1 / RATE_HZ)
    told = json.loads((tmp_path / "clip.intervals.json").read_text())
    assert told["motion_intervals"] == [[start_s, end_s]]
    assert told["duration"] == 2.0


def test_a_camera_that_follows_keeps_him_outside_if_he_was(tmp_path: Path) -> None:
    assert write_scene(scene(camera_speed=0.75), tmp_path / "clip.mp4", np.random.default_rng(1)) == []


def test_a_turned_scene_is_coded_lying_and_shown_upright(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    write_scene(scene(rotation_deg=90), path, np.random.default_rng(1))
    with path.open("rb") as file:
        video = probe(file, name="clip")
    assert (video.width, video.height, video.rotation_deg) == (160, 90, 90)


def test_gaps_and_stretches_that_shake_makes_are_none() -> None:
    moving = [False] * 30 + [True] * 30 + [False] * 3 + [True] * 27 + [False] * 30 + [True] * 3 + [False] * 30
    assert intervals(moving) == [(1.0, 3.0)]
