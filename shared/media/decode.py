"""Pictures of a source on one sampling grid over source time, upright, in the size the caller wants."""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction
from math import ceil, floor
from typing import BinaryIO, cast

import av
import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import Interpolation, VideoReformatter
from numpy.typing import NDArray

from shared.domain.video import Video
from shared.media.cutout import cut_out, even_box, small_brightness
from shared.media.filter_chain import Step
from shared.media.orientation import Box, before_turning, unturned_box, upright
from shared.media.source import Turns, open_source
from shared.media.sparse import sparse_at
from shared.media.timeline import Damage, ShownFrame, Tally, shown_at

GRID_EPSILON = 1e-6  # in samples: keeps a border given as a float (k / rate_hz) on its sample
SMALLEST_PART_PX = 16  # libav's scaler is made for pictures; a smaller part is cut from the whole one
KEPT_FORMATS = ("yuv420p", "yuvj420p", "nv12", "gray")
SCALE_THREADS = 1  # one small picture takes 0.3 ms; more threads cost more to wake than they save


class Scaler:
    """Makes upright pictures of a source's frames; keeps one conversion context per kind, which is most of the cost."""

    def __init__(self, video: Video) -> None:
        self.video = video
        self._contexts: dict[tuple[int, int, str], VideoReformatter] = {}
        self._for_parts = VideoReformatter()  # one for all: their sizes are many

    def picture(self, frame: VideoFrame, size: tuple[int, int], pixel_format: str) -> NDArray[np.uint8]:
        """Return the frame as coded, scaled to (width, height), as "gray8" (h, w) or "rgb24" (h, w, 3)."""
        context = self._contexts.setdefault((*size, pixel_format), VideoReformatter())
        scaled = context.reformat(
            frame, *size, format=pixel_format, interpolation=Interpolation.AREA, threads=SCALE_THREADS
        )
        return cast(NDArray[np.uint8], scaled.to_ndarray())

    def part(self, frame: VideoFrame, box: Box, size: tuple[int, int]) -> NDArray[np.uint8] | None:
        """Return a box (in square pixels, before turning) as coded, scaled to (width, height), in RGB.

        Costs what the box holds, not what the frame does. Where colours lie between the borders of a box that is made
        smaller, up to one pixel more than it is taken in. None for frames and sizes that need the whole frame.
        """
        square = before_turning((self.video.width, self.video.height), self.video.rotation_deg)
        across, down = frame.width / square[0], frame.height / square[1]
        coded = (floor(box[0] * across), floor(box[1] * down), ceil(box[2] * across), ceil(box[3] * down))
        outer = even_box(coded, frame)
        is_whole_size = size == (coded[2] - coded[0], coded[3] - coded[1])
        made_size = (outer[2] - outer[0], outer[3] - outer[1]) if is_whole_size else size
        cut = cut_out(frame, outer) if min(made_size) >= SMALLEST_PART_PX else None
        if cut is None:
            return None
        made = self._for_parts.reformat(
            cut, *made_size, format="rgb24", interpolation=Interpolation.AREA, threads=SCALE_THREADS
        )
        picture = cast(NDArray[np.uint8], made.to_ndarray())
        if not is_whole_size:
            return picture
        left, top = coded[0] - outer[0], coded[1] - outer[1]
        return picture[top : top + size[1], left : left + size[0]]


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameSample:
    """One point of the sampling grid and the frame on screen then. Pictures are made when asked for."""

    index: int
    """k: the sample lies at k / rate_hz."""
    t_s: float
    """When the sample lies, in source time."""
    pts_s: float
    """When its frame came on screen, in source time."""
    key: int
    """Names the frame: samples with the same key show the same frame, whatever the sampling started from."""
    is_stale: bool = False
    """Whether another frame should be on screen that could not be decoded; told only where `Damage.sent` is kept."""
    frame: VideoFrame = field(repr=False, compare=False)
    scaler: Scaler = field(repr=False, compare=False)

    @property
    def video(self) -> Video:
        """What the sample's boxes and sizes refer to."""
        return self.scaler.video

    def grey(self, width_px: int) -> NDArray[np.uint8]:
        """Return the upright picture's brightness, shape (h, width_px), height by its aspect (at least 2)."""
        video = self.scaler.video
        size = (max(2, width_px), max(2, round(width_px * video.height / video.width)))
        coded_size = before_turning(size, video.rotation_deg)
        coded = small_brightness(self.frame, coded_size)
        return upright(coded if coded is not None else self.scaler.picture(self.frame, coded_size, "gray8"), video)

    def kept(self, longest_px: int) -> "FrameSample":
        """Return the sample with its frame 8 bits deep, 4:2:0 and with no side longer; itself if it is so.

        For frames that are kept a while: one of 4K takes 12 MB, and of more depth and colour four times as much.
        """
        video = self.scaler.video
        if max(self.frame.width, self.frame.height) <= longest_px and self.frame.format.name in KEPT_FORMATS:
            return self
        small = smaller(video, longest_px)
        frame = VideoReformatter().reformat(
            self.frame,
            small.coded_width,
            small.coded_height,
            format="yuv420p",
            interpolation=Interpolation.AREA,
            threads=SCALE_THREADS,
        )
        return replace(self, frame=frame, scaler=Scaler(small))

    def rgb(self, box: Box | None, max_side_px: int) -> NDArray[np.uint8]:
        """Return a box of the upright picture (None: all of it) in RGB, shape (h, w, 3), C-contiguous.

        The box is given in shown pixels and clipped to the picture; it is scaled down so that its longer side is at
        most `max_side_px`, and never enlarged. Raises ValueError for a box outside the picture.
        """
        video = self.scaler.video
        x0, y0, x1, y1 = clipped_box(box or (0, 0, video.width, video.height), video)
        scale = min(1.0, max_side_px / max(x1 - x0, y1 - y0))
        size = (max(2, round(video.width * scale)), max(2, round(video.height * scale)))
        across, down = size[0] / video.width, size[1] / video.height
        inside = (
            min(int(x0 * across), size[0] - 1),
            min(int(y0 * down), size[1] - 1),
            *_ends((x0 * across, y0 * down), (x1 * across, y1 * down), size, max_side_px),
        )
        if (x0, y0, x1, y1) != (0, 0, video.width, video.height):
            within = unturned_box((x0, y0, x1, y1), (video.width, video.height), video)
            shape = before_turning((inside[2] - inside[0], inside[3] - inside[1]), video.rotation_deg)
            coded_part = self.scaler.part(self.frame, within, shape)
            if coded_part is not None:
                return upright(coded_part, video)
        coded = self.scaler.picture(self.frame, before_turning(size, video.rotation_deg), "rgb24")
        left, top, right, bottom = unturned_box(inside, size, video)
        return upright(coded[top:bottom, left:right], video)


def sample_frames(
    file: BinaryIO,
    video: Video,
    *,
    start_s: float,
    end_s: float,
    rate_hz: int,
    name: str,
    threads: int = 0,
    damage: Damage | None = None,
    tally: Tally | None = None,
    sparse: bool = False,
    turns: Turns | None = None,
) -> Iterator[FrameSample]:
    """Yield the samples k / rate_hz in [start_s, end_s) of source time, each with the frame on screen then.

    What a sample shows does not depend on `start_s`: decoding begins at the keyframe before it. Ends with the
    pictures. Frames that cannot be decoded are counted in `damage` and the frame before them stays on screen.
    `threads` are the decoder's, 0 for as many as there are cores. `sparse` decodes only what it must, and may take a
    frame shown up to half a sample earlier (see `sparse_at`); not where `Damage.sent` is kept, for which every packet
    has to be sent. Samplings of one file on several threads are given one `turns`.
    """
    first, beyond = first_sample(start_s, rate_hz), first_sample(end_s, rate_hz)
    scaler = Scaler(video)
    with open_source(file, name=name, turns=turns) as container:
        times = (k / rate_hz for k in range(first, beyond))
        if sparse and (damage is None or damage.sent is None):
            samples = sparse_at(
                container, video, times, step_s=1 / rate_hz, threads=threads, damage=damage, tally=tally
            )
        else:
            samples = shown_at(container, video, times, threads=threads, damage=damage, tally=tally)
        for t_s, shown in samples:
            yield FrameSample(
                index=round(t_s * rate_hz),
                t_s=t_s,
                pts_s=shown.start_s,
                key=shown.pts,
                is_stale=damage is not None and damage.sent is not None and _is_stale(t_s, shown, video, damage.sent),
                frame=shown.frame,
                scaler=scaler,
            )


def frame_at(
    file: BinaryIO, video: Video, t_s: float, *, name: str, steps: tuple[Step, ...] = ()
) -> FrameSample | None:
    """Return the frame on screen at `t_s` as a sample (index 0), the last one for any later time; None without any.

    `steps` are filters each decoded frame goes through.
    """
    for back_s in (0.0, 1.0, 8.0, t_s):  # the picture may end before its header says
        at_s = max(0.0, min(t_s, video.duration_s) - back_s)
        with open_source(file, name=name) as container:
            for _, shown in shown_at(container, video, (at_s,), steps=steps):
                return FrameSample(
                    index=0, t_s=t_s, pts_s=shown.start_s, key=shown.pts, frame=shown.frame, scaler=Scaler(video)
                )
    return None


def _is_stale(t_s: float, shown: ShownFrame, video: Video, sent: list[int]) -> bool:
    """Return whether a packet that was to be on screen for half a frame by then gave no frame."""
    base = shown.frame.time_base or Fraction(1, av.time_base)
    latest = int((t_s + video.start_s - 0.5 / float(video.fps)) / base)
    due = bisect_right(sent, latest)
    if shown.pts > latest + 1:  # the first frame there is, shown early for want of another
        return shown.start_s > t_s and due > 0
    return due > bisect_right(sent, shown.pts)


def first_sample(at_s: float, rate_hz: int) -> int:
    """Return the first k >= 0 with k / rate_hz >= at_s."""
    return max(0, ceil(at_s * rate_hz - GRID_EPSILON))


def smaller(video: Video, longest_px: int) -> Video:
    """Return the video as it would be if no side of its coded picture were longer."""
    scale = longest_px / max(video.coded_width, video.coded_height)
    if scale >= 1:
        return video

    def scaled(side_px: int) -> int:
        return max(2, round(side_px * scale / 2) * 2)

    return replace(
        video,
        coded_width=scaled(video.coded_width),
        coded_height=scaled(video.coded_height),
        width=scaled(video.width),
        height=scaled(video.height),
    )


def clipped_box(box: Box, video: Video) -> Box:
    """Return the part of the box that lies in the shown picture; raises ValueError when there is none."""
    x0, y0 = max(0, box[0]), max(0, box[1])
    x1, y1 = min(video.width, box[2]), min(video.height, box[3])
    if x0 >= x1 or y0 >= y1:
        raise ValueError(f"the box {box} lies outside the picture ({video.width}x{video.height})")
    return x0, y0, x1, y1


def _ends(
    low: tuple[float, float], high: tuple[float, float], size: tuple[int, int], max_side_px: int
) -> tuple[int, int]:
    """Return where a scaled box ends: at least one pixel, inside the picture, no side over the limit."""
    x0, y0 = min(int(low[0]), size[0] - 1), min(int(low[1]), size[1] - 1)
    x1 = min(max(x0 + 1, round(high[0])), size[0], x0 + max_side_px)
    y1 = min(max(y0 + 1, round(high[1])), size[1], y0 + max_side_px)
    return x1, y1
