"""One execution of a Cloud Run job, played on this machine: every attempt of a task is a process."""

import os
import signal
import subprocess
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, nullcontext, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from google.cloud.run_v2.types import Condition, Execution

from shared.lifeline import LIFELINE_VARIABLE

GRACE_S = 10.0  # from SIGTERM to SIGKILL, as on Cloud Run
MOST_AT_ONCE = 100  # where a job sets no parallelism of its own; about Cloud Run's default quota
NOT_STARTED = 127  # what a shell says of a program it does not find


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What an execution runs."""

    name: str
    """The execution's, in full."""
    argv: tuple[str, ...]
    environment: Mapping[str, str]
    """All that a task gets, apart from Cloud Run's own variables."""
    tasks: int
    parallelism: int
    """0 is as many as there are tasks."""
    max_retries: int
    timeout_s: float
    """Of one attempt."""
    lifeline: int
    """A pipe's end: tasks that heed it (shared/lifeline.py) die with us."""
    logs: Path | None
    """A folder for what the tasks say."""
    quota: AbstractContextManager[object] = field(default_factory=nullcontext)
    """Held by each attempt: what the region lends to all executions together."""

    @property
    def job(self) -> str:
        return self.name.split("/executions/")[0]


@dataclass(slots=True)
class _Counts:
    succeeded: int = 0
    failed: int = 0
    cancelled: int = 0
    retried: int = 0


@dataclass(slots=True)
class _Times:
    created: datetime = field(default_factory=lambda: datetime.now(UTC))
    started: datetime | None = None
    completed: datetime | None = None


class RunExecution:
    """Pending until `begin`; then it runs its tasks in order, so many at once, and restarts those that fail."""

    def __init__(self, order: Order) -> None:
        self.order = order
        self._lock = threading.Lock()
        self._counts = _Counts()
        self._times = _Times()
        self._running: list[subprocess.Popen[bytes]] = []
        self._is_cancelled = False
        self._may_begin = threading.Event()
        self._killer = threading.Timer(GRACE_S, self._kill_all)
        self._thread = threading.Thread(target=self._run, name=order.name)
        self._thread.start()

    @property
    def has_ended(self) -> bool:
        return self._times.completed is not None

    def begin(self) -> None:
        """Let the first tasks start."""
        self._may_begin.set()

    def cancel(self) -> None:
        """Drop the tasks that wait; ask those that run to end, and kill them when they have not in time."""
        with self._lock:
            if self._is_cancelled or self.has_ended:
                return
            self._is_cancelled = True
            for process in self._running:
                process.terminate()
            self._killer.start()
        self.begin()

    def kill(self) -> None:
        """Kill everything at once."""
        with self._lock:
            self._is_cancelled = True
        self._kill_all()
        self.begin()

    def destroy(self) -> None:
        """Kill everything at once and return when it is gone."""
        self.kill()
        self._thread.join()

    def seen(self) -> Execution:
        """Return the execution as the service shows it."""
        with self._lock:
            is_well = self._counts.succeeded == self.order.tasks
            good, bad = Condition.State.CONDITION_SUCCEEDED, Condition.State.CONDITION_FAILED
            state = Condition.State.CONDITION_RECONCILING if not self.has_ended else good if is_well else bad
            return Execution(
                name=self.order.name,
                job=self.order.job,
                create_time=self._times.created,
                start_time=self._times.started,
                completion_time=self._times.completed,
                task_count=self.order.tasks,
                parallelism=self.order.parallelism,
                reconciling=not self.has_ended,
                running_count=len(self._running),
                succeeded_count=self._counts.succeeded,
                failed_count=self._counts.failed,
                cancelled_count=self._counts.cancelled,
                retried_count=self._counts.retried,
                conditions=[Condition(type_="Completed", state=state)],
            )

    def _run(self) -> None:
        self._may_begin.wait()
        at_once = min(self.order.parallelism or MOST_AT_ONCE, self.order.tasks)
        with self._lock:
            self._times.started = None if self._is_cancelled else datetime.now(UTC)
        with ThreadPoolExecutor(at_once) as pool:
            list(pool.map(self._run_task, range(self.order.tasks)))
        self._killer.cancel()
        with self._lock:
            self._times.completed = datetime.now(UTC)

    def _run_task(self, index: int) -> None:
        for attempt in range(self.order.max_retries + 1):
            with self.order.quota:
                code = self._attempt(index, attempt)
            with self._lock:
                if code == 0:
                    self._counts.succeeded += 1
                    return
                if self._is_cancelled:
                    self._counts.cancelled += 1
                    return
                if attempt < self.order.max_retries:
                    self._counts.retried += 1
        with self._lock:
            self._counts.failed += 1

    def _attempt(self, index: int, attempt: int) -> int | None:
        """Return a process's exit code, negative for a signal; None when it was cancelled before it began."""
        with self._lock:
            if self._is_cancelled:
                return None
            try:
                process = self._start(index, attempt)
            except (OSError, ValueError):
                return NOT_STARTED
            self._running.append(process)
        try:
            return self._wait(process)
        finally:
            _kill_group(process)  # a container ends with its first process
            with self._lock:
                self._running.remove(process)

    def _start(self, index: int, attempt: int) -> "subprocess.Popen[bytes]":
        order = self.order
        short = order.name.rpartition("/")[2]
        with ExitStack() as stack:
            log = order.logs and order.logs / f"{short}-{index}-{attempt}.log"
            return subprocess.Popen(
                order.argv,
                env={
                    **order.environment,
                    "CLOUD_RUN_JOB": order.job.rpartition("/")[2],
                    "CLOUD_RUN_EXECUTION": short,
                    "CLOUD_RUN_TASK_INDEX": str(index),
                    "CLOUD_RUN_TASK_COUNT": str(order.tasks),
                    "CLOUD_RUN_TASK_ATTEMPT": str(attempt),
                    LIFELINE_VARIABLE: str(order.lifeline),
                },
                stdin=subprocess.DEVNULL,
                stdout=stack.enter_context(log.open("wb")) if log else subprocess.DEVNULL,
                stderr=subprocess.STDOUT,
                pass_fds=(order.lifeline,),
                start_new_session=True,  # a group of its own, which ends as a whole
            )

    def _wait(self, process: "subprocess.Popen[bytes]") -> int:
        with suppress(subprocess.TimeoutExpired):
            return process.wait(self.order.timeout_s)
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(GRACE_S)
        _kill_group(process)
        process.wait()
        return -signal.SIGTERM  # failed, even if it said 0 when it was told that its time was up

    def _kill_all(self) -> None:
        with self._lock:
            for process in self._running:
                _kill_group(process)


def _kill_group(process: "subprocess.Popen[bytes]") -> None:
    with suppress(ProcessLookupError, PermissionError):  # macOS says the latter of a group of zombies
        os.killpg(process.pid, signal.SIGKILL)
