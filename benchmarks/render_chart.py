"""A chart of what `make bench-render` found, from the lines it printed.

make bench-render >lines.jsonl; python -m benchmarks.render_chart lines.jsonl docs/images/rendering.png
"""

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw

from shared.media.typeface import typeface

WIDTH, MARGIN, LABELS, NUMBERS = 1000, 32, 330, 190
ROW, BAR, TITLE, GAP = 46, 26, 74, 16
INK, PALE, OURS, OTHERS, PAPER = "#1b1f24", "#6a737d", "#1f7a4d", "#b8c0c8", "#ffffff"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One way to make a reel."""

    label: str
    seconds: float
    """For a minute of reel."""
    beside: float
    """What the slowest way of its group takes."""
    is_ours: bool

    @property
    def number(self) -> str:
        """What stands behind the bar."""
        seconds = f"{self.seconds:.0f} s" if self.seconds >= 10 else f"{self.seconds:.2g} s"
        times = self.beside / self.seconds
        return seconds if times < 1.005 else f"{seconds}   {times:.1f}×" if times < 10 else f"{seconds}   {times:.0f}×"


def bars(figures: Mapping[str, float]) -> tuple[tuple[Bar, ...], ...]:
    """Return the bars of the encoded reel and those of the copied one, the slowest way first."""
    encoded, copied = figures["encode_moviepy_s_per_min"], figures["copy_moviepy_s_per_min"]
    return (
        (
            _bar("MoviePy", encoded, encoded),
            _bar("PyAV, a bare loop", figures["encode_bare_s_per_min"], encoded),
            _bar("Montage, encoded", figures["encode_montage_s_per_min"], encoded, is_ours=True),
        ),
        (
            _bar("MoviePy, keyframe every 1 s", copied, copied),
            _bar("Montage, copied", figures["copy_montage_s_per_min"], copied, is_ours=True),
        ),
    )


def draw(figures: Mapping[str, float]) -> Image.Image:
    """Return the chart."""
    groups = bars(figures)
    rows = sum(len(group) for group in groups)
    height = TITLE + rows * ROW + (len(groups) - 1) * GAP + MARGIN // 2
    image = Image.new("RGB", (WIDTH, height), PAPER)
    pen = ImageDraw.Draw(image)
    pen.text((MARGIN, 20), "Time for a minute of reel", INK, typeface(24, is_bold=True))
    cores = f"720p, {figures['cores']:.0f} cores; shorter is better"
    pen.text((WIDTH - MARGIN, 26), cores, PALE, typeface(17), anchor="ra")
    longest = max(bar.seconds for group in groups for bar in group)
    top = TITLE
    for group in groups:
        for bar in group:
            _draw_bar(pen, bar, top, longest)
            top += ROW
        top += GAP
    return image


def _draw_bar(pen: ImageDraw.ImageDraw, bar: Bar, top: int, longest: float) -> None:
    middle, left = top + ROW // 2, MARGIN + LABELS
    length = max(3, round((WIDTH - left - NUMBERS) * bar.seconds / longest))
    face = typeface(20, is_bold=bar.is_ours)
    pen.text((left - 14, middle), bar.label, INK, face, anchor="rm")
    pen.rectangle((left, middle - BAR // 2, left + length, middle + BAR // 2), OURS if bar.is_ours else OTHERS)
    pen.text((left + length + 12, middle), bar.number, INK, face, anchor="lm")


def _bar(label: str, seconds: float, beside: float, *, is_ours: bool = False) -> Bar:
    return Bar(label=label, seconds=seconds, beside=beside, is_ours=is_ours)


def main() -> None:
    """Draw the last line of a file of results."""
    lines, picture = map(Path, sys.argv[1:3])
    figures = json.loads(lines.read_text("utf-8").splitlines()[-1])
    draw(figures).quantize(32).save(picture, optimize=True)


if __name__ == "__main__":
    main()
