from dataclasses import replace
from typing import Any

import pytest

from shared.domain import chunk as chunks
from shared.domain.chunk import AlreadyDone, Chunk, Exhausted, Failure, Held, Lease, StartAnswer, Superseded, summarise

PENDING = Chunk(stage="pose", index=3)


def start(chunk: Chunk, **changed: Any) -> tuple[Chunk, StartAnswer]:
    asked: dict[str, Any] = {
        "job_id": "job", "run_id": "run-1", "current_run_id": "run-1", "task_attempt": 0, "token": "t1", "now": 100.0,
        "max_attempts": 3, "rerun_after_s": 180.0,
    }  # fmt: skip
    return chunks.start(chunk, **{**asked, **changed})


def running(**changed: Any) -> Chunk:
    record, answer = start(PENDING)
    assert isinstance(answer, Lease)
    return replace(record, **changed)


def test_a_pending_chunk_is_leased_and_the_attempt_counted() -> None:
    record, answer = start(PENDING)
    assert answer == Lease(job_id="job", stage="pose", index=3, run_id="run-1", token="t1", attempt=1)
    assert (record.state, record.lease, record.attempts) == ("running", "t1", 1)


def test_a_second_task_of_the_same_run_is_kept_out_while_the_first_moves() -> None:
    assert start(running(), token="t2", now=279.0)[1] == Held()
    assert isinstance(start(running(), token="t2", now=280.0)[1], Lease)


def test_a_restarted_task_takes_over_from_its_dead_self_at_once() -> None:
    record, answer = start(running(), token="t2", task_attempt=1, now=101.0)
    assert isinstance(answer, Lease)
    assert record.attempts == 2
    assert not chunks.is_held_by(
        record, Lease(job_id="job", stage="pose", index=3, run_id="run-1", token="t1", attempt=1)
    )


def test_a_task_of_a_replaced_run_is_superseded_and_one_of_the_new_run_takes_over() -> None:
    assert start(running(), current_run_id="run-2", token="t2")[1] == Superseded()
    assert isinstance(start(running(), run_id="run-2", current_run_id="run-2", token="t2")[1], Lease)


def test_a_job_that_wants_no_run_supersedes_everything_but_a_done_chunk() -> None:
    assert start(PENDING, current_run_id=None)[1] == Superseded()
    assert start(replace(PENDING, state="done"), current_run_id=None)[1] == AlreadyDone()


def test_a_chunk_whose_tasks_keep_dying_fails_as_crashed_worker() -> None:
    record = PENDING
    for attempt in range(3):
        record, answer = start(record, task_attempt=attempt, token=f"t{attempt}")
        assert isinstance(answer, Lease)
    record, answer = start(record, task_attempt=3)
    assert answer == Exhausted()
    assert record.state == "failed"
    assert record.error is not None and record.error.code == "crashed_worker"
    assert start(record)[1] == Exhausted()


def test_an_error_is_tried_again_until_the_budget_is_spent() -> None:
    error = Failure(code="try_again", message="The store was away.")
    once = chunks.failed(running(), error=error, is_final=False, max_attempts=3, now=110)
    assert (once.state, once.error) == ("pending", error)
    assert chunks.failed(running(attempts=3), error=error, is_final=False, max_attempts=3, now=110).state == "failed"
    assert chunks.failed(running(), error=error, is_final=True, max_attempts=3, now=110).state == "failed"


def test_a_chunk_that_is_handed_back_costs_no_attempt() -> None:
    back = chunks.handed_back(running(), now=110)
    assert (back.state, back.attempts, back.lease) == ("pending", 0, None)


def test_standing_still_is_not_moving() -> None:
    moved = chunks.moved(running(), position=0.5, now=120)
    assert (moved.position, moved.moved_at) == (0.5, 120)
    assert chunks.moved(moved, position=0.5, now=150) == moved


def test_the_summary_names_the_chunk_that_stood_still_longest() -> None:
    records = [
        running(index=0, moved_at=50.0, position=0.5),
        running(index=1, moved_at=20.0, position=0.25),
        replace(PENDING, index=2, state="done"),
        replace(PENDING, index=4),
    ]
    summary = summarise(records)
    assert (summary.done, summary.position_sum, summary.ended) == (1, 1.75, 1)
    assert summary.slowest is not None and summary.slowest.index == 1


@pytest.mark.parametrize("state", ["pending", "done", "failed"])
def test_only_a_running_chunk_is_held(state: Any) -> None:
    lease = Lease(job_id="job", stage="pose", index=3, run_id="run-1", token="t1", attempt=1)
    assert chunks.is_held_by(running(), lease)
    assert not chunks.is_held_by(running(state=state), lease)
