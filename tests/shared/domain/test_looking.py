from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.domain.body_speed import STIRRED
from shared.domain.box import Box
from shared.domain.looking import (
    COARSE,
    EDGE,
    JOINED,
    SETTLED,
    SHORTEST,
    coarse_looks,
    further_looks,
    joined_steps,
    stretches,
)
from shared.domain.options import MotionOptions
from shared.domain.pose import POSE_EVERY, SAMPLE_RATE_HZ, Body, PoseSample
from tests.bodies import standing

THRESHOLD = MotionOptions().movement_threshold
STEPS = 80
WIDE = 16 / 9
FIXED = standing(size=0.5)
MOVING = Box(left=0.1, top=0.1, right=0.3, bottom=0.5)
INSIDE = Box(left=0.13, top=0.2, right=0.15, bottom=0.22)  # the body's hand, say

Detector = Callable[[int], Body | None]


def steps(moves: Sequence[bool], *, region: Box = MOVING, change: float = 0.1) -> list[PoseSample]:
    """Return a unit's steps, in some of which something moves."""
    return [
        PoseSample(
            index=step,
            shown_s=step / SAMPLE_RATE_HZ,
            change=change * each,
            regions=(region,) * each,
            stir=STIRRED * each,
        )
        for step, each in enumerate(moves)
    ]


def looked(unit: Sequence[PoseSample], detector: Detector) -> list[int]:
    """Return the steps that are looked at, in the order in which they are; each is looked at once."""
    samples = {each.index: each for each in unit}
    order: list[int] = []

    def look(step: int) -> None:
        assert not samples[step].is_looked_at, f"looked twice at {step}"
        samples[step] = replace(samples[step], is_looked_at=True, body=detector(step))
        order.append(step)

    found = stretches([bool(each.regions) for each in unit])
    for step in coarse_looks(samples, found, threshold=THRESHOLD, aspect=WIDE):
        look(step)
    for stretch in found:
        while more := further_looks(samples, stretch, threshold=THRESHOLD):
            for step in more:
                assert step in stretch
                look(step)
    return order


def nobody(step: int) -> Body | None:
    return None


def at_rest(step: int) -> Body | None:
    return FIXED


def going(step: int) -> Body | None:
    """Return somebody who goes a body height a second."""
    return standing(x=FIXED.height * step / SAMPLE_RATE_HZ, size=0.5)


def going_from(begin: float) -> Detector:
    return lambda step: going(round(max(0.0, step - begin)))


def test_who_stirs_without_getting_anywhere_is_looked_at_once_a_second() -> None:
    order = looked(steps([True] * STEPS), at_rest)
    assert order == [*range(0, STEPS, COARSE), STEPS - 2], "each second and the end"


@pytest.mark.parametrize("detector", [nobody, going])
def test_what_goes_on_and_on_is_looked_at_every_other_second(detector: Detector) -> None:
    order = looked(steps([True] * STEPS), detector)
    assert order == [0, COARSE, *range(SETTLED, STEPS, SETTLED), STEPS - 2], "after two looks that told the same"


@pytest.mark.parametrize("detector", [nobody, going])
def test_something_new_is_looked_at_at_the_next_second(detector: Detector) -> None:
    new = Box(left=0.7, top=0.1, right=0.8, bottom=0.5)
    moves = [replace(each, regions=(MOVING, new)) if each.index >= 50 else each for each in steps([True] * STEPS)]
    assert 56 in looked(moves, detector)


def test_what_goes_through_the_picture_is_looked_at_twice_a_second() -> None:
    """It may be out of it again within two."""
    moves = [
        replace(each, regions=(Box(left=each.index / STEPS, top=0.4, right=each.index / STEPS + 0.02, bottom=0.5),))
        for each in steps([True] * STEPS)
    ]
    assert looked(moves, going) == [*range(0, STEPS, COARSE // 2), STEPS - 2]


def test_where_nothing_moves_nobody_looks() -> None:
    assert looked(steps([False] * STEPS), going) == []


def test_a_flicker_is_not_looked_at() -> None:
    assert looked(steps([30 <= step < 30 + SHORTEST - 1 for step in range(STEPS)]), going) == []
    assert looked(steps([30 <= step < 30 + SHORTEST for step in range(STEPS)]), going) != []


def test_a_rest_is_not_looked_at() -> None:
    order = looked(steps([step < 16 or step >= 64 for step in range(STEPS)]), at_rest)
    assert not [step for step in order if 16 <= step < 64 - POSE_EVERY]


def test_a_body_that_hardly_stirs_is_not_looked_at_again() -> None:
    moves = steps([True] * STEPS)
    stirs = [replace(each, regions=(INSIDE,), change=0.0001) if 8 < each.index < 60 else each for each in moves]
    order = looked(stirs, at_rest)
    assert not [step for step in order if 8 < step < 58]
    assert [step for step in order if 58 <= step <= 64], "until it does again"


def test_who_stirs_beside_a_body_at_rest_is_looked_at() -> None:
    beside = Box(left=0.8, top=0.4, right=0.82, bottom=0.45)
    order = looked(steps([True] * STEPS, region=beside, change=0.0001), at_rest)
    assert order == [*range(0, STEPS, COARSE), STEPS - 2]


@pytest.mark.parametrize("begin", range(26, 42))
def test_a_movement_that_begins_within_a_second_is_found_to_a_quarter_of_a_second(begin: int) -> None:
    order = sorted(looked(steps([True] * STEPS), going_from(begin)))
    before = max(step for step in order if step <= begin)
    after = min(step for step in order if step > begin)
    assert after - before <= POSE_EVERY
    assert len(order) <= STEPS / COARSE + 7


def test_somebody_seen_at_one_look_only_is_looked_at_more_closely() -> None:
    order = looked(steps([True] * STEPS), lambda step: FIXED if step == 32 else None)
    assert {32 - EDGE, 32 + EDGE} <= set(order)
    assert all(abs(step - 32) < 2 * COARSE for step in order if step % COARSE and step < STEPS - POSE_EVERY)


def test_the_steps_of_a_later_unit_are_looked_at_alike() -> None:
    moves = [5 <= step < 45 for step in range(STEPS)]
    first = {each.index: each for each in steps(moves)}
    later = {STEPS + index: replace(each, index=STEPS + index) for index, each in first.items()}
    (stretch,) = stretches(moves)
    moved = range(STEPS + stretch.start, STEPS + stretch.stop)
    assert [step - STEPS for step in coarse_looks(later, [moved], threshold=THRESHOLD, aspect=WIDE)] == list(
        coarse_looks(first, [stretch], threshold=THRESHOLD, aspect=WIDE)
    )


def test_short_rests_belong_to_a_stretch_and_long_ones_part_it() -> None:
    def with_rest(length: int) -> list[bool]:
        return [True] * 10 + [False] * length + [True] * 10

    assert stretches(with_rest(JOINED)) == (range(0, 20 + JOINED),)
    assert stretches(with_rest(JOINED + 1)) == (range(0, 10), range(11 + JOINED, 21 + JOINED))


def test_what_moves_at_a_frame_a_second_is_one_stretch() -> None:
    """Only every eighth step shows another frame."""
    moves = [step % 8 == 0 for step in range(10, 60)]
    assert stretches(moves) == (), "flickers, at eight frames a second"
    assert stretches(moves, joined=joined_steps(1.0)) == (range(6, 47),)


def test_what_goes_on_in_the_next_unit_is_no_flicker() -> None:
    assert stretches([False] * 9 + [True]) == (range(9, 10),)
    assert stretches([True] + [False] * 9) == (range(0, 1),)


ACTIVITY = st.lists(st.integers(1, 20), max_size=12).map(
    lambda runs: [turn % 2 == 0 for turn, length in enumerate(runs) for _ in range(length)][:STEPS]
)
PLACES = st.lists(st.none() | st.sampled_from([0.0, 0.01, 0.03, 0.1, 0.5, 2.0]), min_size=STEPS, max_size=STEPS)


@settings(max_examples=150, deadline=None)
@given(ACTIVITY, PLACES, st.sampled_from([MOVING, INSIDE]), st.sampled_from([0.0001, 0.1]))
def test_looking_ends_and_is_never_done_twice_nor_where_nothing_moves(
    moves: list[bool], places: list[float | None], region: Box, change: float
) -> None:
    def detect(step: int) -> Body | None:
        x = places[step]
        return None if x is None else standing(x=x, size=0.5)

    order = looked(steps(moves, region=region, change=change), detect)  # which fails at a second look
    can = {step for stretch in stretches(moves) for step in stretch}
    for step in order:
        assert step % POSE_EVERY == 0, "so there are at most four a second"
        assert step in can or any(moves[step : step + POSE_EVERY + 1]), "or until just before it moves"


@settings(max_examples=100, deadline=None)
@given(ACTIVITY, PLACES)
def test_neighbouring_looks_that_tell_different_things_lie_near(moves: list[bool], places: list[float | None]) -> None:
    def detect(step: int) -> Body | None:
        return None if places[step] is None else FIXED

    order = sorted(looked(steps(moves), detect))
    for one, other in pairwise(order):
        if (detect(one) is None) != (detect(other) is None) and any(
            one in stretch and other in stretch for stretch in stretches(moves)
        ):
            assert other - one < 2 * EDGE
