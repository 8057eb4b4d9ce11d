"""Job, chunk and batch records in an SQLite file. The rules are the domain's; here they are applied one at a time."""

import json
import secrets
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from shared.adapters.job_record import check_limit, job_of, listed, place_of
from shared.adapters.local.database import Database
from shared.domain import chunk as rules
from shared.domain.batch import Batch, without
from shared.domain.chunk import Chunk, ChunkSummary, Failure, Lease, StartAnswer
from shared.domain.job import Job
from shared.domain.limits import Limits
from shared.domain.listing import JobPage, JobQuery, Place, page_of
from shared.domain.messages import StageName
from shared.domain.record import from_dict, from_json, to_dict
from shared.domain.tombstone import TOMBSTONE_S, tombstone_of
from shared.errors import LeaseLost, NotFound
from shared.ports import Clock

SCHEMA = (
    """
    CREATE TABLE jobs (
        id TEXT PRIMARY KEY,
        state TEXT NOT NULL,
        is_unfinished INTEGER NOT NULL,
        created_at REAL NOT NULL,
        body TEXT NOT NULL
    );
    CREATE INDEX jobs_by_age ON jobs (is_unfinished, created_at);
    CREATE TABLE chunks (
        job_id TEXT NOT NULL,
        stage TEXT NOT NULL,
        number INTEGER NOT NULL,
        body TEXT NOT NULL,
        PRIMARY KEY (job_id, stage, number)
    ) WITHOUT ROWID
    """,
    # An older Montage that still has the file open goes on writing jobs; they are "local", as all of its were.
    """
    ALTER TABLE jobs ADD COLUMN owner TEXT NOT NULL DEFAULT 'local';
    ALTER TABLE jobs ADD COLUMN batch TEXT;
    UPDATE jobs SET owner = json_extract(body, '$.owner'), batch = json_extract(body, '$.batch');
    CREATE INDEX jobs_by_owner ON jobs (owner, created_at, id);
    CREATE INDEX jobs_by_batch ON jobs (batch, created_at, id);
    CREATE TABLE batches (
        id TEXT PRIMARY KEY,
        body TEXT NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE keys (
        sha256 TEXT PRIMARY KEY,
        owner TEXT NOT NULL,
        created_at REAL NOT NULL,
        body TEXT NOT NULL
    ) WITHOUT ROWID;
    CREATE INDEX keys_by_owner ON keys (owner, created_at)
    """,
    """
    CREATE TABLE tombstones (
        sha256 TEXT PRIMARY KEY,
        expires_at REAL NOT NULL
    ) WITHOUT ROWID;
    CREATE INDEX tombstones_by_end ON tombstones (expires_at)
    """,
)
"""Of the file that holds all records: jobs, chunks, batches, keys and tombstones."""


class SqliteJobs:
    """A JobStore in one file, safe for many threads and processes. Raises TryAgain when the file is locked too long."""

    def __init__(self, path: Path, *, clock: Clock, limits: Limits) -> None:
        self._database = Database(path, schema=SCHEMA)
        self._clock = clock
        self._limits = limits

    def create(self, job: Job) -> bool:
        """Store a new job. Returns False, changing nothing, when a job of that id exists or was erased lately."""
        with self._database.changing() as db:
            if _has_tombstone(db, job.id, now=self._clock()):
                return False
            columns = "id, state, is_unfinished, created_at, owner, batch, body"
            sql = f"INSERT INTO jobs ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING"
            cursor = db.execute(sql, (job.id, *_columns(job)))
            return cursor.rowcount == 1

    def get(self, job_id: str) -> Job:
        """Raises NotFound."""
        with self._database.reading() as db:
            return _job(db, job_id)

    def update(self, job_id: str, change: Callable[[Job], Job]) -> Job:
        """Apply a pure change, which may run twice, and return the job as it now is. Raises NotFound."""
        with self._database.changing() as db:
            before = _job(db, job_id)
            after = change(before)
            if after.id != job_id:
                raise ValueError(f"a change made job {job_id} into {after.id}")
            if after != before:
                columns = "state = ?, is_unfinished = ?, created_at = ?, owner = ?, batch = ?, body = ?"
                db.execute(f"UPDATE jobs SET {columns} WHERE id = ?", (*_columns(after), job_id))
            return after

    def list(self, *, unfinished_only: bool = False) -> Sequence[Job]:
        """Return the jobs, oldest first; a final job that still has something to tell counts as unfinished."""
        only = "WHERE is_unfinished = 1" if unfinished_only else ""
        with self._database.reading() as db:
            rows = db.execute(f"SELECT body FROM jobs {only} ORDER BY created_at, id").fetchall()
        return [job for _, job in (listed(json.loads(body)) for (body,) in rows) if job is not None]

    def page(self, query: JobQuery, *, limit: int, token: str | None) -> JobPage:
        """Return at most `limit` of the jobs asked for, newest first, and the token of the page after them."""
        check_limit(limit)
        where, values = _conditions(query, place_of(token, query))
        sql = f"SELECT body FROM jobs {where} ORDER BY created_at DESC, id DESC LIMIT ?"
        with self._database.reading() as db:
            rows = db.execute(sql, (*values, limit + 1)).fetchall()
        return page_of([listed(json.loads(body)) for (body,) in rows], query, limit=limit)

    def create_batch(self, batch: Batch) -> bool:
        """Store a new batch. Returns False, changing nothing, when a batch of that id exists."""
        with self._database.changing() as db:
            sql = "INSERT INTO batches (id, body) VALUES (?, ?) ON CONFLICT (id) DO NOTHING"
            return db.execute(sql, (batch.id, json.dumps(to_dict(batch)))).rowcount == 1

    def get_batch(self, batch_id: str) -> Batch:
        """Raises NotFound."""
        with self._database.reading() as db:
            row = db.execute("SELECT body FROM batches WHERE id = ?", (batch_id,)).fetchone()
        if row is None:
            raise NotFound(f"There is no batch {batch_id}.", code="unknown_batch")
        return from_dict(Batch, json.loads(row[0]))

    def start_chunk(self, job_id: str, stage: StageName, index: int, *, run_id: str, task_attempt: int) -> StartAnswer:
        """Take the chunk's lease, counting the attempt, or say why not. Raises NotFound for an unknown job."""
        with self._database.changing() as db:
            job = _job(db, job_id)
            before = _chunk(db, job_id, stage, index) or Chunk(stage=stage, index=index)
            after, answer = rules.start(
                before,
                job_id=job_id,
                run_id=run_id,
                current_run_id=job.wanted_run(stage),
                task_attempt=task_attempt,
                token=secrets.token_hex(6),
                now=self._clock(),
                max_attempts=self._limits.max_attempts,
                rerun_after_s=self._limits.rerun_after_s,
            )
            if after != before:
                _put_chunk(db, job_id, after)
            return answer

    def beat(self, lease: Lease, position: float) -> None:
        """Record how far the task is. Raises LeaseLost, also once the job does not want the chunk any more."""
        with self._database.changing() as db:
            before = _held_chunk(db, lease)
            if not _is_wanted(db, lease):
                raise LeaseLost(f"{_title(lease)}: its job no longer wants it.")
            after = rules.moved(before, position=position, now=self._clock())
            if after != before:
                _put_chunk(db, lease.job_id, after)

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
        """Forget the attempts of chunks that have not ended, because a person asked for the job to go on."""
        with self._database.changing() as db:
            for (body,) in db.execute("SELECT body FROM chunks WHERE job_id = ?", (job_id,)).fetchall():
                _put_chunk(db, job_id, rules.renewed(from_json(Chunk, body)))

    def reopen_chunks(self, job_id: str) -> None:
        """Make the failed and the running chunks of a failed job pending, with all their attempts; leases are lost."""
        with self._database.changing() as db:
            if not _has_failed(db, job_id):
                return
            for (body,) in db.execute("SELECT body FROM chunks WHERE job_id = ?", (job_id,)).fetchall():
                before = from_json(Chunk, body)
                after = rules.reopened(before)
                if after != before:
                    _put_chunk(db, job_id, after)

    def forget(self, job_id: str) -> None:
        """Remove all records of a job, and leave a tombstone for `TOMBSTONE_S`; an unknown job leaves none."""
        expires_at = self._clock() + TOMBSTONE_S
        with self._database.changing() as db:
            row = db.execute("SELECT batch FROM jobs WHERE id = ?", (job_id,)).fetchone()
            if row is None:
                return
            db.execute("INSERT OR REPLACE INTO tombstones VALUES (?, ?)", (tombstone_of(job_id), expires_at))
            db.execute("DELETE FROM chunks WHERE job_id = ?", (job_id,))
            if row[0] is not None:
                _leave_batch(db, row[0], job_id)
            db.execute("DELETE FROM jobs WHERE id = ?", (job_id,))

    def was_erased(self, job_id: str) -> bool:
        """Return whether a job of that id was forgotten within the last `TOMBSTONE_S`."""
        with self._database.reading() as db:
            return _has_tombstone(db, job_id, now=self._clock())

    def sweep_tombstones(self) -> None:
        """Remove the tombstones that do not count any more."""
        sql = "FROM tombstones WHERE expires_at <= ?"
        with self._database.reading() as db:  # looking first: a change would wait for the write lock every time
            is_any = db.execute(f"SELECT 1 {sql} LIMIT 1", (self._clock(),)).fetchone() is not None
        if is_any:
            with self._database.changing() as db:
                db.execute(f"DELETE {sql}", (self._clock(),))

    def chunk_summary(self, job_id: str, stage: StageName) -> ChunkSummary:
        """Return counts, the running and the failed chunks. Done ones are counted unread: there may be hundreds."""
        sql = """
            SELECT CASE state WHEN 'done' THEN NULL ELSE body END
            FROM (
                SELECT number, body, json_extract(body, '$.state') AS state FROM chunks WHERE job_id = ? AND stage = ?
            )
            WHERE state IN ('done', 'running', 'failed') ORDER BY number
        """
        with self._database.reading() as db:
            bodies = [body for (body,) in db.execute(sql, (job_id, stage)).fetchall()]
        seen = rules.summarise([from_json(Chunk, body) for body in bodies if body is not None])
        done = bodies.count(None)
        return replace(seen, done=done, position_sum=done + seen.position_sum)

    def ended_chunks(self, job_id: str, stage: StageName) -> int:
        """Return how many of the stage's chunks are done or failed."""
        sql = """
            SELECT COUNT(*) FROM chunks
            WHERE job_id = ? AND stage = ? AND json_extract(body, '$.state') IN ('done', 'failed')
        """
        with self._database.reading() as db:
            (ended,) = db.execute(sql, (job_id, stage)).fetchone()
        return int(ended)

    def chunks(self, job_id: str, stage: StageName) -> Sequence[Chunk]:
        """Return the records of all chunks that were ever started, by index."""
        sql = "SELECT body FROM chunks WHERE job_id = ? AND stage = ? ORDER BY number"
        with self._database.reading() as db:
            rows = db.execute(sql, (job_id, stage)).fetchall()
        return [from_json(Chunk, body) for (body,) in rows]

    def close(self) -> None:
        """Close this process's connections."""
        self._database.close()

    def _change_chunk(self, lease: Lease, change: Callable[[Chunk], Chunk]) -> Chunk:
        with self._database.changing() as db:
            after = change(_held_chunk(db, lease))
            _put_chunk(db, lease.job_id, after)
            return after


def _columns(job: Job) -> tuple[object, ...]:
    return job.state, job.is_unfinished, job.created_at, job.owner, job.batch, json.dumps(to_dict(job))


def _conditions(query: JobQuery, after: Place | None) -> tuple[str, list[object]]:
    """Return the WHERE clause, or nothing, and its values."""
    asked = {"owner": query.owner, "batch": query.batch, "state": query.state}
    terms = [f"{name} = ?" for name, value in asked.items() if value is not None]
    values: list[object] = [value for value in asked.values() if value is not None]
    if after is not None:
        terms.append("(created_at, id) < (?, ?)")
        values += [after.created_at, after.job_id]
    return (f"WHERE {' AND '.join(terms)}" if terms else ""), values


def _job(db: sqlite3.Connection, job_id: str) -> Job:
    row = db.execute("SELECT body FROM jobs WHERE id = ?", (job_id,)).fetchone()
    if row is None:
        raise NotFound(f"There is no job {job_id}.", code="unknown_job")
    return job_of(json.loads(row[0]))


def _chunk(db: sqlite3.Connection, job_id: str, stage: StageName, index: int) -> Chunk | None:
    sql = "SELECT body FROM chunks WHERE job_id = ? AND stage = ? AND number = ?"
    row = db.execute(sql, (job_id, stage, index)).fetchone()
    return None if row is None else from_json(Chunk, row[0])


def _put_chunk(db: sqlite3.Connection, job_id: str, chunk: Chunk) -> None:
    sql = "INSERT OR REPLACE INTO chunks (job_id, stage, number, body) VALUES (?, ?, ?, ?)"
    db.execute(sql, (job_id, chunk.stage, chunk.index, json.dumps(to_dict(chunk))))


def _held_chunk(db: sqlite3.Connection, lease: Lease) -> Chunk:
    chunk = _chunk(db, lease.job_id, lease.stage, lease.index)
    if chunk is None or not rules.is_held_by(chunk, lease):
        raise LeaseLost(f"{_title(lease)}: another task has it now, or it has ended.")
    return chunk


def _is_wanted(db: sqlite3.Connection, lease: Lease) -> bool:
    """Return whether the job still waits for the chunk. An older run's task may go on: a newer run leaves it alone."""
    try:
        return _job(db, lease.job_id).wants(lease.stage, lease.index)
    except NotFound:
        return False


def _has_tombstone(db: sqlite3.Connection, job_id: str, *, now: float) -> bool:
    sql = "SELECT 1 FROM tombstones WHERE sha256 = ? AND expires_at > ?"
    return db.execute(sql, (tombstone_of(job_id), now)).fetchone() is not None


def _leave_batch(db: sqlite3.Connection, batch_id: str, job_id: str) -> None:
    """Take the job out of its batch; an empty one goes."""
    row = db.execute("SELECT body FROM batches WHERE id = ?", (batch_id,)).fetchone()
    if row is None:
        return
    left = without(from_dict(Batch, json.loads(row[0])), job_id)
    if left.job_ids:
        db.execute("UPDATE batches SET body = ? WHERE id = ?", (json.dumps(to_dict(left)), batch_id))
    else:
        db.execute("DELETE FROM batches WHERE id = ?", (batch_id,))


def _has_failed(db: sqlite3.Connection, job_id: str) -> bool:
    try:
        return _job(db, job_id).state == "failed"
    except NotFound:
        return False


def _title(lease: Lease) -> str:
    return f"{lease.stage} part {lease.index} of job {lease.job_id} (attempt {lease.attempt})"
