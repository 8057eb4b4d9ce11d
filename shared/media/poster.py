"""One picture of a source as a JPEG."""

from pathlib import Path
from typing import BinaryIO

from av.video.reformatter import ColorRange, Colorspace, VideoReformatter
from PIL import Image

from shared.domain.video import Video
from shared.errors import BadVideo
from shared.media.decode import frame_at
from shared.media.painter import Painter, deinterlacing
from shared.media.timeline import ShownFrame

QUALITY = 88


def write_poster(
    file: BinaryIO, video: Video, t_s: float, path: Path, *, max_side_px: int = 1280, name: str = "the source"
) -> None:
    """Write the picture on screen at `t_s` (source time) as JPEG, its longer side at most `max_side_px`.

    It looks as in an encoded reel: upright, whole pictures of interlaced fields, the same colours, even sides.
    """
    sample = frame_at(file, video, t_s, name=name, steps=deinterlacing(video))
    if sample is None:
        raise BadVideo("corrupt", f"{name}: no picture can be decoded at {t_s:.2f} s; export or copy it again.")
    scale = min(1.0, max_side_px / max(video.width, video.height))
    size = (_even(video.width * scale), _even(video.height * scale))
    shown = ShownFrame(frame=sample.frame, pts=sample.key, start_s=sample.pts_s, end_s=sample.pts_s)
    painted = Painter(video, size).paint(shown)
    rgb = VideoReformatter().reformat(
        painted, format="rgb24", src_colorspace=Colorspace.ITU709, src_color_range=ColorRange.MPEG
    )
    Image.fromarray(rgb.to_ndarray()).save(path, format="JPEG", quality=QUALITY, optimize=True)


def _even(side_px: float) -> int:
    return max(2, 2 * round(side_px / 2))
