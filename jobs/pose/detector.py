"""MediaPipe lives here only."""

from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from types import TracebackType

import mediapipe as mp
import numpy as np
from mediapipe.tasks.python import BaseOptions, vision
from numpy.typing import NDArray

from shared.domain.pose import KEYPOINTS

SURE = 0.5  # the model's own default for both steps


class MediaPipeDetector:
    """The pose landmarker in IMAGE mode: no memory from one picture to the next, so results do not depend on order.

    Close it, or use it as a context manager: left to the interpreter's exit its destructor fails.
    """

    def __init__(self, model: Path, *, model_version: str) -> None:
        self.versions = {"mediapipe": version("mediapipe"), model.stem: model_version}
        self._landmarker = vision.PoseLandmarker.create_from_options(
            vision.PoseLandmarkerOptions(
                base_options=BaseOptions(model_asset_path=str(model)),
                running_mode=vision.RunningMode.IMAGE,
                num_poses=1,
                min_pose_detection_confidence=SURE,
                min_pose_presence_confidence=SURE,
            )
        )

    def detect(self, picture: NDArray[np.uint8]) -> Sequence[tuple[float, float, float]] | None:
        # MediaPipe reads a strided array wrongly, without a word, and finds nobody
        image = mp.Image(image_format=mp.ImageFormat.SRGB, data=np.ascontiguousarray(picture))
        people = self._landmarker.detect(image).pose_landmarks
        if not people:
            return None
        return [(mark.x, mark.y, mark.visibility) for mark in (people[0][index] for index in KEYPOINTS)]

    def close(self) -> None:
        self._landmarker.close()

    def __enter__(self) -> "MediaPipeDetector":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
