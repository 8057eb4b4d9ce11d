"""One picture of a source as a JPEG."""

from pathlib import Path
from typing import BinaryIO

from PIL import Image

from shared.domain.video import Video
from shared.errors import BadVideo
from shared.media.decode import frame_at

QUALITY = 88


def write_poster(
    file: BinaryIO, video: Video, t_s: float, path: Path, *, max_side_px: int = 1280, name: str = "the source"
) -> None:
    """Write the upright picture on screen at `t_s` (source time) as JPEG, its longer side at most `max_side_px`."""
    sample = frame_at(file, video, t_s, name=name)
    if sample is None:
        raise BadVideo("corrupt", f"{name}: no picture can be decoded at {t_s:.2f} s; export it again")
    Image.fromarray(sample.rgb(None, max_side_px)).save(path, format="JPEG", quality=QUALITY, optimize=True)
