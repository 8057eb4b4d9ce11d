"""Executions of Cloud Run jobs: one job per stage, made by Terraform, run with a job id, a run id and a task count."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from google.api_core.exceptions import FailedPrecondition, InvalidArgument, NotFound
from google.cloud.run_v2 import ExecutionsClient, JobsClient, RunJobRequest
from google.cloud.run_v2.types import Execution

from shared.adapters.gcp.attempts import attempts_within
from shared.adapters.gcp.failures import translated
from shared.domain.messages import StageName
from shared.domain.plan import ExecutionState
from shared.errors import MontageError, TryAgain


class CloudRunJobs:
    """A JobLauncher on Cloud Run. An execution's name is its full one, `projects/…/locations/…/jobs/…/executions/…`.

    A job's name is `job_prefix` and the stage.
    """

    def __init__(
        self,
        jobs: JobsClient,
        executions: ExecutionsClient,
        *,
        project: str,
        region: str,
        job_prefix: str,
        timeout_s: float,
    ) -> None:
        self._jobs = jobs
        self._executions = executions
        self._parent = f"projects/{project}/locations/{region}"
        self._job_prefix = job_prefix
        self._timeout_s = timeout_s
        self._attempts = attempts_within(timeout_s)
        self._ours = re.compile(rf"{re.escape(self._parent)}/jobs/[a-z0-9-]+/executions/[a-z0-9-]+")

    def launch(self, stage: StageName, job_id: str, run_id: str, *, tasks: int) -> str:
        """Start an execution and return its name, without waiting for any task.

        Asked for once, whatever happens: a second request would start a second execution. So after TryAgain there may
        be one or none. One that nobody knows of does no harm: once a later run is recorded, its tasks get no chunk.
        """
        if tasks < 1:
            raise ValueError(f"cannot launch {tasks} tasks of job {job_id!r}, run {run_id!r}")
        name = f"{self._parent}/jobs/{self._job_prefix}{stage}"
        with translated(f"Running {name}"), _job_known(name):
            operation = self._jobs.run_job(
                request=_order(name, job_id, run_id, tasks), retry=None, timeout=self._timeout_s
            )
            execution = operation.metadata  # what was started; the operation itself ends with its last task
        if execution is None or not execution.name:
            raise TryAgain(f"Cloud Run ran {name} and did not say as which execution.", "cloud_unavailable")
        return f"{name}/executions/{execution.name.rpartition('/')[2]}"  # theirs may say the project's number

    def state(self, execution: str) -> ExecutionState:
        """Return whether tasks may still run or wait; an execution nobody knows has ended."""
        if self._ours.fullmatch(execution) is None:
            return "ended"
        with translated(f"Looking up {execution}"):
            try:
                seen = self._executions.get_execution(
                    name=execution, retry=self._attempts.retry, timeout=self._attempts.timeout_s
                )
            except NotFound:
                return "ended"
        return "ended" if has_ended(seen) else "running" if has_begun(seen) else "queued"

    def cancel(self, execution: str) -> None:
        """Have the execution's tasks stopped, soon; one that has ended is no error."""
        if self._ours.fullmatch(execution) is None:
            return
        with translated(f"Cancelling {execution}"):
            try:
                self._executions.cancel_execution(
                    name=execution, retry=self._attempts.retry, timeout=self._attempts.timeout_s
                )
            except NotFound:
                return
            except (FailedPrecondition, InvalidArgument):
                if self.state(execution) != "ended":
                    raise

    def forget(self, job_id: str) -> None:
        """Nothing is kept here: Cloud Logging keeps what tasks said for as long as its own settings say."""


def has_ended(execution: Execution) -> bool:
    """Return whether no task of the execution runs or waits, whatever became of them.

    A complete count is believed without a completion time, which may come later.
    """
    counted = execution.succeeded_count + execution.failed_count + execution.cancelled_count
    return execution.completion_time is not None or 0 < execution.task_count <= counted


def has_begun(execution: Execution) -> bool:
    """Return whether any task of the execution runs or ever ran."""
    counts = (execution.running_count, execution.succeeded_count, execution.failed_count, execution.retried_count)
    return any(counts)


def _order(name: str, job_id: str, run_id: str, tasks: int) -> RunJobRequest:
    container = RunJobRequest.Overrides.ContainerOverride(args=[job_id, run_id])
    return RunJobRequest(
        name=name, overrides=RunJobRequest.Overrides(container_overrides=[container], task_count=tasks)
    )


@contextmanager
def _job_known(name: str) -> Iterator[None]:
    try:
        yield
    except NotFound as error:
        sentence = f"There is no Cloud Run job {name}: apply infra/, or correct MONTAGE_GOOGLE_JOB_PREFIX."
        raise MontageError("no_job", sentence) from error
