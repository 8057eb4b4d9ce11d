from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from shared.domain.looking import JOINED
from shared.domain.pose import POSE_EVERY, SAMPLE_RATE_HZ
from shared.domain.units import POSE_UNIT_S
from shared.media.decode import sample_frames
from shared.media.probe import probe
from shared.pipeline.motion_strip import GREY_LONGER_SIDE_PX, KEPT_LONGER_SIDE_PX, Strip, strips_of
from tests.clips import ClipSpec, make_clip
from tests.walker_clip import MOVES_S, SECONDS, make_walker, place_px

PER_UNIT = round(POSE_UNIT_S * SAMPLE_RATE_HZ)


@pytest.fixture(scope="module")
def walker(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_walker(tmp_path_factory.mktemp("walker"))


def strips(path: Path, *, first: int = 0, check: Callable[[], None] = lambda: None) -> list[Strip]:
    """Return a source's strips from a step on, with one step more to look back at, as the pose stage makes them."""
    with path.open("rb") as file:
        video = probe(file, name=path.name)
        frames = sample_frames(
            file, video, start_s=max(0.0, (first - 1) / SAMPLE_RATE_HZ), end_s=video.duration_s, rate_hz=SAMPLE_RATE_HZ,
            name=path.name, sparse=True,
        )  # fmt: skip
        return list(strips_of(frames, video, first=first, per_unit=PER_UNIT, check=check))


def is_moving(step: int) -> bool:
    return any(start_s + 0.2 < step / SAMPLE_RATE_HZ < end_s - 0.2 for start_s, end_s in MOVES_S)


def is_resting(step: int) -> bool:
    return all(not start_s - 0.2 < step / SAMPLE_RATE_HZ < end_s + 0.2 for start_s, end_s in MOVES_S)


def test_a_strip_is_a_unit(walker: Path) -> None:
    assert [[step.sample.index for step in strip.steps] for strip in strips(walker)] == [
        list(range(0, 80)),
        list(range(80, 160)),
        list(range(160, round(SECONDS * SAMPLE_RATE_HZ))),
    ]


def test_what_moves_is_found_where_and_when_it_does(walker: Path) -> None:
    for step in (each for strip in strips(walker) for each in strip.steps):
        index, regions = step.sample.index, step.sample.regions
        if is_resting(index):
            assert regions == ()
        if is_moving(index):
            (box,) = regions
            assert box.left < (place_px(index / SAMPLE_RATE_HZ) + 6) / 320 < box.right
            assert box.top < 88 / 180 < box.bottom


def test_frames_are_kept_only_around_what_moves_and_at_steps_the_model_may_look_at(walker: Path) -> None:
    for strip in strips(walker):
        for at, step in enumerate(strip.steps[:-JOINED]):
            can_be_looked_at = step.sample.index % POSE_EVERY == 0
            if can_be_looked_at and any(near.change.regions for near in strip.near(at)):
                assert step.frame is not None
            if not can_be_looked_at or not any(near.change.regions for near in strip.near(at, JOINED)):
                assert step.frame is None


def test_a_unit_is_the_same_whatever_came_before_it(walker: Path) -> None:
    whole = strips(walker)
    for unit in (1, 2):
        alone = strips(walker, first=unit * PER_UNIT)[0]
        for one, other in zip(alone.steps, whole[unit].steps, strict=True):
            assert one.sample == other.sample
            assert (one.frame is None) == (other.frame is None)
            if one.frame is not None and other.frame is not None:
                assert (one.frame.rgb(None, 64) == other.frame.rgb(None, 64)).all()


def test_the_first_step_of_a_source_shows_no_change(walker: Path) -> None:
    first = strips(walker)[0].steps[0].sample
    assert (first.index, first.shown_s, first.change, first.regions) == (0, 0.0, 0.0, ())


def test_nothing_that_is_kept_is_larger_than_the_model_needs(tmp_path: Path) -> None:
    path = make_clip(tmp_path, ClipSpec(seconds=2, size=(2560, 1440), fps=ClipSpec().fps / 3, has_sound=False))
    (strip,) = strips(path)
    kept = [step.frame for step in strip.steps[:-JOINED] if step.frame is not None]
    assert len(kept) >= 4
    for frame in kept:
        assert (frame.frame.width, frame.frame.height) == (KEPT_LONGER_SIDE_PX, 1080)
        assert (frame.video.width, frame.video.height) == (KEPT_LONGER_SIDE_PX, 1080), "boxes refer to what is kept"


@pytest.mark.parametrize("rotation_deg", [0, 90])
def test_the_small_pictures_are_small_on_both_sides(tmp_path: Path, rotation_deg: int) -> None:
    size = (90, 160) if rotation_deg else (160, 90)
    path = make_clip(tmp_path, ClipSpec(seconds=1, size=size, rotation_deg=rotation_deg, has_sound=False))
    (strip,) = strips(path)
    masks = [step.change.moved for step in strip.steps if step.change.moved is not None]
    assert masks
    for mask in masks:
        assert max(mask.shape) <= GREY_LONGER_SIDE_PX
        assert (mask.shape[0] > mask.shape[1]) == (rotation_deg == 90), "upright"


def test_whoever_wants_no_more_is_asked_at_each_step(walker: Path) -> None:
    asked = 0

    def check() -> None:
        nonlocal asked
        asked += 1
        if asked == 20:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        strips(walker, check=check)
    assert asked == 20


def test_frames_are_kept_no_deeper_than_the_model_sees(tmp_path: Path) -> None:
    """One of 10 bits and 4:2:2 takes almost three times as much."""
    clip = make_clip(tmp_path, ClipSpec(seconds=2.0, pixel_format="yuv422p10le", has_sound=False))
    kept = [step.frame for strip in strips(clip) for step in strip.steps if step.frame is not None]
    assert kept
    assert {each.frame.format.name for each in kept} == {"yuv420p"}
