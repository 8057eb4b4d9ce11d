"""The real model, what it finds in recordings, and scenes made of them."""

import shutil
from collections.abc import Callable, Iterator
from functools import cache
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
from tests.motion_scenes import Studio, make

PEOPLE_S = 2.5  # of each person in scenes; cutting them out takes four times as long as that

Analyse = Callable[[Path, float], tuple[PoseSample, ...]]
"""(source, chunk_s) → the samples of all its chunks."""
Movements = Callable[..., list[tuple[float, float]]]
"""(source, chunk_s=60.0) → its movements, unpadded."""


@pytest.fixture(scope="session")
def detector() -> Iterator[MediaPipeDetector]:
    with MediaPipeDetector(ensure(MODEL, cache_dir=Settings().models), model_version="test") as found:
        yield found


@pytest.fixture(scope="session")
def analyse(detector: MediaPipeDetector) -> Analyse:
    @cache  # several tests ask for the same; nothing changes a recording meanwhile
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
def movements(analyse: Analyse) -> Movements:
    """Return a finder of a source's movements, unpadded."""

    def find(path: Path, chunk_s: float = 60.0) -> list[tuple[float, float]]:
        samples = analyse(path, chunk_s)
        with open(path, "rb") as file:
            duration_s = probe(file, name=path.name).duration_s
        return [
            (each.start_s, each.end_s) for each in moving_spans(looks(samples), MotionOptions(), duration_s=duration_s)
        ]

    return find


@pytest.fixture(scope="session")
def scene(
    media_file: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str, float], Path]]:
    """Return a maker of scenes by their name in SCENES and length in s; their truth lies beside them.

    Each is drawn once. The recordings they are cut out of must be there.
    """
    folder = tmp_path_factory.mktemp("scenes")

    @cache
    def made(name: str, seconds: float) -> Path:
        studio = Studio(media=media_file("MANIFEST.json").parent, cache=folder / "cut_outs", people_s=PEOPLE_S)
        make(name, folder, studio=studio, seconds=seconds)
        return folder / f"{name}.mp4"

    yield made
    shutil.rmtree(folder)  # people cut out take much room
