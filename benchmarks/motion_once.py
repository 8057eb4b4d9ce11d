"""One source looked through in one way, in a process of its own, measured as a warm task works.

    python -m benchmarks.motion_once '{"way": "montage", "source": …, "chunk_s": 60}'

Before the clock starts: Python and its libraries are there, the model is loaded and has looked at a blank picture, the
source has been probed, read through once (so that no disk is measured) and a frame of it decoded. Prints what the
looking through took, and what it found, as JSON.
"""

import json
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import av
import numpy as np
from numpy.typing import NDArray

from benchmarks.render_once import peak_mib
from jobs.pose.__main__ import MODEL
from shared.domain.units import POSE_UNIT_S, plan_chunks
from shared.domain.video import Video
from shared.media.probe import probe
from shared.models.fetch import ensure
from shared.settings import Settings

Way = Literal["common", "decode", "montage", "montage_chunks"]
WHOLE_S, CHUNK_S = 86_400.0, 60.0
"""The source as one chunk, and as `montage run` shares it out by default."""
BLOCK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What to look through, and how."""

    way: Way
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What looking through a source came to; zeros where a way does not tell."""

    packets: int = 0
    decoded_frames: int = 0
    looks: int = 0
    """Calls of the pose model."""
    spans: tuple[tuple[float, float], ...] = ()
    """Movements in s, unpadded."""
    speeds: tuple[tuple[float, float], ...] = ()
    """(t_s, body heights per second), where a rule is still to be laid on them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What one way took on one source."""

    duration_s: float
    """Of the source."""
    wall_s: float
    cpu_s: float
    """User and system time of the process, all threads."""
    peak_mib: float
    """Of the whole process, its start included."""
    found: Found


Work = Callable[[], Callable[[], Found]]
"""Works, and returns what puts into words what came of it: that is not timed."""


def main() -> None:
    """Look through the source and print what it took."""
    print(json.dumps(asdict(measured(Asked(**json.loads(sys.argv[1]))))))


def measured(asked: Asked) -> Measured:
    """Look through the source and return what it took."""
    source = Path(asked.source)
    _read_through(source)
    with source.open("rb") as file:
        video = probe(file, name=source.name)
    _decode(source, most=1)
    if asked.way == "decode":
        return _timed(video, lambda: _decoded(source))
    if asked.way == "common":
        return _by_the_common_way(source, video)
    return _by_montage(source, video, chunk_s=CHUNK_S if asked.way == "montage_chunks" else WHOLE_S)


def _timed(video: Video, work: Work) -> Measured:
    began_at, cpu_before = time.monotonic(), time.process_time()
    tell = work()
    wall_s, cpu_s = time.monotonic() - began_at, time.process_time() - cpu_before
    peak = peak_mib()
    return Measured(duration_s=video.duration_s, wall_s=wall_s, cpu_s=cpu_s, peak_mib=peak, found=tell())


def _decoded(source: Path) -> Callable[[], Found]:
    frames = _decode(source)
    return lambda: Found(packets=frames, decoded_frames=frames)


def _by_the_common_way(source: Path, video: Video) -> Measured:
    from benchmarks.motion_tracked import Follower, speeds  # loads what the other ways must not pay for

    follower = Follower(_model())
    follower.joints(_blank(video), at_ms=0)

    def work() -> Callable[[], Found]:
        watched = follower.watch(source)
        frames = len(watched.people)
        return lambda: Found(packets=frames, decoded_frames=frames, looks=frames, speeds=speeds(watched))

    try:
        return _timed(video, work)
    finally:
        follower.close()


def _by_montage(source: Path, video: Video, *, chunk_s: float) -> Measured:
    from jobs.pose.detector import MediaPipeDetector  # loads what the other ways must not pay for
    from shared.domain.motion import looks, moving_spans
    from shared.domain.options import MotionOptions
    from shared.pipeline.analyse_pose import analyse_chunk, join_parts

    plan = plan_chunks(duration_s=video.duration_s, unit_s=POSE_UNIT_S, chunk_s=chunk_s, max_tasks=10_000)
    with MediaPipeDetector(_model(), model_version="measured") as detector:
        detector.detect(_blank(video))

        def work() -> Callable[[], Found]:
            with source.open("rb") as file:
                parts = [
                    analyse_chunk(
                        file,
                        video,
                        plan=plan,
                        chunk=chunk,
                        detector=detector,
                        name=source.name,
                        on_progress=lambda _: None,
                    )
                    for chunk in range(plan.chunks)
                ]
            moving = moving_spans(looks(join_parts(parts)), MotionOptions(), duration_s=video.duration_s)
            return lambda: Found(
                packets=sum(part.effort.packets for part in parts),
                decoded_frames=sum(part.effort.decoded_frames for part in parts),
                looks=sum(part.effort.looks for part in parts),
                spans=tuple((each.start_s, each.end_s) for each in moving),
            )

        return _timed(video, work)


def _decode(source: Path, *, most: int | None = None) -> int:
    """Decode every frame, or the first few, with all cores, do nothing with them and return how many there were."""
    frames = 0
    with av.open(str(source)) as container:
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        for _ in container.decode(stream):
            frames += 1
            if frames == most:
                break
    return frames


def _read_through(source: Path) -> None:
    with source.open("rb") as file:
        while file.read(BLOCK_BYTES):
            pass


def _blank(video: Video) -> NDArray[np.uint8]:
    return np.zeros((video.height, video.width, 3), np.uint8)


def _model() -> Path:
    return ensure(MODEL, cache_dir=Settings().models)


if __name__ == "__main__":
    main()
