"""The real model on real recordings."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from jobs.pose.__main__ import MODEL
from jobs.pose.detector import MediaPipeDetector
from shared.domain.motion import looks, moving_spans
from shared.domain.options import MotionOptions
from shared.domain.pose import PoseSample
from shared.domain.units import POSE_UNIT_S, plan_chunks
from shared.media.probe import probe
from shared.models.fetch import ensure
from shared.pipeline.analyse_pose import analyse_chunk, join_parts
from shared.settings import Settings

Analyse = Callable[[Path, float], tuple[PoseSample, ...]]
"""(source, chunk_s) → the samples of all its chunks."""


@pytest.fixture(scope="session")
def detector() -> Iterator[MediaPipeDetector]:
    with MediaPipeDetector(ensure(MODEL, cache_dir=Settings().models), model_version="test") as found:
        yield found


@pytest.fixture(scope="session")
def analyse(detector: MediaPipeDetector) -> Analyse:
    def run(path: Path, chunk_s: float) -> tuple[PoseSample, ...]:
        with open(path, "rb") as file:
            video = probe(file, name=path.name)
            plan = plan_chunks(duration_s=video.duration_s, unit_s=POSE_UNIT_S, chunk_s=chunk_s, max_tasks=200)
            return join_parts(
                analyse_chunk(
                    file, video, plan=plan, chunk=chunk, detector=detector, name=path.name, on_progress=lambda _: None
                )
                for chunk in range(plan.chunks)
            )

    return run


@pytest.fixture(scope="session")
def movements(analyse: Analyse) -> Callable[[Path], list[tuple[float, float]]]:
    """Return a finder of a source's movements, unpadded."""

    def find(path: Path) -> list[tuple[float, float]]:
        samples = analyse(path, 60.0)
        with open(path, "rb") as file:
            duration_s = probe(file, name=path.name).duration_s
        return [
            (each.start_s, each.end_s) for each in moving_spans(looks(samples), MotionOptions(), duration_s=duration_s)
        ]

    return find
