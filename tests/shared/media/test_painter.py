"""Colours come out as they went in: known ones in every kind of picture a source may hold."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
import pytest
from av.video.format import VideoFormat
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from shared.domain.video import Video
from shared.media.joins import pixels
from shared.media.painter import BT709, Painter, kept_colours
from shared.media.timeline import ShownFrame
from tests.clips import as_coded, paint_time, read_time

COLOURS = {  # R'G'B' of an SDR screen
    "white": (1.0, 1.0, 1.0),
    "grey": (0.5, 0.5, 0.5),
    "black": (0.0, 0.0, 0.0),
    "red": (0.9, 0.1, 0.1),
    "green": (0.1, 0.8, 0.1),
    "blue": (0.1, 0.1, 0.9),
    "skin": (0.88, 0.67, 0.56),
    "sky": (0.35, 0.6, 0.85),
}
LUMA = {1: (0.2126, 0.0722), 6: (0.299, 0.114), 9: (0.2627, 0.0593)}
BLOCK = 32


@dataclass(frozen=True, kw_only=True)
class Kind:
    """How a picture holds its colours."""

    pixel_format: str = "yuv420p"
    matrix: int = 1
    """As AVColorSpace; also what an untagged one is made with."""
    is_full: bool = False
    is_tagged: bool = True
    curve: int = 1
    primaries: int = 1
    height: int = 2 * BLOCK
    extra: int = 0
    """So many columns and rows more than whole blocks."""


KINDS = {
    "bt709": Kind(),
    "bt601": Kind(matrix=6),
    "bt601_untagged": Kind(matrix=6, is_tagged=False),
    "bt709_untagged_hd": Kind(matrix=1, is_tagged=False, height=720),
    "bt709_full": Kind(is_full=True),
    "bt709_full_yuvj": Kind(pixel_format="yuvj420p", is_full=True),
    "bt601_full_yuvj": Kind(pixel_format="yuvj420p", matrix=6, is_full=True),
    "bt709_10_bit": Kind(pixel_format="yuv420p10le"),
    "bt601_10_bit_full": Kind(pixel_format="yuv420p10le", matrix=6, is_full=True),
    "bt709_422": Kind(pixel_format="yuv422p"),
    "bt601_422_10_bit": Kind(pixel_format="yuv422p10le", matrix=6),
    "bt709_444": Kind(pixel_format="yuv444p"),
    "bt601_444_full_yuvj": Kind(pixel_format="yuvj444p", matrix=6, is_full=True),
    "bt601_odd_size": Kind(matrix=6, extra=1),
    "bt709_odd_size": Kind(extra=1),
}


def as_yuv(rgb: tuple[float, float, float], *, matrix: int, is_full: bool, bits: int) -> tuple[int, int, int]:
    """Return the code values (Y, Cb, Cr) of a colour."""
    red, blue = LUMA[matrix]
    luma = red * rgb[0] + (1 - red - blue) * rgb[1] + blue * rgb[2]
    across = (rgb[2] - luma) / (2 - 2 * blue), (rgb[0] - luma) / (2 - 2 * red)
    low, light, colour = (0, 255, 255) if is_full else (16, 219, 224)
    one = 1 << (bits - 8)
    full = (1 << bits) - 1 if is_full else None
    return (
        round(luma * full) if full else round((low + light * luma) * one),
        *(round(each * (full or colour * one)) + 128 * one for each in across),
    )  # type: ignore[return-value]


def picture(kind: Kind, colours: list[tuple[float, float, float]]) -> VideoFrame:
    """Return a frame of upright bars, one per colour."""
    layout = VideoFormat(kind.pixel_format, len(colours) * BLOCK + kind.extra, kind.height + kind.extra)
    frame = VideoFrame(layout.width, layout.height, kind.pixel_format)
    bits = layout.components[0].bits
    values = [as_yuv(each, matrix=kind.matrix, is_full=kind.is_full, bits=bits) for each in colours]
    for number, plane in enumerate(frame.planes):
        bar = BLOCK * plane.width // layout.width if number else BLOCK
        bar = BLOCK // 2 if number and plane.width < layout.width else BLOCK
        row = np.repeat([each[number] for each in values], bar)
        row = np.pad(row, (0, plane.width - row.size), mode="edge")
        bytes_each = 1 if bits == 8 else 2
        padded = np.zeros((plane.height, plane.line_size // bytes_each), np.uint8 if bits == 8 else np.uint16)
        padded[:, : plane.width] = row
        plane.update(padded.tobytes())
    if kind.is_tagged:
        frame.colorspace, frame.color_range = kind.matrix, 2 if kind.is_full else 1
        frame.color_trc, frame.color_primaries = kind.curve, kind.primaries
    return frame


def video_of(frame: VideoFrame) -> Video:
    return Video(
        container="mp4",
        duration_s=1,
        start_s=0,
        stream_index=0,
        codec="h264",
        pixel_format=frame.format.name,
        coded_width=frame.width,
        coded_height=frame.height,
        width=frame.width,
        height=frame.height,
        fps=Fraction(25),
        is_variable_rate=False,
        rotation_deg=0,
        is_mirrored=False,
        sample_aspect_ratio=Fraction(1),
    )


def painted(frame: VideoFrame, matrix: int = BT709) -> VideoFrame:
    size = (frame.width + frame.width % 2, frame.height + frame.height % 2)
    return Painter(video_of(frame), size, matrix=matrix).paint(ShownFrame(frame=frame, pts=0, start_s=0, end_s=1))


def middles(frame: VideoFrame, bars: int) -> NDArray[np.float64]:
    """Return (Y, Cb, Cr) in the middle of each bar."""
    found = []
    for number, plane in enumerate(frame.planes):
        bar = BLOCK if number == 0 else BLOCK // 2
        row = pixels(plane)[plane.height // 2]
        found.append([float(row[n * bar + bar // 2]) for n in range(bars)])
    return np.array(found).T


@pytest.mark.parametrize("name", KINDS)
def test_colours_are_those_of_the_source(name: str) -> None:
    kind = KINDS[name]
    made = painted(picture(kind, list(COLOURS.values())))
    wanted = [as_yuv(each, matrix=1, is_full=False, bits=8) for each in COLOURS.values()]
    off = np.abs(middles(made, len(COLOURS)) - np.array(wanted))
    assert made.format.name == "yuv420p"
    assert off.max() <= 2, dict(zip(COLOURS, off.tolist(), strict=True))


@pytest.mark.parametrize("name", KINDS)
def test_sdr_colours_keep_their_matrix_where_every_player_knows_it(name: str) -> None:
    kind = KINDS[name]
    frame = picture(kind, list(COLOURS.values()))
    made = painted(frame, matrix=kept_colours(frame)[0])
    wanted = [as_yuv(each, matrix=kind.matrix, is_full=False, bits=8) for each in COLOURS.values()]
    off = np.abs(middles(made, len(COLOURS)) - np.array(wanted))
    assert off.max() <= 2, dict(zip(COLOURS, off.tolist(), strict=True))


def test_hdr_that_does_not_say_its_matrix_has_that_of_hdr() -> None:
    frame = picture(Kind(pixel_format="yuv420p10le", matrix=9, primaries=9, curve=16), list(COLOURS.values()))
    said = painted(frame)
    frame.colorspace = 2
    assert [np.array_equal(pixels(a), pixels(b)) for a, b in zip(said.planes, painted(frame).planes, strict=True)] == [
        True,
        True,
        True,
    ]


@pytest.mark.parametrize("extra", [0, 1])
def test_no_edge_is_green(extra: int) -> None:
    frame = painted(picture(Kind(extra=extra, matrix=6), [COLOURS["skin"]] * 3))
    assert (frame.width % 2, frame.height % 2) == (0, 0)
    for plane in frame.planes:
        assert int(np.ptp(pixels(plane).astype(int))) <= 1


@pytest.mark.parametrize("is_mirrored", [False, True])
@pytest.mark.parametrize("rotation_deg", [0, 90, 180, 270])
def test_every_turn_and_flip_comes_out_upright(rotation_deg: int, is_mirrored: bool) -> None:
    shown = paint_time(12345, (160, 96))
    coded = as_coded(shown, rotation_deg, is_mirrored)
    frame = VideoFrame(coded.shape[1], coded.shape[0], "yuv420p")
    for number, plane in enumerate(frame.planes):
        pixels(plane)[:] = coded if number == 0 else 128
    video = replace(video_of(frame), rotation_deg=rotation_deg, is_mirrored=is_mirrored)
    made = Painter(video, (160, 96)).paint(ShownFrame(frame=frame, pts=0, start_s=0, end_s=1))
    assert read_time(pixels(made.planes[0])) == 12345


def test_pixels_come_out_square() -> None:
    frame = picture(Kind(), [COLOURS["red"], COLOURS["blue"]])
    made = Painter(video_of(frame), (2 * frame.width, frame.height)).paint(
        ShownFrame(frame=frame, pts=0, start_s=0, end_s=1)
    )
    red, blue = (as_yuv(COLOURS[each], matrix=1, is_full=False, bits=8)[0] for each in ("red", "blue"))
    row = pixels(made.planes[0])[made.height // 2].astype(int)
    assert (made.width, made.height) == (4 * BLOCK, 2 * BLOCK)
    assert abs(row[: 2 * BLOCK - 8] - red).max() <= 2
    assert abs(row[2 * BLOCK + 8 :] - blue).max() <= 2
