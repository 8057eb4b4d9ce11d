"""From the coded picture to the one people see: turned, mirrored, with square pixels."""

from __future__ import annotations

from math import atan2, degrees
from typing import TYPE_CHECKING, Literal, cast

from shared.domain.video import Video

if TYPE_CHECKING:  # functions probe, and have no numpy
    import numpy as np
    from numpy.typing import NDArray

Matrix = tuple[tuple[int, int], tuple[int, int]]
Box = tuple[int, int, int, int]
"""x0, y0, x1, y1 in pixels; x1 and y1 do not belong to it."""
Turn = Literal[0, 90, 180, 270]


def read_display_matrix(matrix: Matrix) -> tuple[Turn, bool, bool]:
    """Return (clockwise turn in degrees, mirrored afterwards, exact) of the [a b, c d] in a display matrix.

    `exact` is False when the matrix asks for something else than quarter turns and mirrors; the nearest one is given.
    """
    (a, b), (c, d) = matrix
    if a * d - b * c == 0:
        return 0, False, not (a or b or c or d)
    is_mirrored = a * d - b * c < 0
    turn = degrees(atan2(b, -a if is_mirrored else a)) % 360
    nearest = round(turn / 90) % 4 * 90
    return cast(Turn, nearest), is_mirrored, abs((turn - nearest + 180) % 360 - 180) < 1


def shown_size(coded_width: int, coded_height: int, sar: float, rotation_deg: int) -> tuple[int, int]:
    """Return (width, height) as shown: pixels squared by changing the coded width, then turned."""
    width, height = max(1, round(coded_width * sar)), coded_height
    return (height, width) if rotation_deg in (90, 270) else (width, height)


def before_turning(size: tuple[int, int], rotation_deg: int) -> tuple[int, int]:
    """Return the (width, height) that becomes `size` when turned."""
    return (size[1], size[0]) if rotation_deg in (90, 270) else size


def upright(picture: NDArray[np.uint8], video: Video) -> NDArray[np.uint8]:
    """Return the picture (h, w) or (h, w, channels) turned and mirrored as the source asks, C-contiguous."""
    import numpy as np

    turned = np.rot90(picture, k=-(video.rotation_deg // 90))
    return np.ascontiguousarray(turned[:, ::-1] if video.is_mirrored else turned)


def unturned_box(box: Box, size: tuple[int, int], video: Video) -> Box:
    """Return where a box of the shown picture of `size` (width, height) lies in the picture before turning."""
    x0, y0, x1, y1 = box
    width, height = size
    if video.is_mirrored:
        x0, x1 = width - x1, width - x0
    if video.rotation_deg == 90:
        return y0, width - x1, y1, width - x0
    if video.rotation_deg == 180:
        return width - x1, height - y1, width - x0, height - y0
    if video.rotation_deg == 270:
        return height - y1, x0, height - y0, x1
    return x0, y0, x1, y1
