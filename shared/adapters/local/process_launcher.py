"""Cloud Run jobs on one machine: an execution is a set of processes, restarted when they fail."""

import logging
import os
import secrets
import shutil
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil

from shared.adapters.local.execution_files import ExecutionFiles, ExecutionRecord, is_plain_name
from shared.adapters.local.task_environment import task_environment
from shared.adapters.local.task_process import GRACE_S, Allowance, TaskProcess
from shared.domain.messages import StageName
from shared.domain.plan import ExecutionState
from shared.errors import TryAgain
from shared.lifeline import GivenTask
from shared.ports import Clock
from shared.settings import Settings

TASK_RETRIES = 3  # the default of Cloud Run jobs
TICK_S = 0.05  # how long an ended task goes unnoticed; a look costs some microseconds per task
WATCH_EVERY_S = 0.25  # a decoder gone wild takes about 1 GB/s
AFTER_TROUBLE_S = 1.0  # what a look met may last; twenty traces a second would fill the log
REAP_S = 5.0  # a process that hangs in the kernel, on a network drive say, may take longer; we do not wait for it

log = logging.getLogger(__name__)


@dataclass(slots=True, kw_only=True, eq=False)
class _Execution:
    record: ExecutionRecord
    unfinished: int
    """Tasks that run or wait."""
    is_cancelled: bool = False


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Attempt:
    execution: _Execution
    index: int
    number: int
    """From 0."""


def task_command(stage: StageName, job_id: str, run_id: str) -> list[str]:
    """Return what a task of the stage is started with."""
    return [sys.executable, "-m", f"jobs.{stage}", job_id, run_id]


class ProcessLauncher:
    """A JobLauncher for one machine: at most `settings.workers` processes at once, first come, first served.

    A process that has done its task and asks for another is given the next in line if that is of the same execution and
    was never tried: so a run pays for starting as often as it has workers, and trouble still gets a fresh process.
    A task that exits with anything but 0, is killed, or exceeds its memory or time is restarted up to `task_retries`
    times. One thread, made by the first launch, looks after them all; no trouble ends it. When this process dies, so do
    its tasks (see shared/lifeline.py), and its executions count as ended. Other processes may ask for `state` and
    `cancel`; while the disk refuses to remove an ended execution's file, they see it run.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        home: Path,
        clock: Clock,
        command: Callable[[StageName, str, str], list[str]] = task_command,
        task_retries: int = TASK_RETRIES,
    ) -> None:
        self._settings = settings
        self._home = home
        self._clock = clock
        self._command = command
        self._task_retries = task_retries
        self._files = ExecutionFiles(home / "executions")
        self._allowance = Allowance(memory_bytes=settings.task_memory_bytes, time_s=settings.task_timeout_s)
        self._changed = threading.Condition()
        self._executions: dict[str, _Execution] = {}
        self._unremoved: set[str] = set()  # executions that have ended, but whose file the disk did not give up
        self._waiting: deque[_Attempt] = deque()
        self._running: dict[_Attempt, TaskProcess] = {}
        self._lifeline: tuple[int, int] | None = None
        self._supervisor: threading.Thread | None = None
        self._watched_at = 0.0
        self._is_closing = False

    def launch(self, stage: StageName, job_id: str, run_id: str, *, tasks: int) -> str:
        """Queue the tasks and return the execution's name.

        Raises TryAgain when it cannot be recorded or looked after, or we close.
        """
        if tasks < 1 or not is_plain_name(job_id) or not is_plain_name(run_id):
            raise ValueError(f"cannot launch {tasks} tasks of job {job_id!r}, run {run_id!r}")
        execution = _Execution(record=self._record(stage, job_id, run_id, tasks), unfinished=tasks)
        name = execution.record.execution
        with self._changed:
            if self._is_closing:
                raise TryAgain("This machine's launcher is closing.", code="closing")
            self._start_supervisor()
            self._files.put(execution.record)
            self._executions[name] = execution
            self._waiting.extend(_Attempt(execution=execution, index=index, number=0) for index in range(tasks))
            self._changed.notify()
        log.info("%s launched: %d tasks", name, tasks)
        return name

    def state(self, execution: str) -> ExecutionState:
        """Return whether tasks may still be running; an execution nobody knows has ended.

        Raises TryAgain when another process's cannot be read.
        """
        with self._changed:
            if execution in self._executions:
                return "running"
            if execution in self._unremoved:
                return "ended"
        record = self._files.running(execution)
        return "ended" if record is None or record.owner_pid == os.getpid() else "running"

    def cancel(self, execution: str) -> None:
        """Stop the execution's tasks, soon; one that has ended is no error. Another process's is asked to.

        Raises TryAgain when the other process cannot be asked.
        """
        with self._changed:
            mine = self._executions.get(execution)
            if mine is not None:
                self._cancel(mine)
                self._changed.notify()
                return
        if self.state(execution) == "running":
            self._files.ask_to_cancel(execution)

    def pids(self) -> list[int]:
        """Return the process ids of the tasks that run."""
        with self._changed:
            return [process.pid for process in self._running.values()]

    def close(self) -> None:
        """Stop every task, wait until all have ended, and end the thread. A later launch raises TryAgain."""
        with self._changed:
            self._is_closing = True
            for execution in list(self._executions.values()):
                self._cancel(execution)
            self._changed.notify()
            supervisor, self._supervisor = self._supervisor, None
            lifeline, self._lifeline = self._lifeline, None
        if supervisor is not None:
            supervisor.join(GRACE_S + REAP_S)
            if supervisor.is_alive():
                log.warning("these task processes do not even heed SIGKILL: %s", self.pids())
            self._remove_left_files()
        for end in lifeline or ():
            os.close(end)

    def _record(self, stage: StageName, job_id: str, run_id: str, tasks: int) -> ExecutionRecord:
        return ExecutionRecord(
            execution=f"{stage}-{run_id}-{secrets.token_hex(4)}",
            stage=stage,
            job_id=job_id,
            run_id=run_id,
            tasks=tasks,
            launched_at=self._clock(),
            owner_pid=os.getpid(),
            owner_started_at=psutil.Process().create_time(),
        )

    def _start_supervisor(self) -> None:
        if self._supervisor is not None:
            return
        supervisor = threading.Thread(target=self._supervise, name="process-launcher", daemon=True)
        try:
            if self._lifeline is None:
                self._lifeline = os.pipe()  # neither end is inherited unless we say so; we never pass the second on
            supervisor.start()
        except (OSError, RuntimeError) as error:  # no descriptor, or no thread, is left
            raise TryAgain(f"This machine cannot look after more tasks now: {error}.", "machine_full") from error
        self._supervisor = supervisor

    def _supervise(self) -> None:
        with self._changed:
            while not self._is_closing or self._running:
                is_well = self._tick()
                is_idle = not self._running and not self._waiting
                if not (is_idle and self._is_closing):
                    self._changed.wait(None if is_idle else TICK_S if is_well else AFTER_TROUBLE_S)

    def _tick(self) -> bool:
        """Look after everything once; return whether nothing unforeseen came up.

        Without this thread every execution would run for ever, so what one step meets stops neither it nor the others.
        """
        is_well = True
        for step in (self._settle_ended, self._watch, self._start_waiting):
            try:
                step()
            except Exception:
                log.exception("the launcher's look at its tasks failed")
                is_well = False
        return is_well

    def _settle_ended(self) -> None:
        for attempt, process in list(self._running.items()):
            code = process.exit_code()
            if code is not None:
                del self._running[attempt]
                self._settle(attempt, code)
            elif process.asks_for_more():
                self._answer(attempt, process)

    def _answer(self, attempt: _Attempt, process: TaskProcess) -> None:
        """Give a process that has done its attempt the next in line, or let it end."""
        following = self._waiting[0] if self._waiting else None
        if following is None or following.execution is not attempt.execution or following.number > 0:
            process.dismiss()
            return
        log_path = self._log_path(following)
        try:
            process.give(GivenTask(index=following.index, attempt=following.number, log_path=log_path))
        except OSError:
            return  # it has died since; its exit code says how
        self._waiting.popleft()
        del self._running[attempt]
        self._running[following] = process
        self._settle(attempt, 0)

    def _settle(self, attempt: _Attempt, code: int) -> None:
        execution = attempt.execution
        title = f"{execution.record.execution} task {attempt.index} attempt {attempt.number}"
        is_again = code != 0 and not execution.is_cancelled and attempt.number < self._task_retries
        log.log(logging.INFO if code == 0 else logging.WARNING, "%s ended with exit code %d", title, code)
        if is_again:
            again = _Attempt(execution=execution, index=attempt.index, number=attempt.number + 1)
            self._waiting.appendleft(again)  # it had its turn already
        else:
            self._finish_tasks(execution, 1)

    def _watch(self) -> None:
        now = time.monotonic()
        if now - self._watched_at < WATCH_EVERY_S:
            return
        self._watched_at = now
        for name in list(self._unremoved):
            self._remove_file(name)
        for name, execution in list(self._executions.items()):
            if not execution.is_cancelled and self._is_cancel_asked(name):
                self._cancel(execution)
        for process in self._running.values():
            process.enforce(self._allowance)

    def _is_cancel_asked(self, name: str) -> bool:
        try:
            return self._files.is_cancel_asked(name)
        except OSError as error:
            log.warning("cannot see whether %s is to be cancelled: %s", name, error)
            return False

    def _start_waiting(self) -> None:
        while self._waiting and len(self._running) < self._settings.workers:
            attempt = self._waiting.popleft()
            try:
                self._running[attempt] = self._started(attempt)
            except Exception as error:  # whatever it is, the attempt must be settled or its execution never ends
                name, is_bug = attempt.execution.record.execution, not isinstance(error, OSError)
                log.warning("%s task %d did not start: %s", name, attempt.index, error, exc_info=is_bug)
                self._settle(attempt, os.EX_OSERR)
                return  # whatever is short now may be there at the next tick

    def _started(self, attempt: _Attempt) -> TaskProcess:
        if self._lifeline is None:
            raise OSError("the launcher is closing")
        record = attempt.execution.record
        return TaskProcess(
            self._command(record.stage, record.job_id, record.run_id),
            environment=task_environment(
                record,
                index=attempt.index,
                attempt=attempt.number,
                lifeline=self._lifeline[0],
                settings=self._settings,
            ),
            lifeline=self._lifeline[0],
            log_path=self._log_path(attempt),
        )

    def forget(self, job_id: str) -> None:
        """Remove the logs of a job's tasks."""
        if is_plain_name(job_id):
            shutil.rmtree(self._home / "logs" / job_id, ignore_errors=True)

    def _log_path(self, attempt: _Attempt) -> Path:
        record = attempt.execution.record
        log_name = f"{record.stage}-{record.run_id}-{attempt.index}.{attempt.number}.log"
        return self._home / "logs" / record.job_id / log_name

    def _cancel(self, execution: _Execution) -> None:
        """Drop what waits and stop what runs."""
        execution.is_cancelled = True
        dropped = sum(attempt.execution is execution for attempt in self._waiting)
        self._waiting = deque(attempt for attempt in self._waiting if attempt.execution is not execution)
        for attempt, process in self._running.items():
            if attempt.execution is execution:
                process.stop()
        self._finish_tasks(execution, dropped)

    def _finish_tasks(self, execution: _Execution, tasks: int) -> None:
        execution.unfinished -= tasks
        name = execution.record.execution
        if execution.unfinished == 0 and self._executions.pop(name, None) is not None:
            self._remove_file(name)
            log.info("%s ended", name)

    def _remove_file(self, name: str) -> None:
        """Tell other processes that it has ended; where the disk refuses, remember to try again."""
        try:
            self._files.remove(name)
            self._unremoved.discard(name)
        except OSError as error:
            if name not in self._unremoved:
                log.warning("%s has ended, but its file cannot be removed: %s", name, error)
            self._unremoved.add(name)

    def _remove_left_files(self) -> None:
        with self._changed:
            for name in list(self._unremoved):
                self._remove_file(name)
        try:
            self._files.remove_orphans()
        except OSError as error:
            log.warning("files of executions that have ended cannot be removed: %s", error)
