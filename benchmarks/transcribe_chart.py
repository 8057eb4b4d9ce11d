"""A chart of what `make bench-transcribe` found, from the lines it printed.

make bench-transcribe >lines.jsonl; python -m benchmarks.transcribe_chart lines.jsonl docs/images/transcribe.png
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path

from PIL import Image

from benchmarks import bar_chart
from benchmarks.bar_chart import Bar, in_words

LABELS, NUMBERS = 305, 250
GROUPS = {"english_at_once": "six files", "english": "one by one", "all": "5 languages"}
RATES = {"english_at_once": "english"}
"""Whose share of wrong words is written where there is none of its own."""


def bars(figures: Mapping[str, float]) -> tuple[tuple[Bar, ...], ...]:
    """Return bars for the English recordings at once, for them one by one and for all, the usual way first."""
    return tuple(_of(figures, what) for what in GROUPS)


def draw(figures: Mapping[str, float]) -> Image.Image:
    """Return the chart."""
    note = f"base model, {figures['cores']:.0f} cores; shorter is better; wrong: words in English"
    title = "Time for a minute of speech"
    return bar_chart.draw(title, note, bars(figures), labels_px=LABELS, numbers_px=NUMBERS)


def _of(figures: Mapping[str, float], what: str) -> tuple[Bar, ...]:
    usual = figures[f"{what}_usual_s_per_min"]

    def bar(label: str, way: str, *, is_ours: bool = False) -> Bar:
        seconds = figures[f"{what}_{way}_s_per_min"]
        rate = figures.get(f"{'' if is_ours else 'usual_'}wer_{RATES.get(what, what)}")
        return Bar(
            label=f"{label}, {GROUPS[what]}",
            seconds=seconds,
            number=in_words(seconds, beside=usual),
            remark="" if rate is None else f"{100 * rate:.1f} % wrong",
            is_ours=is_ours,
        )

    return bar("faster-whisper", "usual"), bar("Montage", "montage", is_ours=True)


def main() -> None:
    """Draw the last line of a file of results."""
    lines, picture = map(Path, sys.argv[1:3])
    figures = json.loads(lines.read_text("utf-8").splitlines()[-1])
    draw(figures).quantize(32).save(picture, optimize=True)


if __name__ == "__main__":
    main()
