"""The motion stage against what people marked in real recordings."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.motion_truth import covered, f1

Movements = Callable[[Path], list[tuple[float, float]]]
MediaFile = Callable[[str], Path]


@pytest.mark.slow
def test_a_long_session_is_cut_where_people_marked_it(movements: Movements, media_file: MediaFile) -> None:
    truth = json.loads(media_file("raw_session_mixed_720p.intervals.json").read_text())
    found = movements(media_file("raw_session_mixed_720p.mp4"))
    marked = truth["motion_intervals"]
    assert f1(found, marked, duration_s=truth["duration"]) >= 0.90
    assert [event for event in marked if covered(event, found) <= 0.3] == []


@pytest.mark.parametrize("name", ["no_person_cars.mp4", "no_person_bottles.mp4", "no_person_tree.avi"])
def test_what_moves_without_being_a_person_is_no_movement(
    movements: Movements, media_file: MediaFile, name: str
) -> None:
    assert movements(media_file(f"motion/{name}")) == []


@pytest.mark.parametrize(
    "name", ["juggle_720p.mp4", "squats_portrait.mp4", "two_people_1080p.mp4", "dog_fetch_720p.mp4"]
)
def test_a_clip_full_of_movement_is_found(movements: Movements, media_file: MediaFile, name: str) -> None:
    found = movements(media_file(f"motion/{name}"))
    marked = json.loads(media_file("MANIFEST.json").read_text())["files"]
    (event,) = next(each["truth"]["motion_intervals"] for each in marked if each["file"] == f"motion/{name}")
    assert covered(event, found) > 0.7


def test_the_measure_of_agreement_measures() -> None:
    assert f1([(0, 5)], [(0, 10)], duration_s=20) == pytest.approx(2 / 3)
    assert f1([], [(0, 10)], duration_s=20) == 0
    assert covered((10, 20), [(5, 12), (18, 30)]) == pytest.approx(0.4)
