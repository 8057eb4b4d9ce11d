"""The API on one machine in a folder, called in this process."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from starlette.testclient import TestClient

from functions.local.object_routes import object_routes
from functions.v1.app import make_app
from functions.v1.context import Api
from shared.connect import LocalCloud, connect_keys, connect_local, connect_signers
from shared.domain.job import Job
from shared.domain.object_names import source
from shared.settings import Settings
from tests.one_machine import HandClock

HERE = "http://localhost"


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
    settings = Settings(**{"cloud": "local", "home": home, "public_url": HERE, "requests_per_minute": 0, **changes})
    with connect_local(settings, clock=clock) as cloud:
        signers, keys = connect_signers(settings, clock=clock), connect_keys(settings)
        objects = object_routes(settings, cloud, signers)
        app = make_app(Api(settings=settings, cloud=cloud, signers=signers, keys=keys), objects=objects)
        with TestClient(app, base_url=HERE, follow_redirects=False) as client:
            yield LocalApi(app=app, cloud=cloud, settings=settings, clock=clock, client=client)
        getattr(keys, "close", lambda: None)()
