"""When the pose model looks: where something moves, seldom while nothing new happens, densely where it begins or ends.

A look costs as much as decoding several frames. So every stretch in which something moves is looked at once a second,
every other second while it goes on and on, and wherever two neighbouring looks tell different things the time between
them is halved, down to a quarter of a second: the edges of a movement are found as exactly as if the model looked
everywhere.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from math import ceil

from shared.domain.body_speed import credible, speed_between
from shared.domain.crop import travels
from shared.domain.pose import POSE_EVERY, SAMPLE_RATE_HZ, Body, PoseSample

COARSE = 8  # steps between looks while nothing new happens: a second
SETTLED = 16  # steps between looks that tell the same again and again
EDGE = 4  # steps between a look that shows somebody and one that does not; where he comes from, the grey pictures tell
JOINED = 6  # steps without change that do not end a stretch
CLEARLY = 2.0  # times the threshold or below it by as much; a speed between may be either and is worth no closer look
BESIDE = 0.06  # of the picture: clothes, a bag and what he holds lie outside the joints
QUIET = 0.03  # of the body's box; people who stand and write change as much or less, whoever walks ten times as much
SHORTEST = 3  # steps of change; a shorter stretch is a flicker


def joined_steps(fps: float) -> int:
    """Return how many steps without change do not end a stretch: `JOINED`, or as long as a frame is on screen."""
    return max(JOINED, ceil(SAMPLE_RATE_HZ / fps))


def stretches(is_active: Sequence[bool], *, joined: int = JOINED) -> tuple[range, ...]:
    """Return the stretches of steps in which something moves, rests up to `joined` included, flickers left out."""
    found: list[range] = []
    for at, active in enumerate(is_active):
        if not active:
            continue
        if found and at - found[-1].stop <= joined:
            found[-1] = range(found[-1].start, at + 1)
        else:
            found.append(range(at, at + 1))
    return tuple(each for each in found if len(each) >= SHORTEST or each.start == 0 or each.stop == len(is_active))


def coarse_looks(
    samples: Mapping[int, PoseSample], stretches: Sequence[range], *, threshold: float, aspect: float
) -> Iterator[int]:
    """Yield the steps to look at before anything is known: the ends of each stretch, one each second, none in a rest.

    `samples` are a unit's steps; each step that is yielded is to be looked at before the next one is asked for. A body
    that was seen rests until something else changes.
    """
    looked: list[int] = []
    for stretch in stretches:
        can = range(stretch.start + stretch.start % POSE_EVERY, stretch.stop, POSE_EVERY)
        for step in can:
            every = COARSE // 2 if _travels(samples, step) else COARSE
            is_end = step in (can[0], can[-1])
            if not is_end and (step % every or (step % SETTLED and _goes_on(samples, looked, step, threshold))):
                continue
            last = looked[-1] if looked else None
            rests_until = _rests_until(samples, last, step, aspect)
            if rests_until == step:
                continue
            if last is not None and rests_until > last and step - last > COARSE:
                yield rests_until
            yield step
            looked.append(step)


def _goes_on(samples: Mapping[int, PoseSample], looked: Sequence[int], step: int, threshold: float) -> bool:
    """Return whether what the last two looks told alike still moves, and nothing else: then every other look will do.

    They showed somebody who moves clearly, or nobody.
    """
    if len(looked) < 2 or step - looked[-1] >= SETTLED or looked[-1] - looked[-2] > SETTLED:
        return False
    last = samples[looked[-1]].regions
    if _state(samples, looked[-2], looked[-1], threshold) not in ("moving", "nobody") or not last:
        return False
    return all(any(each.meets(known) for known in last) for each in samples[step].regions)


def _rests_until(samples: Mapping[int, PoseSample], last: int | None, step: int, aspect: float) -> int:
    """Return the last step up to which the body of the last look rests: `step` at most, -1 when it showed none."""
    body = credible(samples[last].body) if last is not None else None
    if last is None or body is None:
        return -1
    stirs = next((at for at in range(last + 1, step + 1) if not is_quiet(samples[at], body, aspect)), None)
    return step if stirs is None else (stirs - 1) // POSE_EVERY * POSE_EVERY


def _travels(samples: Mapping[int, PoseSample], step: int) -> bool:
    """Return whether something goes through the picture around a step: it may be out of it within two seconds."""
    near = [samples[at] for at in range(step - POSE_EVERY, step + POSE_EVERY + 1) if at in samples]
    return travels([each.regions[0] for each in near if each.regions])


def is_quiet(sample: PoseSample, body: Body, aspect: float) -> bool:
    """Return whether so little changes that a body seen before rests, and nobody else moves."""
    if not sample.regions:
        return True
    box = body.box(aspect)
    around = box.grown(BESIDE, BESIDE)
    return sample.change < QUIET * box.area and all(around.holds(each) for each in sample.regions)


def further_looks(samples: Mapping[int, PoseSample], stretch: range, *, threshold: float) -> tuple[int, ...]:
    """Return which steps of a stretch to look at next; none when all there is to know is known.

    `samples` are the unit's steps, those already looked at among them.
    """
    looked = [step for step in stretch if samples[step].is_looked_at]
    states = [_state(samples, one, other, threshold) for one, other in pairwise(looked)]
    return tuple(_between(samples, looked, states))


def _between(samples: Mapping[int, PoseSample], looked: Sequence[int], states: Sequence[str]) -> Iterator[int]:
    for at, (one, other) in enumerate(pairwise(looked)):
        finest = EDGE if states[at] == "edge" and not _travels(samples, (one + other) // 2) else POSE_EVERY
        if not 2 * finest <= other - one <= SETTLED:
            continue
        near = [states[beside] for beside in (at - 1, at + 1) if 0 <= beside < len(states)]
        if states[at] == "edge" or any(_differ(states[at], each) for each in near):
            yield (one + other) // 2 // POSE_EVERY * POSE_EVERY


def _differ(one: str, other: str) -> bool:
    return {one, other} == {"moving", "still"}


def _state(samples: Mapping[int, PoseSample], one: int, other: int, threshold: float) -> str:
    seen = [credible(samples[step].body) is not None for step in (one, other)]
    if not any(seen):
        return "nobody"
    if not all(seen):
        return "edge"
    if other - one > SETTLED:
        return "still"  # it rested in between, or there would have been a look
    between = [samples[step].camera for step in range(one + 1, other + 1)]
    speed = speed_between(samples[one], samples[other], between)
    if speed is None or threshold / CLEARLY <= speed < threshold * CLEARLY:
        return "either"
    return "moving" if speed >= threshold else "still"
