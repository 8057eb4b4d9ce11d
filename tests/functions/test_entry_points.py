"""The entry points, fed recorded requests through the framework, with one machine for a cloud."""

import base64
import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from functions_framework import create_app
from starlette.testclient import TestClient

from functions import api, serving
from functions.local.run_jobs import new_job_id
from shared.connect import LocalCloud, connect_dead_letters
from shared.domain import job as jobs
from shared.domain.job import Job, Source
from shared.domain.messages import DeadLetter, Message, StageDone, StageRequested, parse
from shared.domain.object_names import source
from shared.domain.options import Options
from shared.settings import Settings
from tests.clips import ClipSpec, make_clip
from tests.conftest import ROOT
from tests.emulators.push_tokens import Certs, certs_server, push_token
from tests.functions.conftest import Recorded, Serve, recorded

TRACE = "105445aa7843bc8bf206b12000100000"
TOPICS = {"on_stage_requested": "stage-requested", "on_stage_done": "stage-done", "on_job_requested": "job-requests"}
CHECKED = (*TOPICS, "watchdog")
AUDIENCE, ACCOUNT = "https://montage.example/push", "pusher@montage.iam.gserviceaccount.com"


@pytest.fixture(scope="session")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_clip(tmp_path_factory.mktemp("clips"), ClipSpec(seconds=2.0, has_sound=False))


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MONTAGE_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def cloud() -> LocalCloud:
    """Return the cloud that the function in this process uses."""
    found = serving.process().cloud
    assert isinstance(found, LocalCloud)
    return found


def submitted(video: Path) -> Job:
    job = Job(id=new_job_id(), source=Source(file_name="ride.mp4"), options=Options(), created_at=cloud().clock())
    assert cloud().jobs.create(job)
    cloud().uploads.upload(video, source(job.id))
    taken()
    return job


def taken() -> list[Message]:
    """Take every message that waits."""
    found = []
    while delivery := cloud().deliveries.take():
        cloud().deliveries.acknowledge(delivery)
        found.append(parse(delivery.body))
    return found


def dead_letters() -> list[DeadLetter]:
    """Return what was buried so far."""
    with closing(connect_dead_letters(Settings())) as letters:
        return [kept.letter for kept in letters.list()]


def finalized(form: str, job: Job) -> Recorded:
    """Return the recorded event, about this job's object."""
    event, stat = recorded(f"finalized_{form}"), cloud().uploads.stat(source(job.id))
    found = {"bucket": "uploads", "name": stat.name, "generation": stat.generation, "size": str(stat.size_bytes)}
    return with_data(event, found)


def with_data(event: Recorded, found: Mapping[str, Any]) -> Recorded:
    data = event.body.get("data", event.body)
    data.update(found)
    return event


def pushed(message: Message | bytes) -> Recorded:
    push = recorded("push")
    data = message if isinstance(message, bytes) else message.model_dump_json().encode()
    push.body["message"]["data"] = base64.b64encode(data).decode()
    return push


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    """Return what was logged, by event."""
    return [json.loads(line) for line in capsys.readouterr().err.splitlines() if line.startswith("{")]


# on_upload


@pytest.mark.parametrize("form", ["binary", "structured"])
def test_a_finalized_upload_sets_its_job_going(serve: Serve, video: Path, form: str) -> None:
    client = serve("on_upload")
    job = submitted(video)
    event = finalized(form, job)
    for _ in range(3):
        assert client.post("/", data=event.data, headers=event.headers).status_code == 200
    assert cloud().jobs.get(job.id).state == "analysing"
    assert [message for message in taken() if isinstance(message, StageRequested)] == [
        StageRequested(job_id=job.id, epoch=1, stage="pose", request=1)
    ]
    assert dead_letters() == []


@pytest.mark.parametrize("name", ["elsewhere.mp4", f"uploads/{'b' * 26}/source", "uploads/../source", ""])
def test_an_object_that_is_not_ours_is_acknowledged_with_a_line(
    serve: Serve, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    client = serve("on_upload")
    event = with_data(recorded("finalized_binary"), {"bucket": "uploads", "name": name})
    assert client.post("/", data=event.data, headers=event.headers).status_code == 200
    ignored = next(line for line in lines(capsys) if line.get("event") == "upload_ignored")
    assert ignored["trace"] == TRACE
    assert dead_letters() == []


def test_an_event_of_another_kind_is_acknowledged_with_a_line(serve: Serve, capsys: pytest.CaptureFixture[str]) -> None:
    event = recorded("finalized_binary")
    headers = {**event.headers, "ce-type": "google.cloud.storage.object.v1.deleted"}
    assert serve("on_upload").post("/", data=event.data, headers=headers).status_code == 200
    assert "upload_ignored" in [line.get("event") for line in lines(capsys)]


@pytest.mark.parametrize("found", [{"name": None}, {"generation": ""}, {"size": "-1"}, {"bucket": {}}])
def test_an_event_without_an_object_is_buried(serve: Serve, found: dict[str, Any]) -> None:
    event = with_data(recorded("finalized_structured"), found)
    assert serve("on_upload").post("/", data=event.data, headers=event.headers).status_code == 200
    (letter,) = dead_letters()
    assert (letter.code, letter.original_topic) == ("malformed", "object-finalized")
    assert json.loads(letter.body) == event.body["data"]


def test_an_upload_that_cannot_be_recorded_now_is_delivered_again(serve: Serve, home: Path) -> None:
    home.mkdir()
    (home / "jobs.sqlite3").write_bytes(b"no database at all, in more than a hundred bytes" * 3)
    event = recorded("finalized_binary")
    assert serve("on_upload").post("/", data=event.data, headers=event.headers).status_code == 500


# Pushes


def test_an_order_for_a_launch_under_way_comes_again_later(
    serve: Serve, video: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    client = serve("on_upload")
    job = submitted(video)
    event = finalized("binary", job)
    client.post("/", data=event.data, headers=event.headers)
    now = cloud().clock()
    cloud().jobs.update(
        job.id, lambda job: jobs.stage_launching(job, "pose", run_id="other", now=now, until=now + 1000)
    )
    push = pushed(StageRequested(job_id=job.id, epoch=1, stage="pose", request=1))
    answer = serve("on_stage_requested").post("/", data=push.data, headers=push.headers)
    assert (answer.status_code, answer.json["code"]) == (503, "try_again")  # type: ignore[index]
    assert dead_letters() == []
    waits = next(line for line in lines(capsys) if line.get("event") == "handler_waits")
    assert (waits["severity"], waits["trace"], waits["message_id"]) == ("WARNING", TRACE, "11264918372051904")


def test_a_stage_that_is_done_is_looked_at(serve: Serve, video: Path) -> None:
    client = serve("on_stage_done")
    job = submitted(video)
    for _ in range(3):
        push = pushed(StageDone(job_id=job.id, epoch=1, stage="pose"))
        answer = client.post("/", data=push.data, headers=push.headers)
        assert (answer.status_code, answer.data) == (204, b"")
    assert dead_letters() == []


@pytest.mark.parametrize("target", ["on_stage_requested", "on_stage_done"])
def test_a_job_that_is_gone_is_nothing_to_worry_about(serve: Serve, target: str) -> None:
    kind = StageRequested(job_id="b" * 26, epoch=1, stage="pose", request=1)
    message = kind if target == "on_stage_requested" else StageDone(job_id="b" * 26, epoch=1, stage="pose")
    push = pushed(message)
    assert serve(target).post("/", data=push.data, headers=push.headers).status_code == 204
    assert dead_letters() == []


@pytest.mark.parametrize("target", TOPICS)
@pytest.mark.parametrize("data", [b"", b"{", b"[]", b'{"topic":"job-events"}', b"\xff\xfe", b"null"])
def test_a_message_that_can_never_be_handled_is_buried(serve: Serve, target: str, data: bytes) -> None:
    push = pushed(data)
    assert serve(target).post("/", data=push.data, headers=push.headers).status_code == 204
    (letter,) = dead_letters()
    assert letter.original_topic == TOPICS[target]
    assert letter.code and letter.reason
    if data != b"\xff\xfe":
        assert letter.body == data.decode()  # as it can be published again


@pytest.mark.parametrize("body", [b"", b"{}", b"\xff", b'{"message":{"data":7,"messageId":"1"},"subscription":"s"}'])
def test_a_body_that_is_no_push_is_buried(serve: Serve, body: bytes) -> None:
    assert serve("on_stage_done").post("/", data=body).status_code == 204
    (letter,) = dead_letters()
    assert (letter.code, letter.original_topic) == ("malformed", "stage-done")
    assert letter.body == body.decode(errors="replace")


def test_an_unforeseen_failure_is_logged_and_tells_nothing(
    serve: Serve, home: Path, video: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    client = serve("on_stage_done")
    job = submitted(video)
    with closing(sqlite3.connect(home / "jobs.sqlite3")) as database, database:
        database.execute("UPDATE jobs SET body = '{'")
    push = pushed(StageDone(job_id=job.id, epoch=1, stage="pose"))
    answer = client.post("/", data=push.data, headers=push.headers)
    assert answer.status_code == 500
    assert answer.json == {"code": "internal", "message": "This failed unforeseen; the log says how."}
    failed = next(line for line in lines(capsys) if line.get("event") == "handler_failed")
    assert "Traceback" in failed["stack_trace"]
    assert failed["trace"] == TRACE


def test_what_one_request_binds_to_the_log_is_gone_with_it(serve: Serve, capsys: pytest.CaptureFixture[str]) -> None:
    client = serve("on_stage_done")
    push = pushed(StageDone(job_id="b" * 26, epoch=1, stage="pose"))
    client.post("/", data=push.data, headers=push.headers)
    client.post("/", data=b"{}")
    first, second = (line for line in lines(capsys) if line.get("event") == "handled")
    assert first["trace"] == TRACE
    assert first["logging.googleapis.com/trace"] == f"projects//traces/{TRACE}"
    assert not {"trace", "message_id"} & second.keys()


# Who may push


@pytest.fixture
def certs(monkeypatch: pytest.MonkeyPatch) -> Iterator[Certs]:
    """Make the functions ones of Google Cloud, where nobody answers but who checks tokens."""
    nowhere = "127.0.0.1:9"
    with certs_server() as running:
        for name, value in {
            "MONTAGE_CLOUD": "gcp",
            "MONTAGE_GOOGLE_PROJECT": "montage-test",
            "MONTAGE_GOOGLE_REGION": "europe-west1",
            "MONTAGE_GOOGLE_UPLOADS_BUCKET": "montage-uploads",
            "MONTAGE_GOOGLE_WORK_BUCKET": "montage-work",
            "MONTAGE_GOOGLE_DOWNLOADS_BUCKET": "montage-downloads",
            "MONTAGE_GOOGLE_RUN_EMULATOR_HOST": nowhere,
            "MONTAGE_GOOGLE_TIMEOUT_S": "0.3",
            "MONTAGE_GOOGLE_PUSH_AUDIENCE": AUDIENCE,
            "MONTAGE_GOOGLE_PUSH_SERVICE_ACCOUNT": ACCOUNT,
            "MONTAGE_GOOGLE_PUSH_CERTS_URL": running.url,
            "STORAGE_EMULATOR_HOST": f"http://{nowhere}",
            "FIRESTORE_EMULATOR_HOST": nowhere,
            "PUBSUB_EMULATOR_HOST": nowhere,
        }.items():
            monkeypatch.setenv(name, value)
        yield running


def post(serve: Serve, target: str, **claims: Any) -> int:
    push = pushed(StageDone(job_id="b" * 26, epoch=1, stage="pose"))
    token = push_token(**{"audience": AUDIENCE, "email": ACCOUNT, **claims})
    return (
        serve(target)
        .post("/", data=push.data, headers={**push.headers, "Authorization": f"Bearer {token}"})
        .status_code
    )


@pytest.mark.parametrize("target", CHECKED)
def test_only_our_own_pushes_are_handled(serve: Serve, certs: Certs, target: str) -> None:
    answer = serve(target).post("/", data=b"{}")
    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert post(serve, target, audience="https://other.example") == 401
    assert post(serve, target, email="other@montage.iam.gserviceaccount.com") == 403


@pytest.mark.parametrize("target", ["on_stage_done", "watchdog"])
def test_a_cloud_that_does_not_answer_is_asked_again_later(serve: Serve, certs: Certs, target: str) -> None:
    assert post(serve, target) == 503


def test_without_certificates_a_push_comes_again(serve: Serve, certs: Certs) -> None:
    certs.status = 500
    assert post(serve, "on_stage_done") == 503


@pytest.mark.parametrize("target", CHECKED)
@pytest.mark.parametrize("name", ["AUDIENCE", "SERVICE_ACCOUNT"])
def test_a_function_that_cannot_check_tokens_handles_nothing(
    serve: Serve, certs: Certs, monkeypatch: pytest.MonkeyPatch, target: str, name: str
) -> None:
    monkeypatch.delenv(f"MONTAGE_GOOGLE_PUSH_{name}")
    answer = serve(target).post("/", data=b"{}")
    assert answer.status_code == 500
    assert answer.json["code"] == "not_configured"  # type: ignore[index]
    assert name in answer.json["message"]  # type: ignore[index]


def test_a_function_without_its_settings_says_which(
    serve: Serve, certs: Certs, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("MONTAGE_GOOGLE_WORK_BUCKET")
    event = recorded("finalized_binary")
    assert serve("on_upload").post("/", data=event.data, headers=event.headers).status_code == 500
    assert "MONTAGE_GOOGLE_WORK_BUCKET" in capsys.readouterr().err


def test_another_buckets_object_is_acknowledged_unseen(
    serve: Serve, certs: Certs, capsys: pytest.CaptureFixture[str]
) -> None:
    event = with_data(recorded("finalized_binary"), {"bucket": "montage-downloads"})
    assert serve("on_upload").post("/", data=event.data, headers=event.headers).status_code == 200
    assert "upload_ignored" in [line.get("event") for line in lines(capsys)]


def test_an_event_that_finds_no_cloud_is_delivered_again(serve: Serve, certs: Certs) -> None:
    event = recorded("finalized_binary")
    assert serve("on_upload").post("/", data=event.data, headers=event.headers).status_code == 503


# Watchdog


def test_the_watchdog_counts_the_jobs_it_looked_after(serve: Serve, video: Path) -> None:
    client = serve("watchdog")
    assert client.post("/").json == {"jobs": 0, "failed": 0}
    job = submitted(video)  # its event was lost
    answer = client.post("/")
    assert (answer.status_code, answer.json) == (200, {"jobs": 1, "failed": 0})
    assert cloud().jobs.get(job.id).state == "analysing"


# API


def test_the_same_api_answers_in_the_framework_and_alone(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FUNCTION_TARGET", "api")
    monkeypatch.setenv("FUNCTION_SIGNATURE_TYPE", "http")
    framed = create_app("api", str(ROOT / "functions" / "main.py"))  # type: ignore[no-untyped-call]
    for application in (framed, api.app()):
        client = TestClient(application, base_url="http://localhost")
        answer = client.get("/v1/health")
        assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
        assert client.get("/v1/nothing").status_code == 404
        assert client.post("/v1/health").status_code == 405
        client.close()


def test_an_api_that_cannot_be_made_says_so_as_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    """On Google Cloud nothing else is set here."""
    monkeypatch.setenv("FUNCTION_TARGET", "api")
    monkeypatch.setenv("MONTAGE_CLOUD", "gcp")
    framed = create_app("api", str(ROOT / "functions" / "main.py"))  # type: ignore[no-untyped-call]
    with closing(TestClient(framed, base_url="http://localhost")) as client:
        answer = client.get("/v1/health")
    assert (answer.status_code, answer.headers["content-type"]) == (500, "application/problem+json")
    assert answer.json()["code"] == "internal"
    assert "MONTAGE_GOOGLE" not in answer.text, "what is missing is for the log"


# Trace


@pytest.mark.parametrize(
    ("headers", "trace"),
    [
        ({"traceparent": f"00-{TRACE}-000000000000004a-01"}, TRACE),
        ({"X-Cloud-Trace-Context": f"{TRACE.upper()}/123;o=1"}, TRACE),
        ({"X-Cloud-Trace-Context": TRACE}, TRACE),
        ({"traceparent": "nonsense"}, None),
        ({"traceparent": "00-105445aa-01"}, None),
        ({}, None),
    ],
)
def test_a_trace_is_read_from_either_header(headers: dict[str, str], trace: str | None) -> None:
    assert serving.trace_of(headers) == trace
