from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest

from shared.domain.video import Video
from shared.media.frame_rate import reel_fps

VIDEO = Video(
    container="mp4",
    duration_s=10,
    start_s=0,
    stream_index=0,
    codec="h264",
    pixel_format="yuv420p",
    coded_width=160,
    coded_height=90,
    width=160,
    height=90,
    fps=Fraction(30),
    is_variable_rate=False,
    rotation_deg=0,
    is_mirrored=False,
    sample_aspect_ratio=Fraction(1),
)
NTSC = Fraction(30000, 1001)


@pytest.mark.parametrize(
    ("source", "is_variable", "reel"),
    [
        (Fraction(30), False, Fraction(30)),
        (NTSC, False, NTSC),
        (Fraction("29.9701"), False, NTSC),
        (Fraction("23.976"), False, Fraction(24000, 1001)),
        (Fraction("59.94"), False, Fraction(60000, 1001)),
        (Fraction("12.5"), False, Fraction(25, 2)),
        (Fraction(18), False, Fraction(18)),
        (Fraction(1), False, Fraction(1)),
        (Fraction(120), False, Fraction(60)),
        (Fraction(120000, 1001), False, Fraction(60000, 1001)),
        (Fraction(100), False, Fraction(50)),
        (Fraction(240), False, Fraction(60)),
        (Fraction("29.91"), True, NTSC),
        (Fraction("10.5"), True, Fraction(12)),
        (Fraction("24.9"), True, Fraction(25)),
        (Fraction("57"), True, Fraction(60000, 1001)),
        (Fraction(0), False, Fraction(25)),
    ],
)
def test_the_reels_rate(source: Fraction, is_variable: bool, reel: Fraction) -> None:
    assert reel_fps(replace(VIDEO, fps=source, is_variable_rate=is_variable), max_fps=60) == reel
