"""Today's common way to find movement: OpenCV reads every full-size frame, MediaPipe follows the person in VIDEO mode.

On top of it lies the simplest rule there is: the joints' mean speed in body heights per second, smoothed over a second,
against a threshold. It is favoured: its threshold, and whether pauses belong to a movement, are those that suit the
very source it is measured on.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from math import hypot
from pathlib import Path
from typing import Any

import cv2
import mediapipe as mp
from mediapipe.tasks.python import BaseOptions, vision
from numpy.typing import NDArray

from shared.domain.pose import KEYPOINTS, Body, Keypoint
from shared.domain.span import join_near, longer_than, span
from tests.motion_truth import Marked, f1

SMOOTHED_S = 1.0
SHORTEST_S = 1.0
PAUSES_S = (0.0, 1.0, 3.0)
THRESHOLDS = tuple(0.01 * 1.1**step for step in range(65))
"""Body heights per second: 0.01 to 4.5."""

Joints = tuple[tuple[float, float, float], ...]
"""x and y as shares of the picture, visibility."""
Speed = tuple[float, float]
"""(t_s, body heights per second)"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """What was seen in every frame of a source."""

    fps: float
    aspect: float
    """The picture's width by its height."""
    people: tuple[Joints | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Best:
    """The rule that suits a source best."""

    f1: float
    threshold: float
    pause_s: float
    spans: tuple[tuple[float, float], ...]


class Follower:
    """MediaPipe's pose landmarker in VIDEO mode. Close it: its destructor fails at the interpreter's exit."""

    def __init__(self, model: Path) -> None:
        self._at_ms = 0
        self._landmarker = vision.PoseLandmarker.create_from_options(
            vision.PoseLandmarkerOptions(
                base_options=BaseOptions(model_asset_path=str(model)), running_mode=vision.RunningMode.VIDEO
            )
        )

    def watch(self, source: Path) -> Watched:
        """Return who is seen in every frame of a source."""
        film = cv2.VideoCapture(str(source))
        fps = film.get(cv2.CAP_PROP_FPS)
        aspect = film.get(cv2.CAP_PROP_FRAME_WIDTH) / film.get(cv2.CAP_PROP_FRAME_HEIGHT)
        people: list[Joints | None] = []
        start_ms = self._at_ms
        while True:
            is_read, picture = film.read()
            if not is_read:
                break
            at_ms = start_ms + round(len(people) * 1000 / fps)
            people.append(self.joints(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB), at_ms=at_ms))
        film.release()
        return Watched(fps=fps, aspect=aspect, people=tuple(people))

    def joints(self, picture: NDArray[Any], *, at_ms: int) -> Joints | None:
        """Return the joints of the person in a picture; time must go on from call to call."""
        self._at_ms = at_ms + 1
        image = mp.Image(image_format=mp.ImageFormat.SRGB, data=picture)
        found = self._landmarker.detect_for_video(image, at_ms).pose_landmarks
        if not found:
            return None
        return tuple((mark.x, mark.y, mark.visibility) for mark in (found[0][index] for index in KEYPOINTS))

    def close(self) -> None:
        self._landmarker.close()


def speeds(watched: Watched) -> tuple[Speed, ...]:
    """Return the joints' mean speed at every frame, smoothed; 0 where nobody is seen."""
    bodies = [_body(joints, watched.aspect) for joints in watched.people]
    raw = [0.0, *(_speed(*pair) * watched.fps for pair in pairwise(bodies))][: len(bodies)]
    sums = [0.0, *accumulate(raw)]
    half = max(1, round(SMOOTHED_S * watched.fps / 2))
    return tuple(
        (at / watched.fps, (sums[min(len(raw), at + half)] - sums[max(0, at - half)]) / (2 * half))
        for at in range(len(raw))
    )


def moving(found: Sequence[Speed], *, threshold: float, pause_s: float) -> tuple[tuple[float, float], ...]:
    """Return the stretches in which the speed reaches the threshold, shorter ones than a second left out."""
    step_s = found[1][0] - found[0][0]
    moments = (span(t_s, t_s + step_s) for t_s, speed in found if speed >= threshold)
    joined = join_near(moments, gap_s=pause_s + step_s / 2)  # time stamps are rounded
    return tuple((each.start_s, each.end_s) for each in longer_than(joined, SHORTEST_S))


def best(found: Sequence[Speed], truth: Marked, *, duration_s: float) -> Best:
    """Return the rule with the greatest F1 among all thresholds and pauses."""
    return max(_rules(found, truth, duration_s), key=lambda rule: rule.f1)


def _rules(found: Sequence[Speed], truth: Marked, duration_s: float) -> Iterator[Best]:
    fastest = max(speed for _, speed in found)
    for threshold in THRESHOLDS[: bisect_left(THRESHOLDS, fastest) + 1]:
        for pause_s in PAUSES_S:
            spans = moving(found, threshold=threshold, pause_s=pause_s)
            yield Best(f1=f1(spans, truth, duration_s=duration_s), threshold=threshold, pause_s=pause_s, spans=spans)


def _body(joints: Joints | None, aspect: float) -> Body | None:
    if joints is None:
        return None
    return Body(joints=tuple(Keypoint(x=x * aspect, y=y, visibility=visible) for x, y, visible in joints))


def _speed(before: Body | None, after: Body | None) -> float:
    """Return the joints' mean way from frame to frame in body heights; 0 where one of them has nobody."""
    if before is None or after is None:
        return 0.0
    ways = [hypot(b.x - a.x, b.y - a.y) for a, b in zip(before.joints, after.joints, strict=True)]
    return sum(ways) / len(ways) / max(before.height, after.height)
