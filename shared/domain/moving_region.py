"""Where something moves between two grey pictures, once the camera's own movement is taken out.

The camera's shift is found by phase correlation (Kuglin and Hines, 1975); what still differs after the shift is undone
is what moves. Pictures are small (about 192 pixels on the longer side), which is what makes this gate cheap.
"""

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

GreyPicture = NDArray[np.uint8]
FloatPicture = NDArray[np.float32]

CHANGED_LEVELS = 10  # grey levels of 255; sensor noise and x264 at CRF 28 stay below it after the blur
BLUR_PX = 5
JOIN_PX = 9  # parts of one body are joined when they lie this near
SURE_SHIFT = 0.1  # a phase correlation response below this is noise: then the camera counts as still
FARTHEST_SHIFT = 0.3  # of the picture's height; a "shift" beyond it between two samples is a cut


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A rectangle in shares of the picture: 0 is left or top, 1 is right or bottom."""

    left: float
    top: float
    right: float
    bottom: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What changed from one picture to the next."""

    camera_x: float
    """How far the camera's view moved the picture, in picture heights."""
    camera_y: float
    share: float
    """Share of the picture that moved on its own, in [0, 1]."""
    region: Box | None
    """The largest thing that moved; None when nothing did."""


def change_between(before: GreyPicture, after: GreyPicture) -> Change:
    """Return what changed between two grey pictures of the same shape (height, width).

    Raises ValueError when the shapes differ.
    """
    if before.shape != after.shape:
        raise ValueError(f"pictures differ in shape: {before.shape} and {after.shape}")
    height, width = after.shape
    shift_x, shift_y = _camera_shift(before, after)
    moved = _moved_mask(before, after, shift_x, shift_y)
    return Change(
        camera_x=shift_x / height,
        camera_y=shift_y / height,
        share=float(np.count_nonzero(moved)) / moved.size,
        region=_largest_region(moved, width=width, height=height),
    )


@lru_cache(maxsize=4)
def _window(height: int, width: int) -> FloatPicture:
    return np.asarray(cv2.createHanningWindow((width, height), cv2.CV_32F), dtype=np.float32)


def _camera_shift(before: GreyPicture, after: GreyPicture) -> tuple[float, float]:
    height, width = after.shape
    if min(height, width) < 8:  # too small to hold a shift
        return 0.0, 0.0
    (shift_x, shift_y), response = cv2.phaseCorrelate(
        before.astype(np.float32), after.astype(np.float32), _window(height, width)
    )
    is_sure = response >= SURE_SHIFT and max(abs(shift_x), abs(shift_y)) <= FARTHEST_SHIFT * height
    return (float(shift_x), float(shift_y)) if is_sure else (0.0, 0.0)


def _moved_mask(before: GreyPicture, after: GreyPicture, shift_x: float, shift_y: float) -> NDArray[np.uint8]:
    height, width = after.shape
    still = before.astype(np.float32)
    if max(abs(shift_x), abs(shift_y)) > 0.1:
        undo = np.array([[1, 0, shift_x], [0, 1, shift_y]], dtype=np.float32)
        still = np.asarray(cv2.warpAffine(still, undo, (width, height), borderMode=cv2.BORDER_REPLICATE), np.float32)
    difference = cv2.absdiff(after.astype(np.float32), still)
    mask = (cv2.GaussianBlur(difference, (BLUR_PX, BLUR_PX), 0) > CHANGED_LEVELS).astype(np.uint8)
    border = int(max(abs(shift_x), abs(shift_y))) + 1
    if border > 1:  # what came into view with the camera says nothing
        mask[:border] = mask[-border:] = 0
        mask[:, :border] = mask[:, -border:] = 0
    return mask


def _largest_region(moved: NDArray[np.uint8], *, width: int, height: int) -> Box | None:
    joined = cv2.dilate(moved, np.ones((JOIN_PX, JOIN_PX), np.uint8))
    count, _, stats, _ = cv2.connectedComponentsWithStats(joined)
    if count <= 1:
        return None
    largest = 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA]))
    left, top, box_width, box_height = (int(value) for value in stats[largest, :4])
    return Box(
        left=left / width, top=top / height, right=(left + box_width) / width, bottom=(top + box_height) / height
    )
