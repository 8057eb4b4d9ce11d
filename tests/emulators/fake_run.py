"""Cloud Run Jobs on this machine, as far as Montage uses them: a gRPC server whose tasks are processes.

Google has no emulator of it. This is our reading of the documentation: no images, no limits of CPU and memory, no
rights, and every job is there from the start unless it is created by call.
"""

import argparse
import json
import os
import secrets
import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext, suppress
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import grpc
from google.cloud import run_v2
from google.longrunning.operations_pb2 import GetOperationRequest, Operation
from google.protobuf import any_pb2
from google.rpc import status_pb2

from tests.emulators.run_execution import Order, RunExecution

T = TypeVar("T")

TASK_TIMEOUT_S = 600.0  # Cloud Run's defaults, this and the next
MAX_RETRIES = 3
CALLS_AT_ONCE = 8


class Refused(Exception):
    """The answer to a call is this status."""

    def __init__(self, status: grpc.StatusCode, sentence: str) -> None:
        super().__init__(sentence)
        self.status, self.sentence = status, sentence


class FakeRun:
    """The service: jobs, executions and the operations that stand for them. An image's name is a key of `commands`."""

    def __init__(
        self,
        commands: Mapping[str, Sequence[str]],
        *,
        environment: Mapping[str, str],
        logs: Path | None = None,
        tasks_at_once: int | None = None,
    ) -> None:
        self.address = ""
        """host:port, once it serves."""
        self._commands = commands
        self._environment = environment
        self._logs = logs
        self._quota = threading.BoundedSemaphore(tasks_at_once) if tasks_at_once else nullcontext()
        self._lock = threading.RLock()
        self._jobs: dict[str, run_v2.Job] = {}
        self._executions: dict[str, RunExecution] = {}
        self._operations: dict[str, Callable[[], Operation]] = {}
        self._calls: Counter[str] = Counter()
        self._refusals = self._lost_answers = 0
        self._is_holding = False
        self._lifeline = os.pipe()

    # For tests

    def refuse_next(self, calls: int = 1) -> None:
        """Answer the next RunJob calls with UNAVAILABLE and run nothing."""
        with self._lock:
            self._refusals = calls

    def lose_next_answers(self, calls: int = 1) -> None:
        """Run what the next RunJob calls ask for, and answer UNAVAILABLE."""
        with self._lock:
            self._lost_answers = calls

    def hold(self) -> None:
        """Keep new executions pending, as a lack of instances does."""
        with self._lock:
            self._is_holding = True

    def release(self) -> None:
        """Let pending executions begin."""
        with self._lock:
            self._is_holding = False
            for execution in self._executions.values():
                execution.begin()

    def calls(self, method: str) -> int:
        """Return how often a method, "RunJob" say, was called."""
        with self._lock:
            return self._calls[method]

    def executions(self) -> list[run_v2.Execution]:
        """Return all executions, oldest first."""
        with self._lock:
            return [execution.seen() for execution in self._executions.values()]

    def close(self) -> None:
        """Kill every task."""
        with self._lock:
            executions = list(self._executions.values())
        for execution in executions:  # all of them first: one may wait for what another holds of the quota
            execution.kill()
        for execution in executions:
            execution.destroy()
        for end in self._lifeline:
            os.close(end)

    # google.cloud.run.v2.Jobs

    def create_job(self, request: run_v2.CreateJobRequest) -> Operation:
        job = run_v2.Job(request.job)
        job.name = f"{request.parent}/jobs/{request.job_id}"
        with self._lock:
            if job.name in self._jobs:
                raise Refused(grpc.StatusCode.ALREADY_EXISTS, f"Resource '{job.name}' already exists.")
            self._jobs[job.name] = job
        return self._operation(request.parent, lambda name: _operation(name, about=job, result=job))

    def get_job(self, request: run_v2.GetJobRequest) -> run_v2.Job:
        return _found(self._jobs, request.name)

    def run_job(self, request: run_v2.RunJobRequest) -> Operation:
        job = _found(self._jobs, request.name)
        with self._lock:
            if self._refusals > 0:
                self._refusals -= 1
                raise Refused(grpc.StatusCode.UNAVAILABLE, "The service is currently unavailable.")
            order = self._order(job, request.overrides)
            execution = self._executions[order.name] = RunExecution(order)
            if not self._is_holding:
                execution.begin()
            if self._lost_answers > 0:
                self._lost_answers -= 1
                raise Refused(grpc.StatusCode.UNAVAILABLE, "The connection was lost.")
        return self._operation(request.name.split("/jobs/")[0], partial(_run_operation, execution))

    # google.cloud.run.v2.Executions

    def get_execution(self, request: run_v2.GetExecutionRequest) -> run_v2.Execution:
        return _found(self._executions, request.name).seen()

    def list_executions(self, request: run_v2.ListExecutionsRequest) -> run_v2.ListExecutionsResponse:
        """Newest first; "-" stands for all jobs."""
        all_of = f"{request.parent.removesuffix('-')}/".replace("//", "/")
        mine = [seen for seen in reversed(self.executions()) if seen.name.startswith(all_of)]
        start = int(request.page_token or 0)
        end = start + (request.page_size or 100)
        return run_v2.ListExecutionsResponse(
            executions=mine[start:end], next_page_token=str(end) if end < len(mine) else ""
        )

    def cancel_execution(self, request: run_v2.CancelExecutionRequest) -> Operation:
        execution = _found(self._executions, request.name)
        if execution.has_ended:  # what Cloud Run says then is not documented; this is the worse of what it may say
            raise Refused(grpc.StatusCode.FAILED_PRECONDITION, f"Execution '{request.name}' has already completed.")
        execution.cancel()
        return self._operation(request.name.split("/jobs/")[0], partial(_cancel_operation, execution))

    def delete_execution(self, request: run_v2.DeleteExecutionRequest) -> Operation:
        with self._lock:
            execution = _found(self._executions, request.name)
            if not execution.has_ended:
                raise Refused(grpc.StatusCode.FAILED_PRECONDITION, f"Execution '{request.name}' is running.")
            del self._executions[request.name]
        return self._operation(request.name.split("/jobs/")[0], partial(_cancel_operation, execution))

    # google.longrunning.Operations

    def get_operation(self, request: GetOperationRequest) -> Operation:
        return _found(self._operations, request.name)()

    def _order(self, job: run_v2.Job, overrides: run_v2.RunJobRequest.Overrides) -> Order:
        """Return what a job's execution runs, what the caller overrides included."""
        template = job.template.template
        container = template.containers[0]
        args, variables = list(container.args), list(container.env)
        for override in overrides.container_overrides:
            args = list(override.args) if override.args or override.clear_args else args
            variables += override.env
        timeout = overrides.timeout or template.timeout or timedelta(seconds=TASK_TIMEOUT_S)
        return Order(
            name=f"{job.name}/executions/{job.name.rpartition('/')[2]}-{secrets.token_hex(3)[:5]}",
            argv=(*(container.command or self._commands[container.image]), *args),
            environment={**self._environment, **{variable.name: variable.value for variable in variables}},
            tasks=overrides.task_count or job.template.task_count or 1,
            parallelism=job.template.parallelism,
            max_retries=template.max_retries if "max_retries" in template else MAX_RETRIES,
            timeout_s=timeout.total_seconds(),
            lifeline=self._lifeline[0],
            logs=self._logs,
            quota=self._quota,
        )

    def _operation(self, parent: str, seen_as: Callable[[str], Operation]) -> Operation:
        """Keep an operation under a new name and return it as it is now."""
        name = f"{parent}/operations/{secrets.token_hex(8)}"
        with self._lock:
            self._operations[name] = partial(seen_as, name)
        return seen_as(name)

    def methods(self) -> Mapping[str, Mapping[str, tuple[Any, Callable[[Any], Any]]]]:
        """Return what is served: service, method, type of the request, and what answers it."""
        return {
            "google.cloud.run.v2.Jobs": {
                "CreateJob": (run_v2.CreateJobRequest, self.create_job),
                "GetJob": (run_v2.GetJobRequest, self.get_job),
                "RunJob": (run_v2.RunJobRequest, self.run_job),
            },
            "google.cloud.run.v2.Executions": {
                "GetExecution": (run_v2.GetExecutionRequest, self.get_execution),
                "ListExecutions": (run_v2.ListExecutionsRequest, self.list_executions),
                "CancelExecution": (run_v2.CancelExecutionRequest, self.cancel_execution),
                "DeleteExecution": (run_v2.DeleteExecutionRequest, self.delete_execution),
            },
            "google.longrunning.Operations": {"GetOperation": (GetOperationRequest, self.get_operation)},
        }

    def answer(self, method: str, act: Callable[[Any], Any], request: Any, context: Any) -> Any:
        """Count the call and carry it out."""
        with self._lock:
            self._calls[method] += 1
        try:
            return act(request)
        except Refused as refusal:
            context.abort(refusal.status, refusal.sentence)


@contextmanager
def fake_run(
    commands: Mapping[str, Sequence[str]],
    *,
    environment: Mapping[str, str],
    project: str,
    region: str,
    job_prefix: str = "montage-",
    parallelism: int = 0,
    max_retries: int = MAX_RETRIES,
    tasks_at_once: int | None = None,
    logs: Path | None = None,
    port: int = 0,
) -> Iterator[FakeRun]:
    """Serve Cloud Run Jobs with a job for each command (its stage stands behind `job_prefix`) until the block ends.

    A command stands for an image's entry point: job id and run id come behind it. `environment` is all that tasks get
    apart from Cloud Run's own variables. `parallelism` is each execution's, `tasks_at_once` the region's quota for all
    of them together. No process is left behind.
    """
    run = FakeRun(commands, environment=environment, logs=logs, tasks_at_once=tasks_at_once)
    for stage in commands:
        run.create_job(
            run_v2.CreateJobRequest(
                parent=f"projects/{project}/locations/{region}",
                job_id=f"{job_prefix}{stage}",
                job=_job(stage, parallelism=parallelism, max_retries=max_retries),
            )
        )
    server = grpc.server(ThreadPoolExecutor(CALLS_AT_ONCE))
    server.add_generic_rpc_handlers([_service(run, name, methods) for name, methods in run.methods().items()])
    run.address = f"127.0.0.1:{server.add_insecure_port(f'127.0.0.1:{port}')}"
    server.start()
    try:
        yield run
    finally:
        server.stop(grace=None).wait()
        run.close()


def _job(image: str, *, parallelism: int, max_retries: int) -> run_v2.Job:
    task = run_v2.TaskTemplate(containers=[run_v2.Container(image=image)], max_retries=max_retries)
    return run_v2.Job(template=run_v2.ExecutionTemplate(parallelism=parallelism, template=task))


def _found(things: Mapping[str, T], name: str) -> T:
    if name not in things:
        raise Refused(grpc.StatusCode.NOT_FOUND, f"Resource '{name}' was not found.")
    return things[name]


def _run_operation(execution: RunExecution, name: str) -> Operation:
    """Return the operation of a run: it ends with its last task, in an error when one has failed."""
    seen = execution.seen()
    if seen.completion_time is None or seen.succeeded_count == seen.task_count:
        return _operation(name, about=seen, result=seen if seen.completion_time else None)
    text = f"{seen.failed_count} tasks failed, {seen.cancelled_count} were cancelled."
    return _operation(name, about=seen, error=status_pb2.Status(code=10, message=text))  # ABORTED


def _cancel_operation(execution: RunExecution, name: str) -> Operation:
    seen = execution.seen()
    return _operation(name, about=seen, result=seen if seen.completion_time else None)


def _operation(name: str, *, about: Any, result: Any = None, error: status_pb2.Status | None = None) -> Operation:
    is_done = result is not None or error is not None
    return Operation(name=name, metadata=_packed(about), response=_packed(result), error=error, done=is_done)


def _packed(message: Any) -> any_pb2.Any | None:
    if message is None:
        return None
    packed = any_pb2.Any()
    packed.Pack(type(message).pb(message))
    return packed


def _service(
    run: FakeRun, name: str, methods: Mapping[str, tuple[Any, Callable[[Any], Any]]]
) -> grpc.GenericRpcHandler:
    handlers = {
        method: grpc.unary_unary_rpc_method_handler(
            partial(run.answer, method, act),
            request_deserializer=getattr(request, "deserialize", None) or request.FromString,
            response_serializer=_serialized,
        )
        for method, (request, act) in methods.items()
    }
    return grpc.method_handlers_generic_handler(name, handlers)


def _serialized(message: Any) -> bytes:
    """Return the bytes of a message, wrapped by proto-plus or not."""
    raw = type(message).pb(message) if hasattr(type(message), "pb") else message
    encoded: bytes = raw.SerializeToString()
    return encoded


def main() -> None:
    """Serve until SIGTERM or Ctrl-C; tasks get this process's environment."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--project", required=True)
    parser.add_argument("--region", required=True)
    parser.add_argument("--parallelism", type=int, default=0)
    parser.add_argument("--logs", type=Path)
    parser.add_argument("commands", type=json.loads, help='e.g. {"pose": ["python", "-m", "jobs.pose"]}')
    options = vars(parser.parse_args())
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with suppress(KeyboardInterrupt), fake_run(environment=os.environ, **options) as run:
        print(run.address, flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    main()
