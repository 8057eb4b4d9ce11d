"""How fast a body moves between two looks at it, the camera's own movement taken out."""

import math
from collections.abc import Sequence

from shared.domain.camera import STILL, Camera
from shared.domain.pose import Body, PoseSample

SEEN_FROM = 0.5  # mean visibility of a body; below it the model is guessing
SEEN_WHOLE = 0.8  # of one upside down: a hand reaching in is taken for such a body at up to 0.74, an acrobat is in view
FASTEST = 10.0  # body heights per second; a sprinter reaches 6, a skater 8, more is two different people
BESIDE = 0.03  # of the picture: where what moves has its middle, beyond the joints
LOOKED_EVERY_S = 0.25  # speeds are told as if looked at so often
TO_AND_FRO = 0.25  # body heights per second; who juggles or pitches on the spot reaches 0.1 to 0.25, who walks 0.5
STIRRED = 0.08  # of his box: who walks changes 0.2 to 0.6, a slow pitcher 0.15, who stands and writes 0.001 to 0.06
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


def speed_between(before: PoseSample, after: PoseSample, between: Sequence[Camera]) -> float | None:
    """Return the visibility-weighted mean speed of the joints, in body heights per second.

    Two things are allowed for. Limbs go to and fro, so that over a longer time less way is seen per second: by the root
    of the time, as of a random walk, up to the speed `TO_AND_FRO` from which on somebody goes somewhere. And a model
    that sees a body at rest sees it tremble: the speed counts whole only where at least `STIRRED` of the body's box
    changes from step to step, and in proportion where less does.

    `between` are the camera's movements of the steps after `before` up to `after`. None when one of the two shows no
    credible body, or when it would be faster than any body: then they are two.
    """
    one, other = credible(before.body), credible(after.body)
    seconds = after.shown_s - before.shown_s
    if one is None or other is None or seconds <= 0:
        return None
    moved_by = [camera for camera in between if camera != STILL]
    way = weight = 0.0
    for start, end in zip(one.joints, other.joints, strict=True):
        x, y = start.x, start.y
        for camera in moved_by:
            x, y = camera.moved(x, y)
        sure = min(start.visibility, end.visibility)
        way += sure * math.hypot(end.x - x, end.y - y)
        weight += sure
    unsure = UNSURE_CAMERA * math.sqrt(len(moved_by))
    mean_way = max(0.0, way / max(weight, 1e-6) - unsure)
    speed = mean_way / max(one.height, other.height) / seconds
    if speed > FASTEST:
        return None
    as_looked_often = max(speed, min(speed * math.sqrt(seconds / LOOKED_EVERY_S), TO_AND_FRO))
    return as_looked_often * min(1.0, max(before.stir, after.stir) / STIRRED)
