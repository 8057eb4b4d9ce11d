"""MediaPipe's traps, on a real frame of a real person."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from jobs.pose.detector import MediaPipeDetector
from shared.domain.pose import KEYPOINTS
from shared.media.decode import sample_frames
from shared.media.probe import probe


@pytest.fixture(scope="session")
def juggler(media_file: Callable[[str], Path]) -> NDArray[np.uint8]:
    with open(media_file("motion/juggle_720p.mp4"), "rb") as file:
        video = probe(file, name="juggle")
        (frame,) = sample_frames(file, video, start_s=5.0, end_s=5.1, rate_hz=8, name="juggle")
        return frame.rgb(None, max_side_px=641)


def test_a_person_is_found_with_every_joint_inside_the_picture(
    detector: MediaPipeDetector, juggler: NDArray[np.uint8]
) -> None:
    joints = detector.detect(juggler)
    assert joints is not None
    assert len(joints) == len(KEYPOINTS)
    assert all(0 <= x <= 1 and 0 <= y <= 1 for x, y, visibility in joints if visibility > 0.9)
    nose, ankle = joints[0], joints[-1]
    assert nose[1] < ankle[1], "upright"


def test_a_strided_picture_is_read_like_a_contiguous_one(
    detector: MediaPipeDetector, juggler: NDArray[np.uint8]
) -> None:
    padded = np.zeros((juggler.shape[0], juggler.shape[1] + 7, 3), np.uint8)
    padded[:, : juggler.shape[1]] = juggler
    strided = padded[:, : juggler.shape[1]]
    assert not strided.flags.c_contiguous
    assert detector.detect(strided) == detector.detect(juggler)


def test_nobody_is_found_where_nobody_is(detector: MediaPipeDetector) -> None:
    assert detector.detect(np.full((120, 200, 3), 90, np.uint8)) is None
