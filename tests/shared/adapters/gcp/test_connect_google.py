"""The whole of Google Cloud, as the settings name it, on emulators."""

import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import grpc
import pytest
from google.cloud.pubsub_v1 import PublisherClient
from google.pubsub_v1.services.publisher.transports import PublisherGrpcTransport

from shared.adapters.gcp.clients import GoogleClients
from shared.connect import connect
from shared.domain.job import Job, Source
from shared.domain.messages import StageRequested
from shared.domain.object_names import source
from shared.domain.options import Options
from shared.errors import MontageError
from shared.ports import Cloud
from shared.settings import GoogleSettings, Settings
from tests.contracts.job_launcher import wait_for_end
from tests.emulators.fake_run import fake_run

PROJECT, REGION = "montage-connected", "europe-west1"
JOB = "c" * 26


@pytest.fixture
def settings(storage_url: str, firestore_host: str, pubsub_host: str, tmp_path: Path) -> Iterator[Settings]:
    note = f"import pathlib, sys; pathlib.Path({str(tmp_path)!r}, sys.argv[2]).touch()"
    command = {"pose": [sys.executable, "-S", "-c", note]}
    with fake_run(command, environment={}, project=PROJECT, region=REGION) as run:
        yield Settings(
            cloud="gcp",
            home=tmp_path,
            google=GoogleSettings(
                project=PROJECT,
                region=REGION,
                uploads_bucket="connected-uploads",
                work_bucket="connected-work",
                downloads_bucket="connected-downloads",
                storage_emulator_host=storage_url,
                firestore_emulator_host=firestore_host,
                pubsub_emulator_host=pubsub_host,
                run_emulator_host=run.address,
            ),
        )


@pytest.mark.emulators
@pytest.mark.slow
def test_everything_is_plugged_in(settings: Settings, tmp_path: Path) -> None:
    make_buckets_and_topics(settings.google)
    cloud = connect(settings)
    for store in (cloud.uploads, cloud.work, cloud.downloads):
        store.write(source(JOB), b"picture", only_if_absent=True)
    with cloud.uploads.open(source(JOB)) as file:
        assert file.read() == b"picture"
    job = Job(id=JOB, source=Source(file_name="ride.mp4"), options=Options(), created_at=time.time())
    assert cloud.jobs.create(job)
    assert cloud.jobs.get(JOB) == job
    cloud.bus.publish(StageRequested(job_id=JOB, epoch=1, stage="pose", request=1))
    wait_for_end(cloud.launcher, cloud.launcher.launch("pose", JOB, "run-1", tasks=1))
    assert (tmp_path / "run-1").exists()
    assert is_patient(cloud)
    close(cloud)


def test_what_is_not_set_is_named() -> None:
    with pytest.raises(MontageError, match="MONTAGE_GOOGLE_REGION, MONTAGE_GOOGLE_WORK_BUCKET") as caught:
        google = GoogleSettings(project="p", uploads_bucket="u", downloads_bucket="d")
        connect(Settings(cloud="gcp", google=google))
    assert caught.value.code == "not_configured"


def is_patient(cloud: Cloud) -> bool:
    """Return whether launches may take as long as a cloud needs for them."""
    return cloud.limits.launching_s > 10


def make_buckets_and_topics(settings: GoogleSettings) -> None:
    with closing(GoogleClients(settings)) as clients:
        for name in ("uploads", "work", "downloads"):
            clients.storage.create_bucket(f"connected-{name}")
    channel = grpc.insecure_channel(str(settings.pubsub_emulator_host))
    with closing(channel):
        publisher = PublisherClient(transport=PublisherGrpcTransport(channel=channel))
        publisher.create_topic(name=f"projects/{PROJECT}/topics/stage-requested")


def close(cloud: Cloud) -> None:
    """Close the clients, which a process of its own would leave to its end."""
    for held in (cloud.uploads, cloud.jobs, cloud.bus, cloud.launcher):
        close_all = getattr(held, "close", None)
        if close_all is not None:
            close_all()


def test_missing_credentials_are_a_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("HOME", "CLOUDSDK_CONFIG", "APPDATA"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "none.json"))
    google = GoogleSettings(project="x", region="x", uploads_bucket="x", work_bucket="x", downloads_bucket="x")
    with pytest.raises(MontageError, match="there are no credentials that serve") as caught:
        connect(Settings(cloud="gcp", google=google))
    assert caught.value.code == "not_allowed"
