"""A task's process: what it does when it stands still or is told to stop."""

import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from jobs.task import DONE, STOPPED, STUCK
from shared.connect import LocalCloud, connect_local
from shared.domain import job as jobs
from shared.domain.limits import Limits
from shared.domain.object_names import run_list
from shared.domain.units import plan_chunks
from shared.lifeline import MORE_TASKS_VARIABLE, GivenTask
from shared.settings import Settings
from tests.shared.domain.records import JOB_ID, a_job, a_video

ROOT = Path(__file__).parents[2]
SLEEPER = """
import sys, time
from dataclasses import replace
import jobs.task
from shared.domain.limits import Limits


def work(task):
    print("working", flush=True)
    while True:  # the stuck one never looks
        time.sleep(0.05)
        if "--looks" in sys.argv:
            task.progress(time.monotonic())

connect = jobs.task.connect
jobs.task.connect = lambda settings: replace(connect(settings), limits=Limits(rerun_after_s=float(sys.argv[3])))
jobs.task.main("pose", work)
"""


SHORT = """
import jobs.task
from jobs.task import Part


def work(task):
    print("chunk", task.chunk, flush=True)
    task.ready()
    return Part(body=b"{}", numbers={"samples": 1})

jobs.task.main("pose", work)
"""


@pytest.fixture
def cloud(tmp_path: Path) -> LocalCloud:
    """A machine whose one job has launched a run of one chunk."""
    cloud = connect_local(Settings(home=tmp_path))
    plan = plan_chunks(duration_s=10, unit_s=10, chunk_s=10, max_tasks=1)
    job = jobs.uploaded(a_job(), generation="1", size_bytes=1, deadline=9e9)
    job = jobs.planned(job, media=a_video(), plans={"pose": plan}, warnings=(), deadline=9e9)
    job = jobs.stage_requested(job, "pose", now=2, seen_requests=0)
    job = jobs.stage_launching(job, "pose", run_id="run-1", now=3, until=9e9)
    assert cloud.jobs.create(job)
    cloud.work.write(run_list(JOB_ID, "pose", "run-1"), b'{"chunks": [0]}')
    return cloud


def start(
    home: Path, *words: str, stuck_after_s: float, attempt: int = 0, beat_every_s: float = 0.1
) -> subprocess.Popen[str]:
    settings = Settings(home=home, beat_every_s=beat_every_s)
    ours = {"PYTHONPATH": str(ROOT), "CLOUD_RUN_TASK_ATTEMPT": str(attempt)}
    environment = {**os.environ, **settings.as_environment(), **ours}
    return subprocess.Popen(
        [sys.executable, "-c", SLEEPER, JOB_ID, "run-1", str(stuck_after_s), *words],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_task_that_stands_still_ends_itself(cloud: LocalCloud, tmp_path: Path) -> None:
    task = start(tmp_path, stuck_after_s=0.5)
    _, log = task.communicate(timeout=20)
    assert task.returncode == STUCK
    assert '"event": "task_stuck"' in log
    (chunk,) = cloud.jobs.chunks(JOB_ID, "pose")
    assert chunk.state == "pending", "its next attempt takes over"
    assert chunk.error is not None and chunk.error.code == "task_stuck"


def test_what_stands_still_twice_is_given_up_with_a_sentence(cloud: LocalCloud, tmp_path: Path) -> None:
    codes = []
    for attempt in range(3):
        task = start(tmp_path, stuck_after_s=0.5, attempt=attempt)
        task.communicate(timeout=20)
        codes.append(task.returncode)
    assert codes == [STUCK, STUCK, DONE]
    (chunk,) = cloud.jobs.chunks(JOB_ID, "pose")
    assert chunk.state == "failed"
    assert chunk.error is not None and chunk.error.code == "task_stuck"
    assert chunk.error.message.startswith("ride.mp4: the pose task")
    assert "export the video" in chunk.error.message


def test_a_short_source_has_less_patience() -> None:
    limits = Limits()
    assert limits.max_stuck * (limits.stuck_after_s(59) + 5) + 20 <= 100
    assert limits.stuck_after_s(3600) == limits.rerun_after_s


def test_a_task_told_to_stop_hands_its_chunk_back_uncounted(cloud: LocalCloud, tmp_path: Path) -> None:
    task = start(tmp_path, "--looks", stuck_after_s=60)
    assert task.stdout is not None
    assert task.stdout.readline() == "working\n"
    task.send_signal(signal.SIGTERM)
    started_at = time.monotonic()
    task.communicate(timeout=20)
    assert task.returncode == STOPPED
    assert time.monotonic() - started_at < 5
    (chunk,) = cloud.jobs.chunks(JOB_ID, "pose")
    assert (chunk.state, chunk.attempts) == ("pending", 0)


def test_a_task_whose_job_is_cancelled_stops_within_5_s_though_it_writes_every_20(
    cloud: LocalCloud, tmp_path: Path
) -> None:
    task = start(tmp_path, "--looks", stuck_after_s=60, beat_every_s=20)
    assert task.stdout is not None
    assert task.stdout.readline() == "working\n"
    cloud.jobs.update(JOB_ID, lambda job: jobs.cancelled(job, now=1.0))
    started_at = time.monotonic()
    _, log = task.communicate(timeout=20)
    assert time.monotonic() - started_at < 5
    assert task.returncode == DONE
    assert '"event": "lease_lost"' in log
    (chunk,) = cloud.jobs.chunks(JOB_ID, "pose")
    assert (chunk.state, chunk.position) == ("pending", 0.0), (
        "it does not look as if it went on, and no beat was written"
    )


def test_a_task_that_does_not_see_that_its_job_is_cancelled_ends_itself_all_the_same(
    cloud: LocalCloud, tmp_path: Path
) -> None:
    task = start(tmp_path, stuck_after_s=1)
    assert task.stdout is not None
    assert task.stdout.readline() == "working\n"
    cloud.jobs.update(JOB_ID, lambda job: jobs.cancelled(job, now=1.0))
    task.communicate(timeout=20)
    assert task.returncode == STUCK
    assert cloud.jobs.chunks(JOB_ID, "pose")[0].error is None


def test_a_chunk_tells_how_long_its_task_took_to_start_from_the_birth_of_its_process(
    cloud: LocalCloud, tmp_path: Path
) -> None:
    before, started_at = time.time(), time.monotonic()
    environment = {**os.environ, **Settings(home=tmp_path).as_environment(), "PYTHONPATH": str(ROOT)}
    dawdler = f"import time; time.sleep(0.5)\n{SHORT}"  # as slow imports would
    task = subprocess.run([sys.executable, "-c", dawdler, JOB_ID, "run-1"], env=environment, check=False)
    took_s = time.monotonic() - started_at
    assert task.returncode == DONE
    (chunk,) = cloud.jobs.chunks(JOB_ID, "pose")
    numbers = chunk.numbers or {}
    assert numbers.keys() == {"elapsed_s", "start_up_s", "ready_at", "samples"}
    assert 0.5 < numbers["start_up_s"] < took_s
    assert before + 0.5 < numbers["ready_at"] <= chunk.moved_at + 0.001


def test_a_process_takes_further_chunks_each_with_its_own_lease_log_and_start_up(
    cloud: LocalCloud, tmp_path: Path
) -> None:
    ours, theirs = socket.socketpair()
    environment = {**os.environ, **Settings(home=tmp_path).as_environment(), "PYTHONPATH": str(ROOT)}
    plan = plan_chunks(duration_s=30, unit_s=10, chunk_s=10, max_tasks=3)
    cloud.jobs.update(JOB_ID, lambda job: replace(job, stages={"pose": replace(job.stages["pose"], plan=plan)}))
    cloud.work.write(run_list(JOB_ID, "pose", "run-1"), b'{"chunks": [0, 2]}')
    log_path = tmp_path / "second.log"
    with theirs:
        task = subprocess.Popen(
            [sys.executable, "-c", SHORT, JOB_ID, "run-1"],
            env={**environment, MORE_TASKS_VARIABLE: str(theirs.fileno())},
            pass_fds=[theirs.fileno()],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
    with ours:
        ours.settimeout(20)
        assert ours.recv(1) == b"?"
        ours.sendall(GivenTask(index=1, attempt=0, log_path=log_path).to_line())
        assert ours.recv(1) == b"?"
    first_log, _ = task.communicate(timeout=20)
    assert task.returncode == DONE
    chunks = cloud.jobs.chunks(JOB_ID, "pose")
    assert [(chunk.index, chunk.state, chunk.attempts) for chunk in chunks] == [(0, "done", 1), (2, "done", 1)]
    assert "chunk 0" in first_log and "chunk 2" not in first_log
    assert "chunk 2" in log_path.read_text() and '"chunk": 2' in log_path.read_text()
    first, second = ((chunk.numbers or {})["start_up_s"] for chunk in chunks)
    assert second < first
