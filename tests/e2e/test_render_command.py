"""`montage render`: an edit list in, its reel out, with nothing analysed."""

import json
import subprocess
import sys
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest

from tests.clips import ClipSpec, make_clip
from tests.e2e.conftest import Montage
from tests.e2e.test_command import OBJECT, job_under_way

WITHOUT_LIBRARIES = (
    "from functions.local import cli; cli.missing_packages = lambda: ['libegl1']; raise SystemExit(cli.main())"
)


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight seconds that tell their time, with a keyframe every 0.4167 s."""
    return make_clip(tmp_path_factory.mktemp("clip"), ClipSpec(seconds=8.0, fps=Fraction(24), keyframe_s=10 / 24))


def written(montage: Montage, value: Any, name: str = "edits.json") -> Path:
    path = montage.folder / name
    path.write_text(json.dumps(value))
    return path


def report_of(outputs: dict[str, str]) -> Any:
    return json.loads(Path(outputs["report"]).read_text())


def frame_times(reel: str) -> list[float]:
    with av.open(reel) as container:
        return [frame.time for frame in container.decode(video=0)]


def test_nothing_is_fetched_or_needed_that_only_analysis_needs(montage: Montage, clip: Path) -> None:
    words = [sys.executable, "-c", WITHOUT_LIBRARIES, "render", str(clip), "--edit-list", "-", "--json"]
    environment = {**montage.environment, "MONTAGE_MODELS": str(montage.folder / "no-models")}
    ended = subprocess.run(
        words,
        input='[{"start_s": 1, "end_s": 2}]',
        env=environment,
        cwd=montage.folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert not (montage.folder / "no-models").exists()
    told = json.loads(ended.stdout)
    assert set(told) == OBJECT
    assert told["timings"].keys() == {"choose_s", "render_s"}
    folder = montage.folder / "out" / clip.stem
    assert sorted(path.name for path in folder.glob("[a-z]*")) == [
        "poster.jpg",
        "reel.mp4",
        "report.json",
        "thumbs.jpg",
        "timeline.json",
        "timeline.png",
    ]


def test_what_is_wrong_with_an_edit_list_is_told_to_people_and_to_programs(montage: Montage, clip: Path) -> None:
    outside = written(montage, [{"start_s": 1, "end_s": 2}, {"start_s": 7, "end_s": 9}])
    ended = montage("render", clip, "--edit-list", outside)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.endswith(
        "clip.mp4: clip 2 of the edit list, 7 to 9 s, lies outside it; it is 8 s long. [bad_edit_list]\n"
    )
    told = montage("render", clip, "--edit-list", "nowhere.json", "--json")
    assert (told.code, told.json["error"]["code"], told.err) == (2, "no_such_file", "")
    assert (told.json["source"], told.json["job_id"], told.json["state"]) == (str(clip), None, "failed")


@pytest.mark.slow
def test_a_killed_render_goes_on_with_its_job(montage: Montage, clip: Path) -> None:
    edits = written(montage, [{"start_s": 0, "end_s": 8}] * 10)
    process = montage.start("render", clip, "--edit-list", edits, "--render", "encode", "--out", "first")
    job_id = job_under_way(montage, process, "merge")
    process.kill()
    process.communicate()
    edits.unlink()
    resumed = montage("job", "--json", job_id)
    assert resumed.code == 0, resumed.err
    assert resumed.json["outputs"]["reel"] == str(montage.folder / "first" / clip.stem / "reel.mp4")
    assert resumed.json["reel_s"] == pytest.approx(80, abs=0.1)


@pytest.mark.slow
@pytest.mark.models
def test_the_edit_list_of_a_run_makes_the_runs_reel(montage: Montage, media_file: Callable[[str], Path]) -> None:
    video = media_file("motion/juggle_720p.mp4")
    ran = montage("run", video, "--json", "--quiet")
    assert ran.code == 0, ran.err
    again = montage("render", video, "--edit-list", ran.json["outputs"]["report"], "--out", "again", "--json")
    assert again.code == 0, again.err
    assert report_of(again.json["outputs"])["edit_list"] == report_of(ran.json["outputs"])["edit_list"]
    assert frame_times(again.json["outputs"]["reel"]) == frame_times(ran.json["outputs"]["reel"])
