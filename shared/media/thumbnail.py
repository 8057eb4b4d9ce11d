"""Thumbnails of a source as JPEGs: small, upright, in the reel's colours."""

from collections.abc import Callable, Iterator, Sequence
from typing import BinaryIO

import cv2
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace, Interpolation, VideoReformatter

from shared.domain.thumbnails import Thumbnail, thumbnail_size
from shared.domain.video import Video
from shared.media.decode import SCALE_THREADS, smaller
from shared.media.orientation import before_turning
from shared.media.painter import BT709, Painter, colour_matrix, kept_colours
from shared.media.source import open_source
from shared.media.sparse import sparse_at
from shared.media.timeline import Damage, ShownFrame, frames_from, shown_frame, snap_s

QUALITY = 75
MUCH_LARGER = 4  # than the thumbnail: two steps, the first one coarse, take a third of the time
MOST_DECODED = 3000  # frames, for all thumbnails that are taken without a pose task: seconds of work


class Thumbnailer:
    """Makes a source's thumbnails of its frames; keeps what that takes from one to the next, so use it on one thread.

    It takes less than half a millisecond: the frame is made small first. Colours are a poster's.
    """

    def __init__(self, video: Video) -> None:
        self._size = thumbnail_size(video.width, video.height)
        self._coded_size = before_turning(self._size, video.rotation_deg)
        self._small_video = smaller(video, max(self._size))
        self._painters: dict[int, Painter] = {}
        self._half, self._small, self._rgb = VideoReformatter(), VideoReformatter(), VideoReformatter()

    def jpeg(self, frame: VideoFrame) -> bytes:
        """Return a decoded frame's thumbnail."""
        small = self._made_small(frame)
        matrix, _ = kept_colours(small)  # of this frame alone: what is made of it does not depend on those before
        painter = self._painters.setdefault(matrix, Painter(self._small_video, self._size, matrix=matrix))
        painted = painter.paint(ShownFrame(frame=small, pts=0, start_s=0.0, end_s=0.0))
        rgb = self._rgb.reformat(
            painted,
            format="rgb24",
            src_colorspace=Colorspace.ITU709 if matrix == BT709 else Colorspace.ITU601,
            src_color_range=ColorRange.MPEG,
            threads=SCALE_THREADS,
        )
        _, jpeg = cv2.imencode(".jpg", rgb.to_ndarray()[..., ::-1], (cv2.IMWRITE_JPEG_QUALITY, QUALITY))
        return jpeg.tobytes()

    def _made_small(self, frame: VideoFrame) -> VideoFrame:
        """Return the frame in its own format at the size before turning; itself in formats libav only reads."""
        if not frame.format.is_planar or frame.format.is_bayer:
            return frame
        small, (width, height) = frame, self._coded_size
        if frame.width >= MUCH_LARGER * width and frame.height >= MUCH_LARGER * height:
            half = 2 * width, 2 * height
            small = self._half.reformat(small, *half, interpolation=Interpolation.FAST_BILINEAR, threads=SCALE_THREADS)
        small = self._small.reformat(small, width, height, interpolation=Interpolation.AREA, threads=SCALE_THREADS)
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

    A frame up to half of `every_s` early will do. A source of no more than `most_decoded` frames is gone through once.
    Of a longer one it is the keyframe before each time, if that is near enough; else the frames up to the time are
    decoded, and after `most_decoded` of them any keyframe will do. Numbers at which nothing can be decoded are left
    out. `tell` is told a share in [0, 1] and may raise to stop.
    """
    thumbnailer = Thumbnailer(video)
    times_s = [float(number * every_s) for number in range(count)]
    with open_source(file, name=name) as container:
        if video.duration_s * video.fps <= most_decoded:
            frames = sparse_at(container, video, times_s, step_s=every_s, damage=Damage())
        else:
            frames = _from_keyframes(container, video, times_s, early_s=every_s / 2, most_decoded=most_decoded)
        found = []
        for t_s, shown in frames:
            tell(t_s / times_s[-1] if t_s else 0.0)
            found.append(Thumbnail(number=round(t_s / every_s), jpeg=thumbnailer.jpeg(shown.frame)))
    return found


def _from_keyframes(
    container: InputContainer, video: Video, times_s: Sequence[float], *, early_s: float, most_decoded: int
) -> Iterator[tuple[float, ShownFrame]]:
    """Yield each time at which something can be decoded with a frame on screen then or at most `early_s` before.

    After `most_decoded` frames it is the keyframe before the time.
    """
    left = most_decoded
    for t_s in times_s:
        best: ShownFrame | None = None
        for frame in frames_from(container, video, t_s, threads=1, damage=Damage()):
            shown = shown_frame(frame, best, video)
            if best is not None and shown.start_s > t_s + snap_s(video):
                break
            best, left = shown, left - 1
            if left <= 0 or shown.start_s >= t_s - early_s:
                break
        if best is not None:
            yield t_s, best
