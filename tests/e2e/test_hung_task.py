"""A task that hangs in a native call, holding the interpreter: its heartbeat stops, and nothing in it can help."""

import json
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from functions.local.event_pump import EventPump
from shared.connect import LocalCloud, connect_local
from shared.domain.job import Job, Source
from shared.domain.limits import Limits
from shared.domain.messages import StageName
from shared.domain.object_names import source
from shared.domain.options import Options
from shared.settings import Settings
from tests.shared.domain.records import JOB_ID
from tests.waves import UNIT_S, slow_film

pytestmark = pytest.mark.slow

SILENT_AFTER_S, RERUN_AFTER_S, HANGS_S = 1.5, 3.0, 8
WATCH_EVERY_S = 0.25
TASK = f"""
import ctypes, json, sys, time
from pathlib import Path
import jobs.task
from jobs.task import Part
from tests.one_machine import make_reel

stage, notes = sys.argv.pop(1), Path(sys.argv.pop(1))


def work(task):
    if stage == "merge":
        return make_reel(task)
    attempt = next(each.attempts for each in task.cloud.jobs.chunks(task.job.id, stage) if each.index == task.chunk)
    if task.chunk == 1 and attempt == 1:
        ctypes.PyDLL(None).sleep({HANGS_S})  # a PyDLL's functions keep the interpreter's lock
        (notes / "woke").touch()
    elif task.chunk == 0:  # moves on until the other is awake, so that their execution is not cancelled
        give_up_at = time.monotonic() + 60
        while not (notes / "refused").exists() and time.monotonic() < give_up_at:
            task.progress(time.monotonic() % 1)
            time.sleep(0.1)
    return Part(body=json.dumps({{"chunk": task.chunk, "attempt": attempt}}).encode(), numbers={{}})


jobs.task.main(stage, work)
"""


def cloud_below(home: Path, notes: Path) -> LocalCloud:
    """Return a machine of three workers and little patience."""
    from shared.adapters.local.process_launcher import ProcessLauncher  # the real one, with a program of ours

    settings = Settings(home=home, workers=3, beat_every_s=0.2)
    cloud = connect_local(settings)

    def command(stage: StageName, job_id: str, run_id: str) -> list[str]:
        return [sys.executable, "-c", TASK, stage, str(notes), job_id, run_id]

    limits = replace(Limits(), silent_after_s=SILENT_AFTER_S, rerun_after_s=RERUN_AFTER_S)
    launcher = ProcessLauncher(settings, home=home, clock=time.time, command=command)
    return replace(cloud, launcher=launcher, limits=limits, closers=(launcher.close, *cloud.closers))


def test_a_task_hung_in_a_native_call_is_named_and_replaced_and_its_late_result_refused(tmp_path: Path) -> None:
    home, notes = tmp_path / "home", tmp_path / "notes"
    notes.mkdir()
    options = Options(mode="motion", chunk_s=UNIT_S)
    job = Job(id=JOB_ID, source=Source(file_name="film.mp4"), options=options, created_at=time.time())
    named: list[tuple[int, ...]] = []
    with cloud_below(home, notes) as cloud:
        assert cloud.jobs.create(job)
        cloud.uploads.upload(slow_film(tmp_path / "film.mp4", 2), source(JOB_ID))
        pump = EventPump(cloud, cloud.deliveries, watchdog_every_s=WATCH_EVERY_S)
        give_up_at = time.monotonic() + 60
        while not (job := cloud.jobs.get(JOB_ID)).is_final:
            assert time.monotonic() < give_up_at, job
            if not pump.step():
                time.sleep(0.05)
            if "pose" in job.stages and (silent := job.stages["pose"].silent) not in named:
                named.append(silent)
            if (notes / "woke").exists() and "lease_lost" in logs(home):
                (notes / "refused").touch()
        chunks = cloud.jobs.chunks(JOB_ID, "pose")
        parts = [json.loads(cloud.work.read(str(chunk.result))) for chunk in chunks]
    assert (job.state, job.numbers["reel_s"]) == ("done", 2)
    assert named == [(), (1,), ()] or named == [(), (1,)]
    assert job.stages["pose"].launches == 2
    assert parts == [{"chunk": 0, "attempt": 1}, {"chunk": 1, "attempt": 2}]
    assert logs(home).count("lease_lost") == 1, "the late result was to be refused"


def logs(home: Path) -> str:
    return "".join(path.read_text() for path in (home / "logs").rglob("pose-*.log"))
