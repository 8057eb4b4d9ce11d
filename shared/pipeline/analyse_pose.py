"""The pose stage: find where something moves, look there for a person, keep the joints.

A unit is computed the same way whether a task has one or all of them: what it remembers starts clean at the unit's
first step, and every step looks at its own picture and the one before on the grid, wherever the task began.

What a decoder makes of damaged data does depend on where it began, so a chunk in which something cannot be decoded is
done again unit by unit, each from the keyframe before it, with a single thread.
"""

import json
import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO

from shared.domain.crop import around
from shared.domain.damage import Decoded, together
from shared.domain.moving_region import Box, GreyPicture, change_between
from shared.domain.pose import POSE_EVERY, SAMPLE_RATE_HZ, Body, Keypoint, PoseSample
from shared.domain.record import from_dict, to_dict
from shared.domain.span import Span, span
from shared.domain.units import ChunkPlan, unit_span
from shared.domain.video import Video
from shared.media.decode import FrameSample, first_sample, sample_frames
from shared.media.timeline import Damage
from shared.ports import PoseDetector

log = logging.getLogger(__name__)

GREY_LONGER_SIDE_PX = 192  # a person a tenth of the picture high is still 10 pixels tall
CROP_LONGER_SIDE_PX = 480  # the model itself looks at 256; more only costs the conversion
REMEMBERED_STEPS = 4  # half a second of movement is held in the crop, so that it stays steady


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """What looking through a chunk took."""

    packets: int = 0
    """Of the picture, read from the source."""
    decoded_frames: int = 0
    looks: int = 0
    """Calls of the pose model."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PosePart:
    """What one chunk of the pose stage found."""

    samples: tuple[PoseSample, ...]
    models: dict[str, str]
    """Model names and versions."""
    decoded: Decoded = field(default_factory=Decoded)
    effort: Effort = Effort()


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
    """Return the samples of every unit in the chunk, in order, and what could be decoded: maybe nothing.

    `on_progress` is told a share in [0, 1] and may raise to stop.
    """
    units = [unit_span(unit, unit_s=plan.unit_s, duration_s=video.duration_s) for unit in plan.units_of(chunk)]
    whole = span(units[0].start_s, units[-1].end_s)

    def look(stretch: Span, threads: int, damage: Damage) -> tuple[list[PoseSample], int]:
        return _looked_through(
            file, video, stretch, plan=plan, detector=detector, name=name, threads=threads, damage=damage,
            tell=lambda t_s: on_progress(min(1.0, (t_s - whole.start_s) / whole.duration_s)),
        )  # fmt: skip

    damage = Damage()
    samples, _ = look(whole, 0, damage)
    decoded = _decoded(whole, samples, 0, Damage())
    if damage:
        log.info("damaged (%s): once more, unit by unit", damage.last_error)
        samples, decoded = _one_by_one(units, lambda unit, damage: look(unit, 1, damage))
    return PosePart(samples=tuple(samples), models=detector.versions, decoded=decoded)


def _one_by_one(
    units: Sequence[Span], look: Callable[[Span, Damage], tuple[list[PoseSample], int]]
) -> tuple[list[PoseSample], Decoded]:
    samples: list[PoseSample] = []
    decoded: list[Decoded] = []
    for unit in units:
        damage = Damage(sent=[])
        found, stale = look(unit, damage)
        samples += found
        decoded.append(_decoded(unit, found, stale, damage))
    return samples, together(decoded)


def _decoded(stretch: Span, samples: Sequence[PoseSample], stale: int, damage: Damage) -> Decoded:
    expected = first_sample(stretch.end_s, SAMPLE_RATE_HZ) - first_sample(stretch.start_s, SAMPLE_RATE_HZ)
    return Decoded(
        expected=expected,
        lost=expected - len(samples) + stale,
        errors=damage.decode_errors + damage.read_errors,
        last_error=damage.last_error,
    )


def _looked_through(
    file: BinaryIO,
    video: Video,
    stretch: Span,
    *,
    plan: ChunkPlan,
    detector: PoseDetector,
    name: str,
    threads: int,
    damage: Damage,
    tell: Callable[[float], None],
) -> tuple[list[PoseSample], int]:
    """Return the samples of some units in a row, and how many of them show a frame of another time."""
    first = round(stretch.start_s * SAMPLE_RATE_HZ)
    start_s = max(0.0, stretch.start_s - 1 / SAMPLE_RATE_HZ)
    frames = sample_frames(
        file, video, start_s=start_s, end_s=stretch.end_s, rate_hz=SAMPLE_RATE_HZ, name=name, threads=threads,
        damage=damage,
    )  # fmt: skip
    stale = 0

    def counted() -> Iterator[FrameSample]:
        nonlocal stale
        for frame in frames:
            stale += frame.is_stale and frame.index >= first
            yield frame

    samples: list[PoseSample] = []
    per_unit = round(plan.unit_s * SAMPLE_RATE_HZ)
    for sample in _samples(counted(), video, first=first, per_unit=per_unit, detector=detector):
        samples.append(sample)
        tell(sample.t_s)
        if damage and damage.sent is None:
            break  # it will be done again with care
    return samples, stale


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
    """Return the samples of all chunks in the order of the grid; where nothing could be decoded, nothing happens."""
    found = {sample.index: sample for part in parts for sample in part.samples}
    return tuple(
        found.get(index) or PoseSample(index=index, camera_x=0.0, camera_y=0.0, change=0.0)
        for index in range(max(found, default=-1) + 1)
    )
