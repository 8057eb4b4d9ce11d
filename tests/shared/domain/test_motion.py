import itertools
import math
from collections.abc import Callable
from dataclasses import replace
from statistics import median

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.domain.box import Box
from shared.domain.camera import STILL, Camera
from shared.domain.motion import looks, moving_spans
from shared.domain.options import MotionOptions
from shared.domain.pose import POSE_EVERY, SAMPLE_RATE_HZ, Body, PoseSample
from shared.domain.span import Span, total_s
from tests.bodies import standing, upside_down

OPTIONS = MotionOptions()
EVERYWHERE = Box(left=0.0, top=0.0, right=1.0, bottom=1.0)
HOLLOW = PoseSample(index=0, shown_s=0.0)

Change = Callable[[PoseSample], PoseSample]


def walk(
    seconds: float,
    *,
    speed: float,
    size: float = 1.0,
    camera: Camera = STILL,
    visibility: float = 0.9,
    every: int = POSE_EVERY,
) -> list[PoseSample]:
    """Return a body that moves right at `speed` body heights per second, looked at at every so many steps."""
    height = standing(size=size).height
    samples: list[PoseSample] = []
    x = y = 0.0
    for step in range(round(seconds * SAMPLE_RATE_HZ)):
        if step:
            x, y = x + camera.x + speed * height / SAMPLE_RATE_HZ, y + camera.y
        body = standing(x=x, y=y, size=size, visibility=visibility) if step % every == 0 else None
        samples.append(
            PoseSample(
                index=step,
                shown_s=step / SAMPLE_RATE_HZ,
                camera=camera if step else STILL,
                change=0.1,
                regions=(EVERYWHERE,),
                is_looked_at=body is not None,
                body=body,
                stir=1.0,
            )
        )
    return samples


def without(samples: list[PoseSample], hidden: Callable[[int], bool]) -> list[PoseSample]:
    """Return the samples, those chosen by their index with nothing in them that moves and nobody to be seen."""
    return [replace(HOLLOW, index=s.index, shown_s=s.shown_s) if hidden(s.index) else s for s in samples]


def unseen(samples: list[PoseSample], hidden: Callable[[int], bool]) -> list[PoseSample]:
    """Return the samples, where the model finds nobody in those chosen by their index."""
    return [replace(s, body=None) if hidden(s.index) else s for s in samples]


def found(samples: list[PoseSample], options: MotionOptions = OPTIONS) -> tuple[Span, ...]:
    return moving_spans(looks(samples), options, duration_s=len(samples) / SAMPLE_RATE_HZ)


def test_there_is_one_look_each_quarter_of_a_second() -> None:
    for steps in (0, 1, 2, 3, 8, 79, 80):
        assert [look.t_s for look in looks(walk(steps / 8, speed=0.5))] == [n / 8 for n in range(0, steps, 2)]


@pytest.mark.parametrize("size", [1.0, 0.3, 0.1])
def test_speed_is_in_body_heights_per_second_at_any_distance(size: float) -> None:
    assert [look.speed for look in looks(walk(4, speed=0.5, size=size))] == [pytest.approx(0.5)] * 16


def test_a_walk_is_one_movement_from_its_start_to_its_end() -> None:
    (one,) = found(walk(10, speed=0.5))
    assert one.start_s == 0
    assert abs(one.end_s - 10) <= 0.25


def test_standing_still_is_no_movement() -> None:
    assert found(walk(10, speed=0.0)) == ()


@pytest.mark.parametrize("camera", [Camera(x=0.02), Camera(x=-0.05, y=0.01)])
def test_the_camera_moving_is_not_the_body_moving(camera: Camera) -> None:
    assert found(walk(10, speed=0.0, camera=camera)) == ()


def test_somebody_the_camera_follows_moves() -> None:
    height = standing().height
    samples = walk(10, speed=0.5, camera=Camera(x=-0.5 * height / SAMPLE_RATE_HZ))
    assert samples[-2].body == samples[0].body, "in the picture he stays where he is"
    assert len(found(samples)) == 1


def test_a_person_seen_for_an_instant_is_no_movement() -> None:
    assert found(without(walk(10, speed=2.0), lambda index: index not in (40, 42))) == ()


def test_a_body_the_model_only_guesses_is_no_movement() -> None:
    assert found(walk(10, speed=0.5, visibility=0.3)) == ()


def test_an_arm_reaching_in_is_not_a_body_on_its_head() -> None:
    def on_the_head(visibility: float) -> list[PoseSample]:
        return [replace(s, body=s.body and upside_down(s.body)) for s in walk(10, speed=0.5, visibility=visibility)]

    assert found(on_the_head(0.74)) == ()
    assert len(found(on_the_head(0.95))) == 1, "an acrobat in full view counts"


def test_a_short_pause_belongs_to_the_movement_and_a_long_one_parts_it() -> None:
    def with_pause(seconds: float) -> list[PoseSample]:
        return without(walk(20, speed=0.5), lambda index: 0 <= index - 5 * SAMPLE_RATE_HZ < seconds * SAMPLE_RATE_HZ)

    assert len(found(with_pause(2.0))) == 1
    assert len(found(with_pause(6.0))) == 2


def test_two_people_far_apart_are_not_one_fast_body() -> None:
    samples = [
        replace(s, body=standing(x=5.0 * (s.index // 2 % 2), size=0.2)) if s.body else s for s in walk(10, speed=0)
    ]
    assert found(samples) == ()


def test_who_is_missed_by_one_look_moves_on_and_who_is_missed_for_a_second_does_not() -> None:
    def speed_while_missed(hidden: range) -> float:
        samples = [replace(s, body=None, regions=()) if s.index in hidden else s for s in walk(4, speed=0.5)]
        return looks(samples)[16 // POSE_EVERY].speed

    assert speed_while_missed(range(16, 17)) > 0.4
    assert speed_while_missed(range(13, 20)) == 0


@pytest.mark.parametrize("speed", [0.01, 0.5, 2.0])
def test_an_even_movement_is_the_same_however_densely_it_was_looked_at(speed: float) -> None:
    options = replace(OPTIONS, movement_threshold=0.08)
    dense, half, sparse = (found(walk(10.125, speed=speed, every=every), options) for every in (2, 4, 8))
    assert dense == half == sparse
    assert len(dense) == (speed > 0.1)


def going(
    seconds: float, place: Callable[[float], float], *, every: int = POSE_EVERY, stir: float = 0.6
) -> list[PoseSample]:
    """Return a body that is so many of its heights to the right, from time to time; `stir` of its box changes."""
    height = standing().height
    return [
        replace(s, stir=stir, body=standing(x=height * place(s.shown_s)) if s.body else None)
        for s in walk(seconds, speed=0, every=every)
    ]


def told(samples: list[PoseSample]) -> float:
    """Return the greatest speed that is told."""
    return max(look.energy for look in looks(samples))


@pytest.mark.parametrize("every", [2, 4, 8, 16])
@pytest.mark.parametrize("speed", [0.27, 0.3, 0.5, 1.0, 2.0])
def test_who_goes_on_and_on_is_told_as_fast_as_he_is(speed: float, every: int) -> None:
    for stir in (0.15, 0.6, 1.0):
        assert told(going(10, lambda t: speed * t, every=every, stir=stir)) == pytest.approx(speed)


@pytest.mark.parametrize("every", [8, 16])
@pytest.mark.parametrize("hz", [0.5, 0.6, 0.8])
def test_who_goes_to_and_fro_is_told_about_as_fast_as_he_is(hz: float, every: int) -> None:
    """Looks a second or two apart meet him anywhere; what they show, half of the time, is up to four times too slow."""
    shares: list[float] = []
    for start in range(12):

        def place(t: float, phase: float = 0.55 * start) -> float:
            return 0.3 * math.sin(2 * math.pi * hz * t + 1.1 * math.sin(1.3 * t) + phase)

        true = sum(abs(place(n / 50 + 0.02) - place(n / 50)) for n in range(500)) / 10
        shares.append(told(going(10, place, every=every)) / true)
    assert 0.6 <= median(shares) <= 1.35
    assert max(shares) <= 1.35


def test_who_hardly_changes_is_not_fast_because_he_turns() -> None:
    swaying = [going(10, lambda t: 0.1 * math.sin(2.6 * t), every=8, stir=stir) for stir in (0.1, 0.2)]
    assert max(map(told, swaying)) <= 0.25


def test_who_stops_did_not_turn_back() -> None:
    stops = going(10, lambda t: 0.2 * min(t, 5.0) + 0.01 * math.sin(9 * t), every=8)
    assert told(stops) <= 0.27


def test_how_fast_somebody_is_told_to_be_changes_nothing_of_when_he_moves() -> None:
    def place(t: float) -> float:
        return 0.3 * math.sin(2 * math.pi * 0.45 * t)

    wild, calm = (going(10, place, every=8, stir=stir) for stir in (0.9, 0.1))
    assert told(wild) > told(calm)
    for threshold in (0.03, 0.2, 0.24, 0.3):
        options = replace(OPTIONS, movement_threshold=threshold)
        assert found(wild, options) == found(calm, options)


def test_a_body_taken_for_another_posture_is_not_told_to_be_fast() -> None:
    """Somebody who climbs, seen from behind: the model has him stand on his head for a moment."""
    low = standing()
    other = Body(joints=tuple(replace(joint, y=1.05 - joint.y) for joint in low.joints))
    flip = [replace(s, body=other if s.index >= 40 else low) if s.body else s for s in walk(10, speed=0, every=8)]
    assert told(flip) <= 0.3 < max(look.speed for look in looks(flip))


def coming_in(seconds: float, *, seen_from: int, enters: int, cut_at: int | None = None) -> list[PoseSample]:
    """Return somebody who comes in from the left: first something moves there, later the model sees who."""
    samples: list[PoseSample] = []
    for sample in walk(seconds, speed=0.5, size=0.5):
        right = 0.1 + 0.01 * sample.index
        region = Box(left=max(0.0, right - 0.2), top=0.2, right=right, bottom=0.8)
        shown = sample.index >= enters
        samples.append(
            replace(
                sample,
                regions=(region,) * shown,
                change=0.9 if sample.index == cut_at else 0.1 * shown,
                body=sample.body if sample.index >= seen_from else None,
                is_looked_at=sample.is_looked_at and shown,
            )
        )
    return samples


def begin_of(samples: list[PoseSample]) -> float:
    """Return when the first movement begins, a look's own reach of an eighth of a second left out."""
    return found(samples)[0].start_s + 1 / SAMPLE_RATE_HZ


def test_who_walks_in_moves_from_the_first_step_on_which_something_of_him_does() -> None:
    for enters in (16, 20, 24):
        assert begin_of(coming_in(8, seen_from=28, enters=enters)) == pytest.approx(enters / 8, abs=0.25)


def test_who_walks_out_moves_up_to_the_last_step_on_which_something_of_him_does() -> None:
    last_seen, last_moves = 40, 50
    samples = [s if s.index <= last_seen else replace(s, body=None) for s in walk(10, speed=0.5)]
    (one,) = found(without(samples, lambda index: index > last_moves))
    assert one.end_s == pytest.approx(last_moves / 8, abs=0.3)


def test_what_moved_elsewhere_before_was_not_he_who_comes_in() -> None:
    elsewhere = Box(left=0.8, top=0.1, right=0.9, bottom=0.2)
    samples = [replace(s, regions=(elsewhere,)) if s.index < 28 else s for s in coming_in(8, seen_from=28, enters=16)]
    assert begin_of(samples) == pytest.approx(28 / 8, abs=0.25)


def test_before_a_cut_nobody_comes_in() -> None:
    assert begin_of(coming_in(8, seen_from=28, enters=12, cut_at=22)) == pytest.approx(22 / 8, abs=0.3)


def test_nobody_takes_longer_than_two_seconds_to_come_in() -> None:
    assert begin_of(coming_in(12, seen_from=60, enters=8)) >= (60 - 16 - 2) / 8


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from([0.0, 0.02, 0.3, 1.0, None]), min_size=1, max_size=60))
def test_movements_lie_apart_in_the_source_and_last_long_enough(speeds: list[float | None]) -> None:
    x, samples = 0.0, []
    for look, speed in enumerate(speeds):
        x += (speed or 0.0) / 4
        body: Body | None = None if speed is None else standing(x=x)
        samples.append(PoseSample(index=2 * look, shown_s=look / 4, is_looked_at=True, body=body, stir=1.0))
        samples.append(PoseSample(index=2 * look + 1, shown_s=look / 4 + 0.125))
    spans = found(samples)
    assert all(OPTIONS.min_moving_s <= each.duration_s for each in spans)
    assert all(other.start_s - one.end_s > OPTIONS.max_stationary_s for one, other in itertools.pairwise(spans))
    assert total_s(spans) <= len(samples) / SAMPLE_RATE_HZ
