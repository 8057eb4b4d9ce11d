"""kill -9 of whoever handles messages, and of tasks, at ten moments each: the same reel, and nothing computed twice."""

import random
import signal
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest

from shared.domain.job import Job
from shared.domain.object_names import artifact
from shared.domain.options import Options
from tests.killed_machine import machine_below
from tests.waves import UNIT_S, slow_film

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
CHUNKS, MOMENTS = 4, 10


@dataclass(frozen=True, kw_only=True)
class Left:
    """What is to be seen of a job, whatever happened to it."""

    state: str
    reel: bytes
    told: frozenset[str]


def new_job(home: Path) -> str:
    machine = machine_below(home)
    film = slow_film(home.parent / f"{home.name}.mp4", CHUNKS)
    job = machine.submit(film, options=Options(mode="motion", chunk_s=UNIT_S))
    machine.cloud.close()
    return job.id


def run(home: Path, side: str, *, moment: int, turn: int) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tests.killed_machine", str(home), side, str(moment), str(turn)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)


def left(home: Path, job_id: str) -> Left:
    machine = machine_below(home)
    job: Job = machine.cloud.jobs.get(job_id)
    reel = machine.cloud.downloads.read(artifact(job_id, 1, "reel.mp4"))
    machine.cloud.close()
    lines = (home / "told").read_text().splitlines()
    return Left(state=job.state, reel=reel, told=frozenset(lines))


def done_chunks(home: Path, job_id: str) -> set[int]:
    machine = machine_below(home)
    done = {chunk.index for chunk in machine.cloud.jobs.chunks(job_id, "pose") if chunk.state == "done"}
    machine.cloud.close()
    return done


def computed(home: Path) -> Counter[int]:
    path = home / "computed"
    return Counter(int(line) for line in path.read_text().split()) if path.exists() else Counter()


@pytest.mark.parametrize("side", ["functions", "tasks"])
def test_a_kill_between_any_two_effects_leaves_the_same_reel(tmp_path: Path, side: str) -> None:
    calm = tmp_path / "calm"
    calm.mkdir()
    calm_id = new_job(calm)
    undisturbed = run(calm, side, moment=0, turn=0)
    assert undisturbed.returncode == 0, undisturbed.stderr
    expected, moments = left(calm, calm_id), int(undisturbed.stdout)
    assert (expected.state, len(expected.told)) == ("done", 6)
    for moment in sorted(random.Random(side).sample(range(1, moments + 1), MOMENTS)):
        home = tmp_path / f"{side}-{moment}"
        home.mkdir()
        job_id = new_job(home)
        assert run(home, side, moment=moment, turn=0).returncode == -signal.SIGKILL
        done, before = done_chunks(home, job_id), computed(home)
        resumed = run(home, side, moment=0, turn=1)
        assert resumed.returncode == 0, f"killed at moment {moment} of {moments}: {resumed.stderr}"
        assert left(home, job_id) == expected, f"killed at moment {moment} of {moments}"
        assert all(computed(home)[chunk] == before[chunk] == 1 for chunk in done), "computed again"
