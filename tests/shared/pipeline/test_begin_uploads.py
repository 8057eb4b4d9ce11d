"""Announced files become jobs, once for an idempotency key, or nothing is made of any of them."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from shared.connect import LocalCloud, connect_local
from shared.domain.object_names import source
from shared.domain.options import Options
from shared.errors import BadRequest, TryAgain
from shared.pipeline.begin_uploads import (
    SIGNED_AT_ONCE,
    BadFiles,
    BegunBatch,
    UploadsWanted,
    announced,
    begin_uploads,
)
from shared.ports import SignedUpload
from shared.settings import Settings

FILES = (
    announced(name="ride.mp4", size_bytes=1000, content_type="video/mp4"),
    announced(name="talk.m4a", size_bytes=7, content_type="audio/mp4"),
)


@dataclass
class CountingSigner:
    """Signs nothing, and tells each address from the others; it may be out of reach."""

    signed: list[tuple[str, str, str, int, int]] = field(default_factory=list)
    is_out_of_reach: bool = False

    def resumable_upload(self, name: str, *, content_type: str, max_bytes: int, expires_s: int) -> SignedUpload:
        return self._sign("POST", name, content_type, max_bytes, expires_s)

    def single_upload(self, name: str, *, content_type: str, max_bytes: int, expires_s: int) -> SignedUpload:
        return self._sign("PUT", name, content_type, max_bytes, expires_s)

    def download(self, name: str, *, file_name: str, expires_s: int) -> str:
        raise AssertionError("who begins an upload signs no download")

    def _sign(self, method: str, name: str, content_type: str, max_bytes: int, expires_s: int) -> SignedUpload:
        if self.is_out_of_reach:
            raise TryAgain("The signer is out of reach.")
        self.signed.append((method, name, content_type, max_bytes, expires_s))
        return SignedUpload(url=f"https://u.test/{len(self.signed)}", method=method, headers={}, expires_at=1.0)


@dataclass
class CallingSigner(CountingSigner):
    """Takes as long as a call to a service, and keeps how many of them are made at a time."""

    now: list[str] = field(default_factory=list)
    most_at_once: int = 0

    def _sign(self, method: str, name: str, content_type: str, max_bytes: int, expires_s: int) -> SignedUpload:
        self.now.append(name)
        self.most_at_once = max(self.most_at_once, len(self.now))
        time.sleep(0.02)
        self.now.remove(name)
        super()._sign(method, name, content_type, max_bytes, expires_s)
        return SignedUpload(url=f"https://u.test/{name}", method=method, headers={}, expires_at=1.0)


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[LocalCloud]:
    with connect_local(Settings(cloud="local", home=tmp_path, max_source_bytes=1000)) as cloud:
        yield cloud


@pytest.fixture
def signer() -> CountingSigner:
    return CountingSigner()


def begin(cloud: LocalCloud, signer: CountingSigner, *, key: str | None = None, **changes: Any) -> BegunBatch:
    owner = changes.pop("owner", "ada")
    wanted = UploadsWanted(**{"files": FILES, "labels": {"match": "17"}, **changes})
    return begin_uploads(cloud, signer, wanted, owner=owner, idempotency_key=key, expires_s=60, max_files=2)


def ids(begun: BegunBatch) -> list[str]:
    return [begun.batch_id, *(each.job_id for each in begun.uploads)]


def test_each_file_becomes_a_job_that_awaits_exactly_it(cloud: LocalCloud, signer: CountingSigner) -> None:
    begun = begin(cloud, signer, options=Options(target_s=60.0))
    first, second = (cloud.jobs.get(each.job_id) for each in begun.uploads)
    assert (first.owner, first.batch, first.state, first.labels) == (
        "ada", begun.batch_id, "awaiting_upload", {"match": "17"},
    )  # fmt: skip
    assert (first.source.file_name, first.source.declared_bytes, first.source.content_type) == (
        "ride.mp4", 1000, "video/mp4",
    )  # fmt: skip
    assert second.options == Options(target_s=60.0)
    assert cloud.jobs.get_batch(begun.batch_id).job_ids == (first.id, second.id)
    assert signer.signed == [
        ("POST", source(first.id), "video/mp4", 1000, 60),
        ("POST", source(second.id), "audio/mp4", 7, 60),
    ]


def test_whoever_cannot_resume_uploads_in_one_request(cloud: LocalCloud, signer: CountingSigner) -> None:
    begin(cloud, signer, is_resumable=False)
    assert [method for method, *_ in signer.signed] == ["PUT", "PUT"]


def test_a_request_without_a_key_is_a_new_one(cloud: LocalCloud, signer: CountingSigner) -> None:
    assert not set(ids(begin(cloud, signer))) & set(ids(begin(cloud, signer)))


def test_the_same_key_and_body_are_the_same_jobs_with_fresh_addresses(
    cloud: LocalCloud, signer: CountingSigner
) -> None:
    first, again = begin(cloud, signer, key="k"), begin(cloud, signer, key="k")
    assert ids(first) == ids(again)
    assert [each.upload and each.upload.url for each in again.uploads] == ["https://u.test/3", "https://u.test/4"]
    assert len(cloud.jobs.list()) == 2


def test_many_files_are_signed_several_at_a_time_and_answered_in_their_order(cloud: LocalCloud) -> None:
    signer = CallingSigner()
    files = [announced(name=f"{number}.mp4", size_bytes=5, content_type="video/mp4") for number in range(25)]
    for _ in range(2):  # the second time the jobs are there
        wanted = UploadsWanted(files=files)
        begun = begin_uploads(cloud, signer, wanted, owner="ada", idempotency_key="k", expires_s=60, max_files=25)
        assert [each.file.name for each in begun.uploads] == [file.name for file in files]
        for each in begun.uploads:
            assert each.upload is not None and each.upload.url == f"https://u.test/{source(each.job_id)}"
        assert 1 < signer.most_at_once <= SIGNED_AT_ONCE
    assert len(signer.signed) == 50


def test_a_key_is_its_owner_s_own(cloud: LocalCloud, signer: CountingSigner) -> None:
    assert not set(ids(begin(cloud, signer, key="k"))) & set(ids(begin(cloud, signer, key="k", owner="bob")))


@pytest.mark.parametrize("changes", [{"labels": {}}, {"options": Options(target_s=9.0)}, {"files": FILES[:1]}])
def test_a_key_with_another_body_is_refused(cloud: LocalCloud, signer: CountingSigner, changes: dict[str, Any]) -> None:
    begin(cloud, signer, key="k")
    with pytest.raises(BadRequest) as caught:
        begin(cloud, signer, key="k", **changes)
    assert caught.value.code == "idempotency_key_reused"


def test_nothing_is_made_while_nobody_signs(cloud: LocalCloud, signer: CountingSigner) -> None:
    signer.is_out_of_reach = True
    with pytest.raises(TryAgain):
        begin(cloud, signer, key="k")
    assert not cloud.jobs.list()


def test_a_request_that_was_stopped_between_its_records_is_completed(
    cloud: LocalCloud, signer: CountingSigner, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(cloud.jobs, "create_batch", raising)
        begin(cloud, signer, key="k")
    with pytest.raises(BadRequest, match="Idempotency-Key"):
        begin(cloud, signer, key="k", labels={"match": "18"})
    assert cloud.jobs.get_batch(begin(cloud, signer, key="k").batch_id).owner == "ada"
    assert len(cloud.jobs.list()) == 2


def raising(_: object) -> bool:
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("file", "code"),
    [
        ({"name": ""}, "bad_name"),
        ({"name": "a\nb.mp4"}, "bad_name"),
        ({"name": "a\x00.mp4"}, "bad_name"),
        ({"name": "\ud800.mp4"}, "bad_name"),
        ({"name": "x" * 256}, "bad_name"),
        ({"name": "clips/.."}, "bad_name"),
        ({"name": "clips/"}, "bad_name"),
        ({"size_bytes": 0}, "empty_file"),
        ({"size_bytes": 1001}, "too_large"),
        ({"content_type": "text/html"}, "wrong_type"),
        ({"content_type": "video/mp4\r\nX-Evil: 1"}, "wrong_type"),
        ({"content_type": "video/"}, "wrong_type"),
    ],
)
def test_a_file_that_cannot_be_taken_is_told_before_anything_is_made(
    cloud: LocalCloud, signer: CountingSigner, file: dict[str, Any], code: str
) -> None:
    odd = announced(**{"name": "ride.mp4", "size_bytes": 1, "content_type": "video/mp4", **file})
    with pytest.raises(BadFiles) as caught:
        begin(cloud, signer, files=(FILES[0], odd))
    assert [(each.file, each.code) for each in caught.value.errors] == [(1, code)]
    assert caught.value.code == code
    assert not cloud.jobs.list()
    assert not signer.signed


def test_all_faults_are_told_at_once(cloud: LocalCloud, signer: CountingSigner) -> None:
    files = [announced(name="", size_bytes=0, content_type="video/mp4")] * 2
    with pytest.raises(BadFiles) as caught:
        begin(cloud, signer, files=files)
    assert caught.value.code == "bad_files"
    assert [(each.file, each.code) for each in caught.value.errors] == [
        (0, "bad_name"), (0, "empty_file"), (1, "bad_name"), (1, "empty_file"),
    ]  # fmt: skip


def test_more_files_than_fit_are_refused(cloud: LocalCloud, signer: CountingSigner) -> None:
    with pytest.raises(BadRequest) as caught:
        begin(cloud, signer, files=FILES * 2)
    assert caught.value.code == "too_many_files"


def test_of_a_path_the_last_part_is_kept_and_of_a_type_its_parameters_are_not() -> None:
    file = announced(name="C:\\fakepath\\day 1/ride.webm", size_bytes=1, content_type="Video/WebM; codecs=vp9")
    assert (file.name, file.content_type) == ("ride.webm", "video/webm")
