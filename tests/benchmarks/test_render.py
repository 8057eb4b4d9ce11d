"""What the benchmark of rendering makes of its measurements."""

from pathlib import Path
from typing import Literal

import pytest

from benchmarks.render import LEAST, MOST, Taken, missed_bounds
from benchmarks.render_chart import bars, draw
from benchmarks.render_likeness import likeness
from benchmarks.render_once import Asked, measured
from benchmarks.turns import ratio
from tests.clips import ClipSpec, make_clip

FIGURES = {
    "cores": 2.0,
    "encode_moviepy_s_per_min": 38.0,
    "encode_bare_s_per_min": 15.0,
    "encode_montage_s_per_min": 16.0,
    "copy_moviepy_s_per_min": 39.0,
    "copy_montage_s_per_min": 0.9,
}


def taken(turn: int, way: str, wall_s: float) -> Taken:
    return Taken(turn=turn, what="encode", way=way, wall_s=wall_s, cpu_s=1.0, size_bytes=1)


def test_a_ratio_is_the_median_of_those_within_each_turn() -> None:
    walls_s = [(10.0, 5.0), (90.0, 30.0), (8.0, 8.0)]  # 2, 3 and 1 times
    turns = [
        each
        for turn, (theirs, ours) in enumerate(walls_s)
        for each in (taken(turn, "moviepy", theirs), taken(turn, "montage", ours))
    ]
    assert ratio(turns, ("encode", "moviepy"), ("encode", "montage")) == 2.0


def test_figures_at_their_bounds_miss_none_and_beyond_them_each() -> None:
    assert missed_bounds(LEAST | MOST) == []
    assert missed_bounds({}) == []
    beyond = {name: bound - 0.01 for name, bound in LEAST.items()} | {
        name: bound + 0.01 for name, bound in MOST.items()
    }
    assert len(missed_bounds(beyond)) == len(LEAST) + len(MOST)


def test_the_chart_shows_the_longest_bar_first_and_how_many_times_faster_ours_are() -> None:
    encoded, copied = bars(FIGURES)
    assert [bar.number for bar in encoded] == ["38 s", "15 s   2.5×", "16 s   2.4×"]
    assert [bar.number for bar in copied] == ["39 s", "0.9 s   43×"]
    assert draw(FIGURES).width == 1000


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_clip(tmp_path_factory.mktemp("clip"), ClipSpec(seconds=4.0, size=(320, 180)))


SPANS = ((1.0, 2.0), (0.5, 1.0))


@pytest.mark.parametrize("way", ["montage", "bare"])
def test_both_ways_show_the_same_frames_of_the_source(
    clip: Path, tmp_path: Path, way: Literal["montage", "bare"]
) -> None:
    reel = tmp_path / "reel.mp4"
    took = measured(Asked(way=way, source=str(clip), out=str(reel), spans=SPANS))
    found = likeness(clip, SPANS, reel)
    assert found.frames == 45
    assert found.worst > 0.95
    assert took.size_bytes == reel.stat().st_size
    assert took.peak_mib > 10
    assert (took.half_mib > 10) == (way == "montage")


def test_a_reel_that_shows_other_frames_is_less_like_its_source(clip: Path, tmp_path: Path) -> None:
    reel = tmp_path / "reel.mp4"
    measured(Asked(way="bare", source=str(clip), out=str(reel), spans=((1.1, 2.1),)))
    assert likeness(clip, ((1.0, 2.0),), reel).ssim < 0.9


@pytest.mark.parametrize(("end_s", "said"), [(2.5, "ends after 30 frames"), (1.5, "15 frames more")])
def test_a_reel_of_another_length_cannot_be_compared(clip: Path, tmp_path: Path, end_s: float, said: str) -> None:
    reel = tmp_path / "reel.mp4"
    measured(Asked(way="bare", source=str(clip), out=str(reel), spans=((1.0, 2.0),), has_sound=False))
    with pytest.raises(ValueError, match=said):
        likeness(clip, ((1.0, end_s),), reel)
