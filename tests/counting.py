"""A cloud that counts what is asked of its ports, in what Google Cloud would bill: records, messages, calls."""

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from shared.domain.chunk import Chunk, ChunkSummary, Failure, Lease, StartAnswer
from shared.domain.job import Job
from shared.domain.messages import StageName
from shared.ports import Cloud

C = TypeVar("C", bound=Cloud)
COUNTED_AT_ONCE = 1000  # index entries that a count reads for the price of one record


class Counts:
    """What was counted so far, by name; safe for threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()

    def add(self, name: str, times: int = 1) -> None:
        with self._lock:
            self._counts[name] += times

    def __getitem__(self, name: str) -> int:
        return self._counts[name]

    def figures(self) -> dict[str, int]:
        return dict(sorted(self._counts.items()))


class CountedCalls:
    """A port whose calls are told by their names before they are made, and again when they were."""

    def __init__(
        self, port: Any, *, before: Callable[[str], None], after: Callable[[str], None] = lambda _: None
    ) -> None:
        self._port, self._before, self._after = port, before, after

    def __getattr__(self, name: str) -> Any:
        asked = getattr(self._port, name)
        if not callable(asked):
            return asked

        def call(*words: Any, **named: Any) -> Any:
            self._before(name)
            answer = asked(*words, **named)
            self._after(name)
            return answer

        return call


class CountedJobs(CountedCalls):
    """A JobStore that counts reads and writes of records as `adapters/gcp/firestore.py` makes them."""

    def __init__(self, jobs: Any, counts: Counts) -> None:
        super().__init__(jobs, before=lambda _: None)
        self._counts = counts
        self._positions: dict[str, float] = {}

    def create(self, job: Job) -> bool:
        is_new: bool = self._port.create(job)
        self._counts.add("job_writes", int(is_new))
        return is_new

    def get(self, job_id: str) -> Job:
        self._counts.add("job_reads")
        job: Job = self._port.get(job_id)
        return job

    def update(self, job_id: str, change: Callable[[Job], Job]) -> Job:
        is_changed = False

        def watched(job: Job) -> Job:
            nonlocal is_changed
            after = change(job)
            is_changed = after != job
            return after

        after: Job = self._port.update(job_id, watched)
        self._counts.add("job_reads")
        self._counts.add("job_writes", int(is_changed))
        return after

    def list(self, *, unfinished_only: bool = False) -> Sequence[Job]:
        jobs: Sequence[Job] = self._port.list(unfinished_only=unfinished_only)
        self._counts.add("listings")
        self._counts.add("job_reads", max(1, len(jobs)))
        return jobs

    def start_chunk(self, job_id: str, stage: StageName, index: int, *, run_id: str, task_attempt: int) -> StartAnswer:
        answer: StartAnswer = self._port.start_chunk(job_id, stage, index, run_id=run_id, task_attempt=task_attempt)
        is_lease = isinstance(answer, Lease)
        self._counts.add("chunk_reads")
        self._counts.add("job_reads", 2 if is_lease else 1)
        self._counts.add("chunk_writes", int(is_lease))
        return answer

    def beat(self, lease: Lease, position: float) -> None:
        self._counts.add("chunk_reads")
        self._counts.add("job_reads")
        self._port.beat(lease, position)
        self._counts.add("chunk_writes", int(self._positions.get(lease.token, 0.0) != position))
        self._positions[lease.token] = position

    def finish_chunk(self, lease: Lease, *, result: str, numbers: dict[str, float]) -> None:
        self._changes_a_chunk()
        self._port.finish_chunk(lease, result=result, numbers=numbers)

    def fail_chunk(self, lease: Lease, error: Failure, *, is_final: bool) -> Chunk:
        self._changes_a_chunk()
        chunk: Chunk = self._port.fail_chunk(lease, error, is_final=is_final)
        return chunk

    def hand_back_chunk(self, lease: Lease) -> None:
        self._changes_a_chunk()
        self._port.hand_back_chunk(lease)

    def chunk_summary(self, job_id: str, stage: StageName) -> ChunkSummary:
        summary: ChunkSummary = self._port.chunk_summary(job_id, stage)
        self._counts.add("listings", 2)  # one of records, one that only counts
        self._counts.add("chunk_reads", max(1, len(summary.running) + len(summary.failed)) + _counting(summary.done))
        return summary

    def ended_chunks(self, job_id: str, stage: StageName) -> int:
        ended: int = self._port.ended_chunks(job_id, stage)
        self._counts.add("listings")
        self._counts.add("chunk_reads", _counting(ended))
        return ended

    def chunks(self, job_id: str, stage: StageName) -> Sequence[Chunk]:
        chunks: Sequence[Chunk] = self._port.chunks(job_id, stage)
        self._counts.add("listings")
        self._counts.add("chunk_reads", max(1, len(chunks)))
        return chunks

    def _changes_a_chunk(self) -> None:
        self._counts.add("chunk_reads")
        self._counts.add("chunk_writes")


def counted(cloud: C, counts: Counts) -> C:
    """Return the cloud with every port counted."""

    def calls(port: object, **names: str) -> Any:
        others = names.pop("others", "")
        return CountedCalls(port, before=lambda name: counts.add(names.get(name, others) or name))

    store = {"write": "object_writes", "upload": "object_writes", "list": "listings", "others": "object_reads"}
    return replace(
        cloud,
        uploads=calls(cloud.uploads, **store),
        work=calls(cloud.work, **store),
        downloads=calls(cloud.downloads, **store),
        jobs=CountedJobs(cloud.jobs, counts),
        bus=calls(cloud.bus, publish="messages"),
        launcher=calls(cloud.launcher, launch="launches", state="state_calls", cancel="cancels"),
    )


def _counting(entries: int) -> int:
    return max(1, -(-entries // COUNTED_AT_ONCE))
