"""A clip in which it is known when somebody moves, and a detector that finds him without a model."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from threading import Lock

import av
import cv2
import numpy as np
from av.video.frame import PictureType, VideoFrame
from numpy.typing import NDArray

from tests.bodies import STANDING

Picture = NDArray[np.uint8]

SIZE = (320, 180)
RATE_HZ = 15
SECONDS = 24.0
PERSON_PX = (12, 36)
SPEED_PX_S = 20.0
MOVES_S = ((1.0, 7.0), (14.0, 22.0))
"""When he goes right and, the second time, back; he rests in between."""
PERSON_LEVEL, SURELY = 235, 200


def room() -> Picture:
    """Return a dim textured picture (height, width)."""
    coarse = np.random.default_rng(3).uniform(40, 140, (12, 20)).astype(np.float32)
    return np.asarray(cv2.resize(coarse, SIZE, interpolation=cv2.INTER_CUBIC), np.uint8)


def place_px(t_s: float) -> float:
    """Return how far right of the picture's left edge he is."""
    (one, other), (back, home) = MOVES_S
    gone = min(max(t_s - one, 0.0), other - one) - min(max(t_s - back, 0.0), home - back)
    return 100 + SPEED_PX_S * gone


def make_walker(folder: Path, *, onlooker: bool = False) -> Path:
    """Write the clip, H.264 with a keyframe every second, and return where it is.

    An onlooker, larger than he, stands behind the middle of his way and does not move.
    """
    path = folder / "walker.mp4"
    ground = room()
    if onlooker:
        ground[10:65, 150:170] = PERSON_LEVEL
    with av.open(str(path), "w") as output:
        stream = output.add_stream("libx264", rate=RATE_HZ)
        stream.width, stream.height = SIZE
        stream.pix_fmt = "yuv420p"
        stream.codec_context.thread_count = 1
        stream.codec_context.gop_size = RATE_HZ
        stream.options = {"preset": "ultrafast", "crf": "16", "x264-params": "scenecut=0:bframes=2"}
        for count in range(round(SECONDS * RATE_HZ)):
            picture = ground.copy()
            left = round(place_px(count / RATE_HZ))
            picture[70 : 70 + PERSON_PX[1], left : left + PERSON_PX[0]] = PERSON_LEVEL
            frame = VideoFrame.from_ndarray(picture, format="gray8")
            frame.pts, frame.time_base = count, Fraction(1, RATE_HZ)
            frame.pict_type = PictureType.NONE
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return path


class SeesBright:
    """Finds a standing body in the largest bright thing; counts how often it is asked."""

    def __init__(self) -> None:
        self.versions = {"bright": "1"}
        self.calls = 0
        self._lock = Lock()

    def detect(self, picture: Picture) -> Sequence[tuple[float, float, float]] | None:
        with self._lock:
            self.calls += 1
        _, _, things, _ = cv2.connectedComponentsWithStats((picture[..., 1] >= SURELY).astype(np.uint8))
        left, top, across, down, area = max(things[1:].tolist(), key=lambda thing: thing[-1], default=[0] * 5)
        if area < 20:
            return None
        height, width = picture.shape[:2]
        return [((left + x * across) / width, (top + y * down) / height, 0.9) for x, y in STANDING]
