"""What the status of a job costs the server: CPU of its process for a request, beside a request for nothing at all.

A real server is asked over one connection, in turns, for its health and for three jobs: a usual one of 4 chunks, one of
200 chunks of which a quarter runs, and the worst, of 200 chunks that all run. What a status takes more than health is
held to the bound, by the median of the rounds; the client's own work does not count.
"""

import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import httpx
import psutil

from functions.local.run_jobs import new_job_id
from shared.connect import connect_local
from shared.domain.chunk import Lease
from shared.domain.job import NO_PLAN, Job, Source, Stage
from shared.domain.options import Options
from shared.domain.units import ChunkPlan
from shared.settings import Settings
from tests.emulators.processes import free_port, server

ROOT = Path(__file__).parents[1]
CASES = {"usual": (4, 2), "large": (200, 50), "worst": (200, 200)}
"""Chunks of a job's stage, and how many of them run; the others are done."""
ROUNDS, REQUESTS = 5, 300
MOST_S = 0.002
WARM_UP = 20


def main() -> int:
    """Print the figures; returns 1 when a status request costs too much."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        jobs = {case: _job(home, chunks, running) for case, (chunks, running) in CASES.items()}
        port = free_port()
        log = home / "server.log"
        environment = {**os.environ, **Settings(cloud="local", home=home).as_environment(), "PYTHONPATH": str(ROOT)}
        environment |= {"MONTAGE_REQUESTS_PER_MINUTE": "0"}
        program = [sys.executable, "-m", "uvicorn", "--factory", "functions.api:app", "--no-access-log"]
        with server([*program, "--port", str(port)], log=log, port=port, environment=environment):
            rounds = _rounds(f"http://127.0.0.1:{port}", jobs)
    return 0 if all([_tell(case, rounds) for case in CASES]) else 1


def _rounds(url: str, jobs: Mapping[str, str]) -> list[dict[str, float]]:
    """Return for each round what a request of each kind took, in CPU seconds of the server."""
    process = _listener(url)
    paths = {"health": "/v1/health", **{case: f"/v1/jobs/{job_id}" for case, job_id in jobs.items()}}
    with httpx.Client(base_url=url) as client:
        for path in paths.values():
            _cpu_s(process, client, path, WARM_UP)
        return [{kind: _cpu_s(process, client, path, REQUESTS) for kind, path in paths.items()} for _ in range(ROUNDS)]


def _tell(case: str, rounds: Sequence[Mapping[str, float]]) -> bool:
    """Print a case's figures; returns whether they are within the bound."""
    more_s = statistics.median(each[case] - each["health"] for each in rounds)
    chunks, running = CASES[case]
    line = {
        "job": case,
        "chunks": chunks,
        "running": running,
        "health_cpu_ms": round(1000 * statistics.median(each["health"] for each in rounds), 3),
        "status_cpu_ms": round(1000 * statistics.median(each[case] for each in rounds), 3),
        "more_ms": round(1000 * more_s, 3),
        "bound_ms": 1000 * MOST_S,
        "ok": more_s <= MOST_S,
    }
    print(json.dumps(line), flush=True)
    return more_s <= MOST_S


def _listener(url: str) -> psutil.Process:
    """Return the server: of our children the one that listens there."""
    port = int(url.rpartition(":")[2])
    for child in psutil.Process().children(recursive=True):
        if any(each.laddr and each.laddr.port == port for each in child.net_connections()):
            return child
    raise RuntimeError("the server is not there")


def _cpu_s(process: psutil.Process, client: httpx.Client, path: str, requests: int) -> float:
    """Return the server's CPU seconds for one request."""
    before = process.cpu_times()
    for _ in range(requests):
        answer = client.get(path)
        if answer.status_code != 200:
            raise RuntimeError(f"{path}: {answer.status_code} {answer.text[:300]}")
    after = process.cpu_times()
    return (after.user + after.system - before.user - before.system) / requests


def _job(home: Path, chunks: int, running: int) -> str:
    """Make a job that looks for movement, and return its id."""
    with connect_local(Settings(cloud="local", home=home)) as cloud:
        pose = Stage(
            plan=ChunkPlan(unit_s=10.0, units=chunks * 6, units_per_chunk=6),
            state="launched",
            run_id="r",
            execution="e",
            started_at=time.time() - 60,
        )
        job = Job(id=new_job_id(), source=Source(file_name="ride.mp4"), options=Options(), created_at=time.time())
        cloud.jobs.create(job)
        stages = {"pose": pose, "transcribe": Stage(plan=NO_PLAN, state="skipped")}
        cloud.jobs.update(job.id, lambda job: replace(job, state="analysing", stages=stages))  # type: ignore[arg-type]
        for index in range(chunks):
            lease = cloud.jobs.start_chunk(job.id, "pose", index, run_id="r", task_attempt=0)
            if isinstance(lease, Lease) and index >= running:
                cloud.jobs.finish_chunk(lease, result=f"work/{job.id}/pose/{index:05d}.x.json", numbers={"s": 1.0})
        return job.id


if __name__ == "__main__":
    sys.exit(main())
