"""What the pose stage finds: one sample per step of the source's time grid."""

import math
from dataclasses import dataclass

from shared.domain.box import Box
from shared.domain.camera import STILL, Camera

SAMPLE_RATE_HZ = 8  # a step of 1/8 s: a fast limb moves about a tenth of a body between two looks
POSE_EVERY = 2  # the pose model looks at most at every second sample, 4 per second

KEYPOINTS = (0, 11, 12, 13, 14, 15, 16, 23, 24, 25, 26, 27, 28)
"""Which of MediaPipe's 33 landmarks are kept: nose, shoulders, elbows, wrists, hips, knees, ankles (left, right)."""
_NOSE, _LEFT_SHOULDER, _RIGHT_SHOULDER, _LEFT_HIP, _RIGHT_HIP = 0, 1, 2, 7, 8
BOX_ROOM = 0.08  # joints lie inside the body
TORSO_TO_BODY = 3.3  # a standing adult is about 3.3 times as tall as the way from shoulders to hips


@dataclass(frozen=True, slots=True, kw_only=True)
class Keypoint:
    """One joint, in picture heights from the top left corner, and how sure the model is that it is seen."""

    x: float
    y: float
    visibility: float
    """In [0, 1]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """One person's joints in the order of `KEYPOINTS`."""

    joints: tuple[Keypoint, ...]

    @property
    def visibility(self) -> float:
        """Mean visibility of the joints, in [0, 1]."""
        return sum(joint.visibility for joint in self.joints) / len(self.joints)

    @property
    def is_upside_down(self) -> bool:
        """Whether the nose lies below both hips."""
        return self.joints[_NOSE].y > max(self.joints[_LEFT_HIP].y, self.joints[_RIGHT_HIP].y)

    def box(self, aspect: float) -> Box:
        """Return where it is seen, with a little room; `aspect` is the picture's width by its height."""
        xs, ys = [joint.x for joint in self.joints], [joint.y for joint in self.joints]
        room = BOX_ROOM * max(max(ys) - min(ys), max(xs) - min(xs))
        return Box(left=min(xs) / aspect, top=min(ys), right=max(xs) / aspect, bottom=max(ys)).grown(
            room / aspect, room
        )

    @property
    def height(self) -> float:
        """Estimated height of the standing body in picture heights, from the torso or the joints' extent."""
        shoulders = _between(self.joints[_LEFT_SHOULDER], self.joints[_RIGHT_SHOULDER])
        hips = _between(self.joints[_LEFT_HIP], self.joints[_RIGHT_HIP])
        xs, ys = [joint.x for joint in self.joints], [joint.y for joint in self.joints]
        return max(TORSO_TO_BODY * math.dist(shoulders, hips), max(xs) - min(xs), max(ys) - min(ys), 1e-3)


@dataclass(frozen=True, slots=True, kw_only=True)
class PoseSample:
    """One step of the time grid."""

    index: int
    """The step's number; its source time is index / SAMPLE_RATE_HZ."""
    shown_s: float
    """When its frame came on screen, in source time."""
    camera: Camera = STILL
    """How the camera's own movement changed the picture since the step before."""
    change: float = 0.0
    """Share of the picture that moved on its own, in [0, 1]."""
    regions: tuple[Box, ...] = ()
    """What moved, the largest first."""
    is_looked_at: bool = False
    """Whether the pose model looked."""
    body: Body | None = None
    """The person in the crop around what moves; None when nobody was found or nobody looked."""
    stir: float = 0.0
    """Share of the body's box that moves on its own around this step, in [0, 1]."""

    @property
    def t_s(self) -> float:
        return self.index / SAMPLE_RATE_HZ


def _between(one: Keypoint, other: Keypoint) -> tuple[float, float]:
    return (one.x + other.x) / 2, (one.y + other.y) / 2
