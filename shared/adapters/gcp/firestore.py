"""Job, chunk and batch records in Firestore. The rules are the domain's; here they are applied by compare-and-set.

    jobs/{job}                              a job
    jobs/{job}/chunks/{stage}-{index:05d}   a chunk that was ever started
    batches/{batch}                         a batch
    tombstones/{sha256 of a job's id}       an erased job, for a while

A document holds the record as plain maps in `body`, and beside it the fields that queries ask for. What the database
needs besides is Terraform's business. Composite indexes: of jobs (is_unfinished ↑, created_at ↑) and (owner ↑ | batch ↑
| state ↑, created_at ↓), which Firestore joins for queries by several of them; of keys (owner ↑, created_at ↑); chunks
are asked for by equality only and need none. Exemptions from single-field indexes: `body`, `written_by`, `created_by`
in all collections, since nobody asks for them and a timestamp in a body, such as a chunk's `moved_at`, would bound the
collection to 500 writes a second; `created_at` of batches. Keys' and jobs' own `created_at` is needed where they are
listed without any filter, and bounds how many are created, not how often they change. A time-to-live policy on
`expires_at` of tombstones, which are asked for by name only: their fields need no index at all. Until the policy gets
round to one that has expired, which may take days, it is passed over here.

Ids are random, so documents spread over servers. A document bears about one sustained write a second: tasks never write
their job's document, each has a chunk's for itself.
"""

import secrets
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from google.cloud.firestore import Client, CollectionReference, DocumentReference, Query
from google.cloud.firestore_v1.base_query import FieldFilter

from shared.adapters.gcp.documents import Decision, Documents, Snapshot, document, fields_of
from shared.adapters.gcp.firestore_values import restored, stored
from shared.adapters.job_record import check_limit, job_of, listed, place_of
from shared.domain import chunk as rules
from shared.domain.batch import Batch, without
from shared.domain.chunk import Chunk, ChunkSummary, Failure, Lease, StartAnswer, Superseded
from shared.domain.job import Job
from shared.domain.limits import Limits
from shared.domain.listing import JobPage, JobQuery, Place, page_of
from shared.domain.messages import StageName
from shared.domain.record import from_dict, to_dict
from shared.domain.tombstone import TOMBSTONE_S, tombstone_of
from shared.errors import BadRequest, LeaseLost, NotFound
from shared.ports import Clock


class FirestoreJobs:
    """A JobStore in Firestore. Raises TryAgain when it is out of reach, or a record is changed by too many at once."""

    def __init__(self, client: Client, *, clock: Clock, limits: Limits, timeout_s: float) -> None:
        """`timeout_s` is for one call; a change may take a few of them."""
        self._documents = Documents(client, timeout_s=timeout_s)
        self._jobs = client.collection("jobs")
        self._batches = client.collection("batches")
        self._tombstones = client.collection("tombstones")
        self._clock = clock
        self._limits = limits

    def create(self, job: Job) -> bool:
        """Store a new job. Returns False, changing nothing, when a job of that id exists or was erased lately."""
        reference = _new(self._jobs, job.id)
        return self._documents.create(
            reference, _job_fields(job), self._tombstone(job.id), unless=lambda buried: self._counts(buried)
        )

    def get(self, job_id: str) -> Job:
        """Raises NotFound."""
        (snapshot,) = self._documents.read(self._job(job_id))
        return _job_in(snapshot)

    def update(self, job_id: str, change: Callable[[Job], Job]) -> Job:
        """Apply a pure change, which may run twice, and return the job as it now is. Raises NotFound."""

        def decide(snapshot: Snapshot) -> Decision[Job]:
            before = _job_in(snapshot)
            after = change(before)
            if after.id != job_id:
                raise ValueError(f"a change made job {job_id} into {after.id}")
            return (_job_fields(after) if after != before else None), after

        return self._documents.change([self._job(job_id)], decide)

    def list(self, *, unfinished_only: bool = False) -> Sequence[Job]:
        """Return the jobs, oldest first; a final job that still has something to tell counts as unfinished."""
        query = self._jobs.where(filter=FieldFilter("is_unfinished", "==", True)) if unfinished_only else self._jobs
        ordered = query.order_by("created_at").order_by("__name__")
        return [job for _, job in map(_listed, self._documents.matching(ordered)) if job is not None]

    def page(self, query: JobQuery, *, limit: int, token: str | None) -> JobPage:
        """Return at most `limit` of the jobs asked for, newest first, and the token of the page after them."""
        check_limit(limit)
        asked = self._asked(query, after=place_of(token, query)).limit(limit + 1)
        return page_of([_listed(each) for each in self._documents.matching(asked)], query, limit=limit)

    def create_batch(self, batch: Batch) -> bool:
        """Store a new batch. Returns False, changing nothing, when a batch of that id exists."""
        return self._documents.create(_new(self._batches, batch.id), _batch_fields(batch))

    def get_batch(self, batch_id: str) -> Batch:
        """Raises NotFound."""
        reference = document(self._batches, batch_id)
        fields = fields_of(self._documents.read(reference)[0]) if reference is not None else {}
        if not fields:
            raise NotFound(f"There is no batch {batch_id}.", code="unknown_batch")
        return from_dict(Batch, restored(fields["body"]))

    def start_chunk(self, job_id: str, stage: StageName, index: int, *, run_id: str, task_attempt: int) -> StartAnswer:
        """Take the chunk's lease, counting the attempt, or say why not. Raises NotFound for an unknown job.

        Job and chunk are read as of one moment, and the lease is taken by compare-and-set on the chunk. That leaves out
        the job, which may be cancelled, or given another run, in between; so it is read again after the lease is
        taken, and one it no longer wants is handed back. A Lease is therefore only returned when the job wanted this
        run after the record named its holder: who changes the job and then looks at its chunks sees every lease that
        will be used. A transaction over both would say the same in one step, but hundreds of tasks that start together
        would lock their job's document, and one killed meanwhile would keep it locked for a minute.
        """
        job_reference = self._job(job_id)
        reference = _chunk_reference(job_reference, stage, index)

        def decide(chunk_now: Snapshot, job_now: Snapshot) -> Decision[StartAnswer]:
            before = _chunk_in(chunk_now) or Chunk(stage=stage, index=index)
            after, answer = rules.start(
                before,
                job_id=job_id,
                run_id=run_id,
                current_run_id=_job_in(job_now).wanted_run(stage),
                task_attempt=task_attempt,
                token=secrets.token_hex(6),
                now=self._clock(),
                max_attempts=self._limits.max_attempts,
                rerun_after_s=self._limits.rerun_after_s,
            )
            return (_chunk_fields(after) if after != before else None), answer

        answer = self._documents.change([reference, job_reference], decide)
        if isinstance(answer, Lease) and not self._is_wanted(answer):
            return self._taken_back(answer)
        return answer

    def beat(self, lease: Lease, position: float) -> None:
        """Record how far the task is. Raises LeaseLost, also once the job does not want the chunk any more.

        Costs two document reads and, if the position moved, one write.
        """

        def decide(chunk_now: Snapshot, job_now: Snapshot) -> Decision[None]:
            before = _held_chunk(chunk_now, lease)
            # An older run's task may go on: a newer run leaves it alone while it moves.
            if not job_now.exists or not _job_in(job_now).wants(lease.stage, lease.index):
                raise LeaseLost(f"{_title(lease)}: its job no longer wants it.")
            after = rules.moved(before, position=position, now=self._clock())
            return (_chunk_fields(after) if after != before else None), None

        job_reference = self._job_of(lease)
        self._documents.change([_chunk_reference(job_reference, lease.stage, lease.index), job_reference], decide)

    def finish_chunk(self, lease: Lease, *, result: str, numbers: dict[str, float]) -> None:
        """Name the winner's part. Raises LeaseLost."""
        self._change_chunk(
            lease, lambda chunk: rules.finished(chunk, result=result, numbers=numbers, now=self._clock())
        )

    def fail_chunk(self, lease: Lease, error: Failure, *, is_final: bool) -> Chunk:
        """Record an error and return the chunk: failed, or pending for another attempt. Raises LeaseLost."""
        most = self._limits.max_attempts
        return self._change_chunk(
            lease,
            lambda chunk: rules.failed(chunk, error=error, is_final=is_final, max_attempts=most, now=self._clock()),
        )

    def hand_back_chunk(self, lease: Lease) -> None:
        """The task was told to stop: the chunk is pending again and the attempt does not count. Raises LeaseLost."""
        self._change_chunk(lease, lambda chunk: rules.handed_back(chunk, now=self._clock()))

    def renew_attempts(self, job_id: str) -> None:
        """Forget the attempts of chunks that have not ended, because a person asked for the job to go on.

        One chunk after the other: each is a record of its own, and whoever starts one meanwhile counts from there.
        """
        job_reference = document(self._jobs, job_id)
        if job_reference is None:
            return
        going_on = FieldFilter("state", "in", ["pending", "running"])
        for snapshot in self._documents.matching(job_reference.collection("chunks").where(filter=going_on)):
            self._documents.change([snapshot.reference], _renewed)

    def reopen_chunks(self, job_id: str) -> None:
        """Make the failed and the running chunks of a failed job pending, with all their attempts; leases are lost.

        One chunk after the other, each as of a moment at which the job still was failed: once somebody has set the job
        going again, all of them are reopened, and one that has changed since is not touched.
        """
        job_reference = document(self._jobs, job_id)
        if job_reference is None:
            return
        not_done = FieldFilter("state", "in", ["pending", "running", "failed"])
        for snapshot in self._documents.matching(job_reference.collection("chunks").where(filter=not_done)):
            self._documents.change([snapshot.reference, job_reference], _reopened)

    def forget(self, job_id: str) -> None:
        """Remove all records of a job, and leave a tombstone for `TOMBSTONE_S`; an unknown job leaves none."""
        reference = document(self._jobs, job_id)
        if reference is None:
            return
        (snapshot,) = self._documents.read(reference)
        if not snapshot.exists:
            return
        expires_at = datetime.fromtimestamp(self._clock() + TOMBSTONE_S, UTC)
        self._documents.change([self._tombstone(job_id)], lambda _: ({"expires_at": expires_at}, None))
        for chunk in self._documents.matching(reference.collection("chunks").select([])):
            self._documents.delete(chunk.reference)
        batch_id = fields_of(snapshot).get("batch")
        if batch_id is not None:
            self._leave_batch(batch_id, job_id)
        self._documents.delete(reference)

    def was_erased(self, job_id: str) -> bool:
        """Return whether a job of that id was forgotten within the last `TOMBSTONE_S`."""
        return self._counts(self._documents.read(self._tombstone(job_id))[0])

    def sweep_tombstones(self) -> None:
        """Do nothing: Firestore removes documents whose time is over by itself."""

    def chunk_summary(self, job_id: str, stage: StageName) -> ChunkSummary:
        """Return counts, the running and the failed chunks.

        Reads only these; done ones are counted, at the price of one read per thousand. They are counted last: a chunk
        that ends between the two is then in both, where the other way round it would be missing and seem not started.
        """
        of_stage = self._chunks(job_id, stage)
        if of_stage is None:
            return ChunkSummary()
        seen = rules.summarise(
            self._read_chunks(of_stage.where(filter=FieldFilter("state", "in", ["running", "failed"])))
        )
        done = self._documents.count(of_stage.where(filter=FieldFilter("state", "==", "done")))
        return ChunkSummary(done=done, position_sum=done + seen.position_sum, running=seen.running, failed=seen.failed)

    def ended_chunks(self, job_id: str, stage: StageName) -> int:
        """Return how many of the stage's chunks are done or failed, at the price of one read per thousand."""
        of_stage = self._chunks(job_id, stage)
        if of_stage is None:
            return 0
        return self._documents.count(of_stage.where(filter=FieldFilter("state", "in", ["done", "failed"])))

    def chunks(self, job_id: str, stage: StageName) -> Sequence[Chunk]:
        """Return the records of all chunks that were ever started, by index."""
        of_stage = self._chunks(job_id, stage)
        return self._read_chunks(of_stage) if of_stage is not None else []

    def _tombstone(self, job_id: str) -> DocumentReference:
        return self._tombstones.document(tombstone_of(job_id))

    def _counts(self, tombstone: Snapshot) -> bool:
        """Return whether it is there and its time is not over."""
        expires_at = fields_of(tombstone).get("expires_at")
        return expires_at is not None and expires_at.timestamp() > self._clock()

    def _leave_batch(self, batch_id: str, job_id: str) -> None:
        """Take the job out of its batch; an empty one goes, unless somebody has changed it meanwhile."""

        def decide(snapshot: Snapshot) -> Decision[bool]:
            if not snapshot.exists:
                return None, False
            before = from_dict(Batch, restored(fields_of(snapshot)["body"]))
            after = without(before, job_id)
            return (_batch_fields(after) if after != before else None), not after.job_ids

        reference = document(self._batches, batch_id)
        if reference is not None and self._documents.change([reference], decide):
            self._documents.delete(reference)

    def _job(self, job_id: str) -> DocumentReference:
        reference = document(self._jobs, job_id)
        if reference is None:
            raise _unknown(job_id)
        return reference

    def _job_of(self, lease: Lease) -> DocumentReference:
        reference = document(self._jobs, lease.job_id)
        if reference is None:
            raise _lost(lease)
        return reference

    def _chunks(self, job_id: str, stage: StageName) -> Query | None:
        reference = document(self._jobs, job_id)
        if reference is None:
            return None
        of_stage: Query = reference.collection("chunks").where(filter=FieldFilter("stage", "==", stage))
        return of_stage

    def _read_chunks(self, query: Query) -> Sequence[Chunk]:
        chunks = (_chunk_in(snapshot) for snapshot in self._documents.matching(query))
        return sorted((chunk for chunk in chunks if chunk is not None), key=lambda chunk: chunk.index)

    def _asked(self, query: JobQuery, *, after: Place | None) -> Query:
        asked = {"owner": query.owner, "batch": query.batch, "state": query.state}
        found: Any = self._jobs
        for name, value in asked.items():
            if value is not None:
                found = found.where(filter=FieldFilter(name, "==", value))
        falling: Query = found.order_by("created_at", direction=Query.DESCENDING).order_by(
            "__name__", direction=Query.DESCENDING
        )
        if after is None:
            return falling
        reference = document(self._jobs, after.job_id)
        if reference is None:
            raise BadRequest("bad_page_token", "The page token names no job.")
        return falling.start_after({"created_at": after.created_at, "__name__": reference})

    def _is_wanted(self, lease: Lease) -> bool:
        try:
            return self.get(lease.job_id).wanted_run(lease.stage) == lease.run_id
        except NotFound:
            return False

    def _taken_back(self, lease: Lease) -> StartAnswer:
        with suppress(LeaseLost):  # of a task of the newer run that has taken the chunk over already
            self.hand_back_chunk(lease)
        return Superseded()

    def _change_chunk(self, lease: Lease, change: Callable[[Chunk], Chunk]) -> Chunk:
        def decide(snapshot: Snapshot) -> Decision[Chunk]:
            after = change(_held_chunk(snapshot, lease))
            return _chunk_fields(after), after

        return self._documents.change([_chunk_reference(self._job_of(lease), lease.stage, lease.index)], decide)


def _new(collection: CollectionReference, record_id: str) -> DocumentReference:
    reference = document(collection, record_id)
    if reference is None:
        raise ValueError(f"{record_id!r} cannot be the id of a record")
    return reference


def _job_fields(job: Job) -> dict[str, Any]:
    return {
        "state": job.state,
        "is_unfinished": job.is_unfinished,
        "created_at": float(job.created_at),
        "owner": job.owner,
        "batch": job.batch,
        "body": stored(to_dict(job)),
    }


def _batch_fields(batch: Batch) -> dict[str, Any]:
    return {"owner": batch.owner, "created_at": batch.created_at, "body": stored(to_dict(batch))}


def _job_in(snapshot: Snapshot) -> Job:
    if not snapshot.exists:
        raise _unknown(snapshot.id)
    return job_of(restored(fields_of(snapshot)["body"]))


def _listed(snapshot: Snapshot) -> tuple[Place, Job | None]:
    return listed(restored(fields_of(snapshot)["body"]))


def _unknown(job_id: str) -> NotFound:
    return NotFound(f"There is no job {job_id}.", code="unknown_job")


def _chunk_reference(job: DocumentReference, stage: StageName, index: int) -> DocumentReference:
    reference: DocumentReference = job.collection("chunks").document(f"{stage}-{index:05d}")
    return reference


def _chunk_fields(chunk: Chunk) -> dict[str, Any]:
    return {"stage": chunk.stage, "state": chunk.state, "body": stored(to_dict(chunk))}


def _chunk_in(snapshot: Snapshot) -> Chunk | None:
    return from_dict(Chunk, restored(fields_of(snapshot)["body"])) if snapshot.exists else None


def _renewed(snapshot: Snapshot) -> Decision[None]:
    before = _chunk_in(snapshot)
    after = rules.renewed(before) if before is not None else None
    return (_chunk_fields(after) if after is not None and after != before else None), None


def _reopened(chunk_now: Snapshot, job_now: Snapshot) -> Decision[None]:
    before = _chunk_in(chunk_now)
    if before is None or not job_now.exists or _job_in(job_now).state != "failed":
        return None, None
    after = rules.reopened(before)
    return (_chunk_fields(after) if after != before else None), None


def _held_chunk(snapshot: Snapshot, lease: Lease) -> Chunk:
    chunk = _chunk_in(snapshot)
    if chunk is None or not rules.is_held_by(chunk, lease):
        raise _lost(lease)
    return chunk


def _lost(lease: Lease) -> LeaseLost:
    return LeaseLost(f"{_title(lease)}: another task has it now, or it has ended.")


def _title(lease: Lease) -> str:
    return f"{lease.stage} part {lease.index} of job {lease.job_id} (attempt {lease.attempt})"
