"""How exact reels are, in one picture and one line: every source of the matrix in every mode.

`python -m tests.sync_chart [OUT.png]` ends with 1 when a bound is missed.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from PIL import Image, ImageDraw

from shared.errors import MontageError
from shared.media.typeface import typeface
from tests.reel_sync import PICTURE_BOUND, SOUND_BOUND_S
from tests.sync_matrix import CLIPS, MATRIX, Row, Trial, make_source, try_mode

WIDTH, MARGIN, ROW_PX, TOP = 1180, 24, 24, 112
PICTURE_X, SOUND_X, WORST_X = (350, 640), (700, 990), 1016
"""Where the two scales lie, and what is said of all clips."""
FRAMES_SCALE, MS_SCALE = 2.0, 15.0
INK, SOFT, LINE, BOUND, BAND, PAPER, MISSED = (
    (32, 36, 44),
    (110, 116, 128),
    (232, 234, 238),
    (196, 74, 60),
    (240, 246, 240),
    (255, 255, 255),
    (196, 30, 30),
)
CLIP_INKS = ((31, 119, 180), (240, 148, 30), (120, 80, 170))
CLIP_NAMES = ("first clip", "middle clip", "last clip")
WORKERS = 2


def rows_of(trial: Trial) -> list[Row | str]:
    """Return what came of a source in all its modes; a sentence where no reel was made."""
    rows: list[Row | str] = []
    with tempfile.TemporaryDirectory(prefix="montage-sync-") as name:
        path = make_source(Path(name), trial.source)
        for mode in trial.modes:
            for join in trial.joins if mode == "encode" else ("cut",):
                try:
                    rows.append(try_mode(path, trial, mode, join, Path(name)))
                except (AssertionError, MontageError) as error:
                    rows.append(f"{trial.name}, {mode}, {join}: {error}")
    return rows


def draw(rows: Sequence[Row]) -> Image.Image:
    """Return the chart: a row for each source and mode, a dot for each of three clips, the bounds as lines."""
    bottom = TOP + ROW_PX * len(rows)
    chart = Image.new("RGB", (WIDTH, bottom + 44), PAPER)
    pen = ImageDraw.Draw(chart)
    pen.text((MARGIN, 16), f"Where picture and sound of reels of {CLIPS} clips lie", INK, typeface(20, is_bold=True))
    _legend(pen)
    _scale(pen, PICTURE_X, bottom, FRAMES_SCALE, PICTURE_BOUND, "picture, frames of the source")
    _scale(pen, SOUND_X, bottom, MS_SCALE, SOUND_BOUND_S * 1000, "sound after picture, ms")
    pen.text((WORST_X, TOP - 28), "worst of all clips", SOFT, typeface(13))
    for number, row in enumerate(rows):
        _row(pen, row, TOP + ROW_PX * number + ROW_PX // 2)
    return chart


def _legend(pen: ImageDraw.ImageDraw) -> None:
    x = float(MARGIN)
    for name, ink in zip(CLIP_NAMES, CLIP_INKS, strict=True):
        pen.ellipse((x, 54, x + 9, 63), fill=ink)
        pen.text((x + 15, 58), name, SOFT, typeface(13), anchor="lm")
        x += 15 + pen.textlength(name, typeface(13)) + 18


def _scale(
    pen: ImageDraw.ImageDraw, place: tuple[int, int], bottom: int, scale: float, bound: float, title: str
) -> None:
    left, right = _x(place, scale, -bound), _x(place, scale, bound)
    pen.rectangle((left, TOP - 4, right, bottom), fill=BAND)
    pen.text((sum(place) / 2, TOP - 46), title, INK, typeface(13, is_bold=True), anchor="mm")
    for value in (-bound, 0.0, bound):
        at = _x(place, scale, value)
        pen.line((at, TOP - 4, at, bottom), fill=BOUND if value else LINE, width=1)
        for y in (TOP - 18, bottom + 16):
            pen.text((at, y), f"{value:+g}" if value else "0", SOFT, typeface(13), anchor="mm")


def _row(pen: ImageDraw.ImageDraw, row: Row, y: int) -> None:
    pen.line((MARGIN, y + ROW_PX // 2, WIDTH - MARGIN, y + ROW_PX // 2), fill=LINE)
    pen.text((MARGIN, y), row.label, INK, typeface(14), anchor="lm")
    pen.text((PICTURE_X[0] - 22, y), row.mode, SOFT, typeface(13), anchor="rm")
    for nudge, offsets, ink in zip((-5, 0, 5), row.looked_at, CLIP_INKS, strict=True):
        _dot(pen, _x(PICTURE_X, FRAMES_SCALE, offsets.frames), y + nudge, ink)
        if offsets.sound_s is not None:
            _dot(pen, _x(SOUND_X, MS_SCALE, offsets.sound_s * 1000), y + nudge, ink)
    pen.text((WORST_X, y), worst(row), INK if row.is_bound else MISSED, typeface(13), anchor="lm")


def _dot(pen: ImageDraw.ImageDraw, x: float, y: int, ink: tuple[int, int, int]) -> None:
    pen.ellipse((x - 4, y - 4, x + 4, y + 4), fill=ink, outline=PAPER)


def _x(place: tuple[int, int], scale: float, value: float) -> float:
    within = min(scale, max(-scale, value))
    return (place[0] + place[1]) / 2 + within / scale * (place[1] - place[0]) / 2


def worst(row: Row) -> str:
    """Return the largest offsets of all clips, e.g. "-1 frame, +0.7 ms"."""
    frames = max((each.frames for each in row.offsets), key=abs)
    sound_s = max((each.sound_s for each in row.offsets if each.sound_s is not None), key=abs, default=0.0)
    lost = sum(each.lost_beeps for each in row.offsets)
    said = f"{frames:+d} frames" if abs(frames) > 1 else f"{frames:+d} frame" if frames else "0 frames"
    return f"{said}, {sound_s * 1000:+.1f} ms" + (f", {lost} lost" if lost else "")


def all_rows(trials: Sequence[Trial], on_row: Callable[[Row | str], None]) -> Iterator[Row | str]:
    """Yield what came of all trials, in their order; several are tried at a time."""
    with ProcessPoolExecutor(max_workers=WORKERS) as pool:
        for rows in pool.map(rows_of, trials):
            for row in rows:
                on_row(row)
                yield row


def main(out: Path | None) -> int:
    """Try everything, draw the chart and return how the process ends."""
    began_at = time.monotonic()
    found = list(all_rows(MATRIX, _tell))
    rows = [each for each in found if isinstance(each, Row)]
    missed = [each for each in found if isinstance(each, str) or not each.is_bound]
    if out is not None:
        draw(rows).save(out, optimize=True)
    frames = max(abs(each.frames) for row in rows for each in row.offsets)
    sound_s = max(abs(each.sound_s or 0.0) for row in rows for each in row.offsets)
    print(
        f"{len(found)} reels of {CLIPS} clips, {len(missed)} out of bounds; at worst {frames} frames of the source and "
        f"{sound_s * 1000:.1f} ms; {time.monotonic() - began_at:.0f} s"
    )
    return 1 if missed else 0


def _tell(row: Row | str) -> None:
    text = row if isinstance(row, str) else f"{row.label:28} {row.mode:7} {worst(row)}"
    print(text if isinstance(row, Row) and row.is_bound else f"{text}  OUT OF BOUNDS", flush=True)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]) if len(sys.argv) > 1 else None))
