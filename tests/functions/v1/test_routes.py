"""What the API answers, with one machine behind it."""

import json
import logging
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from functions.v1 import callers
from functions.v1.callers import Caller
from functions.v1.gates import MOST_BODY_BYTES
from shared.domain.chunk import Failure, Lease
from shared.domain.job import MERGE_PLAN, NO_PLAN, Job, Stage, Warned
from shared.domain.object_names import artifact, source
from shared.domain.units import ChunkPlan
from shared.domain.video import Video
from shared.errors import MontageError, TryAgain
from tests.functions.v1.local_api import LocalApi, local_api

PLAN = ChunkPlan(unit_s=10.0, units=8, units_per_chunk=2)
FILE = {"name": "ride.mp4", "size_bytes": 100, "content_type": "video/mp4"}


@pytest.fixture
def api(tmp_path: Path) -> Iterator[LocalApi]:
    (tmp_path / "footage").mkdir()
    (tmp_path / "footage" / "match.mp4").write_bytes(b"film")
    folders = f"footage={tmp_path / 'footage'}"
    with local_api(tmp_path / "home", max_source_bytes=1000, max_files_per_batch=3, request_folders=folders) as api:
        yield api


@pytest.fixture
def become(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return what makes all further requests somebody's."""

    def become(owner: str, *scopes: str) -> None:
        caller = Caller(owner=owner, scopes=frozenset(scopes or ("read", "upload")))  # type: ignore[arg-type]
        monkeypatch.setattr(callers, "caller_of", lambda *_, **__: caller)

    return become


def assert_problem(answer: Any, status: int, code: str) -> dict[str, Any]:
    """Hold the answer to the form all problems have, and return it."""
    assert (answer.status_code, answer.headers["Content-Type"]) == (status, "application/problem+json"), answer.text
    told: dict[str, Any] = answer.json()
    assert (told["type"], told["status"], told["code"]) == (f"urn:montage:{code}", status, code)
    assert told["title"] and told["detail"].endswith((".", ")"))
    return told


# Uploads


def test_an_announced_file_is_a_job_with_an_address_for_exactly_that_many_bytes(api: LocalApi) -> None:
    told = api.announce("day 1/ride.mp4", "talk.mp4", labels={"match": "17"}, options={"target_s": 60})
    first, second = told["jobs"]
    assert (first["name"], second["name"], first["state"]) == ("ride.mp4", "talk.mp4", "awaiting_upload")
    upload = first["upload"]
    assert (upload["method"], upload["resumable"], upload["expires_at"]) == ("POST", True, "1970-01-12T14:46:40Z")
    assert upload["headers"]["content-type"] == "video/mp4"
    job = api.client.get(f"/v1/jobs/{first['job']}").json()
    assert (job["batch"], job["labels"], job["options"]["target_s"]) == (told["batch"], {"match": "17"}, 60.0)
    assert job["source"]["size_bytes"] == 100


def test_what_is_uploaded_to_the_address_is_the_job_s_source(api: LocalApi) -> None:
    (told,) = api.announce(resumable=False)["jobs"]
    upload = told["upload"]
    for data in (b"x" * 101, b"x" * 100, b"y" * 100):  # too long, right, and once more
        api.client.request(upload["method"], upload["url"], headers=upload["headers"], content=data)
    assert api.cloud.uploads.read(source(told["job"])) == b"x" * 100


def test_on_a_disk_that_is_nearly_full_nothing_is_announced_and_nothing_made(tmp_path: Path) -> None:
    with local_api(tmp_path / "home", disk_reserve_bytes=10**18) as full:
        file = {"name": "ride.mp4", "size_bytes": 100, "content_type": "video/mp4"}
        assert_problem(full.client.post("/v1/uploads", json={"files": [file]}), 507, "disk_full")
        assert full.cloud.jobs.list() == []


def test_with_an_idempotency_key_asking_again_is_safe_until_a_job_is_erased(api: LocalApi) -> None:
    key = {"Idempotency-Key": "k"}
    first = api.client.post("/v1/uploads", json={"files": [FILE, FILE]}, headers=key).json()
    api.cloud.jobs.update(first["jobs"][0]["job"], lambda job: replace(job, state="queued"))
    again = api.client.post("/v1/uploads", json={"files": [FILE, FILE]}, headers=key)
    assert again.status_code == 201
    assert [each["job"] for each in again.json()["jobs"]] == [each["job"] for each in first["jobs"]]
    assert [each["state"] for each in again.json()["jobs"]] == ["queued", "awaiting_upload"]
    assert again.json()["jobs"][0]["upload"] is None
    other = api.client.post("/v1/uploads", json={"files": [FILE]}, headers=key)
    assert_problem(other, 422, "idempotency_key_reused")
    assert_problem(
        api.client.post("/v1/uploads", json={"files": [FILE]}, headers={"Idempotency-Key": "k" * 201}),
        422,
        "bad_parameter",
    )


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"files": [{**FILE, "size_bytes": 1001}]}, 413, "too_large"),
        ({"files": [{**FILE, "content_type": "text/html"}]}, 422, "wrong_type"),
        ({"files": [{**FILE, "name": "a\u0000"}]}, 422, "bad_name"),
        ({"files": [FILE] * 4}, 422, "too_many_files"),
        ({"files": []}, 422, "bad_body"),
        ({"files": [{**FILE, "size_bytes": "100"}]}, 422, "bad_body"),
        ({"files": [{**FILE, "path": "x"}]}, 422, "bad_body"),
        ({"files": [FILE], "options": {"speed": 2}}, 422, "unknown_option"),
        ({"files": [FILE], "options": {"target_s": 0}}, 422, "bad_option"),
        ({"files": [FILE], "options": {"motion": {"pad_before_s": float("inf")}}}, 422, "bad_option"),
        ({"files": [FILE], "labels": {"montage.folder": "/etc"}}, 422, "bad_body"),
        ([], 422, "bad_body"),
    ],
)
def test_what_cannot_be_uploaded_is_refused_before_a_record_is_made(
    api: LocalApi, body: Any, status: int, code: str
) -> None:
    text = json.dumps(body)  # as others write it, with Infinity
    answer = api.client.post("/v1/uploads", content=text, headers={"Content-Type": "application/json"})
    assert_problem(answer, status, code)
    assert not api.cloud.jobs.list()


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ({"files": []}, "files: A list should have at least 1 item, not 0."),
        ({"options": {"speed": 2}}, "There is no option speed."),
        ({"options": {"motion": {"pad": 2}}}, "There is no option motion.pad."),
        ({"option": {}}, "There is no place for option in the body."),
        ({"files": [{**FILE, "name": "clips/"}]},
         "File 0: its name, without folders, must have 1 to 255 characters, none of them a control character."),
    ],
)  # fmt: skip
def test_a_refusal_says_in_words_of_its_readers_what_to_mend(api: LocalApi, more: Any, sentence: str) -> None:
    assert api.client.post("/v1/uploads", json={"files": [FILE], **more}).json()["detail"] == sentence


def test_what_is_not_there_is_answered_with_where_to_look(api: LocalApi) -> None:
    told = assert_problem(api.client.get("/v2/jobs"), 404, "unknown_path")
    assert told["detail"] == "There is nothing at this path; /v1/openapi.json describes what there is."
    told = assert_problem(api.client.patch("/v1/jobs"), 405, "wrong_method")
    assert told["detail"] == "This path takes no PATCH; /v1/openapi.json describes what it takes."


def test_the_faults_of_all_files_are_told_at_once(api: LocalApi) -> None:
    files = [{**FILE, "size_bytes": 0}, FILE, {**FILE, "name": ""}]
    told = assert_problem(api.client.post("/v1/uploads", json={"files": files}), 422, "bad_files")
    assert [(each["file"], each["code"]) for each in told["errors"]] == [(0, "empty_file"), (2, "bad_name")]


@pytest.mark.parametrize(
    ("content", "kind", "status", "code"),
    [
        (b"{", "application/json", 400, "bad_json"),
        (b"", "application/json", 400, "bad_json"),
        (b"[" * 100_000, "application/json", 400, "bad_json"),
        (b'{"files": [{"name": "\\ud800"}]}', "application/json", 400, "bad_json"),
        (b"\xff", "application/json", 400, "bad_json"),
        (b"a=1", "application/x-www-form-urlencoded", 415, "not_json"),
        (b" " * (MOST_BODY_BYTES + 1), "application/json", 413, "body_too_large"),
    ],
)
def test_a_body_that_cannot_be_read_is_told_apart(
    api: LocalApi, content: bytes, kind: str, status: int, code: str
) -> None:
    for path in ("/v1/uploads", "/v1/jobs"):
        answer = api.client.post(path, content=content, headers={"Content-Type": kind})
        assert_problem(answer, status, code)


# Jobs


def running(api: LocalApi) -> Job:
    """Return a job that looks for movement: one of four parts done, one running for 30 s, one failed."""
    began = api.clock.now
    pose = Stage(plan=PLAN, state="launched", run_id="r", execution="e", started_at=began, told_percent=20)
    job = api.job(state="analysing", stages={"pose": pose, "transcribe": Stage(plan=NO_PLAN, state="skipped")})
    leases = [api.cloud.jobs.start_chunk(job.id, "pose", index, run_id="r", task_attempt=0) for index in range(3)]
    done, busy, failed = (lease for lease in leases if isinstance(lease, Lease))
    api.cloud.jobs.finish_chunk(done, result="work/x", numbers={})
    api.clock.now += 10
    api.cloud.jobs.beat(busy, 0.2)
    api.cloud.jobs.fail_chunk(failed, Failure(code="crashed_worker", message="Gone."), is_final=True)
    api.clock.now += 30
    return job


def test_a_running_job_tells_how_far_each_stage_is_and_which_part_stands_still(api: LocalApi) -> None:
    answer = api.client.get(f"/v1/jobs/{running(api).id}")
    job = answer.json()
    assert answer.headers["ETag"] == '"r1"'
    assert job["stages"]["pose"] == {
        "state": "launched", "progress": 0.3, "chunks": 4, "done": 1, "running": 1, "failed": 1,
        "slowest": {"name": "pose-00001", "position": 0.2, "still_for_s": 30.0, "source_span_s": [20.0, 40.0]},
    }  # fmt: skip
    assert job["stages"]["transcribe"]["state"] == "skipped"
    assert job["progress"] == 0.225
    assert job["time_left_s"] == pytest.approx(40 / 0.3 * 4 / 3 - 40, abs=0.1)


def test_a_job_that_ended_tells_what_came_of_it(api: LocalApi) -> None:
    job = api.job(
        state="failed",
        ended_at=1_000_100.0,
        error=Failure(code="no_video_stream", message="ride.mp4: no video stream.", is_input=True),
        warnings=(Warned(code="damaged", message="Some."),),
        labels={"match": "17", "montage.folder": "/home/ada"},
    )
    told = api.client.get(f"/v1/jobs/{job.id}").json()
    assert told["error"] == {"code": "no_video_stream", "message": "ride.mp4: no video stream.", "is_input": True}
    assert told["warnings"] == [{"code": "damaged", "message": "Some."}]
    assert told["ended_at"] == "1970-01-12T13:48:20Z"
    assert told["labels"] == {"match": "17"}
    assert told["time_left_s"] is None


@pytest.mark.parametrize("job_id", ["a" * 26, "x", "..", "A" * 26, "%00", "%2e%2e%2fjobs"])
def test_there_is_no_job_of_an_id_that_nobody_was_given(api: LocalApi, job_id: str) -> None:
    answer = api.client.get(f"/v1/jobs/{job_id}")
    assert answer.status_code == 404
    assert answer.json()["code"] in ("unknown_job", "unknown_path")


def test_others_jobs_and_batches_are_not_there_but_for_admins(api: LocalApi, become: Any) -> None:
    become("ada")
    made = api.announce()
    job_id, batch_id = made["jobs"][0]["job"], made["batch"]
    paths = [f"/v1/jobs/{job_id}", f"/v1/jobs/{job_id}/reel", f"/v1/jobs/{job_id}/artifacts/source"]
    become("bob")
    unknown = api.client.get(f"/v1/jobs/{'a' * 26}").json()
    for path in paths:
        told = assert_problem(api.client.get(path), 404, "unknown_job")
        assert told == {**unknown, "detail": unknown["detail"].replace("a" * 26, job_id)}
    assert_problem(api.client.get(f"/v1/batches/{batch_id}"), 404, "unknown_batch")
    assert api.client.get("/v1/jobs").json()["jobs"] == []
    assert api.client.get("/v1/jobs", params={"batch": batch_id}).json()["jobs"] == []
    assert_problem(api.client.get("/v1/jobs", params={"owner": "ada"}), 403, "wrong_scope")
    become("root", "admin")
    assert api.client.get(f"/v1/batches/{batch_id}").status_code == 200
    assert [job["id"] for job in api.client.get("/v1/jobs").json()["jobs"]] == [job_id]
    assert [job["id"] for job in api.client.get("/v1/jobs", params={"owner": "ada"}).json()["jobs"]] == [job_id]
    assert api.client.get("/v1/jobs", params={"owner": "bob"}).json()["jobs"] == []


def test_a_reader_cannot_upload(api: LocalApi, become: Any) -> None:
    become("ada", "read")
    assert_problem(api.client.post("/v1/uploads", json={"files": [FILE]}), 403, "wrong_scope")
    assert_problem(api.client.post("/v1/jobs", json={"source": "gs://footage/match.mp4"}), 403, "wrong_scope")


def test_jobs_are_listed_a_page_at_a_time(api: LocalApi) -> None:
    ids = []
    for _ in range(3):
        api.clock.now += 1
        ids.append(api.job().id)
    first = api.client.get("/v1/jobs", params={"limit": 2}).json()
    assert [job["id"] for job in first["jobs"]] == ids[:0:-1]
    rest = api.client.get("/v1/jobs", params={"limit": 2, "page_token": first["next_page_token"]}).json()
    assert ([job["id"] for job in rest["jobs"]], rest["next_page_token"]) == (ids[:1], None)
    assert_problem(api.client.get("/v1/jobs", params={"page_token": "x"}), 422, "bad_page_token")
    assert_problem(api.client.get("/v1/jobs", params={"limit": 201}), 422, "bad_parameter")
    assert_problem(api.client.get("/v1/jobs", params={"state": "finished"}), 422, "bad_parameter")
    assert_problem(api.client.get("/v1/jobs", params={"page": 2}), 422, "unknown_parameter")
    assert api.client.get("/v1/jobs", params={"state": "done"}).json()["jobs"] == []


def test_a_batch_is_told_as_a_whole_in_the_order_of_its_files(api: LocalApi) -> None:
    made = api.announce("a.mp4", "b.mp4", "c.mp4")
    ids = [each["job"] for each in made["jobs"]]
    pose = Stage(plan=PLAN, state="launched", told_percent=40)
    api.cloud.jobs.update(ids[0], lambda job: replace(job, state="analysing", stages={"pose": pose}))
    api.cloud.jobs.update(ids[1], lambda job: replace(job, state="done", ended_at=1.0))
    failure = Failure(code="no_video_stream", message="None.")
    api.cloud.jobs.update(ids[2], lambda job: replace(job, state="failed", error=failure))
    told = api.client.get(f"/v1/batches/{made['batch']}").json()
    assert told["counts"] == {"analysing": 1, "done": 1, "failed": 1}
    assert [(job["id"], job["name"]) for job in told["jobs"]] == [
        (ids[0], "a.mp4"), (ids[1], "b.mp4"), (ids[2], "c.mp4"),
    ]  # fmt: skip
    assert [job["progress"] for job in told["jobs"][:2]] == [0.3, 1.0]
    assert told["jobs"][2]["error_code"] == "no_video_stream"
    assert (told["progress"], told["is_ended"], told["labels"]) == (0.7667, False, {})


# Downloads


def test_the_reel_is_a_redirect_to_a_fresh_address_under_the_user_s_own_name(api: LocalApi) -> None:
    job = api.job(state="done")
    name = artifact(job.id, 1, "reel.mp4")
    api.cloud.jobs.update(job.id, lambda job: replace(job, artifacts={"reel": name}))
    api.cloud.downloads.write(name, b"reel")
    for path in ("reel", "artifacts/reel"):
        answer = api.client.get(f"/v1/jobs/{job.id}/{path}")
        assert (answer.status_code, answer.headers["Cache-Control"]) == (302, "no-store")
        reel = api.client.get(answer.headers["Location"])
        assert (reel.status_code, reel.content) == (200, b"reel")
        assert 'filename="ride-reel.mp4"' in reel.headers["Content-Disposition"]


@pytest.mark.parametrize("state", ["awaiting_upload", "queued", "analysing", "merging"])
def test_while_a_job_runs_there_is_no_reel_yet(api: LocalApi, state: str) -> None:
    job = api.job(state=state)
    told = assert_problem(api.client.get(f"/v1/jobs/{job.id}/reel"), 409, "not_done")
    assert told["state"] == state


@pytest.mark.parametrize(
    ("state", "code"),
    [("failed", "no_video_stream"), ("cancelled", "cancelled"), ("expired", "expired"), ("erasing", "erasing")],
)
def test_a_job_without_a_reel_says_why_there_will_be_none(api: LocalApi, state: str, code: str) -> None:
    error = Failure(code="no_video_stream", message="ride.mp4: no video stream.") if state == "failed" else None
    job = api.job(state=state, error=error)
    told = assert_problem(api.client.get(f"/v1/jobs/{job.id}/reel"), 404, code)
    assert told["state"] == state


def test_an_artifact_that_is_not_there_is_answered_with_those_that_are(api: LocalApi) -> None:
    job = api.arrived(api.job(state="done", artifacts={"reel": "x/reel.mp4", "poster": "x/poster.jpg"}))
    for name in ("trailer", "REEL", "a" * 500, "%2e%2e"):
        answer = api.client.get(f"/v1/jobs/{job.id}/artifacts/{name}")
        assert assert_problem(answer, 404, "unknown_artifact")["artifacts"] == ["poster", "reel", "source"]


def test_the_source_is_there_for_its_owner_until_it_is_not_kept_any_more(api: LocalApi) -> None:
    job = api.job()
    path = f"/v1/jobs/{job.id}/artifacts/source"
    assert_problem(api.client.get(path), 404, "unknown_artifact")
    api.arrived(job)
    film = api.client.get(api.client.get(path).headers["Location"])
    assert (film.content, film.headers["Content-Disposition"].split(";")[1]) == (b"film", ' filename="ride.mp4"')
    api.cloud.uploads.delete(source(job.id))
    assert_problem(api.client.get(path), 410, "source_expired")


# Changes

VIDEO: dict[str, Any] = {"start_s": 0.0, "stream_index": 0, "codec": "h264", "pixel_format": "yuv420p"}
SIZE: dict[str, Any] = {
    "coded_width": 64,
    "coded_height": 64,
    "width": 64,
    "height": 64,
    "rotation_deg": 0,
    "is_mirrored": False,
}


def done(api: LocalApi) -> Job:
    """Return a job with a reel of a film of 20 seconds."""
    film = Video(
        **VIDEO, **SIZE, container="mp4", duration_s=20.0, fps=Fraction(25), is_variable_rate=False,
        sample_aspect_ratio=Fraction(1),
    )  # fmt: skip
    return api.arrived(api.job(state="done", video=film, artifacts={"reel": "downloads/x/r1/reel.mp4"}))


CLIPS = [{"start_s": 1.0, "end_s": 4.0}]


def test_an_edited_edit_list_is_the_next_revision_for_whoever_knows_the_last(api: LocalApi) -> None:
    path = f"/v1/jobs/{done(api).id}/edit-list"
    assert_problem(api.client.put(path, json=CLIPS), 428, "no_if_match")
    for tag in ('"r2"', '"r0"', "r1", '""'):
        assert_problem(api.client.put(path, json=CLIPS, headers={"If-Match": tag}), 412, "edit_list_changed")
    first = {"If-Match": '"r1"'}
    wrong = assert_problem(api.client.put(path, json=[{"start_s": 4, "end_s": 1}], headers=first), 422, "bad_edit_list")
    assert wrong["detail"].startswith("The body: clip 1 begins at 4 s")
    assert_problem(
        api.client.put(path, content=b"[", headers={**first, "Content-Type": "application/json"}), 400, "bad_json"
    )
    for _ in range(2):  # its answer may have been lost
        answer = api.client.put(path, json=CLIPS, headers=first)
        assert (answer.status_code, answer.headers["ETag"]) == (202, '"r2"')
        assert (answer.json()["state"], answer.json()["revision"]) == ("merging", 2)
    assert_problem(api.client.put(path, json=[{"start_s": 2, "end_s": 3}], headers=first), 412, "edit_list_changed")
    told = assert_problem(api.client.put(path, json=CLIPS, headers={"If-Match": "*"}), 409, "not_done")
    assert told["state"] == "merging"


def test_without_its_source_nothing_can_be_cut_anew(api: LocalApi) -> None:
    job = done(api)
    api.cloud.uploads.delete(source(job.id))
    answer = api.client.put(f"/v1/jobs/{job.id}/edit-list", json=CLIPS, headers={"If-Match": '"r1"'})
    assert_problem(answer, 410, "source_expired")


def test_a_job_is_cancelled_once_and_stays_so(api: LocalApi) -> None:
    job = api.job()
    for _ in range(2):
        answer = api.client.post(f"/v1/jobs/{job.id}/cancel")
        assert (answer.status_code, answer.json()["state"]) == (200, "cancelled")
    assert_problem(api.client.get(f"/v1/jobs/{job.id}/reel"), 404, "cancelled")
    told = assert_problem(api.client.post(f"/v1/jobs/{done(api).id}/cancel"), 409, "already_ended")
    assert told["state"] == "done"


def test_a_failed_job_is_tried_again_in_the_next_epoch(api: LocalApi) -> None:
    told = assert_problem(api.client.post(f"/v1/jobs/{done(api).id}/retry"), 409, "not_failed")
    assert told["state"] == "done"
    error = Failure(code="crashed_worker", message="Gone.")
    job = api.arrived(api.job(state="failed", error=error))
    answer = api.client.post(f"/v1/jobs/{job.id}/retry")
    assert (answer.status_code, answer.json()["epoch"]) == (202, 2)


def test_an_erased_job_is_unknown_and_its_key_does_not_bring_it_back(api: LocalApi) -> None:
    asked: Any = {"json": {"files": [FILE, FILE]}, "headers": {"Idempotency-Key": "k"}}
    first, second = (each["job"] for each in api.client.post("/v1/uploads", **asked).json()["jobs"])
    answer = api.client.delete(f"/v1/jobs/{first}")
    assert (answer.status_code, answer.json()["id"], answer.json()["state"]) == (202, first, "erasing")
    assert_problem(api.client.get(f"/v1/jobs/{first}"), 404, "unknown_job")
    assert_problem(api.client.delete(f"/v1/jobs/{first}"), 404, "unknown_job")
    again = api.client.post("/v1/uploads", **asked).json()["jobs"]
    assert [(each["job"], each["state"]) for each in again] == [(first, "erased"), (second, "awaiting_upload")]
    api.client.delete(f"/v1/jobs/{second}")
    assert_problem(api.client.post("/v1/uploads", **asked), 410, "erased")
    assert not api.cloud.jobs.list()


def test_nobody_changes_others_jobs_and_no_reader_any(api: LocalApi, become: Any) -> None:
    become("ada")
    job = api.job()
    changes = [("post", "/cancel"), ("post", "/retry"), ("put", "/edit-list"), ("delete", "")]
    for owner, scopes, status, code in (("bob", (), 404, "unknown_job"), ("ada", ("read",), 403, "wrong_scope")):
        become(owner, *scopes)
        for method, what in changes:
            more: Any = {"json": CLIPS, "headers": {"If-Match": "*"}} if method == "put" else {}
            assert_problem(api.client.request(method, f"/v1/jobs/{job.id}{what}", **more), status, code)
    assert api.cloud.jobs.get(job.id) == job


# Imports


def test_a_file_of_an_allowed_bucket_becomes_the_caller_s_job_once_for_its_request_id(
    api: LocalApi, become: Any
) -> None:
    become("ada")
    body = {"source": "gs://footage/match.mp4", "request_id": "1", "options": {"target_s": 30}}
    first, again = (api.client.post("/v1/jobs", json=body) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["id"] == again.json()["id"]
    assert (first.json()["owner"], first.json()["source"]["name"]) == ("ada", "match.mp4")
    assert first.headers["ETag"] == '"r1"'
    assert_problem(api.client.post("/v1/jobs", json={**body, "options": {}}), 409, "request_conflict")
    become("bob")
    assert api.client.post("/v1/jobs", json=body).json()["id"] != first.json()["id"]
    del body["request_id"]
    assert len({api.client.post("/v1/jobs", json=body).json()["id"] for _ in range(2)}) == 2


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"source": "gs://elsewhere/match.mp4"}, 403, "source_not_allowed"),
        ({"source": "gs://footage/other.mp4"}, 404, "no_such_source"),
        ({"source": "gs://footage/../home/jobs.sqlite3"}, 422, "bad_source"),
        ({"source": "gs://footage/%2e%2e/home/jobs.sqlite3"}, 404, "no_such_source"),
        ({"source": "gs://footage@elsewhere/match.mp4"}, 422, "bad_source"),
        ({"source": "file:///etc/passwd"}, 422, "bad_source"),
        ({"source": "gs://footage/match.mp4", "options": {"mode": "all"}}, 422, "bad_option"),
        ({"source": "gs://footage/match.mp4", "owner": "bob"}, 422, "bad_body"),
        ({}, 422, "bad_source"),
    ],
)
def test_an_import_that_cannot_be_is_refused(api: LocalApi, body: Any, status: int, code: str) -> None:
    assert_problem(api.client.post("/v1/jobs", json=body), status, code)
    assert not api.cloud.jobs.list()


# Everything


def test_every_answer_is_kept_by_nobody_and_sniffed_by_no_browser(api: LocalApi) -> None:
    for path in ("/v1/health", "/v1/jobs", "/v1/jobs/x", "/v1/nothing", "/v1/openapi.json"):
        answer = api.client.get(path)
        assert (answer.headers["X-Content-Type-Options"], answer.headers["Cache-Control"]) == ("nosniff", "no-store")


def test_a_path_or_a_method_that_is_none_is_a_problem_as_well(api: LocalApi) -> None:
    assert_problem(api.client.get("/v1/nothing"), 404, "unknown_path")
    answer = api.client.put("/v1/health")
    assert_problem(answer, 405, "wrong_method")
    assert answer.headers["Allow"] == "GET"


def test_the_unforeseen_says_nothing_but_where_to_look(
    api: LocalApi, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for error in (RuntimeError("/home/ada/secret"), MontageError("not_configured", "MONTAGE_SECRET is missing.")):
        monkeypatch.setattr(api.cloud.jobs, "page", raising(error))
        caplog.clear()
        trace = "105445aa7843bc8bf206b12000100000"
        answer = api.client.get("/v1/jobs", headers={"traceparent": f"00-{trace}-000000000000004a-01"})
        told = assert_problem(answer, 500, "internal")
        assert told["trace_id"] == trace
        assert "secret" not in answer.text.lower()
        assert [record.levelname for record in caplog.records if record.exc_info] == ["ERROR"]
    assert len(api.client.get("/v1/jobs").json()["trace_id"]) == 32


def test_what_passes_by_itself_is_told_with_how_long_to_wait(api: LocalApi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api.cloud.jobs, "page", raising(TryAgain("The database is busy.")))
    answer = api.client.get("/v1/jobs")
    assert_problem(answer, 503, "try_again")
    assert answer.headers["Retry-After"] == "5"


def test_each_request_is_one_line_in_the_log_without_its_query(api: LocalApi, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    api.client.get("/v1/jobs?page_token=secret")
    (line,) = [record for record in caplog.records if getattr(record, "fields", {}).get("event") == "handled"]
    fields = line.__dict__["fields"]
    assert (fields["doing"], fields["status"]) == ("GET /v1/jobs", 422)
    assert fields["elapsed_s"] >= 0


def raising(error: Exception) -> Any:
    def fail(*_: object, **__: object) -> None:
        raise error

    return fail


def test_a_reel_that_is_made_again_is_not_done_yet_but_the_one_before_is_there(api: LocalApi) -> None:
    stages = {"merge": Stage(plan=MERGE_PLAN, state="requested")}
    job = api.job(state="merging", revision=2, artifacts={"reel": "downloads/x/r1/reel.mp4"}, stages=stages)
    assert api.client.get(f"/v1/jobs/{job.id}").headers["ETag"] == '"r2"'
    told = assert_problem(api.client.get(f"/v1/jobs/{job.id}/reel"), 409, "not_done")
    assert told["detail"].endswith("; the reel before it is artifacts/reel.")
    assert api.client.get(f"/v1/jobs/{job.id}/artifacts/reel").status_code == 302
