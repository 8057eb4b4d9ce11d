"""Jobs of the real command that are cancelled, tried again and erased from another terminal."""

import json
import subprocess
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import pytest

from shared.connect import LocalCloud, connect_local
from shared.domain.job import Job
from shared.domain.messages import StageName
from shared.pipeline.erase_job import erase_job
from shared.settings import Settings
from tests.clips import ClipSpec, make_clip
from tests.e2e.conftest import Montage

pytestmark = pytest.mark.slow

STOPS_WITHIN_S = 5.0
PATIENCE_S = 60.0


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A minute that takes some seconds to render."""
    return make_clip(
        tmp_path_factory.mktemp("clip"), ClipSpec(seconds=60.0, fps=Fraction(30), size=(960, 540), has_sound=False)
    )


def wait_for(what: Callable[[], bool]) -> None:
    give_up_at = time.monotonic() + PATIENCE_S
    while not what():
        assert time.monotonic() < give_up_at
        time.sleep(0.05)


def begun(montage: Montage, clip: Path, stage: StageName) -> subprocess.Popen[str]:
    """Start a job that is soon in that stage: a film to look at, or an edit list to render."""
    if stage == "pose":
        return montage.start("run", clip, "--mode", "motion", "--chunk-s", "20", "--json")
    edits = montage.folder / "edits.json"
    edits.write_text(json.dumps([{"start_s": 0, "end_s": 60}]))
    words = ("--render", "encode", "--quality", "high", "--json")
    return montage.start("render", clip, "--edit-list", edits, *words)


def at_work(cloud: LocalCloud, stage: StageName) -> bool:
    """Return whether a task of the one job's stage has begun its chunk, and a merge to render."""
    found = cloud.jobs.list()
    if not found or stage not in found[0].stages:
        return False
    running = cloud.jobs.chunk_summary(found[0].id, stage).running
    return any(chunk.position > 0 or stage == "pose" for chunk in running)


def job_at_work(montage: Montage, cloud: LocalCloud, clip: Path, stage: StageName) -> tuple[subprocess.Popen[str], Job]:
    process = begun(montage, clip, stage)
    wait_for(lambda: at_work(cloud, stage))
    assert montage.tasks()
    return process, cloud.jobs.list()[0]


@pytest.mark.parametrize("stage", ["pose", "merge"])
def test_a_cancelled_job_s_tasks_stop_within_5_s_and_nothing_is_made(
    montage: Montage, clip: Path, stage: StageName
) -> None:
    with connect_local(Settings(home=montage.folder / "home")) as cloud:
        process, job = job_at_work(montage, cloud, clip, stage)
        ended = montage("cancel", job.id[:8], "--json")
        cancelled_at = time.monotonic()
        assert (ended.code, ended.json["state"]) == (0, "cancelled"), ended.err
        wait_for(lambda: not montage.tasks())
        assert time.monotonic() - cancelled_at < STOPS_WITHIN_S
        out, _ = process.communicate(timeout=PATIENCE_S)
        assert (process.returncode, json.loads(out)["state"]) == (1, "cancelled")
        assert cloud.jobs.get(job.id).artifacts == {}
        assert list(cloud.downloads.list("downloads/")) == []
        again = montage("cancel", job.id, "--json")
        assert (again.code, again.json["state"]) == (0, "cancelled")
        refused = montage("retry", job.id, "--json")
        assert (refused.code, refused.json["error"]["code"]) == (2, "not_failed")


def test_a_job_at_work_is_erased_once_its_tasks_have_stopped(montage: Montage, clip: Path) -> None:
    with connect_local(Settings(home=montage.folder / "home")) as cloud:
        process, job = job_at_work(montage, cloud, clip, "merge")
        ended = montage("erase", job.id, "--json")
        assert (ended.code, ended.json["state"]) == (0, "erasing"), ended.err
        assert montage.tasks() == []
        process.communicate(timeout=PATIENCE_S)
        for bucket, store in (("uploads", cloud.uploads), ("work", cloud.work), ("downloads", cloud.downloads)):
            assert list(store.list(f"{bucket}/")) == []
        assert cloud.jobs.list() == []
        assert not (montage.folder / "home" / "logs" / job.id).exists()
        assert cloud.jobs.was_erased(job.id)
        assert clip.exists()
        assert montage("erase", job.id).code == 2


def test_a_failed_job_is_tried_again_and_ends_in_its_folder(montage: Montage) -> None:
    short = make_clip(montage.folder, ClipSpec(seconds=3.0, has_sound=False))
    edits = montage.folder / "edits.json"
    edits.write_text(json.dumps([{"start_s": 0, "end_s": 99}]))
    failed = montage("render", short, "--edit-list", edits, "--json")
    assert (failed.code, failed.json["error"]["code"]) == (2, "bad_edit_list")
    job_id = failed.json["job_id"]
    with connect_local(Settings(home=montage.folder / "home")) as cloud:
        name = f"work/{job_id}/edit_lists/1.given.json"
        given = json.loads(cloud.work.read(name))
        given["clips"][0]["wanted"]["end_s"] = 2.0
        cloud.work.write(name, json.dumps(given).encode())
    ended = montage("retry", job_id, "--json")
    assert (ended.code, ended.json["state"]) == (0, "done"), ended.err
    assert Path(ended.json["outputs"]["reel"]).is_file()


def test_an_erasure_leaves_the_results_that_lie_in_the_job_s_folder(montage: Montage) -> None:
    short = make_clip(montage.folder, ClipSpec(seconds=3.0, has_sound=False))
    edits = montage.folder / "edits.json"
    edits.write_text(json.dumps([{"start_s": 0, "end_s": 2}]))
    done = montage("render", short, "--edit-list", edits, "--json")
    assert done.code == 0, done.err
    with connect_local(Settings(home=montage.folder / "home")) as cloud:
        erase_job(cloud, done.json["job_id"])
        assert cloud.jobs.list() == []
    assert Path(done.json["outputs"]["reel"]).is_file()
    assert short.is_file()
