"""A job request whose source lies in a bucket of Cloud Storage."""

import secrets
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from shared.adapters.gcp.clients import GoogleClients
from shared.adapters.gcp.cloud_storage import CloudStorage
from shared.domain.messages import JobRequested
from shared.domain.object_names import source
from shared.errors import BadRequest
from shared.pipeline.request_job import request_job
from shared.ports import RequestRules
from shared.settings import GoogleSettings
from tests.clips import ClipSpec, make_clip
from tests.one_machine import one_machine

pytestmark = [pytest.mark.emulators, pytest.mark.slow]


def test_a_requested_film_is_copied_by_the_store_and_becomes_a_reel(storage_url: str, tmp_path: Path) -> None:
    clip = make_clip(tmp_path, ClipSpec(seconds=12.0, fps=ClipSpec().fps / 3, has_sound=False))
    footage, ours = (f"{name}-{secrets.token_hex(4)}" for name in ("footage", "uploads"))
    machine = one_machine(tmp_path / "home")
    with closing(GoogleClients(GoogleSettings(project="p", storage_emulator_host=storage_url))) as clients:
        for bucket in (footage, ours):
            clients.storage.create_bucket(bucket)
        CloudStorage(clients.storage, footage, timeout_s=5.0).upload(clip, "league/match 17.mp4")
        rules = RequestRules(buckets=frozenset({footage}), server_key=lambda: b"key")
        uploads = CloudStorage(clients.storage, ours, timeout_s=5.0)
        machine.cloud = replace(machine.cloud, uploads=uploads, requests=rules)
        machine.launcher.cloud = machine.cloud

        request = JobRequested(request_id="1", source=f"gs://{footage}/league/match 17.mp4")
        for _ in range(3):
            request_job(machine.cloud, request)
        (job,) = machine.cloud.jobs.list()
        assert (job.state, job.source.file_name) == ("analysing", "match 17.mp4")
        assert uploads.stat(source(job.id)).generation == job.source.generation
        assert machine.run_to_the_end(job.id).state == "done"

        for missing in (f"gs://{footage}/none.mp4", f"gs://{ours}/{source(job.id)}"):
            with pytest.raises(BadRequest):
                request_job(machine.cloud, request.model_copy(update={"request_id": "2", "source": missing}))
        assert len(machine.cloud.jobs.list()) == 1
