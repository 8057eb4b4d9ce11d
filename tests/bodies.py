"""Made-up bodies, and the steps of a grid they are seen on."""

from shared.domain.pose import KEYPOINTS, Body, Keypoint

STANDING = ((0.5, 0.2), (0.45, 0.3), (0.55, 0.3), (0.42, 0.4), (0.58, 0.4), (0.42, 0.5), (0.58, 0.5), (0.47, 0.52),
            (0.53, 0.52), (0.47, 0.7), (0.53, 0.7), (0.47, 0.85), (0.53, 0.85))  # fmt: skip
"""Where the joints of a person who fills a square picture are, in the order of `KEYPOINTS`."""


def standing(*, x: float = 0.0, y: float = 0.0, size: float = 1.0, visibility: float = 0.9) -> Body:
    """Return somebody who stands so far right and down of (0, 0), `size` picture heights away from it at most."""
    assert len(STANDING) == len(KEYPOINTS)
    return Body(joints=tuple(Keypoint(x=size * px + x, y=size * py + y, visibility=visibility) for px, py in STANDING))


def upside_down(body: Body) -> Body:
    """Return the body mirrored top to bottom."""
    return Body(joints=tuple(Keypoint(x=each.x, y=1 - each.y, visibility=each.visibility) for each in body.joints))
