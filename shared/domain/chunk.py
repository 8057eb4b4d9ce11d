"""One chunk of a stage and the lease under which a task works on it.

States: pending → running → done | failed. Every change is a compare-and-set on the lease, so a task that was given up
for dead and then wakes can do no harm. The functions here are the rules; job stores apply them in a transaction.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from shared.domain.messages import StageName

ChunkState = Literal["pending", "running", "done", "failed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A stable code for programs and one sentence for people."""

    code: str
    message: str
    is_input: bool = False
    """Whether the source or what was asked of it is at fault, so that trying again cannot help."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """One chunk's record. A chunk nobody started has no record and counts as pending."""

    stage: StageName
    index: int
    state: ChunkState = "pending"
    lease: str | None = None
    run_id: str | None = None
    task_attempt: int = 0
    attempts: int = 0
    """How often it was started and not handed back."""
    position: float = 0.0
    """How far the task is, in [0, 1]."""
    moved_at: float = 0.0
    """When the position last moved, in seconds since the epoch."""
    result: str | None = None
    """Name of the object that holds the winner's part."""
    numbers: dict[str, float] | None = None
    error: Failure | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """The right to work on one chunk, until another takes it."""

    job_id: str
    stage: StageName
    index: int
    run_id: str
    token: str
    attempt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AlreadyDone:
    """The chunk is finished; there is nothing to compute."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """Another live task of the same run works on it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Superseded:
    """Another run has taken this one's place, or the job no longer wants the stage."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exhausted:
    """The chunk was started as often as it may be."""


StartAnswer = Lease | AlreadyDone | Held | Superseded | Exhausted


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkSummary:
    """Counts of a stage's chunks and the ones that need a look."""

    done: int = 0
    position_sum: float = 0.0
    """Done chunks count 1, running ones their position."""
    running: tuple[Chunk, ...] = ()
    failed: tuple[Chunk, ...] = ()

    @property
    def ended(self) -> int:
        return self.done + len(self.failed)

    @property
    def slowest(self) -> Chunk | None:
        """The running chunk whose position has stood still longest."""
        return min(self.running, key=lambda chunk: (chunk.moved_at, chunk.index), default=None)


def start(
    chunk: Chunk,
    *,
    job_id: str,
    run_id: str,
    current_run_id: str | None,
    task_attempt: int,
    token: str,
    now: float,
    max_attempts: int,
    rerun_after_s: float,
) -> tuple[Chunk, StartAnswer]:
    """Return the chunk's next record and what the task that wants to start it is told.

    `current_run_id` is the run the job's record names, None when it wants none. A task of the current run takes over
    from any older run (it is in the run's list because the older one was given up) and from an earlier attempt of
    itself (the platform restarts a task only when it is dead).
    """
    if chunk.state == "done":
        return chunk, AlreadyDone()
    if run_id != current_run_id:
        return chunk, Superseded()
    if chunk.state == "failed":
        return chunk, Exhausted()
    is_held = chunk.state == "running" and chunk.run_id == run_id and chunk.task_attempt >= task_attempt
    if is_held and now - chunk.moved_at < rerun_after_s:
        return chunk, Held()
    if chunk.attempts >= max_attempts:
        return replace(chunk, state="failed", lease=None, error=chunk.error or crashed(chunk)), Exhausted()
    started = replace(
        chunk,
        state="running",
        lease=token,
        run_id=run_id,
        task_attempt=task_attempt,
        attempts=chunk.attempts + 1,
        position=0.0,
        moved_at=now,
    )
    return started, Lease(
        job_id=job_id, stage=chunk.stage, index=chunk.index, run_id=run_id, token=token, attempt=started.attempts
    )


def crashed(chunk: Chunk) -> Failure:
    """Return the failure of a chunk whose tasks all died without a word."""
    return Failure(
        code="crashed_worker",
        message=f"The {chunk.stage} task for part {chunk.index} ended without a word {chunk.attempts} times; "
        "the task's log has its last lines.",
    )


def is_held_by(chunk: Chunk, lease: Lease) -> bool:
    """Return whether the lease is still the chunk's own."""
    return chunk.state == "running" and chunk.lease == lease.token


def moved(chunk: Chunk, *, position: float, now: float) -> Chunk:
    """Return the chunk at its new position; a position that did not move leaves `moved_at` as it was."""
    if position == chunk.position:
        return chunk
    return replace(chunk, position=position, moved_at=now)


def finished(chunk: Chunk, *, result: str, numbers: dict[str, float], now: float) -> Chunk:
    """Return the chunk, done, with the name of its part."""
    return replace(
        chunk, state="done", lease=None, position=1.0, moved_at=now, result=result, numbers=numbers, error=None
    )


def failed(chunk: Chunk, *, error: Failure, is_final: bool, max_attempts: int, now: float) -> Chunk:
    """Return the chunk after an error: failed for good, or pending for another attempt while the budget lasts."""
    is_final = is_final or chunk.attempts >= max_attempts
    return replace(chunk, state="failed" if is_final else "pending", lease=None, error=error, moved_at=now)


def handed_back(chunk: Chunk, *, now: float) -> Chunk:
    """Return the chunk after its task was told to stop: pending, and the attempt does not count."""
    return replace(chunk, state="pending", lease=None, attempts=max(0, chunk.attempts - 1), position=0.0, moved_at=now)


def renewed(chunk: Chunk) -> Chunk:
    """Return the chunk with its attempts forgotten, because a person asked for it to go on; an ended one stays."""
    return replace(chunk, attempts=0) if chunk.state in ("pending", "running") else chunk


def reopened(chunk: Chunk) -> Chunk:
    """Return the chunk of a failed job that is to be tried again: pending, with all its attempts, unless it is done."""
    return chunk if chunk.state == "done" else Chunk(stage=chunk.stage, index=chunk.index)


def summarise(chunks: Sequence[Chunk]) -> ChunkSummary:
    """Return the counts of a stage's records."""
    running = tuple(chunk for chunk in chunks if chunk.state == "running")
    done = sum(chunk.state == "done" for chunk in chunks)
    return ChunkSummary(
        done=done,
        position_sum=done + sum(chunk.position for chunk in running),
        running=running,
        failed=tuple(chunk for chunk in chunks if chunk.state == "failed"),
    )
