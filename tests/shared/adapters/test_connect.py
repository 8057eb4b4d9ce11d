import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from pydantic import SecretStr

from shared.connect import LocalCloud, connect, connect_local, connect_signers, local_buckets
from shared.domain.messages import JobEvent, ObjectFinalized, StageDone, StageRequested, parse
from shared.errors import MontageError
from shared.settings import GoogleSettings, Settings

JOB = "a" * 26


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home", workers=1, max_attempts=7)


def test_connecting_makes_no_file_and_starts_no_thread(settings: Settings) -> None:
    threads = threading.active_count()
    connect_local(settings).close()
    assert threading.active_count() == threads
    assert not settings.home.exists()


def test_the_cloud_is_local_unless_asked_otherwise(settings: Settings) -> None:
    cloud = connect(settings, clock=lambda: 5.0)
    assert isinstance(cloud, LocalCloud)
    assert (cloud.clock(), cloud.limits.max_attempts) == (5.0, 7)


def test_an_upload_is_kept_where_it_lies_and_told_to_the_bus(settings: Settings, tmp_path: Path) -> None:
    clip = tmp_path / "clip.mov"
    clip.write_bytes(b"picture")
    with connect_local(settings) as cloud:
        stat = cloud.uploads.upload(clip, f"uploads/{JOB}/source", only_if_absent=True)
        delivery = cloud.deliveries.take(keys=[JOB])
        assert delivery is not None
        assert parse(delivery.body) == ObjectFinalized(
            bucket="uploads", name=stat.name, generation=stat.generation, size_bytes=7
        )
        clip.write_bytes(b"other picture")
        assert cloud.uploads.stat(stat.name).generation != stat.generation


def test_work_and_downloads_are_copies_and_tell_nobody(settings: Settings, tmp_path: Path) -> None:
    part = tmp_path / "part.json"
    part.write_bytes(b"{}")
    with connect_local(settings) as cloud:
        for store in (cloud.work, cloud.downloads):
            store.upload(part, "a/b")
        part.unlink()
        assert cloud.work.read("a/b") == cloud.downloads.read("a/b") == b"{}"
        assert list(cloud.uploads.list("")) == []
        assert cloud.deliveries.take() is None


def test_the_pump_gets_what_it_handles_and_nothing_else(settings: Settings) -> None:
    with connect_local(settings) as cloud:
        cloud.bus.publish(JobEvent(type="done", job_id=JOB, epoch=1, revision=1, n=0, state="done"))
        cloud.bus.publish(StageRequested(job_id=JOB, epoch=1, stage="pose", request=1))
        cloud.bus.publish(StageDone(job_id=JOB, epoch=1, stage="pose"))
        topics = [delivery.topic for _ in range(2) if (delivery := cloud.deliveries.take()) is not None]
        assert topics == ["stage-requested", "stage-done"]
        assert cloud.deliveries.take() is None


def test_importing_connect_loads_no_adapter() -> None:
    code = "import sys, shared.connect; sys.exit(any(name.startswith('shared.adapters') for name in sys.modules))"
    root = Path(__file__).parents[3]
    assert subprocess.run([sys.executable, "-c", code], cwd=root, check=False).returncode == 0


def test_signing_makes_a_key_when_it_is_first_asked_to_and_keeps_it(settings: Settings) -> None:
    signers = connect_signers(settings, clock=lambda: 5.0)
    assert not settings.home.exists()
    url = signers.downloads.download("a", file_name="a", expires_s=60)
    assert url.startswith("http://localhost:8080/objects/downloads/a?")
    assert connect_signers(settings, clock=lambda: 5.0).downloads.download("a", file_name="a", expires_s=60) == url
    other = settings.model_copy(update={"server_key": SecretStr("another")})
    assert connect_signers(other, clock=lambda: 5.0).downloads.download("a", file_name="a", expires_s=60) != url


def test_only_this_machine_s_buckets_are_served_by_it(settings: Settings) -> None:
    with connect_local(settings) as cloud:
        signers = connect_signers(settings)
        assert set(local_buckets(cloud, signers)) == {"uploads", "downloads"}
        with pytest.raises(TypeError, match="not on this machine"):
            local_buckets(replace(cloud, uploads=cast("Any", object())), signers)


def test_on_google_cloud_signers_need_accounts_and_buckets() -> None:
    with pytest.raises(MontageError) as caught:
        connect_signers(Settings(cloud="gcp", google=GoogleSettings(project="p")))
    assert caught.value.code == "not_configured"
    assert "MONTAGE_GOOGLE_UPLOADS_BUCKET" in caught.value.message


@pytest.mark.parametrize("url", ["localhost:8080", "ftp://x", "http://x?y", "http://", "http://a b"])
def test_what_addresses_begin_with_is_an_address(url: str) -> None:
    with pytest.raises(ValueError, match="public_url"):
        Settings(public_url=url)
