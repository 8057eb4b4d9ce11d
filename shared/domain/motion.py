"""The motion rule: when does a body move, and how much.

Body speed is measured in body heights per second, so that distance to the camera cancels, with the camera's own
movement taken out. A moment counts as moving when the median over a second reaches `movement_threshold`: a pose model
sees people for an instant in hands and bottles, but not for most of a second.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from shared.domain.body_speed import Way, credible, way_between
from shared.domain.options import MotionOptions
from shared.domain.pose import POSE_EVERY, SAMPLE_RATE_HZ, PoseSample
from shared.domain.span import Span, join_near, longer_than, span

LOOKS_APART = 16  # steps; looks further apart than two seconds are not compared
MISSED = 4  # steps; a body missed by one look in between is still compared over half a second
CUT = 0.7  # of the picture; a cut changes 0.9 and more of it at once, somebody close to the camera up to 0.6
COMES_IN = 16  # steps; who comes in takes at most two seconds until most of him is in view
NEXT_TO = 0.05  # of the picture: how far what moves gets from one step to the next, beyond touching
WINDOW = 5  # looks, about a second, over which the median is taken


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """A moment of the source at which the pose model looked, or need not."""

    t_s: float
    speed: float
    """Mean of the ways from the look before and to the look after, in body heights per second; 0 with nobody seen.

    It decides whether somebody moves, by its median over the looks around; of who goes to and fro it shows little.
    """
    energy: float
    """How fast he moves, as it is told: a median over the looks around this one, in body heights per second."""


def looks(samples: Sequence[PoseSample]) -> tuple[Look, ...]:
    """Return how fast the body moves, four times a second, in order of time.

    `samples` are the grid's steps in order, without gaps. Between two looks of the pose model a body moves evenly.
    """
    ways = _ways(samples)
    speeds = _speeds(samples, [(steps, way.decides) for steps, way in ways])
    told = _medians(_speeds(samples, _told(ways)))
    seen_at = [sample.t_s for sample in samples if sample.index % POSE_EVERY == 0]
    return tuple(
        Look(t_s=t_s, speed=speed, energy=energy) for t_s, speed, energy in zip(seen_at, speeds, told, strict=True)
    )


def moving_spans(found: Sequence[Look], options: MotionOptions, *, duration_s: float) -> tuple[Span, ...]:
    """Return the stretches in which a body moves, unpadded, inside the source.

    Pauses up to `max_stationary_s` are part of a movement; movements shorter than `min_moving_s` are passed over.
    """
    half_s = POSE_EVERY / SAMPLE_RATE_HZ / 2
    moments = (
        span(max(0.0, look.t_s - half_s), min(duration_s, look.t_s + half_s))
        for look, speed in zip(found, _medians([look.speed for look in found]), strict=True)
        if speed >= options.movement_threshold and look.t_s - half_s < duration_s
    )
    return longer_than(join_near(moments, gap_s=options.max_stationary_s), options.min_moving_s)


def _medians(speeds: Sequence[float]) -> list[float]:
    """Return the median over `WINDOW` looks around each."""
    if not speeds:
        return []
    half = WINDOW // 2  # beyond the ends goes on what is there, so that a movement is not cut at the source's border
    around = [speeds[0]] * half + list(speeds) + [speeds[-1]] * half
    return [median(around[at : at + WINDOW]) for at in range(len(speeds))]


def _ways(samples: Sequence[PoseSample]) -> list[tuple[range, Way]]:
    """Return the body's ways from look to look in order of time, each with the `POSE_EVERY`th steps it touches."""
    ways: list[tuple[range, Way]] = []
    looked = [at for at, sample in enumerate(samples) if sample.is_looked_at]
    seen: int | None = None
    before: int | None = None
    for at in looked:
        if credible(samples[at].body) is not None:
            if seen is not None and at - seen <= (LOOKS_APART if seen == before else MISSED):
                between = [sample.camera for sample in samples[seen + 1 : at + 1]]
                way = way_between(samples[seen], samples[at], between)
                if way is not None:
                    ways.append((range(-(-seen // POSE_EVERY), at // POSE_EVERY + 1), way))
            seen = at
        before = at
    return ways


def _told(ways: Sequence[tuple[range, Way]]) -> list[tuple[range, float]]:
    """Return the told speed of each way, in the light of those that meet it in a look."""
    beside: list[list[Way]] = [[] for _ in ways]
    for at, ((steps, way), (later_steps, later)) in enumerate(pairwise(ways)):
        if steps[-1] == later_steps[0]:
            beside[at].append(later)
            beside[at + 1].append(way)
    return [(steps, way.told(near)) for (steps, way), near in zip(ways, beside, strict=True)]


def _speeds(samples: Sequence[PoseSample], told: Sequence[tuple[range, float]]) -> list[float]:
    """Return the body's speed at every `POSE_EVERY`th step, from those of its ways."""
    ways: list[list[float]] = [[] for _ in range(-(-len(samples) // POSE_EVERY))]
    for steps, speed in told:
        for step in steps:
            ways[step].append(speed)
    speeds = [sum(way) / len(way) if way else 0.0 for way in ways]
    _complete(speeds, ways, samples)
    return speeds


def _complete(speeds: list[float], ways: Sequence[Sequence[float]], samples: Sequence[PoseSample]) -> None:
    """Let whoever comes into the picture move from the first step on which something of him does, and likewise out.

    The model needs most of a body, so it finds people late and loses them early at the picture's edges. What moved
    before, next to where he is found, was he.
    """
    for at in [at for at, way in enumerate(ways) if way and speeds[at] > 0]:
        for direction in (-1, 1):
            if 0 <= at + direction < len(ways) and not ways[at + direction]:
                for step in _followed(samples, at * POSE_EVERY, direction):
                    beside = step // POSE_EVERY
                    if not ways[beside]:
                        speeds[beside] = max(speeds[beside], speeds[at])


def _followed(samples: Sequence[PoseSample], start: int, direction: int) -> Iterator[int]:
    """Yield the steps away from `start` on which what moves is what moved on the step before, while nobody is seen."""
    here = samples[start].regions[0] if samples[start].regions else None
    at = start
    while here is not None and abs(at - start) < COMES_IN:
        later = max(at, at + direction)  # the change is told with the later of two steps
        at += direction
        if not 0 <= at < len(samples) or credible(samples[at].body) or samples[later].change > CUT:
            return
        here = next((each for each in samples[at].regions if each.meets(here.grown(NEXT_TO, NEXT_TO))), None)
        if here is not None:
            yield at
