"""Where something moves between two grey pictures, once the camera's own movement is taken out.

The camera's shift is found by phase correlation (Kuglin and Hines, 1975). Where much still differs, as with a camera in
the hand, corners are followed (Lucas and Kanade, 1981) and a turn and a zoom are fitted to them (RANSAC, Fischler and
Bolles, 1981). What differs after that is what moves. Pictures are small (about 192 pixels on the longer side), which is
what makes this gate cheap.
"""

import math
from dataclasses import dataclass, field
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from shared.domain.box import Box
from shared.domain.camera import STILL, Camera

GreyPicture = NDArray[np.uint8]
FloatPicture = NDArray[np.float32]
Mask = NDArray[np.uint8]

CHANGED_LEVELS = 10  # grey levels of 255; sensor noise and x264 at CRF 28 stay below it after the blur
BLUR_PX = 5
LIT_AT_MOST = 60
LIT_LEVELS, MOST = 5, 0.7  # a camera that sets its exposure anew, or a lamp, changes most of the picture by so much
JOIN_PX = 9  # parts of one body are joined when they lie this near
SURE_SHIFT = 0.1  # a phase correlation response below this is noise: then the camera counts as still
FARTHEST_SHIFT = 0.3  # of the picture's side; a "shift" beyond it between two samples is a cut
EXPLAINS = 0.7  # of what differs is left at most once a camera's movement is undone; a body's own explains less
OFF_BY = 0.35  # of the step between neighbouring pixels: how exactly a camera's movement is undone
EDGE_LEVELS = 30  # a step between neighbouring pixels that a shift by half a pixel changes visibly
ALIKE_LEVELS = 4  # noise; the slowest shake changes such an edge by more
REST_OF_EDGES = 0.6  # so many of them unchanged are no chance; with a body that fills half the picture it may be fewer
MUCH = 40  # levels; what differs by more has moved, and does not differ more for a wrong camera
SHAKEN_SHARE = 0.002  # of the picture; where more differs after the shift, the camera may have turned or zoomed
REGIONS = 3  # so many of the largest things that move are told
LEAST_OF_LARGEST = 0.15  # a region with less than this share of the largest one's pixels is a scrap
LEAST_PX = 5  # that moved; somebody a tenth of the picture high and dark against dark is about eight
CORNERS, CORNER_QUALITY, CORNERS_APART_PX = 80, 0.01, 7
CORNER_WINDOW_PX, CORNER_LEVELS = 11, 2
FITS_WITHIN_PX = 0.8
LEAST_FITTING = 0.4  # of the corners followed; fewer agree only by chance
GREATEST_ZOOM, GREATEST_TURN = 0.08, 0.08  # within 1/8 s; a fit beyond them is none


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What changed from one picture to the next."""

    camera: Camera
    share: float
    """Share of the picture that moved on its own, in [0, 1]."""
    regions: tuple[Box, ...] = ()
    """What moved, the largest first, at most `REGIONS`."""
    moved: Mask | None = field(default=None, repr=False, compare=False)
    """1 where the picture moved on its own, shape (height, width); None when it did nowhere."""

    def share_in(self, box: Box) -> float:
        """Return the share of a box that moved on its own, in [0, 1]."""
        if self.moved is None:
            return 0.0
        height, width = self.moved.shape
        rows = slice(int(box.top * height), max(int(box.top * height) + 1, round(box.bottom * height)))
        columns = slice(int(box.left * width), max(int(box.left * width) + 1, round(box.right * width)))
        inside = self.moved[rows, columns]
        return float(np.count_nonzero(inside)) / max(1, inside.size)


def change_between(before: GreyPicture, after: GreyPicture) -> Change:
    """Return what changed between two grey pictures of the same shape (height, width).

    Raises ValueError when the shapes differ.
    """
    if before.shape != after.shape:
        raise ValueError(f"pictures differ in shape: {before.shape} and {after.shape}")
    if cv2.minMaxLoc(cv2.absdiff(after, before))[1] <= CHANGED_LEVELS:
        return Change(camera=STILL, share=0.0)
    before = _lit_alike(before, after)
    camera = _camera(before, after)
    moved = _moved_mask(before, after, camera)
    if moved is None:
        return Change(camera=camera, share=0.0)
    share = float(np.count_nonzero(moved)) / moved.size
    return Change(camera=camera, share=share, regions=_regions(moved), moved=moved)


def _lit_alike(before: GreyPicture, after: GreyPicture) -> GreyPicture:
    """Return the first picture as bright as the second, where most of it got brighter or darker by as much."""
    levels = after.astype(np.int16) - before
    if np.count_nonzero(np.abs(levels) > LIT_LEVELS) <= MOST * levels.size:
        return before
    by = np.int16(np.median(levels))
    if abs(by) > LIT_AT_MOST or np.count_nonzero(np.abs(levels - by) <= LIT_LEVELS) <= MOST * levels.size:
        return before  # another scene
    lit: GreyPicture = np.clip(before + by, 0, 255).astype(np.uint8)
    return lit


def _camera(before: GreyPicture, after: GreyPicture) -> Camera:
    """Return the camera movement that explains most of what differs; a camera at rest unless one explains much."""
    if _is_at_rest(before, after):
        return STILL
    best = STILL
    least = _left(before, after, STILL)
    shift = _camera_shift(before, after)
    if shift != STILL and (left := _left(before, after, shift)) < EXPLAINS * least:
        best, least = shift, left
    moved = _moved_mask(before, after, best)
    if moved is not None and np.count_nonzero(moved) > SHAKEN_SHARE * moved.size:
        turned = _camera_turn(before, after, best)
        if turned is not None and _left(before, after, turned) < EXPLAINS * least:
            best = turned
    return best


def _is_at_rest(before: GreyPicture, after: GreyPicture) -> bool:
    """Return whether the camera surely rests: one that moves changes every edge there is, a body only its own."""
    is_edge = cv2.morphologyEx(before, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)) > EDGE_LEVELS
    is_alike = cv2.absdiff(after, before) <= ALIKE_LEVELS
    return bool(np.count_nonzero(is_edge & is_alike) >= REST_OF_EDGES * np.count_nonzero(is_edge))


def _left(before: GreyPicture, after: GreyPicture, camera: Camera) -> float:
    """Return how many levels the pictures differ by on average once a camera movement is undone; much counts once."""
    border = _border(camera, after.shape)
    difference = _difference(before, after, camera)
    inside = difference[border : difference.shape[0] - border, border : difference.shape[1] - border]
    return float(np.minimum(inside, MUCH).mean()) if inside.size else math.inf


@lru_cache(maxsize=4)
def _window(height: int, width: int) -> FloatPicture:
    return np.asarray(cv2.createHanningWindow((width, height), cv2.CV_32F), dtype=np.float32)


def _camera_shift(before: GreyPicture, after: GreyPicture) -> Camera:
    height, width = after.shape
    if min(height, width) < 8:  # too small to hold a shift
        return STILL
    (shift_x, shift_y), response = cv2.phaseCorrelate(
        before.astype(np.float32), after.astype(np.float32), _window(height, width)
    )
    is_sure = response >= SURE_SHIFT and (
        abs(shift_x) <= FARTHEST_SHIFT * width and abs(shift_y) <= FARTHEST_SHIFT * height
    )
    return Camera(x=shift_x / height, y=shift_y / height) if is_sure else STILL


def _camera_turn(before: GreyPicture, after: GreyPicture, first_guess: Camera) -> Camera | None:
    """Return the shift, turn and zoom that most corners of the picture agree on, None when they do not."""
    height = after.shape[0]
    corners = cv2.goodFeaturesToTrack(before, CORNERS, CORNER_QUALITY, CORNERS_APART_PX)
    if corners is None or len(corners) < 8:
        return None
    guess = (corners + np.array([first_guess.x, first_guess.y], np.float32) * height).astype(np.float32)
    followed, found, _ = cv2.calcOpticalFlowPyrLK(
        before, after, corners, guess, winSize=(CORNER_WINDOW_PX, CORNER_WINDOW_PX), maxLevel=CORNER_LEVELS,
        flags=cv2.OPTFLOW_USE_INITIAL_FLOW,
    )  # fmt: skip
    is_found = found.ravel() == 1
    if np.count_nonzero(is_found) < 8:
        return None
    matrix, fitting = cv2.estimateAffinePartial2D(
        corners[is_found], followed[is_found], method=cv2.RANSAC, ransacReprojThreshold=FITS_WITHIN_PX
    )
    if matrix is None or np.count_nonzero(fitting) < LEAST_FITTING * len(corners):
        return None
    camera = Camera.from_matrix(matrix, height=height)
    return camera if abs(camera.zoom) <= GREATEST_ZOOM and abs(camera.turn) <= GREATEST_TURN else None


def _moved_mask(before: GreyPicture, after: GreyPicture, camera: Camera) -> Mask | None:
    """Return 1 where the pictures differ once the camera's movement is undone, None when they differ nowhere."""
    difference = _difference(before, after, camera)
    if camera == STILL:
        return _mask(difference)
    mask = _mask(np.asarray(cv2.subtract(difference, _of_edges(after)), np.uint8))
    if mask is None:
        return None
    border = _border(camera, after.shape)  # what came into view with the camera says nothing
    mask[:border] = mask[-border:] = 0
    mask[:, :border] = mask[:, -border:] = 0
    return mask if mask.any() else None


def _difference(before: GreyPicture, after: GreyPicture, camera: Camera) -> GreyPicture:
    if camera == STILL:
        return np.asarray(cv2.absdiff(after, before), np.uint8)
    height, width = after.shape
    undone = cv2.warpAffine(before, camera.matrix(height), (width, height), borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(cv2.absdiff(after, undone), np.uint8)


def _mask(difference: GreyPicture) -> Mask | None:
    if cv2.minMaxLoc(difference)[1] <= CHANGED_LEVELS:
        return None
    blurred = cv2.GaussianBlur(difference, (BLUR_PX, BLUR_PX), 0)
    mask = np.asarray(cv2.threshold(blurred, CHANGED_LEVELS, 1, cv2.THRESH_BINARY)[1], np.uint8)
    return mask if mask.any() else None


def _border(camera: Camera, shape: tuple[int, ...]) -> int:
    height, width = shape[:2]
    return 0 if camera == STILL else int(camera.reach(width / height) * height) + 1


def _of_edges(picture: GreyPicture) -> GreyPicture:
    """Return by how many levels a pixel may differ when the camera's movement is undone a little wrongly.

    An edge that is off by a part of a pixel differs by that part of its step.
    """
    step = cv2.morphologyEx(picture, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8))
    return np.asarray(cv2.convertScaleAbs(step, alpha=OFF_BY), np.uint8)


def _regions(moved: Mask) -> tuple[Box, ...]:
    height, width = moved.shape
    joined = cv2.dilate(moved, np.ones((JOIN_PX, JOIN_PX), np.uint8))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(joined)
    pixels = np.bincount(labels[moved > 0], minlength=count)[1:]
    largest_first = np.argsort(-pixels, kind="stable")[:REGIONS]
    boxes: list[Box] = []
    for at in largest_first:
        if pixels[at] < max(LEAST_PX, LEAST_OF_LARGEST * pixels[largest_first[0]]):
            break
        left, top, box_width, box_height = (int(value) for value in stats[1 + at, :4])
        box = Box(left=left, top=top, right=left + box_width, bottom=top + box_height)
        boxes.append(box.scaled(1 / width, 1 / height))
    return tuple(boxes)
