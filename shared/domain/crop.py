"""The part of the picture the pose model looks at: around what moves, big enough to hold a body."""

from collections.abc import Iterable

from shared.domain.moving_region import Box

GROWTH = 1.5  # a moving part is seldom the whole body
SMALLEST_OF_HEIGHT = 0.35  # a crop smaller than this share of the picture's height holds too few pixels to judge


def around(regions: Iterable[Box], *, width: int, height: int) -> tuple[int, int, int, int] | None:
    """Return the crop (left, top, right, bottom) in pixels that holds all regions with room; None when there are none.

    It is square before it is cut at the picture's edges, and never empty.
    """
    seen = list(regions)
    if not seen:
        return None
    left, right = min(box.left for box in seen) * width, max(box.right for box in seen) * width
    top, bottom = min(box.top for box in seen) * height, max(box.bottom for box in seen) * height
    side = max(GROWTH * max(right - left, bottom - top), SMALLEST_OF_HEIGHT * height)
    middle_x, middle_y = (left + right) / 2, (top + bottom) / 2
    x0, y0 = max(0, int(middle_x - side / 2)), max(0, int(middle_y - side / 2))
    x1, y1 = min(width, int(middle_x + side / 2)), min(height, int(middle_y + side / 2))
    return x0, y0, max(x1, x0 + 1), max(y1, y0 + 1)
