"""What the benchmark of finding movement makes of its measurements, and the sources it makes."""

import itertools
import os
import sys
from pathlib import Path
from subprocess import CalledProcessError

import av
import pytest

from benchmarks.motion import LEAST, MOST, Taken, marks, missed_bounds, ratios, ways_of
from benchmarks.motion_chart import bars, draw
from benchmarks.motion_once import Asked, Way, measured
from benchmarks.motion_sources import empty_scene, looped, made
from benchmarks.motion_tracked import Joints, Watched, best, moving, speeds
from benchmarks.motion_truth import accuracy
from benchmarks.turns import ROOT, answer
from shared.domain.pose import KEYPOINTS
from tests.clips import ClipSpec, make_clip

FIGURES = {
    "cores": 2.0,
    "720p_common_s_per_min": 21.0,
    "720p_decode_s_per_min": 1.5,
    "720p_montage_s_per_min": 1.6,
    "common_f1_720p": 0.781,
    "f1_720p": 0.988,
    "1080p_common_s_per_min": 30.0,
    "1080p_decode_s_per_min": 3.0,
    "1080p_montage_s_per_min": 2.5,
    "common_f1_1080p": 0.77,
    "f1_1080p": 0.984,
}


def taken(turn: int, what: str, way: Way, wall_s: float) -> Taken:
    return Taken(
        turn=turn, what=what, way=way, wall_s=wall_s, cpu_s=2 * wall_s, peak_mib=1, packets=1, decoded_frames=1, looks=1
    )


def test_montage_is_compared_with_the_common_way_and_with_decoding_within_each_turn() -> None:
    turns = [
        taken(turn, "720p", way, wall_s)
        for turn, walls_s in enumerate([(60.0, 4.0, 5.0), (90.0, 6.0, 6.0), (40.0, 8.0, 4.0)])
        for way, wall_s in zip(ways_of("720p", has_common=True)[:3], walls_s, strict=True)
    ]
    figures = ratios([*turns, taken(0, "empty", "decode", 2.0), taken(0, "empty", "montage", 1.0)])
    assert figures["speedup_720p"] == 12.0
    assert figures["beside_decode_720p"] == 1.0
    assert figures["still_beside_decode_empty"] == figures["still_beside_decode_cpu_empty"] == 0.5
    assert "speedup_empty" not in figures


def test_figures_at_their_bounds_miss_none_and_beyond_them_each() -> None:
    assert missed_bounds(LEAST | MOST) == []
    assert missed_bounds({}) == []
    beyond = {name: bound - 0.01 for name, bound in LEAST.items()} | {
        name: bound + 0.01 for name, bound in MOST.items()
    }
    assert len(missed_bounds(beyond)) == len(LEAST) + len(MOST)


def test_a_manifest_tells_clips_of_movement_from_those_with_nobody() -> None:
    walks = "motion/one_by_one_person_768x432.mp4"
    found = marks(
        {
            "files": [
                {"file": "motion/juggle.mp4", "truth": {"motion_intervals": [[0, 9]]}},
                {"file": "motion/tree.avi", "truth": {"motion_intervals": []}},
                {"file": walks, "truth": {"locomotion": [[6.1, 8.0]]}},
                {"file": "faces/crowd.mp4", "truth": {}},
            ]
        }
    )
    assert (found.clips, found.nobody, found.walks) == (
        {"motion/juggle.mp4": [[0, 9]]},
        ("motion/tree.avi",),
        [[6.1, 8.0]],
    )


def test_accuracy_counts_events_missed_edges_off_and_empty_seconds() -> None:
    truth = [(10.0, 20.0), (30.0, 40.0), (60.0, 70.0)]
    found = [(9.5, 20.25), (31.0, 45.0), (50.0, 52.0)]
    how_well = accuracy(found, truth, duration_s=100.0)
    assert (how_well.events, how_well.missed) == (3, 1)
    assert (how_well.edge_median_s, how_well.edge_worst_s) == (0.75, 5.0)
    assert how_well.empty_s == 0.5 + 0.25 + 5.0 + 2.0
    nothing = accuracy([], truth, duration_s=100.0)
    assert (nothing.missed, nothing.edge_worst_s, nothing.f1) == (3, 0.0, 0.0)


def person(x: float) -> Joints:
    return tuple((x, 0.2 + 0.04 * number, 1.0) for number in range(len(KEYPOINTS)))


def test_the_common_rule_finds_whom_it_sees_moving_and_nobody_else() -> None:
    nobody, still = [None] * 100, [person(0.1)] * 100
    walking = [person(0.1 + 0.004 * step) for step in range(100)]
    found = speeds(Watched(fps=10.0, aspect=16 / 9, people=(*nobody, *still, *walking, *nobody)))
    assert len(found) == 400
    ((start_s, end_s),) = moving(found, threshold=0.06, pause_s=0.0)
    assert [start_s, end_s] == pytest.approx([20.0, 30.0], abs=0.5)
    rule = best(found, [(20.0, 30.0)], duration_s=40.0)
    assert rule.f1 > 0.97
    assert rule.spans == moving(found, threshold=rule.threshold, pause_s=rule.pause_s)


def test_the_common_rule_needs_more_than_a_pause_to_part_two_movements() -> None:
    found = [(at / 10, float(not 50 <= at < 70)) for at in range(120)]
    assert len(moving(found, threshold=0.5, pause_s=1.0)) == 2
    assert len(moving(found, threshold=0.5, pause_s=2.0)) == 1


def test_where_the_common_way_sees_nobody_its_rule_finds_nothing() -> None:
    found = speeds(Watched(fps=10.0, aspect=1.0, people=(None,) * 20))
    assert best(found, [(0.0, 1.0)], duration_s=2.0).spans == ()


def test_the_chart_shows_each_size_and_how_right_each_way_is() -> None:
    small, large = bars(FIGURES)
    assert [bar.number for bar in small] == ["21 s", "1.5 s   14×", "1.6 s   13×"]
    assert [bar.remark for bar in small] == ["F1 0.78", "", "F1 0.99"]
    assert [bar.is_ours for bar in large] == [False, False, True]
    assert draw(FIGURES).width == 1000


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_clip(tmp_path_factory.mktemp("clip"), ClipSpec(seconds=2.0, size=(320, 180)))


def test_decoding_counts_every_frame_and_takes_time(clip: Path) -> None:
    took = measured(Asked(way="decode", source=str(clip)))
    assert took.found.decoded_frames == 60
    assert took.duration_s == pytest.approx(2.0, abs=0.05)
    assert 0 < took.wall_s < 10
    assert took.cpu_s > 0
    assert took.peak_mib > 10


def test_a_turn_is_a_process_of_its_own_and_says_why_it_failed(capfd: pytest.CaptureFixture[str]) -> None:
    talk = "import os, sys; print('loading', file=sys.stderr); print('words'); print('{\"pid\": %d}' % os.getpid())"
    assert answer([sys.executable, "-c", talk], cwd=ROOT)["pid"] != os.getpid()
    assert capfd.readouterr().err == ""
    with pytest.raises(CalledProcessError):
        answer([sys.executable, "-c", "sys.exit('no such source')"], cwd=ROOT)
    assert "NameError" in capfd.readouterr().err


def pictures(source: Path) -> list[tuple[float, int]]:
    """Return when each frame is shown, and what it looks like."""
    with av.open(str(source)) as container:
        return [(frame.time or 0.0, hash(frame.to_ndarray().tobytes())) for frame in container.decode(video=0)]


def test_a_looped_recording_shows_its_very_frames_again_without_a_gap(clip: Path, tmp_path: Path) -> None:
    once = pictures(clip)
    looped(clip, tmp_path / "looped.mp4", seconds=5.0)
    again = pictures(tmp_path / "looped.mp4")
    assert [look for _, look in again] == 3 * [look for _, look in once]
    assert [t_s - again[0][0] for t_s, _ in again] == pytest.approx([number / 30 for number in range(180)], abs=1e-3)


def test_an_empty_scene_differs_from_frame_to_frame_by_noise_only(clip: Path, tmp_path: Path) -> None:
    empty_scene(clip, tmp_path / "empty.mp4", seconds=0.5)
    with av.open(str(tmp_path / "empty.mp4")) as container:
        greys = [frame.to_ndarray(format="gray").astype(int) for frame in container.decode(video=0)]
    assert len(greys) == 15
    differences = [abs(after - before).mean() for before, after in itertools.pairwise(greys)]
    assert 0.0 < min(differences) <= max(differences) < 6.0


def test_a_source_is_made_once_and_one_half_made_does_not_stay(tmp_path: Path) -> None:
    def fail(out: Path) -> None:
        out.write_bytes(b"half")
        raise OSError("no space left")

    def write_whole(out: Path) -> None:
        out.write_bytes(b"whole")

    with pytest.raises(OSError, match="no space"):
        made(tmp_path, "source.mp4", fail)
    assert not (tmp_path / "source.mp4").exists()
    assert made(tmp_path, "source.mp4", write_whole).read_bytes() == b"whole"
    assert made(tmp_path, "source.mp4", fail).read_bytes() == b"whole"
