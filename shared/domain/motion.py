"""The motion rule: when does a body move, and how much.

Body speed is measured in body heights per second, so that distance to the camera cancels, with the camera's own
movement taken out. A moment counts as moving when the median over a second reaches `movement_threshold`: a pose model
sees people for an instant in hands and bottles, but not for most of a second.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from shared.domain.options import MotionOptions
from shared.domain.pose import POSE_EVERY, SAMPLE_RATE_HZ, Body, PoseSample
from shared.domain.span import Span, join_near, longer_than, span

SEEN_FROM = 0.5  # mean visibility of a body; below it the model is guessing
SEEN_WHOLE = 0.8  # of one upside down: a hand reaching in is taken for such a body at up to 0.74, an acrobat is in view
STEPS_APART = 2  # poses further apart than this many looks are not compared
FASTEST = 8.0  # body heights per second; a sprinter reaches 6, more is two different people
WINDOW = 5  # looks, about a second, over which the median is taken


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One look of the pose model."""

    t_s: float
    speed: float
    """Mean of the ways from the look before and to the look after, in body heights per second; 0 with nobody seen."""
    energy: float
    """Median speed over the looks around this one, body heights per second."""


def looks(samples: Sequence[PoseSample]) -> tuple[Look, ...]:
    """Return how fast the body moves at each look of the pose model, in order of time.

    `samples` are the grid's steps in order, without gaps.
    """
    speeds = _speeds(samples)
    half = WINDOW // 2
    around = [0.0] * half + speeds + [0.0] * half
    if speeds:  # beyond the ends goes on what is there, so that a movement is not cut at the source's border
        around[:half] = [speeds[0]] * half
        around[-half:] = [speeds[-1]] * half
    seen_at = [sample.t_s for sample in samples if sample.index % POSE_EVERY == 0]
    return tuple(
        Look(t_s=t_s, speed=speed, energy=median(around[at : at + WINDOW]))
        for at, (t_s, speed) in enumerate(zip(seen_at, speeds, strict=True))
    )


def moving_spans(found: Sequence[Look], options: MotionOptions, *, duration_s: float) -> tuple[Span, ...]:
    """Return the stretches in which a body moves, unpadded, inside the source.

    Pauses up to `max_stationary_s` are part of a movement; movements shorter than `min_moving_s` are passed over.
    """
    half_s = POSE_EVERY / SAMPLE_RATE_HZ / 2
    moments = (
        span(max(0.0, look.t_s - half_s), min(duration_s, look.t_s + half_s))
        for look in found
        if look.energy >= options.movement_threshold and look.t_s - half_s < duration_s
    )
    return longer_than(join_near(moments, gap_s=options.max_stationary_s), options.min_moving_s)


def _speeds(samples: Sequence[PoseSample]) -> list[float]:
    """Return the body's speed at each look."""
    seen: list[tuple[PoseSample, float, float]] = []  # with where the camera has got to
    camera_x = camera_y = 0.0
    for sample in samples:
        camera_x, camera_y = camera_x + sample.camera_x, camera_y + sample.camera_y
        if sample.index % POSE_EVERY == 0:
            seen.append((sample, camera_x, camera_y))
    ways: list[list[float]] = [[] for _ in seen]
    last: int | None = None
    for at, (sample, x, y) in enumerate(seen):
        if sample.body is None or not _is_credible(sample.body):
            continue
        if last is not None and at - last <= STEPS_APART:
            before, before_x, before_y = seen[last]
            assert before.body is not None
            speed = _speed(before.body, sample.body, x - before_x, y - before_y, sample.t_s - before.t_s)
            if speed <= FASTEST:
                ways[at].append(speed)
                ways[last].append(speed)
        last = at
    return [sum(way) / len(way) if way else 0.0 for way in ways]


def _is_credible(body: Body) -> bool:
    return body.visibility >= (SEEN_WHOLE if body.is_upside_down else SEEN_FROM)


def _speed(before: Body, after: Body, camera_x: float, camera_y: float, seconds: float) -> float:
    """Return the visibility-weighted mean speed of the joints, in body heights per second."""
    way = weight = 0.0
    for one, other in zip(before.joints, after.joints, strict=True):
        sure = min(one.visibility, other.visibility)
        way += sure * math.hypot(other.x - one.x - camera_x, other.y - one.y - camera_y)
        weight += sure
    return way / max(weight, 1e-6) / max(before.height, after.height) / seconds
