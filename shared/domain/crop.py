"""The part of the picture the pose model looks at: around what moves, big enough to hold a body."""

from collections.abc import Sequence

from shared.domain.box import Box
from shared.domain.pose import Body

PixelBox = tuple[int, int, int, int]
"""left, top, right, bottom."""

GROWTH = 1.5  # a moving part is seldom the whole body
CLOSE_GROWTH = 1.1  # leaves out who stands beside
BODY_GROWTH = 1.7  # of a body seen a moment ago, which has moved since
SMALLEST_OF_HEIGHT = 0.35  # a crop smaller than this share of the picture's height holds too few pixels to judge
BESIDE = 0.05  # of the picture: what moves no further outside a body's box is a part of it
SMALLEST_OF_WHOLE = 0.22  # of the height: what goes through the picture is whole; a tenth of it fills half of this
MOSTLY = 0.8  # of a crop that was seen in another: who is not found there will not be found here
TRAVELS = 0.5  # of its own size, within half a second


def crops_to_try(
    regions: Sequence[Sequence[Box]], known: Body | None, *, width: int, height: int
) -> tuple[PixelBox, ...]:
    """Return the crops to look at until somebody is found in one, the likeliest first.

    `regions` are what moved at each of the steps around the look, the largest first; `known` is a body seen shortly
    before or after.
    """
    moving = [each[0] for each in regions if each]
    if not moving:
        return ()
    size = {"width": width, "height": height}
    here = regions[len(regions) // 2] or moving[len(moving) // 2 :]
    # All the way it went is too much of the picture to find somebody small in.
    way = travels(moving)
    crops = [around(here[:1], **size, smallest_of_height=SMALLEST_OF_WHOLE)] if way else []
    crops.append(around(moving, **size))
    if known is not None:
        box = known.box(width / height).grown(BESIDE, BESIDE)
        is_he = all(box.holds(each) for each in moving)
        if is_he or any(box.meets(each) for each in moving):
            near = around_body(known, **size)
            crops = [crops[0], near] if way and not is_he else [near, crops[0]]
    second = [each[1] for each in regions if len(each) > 1]
    if len(crops) == 1 and second:
        beside = around(second, **size)
        crops += [] if _is_most_of(beside, crops[0]) else [beside]
    return tuple(dict.fromkeys(crops))


def _is_most_of(crop: PixelBox, seen: PixelBox) -> bool:
    """Return whether most of a crop was seen in another one."""
    across = max(0, min(crop[2], seen[2]) - max(crop[0], seen[0]))
    down = max(0, min(crop[3], seen[3]) - max(crop[1], seen[1]))
    return across * down > MOSTLY * (crop[2] - crop[0]) * (crop[3] - crop[1])


def travels(moving: Sequence[Box]) -> bool:
    """Return whether what moves goes through the picture: at the end it is beside where it was at the start."""
    if len(moving) < 2:
        return False
    first, last = moving[0], moving[-1]
    across = abs(last.left + last.right - first.left - first.right) / 2
    down = abs(last.top + last.bottom - first.top - first.bottom) / 2
    width = max(first.right - first.left, last.right - last.left)
    height = max(first.bottom - first.top, last.bottom - last.top)
    return across > TRAVELS * width or down > TRAVELS * height


def around(
    regions: Sequence[Box], *, width: int, height: int, smallest_of_height: float = SMALLEST_OF_HEIGHT
) -> PixelBox:
    """Return the crop in pixels that holds all regions with room.

    It is square before it is cut at the picture's edges, and never empty. Raises ValueError without regions.
    """
    left, right = min(box.left for box in regions) * width, max(box.right for box in regions) * width
    top, bottom = min(box.top for box in regions) * height, max(box.bottom for box in regions) * height
    side = max(GROWTH * max(right - left, bottom - top), smallest_of_height * height)
    return _square((left + right) / 2, (top + bottom) / 2, side, width=width, height=height)


def around_closely(region: Box, *, width: int, height: int) -> PixelBox:
    """Return the crop in pixels that holds little more than a region, so that nobody beside it is found."""
    x0, x1, y0, y1 = region.left * width, region.right * width, region.top * height, region.bottom * height
    side = max(CLOSE_GROWTH * max(x1 - x0, y1 - y0), SMALLEST_OF_WHOLE * height)
    return _square((x0 + x1) / 2, (y0 + y1) / 2, side, width=width, height=height)


def around_body(body: Body, *, width: int, height: int) -> PixelBox:
    """Return the crop in pixels around a body, with room for what it does next."""
    xs, ys = [joint.x * height for joint in body.joints], [joint.y * height for joint in body.joints]
    side = max(BODY_GROWTH * max(max(xs) - min(xs), max(ys) - min(ys)), SMALLEST_OF_HEIGHT * height)
    return _square((min(xs) + max(xs)) / 2, (min(ys) + max(ys)) / 2, side, width=width, height=height)


def _square(middle_x: float, middle_y: float, side: float, *, width: int, height: int) -> PixelBox:
    middle_x, middle_y = min(max(middle_x, 0.0), width - 1.0), min(max(middle_y, 0.0), height - 1.0)
    x0, y0 = max(0, int(middle_x - side / 2)), max(0, int(middle_y - side / 2))
    x1, y1 = min(width, int(middle_x + side / 2)), min(height, int(middle_y + side / 2))
    return x0, y0, max(x1, x0 + 1), max(y1, y0 + 1)
