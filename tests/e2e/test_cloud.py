"""The whole of Montage on an emulated Google Cloud: the same reel as on one machine, and an end for every upload."""

import hashlib
import json
import re
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import av
import httpx
import pytest

from functions.local.run_jobs import new_job_id
from shared.domain.given_edit_list import GivenClip, GivenEditList
from shared.domain.job import Job, Source
from shared.domain.object_names import source
from shared.domain.options import Options
from shared.domain.span import span
from shared.pipeline.given_edit_list import store_given
from tests.clips import ClipSpec, make_clip
from tests.e2e.conftest import Montage
from tests.emulators.cloud import EmulatedCloud, emulated_cloud
from tests.emulators.plain_http import download, upload

pytestmark = [pytest.mark.emulators, pytest.mark.slow, pytest.mark.timeout(600)]

MOST_BYTES = 10**9
LINK_LIVES_S = 600
KEPT_IN_WORK = (
    r"edit_lists/1\.json",  # what was chosen, to be rendered again
    r"(pose|transcribe|merge)/00000\.[0-9a-f]+\.json",  # the winner's part of each chunk, and it alone
    r"(pose|transcribe|merge)/runs/[0-9a-f]+\.json",  # which chunks a run was launched for
    r"transcribe/language\.json",
)
"""What a finished job has in the work bucket, below its own folder."""


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmulatedCloud]:
    with emulated_cloud(tmp_path_factory.mktemp("cloud"), event_times=2) as here:
        yield here


def send(cloud: EmulatedCloud, http: httpx.Client, video: Path, *, given: GivenEditList | None = None) -> str:
    """Make a job as the API will, upload its source by a signed address, and return the job's id."""
    job = Job(
        id=new_job_id(),
        source=Source(file_name=video.name),
        options=Options(),
        created_at=time.time(),
        is_given=given is not None,
    )
    if given is not None:
        store_given(cloud.cloud, job.id, given)
    assert cloud.cloud.jobs.create(job)
    signed = cloud.uploads.resumable_upload(
        source(job.id), content_type="video/mp4", max_bytes=MOST_BYTES, expires_s=LINK_LIVES_S
    )
    upload(http, signed, video)
    return job.id


def fetch(cloud: EmulatedCloud, http: httpx.Client, job: Job, folder: Path) -> dict[str, str]:
    """Download a job's artifacts by signed addresses and return where each is."""
    folder.mkdir()
    found = {}
    for name, object_name in job.artifacts.items():
        path = folder / Path(object_name).name
        url = cloud.downloads.download(object_name, file_name=path.name, expires_s=LINK_LIVES_S)
        download(http, url, path)
        found[name] = str(path)
    return found


def decoded(reel: str) -> str:
    """Return a digest of what a player shows and plays: every frame and every sample, with its time."""
    digest = hashlib.sha256()
    with av.open(reel) as container:
        for frame in container.decode():
            digest.update(f"{type(frame).__name__} {frame.pts} {frame.time_base}".encode())
            digest.update(frame.to_ndarray().tobytes())
    return digest.hexdigest()


@pytest.mark.parametrize("name", ["faces/host_walk_talk_720p.mp4", "raw_session_mixed_720p.mp4"])
def test_the_cloud_makes_the_reel_that_one_machine_makes(
    cloud: EmulatedCloud,
    montage: Montage,
    media_file: Callable[[str], Path],
    reports: Callable[[Sequence[str]], list[dict[str, Any]]],
    tmp_path: Path,
    name: str,
) -> None:
    video = media_file(name)
    with cloud.explaining(), httpx.Client(timeout=60) as http:
        [job] = cloud.wait_for([send(cloud, http, video)], timeout_s=400)
        assert job.state == "done", job.error
        there = fetch(cloud, http, job, tmp_path / "there")
    ended = montage("run", "--json", "--quiet", video, timeout_s=300)
    assert ended.code == 0, ended.err
    here = ended.json["outputs"]
    assert there.keys() == here.keys()
    from_cloud, from_here = reports([there["report"], here["report"]])
    assert from_cloud == from_here
    assert decoded(there["reel"]) == decoded(here["reel"])
    assert {"montage.job.created.v1", "montage.job.progress.v1", "montage.job.done.v1"} <= cloud.kinds(job.id)


def test_ten_uploads_at_once_all_end_and_the_bad_ones_say_why(cloud: EmulatedCloud, tmp_path: Path) -> None:
    good = make_clip(tmp_path, ClipSpec(seconds=4.0, has_sound=False))
    talking = make_clip(_folder(tmp_path, "sound"), ClipSpec(seconds=4.0))
    bad = {
        "not_a_video": tmp_path / "notes.mp4",
        "empty_file": tmp_path / "empty.mp4",
        "truncated": tmp_path / "cut.mp4",
    }
    bad["not_a_video"].write_text("This is a text, and no video at all.\n" * 100)
    bad["empty_file"].touch()
    bad["truncated"].write_bytes(good.read_bytes()[: good.stat().st_size // 2])  # its index lies behind the cut
    videos = [*([good] * 6), talking, *bad.values()]
    with cloud.explaining(), httpx.Client(timeout=60) as http, ThreadPoolExecutor(len(videos)) as pool:
        ids = list(pool.map(lambda video: send(cloud, http, video), videos))
        jobs = cloud.wait_for(ids, timeout_s=240)
        assert [job.state for job in jobs] == ["done"] * 7 + ["failed"] * 3
        codes = [job.error.code for job in jobs if job.error is not None]
        assert codes == list(bad)
        wait_for_events(cloud, {job.id: f"montage.job.{job.state}.v1" for job in jobs})
    for job in jobs:
        kept = [each.removeprefix(f"work/{job.id}/") for each in cloud.cloud.work.list(f"work/{job.id}/")]
        stages = [name for name, stage in job.stages.items() if stage.state == "done"]
        assert [each for each in kept if not any(re.fullmatch(rule, each) for rule in KEPT_IN_WORK)] == []
        parts = [each for each in kept if re.fullmatch(KEPT_IN_WORK[1], each)]
        assert len(parts) == len(stages), "one part of each chunk: nobody lost a lease"
        assert bool(kept) == (job.state == "done"), "a bad upload leaves nothing"
        assert bool(list(cloud.cloud.downloads.list(f"downloads/{job.id}/"))) == (job.state == "done")
    assert not [told for told in cloud.told if told.topic == "dead-letters"]


def test_a_given_edit_list_is_rendered_without_analysis(cloud: EmulatedCloud, tmp_path: Path) -> None:
    video = make_clip(tmp_path, ClipSpec(seconds=4.0))
    good = GivenEditList(clips=(GivenClip(wanted=span(2, 3.5)), GivenClip(wanted=span(0.5, 1))))
    bad = GivenEditList(clips=(GivenClip(wanted=span(2, 5)),))
    with cloud.explaining(), httpx.Client(timeout=60) as http:
        ids = [send(cloud, http, video, given=each) for each in (good, bad)]
        done, refused = cloud.wait_for(ids, timeout_s=120)
        assert done.state == "done", done.error
        fetched = fetch(cloud, http, done, tmp_path / "there")
    assert fetched.keys() == {"reel", "report", "poster", "timeline", "timeline_json", "thumbs"}
    clips = json.loads(Path(fetched["report"]).read_text())["edit_list"]["clips"]
    assert [each["wanted"] for each in clips] == [[2, 3.5], [0.5, 1]]
    assert {stage.state for name, stage in done.stages.items() if name != "merge"} == {"skipped"}
    assert refused.error is not None
    assert refused.error.code == "bad_edit_list"


def test_a_push_without_the_right_token_is_refused(cloud: EmulatedCloud) -> None:
    assert httpx.get(f"{cloud.functions['api']}v1/health", timeout=20).status_code == 200
    url = cloud.functions["on_stage_done"]
    tokens = {
        "": 401,
        cloud.relay.token(aud="https://elsewhere.test"): 401,
        cloud.relay.token(email="somebody@montage.test"): 403,
    }
    answers = [
        httpx.post(url, json={}, headers={"Authorization": f"Bearer {token}"} if token else {}, timeout=20).status_code
        for token in tokens
    ]
    assert answers == list(tokens.values())


def wait_for_events(cloud: EmulatedCloud, wanted: dict[str, str], timeout_s: float = 20.0) -> None:
    """Return when other systems were told of each job what they should be. Raises TimeoutError."""
    give_up_at = time.monotonic() + timeout_s
    while missing := {job_id: kind for job_id, kind in wanted.items() if kind not in cloud.kinds(job_id)}:
        if time.monotonic() > give_up_at:
            raise TimeoutError(f"nobody was told: {missing}")
        time.sleep(0.1)


def _folder(parent: Path, name: str) -> Path:
    (folder := parent / name).mkdir()
    return folder
