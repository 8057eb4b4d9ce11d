"""Pictures between two clips: one gives way to the other, or to black and back."""

from collections.abc import Callable

import numpy as np
from av.video.frame import VideoFrame
from av.video.plane import VideoPlane
from numpy.typing import NDArray

BLACK = (16, 128, 128)  # Y, Cb, Cr in limited range
WHOLE = 256  # weights are 256ths: products of 8-bit values with them fit into 16 bits, and are exact

Grey = NDArray[np.uint8]


def cross_faded(going: VideoFrame, coming: VideoFrame, share: float) -> VideoFrame:
    """Return a picture with `share` in [0, 1] of the coming one and the rest of the going one; both yuv420p."""
    return _mixed(going, lambda number: pixels(coming.planes[number]), share)


def dimmed(frame: VideoFrame, share: float) -> VideoFrame:
    """Return the yuv420p picture with `share` in [0, 1] of its light and colour: 0 is black."""
    return _mixed(frame, lambda number: np.uint8(BLACK[number]), 1 - share)


def pixels(plane: VideoPlane) -> Grey:
    """Return a view of an 8-bit plane's pixels (height, width), without the padding at the end of its rows."""
    whole = np.frombuffer(memoryview(plane), np.uint8).reshape(plane.height, plane.line_size)
    return np.asarray(whole[:, : plane.width])


def _mixed(one: VideoFrame, other: Callable[[int], Grey | np.uint8], share: float) -> VideoFrame:
    weight = round(share * WHOLE)
    made = VideoFrame(one.width, one.height, "yuv420p")
    for number, plane in enumerate(made.planes):
        mixed = np.multiply(pixels(one.planes[number]), WHOLE - weight, dtype=np.uint16)
        mixed += np.multiply(other(number), weight, dtype=np.uint16)
        mixed += WHOLE // 2
        np.right_shift(mixed, 8, out=pixels(plane), casting="unsafe")
    return made
