"""Charts of horizontal bars, for the README."""

from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image, ImageDraw

from shared.media.typeface import typeface

WIDTH, MARGIN = 1000, 32
ROW, BAR, TITLE, GAP = 46, 26, 74, 16
INK, PALE, OURS, OTHERS, PAPER = "#1b1f24", "#6a737d", "#1f7a4d", "#b8c0c8", "#ffffff"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One way to do something."""

    label: str
    seconds: float
    number: str
    """What stands behind the bar."""
    remark: str = ""
    """What stands at the right edge."""
    is_ours: bool = False


def in_words(seconds: float, *, beside: float) -> str:
    """Return a time as a chart says it, and how many times as long the other one is where that is longer."""
    words = f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.2g} s"
    times = beside / seconds
    return words if times < 1.005 else f"{words}   {times:.1f}×" if times < 10 else f"{words}   {times:.0f}×"


def draw(title: str, note: str, groups: Sequence[Sequence[Bar]], *, labels_px: int, numbers_px: int) -> Image.Image:
    """Return the chart: a row for each bar, `labels_px` for what stands before them and `numbers_px` behind them."""
    rows = sum(len(group) for group in groups)
    height = TITLE + rows * ROW + (len(groups) - 1) * GAP + MARGIN // 2
    image = Image.new("RGB", (WIDTH, height), PAPER)
    pen = ImageDraw.Draw(image)
    pen.text((MARGIN, 20), title, INK, typeface(24, is_bold=True))
    pen.text((WIDTH - MARGIN, 26), note, PALE, typeface(17), anchor="ra")
    left = MARGIN + labels_px
    scale = (WIDTH - left - numbers_px) / max(bar.seconds for group in groups for bar in group)
    top = TITLE
    for group in groups:
        for bar in group:
            _draw_bar(pen, bar, left=left, top=top, length=max(3, round(scale * bar.seconds)))
            top += ROW
        top += GAP
    return image


def _draw_bar(pen: ImageDraw.ImageDraw, bar: Bar, *, left: int, top: int, length: int) -> None:
    middle = top + ROW // 2
    face = typeface(20, is_bold=bar.is_ours)
    pen.text((left - 14, middle), bar.label, INK, face, anchor="rm")
    pen.rectangle((left, middle - BAR // 2, left + length, middle + BAR // 2), OURS if bar.is_ours else OTHERS)
    pen.text((left + length + 12, middle), bar.number, INK, face, anchor="lm")
    pen.text((WIDTH - MARGIN, middle), bar.remark, INK, face, anchor="rm")
