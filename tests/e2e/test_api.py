"""The same claims of the HTTP API on one machine and on the emulated cloud, by uvicorn and by functions-framework."""

import io
import json
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import av
import pytest

from shared.domain.object_names import source
from shared.errors import NotFound
from tests.api_client import QUANTUM_BYTES, ApiClient
from tests.api_places import PLACES, Place, emulated, emulated_by_uvicorn, framework_on_one_machine, served
from tests.clips import ClipSpec, make_clip
from tests.emulators.cloud import FOOTAGE, EmulatedCloud, emulated_cloud

pytestmark = [pytest.mark.slow, pytest.mark.models, pytest.mark.emulators, pytest.mark.timeout(300)]

FINAL = ("done", "failed", "cancelled", "expired")
QUICK = {"mode": "motion", "quality": "draft", "render": "encode"}
ENDS_S = 120.0
STOPS_WITHIN_S = 5.0


@pytest.fixture(scope="module")
def emulated_here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmulatedCloud]:
    with emulated_cloud(tmp_path_factory.mktemp("cloud")) as here, here.explaining():
        yield here


@pytest.fixture(scope="module", params=PLACES)
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    def cloud() -> EmulatedCloud:
        here: EmulatedCloud = request.getfixturevalue("emulated_here")
        return here

    footage = f"{FOOTAGE}={tmp_path_factory.getbasetemp() / 'footage'}"
    folder = tmp_path_factory.mktemp("place")
    places: dict[str, Callable[[], AbstractContextManager[Place]]] = {
        "local, uvicorn": lambda: served(folder, environment={"MONTAGE_REQUEST_FOLDERS": footage}),
        "local, framework": lambda: framework_on_one_machine(folder, environment={"MONTAGE_REQUEST_FOLDERS": footage}),
        "emulated, framework": lambda: emulated(cloud()),
        "emulated, uvicorn": lambda: emulated_by_uvicorn(cloud()),
    }
    assert tuple(places) == PLACES
    with places[request.param]() as made:
        yield made


@pytest.fixture(scope="module")
def ada(place: Place) -> ApiClient:
    return place.client("ada")


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve seconds with uncompressed sound: large enough to be sent in parts."""
    spec = ClipSpec(seconds=12.0, suffix=".mov", sound_codec="pcm_s16le")
    path = make_clip(tmp_path_factory.mktemp("clips"), spec)
    assert path.stat().st_size > 4 * QUANTUM_BYTES, path.stat().st_size
    return path


def length_s(reel: bytes) -> float:
    with av.open(io.BytesIO(reel), "r") as opened:
        return float(opened.duration or 0) / av.time_base


def edit_list_of(client: ApiClient, job_id: str) -> Any:
    return json.loads(client.download(f"/v1/jobs/{job_id}/artifacts/report"))["edit_list"]


def test_from_a_broken_upload_over_two_revisions_to_nothing_at_all(place: Place, ada: ApiClient, clip: Path) -> None:
    job_id = ada.upload(clip, options=QUICK, breaks=3)
    running = ada.get(f"/v1/jobs/{job_id}/reel")
    assert (running.status_code, running.json()["code"]) == (409, "not_done")
    stat = place.cloud.uploads.stat(source(job_id))
    assert (stat.size_bytes, stat.content_type) == (clip.stat().st_size, "video/quicktime")
    assert place.cloud.uploads.read(source(job_id)) == clip.read_bytes(), "every byte once, whatever broke"

    done = ada.wait(job_id, FINAL, timeout_s=ENDS_S)
    assert (done["state"], done["revision"], done["progress"], done["error"]) == ("done", 1, 1.0, None)
    assert done["source"]["name"] == clip.name
    assert set(done["stages"]) == {"pose", "transcribe", "merge"}
    reel = ada.download(f"/v1/jobs/{job_id}/reel")
    assert length_s(reel) == pytest.approx(done["numbers"]["reel_s"], abs=0.1)
    assert ada.download(f"/v1/jobs/{job_id}/artifacts/source") == clip.read_bytes()

    edit_list = edit_list_of(ada, job_id)
    edit_list["clips"] = [{"wanted": [2.0, 4.0]}, {"wanted": [7.0, 8.0]}]
    tag = ada.get(f"/v1/jobs/{job_id}").headers["ETag"]
    body = json.dumps(edit_list)
    put = {"content": body, "headers": {"Content-Type": "application/json", "If-Match": tag}}
    edited = ada.http.put(f"/v1/jobs/{job_id}/edit-list", **put)  # type: ignore[arg-type]
    assert (edited.status_code, edited.json()["revision"]) == (202, 2), edited.text
    again = ada.http.put(f"/v1/jobs/{job_id}/edit-list", **put)  # type: ignore[arg-type]
    assert (again.status_code, again.json()["revision"]) == (202, 2), "the same call once more is the same edit"
    second = ada.wait(job_id, FINAL, timeout_s=ENDS_S)
    assert (second["state"], second["revision"], second["rendered_revision"], second["error"]) == ("done", 2, 2, None)
    assert length_s(ada.download(f"/v1/jobs/{job_id}/reel")) == pytest.approx(3.0, abs=0.1)
    assert [each["wanted"] for each in edit_list_of(ada, job_id)["clips"]] == [[2.0, 4.0], [7.0, 8.0]]
    chunks = place.cloud.jobs.chunks(job_id, "pose")
    assert [chunk.attempts for chunk in chunks] == [1] * len(chunks), "nothing was analysed again"
    late = ada.http.put(f"/v1/jobs/{job_id}/edit-list", json=[{"start_s": 1, "end_s": 2}], headers={"If-Match": tag})
    assert (late.status_code, late.json()["code"]) == (412, "edit_list_changed")

    batch = done["batch"]
    assert ada.get(f"/v1/batches/{batch}").json()["counts"] == {"done": 1}
    assert place.objects_of(job_id)
    erased = ada.http.delete(f"/v1/jobs/{job_id}")
    assert (erased.status_code, erased.json()["state"]) == (202, "erasing")
    wait_until(lambda: ada.get(f"/v1/jobs/{job_id}").status_code == 404)
    assert_nothing_left(place, job_id)
    assert ada.get(f"/v1/batches/{batch}").status_code == 404
    assert ada.http.delete(f"/v1/jobs/{job_id}").status_code == 404


def test_a_whole_upload_is_one_request_and_an_expired_source_cannot_be_cut_anew(
    place: Place, ada: ApiClient, clip: Path
) -> None:
    (begun,) = ada.begin(clip, options=QUICK, resumable=False)["jobs"]
    assert (begun["upload"]["method"], begun["upload"]["resumable"]) == ("PUT", False)
    ada.send(begun["upload"], clip.read_bytes())
    done = ada.wait(begun["job"], FINAL, timeout_s=ENDS_S)
    assert done["state"] == "done"
    replayed = ada.plain.put(begun["upload"]["url"], headers=begun["upload"]["headers"], content=clip.read_bytes())
    assert replayed.status_code == 412, "one address, one object, once"
    place.cloud.uploads.delete(source(begun["job"]))
    gone = ada.http.put(
        f"/v1/jobs/{begun['job']}/edit-list", json=[{"start_s": 1, "end_s": 2}], headers={"If-Match": '"r1"'}
    )
    assert (gone.status_code, gone.json()["code"]) == (410, "source_expired")
    assert ada.get(f"/v1/jobs/{begun['job']}").json()["revision"] == 1


def test_a_failed_job_is_tried_again_and_what_was_done_is_kept(place: Place, ada: ApiClient, clip: Path) -> None:
    """Nobody is in the clip, and the options ask for a failure then: the merge fails, the analysis is done."""
    job_id = ada.upload(clip, options={**QUICK, "on_nothing_found": "fail"})
    failed = ada.wait(job_id, FINAL, timeout_s=ENDS_S)
    assert (failed["state"], failed["error"]["code"], failed["epoch"]) == ("failed", "nothing_found", 1)
    reel = ada.get(f"/v1/jobs/{job_id}/reel")
    assert (reel.status_code, reel.json()["code"]) == (404, "nothing_found")
    before = place.cloud.jobs.chunks(job_id, "pose")
    retried = ada.post(f"/v1/jobs/{job_id}/retry")
    assert (retried.status_code, retried.json()["epoch"]) == (202, 2), retried.text
    ended = ada.wait(job_id, lambda job: job["epoch"] == 2 and job["state"] in FINAL, timeout_s=ENDS_S)
    assert (ended["state"], ended["error"]["code"]) == ("failed", "nothing_found")
    assert place.cloud.jobs.chunks(job_id, "pose") == before, "neither computed nor touched again"
    assert [chunk.attempts for chunk in place.cloud.jobs.chunks(job_id, "merge")] == [1], "with a budget of its own"


def test_a_job_cancelled_in_the_middle_stops_within_seconds_and_renders_nothing(
    place: Place, ada: ApiClient, media_file: Callable[[str], Path]
) -> None:
    job_id = ada.upload(media_file("raw_session_mixed_720p.mp4"), options={"mode": "motion", "chunk_s": 20})
    ada.wait(job_id, lambda job: job["stages"].get("pose", {}).get("running", 0) > 0, timeout_s=ENDS_S)
    assert place.tasks_of(job_id)
    cancelled = ada.post(f"/v1/jobs/{job_id}/cancel")
    assert (cancelled.status_code, cancelled.json()["state"]) == (200, "cancelled")
    began = time.monotonic()
    wait_until(lambda: not place.tasks_of(job_id), timeout_s=STOPS_WITHIN_S + 5)
    assert time.monotonic() - began <= STOPS_WITHIN_S
    again = ada.post(f"/v1/jobs/{job_id}/cancel")
    assert (again.status_code, again.json()["state"]) == (200, "cancelled")
    time.sleep(1)
    assert list(place.cloud.downloads.list(f"downloads/{job_id}/")) == []
    assert place.cloud.jobs.chunks(job_id, "merge") == []
    reel = ada.get(f"/v1/jobs/{job_id}/reel")
    assert (reel.status_code, reel.json()["code"]) == (404, "cancelled")
    assert ada.http.delete(f"/v1/jobs/{job_id}").status_code == 202
    wait_until(lambda: ada.get(f"/v1/jobs/{job_id}").status_code == 404)
    assert_nothing_left(place, job_id)


def test_a_job_erased_while_it_runs_leaves_nothing(
    place: Place, ada: ApiClient, media_file: Callable[[str], Path]
) -> None:
    job_id = ada.upload(media_file("raw_session_mixed_720p.mp4"), options={"mode": "motion", "chunk_s": 20})
    ada.wait(job_id, lambda job: job["stages"].get("pose", {}).get("running", 0) > 0, timeout_s=ENDS_S)
    assert ada.http.delete(f"/v1/jobs/{job_id}").status_code == 202
    wait_until(lambda: ada.get(f"/v1/jobs/{job_id}").status_code == 404, timeout_s=60)
    assert not place.tasks_of(job_id)
    assert_nothing_left(place, job_id)


def test_a_bad_file_fails_alone_and_says_why(ada: ApiClient, clip: Path, tmp_path: Path) -> None:
    bad = tmp_path / "notes.txt"
    bad.write_text("This is no video.\n" * 100)
    begun = ada.begin(clip, bad, options=QUICK)
    for job, file in zip(begun["jobs"], (clip, bad), strict=True):
        ada.send(job["upload"], file.read_bytes())
    good, broken = (ada.wait(job["job"], FINAL, timeout_s=ENDS_S) for job in begun["jobs"])
    assert (good["state"], broken["state"]) == ("done", "failed")
    assert broken["error"]["is_input"]
    assert broken["error"]["message"].startswith("notes.txt: ")
    batch = ada.get(f"/v1/batches/{begun['batch']}").json()
    assert (batch["counts"], batch["is_ended"]) == ({"done": 1, "failed": 1}, True)
    assert [job["id"] for job in batch["jobs"]] == [job["job"] for job in begun["jobs"]]
    listed = ada.get("/v1/jobs", batch=begun["batch"], state="failed").json()["jobs"]
    assert [(job["id"], job["error_code"]) for job in listed] == [(broken["id"], broken["error"]["code"])]


def test_other_systems_films_are_imported_from_the_buckets_that_are_allowed(
    place: Place, ada: ApiClient, clip: Path, tmp_path_factory: pytest.TempPathFactory, request: Any
) -> None:
    if place.home is not None:
        folder = tmp_path_factory.getbasetemp() / "footage"
        folder.mkdir(exist_ok=True)
        (folder / "match.mp4").write_bytes(clip.read_bytes())
    else:
        here: EmulatedCloud = request.getfixturevalue("emulated_here")
        here.clients.storage.bucket(FOOTAGE).blob("match.mp4").upload_from_filename(str(clip))
    body = {"source": f"gs://{FOOTAGE}/match.mp4", "options": QUICK, "request_id": f"match of {place.name}"}
    first, second = ada.post("/v1/jobs", body), ada.post("/v1/jobs", body)
    assert (first.status_code, second.status_code) == (201, 200), first.text + second.text
    assert first.json()["id"] == second.json()["id"]
    assert ada.wait(first.json()["id"], FINAL, timeout_s=ENDS_S)["state"] == "done"
    refused = ada.post("/v1/jobs", {**body, "source": "gs://somebody-elses/match.mp4"})
    assert (refused.status_code, refused.json()["code"]) == (403, "source_not_allowed")


def test_jobs_are_there_for_their_owner_and_the_admin_alone(place: Place, ada: ApiClient, clip: Path) -> None:
    job_id = ada.begin(clip)["jobs"][0]["job"]
    ben, admin, reader = place.client("ben"), place.client("root", ["admin"]), place.client("ada", ["read"])
    assert ben.get(f"/v1/jobs/{job_id}").status_code == 404
    assert ben.http.delete(f"/v1/jobs/{job_id}").status_code == 404
    assert ben.get("/v1/jobs").json()["jobs"] == []
    assert reader.job(job_id)["state"] == "awaiting_upload"
    assert reader.post(f"/v1/jobs/{job_id}/cancel").status_code == 403
    assert admin.job(job_id)["owner"] == "ada"
    nobody = ApiClient(place.url)
    place.clients.append(nobody)
    assert nobody.get(f"/v1/jobs/{job_id}").status_code == 401
    assert nobody.get("/v1/health").json() == {"status": "ok"}
    assert admin.post(f"/v1/jobs/{job_id}/cancel").json()["state"] == "cancelled"


def test_limits_are_told_before_a_byte_is_sent_and_leave_no_record(place: Place, ada: ApiClient) -> None:
    before = ada.get("/v1/jobs", limit=1).json()["jobs"]
    files = [
        {"name": "large.mp4", "size_bytes": 10**15, "content_type": "video/mp4"},
        {"name": "page.html", "size_bytes": 10, "content_type": "text/html"},
    ]
    refused = ada.post("/v1/uploads", {"files": files})
    assert refused.status_code == 422, refused.text
    assert [(each["file"], each["code"]) for each in refused.json()["errors"]] == [(0, "too_large"), (1, "wrong_type")]
    option = ada.post("/v1/uploads", {"files": [{**files[0], "size_bytes": 9}], "options": {"traget_s": 60}})
    assert (option.status_code, option.json()["code"]) == (422, "unknown_option")
    assert "traget_s" in option.json()["detail"]
    assert option.headers["content-type"] == "application/problem+json"
    assert ada.get("/v1/jobs", limit=1).json()["jobs"] == before


def wait_until(is_so: Callable[[], bool], *, timeout_s: float = 30.0) -> None:
    give_up_at = time.monotonic() + timeout_s
    while not is_so():
        assert time.monotonic() < give_up_at
        time.sleep(0.05)


def assert_nothing_left(place: Place, job_id: str) -> None:
    """Neither an object nor a record says that the job ever was."""
    assert place.objects_of(job_id) == []
    with pytest.raises(NotFound):
        place.cloud.jobs.get(job_id)
    assert all(place.cloud.jobs.chunks(job_id, stage) == [] for stage in ("pose", "transcribe", "merge"))
    assert job_id not in [job.id for job in place.cloud.jobs.list()]
