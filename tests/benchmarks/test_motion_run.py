"""The arithmetic of the motion run's benchmark, and the long source it makes."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import pytest

from benchmarks.motion_run import Analysed, Taken, repeated
from tests.clips import ClipSpec, make_clip

HELD = Analysed(
    source_s=1200.0,
    pose_s=40.0,
    pose_start_up_s=1.0,
    pose_start_up_worst_s=2.0,
    decode=Taken(wall_s=30.0, cpu_s=50.0),
    run=Taken(wall_s=50.0, cpu_s=90.0),
)


def test_the_bounds_are_those_of_the_stage_and_of_its_slowest_start() -> None:
    assert HELD.ratio == 1.333
    assert HELD.missed() == []
    assert replace(HELD, pose_s=41.4).missed() == ["pose_s is 1.38 times plain decoding, at most 1.375"]
    assert replace(HELD, pose_start_up_worst_s=3.1).missed() == ["a task took 3.1 s to start, at most 3"]


def test_a_repeated_source_has_every_frame_of_every_round_at_its_time(tmp_path: Path) -> None:
    clip = make_clip(tmp_path, ClipSpec(seconds=2, fps=Fraction(10), size=(96, 54)))
    with av.open(str(repeated(clip, tmp_path / "long.mp4", least_s=5))) as long:
        times = [frame.time for frame in long.decode(video=0)]
    assert times == pytest.approx([index / 10 for index in range(60)], abs=1e-3)
