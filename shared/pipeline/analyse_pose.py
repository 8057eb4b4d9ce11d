"""The pose stage: find where something moves, look there for a person, keep the joints.

A unit is computed the same way whether a task has one or all of them: what it remembers starts clean at the unit's
first step, and every step looks at its own picture and the one before on the grid, wherever the task began.
"""

import json
import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

from shared.domain.crop import around
from shared.domain.moving_region import Box, GreyPicture, change_between
from shared.domain.pose import POSE_EVERY, SAMPLE_RATE_HZ, Body, Keypoint, PoseSample
from shared.domain.record import from_dict, to_dict
from shared.domain.units import ChunkPlan, unit_span
from shared.domain.video import Video
from shared.media.decode import FrameSample, sample_frames
from shared.ports import PoseDetector

log = logging.getLogger(__name__)

GREY_LONGER_SIDE_PX = 192  # a person a tenth of the picture high is still 10 pixels tall
CROP_LONGER_SIDE_PX = 480  # the model itself looks at 256; more only costs the conversion
REMEMBERED_STEPS = 4  # half a second of movement is held in the crop, so that it stays steady


@dataclass(frozen=True, slots=True, kw_only=True)
class PosePart:
    """What one chunk of the pose stage found."""

    samples: tuple[PoseSample, ...]
    models: dict[str, str]
    """Model names and versions."""


def analyse_chunk(
    file: BinaryIO,
    video: Video,
    *,
    plan: ChunkPlan,
    chunk: int,
    detector: PoseDetector,
    name: str,
    on_progress: Callable[[float], None],
) -> PosePart:
    """Return the samples of every unit in the chunk, in order.

    `on_progress` is told a share in [0, 1] and may raise to stop. Raises BadVideo when no frame can be decoded.
    """
    units = [unit_span(unit, unit_s=plan.unit_s, duration_s=video.duration_s) for unit in plan.units_of(chunk)]
    start_s, end_s = units[0].start_s, units[-1].end_s
    step_s = 1 / SAMPLE_RATE_HZ
    frames = sample_frames(
        file, video, start_s=max(0.0, start_s - step_s), end_s=end_s, rate_hz=SAMPLE_RATE_HZ, name=name
    )
    steps_per_unit = round(plan.unit_s * SAMPLE_RATE_HZ)
    samples: list[PoseSample] = []
    for sample in _samples(
        frames, video, first=round(start_s * SAMPLE_RATE_HZ), per_unit=steps_per_unit, detector=detector
    ):
        samples.append(sample)
        on_progress(min(1.0, (sample.t_s - start_s) / (end_s - start_s)))
    return PosePart(samples=tuple(samples), models=detector.versions)


def _samples(
    frames: Iterable[FrameSample], video: Video, *, first: int, per_unit: int, detector: PoseDetector
) -> Iterator[PoseSample]:
    """Yield a sample per step from `first` on; an earlier frame is only looked back at."""
    width_px = max(2, round(GREY_LONGER_SIDE_PX * min(1.0, video.width / video.height)))
    before: GreyPicture | None = None
    regions: list[Box | None] = []
    for frame in frames:
        grey = frame.grey(width_px)
        if frame.index >= first:
            if frame.index % per_unit == 0:
                regions = []
            change = change_between(before if before is not None else grey, grey)
            regions = [*regions, change.region][-REMEMBERED_STEPS:]
            body = _look(frame, video, regions, detector) if frame.index % POSE_EVERY == 0 else None
            yield PoseSample(
                index=frame.index,
                camera_x=round(change.camera_x, 5),
                camera_y=round(change.camera_y, 5),
                change=round(change.share, 5),
                body=body,
            )
        before = grey


def _look(frame: FrameSample, video: Video, regions: list[Box | None], detector: PoseDetector) -> Body | None:
    crop = around((box for box in regions if box is not None), width=video.width, height=video.height)
    if crop is None:
        return None
    landmarks = detector.detect(frame.rgb(crop, max_side_px=CROP_LONGER_SIDE_PX))
    if landmarks is None:
        return None
    left, top, right, bottom = crop
    joints = (
        Keypoint(
            x=round((left + x * (right - left)) / video.height, 4),
            y=round((top + y * (bottom - top)) / video.height, 4),
            visibility=round(min(1.0, max(0.0, visibility)), 3),
        )
        for x, y, visibility in landmarks
    )
    return Body(joints=tuple(joints))


def part_to_json(part: PosePart) -> bytes:
    """Return the part as it is stored."""
    return json.dumps(to_dict(part), separators=(",", ":")).encode()


def part_from_json(data: bytes) -> PosePart:
    """Return the part that `part_to_json` stored."""
    return from_dict(PosePart, json.loads(data))


def join_parts(parts: Iterable[PosePart]) -> tuple[PoseSample, ...]:
    """Return the samples of all chunks in the order of the grid."""
    return tuple(sorted((sample for part in parts for sample in part.samples), key=lambda sample: sample.index))
