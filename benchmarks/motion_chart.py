"""A chart of what `make bench-motion` found, from the lines it printed.

make bench-motion >lines.jsonl; python -m benchmarks.motion_chart lines.jsonl docs/images/motion.png
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path

from PIL import Image

from benchmarks import bar_chart
from benchmarks.bar_chart import Bar, in_words

LABELS, NUMBERS = 310, 245
SIZES = ("720p", "1080p")


def bars(figures: Mapping[str, float]) -> tuple[tuple[Bar, ...], ...]:
    """Return a group of bars for each size, the common way first."""
    return tuple(_of_size(figures, size) for size in SIZES)


def draw(figures: Mapping[str, float]) -> Image.Image:
    """Return the chart."""
    note = f"{figures['cores']:.0f} cores, no GPU; shorter is better; F1: 1 is as people marked it"
    title = "Time for a minute of source"
    return bar_chart.draw(title, note, bars(figures), labels_px=LABELS, numbers_px=NUMBERS)


def _of_size(figures: Mapping[str, float], size: str) -> tuple[Bar, ...]:
    common = figures[f"{size}_common_s_per_min"]

    def bar(label: str, way: str, f1: float | None = None, *, is_ours: bool = False) -> Bar:
        seconds = figures[f"{size}_{way}_s_per_min"]
        number = in_words(seconds, beside=common)
        remark = "" if f1 is None else f"F1 {f1:.2f}"
        return Bar(label=f"{label}, {size}", seconds=seconds, number=number, remark=remark, is_ours=is_ours)

    return (
        bar("OpenCV + MediaPipe", "common", figures[f"common_f1_{size}"]),
        bar("PyAV, decoding alone", "decode"),
        bar("Montage", "montage", figures[f"f1_{size}"], is_ours=True),
    )


def main() -> None:
    """Draw the last line of a file of results."""
    lines, picture = map(Path, sys.argv[1:3])
    figures = json.loads(lines.read_text("utf-8").splitlines()[-1])
    draw(figures).quantize(32).save(picture, optimize=True)


if __name__ == "__main__":
    main()
