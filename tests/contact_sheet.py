"""A grid of a video's pictures with their times, to look at a reel at a glance.

`python -m tests.contact_sheet VIDEO OUT.png`
"""

import sys
from pathlib import Path
from typing import BinaryIO

from PIL import Image, ImageDraw

from shared.media.decode import FrameSample, frame_at
from shared.media.probe import probe

CELL_PX = 240
"""The longer side of each picture."""
GAP_PX = 6
TEXT_PX = 14
INK, PAPER = (230, 230, 230), (20, 20, 20)


def write_contact_sheet(file: BinaryIO, name: str, path: Path, *, columns: int = 6, rows: int = 4) -> None:
    """Write a PNG of columns x rows upright pictures, evenly spaced over the video, each with its time in seconds."""
    video = probe(file, name=name)
    count = columns * rows
    times_s = [video.duration_s * (n + 0.5) / count for n in range(count)]
    scale = CELL_PX / max(video.width, video.height)
    cell = (max(2, round(video.width * scale)), max(2, round(video.height * scale)))
    sheet = Image.new("RGB", _sheet_size(cell, columns, rows), PAPER)
    for n, t_s in enumerate(times_s):
        at = (GAP_PX + n % columns * (cell[0] + GAP_PX), GAP_PX + n // columns * (cell[1] + TEXT_PX + GAP_PX))
        _paste(sheet, frame_at(file, video, t_s, name=name), at, cell, t_s)
    sheet.save(path, format="PNG")


def _sheet_size(cell: tuple[int, int], columns: int, rows: int) -> tuple[int, int]:
    return GAP_PX + columns * (cell[0] + GAP_PX), GAP_PX + rows * (cell[1] + TEXT_PX + GAP_PX)


def _paste(
    sheet: Image.Image, sample: FrameSample | None, at: tuple[int, int], cell: tuple[int, int], t_s: float
) -> None:
    if sample is not None:
        sheet.paste(Image.fromarray(sample.rgb(None, max(cell))).resize(cell), at)
    ImageDraw.Draw(sheet).text((at[0], at[1] + cell[1] + 1), f"{t_s:.2f} s", fill=INK)


if __name__ == "__main__":
    video, picture = map(Path, sys.argv[1:])
    with video.open("rb") as opened:
        write_contact_sheet(opened, video.name, picture)
