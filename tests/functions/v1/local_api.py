"""The API on one machine in a folder, called in this process."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

from fastapi import FastAPI
from starlette.testclient import TestClient

from functions.v1.app import make_app
from functions.v1.context import Api
from shared.adapters.local.sqlite_keys import SqliteKeys
from shared.connect import LocalCloud, connect_local
from shared.domain.job import Job
from shared.domain.object_names import source
from shared.ports import Clock, SignedUpload, Signers
from shared.settings import Settings
from tests.one_machine import HandClock


@dataclass(frozen=True, slots=True, kw_only=True)
class PlainSigner:
    """Says in the address what was asked for, where a signature would be."""

    bucket: str
    clock: Clock

    def resumable_upload(self, name: str, *, content_type: str, max_bytes: int, expires_s: int) -> SignedUpload:
        return self._upload("POST", name, content_type, max_bytes, expires_s)

    def single_upload(self, name: str, *, content_type: str, max_bytes: int, expires_s: int) -> SignedUpload:
        return self._upload("PUT", name, content_type, max_bytes, expires_s)

    def download(self, name: str, *, file_name: str, expires_s: int) -> str:
        return f"https://objects.test/{self.bucket}/{name}?as={quote(file_name)}&for={expires_s}"

    def _upload(self, method: str, name: str, content_type: str, max_bytes: int, expires_s: int) -> SignedUpload:
        return SignedUpload(
            url=f"https://objects.test/{self.bucket}/{name}",
            method=method,
            headers={"content-type": content_type, "x-goog-content-length-range": f"{max_bytes},{max_bytes}"},
            expires_at=self.clock() + expires_s,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalApi:
    """An application, what lies behind it, and a client of it."""

    app: FastAPI
    cloud: LocalCloud
    settings: Settings
    clock: HandClock
    client: TestClient

    def announce(self, *names: str, **more: Any) -> dict[str, Any]:
        """Announce files and return the answer."""
        files = [{"name": name, "size_bytes": 100, "content_type": "video/mp4"} for name in names or ("ride.mp4",)]
        answer = self.client.post("/v1/uploads", json={"files": files, **more})
        assert answer.status_code == 201, answer.text
        told: dict[str, Any] = answer.json()
        return told

    def job(self, **changes: Any) -> Job:
        """Return a new job, changed."""
        job_id = self.announce()["jobs"][0]["job"]
        return self.cloud.jobs.update(job_id, lambda job: replace(job, **changes))

    def arrived(self, job: Job, data: bytes = b"film") -> Job:
        """Put the source there and return the job, which knows of it."""
        stat = self.cloud.uploads.write(source(job.id), data)
        there = replace(job.source, generation=stat.generation, size_bytes=stat.size_bytes)
        return self.cloud.jobs.update(job.id, lambda job: replace(job, source=there))


@contextmanager
def local_api(home: Path, **changes: Any) -> Iterator[LocalApi]:
    """Yield the API with its records in the folder."""
    clock = HandClock()
    settings = Settings(cloud="local", home=home, **changes)
    with connect_local(settings, clock=clock) as cloud:
        signers = Signers(
            uploads=PlainSigner(bucket="uploads", clock=clock), downloads=PlainSigner(bucket="downloads", clock=clock)
        )
        keys = SqliteKeys(home / "jobs.sqlite3")
        app = make_app(Api(settings=settings, cloud=cloud, signers=signers, keys=keys))
        with TestClient(app, base_url="http://localhost", follow_redirects=False) as client:
            yield LocalApi(app=app, cloud=cloud, settings=settings, clock=clock, client=client)
        keys.close()
