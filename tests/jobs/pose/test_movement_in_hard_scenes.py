"""The motion stage in scenes that are hard: small people, shaken cameras, pans, cars, noise, other codings.

Real people before real grounds, made on the spot, so that it is known to the picture when somebody moves.
"""

import json
from collections.abc import Callable
from pathlib import Path

import av
import pytest
from av.video.frame import PictureType

from tests.motion_truth import covered, edge_error_sizes, f1

Movements = Callable[[Path], list[tuple[float, float]]]
Scene = Callable[[str, float], Path]

LONG_ENOUGH_S = {
    "handheld_small_riders": 10.0,
    "tripod_small_riders": 12.5,
    "follow_pans": 14.0,
    "portrait_rotated": 12.0,
    "standing_handheld": 13.0,
    "cars_and_riders": 14.5,
    "empty_pans": 9.5,
    "empty_pans_lawn": 11.5,
    "locked_off_empty": 4.0,
    "locked_off_empty_cbr": 4.0,
    "locked_off_empty_intra": 4.0,
}
"""How much of a scene is made: until its first movement is over, or its camera has been whipped round."""
CONSTANT_BITRATE = {
    "b": "4000000", "maxrate": "4000000", "bufsize": "4000000", "x264-params": "nal-hrd=cbr:filler=1",
}  # fmt: skip
ALL_INTRA = {"crf": "23", "x264-params": "keyint=1"}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "at_least"),
    [
        pytest.param(
            "handheld_small_riders", 0.85, id="riders_of_a_seventh_of_the_height_before_a_camera_held_by_hand"
        ),
        pytest.param("tripod_small_riders", 0.90, id="riders_of_a_tenth_of_the_height"),
        pytest.param("follow_pans", 0.90, id="riders_whom_the_camera_follows"),
        pytest.param("portrait_rotated", 0.85, id="people_in_an_upright_picture_coded_lying"),
        pytest.param("standing_handheld", 0.85, id="somebody_who_moves_at_times_before_a_shaking_camera"),
        pytest.param("cars_and_riders", 0.85, id="riders_where_cars_pass"),
    ],
)
def test_who_moves_is_found(movements: Movements, scene: Scene, name: str, at_least: float) -> None:
    source = scene(name, LONG_ENOUGH_S[name])
    truth = marked(source)
    found = movements(source)
    assert truth, "somebody moves"
    assert [event for event in truth if covered(event, found) < 0.5] == []
    assert f1(found, truth, duration_s=LONG_ENOUGH_S[name]) >= at_least, f"found {found} of {truth}"


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["empty_pans", "empty_pans_lawn", "locked_off_empty", "locked_off_empty_cbr", "locked_off_empty_intra"]
)
def test_nothing_is_found_where_nobody_is(movements: Movements, scene: Scene, name: str) -> None:
    source = scene(name, LONG_ENOUGH_S[name])
    assert marked(source) == []
    assert movements(source) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", ["handheld_small_riders", "tripod_small_riders"])
@pytest.mark.parametrize("coding", [CONSTANT_BITRATE, ALL_INTRA], ids=["at_a_constant_bitrate", "with_keyframes_only"])
def test_small_riders_are_found_however_the_picture_is_coded(
    movements: Movements, scene: Scene, tmp_path: Path, name: str, coding: dict[str, str]
) -> None:
    source = scene(name, LONG_ENOUGH_S[name])
    truth = marked(source)
    found = movements(recoded(source, tmp_path / "recoded.mp4", coding))
    assert len(found) == len(truth)
    assert max(edge_error_sizes(found, truth)) < 0.5, f"found {found} of {truth}"


def marked(scene: Path) -> list[list[float]]:
    """Return when somebody moves in a scene, in s."""
    intervals: list[list[float]] = json.loads(scene.with_suffix(".intervals.json").read_text())["motion_intervals"]
    return intervals


def recoded(source: Path, out: Path, options: dict[str, str]) -> Path:
    """Write the source's pictures once more, coded in another way; return where."""
    with av.open(str(source)) as there, av.open(str(out), "w") as output:
        pictures = there.streams.video[0]
        stream = output.add_stream("libx264", rate=pictures.average_rate, options={"preset": "superfast", **options})
        stream.width, stream.height, stream.pix_fmt = pictures.width, pictures.height, "yuv420p"
        for frame in there.decode(pictures):
            frame.pict_type = PictureType.NONE
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return out
