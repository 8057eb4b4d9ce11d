"""Real people cut out of real recordings, to be put into scenes of which one knows everything.

Each clip of a person is a stack of pictures with transparency in which he stands on the middle of the lowest row, as
he moves there, without the way he goes.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import mediapipe as mp
import numpy as np
from mediapipe.tasks.python import BaseOptions, vision
from numpy.typing import NDArray

from shared.models.fetch import ensure
from shared.settings import Settings

Picture = NDArray[np.uint8]
"""(height, width, 3) blue, green, red."""
Mask = NDArray[np.float32]
"""(height, width) in [0, 1]."""

MODEL = "pose_landmarker_full"
TALLEST_PX = 560  # of the clip's tallest picture, so that a person may fill most of a 720p picture
SURE_INSIDE = 0.9  # colours nearer the edge than this have some of their old background in them


@dataclass(frozen=True, kw_only=True)
class Source:
    """A stretch of a recording in which one person is seen."""

    file: str
    start_s: float
    end_s: float
    every: int = 1
    """Of so many frames one is kept."""
    left: float = 0.0
    right: float = 1.0
    """Where the person is, in shares of the picture's width; others stay outside."""


@dataclass(frozen=True, kw_only=True)
class CutOut:
    """A person in motion: pictures (count, height, width, 4), colours multiplied by the opacity."""

    pictures: NDArray[np.uint8]
    rate_hz: float
    person_px: float
    """How tall the person is when he stands upright, in these pictures."""


_ROOM = "motion/one_by_one_person_768x432.mp4"
SOURCES = {
    "juggler": Source(file="motion/juggle_720p.mp4", start_s=0.5, end_s=6.5),
    "squatter": Source(file="motion/squats_portrait.mp4", start_s=0.0, end_s=13.0),
    "thrower": Source(file="motion/dog_fetch_720p.mp4", start_s=0.0, end_s=9.6, every=2, left=0.0, right=0.5),
    "walker_1": Source(file=_ROOM, start_s=43.6, end_s=44.3),
    "walker_2": Source(file=_ROOM, start_s=68.3, end_s=69.2),
    "walker_3": Source(file=_ROOM, start_s=85.2, end_s=85.9),
    "walker_4": Source(file=_ROOM, start_s=118.3, end_s=119.2),
    "walker_5": Source(file=_ROOM, start_s=134.8, end_s=135.35),
    "host": Source(file="faces/host_walk_talk_720p.mp4", start_s=1.15, end_s=2.0),
}
"""All who walk do so rightwards."""


def cut_out(name: str, *, media: Path, cache: Path, most_s: float = math.inf) -> CutOut:
    """Return one of SOURCES cut out, at most so long; made once, then read from the folder `cache`."""
    kept = cache / (f"{name}.npz" if most_s == math.inf else f"{name}_{most_s:g}s.npz")
    if not kept.exists():
        source = SOURCES[name]
        made = _made(replace(source, end_s=min(source.end_s, source.start_s + most_s)), media)
        cache.mkdir(parents=True, exist_ok=True)
        np.savez(kept, pictures=made.pictures, rate_hz=made.rate_hz, person_px=made.person_px)
    with np.load(kept) as stored:
        return CutOut(
            pictures=stored["pictures"], rate_hz=float(stored["rate_hz"]), person_px=float(stored["person_px"])
        )


def pictures_of(path: Path, *, start_s: float = 0.0, end_s: float = 1e9) -> Iterator[Picture]:
    """Yield a recording's pictures as they are coded."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        for frame in container.decode(stream):
            if frame.time is not None and frame.time >= end_s:
                return
            if frame.time is None or frame.time >= start_s:
                yield np.asarray(frame.to_ndarray(format="bgr24"), np.uint8)


def _rate_of(path: Path) -> Fraction:
    with av.open(str(path)) as container:
        return container.streams.video[0].average_rate or Fraction(25)


def _made(source: Source, media: Path) -> CutOut:
    path = media / source.file
    options: Any = vision.PoseLandmarkerOptions(
        base_options=BaseOptions(model_asset_path=str(ensure(MODEL, cache_dir=Settings().models))),
        running_mode=vision.RunningMode.IMAGE,
        output_segmentation_masks=True,
    )
    seen: list[tuple[Picture, Mask]] = []
    with vision.PoseLandmarker.create_from_options(options) as landmarker:
        for number, whole in enumerate(pictures_of(path, start_s=source.start_s, end_s=source.end_s)):
            if number % source.every == 0:
                width = whole.shape[1]
                picture = np.ascontiguousarray(whole[:, round(source.left * width) : round(source.right * width)])
                mask = _mask(picture, landmarker)
                if mask is not None:
                    seen.append((picture, mask))
    return _arranged(seen, rate_hz=float(_rate_of(path)) / source.every)


def _mask(picture: Picture, landmarker: Any) -> Mask | None:
    """Return where the person is, the largest piece only, its edge a little inside and soft; None without one."""
    rgb = cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)
    found = landmarker.detect(mp.Image(image_format=mp.ImageFormat.SRGB, data=np.ascontiguousarray(rgb)))
    if not found.segmentation_masks:
        return None
    raw = np.asarray(found.segmentation_masks[0].numpy_view(), np.float32).reshape(picture.shape[:2])
    pieces, labels, figures, _ = cv2.connectedComponentsWithStats(np.asarray(raw > 0.5, np.uint8))
    if pieces < 2:
        return None
    largest = 1 + int(figures[1:, cv2.CC_STAT_AREA].argmax())
    near = cv2.dilate(np.asarray(labels == largest, np.uint8), np.ones((9, 9), np.uint8))
    soft = cv2.GaussianBlur(raw * near, (0, 0), max(0.8, picture.shape[0] / 700))
    return np.asarray(np.clip((soft - 0.45) / 0.4, 0, 1), np.float32)


def _arranged(seen: list[tuple[Picture, Mask]], *, rate_hz: float) -> CutOut:
    """Put every person on the middle of the lowest row of a picture of one size."""
    boxes = np.array([_box(mask) for _, mask in seen], float)
    heights = boxes[:, 3] - boxes[:, 1]
    middles, feet = _smooth((boxes[:, 0] + boxes[:, 2]) / 2), _smooth(boxes[:, 3])
    scale = min(1.5, TALLEST_PX / float(np.quantile(heights, 0.95)))
    half = float((boxes[:, 2] - boxes[:, 0]).max()) / 2 + 6
    tall = float((feet - boxes[:, 1]).max()) + 6
    size = (2 * int(half * scale), int(tall * scale) + 6)
    made = []
    for (picture, mask), middle, foot in zip(seen, middles, feet, strict=True):
        move = np.array([[scale, 0, size[0] / 2 - scale * middle], [0, scale, size[1] - 4 - scale * foot]])
        how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
        colour = cv2.warpAffine(_cleaned(picture, mask), move, size, flags=how)
        opacity = np.clip(cv2.warpAffine(mask, move, size, flags=cv2.INTER_LINEAR), 0, 1)[..., None]
        made.append(np.asarray(np.concatenate((colour * opacity, 255 * opacity), axis=2) + 0.5, np.uint8))
    return CutOut(pictures=np.stack(made), rate_hz=rate_hz, person_px=float(np.quantile(heights, 0.95)) * scale)


def _box(mask: Mask) -> tuple[int, int, int, int]:
    rows, columns = np.flatnonzero(mask.max(axis=1) > 0.5), np.flatnonzero(mask.max(axis=0) > 0.5)
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def _smooth(values: NDArray[np.float64]) -> NDArray[np.float64]:
    padded = np.pad(values, 3, mode="edge")
    return np.convolve(padded, np.hanning(9)[1:-1] / np.hanning(9).sum(), mode="valid")


def _cleaned(picture: Picture, mask: Mask) -> Picture:
    """Return the picture with the colours at the person's edge taken from further inside him."""
    inside = np.asarray(mask > SURE_INSIDE, np.float32)
    spread = cv2.blur(picture * inside[..., None], (15, 15)) / np.maximum(cv2.blur(inside, (15, 15)), 1e-3)[..., None]
    return np.asarray(np.where(inside[..., None] > 0, picture, np.clip(spread, 0, 255)), np.uint8)
