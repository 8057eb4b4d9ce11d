import itertools
import math

from hypothesis import given, settings
from hypothesis import strategies as st

from shared.domain.motion import looks, moving_spans
from shared.domain.options import MotionOptions
from shared.domain.pose import KEYPOINTS, POSE_EVERY, SAMPLE_RATE_HZ, Body, Keypoint, PoseSample
from shared.domain.span import Span, total_s

OPTIONS = MotionOptions()
STANDING = [(0.5, 0.2), (0.45, 0.3), (0.55, 0.3), (0.42, 0.4), (0.58, 0.4), (0.42, 0.5), (0.58, 0.5), (0.47, 0.52),
            (0.53, 0.52), (0.47, 0.7), (0.53, 0.7), (0.47, 0.85), (0.53, 0.85)]  # fmt: skip


def body(*, x: float = 0.0, size: float = 1.0, visibility: float = 0.9) -> Body:
    assert len(STANDING) == len(KEYPOINTS)
    return Body(joints=tuple(Keypoint(x=size * px + x, y=size * py, visibility=visibility) for px, py in STANDING))


def walk(
    seconds: float, *, speed: float, size: float = 1.0, camera: float = 0.0, visibility: float = 0.9
) -> list[PoseSample]:
    """Return a body that moves right at `speed` body heights per second while the camera pans at `camera` a step."""
    height = body(size=size).height
    return [
        PoseSample(
            index=step,
            camera_x=camera if step else 0.0,
            camera_y=0.0,
            change=0.1,
            body=body(x=speed * height * step / SAMPLE_RATE_HZ + camera * step, size=size, visibility=visibility)
            if step % POSE_EVERY == 0
            else None,
        )
        for step in range(round(seconds * SAMPLE_RATE_HZ))
    ]


def found(samples: list[PoseSample], options: MotionOptions = OPTIONS) -> tuple[Span, ...]:
    return moving_spans(looks(samples), options, duration_s=len(samples) / SAMPLE_RATE_HZ)


def test_speed_is_in_body_heights_per_second_at_any_distance() -> None:
    for size in (1.0, 0.3, 0.1):
        assert all(math.isclose(look.speed, 0.5, rel_tol=1e-6) for look in looks(walk(4, speed=0.5, size=size)))


def test_a_walk_is_one_movement_from_its_start_to_its_end() -> None:
    (one,) = found(walk(10, speed=0.5))
    assert one.start_s == 0
    assert abs(one.end_s - 10) <= 0.25


def test_standing_still_is_no_movement() -> None:
    assert found(walk(10, speed=0.0)) == ()


def test_the_camera_moving_is_not_the_body_moving() -> None:
    assert found(walk(10, speed=0.0, camera=0.02)) == ()


def test_a_person_seen_for_an_instant_is_no_movement() -> None:
    samples = walk(10, speed=2.0)
    glimpsed = [
        s if s.index in (40, 42) else PoseSample(index=s.index, camera_x=0, camera_y=0, change=0.1) for s in samples
    ]
    assert found(glimpsed) == ()


def test_a_body_the_model_only_guesses_is_no_movement() -> None:
    assert found(walk(10, speed=0.5, visibility=0.3)) == ()


def test_a_short_pause_belongs_to_the_movement_and_a_long_one_parts_it() -> None:
    def with_pause(seconds: float) -> list[PoseSample]:
        moving = walk(20, speed=0.5)
        still = range(5 * SAMPLE_RATE_HZ, round((5 + seconds) * SAMPLE_RATE_HZ))
        return [PoseSample(index=s.index, camera_x=0, camera_y=0, change=0) if s.index in still else s for s in moving]

    assert len(found(with_pause(2.0))) == 1
    assert len(found(with_pause(6.0))) == 2


def test_two_people_far_apart_are_not_one_fast_body() -> None:
    samples = [
        PoseSample(
            index=s.index,
            camera_x=0,
            camera_y=0,
            change=0,
            body=body(x=5.0 * (s.index // 2 % 2), size=0.2) if s.body else None,
        )
        for s in walk(10, speed=0)
    ]
    assert found(samples) == ()


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from([0.0, 0.02, 0.3, 1.0, None]), min_size=1, max_size=60))
def test_movements_lie_apart_in_the_source_and_last_long_enough(speeds: list[float | None]) -> None:
    x, samples = 0.0, []
    for look, speed in enumerate(speeds):
        x += (speed or 0.0) / 4
        samples.append(
            PoseSample(index=2 * look, camera_x=0, camera_y=0, change=0, body=None if speed is None else body(x=x))
        )
        samples.append(PoseSample(index=2 * look + 1, camera_x=0, camera_y=0, change=0))
    spans = found(samples)
    assert all(OPTIONS.min_moving_s <= each.duration_s for each in spans)
    assert all(other.start_s - one.end_s > OPTIONS.max_stationary_s for one, other in itertools.pairwise(spans))
    assert total_s(spans) <= len(samples) / SAMPLE_RATE_HZ


def test_an_arm_reaching_in_is_not_a_body_on_its_head() -> None:
    def upside_down(visibility: float) -> list[PoseSample]:
        return [
            PoseSample(
                index=s.index,
                camera_x=0,
                camera_y=0,
                change=0.1,
                body=s.body
                and Body(joints=tuple(Keypoint(x=j.x, y=1 - j.y, visibility=visibility) for j in s.body.joints)),
            )
            for s in walk(10, speed=0.5)
        ]

    assert found(upside_down(0.74)) == ()
    assert len(found(upside_down(0.95))) == 1, "an acrobat in full view counts"
