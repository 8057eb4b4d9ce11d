"""Analysis is a function of units: how a source is cut into chunks cannot change what is found in it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from shared.domain.pose import PoseSample


@pytest.mark.slow
def test_chunks_of_any_length_find_exactly_the_same(
    analyse: Callable[[Path, float], tuple[PoseSample, ...]], media_file: Callable[[str], Path]
) -> None:
    source = media_file("motion/one_by_one_person_768x432.mp4")
    whole = analyse(source, 9999.0)
    assert [sample.index for sample in whole] == list(range(len(whole)))
    assert sum(sample.body is not None for sample in whole) > 100
    assert analyse(source, 20.0) == whole
