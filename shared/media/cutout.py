"""A part of a decoded frame as a frame of its own, at the cost of that part, and its brightness at a small size."""

import cv2
import numpy as np
from av.video.frame import VideoFrame
from av.video.plane import VideoPlane
from av.video.reformatter import ColorRange
from numpy.typing import NDArray

from shared.media.orientation import Box

HALVED_COLOUR = ("yuv420p", "yuvj420p", "nv12")
"""Formats of 8 bits with one colour value for four pixels."""

LARGE_PX = 1600
FROM_LIMITED = np.clip(np.rint((np.arange(256) - 16) * 255 / 219), 0, 255).astype(np.uint8)
"""Brightness of 16 to 235, as video has it, on the whole scale."""


def even_box(box: Box, frame: VideoFrame) -> Box:
    """Return the smallest box around it whose borders colours have too; the frame's own right and bottom may be odd."""
    x0, y0, x1, y1 = box
    return x0 & ~1, y0 & ~1, min(frame.width, x1 + 1 & ~1), min(frame.height, y1 + 1 & ~1)


def cut_out(frame: VideoFrame, box: Box) -> VideoFrame | None:
    """Return a copy of an even box of the frame as coded, with its colours' tags.

    None for formats it does not know and for a box with an odd side.
    """
    x0, y0, x1, y1 = box
    width, height = x1 - x0, y1 - y0
    if frame.format.name not in HALVED_COLOUR or width % 2 or height % 2:
        return None
    values = np.empty((height * 3 // 2, width), np.uint8)
    luma, *colours = (_rows(plane) for plane in frame.planes)
    values[:height] = luma[y0:y1, x0:x1]
    if len(colours) == 1:  # both colours side by side
        values[height:] = colours[0][y0 // 2 : y1 // 2, x0:x1]
    else:
        planar = values[height:].reshape(2, height // 2, width // 2)
        for part, colour in zip(planar, colours, strict=True):
            part[:] = colour[y0 // 2 : y1 // 2, x0 // 2 : x1 // 2]
    made = VideoFrame.from_ndarray(values, format=frame.format.name)
    made.colorspace, made.color_range = frame.colorspace, frame.color_range
    return made


def small_brightness(frame: VideoFrame, size: tuple[int, int]) -> NDArray[np.uint8] | None:
    """Return the brightness of a large frame as coded, 0 to 255, shape (height, width) for a size (width, height).

    Halved first, which is quick, it takes two thirds of libav's time. None for smaller frames, where it gains nothing,
    and for formats it does not know.
    """
    if max(frame.width, frame.height) < LARGE_PX or frame.format.name not in HALVED_COLOUR:
        return None
    luma = _rows(frame.planes[0])[: frame.height, : frame.width]
    half = cv2.resize(luma, (frame.width // 2, frame.height // 2), interpolation=cv2.INTER_AREA)
    small = cv2.resize(half, size, interpolation=cv2.INTER_AREA)
    is_full = frame.format.name == "yuvj420p" or frame.color_range == ColorRange.JPEG
    return np.asarray(small if is_full else cv2.LUT(small, FROM_LIMITED), np.uint8)


def _rows(plane: VideoPlane) -> NDArray[np.uint8]:
    return np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)
