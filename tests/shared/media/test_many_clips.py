"""A reel of 500 clips takes no more memory and no more open files than one of 50, and its last clip is in sync."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from shared.media.probe import probe
from tests.long_source import SOURCE, make_hour
from tests.reel_sync import measure
from tests.render_child import edit_list
from tests.sync_matrix import Mode

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

ROOT = Path(__file__).parents[3]
MORE_KIB = 24 << 10
"""The muxer keeps an entry for each packet until the end: 400 s of them are under 2 MiB."""


@pytest.fixture(scope="module")
def hour(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_hour(tmp_path_factory.mktemp("hour"))


def took(hour: Path, reel: Path, mode: Mode, clips: int) -> dict[str, float]:
    command = [sys.executable, "-m", "tests.render_child", str(hour), str(reel), mode, str(clips)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    figures: dict[str, float] = json.loads(done.stdout)
    assert figures["clips"] == clips
    return figures


@pytest.mark.parametrize("mode", ["encode", "copy"])
def test_five_hundred_clips_of_an_hour_cost_no_more_memory_than_fifty(mode: Mode, hour: Path, tmp_path: Path) -> None:
    few = took(hour, tmp_path / "few.mp4", mode, 50)
    reel = tmp_path / "many.mp4"
    many = took(hour, reel, mode, 500)
    print(f"{mode}: 50 clips {few}, 500 clips {many}")
    assert many["peak_kib"] <= few["peak_kib"] + MORE_KIB
    assert many["handles"] == few["handles"]
    with hour.open("rb") as file:
        duration_s = probe(file, name="hour").duration_s
    assert duration_s > 3600
    offsets = measure(reel, edit_list(hour, mode, 500, duration_s=duration_s), SOURCE)
    assert all(each.is_bound for each in offsets)
    assert sum(each.sound_s is not None for each in offsets) > 250
