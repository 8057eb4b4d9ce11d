"""Analysis is a function of units: how a source is cut into chunks cannot change what is found in it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from shared.domain.pose import PoseSample

Analyse = Callable[[Path, float], tuple[PoseSample, ...]]
Movements = Callable[..., list[tuple[float, float]]]
MediaFile = Callable[[str], Path]

WALKS = "motion/one_by_one_person_768x432.mp4"
SESSION = "raw_session_mixed_720p.mp4"


@pytest.mark.slow
@pytest.mark.parametrize(("name", "chunk_s"), [(WALKS, 20.0), (SESSION, 10.0)])
def test_chunks_of_any_length_find_exactly_the_same(
    analyse: Analyse, media_file: MediaFile, name: str, chunk_s: float
) -> None:
    source = media_file(name)  # somebody walks at 20 s and at 120 s in the one; most chunks of the other meet in a move
    whole = analyse(source, 60.0)
    assert [sample.index for sample in whole] == list(range(len(whole)))
    assert sum(sample.body is not None for sample in whole) > 60
    assert analyse(source, chunk_s) == whole


@pytest.mark.slow
@pytest.mark.parametrize("border_s", [50.0, 80.0, 110.0, 130.0])
def test_a_movement_across_a_chunk_border_is_one_movement(
    movements: Movements, media_file: MediaFile, border_s: float
) -> None:
    found = movements(media_file(SESSION), 10.0)
    assert [start_s < border_s - 0.5 and border_s + 0.5 < end_s for start_s, end_s in found].count(True) == 1
