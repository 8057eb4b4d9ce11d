"""The pose stage: find where something moves, look there for a person, keep the joints.

A unit is computed the same way whether a task has one or all of them: what it remembers starts clean at the unit's
first step, and every step looks at its own picture and the one before on the grid, wherever the task began.

What a decoder makes of damaged data does depend on where it began, so a chunk in which something cannot be decoded is
done again unit by unit, each from the keyframe before it, with a single thread.
"""

import json
import logging
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from threading import Event
from typing import BinaryIO

from pydantic import Base64UrlBytes

from shared.domain.damage import Decoded, together
from shared.domain.options import MotionOptions
from shared.domain.pose import SAMPLE_RATE_HZ, PoseSample
from shared.domain.record import from_dict, to_dict
from shared.domain.side_by_side import side_by_side
from shared.domain.span import Span
from shared.domain.thumbnails import Thumbnail
from shared.domain.units import ChunkPlan, unit_span
from shared.domain.video import Video
from shared.media.ahead import ahead, in_turn
from shared.media.decode import FrameSample, first_sample, sample_frames
from shared.media.source import Turns, open_source
from shared.media.timeline import Damage, Tally, indexed_keyframes_s
from shared.pipeline.look_at_strip import watched
from shared.pipeline.motion_strip import Strip, strips_of
from shared.ports import PoseDetector

log = logging.getLogger(__name__)

MOST_DECODERS = 4  # each keeps the frames of up to three units; a file from afar reads ahead in four places


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """What looking through a chunk took."""

    packets: int = 0
    """Of the picture, read from the source."""
    decoded_frames: int = 0
    looks: int = 0
    """Calls of the pose model."""

    def and_(self, other: "Effort") -> "Effort":
        """Return both together."""
        return Effort(
            packets=self.packets + other.packets,
            decoded_frames=self.decoded_frames + other.decoded_frames,
            looks=self.looks + other.looks,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PosePart:
    """What one chunk of the pose stage found."""

    samples: tuple[PoseSample, ...]
    models: dict[str, str]
    """Model names and versions."""
    decoded: Decoded = field(default_factory=Decoded)
    effort: Effort = Effort()
    thumbnails: dict[int, Base64UrlBytes] = field(default_factory=dict)
    """Number to JPEG, Base64 where it is stored; none in parts of a Montage that took none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Work:
    file: BinaryIO
    video: Video
    plan: ChunkPlan
    detector: PoseDetector
    name: str
    threshold: float
    decoders: int
    position: "_Position"

    def unit(self, number: int) -> Span:
        return unit_span(number, unit_s=self.plan.unit_s, duration_s=self.video.duration_s)


@dataclass(slots=True)
class _Found:
    """What looking through some units in a row came to."""

    samples: list[PoseSample] = field(default_factory=list)
    thumbnails: list[Thumbnail] = field(default_factory=list)
    stale: int = 0
    """Samples that show a frame of another time."""
    effort: Effort = Effort()
    damages: list[Damage] = field(default_factory=list)

    @property
    def damage(self) -> Damage | None:
        """Damage that was met; None for none."""
        return next((each for each in self.damages if each), None)


def analyse_chunk(
    file: BinaryIO,
    video: Video,
    *,
    plan: ChunkPlan,
    chunk: int,
    detector: PoseDetector,
    name: str,
    on_progress: Callable[[float], None],
    threshold: float = MotionOptions().movement_threshold,
    decoders: int | None = None,
) -> PosePart:
    """Return the samples of every unit in the chunk, in order, and what could be decoded: maybe nothing.

    `on_progress` is told a share in [0, 1] and may raise to stop. The pose model looks more closely where body speed
    passes `threshold`. Up to `decoders` work side by side, as many as there are cores by default; that changes nothing
    but the time it takes.
    """
    units = plan.units_of(chunk)
    decoders = min(decoders or os.cpu_count() or 1, MOST_DECODERS)
    work = _Work(
        file=file, video=video, plan=plan, detector=detector, name=name, threshold=threshold, decoders=decoders,
        position=_Position(on_progress, steps=sum(_steps(plan, video, unit) for unit in units)),
    )  # fmt: skip
    found = _looked_through(work, units)
    decoded = _decoded(work, units, found, Damage())
    if found.damage is not None:
        log.info("damaged (%s): once more, unit by unit", found.damage.last_error)
        found, decoded = _one_by_one(work, units, found)
    return PosePart(
        samples=tuple(found.samples),
        models=detector.versions,
        decoded=decoded,
        effort=found.effort,
        thumbnails={each.number: each.jpeg for each in sorted(found.thumbnails, key=lambda each: each.number)},
    )


def _one_by_one(work: _Work, units: range, damaged: _Found) -> tuple[_Found, Decoded]:
    """Return what there is of each unit: of one without damage the same as if there were none beside it.

    `damaged` is what was found in all of them.
    """
    whole = _Found(effort=damaged.effort)
    decoded: list[Decoded] = []
    for number in units:
        unit = range(number, number + 1)
        found, damage = damaged, Damage()
        if len(units) > 1:
            found = _looked_through(work, unit)
            whole.effort = whole.effort.and_(found.effort)
        if found.damage is not None:
            damage = Damage(sent=[])
            found = _looked_through(work, unit, with_care=damage)
            whole.effort = whole.effort.and_(found.effort)
        whole.samples += found.samples
        whole.thumbnails += found.thumbnails
        decoded.append(_decoded(work, unit, found, damage))
    return whole, together(decoded)


def _steps(plan: ChunkPlan, video: Video, unit: int) -> int:
    """Return how many steps of the grid lie in a unit."""
    stretch = unit_span(unit, unit_s=plan.unit_s, duration_s=video.duration_s)
    return first_sample(stretch.end_s, SAMPLE_RATE_HZ) - first_sample(stretch.start_s, SAMPLE_RATE_HZ)


def _decoded(work: _Work, units: range, found: _Found, damage: Damage) -> Decoded:
    expected = sum(_steps(work.plan, work.video, unit) for unit in units)
    return Decoded(
        expected=expected,
        lost=expected - len(found.samples) + found.stale,
        errors=damage.decode_errors + damage.read_errors,
        last_error=damage.last_error,
    )


def _looked_through(work: _Work, units: range, *, with_care: Damage | None = None) -> _Found:
    """Return what was found in some units in a row; what is met on the way is filled into `with_care`.

    With care, every frame is decoded, on a single thread. Without, it ends early when something is damaged.
    """
    runs = (units,) if with_care is not None else _runs(work, units)
    found = _Found(damages=[with_care] if with_care is not None else [Damage() for _ in runs])
    tallies = [Tally() for _ in runs]
    turns, unwanted = Turns(), Event()
    with ExitStack() as threads:
        # Decoding goes on while the model looks.
        strips = [
            threads.enter_context(
                ahead(
                    partial(_strips, work, run, turns, damage, tally, is_alone=len(runs) == 1),
                    at_most=1,
                    while_waiting=work.position.tell,
                    unwanted=unwanted,
                )
            )
            for run, damage, tally in zip(runs, found.damages, tallies, strict=True)
        ]
        for strip in in_turn(strips):
            samples, looks = watched(
                strip,
                work.detector,
                aspect=work.video.width / work.video.height,
                threshold=work.threshold,
                tell=work.position.looked,
            )
            found.samples += samples
            found.thumbnails += [step.thumbnail for step in strip.steps if step.thumbnail is not None]
            found.stale += sum(step.is_stale for step in strip.steps)
            found.effort = found.effort.and_(Effort(looks=looks))
            if with_care is None and found.damage is not None:
                break  # it will be done again with care
    for tally in tallies:
        found.effort = found.effort.and_(Effort(packets=tally.packets, decoded_frames=tally.decoded_frames))
    found.samples.sort(key=lambda sample: sample.index)
    return found


def _runs(work: _Work, units: range) -> tuple[range, ...]:
    """Return the units in as many runs as are decoded side by side."""
    if work.decoders < 2 or len(units) < 2:
        return (units,)
    with open_source(work.file, name=work.name) as container:
        keyframes_s = indexed_keyframes_s(container, work.video)
    return side_by_side(units, unit_s=work.plan.unit_s, keyframes_s=keyframes_s, decoders=work.decoders)


def _strips(
    work: _Work, units: range, turns: Turns, damage: Damage, tally: Tally, check: Callable[[], None], *, is_alone: bool
) -> Iterator[Strip]:
    """Yield the units' steps with what moves in them; runs on a thread of its own."""
    start_s, end_s = work.unit(units.start).start_s, work.unit(units.stop - 1).end_s
    is_careful = damage.sent is not None
    # Several decoders with a thread each keep the cores busier than one with several, and take less of them.
    threads = 0 if is_alone and not is_careful and work.decoders > 1 else 1
    frames = sample_frames(
        work.file, work.video, start_s=max(0.0, start_s - 1 / SAMPLE_RATE_HZ), end_s=end_s, rate_hz=SAMPLE_RATE_HZ,
        name=work.name, threads=threads, damage=damage, sparse=not is_careful, tally=tally, turns=turns,
    )  # fmt: skip
    per_unit = round(work.plan.unit_s * SAMPLE_RATE_HZ)
    noted = work.position.noted(frames)
    yield from strips_of(noted, work.video, first=units.start * per_unit, per_unit=per_unit, check=check)


class _Position:
    """How far the work is: half of it is decoding, half is looking. Never runs backwards, and moves with all work."""

    def __init__(self, on_progress: Callable[[float], None], *, steps: int) -> None:
        self._on_progress = on_progress
        self._steps = max(1, steps)
        self._decoded: set[int] = set()  # of steps: several threads decode, and damaged units are decoded twice
        self._looked: set[int] = set()
        self._again = 0  # steps decoded or looked at once more

    def noted(self, frames: Iterable[FrameSample]) -> Iterator[FrameSample]:
        """Yield the frames; each one counts."""
        for frame in frames:
            yield frame
            self._again += frame.index in self._decoded
            self._decoded.add(frame.index)

    def looked(self, steps: range) -> None:
        """Count a look in these steps, or all of them when they are through."""
        self._again += self._looked.issuperset(steps)
        self._looked.update(steps)
        self.tell()

    def tell(self) -> None:
        """Tell how far it is; may raise to stop."""
        share = min(1.0, (len(self._decoded) + len(self._looked)) / (2 * self._steps))
        again = self._again / (self._again + self._steps)  # what is done once more has no known end
        self._on_progress(0.99 * share + 0.01 * again)


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
        found.get(index) or PoseSample(index=index, shown_s=index / SAMPLE_RATE_HZ)
        for index in range(max(found, default=-1) + 1)
    )


def join_thumbnails(parts: Iterable[PosePart]) -> dict[int, bytes]:
    """Return the thumbnails of all chunks by number; those of what could not be decoded are missing."""
    return {number: jpeg for part in parts for number, jpeg in part.thumbnails.items()}
