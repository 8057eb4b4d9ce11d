"""`next_effects` against a small world in which anything may be lost, doubled, late or killed."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.domain import chunk as chunks
from shared.domain import job as jobs
from shared.domain.chunk import Chunk, ChunkSummary, Failure, Lease, summarise
from shared.domain.job import Job
from shared.domain.limits import Limits
from shared.domain.messages import JobEvent, StageName, StageRequested
from shared.domain.plan import (
    CancelExecution,
    ExecutionState,
    ExpireJob,
    FailJob,
    FinishJob,
    NoteLiveliness,
    NoteSilence,
    ProbeSource,
    PublishOutbox,
    RequestStage,
    Seen,
    SettleStage,
    StartMerge,
    TellProgress,
    left_chunks,
    next_effects,
    outstanding_chunks,
)
from shared.domain.units import ChunkPlan, plan_chunks
from tests.shared.domain.records import a_job, a_video

LIMITS = Limits(max_attempts=3, max_launches=6, deadline_base_s=5000)
UNHURRIED_S = 1e9  # a deadline that never comes, so that it cannot hide a job that is stuck
PLAN = plan_chunks(duration_s=25, unit_s=10, chunk_s=10, max_tasks=200)


@dataclass
class World:
    """One job and everything around it, advanced step by step."""

    job: Job = field(default_factory=a_job)
    now: float = 1000.0
    records: dict[tuple[StageName, int], Chunk] = field(default_factory=dict)
    orders: list[StageRequested] = field(default_factory=list)
    executions: dict[str, tuple[StageName, str, list[int]]] = field(default_factory=dict)
    """Living executions: stage, run and the chunks their tasks still have to start."""
    leases: list[Lease] = field(default_factory=list)
    computed: list[tuple[StageName, int]] = field(default_factory=list)
    told: list[JobEvent] = field(default_factory=list)
    runs: int = 0
    deadline_s: float = UNHURRIED_S
    plans: dict[StageName, ChunkPlan] = field(default_factory=lambda: {"pose": PLAN})

    def chunks_of(self, stage: StageName) -> tuple[Chunk, ...]:
        return tuple(record for (name, _), record in sorted(self.records.items()) if name == stage)

    def look(self) -> dict[StageName, Seen]:
        return {
            name: Seen(
                summary=summarise(self.chunks_of(name)),
                execution=None
                if stage.execution is None
                else "running"
                if stage.execution in self.executions
                else "ended",
            )
            for name, stage in self.job.stages.items()
        }

    def reconcile(self) -> None:
        for _ in range(50):
            effects = next_effects(self.job, self.look(), now=self.now, limits=LIMITS)
            if not effects:
                return
            for effect in effects:
                self.carry_out(effect)
        raise AssertionError(f"does not settle: {effects}")

    def carry_out(self, effect: object) -> None:
        match effect:
            case PublishOutbox():
                self.orders += [message for message in self.job.outbox if isinstance(message, StageRequested)]
                self.told += [message for message in self.job.outbox if isinstance(message, JobEvent)]
                self.job = jobs.published(self.job, self.job.outbox)
            case ProbeSource():
                self.job = jobs.planned(
                    self.job, media=a_video(), plans=self.plans, warnings=(), deadline=self.now + self.deadline_s
                )
            case RequestStage(stage=stage, seen_requests=seen):
                self.job = jobs.stage_requested(self.job, stage, now=self.now, seen_requests=seen)
            case SettleStage(stage=stage, state=state, error=error):
                self.job = jobs.stage_settled(self.job, stage, state, now=self.now, error=error)
            case NoteSilence(stage=stage, silent=silent):
                self.job = jobs.silence_noted(self.job, stage, silent)
            case NoteLiveliness(stage=stage, ended=ended):
                self.job = jobs.liveliness_noted(self.job, stage, now=self.now, ended=ended)
            case TellProgress(stage=stage, percent=percent):
                self.job = jobs.progress_told(self.job, stage, percent)
            case StartMerge():
                self.job = jobs.merging(self.job)
            case FinishJob():
                self.job = jobs.done(self.job, artifacts={"reel": "r"}, numbers={}, warnings=(), now=self.now)
            case FailJob(error=error):
                self.job = jobs.failed(self.job, error, now=self.now)
            case ExpireJob():
                self.job = jobs.expired(self.job, now=self.now)
            case CancelExecution(execution=execution):
                self.kill(execution)
            case _:
                raise AssertionError(effect)

    def upload(self) -> None:
        self.job = jobs.uploaded(self.job, generation="7", size_bytes=1, deadline=self.now + self.deadline_s)

    def deliver(self, at: int, *, again: bool) -> None:
        if not self.orders:
            return
        order = self.orders[at % len(self.orders)]
        if not again:
            self.orders.remove(order)
        stage = self.job.stages.get(order.stage)
        if stage is None or stage.requests != order.request or stage.state not in ("requested", "launching"):
            return
        self.runs += 1
        run_id, previous = f"run-{self.runs}", stage.execution
        self.job = jobs.stage_launching(
            self.job, order.stage, run_id=run_id, now=self.now, until=self.now + LIMITS.launching_s
        )
        stage = self.job.stages[order.stage]
        if stage.run_id != run_id:
            return
        records, is_running = self.chunks_of(order.stage), previous in self.executions
        todo = outstanding_chunks(stage, records, is_running=is_running, now=self.now, limits=LIMITS)
        left = left_chunks(stage, records, is_running=is_running, now=self.now, limits=LIMITS)
        execution = f"execution-{run_id}" if todo else previous
        if execution is not None:
            if todo:
                self.executions[execution] = (order.stage, run_id, todo)
            self.job = jobs.stage_launched(self.job, order.stage, run_id=run_id, execution=execution, left=left)

    def start_task(self) -> None:
        for execution, (stage, run_id, todo) in self.executions.items():
            if todo:
                self.executions[execution] = (stage, run_id, todo[1:])
                key = (stage, todo[0])
                record, answer = chunks.start(
                    self.records.get(key, Chunk(stage=stage, index=todo[0])),
                    job_id=self.job.id,
                    run_id=run_id,
                    current_run_id=self.job.wanted_run(stage),
                    task_attempt=0,
                    token=f"{run_id}-{todo[0]}",
                    now=self.now,
                    max_attempts=LIMITS.max_attempts,
                    rerun_after_s=LIMITS.rerun_after_s,
                )
                self.records[key] = record
                if isinstance(answer, Lease):
                    self.leases.append(answer)
                return

    def end_task(self, *, how: str) -> None:
        if not self.leases:
            return
        lease = self.leases.pop(0)
        record = self.records[(lease.stage, lease.index)]
        if how == "vanish" or not chunks.is_held_by(record, lease):
            return
        if how == "finish":
            self.computed.append((lease.stage, lease.index))
            record = chunks.finished(record, result="part", numbers={}, now=self.now)
        else:
            error = Failure(code="corrupt" if how == "refuse" else "try_again", message="No.")
            record = chunks.failed(
                record, error=error, is_final=how == "refuse", max_attempts=LIMITS.max_attempts, now=self.now
            )
        self.records[(lease.stage, lease.index)] = record

    def kill(self, execution: str) -> None:
        _, run_id, _ = self.executions.pop(execution)
        self.leases = [lease for lease in self.leases if lease.run_id != run_id]

    def reap(self) -> None:
        """An execution whose tasks have all ended is over."""
        for execution, (_, run_id, todo) in list(self.executions.items()):
            if not todo and not any(lease.run_id == run_id for lease in self.leases):
                del self.executions[execution]


STEPS = st.one_of(
    st.just("upload"), st.just("reconcile"), st.just("start"), st.just("finish"), st.just("vanish"), st.just("break"),
    st.just("refuse"), st.just("kill"), st.just("lose"), st.just("again"),
    st.tuples(st.just("deliver"), st.integers(0, 5)), st.tuples(st.just("wait"), st.sampled_from([1, 30, 100, 200])),
)  # fmt: skip


def run(world: World, steps: Iterable[object]) -> None:
    for step in steps:
        match step:
            case "upload":
                world.upload()
            case "reconcile":
                world.reconcile()
            case "start":
                world.start_task()
            case "finish" | "vanish" | "break" | "refuse":
                world.end_task(how=str(step))
            case "kill" if world.executions:
                world.kill(next(iter(world.executions)))
            case "lose" if world.orders:
                world.orders.pop()
            case "again":
                world.deliver(0, again=True)
            case ("deliver", int(at)):
                world.deliver(at, again=False)
            case ("wait", int(seconds)):
                world.now += seconds
        world.reap()


def calm(world: World, *, rounds: int = 400) -> None:
    """From here on everything works; time passes and the watchdog looks."""
    for _ in range(rounds):
        if world.job.is_final and not world.executions and not world.job.outbox:
            return
        run(world, ["upload", "reconcile", ("deliver", 0), "start", "finish", "start", "finish", ("wait", 30)])
        world.reconcile()


@settings(max_examples=400, deadline=None)
@given(st.lists(STEPS, max_size=60))
def test_whatever_happened_the_job_ends_once_things_work_again(steps: list[object]) -> None:
    world = World()
    run(world, steps)
    calm(world)
    assert world.job.is_final
    assert not world.executions
    assert world.job.outbox == ()
    assert len(world.computed) == len(set(world.computed)), "a finished chunk was computed again"
    assert len({event.event_id for event in world.told}) == len(world.told), "an event was told twice"
    if world.job.state == "done":
        assert set(world.computed) == {("pose", 0), ("pose", 1), ("pose", 2), ("merge", 0)}


@settings(max_examples=200, deadline=None)
@given(st.lists(STEPS, max_size=40))
def test_a_job_for_which_nothing_works_any_more_ends_by_its_deadline(steps: list[object]) -> None:
    world = World(deadline_s=LIMITS.deadline_s(25))
    run(world, ["upload", "reconcile", *steps])
    for _ in range(40):
        world.now += 200
        world.reconcile()
    assert world.job.is_final
    assert world.job.state in ("failed", "done")


@settings(max_examples=150, deadline=None)
@given(st.lists(STEPS, max_size=60))
def test_a_job_with_a_given_edit_list_ends_too_and_analyses_nothing(steps: list[object]) -> None:
    world = World(job=a_job(is_given=True), plans={})
    run(world, steps)
    calm(world)
    assert world.job.is_final
    assert not world.executions
    assert world.job.outbox == ()
    assert set(world.computed) <= {("merge", 0)}
    assert len(world.computed) == (1 if world.job.state == "done" else 0)


def test_an_undisturbed_job_with_a_given_edit_list_is_merged_at_once() -> None:
    world = World(job=a_job(is_given=True), plans={})
    run(world, ["upload", "reconcile"])
    assert (world.job.state, [order.stage for order in world.orders]) == ("merging", ["merge"])
    calm(world)
    assert world.job.state == "done"


def test_a_job_without_a_plan_and_without_an_edit_list_fails() -> None:
    world = World(plans={})
    calm(world)
    assert world.job.error is not None
    assert world.job.error.code == "nothing_to_analyse"


def test_an_undisturbed_job_takes_each_step_once() -> None:
    world = World()
    calm(world)
    assert world.job.state == "done"
    assert world.job.stages["pose"].launches == world.job.stages["merge"].launches == 1
    told = [(event.type, event.stage, event.percent) for event in world.told]
    assert told == [
        ("created", None, None),
        ("progress", None, None),
        ("progress", "pose", 60),
        ("progress", "pose", 100),
        ("progress", None, None),
        ("progress", "merge", 100),
        ("done", None, None),
    ]


def test_a_job_whose_upload_never_comes_expires() -> None:
    waiting = a_job()
    early, late = waiting.created_at + 1, waiting.created_at + LIMITS.upload_expires_s
    assert next_effects(waiting, {}, now=early, limits=LIMITS) == ()
    assert next_effects(waiting, {}, now=late, limits=LIMITS) == (ExpireJob(),)


def test_a_chunk_refused_for_good_fails_the_job_with_its_own_words() -> None:
    world = World()
    run(world, ["upload", "reconcile", ("deliver", 0), "start", "refuse", "reconcile"])
    assert world.job.state == "failed"
    assert world.job.error is not None and world.job.error.code == "corrupt"


def test_only_the_silent_chunk_and_those_nobody_started_are_run_again() -> None:
    stage = jobs.Stage(plan=plan_chunks(duration_s=50, unit_s=10, chunk_s=10, max_tasks=9), state="launched")
    records = (
        Chunk(stage="pose", index=0, state="done"),
        Chunk(stage="pose", index=1, state="running", moved_at=1000.0),
        Chunk(stage="pose", index=2, state="running", moved_at=800.0),
        Chunk(stage="pose", index=3, state="failed"),
    )
    assert outstanding_chunks(stage, records, is_running=True, now=1000.0, limits=LIMITS) == [2, 4]
    assert outstanding_chunks(stage, records, is_running=False, now=1000.0, limits=LIMITS) == [1, 2, 4]


def test_an_order_is_repeated_only_after_it_counts_as_lost() -> None:
    world = World()
    run(world, ["upload", "reconcile", "lose"])
    requests = world.job.stages["pose"].requests
    run(world, [("wait", 100), "reconcile"])
    assert world.job.stages["pose"].requests == requests
    run(world, [("wait", 30), "reconcile"])
    assert world.job.stages["pose"].requests == requests + 1


def test_two_watchdogs_that_saw_the_same_request_once() -> None:
    job = jobs.planned(
        jobs.uploaded(a_job(), generation="1", size_bytes=1, deadline=9e9),
        media=a_video(),
        plans={"pose": PLAN},
        warnings=(),
        deadline=9e9,
    )
    first = jobs.stage_requested(job, "pose", now=5, seen_requests=0)
    assert jobs.stage_requested(first, "pose", now=5, seen_requests=0) == first


@pytest.mark.parametrize("late", ["generation-2", ""])
def test_a_second_generation_of_the_upload_is_refused(late: str) -> None:
    queued = jobs.uploaded(a_job(), generation="generation-1", size_bytes=5, deadline=9e9)
    assert jobs.uploaded(queued, generation=late, size_bytes=6, deadline=9e9) == queued


def test_a_final_job_stops_what_still_runs() -> None:
    world = World()
    run(world, ["upload", "reconcile", ("deliver", 0)])
    world.job = jobs.failed(world.job, Failure(code="x", message="X."), now=2)
    execution = world.job.stages["pose"].execution
    seen: dict[StageName, Seen] = {"pose": Seen(summary=ChunkSummary(), execution="running")}
    assert CancelExecution(stage="pose", execution=str(execution)) in next_effects(
        world.job, seen, now=3, limits=LIMITS
    )


def test_a_silent_chunk_is_named_in_the_record_and_forgotten_when_it_moves() -> None:
    world = World()
    run(world, ["upload", "reconcile", ("deliver", 0), "start", ("wait", 60), "reconcile"])
    assert list(world.job.stages["pose"].silent) == [0]
    world.records[("pose", 0)] = chunks.moved(world.records[("pose", 0)], position=0.5, now=world.now)
    world.reconcile()
    assert list(world.job.stages["pose"].silent) == []


def launched(*, lively_at: float = 1000.0, left: tuple[int, ...] = (), chunks: int = 5) -> Job:
    """Return a job whose pose stage was launched, as its second run."""
    plan = plan_chunks(duration_s=10.0 * chunks, unit_s=10, chunk_s=10, max_tasks=2000)
    stage = jobs.Stage(
        plan=plan, state="launched", run_id="run-2", execution="e-2", left=left, lively_at=lively_at, launches=2
    )
    return a_job(state="analysing", stages={"pose": stage})


def steps_of(job: Job, *running: Chunk, done: int = 0, execution: ExecutionState = "running", at: float) -> object:
    """Return what is done for the job's pose stage when it is seen like this."""
    seen = Seen(summary=ChunkSummary(done=done, running=running), execution=execution)
    return next_effects(job, {"pose": seen}, now=at, limits=LIMITS)


AGAIN = (RequestStage(stage="pose", seen_requests=0),)


def test_a_chunk_given_up_that_waits_for_a_worker_of_its_new_run_is_not_silent() -> None:
    given_up = Chunk(stage="pose", index=3, state="running", run_id="run-1", moved_at=800.0)
    other = Chunk(stage="pose", index=1, state="running", run_id="run-2", moved_at=1300.0)
    assert steps_of(launched(), given_up, other, at=1300.0) == ()
    taken = Chunk(stage="pose", index=3, state="running", run_id="run-2", moved_at=1100.0)
    assert steps_of(launched(), taken, other, at=1300.0) == AGAIN


def test_a_chunk_left_to_an_older_run_is_watched_on() -> None:
    left = Chunk(stage="pose", index=3, state="running", run_id="run-1", moved_at=1000.0)
    assert steps_of(launched(left=(3,)), left, at=1060.0) == (NoteSilence(stage="pose", silent=(3,)),)
    assert steps_of(launched(left=(3,)), left, at=1180.0) == AGAIN


def test_a_run_that_has_ended_waits_for_what_it_left_to_an_older_one() -> None:
    left = Chunk(stage="pose", index=3, state="running", run_id="run-1", moved_at=1100.0)
    assert steps_of(launched(left=(3,)), left, done=4, execution="ended", at=1101.0) == ()
    assert steps_of(launched(left=(3,)), left, done=3, execution="ended", at=1101.0) == AGAIN
    stage = launched(left=(3,)).stages["pose"]
    assert left_chunks(stage, [left], is_running=False, now=1101.0, limits=LIMITS) == (3,)
    assert outstanding_chunks(stage, [left], is_running=False, now=1101.0, limits=LIMITS) == [0, 1, 2, 4]
    assert outstanding_chunks(stage, [left], is_running=False, now=1300.0, limits=LIMITS) == [0, 1, 2, 3, 4]


def test_chunks_that_nobody_starts_in_time_are_launched_again() -> None:
    in_time = 1000.0 + LIMITS.start_within_s - 1
    assert steps_of(launched(), at=in_time) == ()
    assert steps_of(launched(), at=in_time + 1) == AGAIN


def test_a_queued_execution_s_chunks_are_given_another_while() -> None:
    late = 1000.0 + LIMITS.start_within_s
    job = launched()
    assert steps_of(job, execution="queued", at=late) == (NoteLiveliness(stage="pose", ended=0),)
    renewed = jobs.liveliness_noted(job, "pose", now=late, ended=0)
    assert steps_of(renewed, execution="queued", at=late) == ()
    assert steps_of(renewed, at=late + LIMITS.start_within_s) == AGAIN, "out of the queue, and yet none was started"


def test_pending_chunks_wait_as_long_as_others_end_or_run() -> None:
    late = 1000.0 + LIMITS.start_within_s
    job = launched(chunks=1000)
    assert steps_of(job, done=7, at=late) == (NoteLiveliness(stage="pose", ended=7),)
    assert steps_of(jobs.liveliness_noted(job, "pose", now=late, ended=7), done=7, at=late) == ()
    runs = Chunk(stage="pose", index=3, state="running", run_id="run-2", moved_at=late)
    assert steps_of(job, runs, at=late) == ()


def test_who_does_not_ask_the_platform_does_not_judge_what_is_pending() -> None:
    seen: dict[StageName, Seen] = {"pose": Seen(execution=None)}
    assert next_effects(launched(), seen, now=9e5, limits=LIMITS) == ()


def test_a_person_who_asks_again_gives_a_job_new_budgets() -> None:
    world = World()
    for _ in range(LIMITS.max_attempts - 1):
        run(world, ["upload", "reconcile", ("deliver", 0), "start", "kill"])
    world.job = jobs.resumed(world.job, now=world.now, deadline_s=100)
    assert (world.job.stages["pose"].launches, world.job.deadline, world.job.probes) == (0, world.now + 100, 0)
    for key, record in world.records.items():
        world.records[key] = chunks.renewed(record)
    calm(world)
    assert world.job.state == "done"


def test_a_source_that_nobody_can_look_at_does_not_wait_for_ever() -> None:
    queued = jobs.uploaded(a_job(), generation="1", size_bytes=1, deadline=5000)
    assert next_effects(queued, {}, now=4999, limits=LIMITS) == (PublishOutbox(), ProbeSource())
    (end,) = next_effects(queued, {}, now=5000, limits=LIMITS)
    assert isinstance(end, FailJob)


BOTH: dict[StageName, ChunkPlan] = {"pose": PLAN, "transcribe": PLAN}


def end_every_task(world: World, how: dict[StageName, str]) -> None:
    """Start and end the tasks of all launched stages, each stage's in its own way."""
    for _ in range(12):
        run(world, ["upload", "reconcile", ("deliver", 0), "start"])
        if world.leases:
            world.end_task(how=how[world.leases[0].stage])
        world.reap()
    world.reconcile()


def test_both_stages_are_asked_for_at_once_and_the_merge_waits_for_both() -> None:
    world = World(plans=BOTH)
    run(world, ["upload", "reconcile"])
    assert {order.stage for order in world.orders} == {"pose", "transcribe"}
    calm(world)
    assert world.job.state == "done"
    assert {stage for stage, _ in world.computed} == {"pose", "transcribe", "merge"}


def test_broken_sound_does_not_cost_the_movement_and_is_told_as_a_warning() -> None:
    world = World(plans=BOTH)
    end_every_task(world, {"pose": "finish", "transcribe": "refuse", "merge": "finish"})
    calm(world)
    assert world.job.state == "done"
    assert world.job.stages["transcribe"].state == "failed_soft"
    assert [warned.code for warned in world.job.warnings] == ["corrupt"]


def test_broken_sound_is_the_jobs_end_where_only_words_were_asked_for() -> None:
    world = World(plans={"transcribe": PLAN})
    end_every_task(world, {"transcribe": "refuse"})
    assert world.job.state == "failed"
    assert world.job.stages["pose"].state == "skipped"


def test_a_broken_picture_fails_the_job() -> None:
    world = World(plans=BOTH)
    end_every_task(world, {"pose": "refuse", "transcribe": "finish"})
    assert world.job.state == "failed"


@settings(max_examples=150, deadline=None)
@given(st.lists(STEPS, max_size=60))
def test_with_two_stages_too_the_job_ends_once_things_work_again(steps: list[object]) -> None:
    world = World(plans=BOTH)
    run(world, steps)
    calm(world)
    assert world.job.is_final
    assert len(world.computed) == len(set(world.computed))
