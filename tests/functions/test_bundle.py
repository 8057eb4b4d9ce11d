"""The bundle as it is deployed: started by the framework's own command, fed over HTTP, on an emulated Google Cloud."""

import base64
import json
import os
import re
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from functions.local.bundle import stage
from functions.local.run_jobs import new_job_id
from shared.adapters.gcp.clients import GoogleClients
from shared.connect import connect
from shared.domain.job import Job, Source
from shared.domain.messages import Message, StageDone, StageRequested
from shared.domain.object_names import source
from shared.domain.options import Options
from shared.ports import Cloud
from shared.settings import GoogleSettings, Settings
from tests.clips import ClipSpec, make_clip
from tests.conftest import ROOT
from tests.contracts.job_launcher import wait_for_end
from tests.emulators.fake_run import fake_run
from tests.emulators.google import firestore_emulator, pubsub_emulator
from tests.emulators.processes import free_port, server
from tests.emulators.push_tokens import certs_server, push_token
from tests.emulators.storage_proxy import storage_proxy
from tests.functions.conftest import recorded

AUDIENCE, ACCOUNT = "https://montage.example/push", "pusher@montage.iam.gserviceaccount.com"
BUCKETS = ("uploads", "work", "downloads")
TOPICS = ("stage-requested", "stage-done", "job-events", "dead-letters")


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployed:
    """A cloud and the functions beside it."""

    cloud: Cloud
    settings: Settings
    bundle: Path
    logs: Path

    def start(self, functions: ExitStack, target: str) -> str:
        """Run an entry point as Cloud Run would, and return its address."""
        port = free_port()
        environment = {
            **self.settings.as_environment(),
            "FUNCTION_TARGET": target,
            "PYTHONPATH": str(self.bundle),  # before this checkout, which is installed as well
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        program = Path(sys.executable).with_name("functions-framework")
        command: list[str | Path] = [
            program,
            "--source",
            self.bundle / "main.py",
            "--host",
            "127.0.0.1",
            "--port",
            str(port),
        ]
        log = self.logs / f"{target}.log"
        functions.enter_context(server(command, log=log, port=port, environment=environment))
        return f"http://127.0.0.1:{port}"


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    folder = tmp_path_factory.mktemp("deployed")
    stage(folder / "bundle")
    project = f"montage-{secrets.token_hex(3)}"
    with ExitStack() as running:
        storage = running.enter_context(storage_proxy(tmp_path_factory.mktemp("storage"), keys={}, rights={}))
        nothing = {"pose": [sys.executable, "-S", "-c", "pass"]}
        run = running.enter_context(fake_run(nothing, environment={}, project=project, region="europe-west1"))
        google = GoogleSettings(
            project=project,
            region="europe-west1",
            uploads_bucket="montage-uploads",
            work_bucket="montage-work",
            downloads_bucket="montage-downloads",
            storage_emulator_host=storage.url,
            firestore_emulator_host=running.enter_context(firestore_emulator(folder)),
            pubsub_emulator_host=running.enter_context(pubsub_emulator(folder)),
            run_emulator_host=run.address,
            push_audience=AUDIENCE,
            push_service_account=ACCOUNT,
            push_certs_url=running.enter_context(certs_server()).url,
        )
        settings = Settings(cloud="gcp", home=folder, google=google)
        clients = GoogleClients(google)
        running.callback(clients.close)
        for bucket in BUCKETS:
            clients.storage.create_bucket(f"montage-{bucket}")
        for topic in TOPICS:
            clients.publisher.create_topic(name=f"projects/{project}/topics/{topic}")
        cloud = connect(settings)
        for held in (cloud.uploads, cloud.jobs, cloud.bus, cloud.launcher):
            running.callback(getattr(held, "close", lambda: None))
        yield Deployed(cloud=cloud, settings=settings, bundle=folder / "bundle", logs=folder)


def post(url: str, message: Message | bytes, *, token: str | None = None) -> int:
    push = recorded("push")
    data = message if isinstance(message, bytes) else message.model_dump_json().encode()
    push.body["message"]["data"] = base64.b64encode(data).decode()
    token = token if token is not None else push_token(audience=AUDIENCE, email=ACCOUNT)
    headers = {**push.headers, "Authorization": f"Bearer {token}"}
    return httpx.post(url, content=push.data, headers=headers, timeout=30.0).status_code


@pytest.mark.emulators
@pytest.mark.slow
def test_every_entry_point_does_its_work(deployed: Deployed, tmp_path: Path) -> None:
    cloud = deployed.cloud
    video = make_clip(tmp_path, ClipSpec(seconds=2.0, has_sound=False))
    job = Job(id=new_job_id(), source=Source(file_name="ride.mp4"), options=Options(), created_at=time.time())
    assert cloud.jobs.create(job)
    stat = cloud.uploads.upload(video, source(job.id))
    with ExitStack() as functions:
        url = deployed.start(functions, "on_upload")
        event = recorded("finalized_binary")
        event.body.update(name=stat.name, generation=stat.generation, size=str(stat.size_bytes))
        assert httpx.post(url, content=event.data, headers=event.headers, timeout=30.0).status_code == 200
        planned = cloud.jobs.get(job.id)
        assert planned.state == "analysing"

        url = deployed.start(functions, "on_stage_requested")
        order = StageRequested(job_id=job.id, epoch=1, stage="pose", request=planned.stages["pose"].requests)
        assert post(url, order, token="a.b.c") == 401
        assert post(url, order) == 204
        execution = cloud.jobs.get(job.id).stages["pose"].execution
        assert execution is not None
        wait_for_end(cloud.launcher, execution)
        assert post(url, order) == 204

    with ExitStack() as functions:
        url = deployed.start(functions, "on_stage_done")
        assert post(url, StageDone(job_id=job.id, epoch=1, stage="pose")) == 204
        assert post(url, b"{") == 204  # buried: answered 500 if it could not be published

        url = deployed.start(functions, "watchdog")
        headers = {"Authorization": f"Bearer {push_token(audience=AUDIENCE, email=ACCOUNT)}"}
        assert httpx.post(url, headers=headers, timeout=30.0).json() == {"jobs": 1, "failed": 0}

    with ExitStack() as functions:
        url = deployed.start(functions, "on_job_requested")
        assert post(url, b'{"source": "no address"}') == 204

        script = deployed.bundle / "functions" / "web" / "is_served.js"
        script.parent.mkdir(exist_ok=True)
        script.write_text("export {};")
        url = deployed.start(functions, "api")
        assert httpx.get(f"{url}/v1/health", timeout=30.0).json() == {"status": "ok"}
        assert_serves_the_page(url)
    said = [json.loads(line) for line in _lines(deployed.logs / "on_job_requested.log")]
    assert [line["code"] for line in said if line.get("event") == "dead_letter"] == ["bad_message"]


def assert_serves_the_page(url: str) -> None:
    sent = httpx.get(f"{url}/web/is_served.js", timeout=30.0)
    assert (sent.status_code, sent.text) == (200, "export {};")
    assert sent.headers["Content-Type"] == "text/javascript; charset=utf-8"
    assert "https" not in sent.headers["Content-Security-Policy"]  # but the emulator's
    head = httpx.head(f"{url}/web/is_served.js", timeout=30.0)
    assert (head.status_code, head.content, head.headers["Content-Length"]) == (200, b"", "10")
    known = httpx.get(f"{url}/web/is_served.js", headers={"If-None-Match": sent.headers["ETag"]}, timeout=30.0)
    assert (known.status_code, known.content) == (304, b"")
    assert httpx.get(f"{url}/web/%2e%2e/serving.py", timeout=30.0).status_code == 404
    assert httpx.get(f"{url}/web/", timeout=30.0).json()["code"] == "unknown_path"


def _lines(log: Path) -> list[str]:
    return [line for line in log.read_text("utf-8").splitlines() if line.startswith("{")]


def test_the_bundle_holds_what_is_deployed_and_nothing_else(tmp_path: Path) -> None:
    stage(tmp_path / "bundle")
    found = {path.relative_to(tmp_path / "bundle").as_posix() for path in (tmp_path / "bundle").rglob("*")}
    assert {"main.py", "requirements.txt", "functions/serving.py", "shared/pipeline/reconcile.py"} <= found
    assert not [name for name in found if "local/" in name and name.startswith("functions")]
    assert not [name for name in found if "__pycache__" in name or name.startswith(("tests", "jobs"))]
    assert not {"functions/main.py", "functions/requirements.txt"} & found


def test_a_bundle_made_twice_is_the_same(tmp_path: Path) -> None:
    first = stage(tmp_path / "bundle")
    before = contents(tmp_path / "bundle")
    (tmp_path / "bundle" / "left_over.py").touch()
    assert stage(tmp_path / "bundle") == first
    assert contents(tmp_path / "bundle") == before


def test_a_folder_that_is_no_bundle_is_spared(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").touch()
    with pytest.raises(SystemExit, match="no bundle"):
        stage(tmp_path)
    assert (tmp_path / "thesis.txt").exists()


def contents(folder: Path) -> Mapping[str, tuple[bytes, int]]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): (path.read_bytes(), path.stat().st_mode) for path in files}


IMPORTED = """
import functions.main, json, sys
import shared.adapters.gcp.clients, shared.adapters.gcp.push_auth, shared.media.probe
from importlib.metadata import packages_distributions
owners = packages_distributions()
print(json.dumps(sorted({owner for name in sys.modules for owner in owners.get(name.split(".")[0], [])})))
"""


def test_everything_the_functions_import_is_in_their_lock() -> None:
    """What a developer's machine has besides them would hide that a function lacks it."""
    lock = (ROOT / "functions" / "requirements.txt").read_text("utf-8")
    locked = set(re.findall(r"^([a-z0-9._-]+)==", lock, re.MULTILINE))
    environment = {name: value for name, value in os.environ.items() if name != "FUNCTION_TARGET"}
    environment["PYTHONPATH"] = str(ROOT)
    said = subprocess.run(
        [sys.executable, "-c", IMPORTED], env=environment, capture_output=True, check=True, text=True, timeout=60
    )
    imported = {re.sub(r"[-_.]+", "-", name).lower() for name in json.loads(said.stdout)}
    assert {"av", "fastapi", "flask", "google-cloud-run", "functions-framework"} <= imported
    own = {name for name in imported if not name.startswith(("google", "grpc", "opentelemetry"))}  # folders of many
    assert own - locked <= {"montage", "setuptools"}  # installed editable, and what a .pth file of setuptools loads
