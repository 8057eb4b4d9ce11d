"""How fast a body moves between two looks at it, the camera's own movement taken out."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from shared.domain.camera import STILL, Camera
from shared.domain.pose import Body, PoseSample

SEEN_FROM = 0.5  # mean visibility of a body; below it the model is guessing
SEEN_WHOLE = 0.8  # of one upside down: a hand reaching in is taken for such a body at up to 0.74, an acrobat is in view
FASTEST = 10.0  # body heights per second; a sprinter reaches 6, a skater 8, more is two different people
BESIDE = 0.03  # of the picture: where what moves has its middle, beyond the joints
LOOKED_EVERY_S = 0.25  # speeds are told as if looked at so often
TO_AND_FRO = 0.25  # body heights per second; who juggles or pitches on the spot reaches 0.1 to 0.25, who walks 0.5
STIRRED = 0.08  # of his box: who walks changes 0.2 to 0.6, a slow pitcher 0.15, who stands and writes 0.001 to 0.06
LIMBS_REACH = 0.2  # body heights: so far are limbs on average from where they were; farther ones are another posture
TURNED = 0.5  # cosine; who goes on and on keeps his direction, whoever goes to and fro does not
GOES_FROM = 0.05  # body heights between two looks; below it a direction is chance
UNSURE_CAMERA = 0.0015  # picture heights a step's fitted movement may be off: a sixth of a pixel of the small pictures


def credible(body: Body | None) -> Body | None:
    """Return the body if the model is sure enough that it is one."""
    if body is None:
        return None
    return body if body.visibility >= (SEEN_WHOLE if body.is_upside_down else SEEN_FROM) else None


def shows_who_moves(look: PoseSample, aspect: float) -> bool:
    """Return whether a look shows a body that is surely the one that moves, so that there is no need to look again."""
    body = credible(look.body)
    if body is None:
        return False
    around = body.box(aspect).grown(BESIDE, BESIDE)
    return not look.regions or around.holds(look.regions[0].middle)


def likelier(one: PoseSample, other: PoseSample) -> PoseSample:
    """Return which of two looks at the same step shows the body that moves; the first where they are alike."""

    def rank(look: PoseSample) -> tuple[bool, float, float]:
        if look.body is None:
            return False, -1.0, 0.0
        return credible(look.body) is not None, min(look.stir, STIRRED), look.body.visibility

    return max(one, other, key=rank)


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """How a body got from one look to another."""

    seconds: float
    straight: float
    """Mean speed of the joints, had each gone straight on, in body heights per second."""
    net: tuple[float, float]
    """Where the body as a whole got to, rightwards and down, in body heights."""
    stirred: float
    """Share of the body's box that changes from step to step, the mean of both looks, in [0, 1]."""
    counts: float
    """How much of a speed counts, in [0, 1]."""

    @property
    def decides(self) -> float:
        """The speed by which it moves or does not, in body heights per second."""
        return self.counts * self._to_and_fro(self.straight, TO_AND_FRO)

    def told(self, beside: Iterable["Way"]) -> float:
        """Return the speed that is told, in body heights per second; `beside` are the ways before and after.

        Whoever keeps his direction goes as fast as the looks show. Who turns back between them goes farther: by the
        root of the time, and no slower than just before and after, up to what is seen of it in how much of him changes.
        Who walks makes about as many body heights a second as the share of his box that changes from step to step.
        """
        straight = self._bodily
        turned = [each._bodily for each in beside if self._turns(each)]
        if not turned:
            return self.counts * self._to_and_fro(straight, TO_AND_FRO)
        as_looked_often = self._to_and_fro(straight, max(TO_AND_FRO, self.stirred))
        return self.counts * max(as_looked_often, min(max(turned), self.stirred))

    @property
    def _bodily(self) -> float:
        """The straight speed, without more way of the limbs than they reach."""
        return min(self.straight, (math.hypot(*self.net) + LIMBS_REACH) / self.seconds)

    def _to_and_fro(self, speed: float, most: float) -> float:
        return max(speed, min(speed * math.sqrt(self.seconds / LOOKED_EVERY_S), most))

    def _turns(self, other: "Way") -> bool:
        far = math.hypot(*self.net), math.hypot(*other.net)
        along = self.net[0] * other.net[0] + self.net[1] * other.net[1]
        return min(far) >= GOES_FROM and along < TURNED * far[0] * far[1]


def speed_between(before: PoseSample, after: PoseSample, between: Sequence[Camera]) -> float | None:
    """Return by which speed a body moves or does not, in body heights per second; None as of `way_between`.

    Two things are allowed for. Limbs go to and fro, so that over a longer time less way is seen per second: by the root
    of the time, as of a random walk, up to the speed `TO_AND_FRO` from which on somebody goes somewhere. And a model
    that sees a body at rest sees it tremble: the speed counts whole only where at least `STIRRED` of the body's box
    changes from step to step, and in proportion where less does.
    """
    way = way_between(before, after, between)
    return None if way is None else way.decides


def way_between(before: PoseSample, after: PoseSample, between: Sequence[Camera]) -> Way | None:
    """Return the body's way between two looks, its joints weighted by how visible they are.

    `between` are the camera's movements of the steps after `before` up to `after`. None when one of the two shows no
    credible body, or when it would be faster than any body: then they are two.
    """
    one, other = credible(before.body), credible(after.body)
    seconds = after.shown_s - before.shown_s
    if one is None or other is None or seconds <= 0:
        return None
    moved_by = [camera for camera in between if camera != STILL]
    way = weight = across = down = 0.0
    for start, end in zip(one.joints, other.joints, strict=True):
        x, y = start.x, start.y
        for camera in moved_by:
            x, y = camera.moved(x, y)
        sure = min(start.visibility, end.visibility)
        way += sure * math.hypot(end.x - x, end.y - y)
        across += sure * (end.x - x)
        down += sure * (end.y - y)
        weight += sure
    weight, tall = max(weight, 1e-6), max(one.height, other.height)
    unsure = UNSURE_CAMERA * math.sqrt(len(moved_by))
    speed = max(0.0, way / weight - unsure) / tall / seconds
    if speed > FASTEST:
        return None
    return Way(
        seconds=seconds,
        straight=speed,
        net=(across / weight / tall, down / weight / tall),
        stirred=(before.stir + after.stir) / 2,
        counts=min(1.0, max(before.stir, after.stir) / STIRRED),
    )
