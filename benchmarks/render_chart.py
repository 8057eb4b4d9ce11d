"""A chart of what `make bench-render` found, from the lines it printed.

make bench-render >lines.jsonl; python -m benchmarks.render_chart lines.jsonl docs/images/rendering.png
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path

from PIL import Image

from benchmarks import bar_chart
from benchmarks.bar_chart import Bar, in_words

LABELS, NUMBERS = 330, 190


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
    note = f"720p, {figures['cores']:.0f} cores; shorter is better"
    return bar_chart.draw("Time for a minute of reel", note, bars(figures), labels_px=LABELS, numbers_px=NUMBERS)


def _bar(label: str, seconds: float, beside: float, *, is_ours: bool = False) -> Bar:
    return Bar(label=label, seconds=seconds, number=in_words(seconds, beside=beside), is_ours=is_ours)


def main() -> None:
    """Draw the last line of a file of results."""
    lines, picture = map(Path, sys.argv[1:3])
    figures = json.loads(lines.read_text("utf-8").splitlines()[-1])
    draw(figures).quantize(32).save(picture, optimize=True)


if __name__ == "__main__":
    main()
