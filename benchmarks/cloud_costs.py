"""What a job asks of the cloud's services, by its number of chunks: record reads and writes, messages, calls.

    python -m benchmarks.cloud_costs [--chunks 1,10,100,1000]

Real handlers and real tasks, whose work is a stub, run on one machine behind a layer that counts what Google Cloud
would bill: 100 tasks work at once, the watchdog looks after each 100, and everything happens in a moment, so that no
figure depends on how long something takes. What a heartbeat costs depends on nothing else, so it is counted apart, with
short times. Prints a JSON line for each job and a summary line; exits 1 when a bound is missed.
"""

import argparse
import json
import math
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

from jobs.task import Part, Task
from shared.pipeline.watch import watch
from shared.settings import Settings
from tests.counting import Counts, counted
from tests.one_machine import make_part
from tests.waves import WaveLauncher, machine_of_waves, slow_film, submit

CHUNKS = (1, 10, 100, 1000)
AT_ONCE = 100
WRITES_PER_CHUNK = 3
BEAT_EVERY_S, BEATEN_S = 0.05, 1.0

MOST_PER_CHUNK = {
    "job_reads": 4.0,
    "chunk_reads": 6.0,
    "chunk_writes": float(WRITES_PER_CHUNK),
    "object_reads": 3.0,
    "object_writes": 1.5,
    "listings": 2.0,
    "messages": 1.0,
    "state_calls": 0.2,
}
"""For each chunk, beside `ONCE`: a job of ten times the chunks may ask for ten times as much, and no more."""
ONCE = 120
"""What a job of no chunks may ask of each service: about ten rounds, each with a few looks."""
MOST_LAUNCHES = 3
MOST_JOB_WRITES = 60
"""For any number of chunks: 19 for the states of two stages, and two for each tenth of a stage that others are told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """What one job asked for."""

    chunks: int
    figures: dict[str, int]

    def line(self) -> str:
        """Return the figures as JSON."""
        return json.dumps({"chunks": self.chunks, **self.figures})

    def missed(self) -> list[str]:
        """Return the bounds that were missed, in words."""
        most = {name: ONCE + each * self.chunks for name, each in MOST_PER_CHUNK.items()}
        most |= {"launches": MOST_LAUNCHES, "job_writes": MOST_JOB_WRITES}
        most |= {"chunk_writes": WRITES_PER_CHUNK * (self.chunks + 1)}  # one is the merge's
        return [
            f"{self.chunks} chunks: {self.figures[name]} {name}, at most {bound:g}"
            for name, bound in most.items()
            if self.figures.get(name, 0) > bound
        ]


def main() -> int:
    """Print a line for each job and a summary; 1 when a bound is missed, else 0."""
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--chunks", default=",".join(map(str, CHUNKS)), help="jobs of how many chunks, with commas")
    sizes = [int(word) for word in words.parse_args().chunks.split(",")]
    with tempfile.TemporaryDirectory(prefix="montage-bench-") as scratch:
        found = [_costs(Path(scratch) / str(chunks), chunks) for chunks in sizes]
        writes, most_writes = _beaten(Path(scratch) / "beaten")
    missed = [words for each in found for words in each.missed()]
    job_writes = sorted({each.figures["job_writes"] for each in found})
    if writes > most_writes:
        missed.append(f"a chunk that beats: {writes} writes, at most {most_writes}")
    if Settings(cloud="gcp").beat_every_s < 20:
        missed.append("tasks write their position more often than every 20 s")
    for words_of_it in missed:
        print(words_of_it)
    last = found[-1]
    each = {name: round(last.figures.get(name, 0) / last.chunks, 2) for name in MOST_PER_CHUNK}
    print(
        f"bench-cloud: at most {job_writes[-1]} job-record writes for any number of chunks; for each of {last.chunks} "
        f"{each['job_reads'] + each['chunk_reads']:.1f} reads, {each['chunk_writes']} writes, "
        f"{each['messages']} messages; {'missed' if missed else 'all bounds kept'}"
    )
    return 1 if missed else 0


def _costs(home: Path, chunks: int) -> Costs:
    home.mkdir()
    machine = machine_of_waves(home, parallelism=AT_ONCE)
    counts = Counts()
    cloud = counted(machine.cloud, counts)
    launcher = machine.launcher
    assert isinstance(launcher, WaveLauncher)
    launcher.cloud, launcher.look = cloud, lambda: watch(cloud)
    job = replace(machine, cloud=cloud).run_to_the_end(submit(machine, slow_film(home / "film.mp4", chunks)).id)
    assert (job.state, job.stages["pose"].plan.chunks) == ("done", chunks), job
    machine.cloud.close()
    found = Costs(chunks=chunks, figures=counts.figures())
    print(found.line(), flush=True)
    return found


def _beaten(home: Path) -> tuple[int, int]:
    """Return how often a chunk was written whose task moves all the time, and how often it may be at most."""

    def moving(task: Task) -> Part:
        began = time.monotonic()
        while (elapsed_s := time.monotonic() - began) < BEATEN_S:
            task.progress(elapsed_s / BEATEN_S)
            time.sleep(BEAT_EVERY_S / 10)
        return make_part(task)

    home.mkdir()
    machine = machine_of_waves(home, parallelism=1, pose=moving)
    launcher, counts = machine.launcher, Counts()
    launcher.settings = launcher.settings.model_copy(update={"beat_every_s": BEAT_EVERY_S})
    launcher.cloud = counted(machine.cloud, counts)
    job = machine.run_to_the_end(submit(machine, slow_film(home / "film.mp4", 1)).id)
    (chunk,) = machine.cloud.jobs.chunks(job.id, "pose")
    elapsed_s = (chunk.numbers or {})["elapsed_s"]
    machine.cloud.close()
    writes = counts["chunk_writes"] - 2  # the merge's
    most = WRITES_PER_CHUNK + math.ceil(elapsed_s / BEAT_EVERY_S)
    print(json.dumps({"chunk_writes": writes, "elapsed_in_beats": round(elapsed_s / BEAT_EVERY_S, 1), "most": most}))
    return writes, most


if __name__ == "__main__":
    sys.exit(main())
