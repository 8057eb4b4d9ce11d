from __future__ import annotations

import io
from dataclasses import replace
from fractions import Fraction

import cv2
import numpy as np
import pytest
from av.video.frame import VideoFrame
from av.video.reformatter import Interpolation, VideoReformatter
from numpy.typing import NDArray

from shared.domain.video import Video
from shared.media.cutout import small_brightness
from shared.media.decode import FrameSample, Scaler
from shared.media.orientation import shown_size
from shared.media.probe import probe
from tests.clips import ClipMaker, ClipSpec

WIDTH, HEIGHT = 640, 360
BT709, FULL, LIMITED = 1, 2, 1


@pytest.fixture
def video(clip: ClipMaker) -> Video:
    file = io.BytesIO(clip(ClipSpec(seconds=1, has_sound=False)).read_bytes())
    return replace(probe(file, name="x"), width=WIDTH, height=HEIGHT, coded_width=WIDTH, coded_height=HEIGHT)


def waves(height: int, width: int, lengths_px: tuple[float, float], middle: int, reach: int) -> NDArray[np.uint8]:
    y, x = np.mgrid[:height, :width]
    values = np.sin(2 * np.pi * x / lengths_px[0]) * np.cos(2 * np.pi * y / lengths_px[1])
    return np.asarray(middle + reach * values, np.uint8)


def coloured(pixel_format: str = "yuv420p", *, width: int = WIDTH, colour_range: int = LIMITED) -> VideoFrame:
    """Return a frame of soft waves, each colour with its own."""
    luma = waves(HEIGHT, width, (170, 90), 126, 100)
    blue = waves(HEIGHT // 2, width // 2, (100, 200), 128, 80)
    red = waves(HEIGHT // 2, width // 2, (150, 60), 128, 80)
    if pixel_format == "nv12":
        colours = np.stack((blue, red), axis=-1).reshape(HEIGHT // 2, width)
    else:
        colours = np.stack((blue, red)).reshape(HEIGHT // 2, width)
    frame = VideoFrame.from_ndarray(np.concatenate((luma, colours)), format=pixel_format)
    frame.colorspace, frame.color_range = BT709, colour_range
    return frame


def sample_of(frame: VideoFrame, video: Video) -> FrameSample:
    return FrameSample(index=0, t_s=0.0, pts_s=0.0, key=0, frame=frame, scaler=Scaler(video))


def difference(sample: FrameSample, box: tuple[int, int, int, int], max_side_px: int) -> float:
    """Return how far a box is from the same one cut from the whole picture at full size, in levels on average."""
    x0, y0, x1, y1 = box
    part = sample.rgb(box, max_side_px)
    assert part.flags.c_contiguous
    wanted = cv2.resize(sample.rgb(None, 9999)[y0:y1, x0:x1], part.shape[1::-1], interpolation=cv2.INTER_AREA)
    return float(np.abs(part.astype(int) - wanted).mean())


@pytest.mark.parametrize("box", [(100, 50, 300, 250), (101, 53, 304, 260), (0, 0, 333, 111), (401, 201, 640, 360)])
@pytest.mark.parametrize("max_side_px", [480, 111])
def test_a_part_looks_as_it_does_in_the_whole_picture(
    video: Video, box: tuple[int, int, int, int], max_side_px: int
) -> None:
    for pixel_format, colour_range in (("yuv420p", LIMITED), ("yuv420p", FULL), ("yuvj420p", FULL), ("nv12", LIMITED)):
        frame = coloured(pixel_format, colour_range=colour_range)
        assert difference(sample_of(frame, video), box, max_side_px) < 3


@pytest.mark.parametrize("turn", [0, 90, 180, 270])
@pytest.mark.parametrize("is_mirrored", [False, True])
@pytest.mark.parametrize("sar", [Fraction(1), Fraction(4, 3)])
def test_a_part_is_cut_where_it_is_shown(video: Video, turn: int, is_mirrored: bool, sar: Fraction) -> None:
    width, height = shown_size(WIDTH, HEIGHT, float(sar), turn)
    turned = replace(
        video, width=width, height=height, rotation_deg=turn, is_mirrored=is_mirrored, sample_aspect_ratio=sar
    )
    sample = sample_of(coloured(), turned)
    assert difference(sample, (31, 40, 291, 330), 9999) < 4
    assert difference(sample, (31, 40, 291, 330), 150) < 4


def test_a_part_of_another_format_is_cut_from_the_whole_picture(video: Video) -> None:
    sample = sample_of(coloured().reformat(format="yuv422p10le"), video)
    assert difference(sample, (100, 50, 300, 250), 9999) == 0
    assert difference(sample_of(coloured(), video), (100, 50, 110, 60), 9999) == 0


@pytest.mark.parametrize(
    ("pixel_format", "colour_range"), [("yuv420p", LIMITED), ("yuv420p", FULL), ("yuvj420p", FULL), ("nv12", LIMITED)]
)
def test_a_large_frames_brightness_is_what_libav_makes_of_it(pixel_format: str, colour_range: int) -> None:
    frame = coloured(pixel_format, width=1920, colour_range=colour_range)
    for plane in list(frame.planes)[1:]:  # where colours are strong, libav's brightness has some of them
        plane.update(bytes([128]) * plane.buffer_size)
    small = small_brightness(frame, (192, 36))
    assert small is not None
    wanted = VideoReformatter().reformat(frame, 192, 36, format="gray8", interpolation=Interpolation.AREA).to_ndarray()
    assert np.abs(small.astype(int) - wanted).max() <= 3
    assert small_brightness(coloured(), (192, 108)) is None, "small ones gain nothing"
