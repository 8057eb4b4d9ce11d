from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from shared.media.poster import write_poster
from shared.media.probe import probe
from tests.clips import ClipMaker, ClipSpec, read_time
from tests.contact_sheet import write_contact_sheet


def test_a_poster_is_the_upright_picture_at_its_time(clip: ClipMaker, tmp_path: Path) -> None:
    with clip(ClipSpec(rotation_deg=270, is_mirrored=True)).open("rb") as file:
        write_poster(file, probe(file, name="x"), 2.5, tmp_path / "poster.jpg", max_side_px=80)
    with Image.open(tmp_path / "poster.jpg") as picture:
        assert (picture.format, picture.size) == ("JPEG", (80, 44)), "sides are even"
        assert read_time(np.asarray(picture.convert("L"))) == 2500


def test_a_contact_sheet_shows_the_whole_video_in_order(clip: ClipMaker, tmp_path: Path) -> None:
    with clip(ClipSpec()).open("rb") as file:
        write_contact_sheet(file, "x", tmp_path / "sheet.png", columns=3, rows=2)
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.format == "PNG"
        grey = np.asarray(sheet.convert("L"))
    width, height = 240, 135
    cells = [
        grey[6 + row * (height + 20) :, 6 + column * (width + 6) :][:height, :width]
        for row in (0, 1)
        for column in (0, 1, 2)
    ]
    assert [read_time(cell) for cell in cells] == [500, 1500, 2500, 3500, 4500, 5500]
