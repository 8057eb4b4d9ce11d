"""What every JobStore does. An adapter joins with a subclass whose fixture `make` returns clients of one store."""

import time
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from itertools import chain
from string import ascii_letters, digits
from typing import Protocol

import pytest

from shared.domain import job as rules
from shared.domain import migration
from shared.domain.batch import Batch
from shared.domain.chunk import AlreadyDone, Chunk, Exhausted, Failure, Held, Lease, StartAnswer, Superseded
from shared.domain.job import SCHEMA_VERSION, Job, Source, Stage, Warned
from shared.domain.limits import Limits
from shared.domain.listing import JobQuery
from shared.domain.messages import JobEvent, ObjectFinalized, StageDone, StageRequested
from shared.domain.options import MotionOptions, Options
from shared.domain.sound import AudioStream
from shared.domain.units import ChunkPlan
from shared.domain.video import Video
from shared.errors import BadRequest, LeaseLost, NotFound
from shared.ports import Clock, JobStore
from tests.contracts.hand_clock import HandClock
from tests.contracts.racing import race_in_processes, race_in_threads


class Make(Protocol):
    """Returns one more client of the test's own store, empty at first. It can be pickled: other processes call it."""

    def __call__(self, *, clock: Clock, limits: Limits) -> JobStore: ...


LIMITS = Limits(max_attempts=3, rerun_after_s=180.0)
OOPS = Failure(code="decode_error", message="Part 0 could not be decoded.")


def new_job(job_id: str = "job", *, created_at: float = 0.0, run_id: str | None = "run-1") -> Job:
    """Return a job in analysis whose pose stage has four chunks and this current run."""
    stage = Stage(plan=ChunkPlan(unit_s=10.0, units=4, units_per_chunk=1), state="launched", run_id=run_id)
    return Job(
        id=job_id,
        source=Source(file_name="clip.mov", generation="1", size_bytes=1),
        options=Options(),
        created_at=created_at,
        state="analysing",
        stages={"pose": stage},
    )


def full_job() -> Job:
    """Return a job with every field away from its default."""
    sound = AudioStream(index=1, codec="aac", rate_hz=48000, channels=2, language="eng", is_default=True)
    video = Video(
        container="mov,mp4",
        duration_s=61.5,
        start_s=0.1,
        stream_index=0,
        codec="h264",
        pixel_format="yuv420p",
        coded_width=1920,
        coded_height=1088,
        width=1080,
        height=1920,
        fps=Fraction(30000, 1001),
        is_variable_rate=True,
        rotation_deg=90,
        is_mirrored=True,
        sample_aspect_ratio=Fraction(4, 3),
        is_interlaced=True,
        audio=(sound,),
        warnings=("odd",),
    )
    stage = Stage(
        plan=ChunkPlan(unit_s=10.0, units=7, units_per_chunk=2),
        state="launching",
        requests=2,
        requested_at=1.5,
        run_id="run-2",
        launching_until=60.5,
        execution="pose-run-1",
        launches=1,
        started_at=1.25,
        ended_at=2.5,
        error=OOPS,
    )
    return Job(
        id="full",
        source=Source(file_name='Ünïcode "clip"\n.mov', generation="5-6", size_bytes=2**40),
        options=Options(mode="motion", render="encode", target_s=30.0, motion=MotionOptions(min_moving_s=2.0)),
        created_at=0.5,
        owner="someone",
        batch="holiday",
        labels={"k": "v"},
        state="analysing",
        revision=2,
        epoch=3,
        video=video,
        stages={"pose": stage},
        outbox=(
            StageRequested(job_id="full", epoch=3, stage="pose", request=1),
            StageDone(job_id="full", epoch=3, stage="pose"),
            JobEvent(type="created", job_id="full", epoch=3, revision=2, n=0, state="queued", labels={"k": "v"}),
            ObjectFinalized(bucket="uploads", name="a", generation="1", size_bytes=2),
        ),
        events=4,
        error=OOPS,
        warnings=(Warned(code="no_sound", message="There is no sound."),),
        artifacts={"reel": "downloads/full/r1/reel.mp4"},
        numbers={"reel_s": 29.97},
        deadline=3600.5,
        ended_at=2.0,
    )


def start(jobs: JobStore, index: int = 0, *, run_id: str = "run-1", task_attempt: int = 0) -> StartAnswer:
    return jobs.start_chunk("job", "pose", index, run_id=run_id, task_attempt=task_attempt)


def leased(jobs: JobStore, index: int = 0, *, run_id: str = "run-1", task_attempt: int = 0) -> Lease:
    answer = start(jobs, index, run_id=run_id, task_attempt=task_attempt)
    assert isinstance(answer, Lease)
    return answer


def with_run(run_id: str) -> Callable[[Job], Job]:
    """Return the change that puts another run in the pose stage's place."""
    return lambda job: replace(job, stages={"pose": replace(job.stages["pose"], run_id=run_id)})


def counted(job: Job) -> Job:
    return replace(job, numbers={"count": job.numbers.get("count", 0) + 1})


class JobStoreContract:
    """Claims about one store of jobs, chunks and batches."""

    @pytest.fixture
    def clock(self) -> HandClock:
        return HandClock()

    @pytest.fixture
    def jobs(self, make: Make, clock: HandClock) -> JobStore:
        """A store that holds one job in analysis."""
        store = make(clock=clock, limits=LIMITS)
        assert store.create(new_job())
        return store

    # Jobs

    def test_a_job_comes_back_as_it_was(self, jobs: JobStore) -> None:
        assert jobs.create(full_job())
        assert jobs.get("full") == full_job()

    def test_an_unknown_job_is_not_found(self, jobs: JobStore) -> None:
        calls: list[Callable[[], object]] = [
            lambda: jobs.get("other"),
            lambda: jobs.update("other", counted),
            lambda: jobs.start_chunk("other", "pose", 0, run_id="run-1", task_attempt=0),
        ]
        for call in calls:
            with pytest.raises(NotFound):
                call()

    def test_creating_a_job_twice_changes_nothing(self, jobs: JobStore) -> None:
        assert not jobs.create(replace(new_job(), owner="intruder"))
        assert jobs.get("job") == new_job()

    def test_one_of_16_threads_creates_the_job(self, make: Make, clock: HandClock) -> None:
        answers = race_in_threads(
            16,
            lambda number: make(clock=clock, limits=LIMITS).create(replace(new_job("new"), owner=str(number))),
        )
        assert answers.count(True) == 1
        assert make(clock=clock, limits=LIMITS).get("new").owner == str(answers.index(True))

    def test_update_returns_and_stores_the_changed_job(self, jobs: JobStore) -> None:
        assert jobs.update("job", counted).numbers == {"count": 1}
        assert jobs.get("job").numbers == {"count": 1}

    def test_a_change_that_raises_changes_nothing(self, jobs: JobStore) -> None:
        def fail(job: Job) -> Job:
            raise ArithmeticError("no")

        with pytest.raises(ArithmeticError):
            jobs.update("job", fail)
        assert jobs.get("job") == new_job()
        assert jobs.update("job", counted).numbers == {"count": 1}

    def test_a_change_cannot_rename_a_job(self, jobs: JobStore) -> None:
        with pytest.raises(ValueError, match="other"):
            jobs.update("job", lambda job: replace(job, id="other"))
        assert [job.id for job in jobs.list()] == ["job"]

    def test_200_updates_by_8_threads_all_count(self, make: Make, jobs: JobStore, clock: HandClock) -> None:
        shared = make(clock=clock, limits=LIMITS)

        def add_25(number: int) -> None:
            mine = shared if number % 2 else make(clock=clock, limits=LIMITS)
            for _ in range(25):
                mine.update("job", counted)

        race_in_threads(8, add_25)
        assert jobs.get("job").numbers == {"count": 200}

    def test_updates_by_several_processes_all_count(self, make: Make, jobs: JobStore) -> None:
        race_in_processes(count_up, [(make, 25)] * 3)
        assert jobs.get("job").numbers == {"count": 75}

    def test_list_gives_the_oldest_first(self, jobs: JobStore) -> None:
        for job_id, created_at in (("c", 3.0), ("a", 1.0), ("b", 2.0)):
            jobs.create(new_job(job_id, created_at=created_at))
        jobs.create(new_job("aa", created_at=1.0))
        assert [job.id for job in jobs.list()] == ["job", "a", "aa", "b", "c"]

    def test_unfinished_jobs_are_those_with_something_left_to_do(self, jobs: JobStore) -> None:
        states: tuple[rules.JobState, ...] = (
            "awaiting_upload", "queued", "done", "failed", "cancelled", "expired", "erasing",
        )  # fmt: skip
        for number, state in enumerate(states, 1):
            jobs.create(replace(new_job(state, created_at=float(number)), state=state))
        assert [job.id for job in jobs.list(unfinished_only=True)] == ["job", "awaiting_upload", "queued", "erasing"]

    def test_a_final_job_is_unfinished_until_its_outbox_is_empty(self, jobs: JobStore) -> None:
        jobs.update("job", lambda job: rules.failed(job, OOPS, now=1.0))
        (failed,) = jobs.list(unfinished_only=True)
        assert failed.is_final
        jobs.update("job", lambda job: rules.published(job, job.outbox))
        assert jobs.list(unfinished_only=True) == []

    @pytest.mark.parametrize(
        "job_id", ["", ".", "..", "a/b", "/job", "job/", "job/chunks/pose-00000", "__a__", "x" * 1501]
    )
    def test_an_id_no_job_can_have_is_not_found(self, jobs: JobStore, job_id: str) -> None:
        leased(jobs)
        for call in (jobs.get, lambda job_id: jobs.update(job_id, counted)):
            with pytest.raises(NotFound):
                call(job_id)
        with pytest.raises(NotFound):
            jobs.get_batch(job_id)
        assert jobs.chunks(job_id, "pose") == []
        assert jobs.chunk_summary(job_id, "pose").ended == 0

    def test_labels_may_have_any_names(self, jobs: JobStore) -> None:
        names = ("", "a.b", "`a`", "__name__", "____", "~", "~~", "~list", "~__x__", "ü/ö", " ", "0", "$v")
        job = replace(new_job("labelled"), labels={name: name for name in names})
        jobs.create(job)
        assert jobs.get("labelled") == job
        assert jobs.update("labelled", counted).labels == jobs.get("labelled").labels == job.labels

    # Records of other versions

    def test_a_record_of_an_older_montage_is_led_forward(self, jobs: JobStore, monkeypatch: pytest.MonkeyPatch) -> None:
        led = replace(new_job(), schema_version=SCHEMA_VERSION + 1, labels={"led": "yes"})
        with monkeypatch.context() as newer_montage:
            be_newer(newer_montage)
            assert jobs.get("job") == led
            assert list(jobs.list()) == list(jobs.page(JobQuery(), limit=1, token=None).jobs) == [led]
            assert isinstance(start(jobs), Lease)
            assert jobs.update("job", counted) == jobs.get("job") == counted(led)

    def test_a_record_of_a_newer_montage_is_not_touched(self, jobs: JobStore, monkeypatch: pytest.MonkeyPatch) -> None:
        with monkeypatch.context() as newer_montage:
            be_newer(newer_montage)
            newer = jobs.update("job", counted)
        calls: list[Callable[[], object]] = [
            lambda: jobs.get("job"),
            lambda: jobs.update("job", counted),
            lambda: start(jobs),
        ]
        for call in calls:
            with pytest.raises(BadRequest, match="job was written by a newer Montage") as raised:
                call()
            assert raised.value.code == "newer_records"
        jobs.create(new_job("ours", created_at=-1.0))
        assert [job.id for job in jobs.list()] == ["ours"], "it does not hide the others"
        assert [ids for ids in pages(jobs, JobQuery(), limit=1) if ids] == [["ours"]]
        be_newer(monkeypatch)
        assert jobs.get("job") == newer

    # Pages of jobs

    def test_pages_are_newest_first_and_end(self, jobs: JobStore) -> None:
        for number in range(1, 7):
            jobs.create(new_job(f"job-{number}", created_at=float(number)))
        assert pages(jobs, JobQuery(), limit=3) == [["job-6", "job-5", "job-4"], ["job-3", "job-2", "job-1"], ["job"]]
        assert pages(jobs, JobQuery(), limit=7) == [[f"job-{number}" for number in range(6, 0, -1)] + ["job"]]
        assert pages(jobs, JobQuery(owner="nobody"), limit=3) == [[]]

    def test_a_page_has_whole_jobs(self, jobs: JobStore) -> None:
        jobs.create(full_job())
        assert jobs.page(JobQuery(), limit=9, token=None).jobs == (full_job(), new_job())

    def test_jobs_of_one_moment_are_on_one_page_each(self, jobs: JobStore) -> None:
        for number in range(5):
            jobs.create(new_job(f"job-{number}", created_at=1.1))
        assert listed(jobs, JobQuery()) == ["job-4", "job-3", "job-2", "job-1", "job-0", "job"]

    def test_a_page_may_be_of_an_owner_a_batch_and_a_state(self, jobs: JobStore) -> None:
        for number in range(16):
            job = new_job(f"job-{number:02}", created_at=float(number))
            owner, batch = "one" if number & 1 else "two", "b" if number & 2 else None
            jobs.create(replace(job, owner=owner, batch=batch, state="done" if number & 4 else "failed"))
        found = {query: listed(jobs, query) for query in QUERIES}
        assert found == {
            query: [f"job-{number:02}" for number in range(15, -1, -1) if number & mask == wanted]
            for query, (mask, wanted) in QUERIES.items()
        }

    def test_a_changed_job_is_found_under_what_it_is_now(self, jobs: JobStore) -> None:
        jobs.update("job", lambda job: replace(job, owner="heir", batch="b", state="done"))
        assert pages(jobs, JobQuery(owner="heir", batch="b", state="done"), limit=2) == [["job"]]
        assert pages(jobs, JobQuery(owner="local"), limit=2) == [[]]

    def test_new_jobs_do_not_shift_the_next_page(self, jobs: JobStore) -> None:
        for number in range(1, 5):
            jobs.create(new_job(f"job-{number}", created_at=float(number)))
        first = jobs.page(JobQuery(), limit=2, token=None)
        jobs.create(new_job("new", created_at=9.0))
        jobs.update("job-3", lambda job: replace(job, state="done"))
        second = jobs.page(JobQuery(), limit=2, token=first.next_token)
        assert [job.id for job in first.jobs + second.jobs] == ["job-4", "job-3", "job-2", "job-1"]

    def test_a_job_that_left_the_listing_still_marks_where_the_next_page_begins(self, jobs: JobStore) -> None:
        for number in range(1, 4):
            jobs.create(new_job(f"job-{number}", created_at=float(number)))
        query = JobQuery(state="analysing")
        first = jobs.page(query, limit=2, token=None)
        jobs.update("job-2", lambda job: replace(job, state="done"))
        assert [job.id for job in jobs.page(query, limit=2, token=first.next_token).jobs] == ["job-1", "job"]

    def test_a_page_token_can_be_part_of_an_address(self, jobs: JobStore) -> None:
        jobs.create(new_job("other", created_at=1 / 3))
        token = jobs.page(JobQuery(), limit=1, token=None).next_token
        assert token is not None and set(token) <= set(ascii_letters + digits + "-_")

    def test_a_damaged_or_foreign_page_token_is_a_bad_request(self, jobs: JobStore) -> None:
        jobs.create(new_job("other", created_at=1.0))
        query = JobQuery(owner="local")
        token = jobs.page(query, limit=1, token=None).next_token
        assert token is not None
        swapped = ("B" if token[0] == "A" else "A") + token[1:]
        for bad in ("", "?", "ü", "a", "AAAA", token[:-1], token + "A", token + "=", swapped, "A" * 5000):
            with pytest.raises(BadRequest) as raised:
                jobs.page(query, limit=1, token=bad)
            assert raised.value.code == "bad_page_token"
        for other in (JobQuery(), JobQuery(owner="else"), JobQuery(owner="local", state="done")):
            with pytest.raises(BadRequest):
                jobs.page(other, limit=1, token=token)

    def test_a_page_has_room_for_a_job(self, jobs: JobStore) -> None:
        with pytest.raises(ValueError, match="0"):
            jobs.page(JobQuery(), limit=0, token=None)

    # Batches

    def test_a_batch_comes_back_as_it_was(self, make: Make, jobs: JobStore, clock: HandClock) -> None:
        batch = Batch(id="b", owner="someone", created_at=1.5, job_ids=("z", "a"), labels={"k": "v"})
        assert jobs.create_batch(batch)
        assert not jobs.create_batch(replace(batch, owner="intruder"))
        assert make(clock=clock, limits=LIMITS).get_batch("b") == batch

    def test_an_unknown_batch_is_not_found(self, jobs: JobStore) -> None:
        with pytest.raises(NotFound):
            jobs.get_batch("job")

    # Taking a chunk

    def test_the_first_task_gets_the_lease(self, jobs: JobStore, clock: HandClock) -> None:
        lease = leased(jobs, 2)
        assert (lease.job_id, lease.stage, lease.index, lease.run_id, lease.attempt) == ("job", "pose", 2, "run-1", 1)
        (chunk,) = jobs.chunks("job", "pose")
        assert chunk == Chunk(
            stage="pose",
            index=2,
            state="running",
            lease=lease.token,
            run_id="run-1",
            attempts=1,
            moved_at=clock.now,
        )

    def test_a_lease_s_token_can_be_part_of_a_name(self, jobs: JobStore) -> None:
        tokens = [leased(jobs, index).token for index in range(4)]
        assert len(set(tokens)) == 4
        assert all(token.isalnum() and len(token) >= 12 for token in tokens)

    def test_of_16_threads_one_gets_the_lease_and_the_rest_is_told_it_is_held(
        self, make: Make, jobs: JobStore, clock: HandClock
    ) -> None:
        answers = race_in_threads(16, lambda _: start(make(clock=clock, limits=LIMITS)))
        assert sum(isinstance(answer, Lease) for answer in answers) == 1
        assert answers.count(Held()) == 15
        assert jobs.chunks("job", "pose")[0].attempts == 1

    def test_of_several_processes_one_gets_each_lease(self, make: Make, jobs: JobStore) -> None:
        answers = race_in_processes(start_all, [(make,)] * 3)
        for index in range(4):
            assert sorted(taken[index] for taken in answers) == [False, False, True]

    def test_a_done_chunk_is_not_computed_again(self, jobs: JobStore) -> None:
        jobs.finish_chunk(leased(jobs), result="part", numbers={})
        assert start(jobs, task_attempt=1) == AlreadyDone()
        jobs.update("job", with_run("run-2"))
        assert start(jobs, run_id="run-2") == AlreadyDone()

    def test_a_task_of_another_run_is_superseded(self, jobs: JobStore) -> None:
        assert start(jobs, run_id="run-0") == Superseded()
        assert jobs.chunks("job", "pose") == []

    @pytest.mark.parametrize("state", ["done", "failed", "cancelled", "expired", "erasing"])
    def test_a_job_that_has_ended_wants_no_task(self, jobs: JobStore, state: rules.JobState) -> None:
        jobs.update("job", lambda job: replace(job, state=state))
        assert start(jobs) == Superseded()

    def test_a_settled_stage_wants_no_task(self, jobs: JobStore) -> None:
        jobs.update("job", lambda job: rules.stage_settled(job, "pose", "failed_soft", now=1.0, error=OOPS))
        assert start(jobs) == Superseded()

    def test_a_stage_the_job_does_not_have_wants_no_task(self, jobs: JobStore) -> None:
        assert jobs.start_chunk("job", "merge", 0, run_id="run-1", task_attempt=0) == Superseded()

    def test_a_new_run_takes_over_and_the_old_task_loses_its_lease(self, jobs: JobStore) -> None:
        old = leased(jobs)
        jobs.update("job", with_run("run-2"))
        new = leased(jobs, run_id="run-2")
        assert new.attempt == 2
        self.assert_lost(jobs, old)

    def test_a_restarted_task_takes_over_from_itself(self, jobs: JobStore) -> None:
        old = leased(jobs, task_attempt=0)
        assert start(jobs, task_attempt=0) == Held()
        new = leased(jobs, task_attempt=1)
        assert new.attempt == 2
        assert start(jobs, task_attempt=0) == Held()
        self.assert_lost(jobs, old)
        jobs.finish_chunk(new, result="part", numbers={})

    def test_a_silent_task_is_replaced_after_a_while(self, jobs: JobStore, clock: HandClock) -> None:
        old = leased(jobs)
        clock.forward(LIMITS.rerun_after_s - 1)
        assert start(jobs) == Held()
        clock.forward(1)
        assert leased(jobs).attempt == 2
        self.assert_lost(jobs, old)

    def test_a_chunk_whose_tasks_all_died_fails_as_a_crashed_worker(self, jobs: JobStore) -> None:
        for task_attempt in range(LIMITS.max_attempts):
            leased(jobs, task_attempt=task_attempt)
        assert start(jobs, task_attempt=3) == Exhausted()
        (failed,) = jobs.chunk_summary("job", "pose").failed
        assert failed.error is not None and failed.error.code == "crashed_worker"
        assert start(jobs, task_attempt=4) == Exhausted()

    # Working on it

    def test_a_beat_moves_the_position_and_the_time(self, jobs: JobStore, clock: HandClock) -> None:
        lease, started_at = leased(jobs), clock.now
        clock.forward(5)
        jobs.beat(lease, 0.25)
        clock.forward(5)
        jobs.beat(lease, 0.25)
        (chunk,) = jobs.chunks("job", "pose")
        assert (chunk.position, chunk.moved_at) == (0.25, started_at + 5)

    @pytest.mark.parametrize("state", ["failed", "cancelled", "erasing"])
    def test_a_beat_tells_the_task_that_its_job_has_ended(self, jobs: JobStore, state: rules.JobState) -> None:
        lease = leased(jobs)
        jobs.update("job", lambda job: replace(job, state=state))
        with pytest.raises(LeaseLost):
            jobs.beat(lease, 0.5)

    def test_a_beat_tells_the_task_that_its_stage_is_settled(self, jobs: JobStore) -> None:
        lease = leased(jobs)
        jobs.update("job", lambda job: rules.stage_settled(job, "pose", "failed_soft", now=1.0, error=OOPS))
        with pytest.raises(LeaseLost):
            jobs.beat(lease, 0.5)

    def test_a_new_run_leaves_a_task_alone_that_moves(self, jobs: JobStore) -> None:
        lease = leased(jobs)
        jobs.update("job", with_run("run-2"))
        jobs.beat(lease, 0.5)
        jobs.finish_chunk(lease, result="part", numbers={})
        assert jobs.chunk_summary("job", "pose").done == 1

    def test_a_finished_chunk_names_its_part(self, jobs: JobStore, clock: HandClock) -> None:
        lease = leased(jobs)
        clock.forward(7)
        jobs.finish_chunk(lease, result="work/job/pose/00000.abc.json", numbers={"frames": 300.0})
        (chunk,) = jobs.chunks("job", "pose")
        assert (chunk.state, chunk.result, chunk.numbers, chunk.position, chunk.moved_at) == (
            "done",
            "work/job/pose/00000.abc.json",
            {"frames": 300.0},
            1.0,
            clock.now,
        )
        self.assert_lost(jobs, lease)

    def test_a_failed_chunk_may_be_started_again_while_the_budget_lasts(self, jobs: JobStore) -> None:
        for attempt in (1, 2):
            chunk = jobs.fail_chunk(leased(jobs), OOPS, is_final=False)
            assert (chunk.state, chunk.attempts, chunk.error) == ("pending", attempt, OOPS)
        chunk = jobs.fail_chunk(leased(jobs), OOPS, is_final=False)
        assert (chunk.state, chunk.attempts) == ("failed", 3)
        assert jobs.chunks("job", "pose") == [chunk]
        assert start(jobs) == Exhausted()

    def test_a_final_failure_ends_the_chunk_at_once(self, jobs: JobStore) -> None:
        lease = leased(jobs)
        assert jobs.fail_chunk(lease, OOPS, is_final=True).state == "failed"
        assert start(jobs) == Exhausted()
        self.assert_lost(jobs, lease)

    def test_handing_back_does_not_count(self, jobs: JobStore) -> None:
        for _ in range(LIMITS.max_attempts + 2):
            lease = leased(jobs)
            assert lease.attempt == 1
            jobs.beat(lease, 0.5)
            jobs.hand_back_chunk(lease)
        (chunk,) = jobs.chunks("job", "pose")
        assert (chunk.state, chunk.attempts, chunk.position) == ("pending", 0, 0.0)
        self.assert_lost(jobs, lease)

    def test_a_person_who_asks_gives_unfinished_chunks_new_attempts(self, jobs: JobStore) -> None:
        done, dying = leased(jobs, 0), leased(jobs, 1)
        jobs.finish_chunk(done, result="part", numbers={})
        jobs.renew_attempts("job")
        assert [(chunk.state, chunk.attempts) for chunk in jobs.chunks("job", "pose")] == [("done", 1), ("running", 0)]
        jobs.beat(dying, 0.5)  # whoever works goes on working

    def test_a_failed_job_s_chunks_are_reopened_but_for_the_done_ones(self, jobs: JobStore, clock: HandClock) -> None:
        jobs.finish_chunk(leased(jobs, 0), result="part", numbers={"n": 1.0})
        jobs.fail_chunk(leased(jobs, 1), OOPS, is_final=True)
        for _ in range(2):
            jobs.fail_chunk(leased(jobs, 2), OOPS, is_final=False)
        running = leased(jobs, 3)
        done = jobs.chunks("job", "pose")[0]
        jobs.update("job", lambda job: rules.failed(job, OOPS, now=1.0))
        for _ in range(2):
            jobs.reopen_chunks("job")
            first, *others = jobs.chunks("job", "pose")
            assert first == done
            assert [(each.index, each.state, each.attempts, each.error) for each in others] == [
                (index, "pending", 0, None) for index in (1, 2, 3)
            ]
        assert jobs.chunk_summary("job", "pose").ended == 1
        self.assert_lost(jobs, running)
        assert start(jobs, 1) == Superseded(), "the job itself has still failed"

    @pytest.mark.parametrize("state", ["analysing", "queued", "done", "cancelled", "erasing"])
    def test_chunks_of_a_job_that_has_not_failed_are_not_reopened(self, jobs: JobStore, state: rules.JobState) -> None:
        jobs.fail_chunk(leased(jobs, 1), OOPS, is_final=True)
        leased(jobs, 3)
        before = jobs.chunks("job", "pose")
        jobs.update("job", lambda job: replace(job, state=state))
        jobs.reopen_chunks("job")
        jobs.reopen_chunks("nobody")
        assert jobs.chunks("job", "pose") == before

    # Erasing

    def test_a_forgotten_job_is_unknown_and_leaves_a_tombstone_for_eight_days(
        self, make: Make, jobs: JobStore, clock: HandClock
    ) -> None:
        jobs.create(new_job("other"))
        leases = [leased(jobs, 0), leased(jobs, 1)]
        jobs.finish_chunk(leases[0], result="part", numbers={})
        assert not jobs.was_erased("job")
        for _ in range(2):
            jobs.forget("job")
            with pytest.raises(NotFound) as raised:
                jobs.get("job")
            assert raised.value.code == "unknown_job"
            assert jobs.chunks("job", "pose") == []
            self.assert_lost(jobs, leases[1])
            with pytest.raises(NotFound):
                start(jobs, 1)
            assert [job.id for job in jobs.list()] == ["other"]
            assert make(clock=clock, limits=LIMITS).was_erased("job")
            assert not jobs.create(new_job()), "it does not come back"
        assert not jobs.was_erased("other")
        clock.forward(8 * 24 * 3600 - 1)
        jobs.sweep_tombstones()
        assert jobs.was_erased("job")
        clock.forward(1)
        assert not jobs.was_erased("job")
        jobs.sweep_tombstones()
        assert jobs.create(new_job())
        assert jobs.get("job") == new_job()
        jobs.forget("job")
        assert jobs.was_erased("job"), "as often as need be"

    def test_what_nobody_knows_is_forgotten_without_a_trace(self, jobs: JobStore) -> None:
        for job_id in ("other", "", "a/b", "__a__"):
            jobs.forget(job_id)
            assert not jobs.was_erased(job_id)
        assert [job.id for job in jobs.list()] == ["job"]

    def test_a_forgotten_job_leaves_its_batch_and_the_last_one_takes_it_along(self, jobs: JobStore) -> None:
        for job_id in ("a", "b"):
            jobs.create(replace(new_job(job_id), batch="batch"))
        batch = Batch(id="batch", owner="someone", created_at=1.5, job_ids=("a", "b"), labels={"k": "v"})
        jobs.create_batch(batch)
        jobs.create_batch(replace(batch, id="other"))
        jobs.forget("a")
        assert jobs.get_batch("batch") == replace(batch, job_ids=("b",))
        jobs.forget("b")
        with pytest.raises(NotFound):
            jobs.get_batch("batch")
        assert jobs.get_batch("other") == replace(batch, id="other")
        jobs.create(replace(new_job("c"), batch="missing"))
        jobs.forget("c")
        assert jobs.was_erased("c")

    def test_of_threads_that_forget_and_create_a_job_none_brings_it_back(
        self, make: Make, jobs: JobStore, clock: HandClock
    ) -> None:
        def forget_or_create(number: int) -> bool:
            mine = make(clock=clock, limits=LIMITS)
            if number % 2:
                mine.forget("job")
                return False
            return mine.create(new_job())

        assert not any(race_in_threads(8, forget_or_create))
        with pytest.raises(NotFound):
            jobs.get("job")
        assert jobs.was_erased("job")

    def test_a_lease_of_a_chunk_nobody_knows_is_lost(self, jobs: JobStore) -> None:
        for job_id in ("job", "other"):
            self.assert_lost(jobs, Lease(job_id=job_id, stage="pose", index=3, run_id="run-1", token="x", attempt=1))

    def test_of_two_tasks_with_one_chunk_one_finishes(self, make: Make, jobs: JobStore, clock: HandClock) -> None:
        old, new = leased(jobs, task_attempt=0), leased(jobs, task_attempt=1)

        def finish(number: int) -> bool:
            lease = (old, new)[number % 2]
            try:
                make(clock=clock, limits=LIMITS).finish_chunk(lease, result=f"{lease.token}-{number}", numbers={})
            except LeaseLost:
                return False
            return True

        answers = race_in_threads(8, finish)
        assert answers.count(True) == 1
        (chunk,) = jobs.chunks("job", "pose")
        assert chunk.result == f"{new.token}-{answers.index(True)}"

    # Looking at them

    def test_a_summary_counts_and_names_the_slowest(self, jobs: JobStore, clock: HandClock) -> None:
        jobs.finish_chunk(leased(jobs, 0), result="part", numbers={})
        jobs.fail_chunk(leased(jobs, 1), OOPS, is_final=True)
        slow = leased(jobs, 2)
        clock.forward(10)
        jobs.beat(leased(jobs, 3), 0.5)
        summary = jobs.chunk_summary("job", "pose")
        assert (summary.done, summary.ended, summary.position_sum) == (1, 2, 1.5)
        assert [chunk.index for chunk in summary.running] == [2, 3]
        assert [chunk.index for chunk in summary.failed] == [1]
        assert summary.slowest is not None and summary.slowest.lease == slow.token

    def test_the_ended_are_the_done_and_the_failed_of_the_stage(self, jobs: JobStore) -> None:
        assert jobs.ended_chunks("job", "pose") == jobs.ended_chunks("nobody", "pose") == 0
        jobs.finish_chunk(leased(jobs, 0), result="part", numbers={})
        jobs.fail_chunk(leased(jobs, 1), OOPS, is_final=True)
        jobs.fail_chunk(leased(jobs, 2), OOPS, is_final=False)
        leased(jobs, 3)
        assert jobs.ended_chunks("job", "pose") == 2
        assert jobs.ended_chunks("job", "merge") == 0

    def test_chunks_come_by_number_and_by_stage(self, jobs: JobStore) -> None:
        for index in (3, 0, 2):
            leased(jobs, index)
        assert [chunk.index for chunk in jobs.chunks("job", "pose")] == [0, 2, 3]
        assert jobs.chunks("job", "merge") == jobs.chunks("other", "pose") == []

    def assert_lost(self, jobs: JobStore, lease: Lease) -> None:
        """Assert that nothing can be done with the lease, and that trying to changes nothing."""
        before = jobs.chunks("job", "pose")
        calls: list[Callable[[], object]] = [
            lambda: jobs.beat(lease, 0.9),
            lambda: jobs.finish_chunk(lease, result="late", numbers={}),
            lambda: jobs.fail_chunk(lease, OOPS, is_final=True),
            lambda: jobs.hand_back_chunk(lease),
        ]
        for call in calls:
            with pytest.raises(LeaseLost):
                call()
        assert jobs.chunks("job", "pose") == before


def be_newer(montage: pytest.MonkeyPatch) -> None:
    """Make this a Montage whose records of jobs have come one step further."""
    step = {SCHEMA_VERSION: lambda record: {**record, "labels": {**record["labels"], "led": "yes"}}}
    montage.setattr(migration, "JOB_STEPS", {**migration.JOB_STEPS, **step})
    montage.setattr(migration, "SCHEMA_VERSION", SCHEMA_VERSION + 1)


QUERIES = {
    JobQuery(owner="one"): (1, 1),
    JobQuery(batch="b"): (2, 2),
    JobQuery(state="done"): (4, 4),
    JobQuery(owner="two", batch="b"): (3, 2),
    JobQuery(owner="one", state="failed"): (5, 1),
    JobQuery(batch="b", state="done"): (6, 6),
    JobQuery(owner="two", batch="b", state="done"): (7, 6),
}
"""Queries, and the bits (which, and what they are) of the numbers of the jobs that they ask for."""


def pages(jobs: JobStore, query: JobQuery, *, limit: int) -> list[list[str]]:
    """Return the ids of the jobs of each page until there is none."""
    found, token = [], None
    while True:
        page = jobs.page(query, limit=limit, token=token)
        found.append([job.id for job in page.jobs])
        if page.next_token is None:
            return found
        token = page.next_token


def listed(jobs: JobStore, query: JobQuery) -> list[str]:
    """Return the ids of all jobs of pages of two."""
    return list(chain.from_iterable(pages(jobs, query, limit=2)))


def count_up(make: Make, times: int) -> None:
    jobs = make(clock=time.time, limits=LIMITS)
    for _ in range(times):
        jobs.update("job", counted)


def start_all(make: Make) -> list[bool]:
    """Return for each of the four chunks whether it was us who got it."""
    jobs = make(clock=time.time, limits=LIMITS)
    return [isinstance(start(jobs, index), Lease) for index in range(4)]
