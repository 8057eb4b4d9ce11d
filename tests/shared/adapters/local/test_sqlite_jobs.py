import json
import os
import signal
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from shared.adapters.local import database
from shared.adapters.local.sqlite_jobs import SqliteJobs
from shared.domain.batch import Batch
from shared.domain.chunk import Chunk
from shared.domain.job import Job
from shared.domain.listing import JobQuery
from shared.domain.record import to_dict
from shared.errors import BadRequest, TryAgain
from tests.contracts.hand_clock import HandClock
from tests.contracts.job_store import LIMITS, JobStoreContract, Make, counted, new_job
from tests.contracts.racing import race_in_processes, race_in_threads

FORKS = pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")  # with threads around, as a user might


class TestSqliteJobs(JobStoreContract):
    @pytest.fixture
    def make(self, tmp_path: Path) -> Make:
        return partial(SqliteJobs, tmp_path / "home" / "jobs.sqlite3")


@pytest.fixture
def jobs(tmp_path: Path) -> SqliteJobs:
    store = SqliteJobs(tmp_path / "jobs.sqlite3", clock=HandClock(), limits=LIMITS)
    store.create(new_job())
    return store


def test_nothing_is_made_before_it_is_used(tmp_path: Path) -> None:
    SqliteJobs(tmp_path / "home" / "jobs.sqlite3", clock=HandClock(), limits=LIMITS).close()
    assert list(tmp_path.iterdir()) == []


def test_a_change_that_changes_nothing_writes_nothing(jobs: SqliteJobs, tmp_path: Path) -> None:
    watcher = sqlite3.connect(tmp_path / "jobs.sqlite3")
    before = watcher.execute("PRAGMA data_version").fetchone()
    jobs.update("job", lambda job: job)
    assert watcher.execute("PRAGMA data_version").fetchone() == before
    jobs.update("job", counted)
    assert watcher.execute("PRAGMA data_version").fetchone() != before
    watcher.close()


def test_a_file_that_stays_locked_is_worth_another_try(
    jobs: SqliteJobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "BUSY_S", 0.1)
    other = sqlite3.connect(tmp_path / "jobs.sqlite3", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    impatient = SqliteJobs(tmp_path / "jobs.sqlite3", clock=HandClock(), limits=LIMITS)
    with pytest.raises(TryAgain, match="locked"):
        impatient.update("job", counted)
    assert impatient.get("job") == new_job()
    other.execute("ROLLBACK")
    other.close()
    assert impatient.update("job", counted).numbers == {"count": 1}


def test_a_full_disk_is_worth_another_try_and_changes_nothing(jobs: SqliteJobs) -> None:
    with jobs._database.reading() as connection:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(TryAgain, match="full"):
        jobs.update("job", lambda job: replace(job, labels={"k": "v" * 100_000}))
    assert jobs.get("job") == new_job()


def test_a_place_that_cannot_be_written_is_worth_another_try(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    for path in (tmp_path / "file" / "jobs.sqlite3", tmp_path):
        with pytest.raises(TryAgain):
            SqliteJobs(path, clock=HandClock(), limits=LIMITS).list()


def test_records_of_a_newer_montage_are_not_touched(jobs: SqliteJobs, tmp_path: Path) -> None:
    other = sqlite3.connect(tmp_path / "jobs.sqlite3")
    other.execute("PRAGMA user_version = 99")
    other.close()
    with pytest.raises(BadRequest, match="newer Montage"):
        SqliteJobs(tmp_path / "jobs.sqlite3", clock=HandClock(), limits=LIMITS).list()


def test_a_record_with_a_field_of_the_future_is_read(jobs: SqliteJobs, tmp_path: Path) -> None:
    other = sqlite3.connect(tmp_path / "jobs.sqlite3")
    other.execute("UPDATE jobs SET body = json_set(body, '$.mood', 'sunny')")
    other.commit()
    other.close()
    assert jobs.get("job") == new_job()


FIRST_SCHEMA = """
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
    ) WITHOUT ROWID;
    PRAGMA user_version = 1;
"""
"""As the first Montage made its file."""


def first_montage_puts(db: sqlite3.Connection, job: Job) -> None:
    body = {name: value for name, value in to_dict(job).items() if name != "sound"}
    sql = "INSERT INTO jobs (id, state, is_unfinished, created_at, body) VALUES (?, ?, ?, ?, ?)"
    db.execute(sql, (job.id, job.state, not job.is_final, job.created_at, json.dumps(body)))


@pytest.fixture
def old_file(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """The first Montage's own connection to a file of two jobs and a chunk."""
    with closing(sqlite3.connect(tmp_path / "old.sqlite3", isolation_level=None)) as db:
        db.executescript(FIRST_SCHEMA)
        first_montage_puts(db, new_job())
        first_montage_puts(db, replace(new_job("batched", created_at=1.0), batch="b", state="done"))
        body = json.dumps(to_dict(Chunk(stage="pose", index=2, state="done", result="part")))
        db.execute("INSERT INTO chunks (job_id, stage, number, body) VALUES ('job', 'pose', 2, ?)", (body,))
        yield db


def test_a_file_of_the_first_montage_goes_on_working(old_file: sqlite3.Connection, tmp_path: Path) -> None:
    jobs = SqliteJobs(tmp_path / "old.sqlite3", clock=HandClock(), limits=LIMITS)
    assert jobs.get("job") == new_job()
    assert jobs.chunk_summary("job", "pose").done == 1
    assert [job.id for job in jobs.page(JobQuery(owner="local"), limit=9, token=None).jobs] == ["batched", "job"]
    assert [job.id for job in jobs.page(JobQuery(batch="b"), limit=9, token=None).jobs] == ["batched"]
    assert [job.id for job in jobs.list(unfinished_only=True)] == ["job"]
    assert jobs.create_batch(Batch(id="b", owner="local", created_at=0.0))
    assert jobs.update("job", counted).numbers == {"count": 1}


def test_the_first_montage_may_go_on_writing_to_a_file_that_a_newer_one_opened(
    old_file: sqlite3.Connection, tmp_path: Path
) -> None:
    jobs = SqliteJobs(tmp_path / "old.sqlite3", clock=HandClock(), limits=LIMITS)
    jobs.list()
    first_montage_puts(old_file, new_job("late", created_at=2.0))
    assert [job.id for job in jobs.page(JobQuery(owner="local"), limit=1, token=None).jobs] == ["late"]


def test_several_processes_may_open_an_old_file_at_once(old_file: sqlite3.Connection, tmp_path: Path) -> None:
    assert race_in_processes(count_jobs, [(tmp_path / "old.sqlite3",)] * 3) == [2] * 3


def count_jobs(path: Path) -> int:
    return len(SqliteJobs(path, clock=time.time, limits=LIMITS).page(JobQuery(), limit=9, token=None).jobs)


def test_many_threads_may_open_a_new_file_at_once(tmp_path: Path) -> None:
    assert race_in_threads(8, lambda number: create_in_each(tmp_path, str(number))) == [NEW_FILES] * 8


def test_several_processes_may_open_a_new_file_at_once(tmp_path: Path) -> None:
    answers = race_in_processes(create_in_each, [(tmp_path, str(number)) for number in range(3)])
    assert answers == [NEW_FILES] * 3


NEW_FILES = 40  # about one opener in a hundred meets SQLite's early "locked"


def create_in_each(folder: Path, job_id: str) -> int:
    """Return in how many new files the job was created."""
    paths = [folder / f"{number}.sqlite3" for number in range(NEW_FILES)]
    return sum(SqliteJobs(path, clock=time.time, limits=LIMITS).create(new_job(job_id)) for path in paths)


@FORKS
def test_a_forked_process_opens_its_own_connection(jobs: SqliteJobs) -> None:
    with jobs._database.reading() as of_parent:
        pid = os.fork()
    if pid == 0:
        try:
            with jobs._database.reading() as mine:
                assert mine is not of_parent
            jobs.update("job", counted)
            jobs.close()
        except BaseException:
            os._exit(1)
        os._exit(0)
    assert os.waitpid(pid, 0)[1] == 0
    for _ in range(10):
        jobs.update("job", counted)
    assert jobs.get("job").numbers == {"count": 11}


def end_here(job: Job) -> Job:
    os.kill(os.getpid(), signal.SIGKILL)
    return job


@FORKS
def test_a_process_killed_in_the_middle_of_a_change_leaves_the_job_as_it_was(jobs: SqliteJobs) -> None:
    pid = os.fork()
    if pid == 0:
        jobs.update("job", end_here)
    os.waitpid(pid, 0)
    assert jobs.get("job") == new_job()
    assert jobs.update("job", counted).numbers == {"count": 1}


def test_a_thread_s_connection_is_closed_when_the_thread_ends(jobs: SqliteJobs) -> None:
    race_in_threads(4, lambda _: jobs.get("job"))
    assert len(jobs._database._all) == 1


def test_a_closed_store_opens_again(jobs: SqliteJobs) -> None:
    jobs.close()
    assert jobs.get("job") == new_job()
