"""Other programs ask for jobs by message; what can never work is put aside with a reason."""

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from shared.domain.job import Job
from shared.domain.messages import JobRequested
from shared.domain.object_names import source
from shared.domain.options import MotionOptions, Options
from shared.domain.requested_job import REQUESTS_OWNER, requested_job_id
from shared.domain.source_address import SourceAddress
from shared.errors import BadRequest, TryAgain
from shared.pipeline.request_job import read_request, receive_request, request_job
from shared.ports import ObjectStat
from tests.clips import ClipSpec, make_clip
from tests.one_machine import OneMachine, one_machine

Asks = Callable[..., str]


@pytest.fixture(scope="session")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clip of 25 seconds: three units."""
    return make_clip(tmp_path_factory.mktemp("clips"), ClipSpec(seconds=25.0, fps=ClipSpec().fps / 3, has_sound=False))


@pytest.fixture
def folder(tmp_path: Path, video: Path) -> Path:
    """Return the folder that is allowed as the bucket "footage", with a film in it."""
    folder = tmp_path / "footage"
    folder.mkdir()
    (folder / "ride.mp4").write_bytes(video.read_bytes())
    return folder


@pytest.fixture
def machine(tmp_path: Path, folder: Path) -> OneMachine:
    return one_machine(tmp_path / "home", request_folders=f"footage={folder}")


def asked(**changes: Any) -> str:
    """Return the body of a request as another program would write it."""
    body = {"request_id": "erp-17", "source": "gs://footage/ride.mp4", "labels": {"match": "17"}}
    return json.dumps({**body, "options": {"chunk_s": 10}, **changes})


def post(machine: OneMachine, body: str, topic: str = "job-requests") -> None:
    """Put a body on the bus as it is, as a program may that is not ours."""
    machine.dead_letters.list()  # makes the file
    with closing(sqlite3.connect(machine.home / "messages.sqlite3")) as db:
        db.execute("INSERT INTO messages (topic, body, due_at) VALUES (?, ?, 0)", (topic, body))
        db.commit()


def deliver(machine: OneMachine) -> None:
    pump = machine.pump()
    while pump.step():
        pass


def only_job(machine: OneMachine) -> Job:
    (job,) = machine.cloud.jobs.list()
    return job


def test_a_request_becomes_a_reel(machine: OneMachine) -> None:
    machine.cloud.bus.publish(read_request(asked()))
    deliver(machine)
    job = machine.run_to_the_end(only_job(machine).id)
    assert (job.state, job.error, job.numbers) == ("done", None, {"reel_s": 3.0})
    assert (job.owner, job.labels) == (REQUESTS_OWNER, {"match": "17"})
    assert (job.source.file_name, job.source.origin) == ("ride.mp4", "gs://footage/ride.mp4")
    assert job.options == Options(chunk_s=10)


def test_a_request_says_how_the_reel_is_to_look_and_sound(machine: OneMachine) -> None:
    wanted = {"render": "encode", "quality": "draft", "join": "dip", "join_s": 1.5, "loudness": "keep"}
    receive_request(machine.cloud, asked(options={**wanted, "audio_language": "deu"}))
    assert only_job(machine).options == Options(
        render="encode", quality="draft", join="dip", join_s=1.5, loudness="keep", audio_language="deu"
    )


def test_the_same_request_again_and_again_is_one_job(machine: OneMachine, folder: Path) -> None:
    for _ in range(10):
        receive_request(machine.cloud, asked())
    job = machine.run_to_the_end(only_job(machine).id)
    (folder / "ride.mp4").unlink()  # the asker has its reel and tidies up
    receive_request(machine.cloud, asked())
    assert only_job(machine) == job
    assert len(machine.launcher.launches) == 2


@pytest.mark.parametrize(
    "changes",
    [{"source": "gs://footage/other.mp4"}, {"options": {"chunk_s": 11}}, {"options": {}}, {"labels": {"match": "18"}}],
)
def test_another_request_of_the_same_id_is_refused_and_the_first_one_stands(
    machine: OneMachine, folder: Path, changes: dict[str, Any]
) -> None:
    (folder / "other.mp4").write_bytes((folder / "ride.mp4").read_bytes())
    receive_request(machine.cloud, asked())
    before = only_job(machine)
    with pytest.raises(BadRequest) as caught:
        receive_request(machine.cloud, asked(**changes))
    assert caught.value.code == "request_conflict"
    assert only_job(machine) == before


REFUSED = [
    ("{", "bad_message"),
    ("[]", "bad_message"),
    (asked(topic="job-events"), "bad_message"),
    (asked(request_id=""), "bad_message"),
    (asked(request_id="x" * 201), "bad_message"),
    (asked(owner="me"), "bad_message"),
    (asked(labels={"local.folder": "/etc"}), "bad_message"),
    (asked(labels={"a": "x" * 257}), "bad_message"),
    (asked(labels={f"a{number}": "" for number in range(33)}), "bad_message"),
    (json.dumps({"request_id": "1"}), "bad_source"),
    (asked(source="ride.mp4"), "bad_source"),
    (asked(source="gs://footage"), "bad_source"),
    (asked(source="gs://footage/../secret"), "bad_source"),
    (asked(source="gs://Footage/ride.mp4"), "bad_source"),
    (asked(source="file:///etc/passwd"), "bad_source"),
    (asked(source="gs://footage/" + "x" * 1400), "bad_source"),
    (asked(source="gs://elsewhere/ride.mp4"), "source_not_allowed"),
    (asked(source="gs://footage/missing.mp4"), "no_such_source"),
    (asked(options={"colour": "red"}), "unknown_option"),
    (asked(options={"motion": {"colour": "red"}}), "unknown_option"),
    (asked(options={"chunk_s": 0}), "bad_option"),
    (asked(options={"mode": "quick"}), "bad_option"),
    (asked(options={"quality": "best"}), "bad_option"),
    (asked(options={"join": "wipe"}), "bad_option"),
    (asked(options={"join_s": 9}), "bad_option"),
    (asked(options={"audio_language": "german"}), "bad_option"),
    (asked(options={"speech_language": "klingon"}), "bad_option"),
    (asked(options={"keywords": "kickflip"}), "bad_option"),
    (asked(options={"vocabulary": ["x" * 61]}), "bad_option"),
    (asked(options={"shortest_clip_s": 5, "longest_clip_s": 4}), "bad_option"),
    (asked(options=[]), "bad_option"),
    (asked(options={"motion": {"min_moving_s": float("nan")}}), "bad_option"),
    (asked(options={"motion": {"pad_after_s": float("inf")}}), "bad_option"),
]


@pytest.mark.parametrize(("body", "code"), REFUSED)
def test_what_can_never_work_is_a_dead_letter_with_a_reason_and_no_job(
    machine: OneMachine, body: str, code: str
) -> None:
    post(machine, body)
    deliver(machine)
    (kept,) = machine.dead_letters.list()
    assert (kept.letter.code, kept.letter.original_topic, kept.letter.body) == (code, "job-requests", body)
    assert 10 < len(kept.letter.reason) < 400 and kept.letter.reason.endswith(".")
    assert machine.cloud.jobs.list() == []


def test_a_source_that_is_too_large_is_refused(machine: OneMachine) -> None:
    small = replace(machine.cloud, limits=replace(machine.cloud.limits, max_source_bytes=100))
    with pytest.raises(BadRequest) as caught:
        receive_request(small, asked())
    assert caught.value.code == "too_large"
    assert machine.cloud.jobs.list() == []


def test_after_the_allow_list_was_mended_a_replayed_request_makes_its_job(tmp_path: Path, folder: Path) -> None:
    strict = one_machine(tmp_path / "home", request_folders=f"other={tmp_path}")
    strict.cloud.bus.publish(read_request(asked()))
    deliver(strict)
    (kept,) = strict.dead_letters.list()
    assert kept.letter.code == "source_not_allowed"
    mended = one_machine(tmp_path / "home", request_folders=f"footage={folder}")
    assert mended.dead_letters.replay([kept.id]) == [kept.id]
    assert mended.dead_letters.replay([kept.id]) == []
    deliver(mended)
    assert mended.run_to_the_end(only_job(mended).id).state == "done"
    assert mended.dead_letters.list() == []


class Stopped(Exception):
    """Stands for a process that ends at this point."""


def stopped(*_: object) -> ObjectStat:
    raise Stopped


@pytest.mark.parametrize("is_delivered_again", [True, False])
def test_whoever_is_stopped_before_the_copy_is_followed_by_the_next_delivery_or_the_watchdog(
    machine: OneMachine, monkeypatch: pytest.MonkeyPatch, is_delivered_again: bool
) -> None:
    with monkeypatch.context() as patch, pytest.raises(Stopped):
        patch.setattr(type(machine.cloud.uploads), "copy_from", stopped)
        receive_request(machine.cloud, asked())
    assert only_job(machine).state == "awaiting_upload"
    if is_delivered_again:
        receive_request(machine.cloud, asked())
        assert only_job(machine).state == "analysing"
    assert machine.run_to_the_end(only_job(machine).id).state == "done"


def test_whoever_is_stopped_after_the_copy_is_followed_by_the_next_delivery(
    machine: OneMachine, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch, pytest.raises(Stopped):
        patch.setattr("shared.pipeline.receive_upload.receive_upload", stopped)
        receive_request(machine.cloud, asked())
    assert machine.cloud.uploads.stat(source(only_job(machine).id)).size_bytes > 0
    assert only_job(machine).state == "awaiting_upload"
    receive_request(machine.cloud, asked())
    assert only_job(machine).state == "analysing"


def test_a_source_that_is_gone_before_it_is_copied_fails_its_job(
    machine: OneMachine, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch, pytest.raises(Stopped):
        patch.setattr(type(machine.cloud.uploads), "copy_from", stopped)
        receive_request(machine.cloud, asked())
    (folder / "ride.mp4").unlink()
    receive_request(machine.cloud, asked())
    job = only_job(machine)
    assert job.state == "failed" and job.error is not None
    assert (job.error.code, job.error.is_input, job.outbox) == ("source_gone", True, ())


def test_trouble_that_passes_is_not_the_asker_s(machine: OneMachine, monkeypatch: pytest.MonkeyPatch) -> None:
    def busy(*_: object) -> ObjectStat:
        raise TryAgain("busy")

    monkeypatch.setattr(type(machine.cloud.uploads), "stat_elsewhere", busy)
    with pytest.raises(TryAgain):
        receive_request(machine.cloud, asked())
    assert machine.cloud.jobs.list() == []


def test_job_ids_are_those_of_the_key_the_owner_and_the_request() -> None:
    ids = {
        requested_job_id(key, owner=owner, request_id=request_id)
        for key in (b"k", b"l")
        for owner in ("a", "ab")
        for request_id in ("bc", "c")
    }
    assert len(ids) == 8
    assert requested_job_id(b"k", owner="a", request_id="bc") in ids
    assert all(len(each) == 26 and set(each) <= set("abcdefghijklmnopqrstuvwxyz234567") for each in ids)


def test_one_machine_keeps_its_key_to_itself(machine: OneMachine, tmp_path: Path, folder: Path) -> None:
    key = machine.cloud.requests.server_key()
    again = one_machine(tmp_path / "home", request_folders=f"footage={folder}")
    assert again.cloud.requests.server_key() == key and len(key) == 64
    path = tmp_path / "home" / "server.key"
    assert path.stat().st_mode & 0o777 == 0o600
    assert [each.name for each in path.parent.glob("*server.key*")] == ["server.key"]


def test_a_request_reads_as_it_was_written() -> None:
    options = Options(mode="motion", target_s=60.0, motion=MotionOptions(pad_after_s=1.0))
    request = JobRequested(request_id="1", source="gs://footage/a b/ride.mp4", options=options, labels={"a": "ä"})
    assert read_request(request.model_dump_json()) == request
    assert SourceAddress(bucket="footage", name="a b/ride.mp4").file_name == "ride.mp4"


def test_nobody_may_ask_where_nothing_is_allowed(tmp_path: Path) -> None:
    closed = one_machine(tmp_path / "home")
    with pytest.raises(BadRequest) as caught:
        request_job(closed.cloud, read_request(asked()))
    assert caught.value.code == "source_not_allowed"
