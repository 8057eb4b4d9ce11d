"""What each Cloud Function costs before it is of use: CPU seconds of its own import and of its first event.

Every run is a process of its own. It imports the framework and Google's clients first, which nobody can spare; what our
code takes from there on is counted: importing the entry point and the adapters, and answering a recorded event with one
machine for a cloud, so that neither a network nor an emulator is in the figure. The bound is held by the median.

The framework of `api` is FastAPI, with `pydantic.v1`, which any application of it loads at its first route that takes a
parameter, to see whether that is of the old kind. As deployed, where building compiles all modules, our code is there
as bytecode: a run that is not counted writes it.
"""

import base64
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from functions.local.run_jobs import new_job_id
from shared.connect import connect_local
from shared.domain.job import Job, Source
from shared.domain.object_names import source
from shared.domain.options import Options
from shared.settings import Settings
from tests.clips import ClipSpec, make_clip

ROOT = Path(__file__).parents[1]
ENTRY_POINTS = ("on_upload", "on_stage_requested", "on_stage_done", "on_job_requested", "watchdog", "api")
RUNS = 5
MOST_S = 0.3
FORBIDDEN = ("mediapipe", "faster_whisper", "ctranslate2", "onnxruntime", "cv2", "numpy", "PIL")
"""Model runtimes, and what is large and not in the functions' lock."""
TIMEOUT_S = 60.0
CHILDS = {"PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "ignore", "PYTHONDONTWRITEBYTECODE": ""}

CHILD = """
import gc, json, os, sys, time
import fcntl, psutil, shutil, sqlite3  # what the one machine needs that stands for the cloud
target = os.environ["FUNCTION_TARGET"]
import functions_framework
if target == "api":  # health reaches for no cloud
    import fastapi, functions_framework.aio, starlette.testclient
    import pydantic.v1
else:
    import google.auth.jwt, requests
    import google.cloud.firestore, google.cloud.pubsub_v1, google.cloud.run_v2, google.cloud.storage
request = json.loads(sys.stdin.read())
gc.collect()  # a collection of what they left behind would fall upon us, or upon nobody
gc.freeze()
began_s = time.process_time()
app = functions_framework.create_app(target, request["main"])
if target == "api":
    client = starlette.testclient.TestClient(app, base_url="http://localhost")
else:
    import shared.adapters.gcp.cloud_run, shared.adapters.gcp.cloud_storage, shared.adapters.gcp.firestore
    import shared.adapters.gcp.clients, shared.adapters.gcp.pubsub, shared.adapters.gcp.push_auth
    client = app.test_client()
import_s = time.process_time() - began_s
if target == "api":
    answer = client.get("/v1/health")
else:
    answer = client.post("/", data=request["body"], headers=request["headers"])
first_event_s = time.process_time() - began_s - import_s
loaded = sorted(set(request["forbidden"]) & sys.modules.keys())
found = {"status": answer.status_code, "import_s": import_s, "first_event_s": first_event_s, "loaded": loaded}
print(json.dumps(found))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What one process found out."""

    status: int
    import_s: float
    first_event_s: float
    loaded: list[str]


def main() -> int:
    """Print a line per entry point; returns 1 when one is too slow or loads what it must not."""
    return 0 if all([_measure(target) for target in ENTRY_POINTS]) else 1


def _measure(target: str) -> bool:
    _run(target)  # compiles what has changed
    runs = [_run(target) for _ in range(RUNS)]
    own_s = statistics.median(run.import_s + run.first_event_s for run in runs)
    loaded = sorted({name for run in runs for name in run.loaded})
    is_good = own_s <= MOST_S and not loaded
    line = {
        "function": target,
        "import_cpu_s": round(statistics.median(run.import_s for run in runs), 3),
        "first_event_cpu_s": round(statistics.median(run.first_event_s for run in runs), 3),
        "own_cpu_s": round(own_s, 3),
        "bound_s": MOST_S,
        "loaded_needlessly": loaded,
        "ok": is_good,
    }
    print(json.dumps(line), flush=True)
    return is_good


def _run(target: str) -> Run:
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        request = {"main": str(ROOT / "functions" / "main.py"), "forbidden": FORBIDDEN, **_event(target, home)}
        environment = {**os.environ, **Settings(cloud="local", home=home).as_environment()}
        said = subprocess.run(
            [sys.executable, "-c", CHILD],
            input=json.dumps(request),
            env={**environment, **CHILDS, "FUNCTION_TARGET": target},
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
        )
    if said.returncode != 0:
        raise RuntimeError(f"{target} did not start:\n{said.stderr}")
    found = Run(**json.loads(said.stdout.splitlines()[-1]))
    if not 200 <= found.status < 300:
        raise RuntimeError(f"{target} answered {found.status}:\n{said.stderr}")
    return found


def _event(target: str, home: Path) -> Mapping[str, object]:
    """Return a request that gives the entry point work: an upload to look at, a job to look after."""
    job_id, generation, size_bytes = _uploaded(home)
    match target:
        case "on_upload":
            data = {"bucket": "uploads", "name": source(job_id), "generation": generation, "size": str(size_bytes)}
            headers = {
                "ce-id": "1",
                "ce-source": "//storage.googleapis.com/projects/_/buckets/uploads",
                "ce-specversion": "1.0",
                "ce-type": "google.cloud.storage.object.v1.finalized",
                "Content-Type": "application/json",
            }
            return {"headers": headers, "body": json.dumps(data)}
        case "on_stage_requested":
            return _push({"topic": "stage-requested", "job_id": job_id, "epoch": 1, "stage": "pose", "request": 9})
        case "on_stage_done":
            return _push({"topic": "stage-done", "job_id": job_id, "epoch": 1, "stage": "pose"})
        case "on_job_requested":
            return _push({"source": "https://example.com/film.mp4", "request_id": "1"})  # it is buried
        case _:
            return {"headers": {}, "body": ""}


def _push(message: Mapping[str, object]) -> Mapping[str, object]:
    data = base64.b64encode(json.dumps(message).encode()).decode()
    body = {"message": {"data": data, "messageId": "1"}, "subscription": "projects/p/subscriptions/s"}
    return {"headers": {"Content-Type": "application/json"}, "body": json.dumps(body)}


def _uploaded(home: Path) -> tuple[str, str, int]:
    """Return a job, and the generation and size of what was uploaded for it."""
    with connect_local(Settings(cloud="local", home=home)) as cloud:
        job = Job(id=new_job_id(), source=Source(file_name="ride.mp4"), options=Options(), created_at=time.time())
        cloud.jobs.create(job)
        stat = cloud.uploads.upload(make_clip(home, ClipSpec(seconds=2.0)), source(job.id))
        return job.id, stat.generation, stat.size_bytes


if __name__ == "__main__":
    sys.exit(main())
