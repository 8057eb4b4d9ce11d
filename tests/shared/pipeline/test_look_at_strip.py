from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from shared.domain.camera import STILL
from shared.domain.moving_region import Change
from shared.domain.options import MotionOptions
from shared.domain.pose import POSE_EVERY, PoseSample
from shared.pipeline.look_at_strip import CROP_LONGER_SIDE_PX, watched
from shared.pipeline.motion_strip import Strip
from shared.ports import PoseDetector
from tests.bodies import STANDING
from tests.shared.pipeline.test_motion_strip import is_resting, strips
from tests.walker_clip import PERSON_LEVEL, SIZE, SeesBright, make_walker, place_px

Landmarks = Sequence[tuple[float, float, float]]

MOST_AT_A_STEP = 5
ASPECT = SIZE[0] / SIZE[1]
THRESHOLD = MotionOptions().movement_threshold


@pytest.fixture(scope="module")
def unit(tmp_path_factory: pytest.TempPathFactory) -> Strip:
    """The first ten seconds: somebody goes right and then rests."""
    return strips(make_walker(tmp_path_factory.mktemp("walker")))[0]


class Answers:
    """A detector that records the pictures it is shown and answers what it is told to."""

    def __init__(self, answer: Callable[[int], Landmarks | None]) -> None:
        self.versions: dict[str, str] = {}
        self.pictures: list[NDArray[np.uint8]] = []
        self._answer = answer

    def detect(self, picture: NDArray[np.uint8]) -> Landmarks | None:
        self.pictures.append(picture)
        return self._answer(len(self.pictures) - 1)


def body(visibility: float, *, left: float = 0.0, size: float = 1.0) -> Landmarks:
    """Return somebody who stands in a crop."""
    return [(left + size * x, size * y, visibility) for x, y in STANDING]


def seen_by(unit: Strip, detector: PoseDetector) -> list[PoseSample]:
    """Return the unit's samples."""
    return watched(unit, detector, aspect=ASPECT, threshold=THRESHOLD, tell=lambda _: None)[0]


def calls_at_each_step(unit: Strip, detector: Answers) -> tuple[list[PoseSample], list[int]]:
    """Return the unit's samples and how often the detector was asked at each step that was looked at."""
    asked = [0]
    samples, looks = watched(
        unit, detector, aspect=ASPECT, threshold=THRESHOLD, tell=lambda _: asked.append(len(detector.pictures))
    )
    assert looks == len(detector.pictures)
    return samples, [other - one for one, other in pairwise(asked)][:-1]  # in the end it is told that all is done


def test_who_is_surely_found_is_looked_for_no_further(unit: Strip) -> None:
    samples, calls = calls_at_each_step(unit, Answers(lambda _: body(0.9)))
    stirs = [sample.stir for sample in samples if sample.is_looked_at]
    assert calls[0] == 1, "in the first crop"
    assert max(stirs) > 0


def test_where_nobody_is_found_every_crop_is_tried_but_never_more_than_five(unit: Strip) -> None:
    samples, calls = calls_at_each_step(unit, Answers(lambda _: None))
    assert all(1 <= each <= MOST_AT_A_STEP for each in calls)
    assert not any(sample.body for sample in samples)
    assert sum(sample.is_looked_at for sample in samples) <= 7, "once a second while he goes"


def test_a_guess_is_looked_at_once_more_around_the_body(unit: Strip) -> None:
    _, nobody = calls_at_each_step(unit, Answers(lambda _: None))
    _, guessed = calls_at_each_step(unit, Answers(lambda _: body(0.3)))
    assert guessed[0] == nobody[0] + 1
    assert max(guessed) <= MOST_AT_A_STEP


ANSWER = st.none() | st.builds(body, st.sampled_from([0.1, 0.6, 0.9]), left=st.floats(-1, 1), size=st.floats(0.05, 2))


@settings(max_examples=40, deadline=None)
@given(st.lists(ANSWER, min_size=1, max_size=20))
def test_whatever_the_model_sees_it_is_asked_at_most_five_times_at_a_step(
    unit: Strip, answers: list[Landmarks | None]
) -> None:
    samples, calls = calls_at_each_step(unit, Answers(lambda n: answers[n % len(answers)]))
    assert max(calls) <= MOST_AT_A_STEP
    assert len(calls) == sum(sample.is_looked_at for sample in samples) <= len(samples) / POSE_EVERY
    assert all(0 <= sample.stir <= 1 for sample in samples)
    assert [sample.index for sample in samples] == [step.sample.index for step in unit.steps]


def test_only_moving_steps_are_looked_at(unit: Strip) -> None:
    samples = seen_by(unit, SeesBright())
    looked = [sample.index for sample in samples if sample.is_looked_at]
    assert looked and all(step % POSE_EVERY == 0 for step in looked)
    assert not [step for step in looked if all(is_resting(near) for near in range(step - 2, step + 3))]
    assert [s.regions for s in samples] == [step.sample.regions for step in unit.steps], "nothing else is changed"


def test_the_crops_hold_who_moves_and_are_no_larger_than_the_model_needs(unit: Strip) -> None:
    detector = Answers(lambda _: body(0.9))
    seen_by(unit, detector)
    for picture in detector.pictures:
        assert max(picture.shape) <= CROP_LONGER_SIDE_PX
        assert picture.flags.c_contiguous
    first = detector.pictures[0]
    assert (first[..., 1] > PERSON_LEVEL - 20).sum() >= 0.9 * 12 * 36, "all of him is in the first crop"


def test_joints_are_told_in_heights_of_the_whole_picture(unit: Strip) -> None:
    samples = seen_by(unit, SeesBright())
    seen = [sample for sample in samples if sample.body is not None]
    assert len(seen) >= 4
    for sample in seen:
        assert sample.body is not None
        nose = sample.body.joints[0]
        assert nose.x * SIZE[1] == pytest.approx(place_px(sample.shown_s) + 6, abs=2)
        assert nose.y * SIZE[1] == pytest.approx(70 + 0.2 * 36, abs=2)


def test_what_stirs_of_a_body_is_told(unit: Strip) -> None:
    samples = seen_by(unit, SeesBright())
    going = [s.stir for s in samples if s.body is not None and 1.5 < s.t_s < 6.5]
    assert going and min(going) > 0.1


def test_a_look_in_a_short_rest_does_not_lose_who_rests(unit: Strip) -> None:
    rest = range(30, 35)  # around a step that is looked at
    nothing = Change(camera=STILL, share=0.0)
    steps = [
        replace(step, sample=replace(step.sample, regions=(), change=0.0), change=nothing) if at in rest else step
        for at, step in enumerate(unit.steps)
    ]
    assert all(sample.body is not None for sample in seen_by(Strip(steps), SeesBright()) if sample.is_looked_at)
