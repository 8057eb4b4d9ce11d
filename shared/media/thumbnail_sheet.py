"""All thumbnails of a source in one JPEG, row by row."""

import io
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from shared.domain.thumbnails import sheet_shape

QUALITY = 70  # 720 thumbnails of a lively source take under 3 MB


def write_sheet(path: Path, jpegs: Sequence[bytes], size: tuple[int, int]) -> None:
    """Write the thumbnails, each of the size (width, height) in pixels, in the shape that `sheet_shape` tells."""
    columns, rows = sheet_shape(len(jpegs))
    width, height = size
    sheet = Image.new("RGB", (columns * width, rows * height))
    for number, jpeg in enumerate(jpegs):
        row, column = divmod(number, columns)
        with Image.open(io.BytesIO(jpeg)) as picture:
            sheet.paste(picture, (column * width, row * height))
    sheet.save(path, format="JPEG", quality=QUALITY, optimize=True)
