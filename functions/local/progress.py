"""Progress on standard error: a bar per stage on a terminal, plain lines otherwise."""

import sys
import time
from typing import Protocol, TextIO

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn

from functions.local.outcome import clock
from functions.printable import printable
from shared.domain.chunk import ChunkSummary
from shared.domain.job import Job
from shared.domain.messages import StageName

STAGE_WORDS: dict[StageName, str] = {
    "pose": "finding movement",
    "transcribe": "writing down speech",
    "merge": "making the reel",
}
WIDE_COLUMNS = 110  # on a narrower terminal names are cut shorter, so that the bar stays
PLAIN_STEPS = 10  # a plain line at each tenth of a stage
SHORTEST_FOR_RATE_S = 1.0  # before that a rate is a guess


class Display(Protocol):
    """Shows how jobs are getting on."""

    def stage(self, job: Job, name: StageName, summary: ChunkSummary) -> None: ...

    def say(self, line: str) -> None: ...

    def close(self) -> None: ...


class StageClock:
    """Rate and time left of one stage, from its own positions."""

    def __init__(self, job: Job, name: StageName) -> None:
        self._source_s = job.duration_s
        self._first: tuple[float, float] | None = None
        """When it was first seen to have moved, and how far it was then: it may have waited for a worker before."""

    def describe(self, share: float) -> str:
        """Return e.g. "9.8× real time, 0:12 left"; nothing while it is too early to tell."""
        if share <= 0:
            return ""
        if self._first is None:
            self._first = time.monotonic(), share
        elapsed_s, gained = time.monotonic() - self._first[0], share - self._first[1]
        if gained <= 0 or elapsed_s < SHORTEST_FOR_RATE_S:
            return ""
        rate = gained / elapsed_s
        return f"{rate * self._source_s:.1f}× real time, {clock((1 - share) / rate)} left"


def share_of(job: Job, name: StageName, summary: ChunkSummary) -> float:
    """Return how much of a stage is done, in [0, 1]."""
    stage = job.stages[name]
    return 1.0 if stage.state == "done" else min(1.0, summary.position_sum / stage.plan.chunks)


class Bars:
    """A bar per stage, for terminals."""

    def __init__(self, stream: TextIO) -> None:
        self._console = Console(file=stream, highlight=False)
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=28 if self._console.width >= WIDE_COLUMNS else 10),
            TaskProgressColumn(),
            TextColumn("{task.fields[pace]}", markup=False),
            console=self._console,
            transient=False,
        )
        self._tasks: dict[tuple[str, StageName], tuple[TaskID, StageClock]] = {}
        self._progress.start()

    def stage(self, job: Job, name: StageName, summary: ChunkSummary) -> None:
        share = share_of(job, name, summary)
        key = (job.id, name)
        if key not in self._tasks:
            longest = 28 if self._console.width >= WIDE_COLUMNS else 16
            label = f"{short(job.source.file_name, longest=longest)}  {STAGE_WORDS[name]}"
            self._tasks[key] = (self._progress.add_task(label, total=1.0, pace=""), StageClock(job, name))
        task, pace = self._tasks[key]
        silent = job.stages[name].silent
        words = f"part {silent[0]} stands still" if silent else pace.describe(share) if share < 1 else ""
        self._progress.update(task, completed=share, pace=words)

    def say(self, line: str) -> None:
        self._progress.console.print(line, markup=False, soft_wrap=True)

    def close(self) -> None:
        self._progress.stop()


class Lines:
    """A line per tenth of a stage, for logs and pipes."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._told: dict[tuple[str, StageName], tuple[int, StageClock]] = {}

    def stage(self, job: Job, name: StageName, summary: ChunkSummary) -> None:
        share = share_of(job, name, summary)
        key = (job.id, name)
        told, pace = self._told.get(key, (-1, StageClock(job, name)))
        words = pace.describe(share)
        tenth = int(share * PLAIN_STEPS)
        self._told[key] = (max(told, tenth), pace)
        if tenth <= told:
            return
        tail = f", {words}" if words and share < 1 else ""
        self.say(f"{short(job.source.file_name)}: {STAGE_WORDS[name]} {share:.0%}{tail}")

    def say(self, line: str) -> None:
        print(line, file=self._stream, flush=True)

    def close(self) -> None:
        self._stream.flush()


class Silence:
    """Says nothing."""

    def stage(self, job: Job, name: StageName, summary: ChunkSummary) -> None:
        pass

    def say(self, line: str) -> None:
        pass

    def close(self) -> None:
        pass


def display(*, is_quiet: bool, stream: TextIO | None = None) -> Display:
    """Return the display that suits where standard error goes."""
    stream = stream or sys.stderr
    if is_quiet:
        return Silence()
    return Bars(stream) if stream.isatty() else Lines(stream)


def short(name: str, *, longest: int = 28) -> str:
    """Return a file name that fits a line: control characters shown, the middle left out when it is long."""
    shown = printable(name)
    return shown if len(shown) <= longest else f"{shown[: longest - 12]}…{shown[-11:]}"
