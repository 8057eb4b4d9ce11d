"""Thumbnails of a source as JPEGs: small, upright, in the reel's colours."""

import io
from collections.abc import Callable
from typing import BinaryIO

from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace, Interpolation, VideoReformatter
from PIL import Image

from shared.domain.thumbnails import Thumbnail, thumbnail_size
from shared.domain.video import Video
from shared.media.decode import SCALE_THREADS, smaller
from shared.media.orientation import before_turning
from shared.media.painter import Painter, colour_matrix
from shared.media.source import open_source
from shared.media.timeline import Damage, ShownFrame, frames_from, pts_of, shown_frame, snap_s

QUALITY = 75
MOST_DECODED = 3000  # frames, for all thumbnails that are taken without a pose task: seconds of work


class Thumbnailer:
    """Makes a source's thumbnails of its frames; keeps what that takes from one to the next, so use it on one thread.

    It takes half a millisecond: the frame is made small first, colours and turns are those of a poster.
    """

    def __init__(self, video: Video) -> None:
        self._size = thumbnail_size(video.width, video.height)
        self._coded_size = before_turning(self._size, video.rotation_deg)
        self._painter = Painter(smaller(video, max(self._size)), self._size)
        self._small, self._rgb = VideoReformatter(), VideoReformatter()

    def jpeg(self, frame: VideoFrame) -> bytes:
        """Return a decoded frame's thumbnail."""
        small = self._made_small(frame)
        painted = self._painter.paint(ShownFrame(frame=small, pts=0, start_s=0.0, end_s=0.0))
        rgb = self._rgb.reformat(
            painted,
            format="rgb24",
            src_colorspace=Colorspace.ITU709,
            src_color_range=ColorRange.MPEG,
            threads=SCALE_THREADS,
        )
        buffer = io.BytesIO()
        Image.fromarray(rgb.to_ndarray()).save(buffer, format="JPEG", quality=QUALITY)
        return buffer.getvalue()

    def _made_small(self, frame: VideoFrame) -> VideoFrame:
        """Return the frame in its own format at the size before turning; itself in formats libav only reads."""
        if not frame.format.is_planar or frame.format.is_bayer:
            return frame
        width, height = self._coded_size
        small = self._small.reformat(frame, width, height, interpolation=Interpolation.AREA, threads=SCALE_THREADS)
        if small is not frame:
            small.colorspace = colour_matrix(frame)  # where it is untagged the size tells, and that is another one now
        return small


def thumbnails_nearby(
    file: BinaryIO,
    video: Video,
    *,
    every_s: int,
    count: int,
    name: str,
    tell: Callable[[float], None] = lambda share: None,
    most_decoded: int = MOST_DECODED,
) -> list[Thumbnail]:
    """Return thumbnails of a source that nobody has looked through, at the cost of few decoded frames.

    A keyframe up to half of `every_s` early will do. Where there is none the frames up to the time are decoded,
    `most_decoded` in all; then any keyframe before it will do. Numbers at which nothing can be decoded are left out.
    `tell` is told a share in [0, 1] and may raise to stop.
    """
    thumbnailer, found, left = Thumbnailer(video), [], most_decoded
    with open_source(file, name=name) as container:
        for number in range(count):
            tell(number / count)
            t_s = number * every_s
            best: ShownFrame | None = None
            for frame in frames_from(container, video, t_s, threads=1, damage=Damage()):
                if pts_of(frame) is None:
                    continue
                shown = shown_frame(frame, None, video)
                if best is not None and shown.start_s > t_s + snap_s(video):
                    break
                best = shown
                if left <= 0 or shown.start_s >= t_s - every_s / 2:
                    break
                left -= 1
            if best is not None:
                found.append(Thumbnail(number=number, jpeg=thumbnailer.jpeg(best.frame)))
    return found
