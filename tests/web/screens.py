"""Pictures of every state of the page, for people to look at: `python -m tests.web.screens FOLDER`.

FOLDER gets one PNG for each state, size and scheme, the whole page high, and sheets of each part of the page on which
they stand side by side. FOLDER/stage keeps the jobs, so that the next time begins at once.
"""

import argparse
import os
from collections.abc import Sequence
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser

from tests.web.page_browser import DESKTOP, PHONE, Scheme, chromium, visit
from tests.web.states import STATES, Stage, State, shown, stage

ROOT = Path(__file__).parents[2]
SIZES = {"desktop": DESKTOP, "phone": PHONE}
SCHEMES: tuple[Scheme, ...] = ("light", "dark")
SHEET_WIDTH_PX = {"desktop": 800, "phone": 390}
SHEET_COLUMNS = {"desktop": 2, "phone": 4}
MOST_HEIGHT_PX = {"desktop": 1100, "phone": 1600}
GAP_PX = 16


def main(arguments: Sequence[str] | None = None) -> None:
    """Take the pictures and say where they are."""
    parser = argparse.ArgumentParser(description="Take pictures of every state of the page.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", default="", help="states whose name has this in it, such as upload or error-key")
    asked = parser.parse_args(arguments)
    (asked.folder / "stage").mkdir(parents=True, exist_ok=True)
    wanted = [each for each in STATES if asked.only in str(each)]
    with chromium() as browser, stage(asked.folder / "stage", _media_file) as made:
        for each in wanted:
            for size in SIZES:
                _take(browser, made, each, size, asked.folder)
    for part in dict.fromkeys(each.part for each in wanted):
        for size in SIZES:
            taken = [
                each for each in STATES if each.part == part and _picture(asked.folder, each, size, "dark").exists()
            ]
            _sheet(asked.folder, taken, size).save(asked.folder / f"sheet-{part}-{size}.png")
    print(f"{len(wanted) * len(SIZES) * len(SCHEMES)} pictures are in {asked.folder}")


def _media_file(name: str) -> Path:
    return Path(os.environ.get("MONTAGE_MEDIA") or ROOT.parent / "shared" / "media") / name


def _take(browser: Browser, made: Stage, each: State, size: str, folder: Path) -> None:
    with visit(browser, "", size=SIZES[size]) as visitor, shown(made, each, visitor) as page:
        for scheme in SCHEMES:
            page.emulate_media(color_scheme=scheme)
            page.wait_for_timeout(150)  # what is drawn is drawn anew
            page.screenshot(path=_picture(folder, each, size, scheme), full_page=True)


def _picture(folder: Path, each: State, size: str, scheme: Scheme) -> Path:
    return folder / f"{each}-{size}-{scheme}.png"


def _sheet(folder: Path, states: Sequence[State], size: str) -> Image.Image:
    """Return the pictures of some states side by side, each no higher than it is read on a sheet."""
    tiles = []
    for each in states:
        for scheme in SCHEMES:
            with Image.open(_picture(folder, each, size, scheme)) as taken:
                width_px = SHEET_WIDTH_PX[size]
                tile = taken.convert("RGB").resize((width_px, round(taken.height * width_px / taken.width)))
            tiles.append(tile.crop((0, 0, width_px, min(tile.height, MOST_HEIGHT_PX[size]))))
    columns = SHEET_COLUMNS[size]
    rows = [tiles[at : at + columns] for at in range(0, len(tiles), columns)]
    heights_px = [max(tile.height for tile in row) + GAP_PX for row in rows]
    sheet = Image.new("RGB", (columns * (SHEET_WIDTH_PX[size] + GAP_PX), sum(heights_px)), "magenta")
    for at, row in enumerate(rows):
        for column, tile in enumerate(row):
            sheet.paste(tile, (column * (SHEET_WIDTH_PX[size] + GAP_PX), sum(heights_px[:at])))
    return sheet


if __name__ == "__main__":
    main()
