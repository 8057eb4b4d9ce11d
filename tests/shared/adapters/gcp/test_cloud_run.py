import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from google.cloud.run_v2.types import Execution

from shared.adapters.gcp.clients import GoogleClients
from shared.adapters.gcp.cloud_run import CloudRunJobs, has_ended
from shared.errors import MontageError, TryAgain
from shared.settings import GoogleSettings
from tests.contracts.job_launcher import RETRIES, JobLauncherContract, Make, noted, program, wait_for_end, wait_until
from tests.emulators.fake_run import FakeRun, fake_run

pytestmark = [pytest.mark.emulators, pytest.mark.slow]

PROJECT, REGION = "montage-test", "europe-west1"
FAILS = "raise SystemExit(1)"
SLEEPS = "import time; time.sleep(60)"


@contextmanager
def cloud_run(source: str) -> Iterator[tuple[CloudRunJobs, FakeRun]]:
    """Run a service whose tasks are this Python program, and give a launcher of ours and the service."""
    command = [sys.executable, "-S", "-c", source]  # without site-packages: ten times as fast
    commands = {"pose": command, "merge": command}
    with fake_run(
        commands, environment={}, project=PROJECT, region=REGION, parallelism=2, max_retries=RETRIES
    ) as service:
        clients = GoogleClients(GoogleSettings(run_emulator_host=service.address))
        launcher = CloudRunJobs(
            clients.run_jobs,
            clients.run_executions,
            project=PROJECT,
            region=REGION,
            job_prefix="montage-",
            timeout_s=5.0,
        )
        yield launcher, service
        clients.close()


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    folder = tmp_path / "notes"
    folder.mkdir()
    return folder


class TestCloudRunJobs(JobLauncherContract):
    @pytest.fixture
    def make(self) -> Iterator[Make]:
        with ExitStack() as stack:
            yield lambda source: stack.enter_context(cloud_run(source))[0]


def test_a_refused_launch_is_not_repeated() -> None:
    with cloud_run("") as (launcher, service):
        service.refuse_next()
        with pytest.raises(TryAgain, match="montage-pose failed for now"):
            launcher.launch("pose", "job", "run", tasks=1)
        assert service.calls("RunJob") == 1
        assert service.executions() == []


def test_a_launch_whose_answer_is_lost_is_not_repeated_though_the_execution_runs(notes: Path) -> None:
    with cloud_run(program(notes, 'note("ran")')) as (launcher, service):
        service.lose_next_answers()
        with pytest.raises(TryAgain) as caught:
            launcher.launch("pose", "job", "run", tasks=1)
        assert caught.value.code == "cloud_unavailable"
        wait_until(lambda: noted(notes) == ["ran-0-0"])
        assert service.calls("RunJob") == 1
        (execution,) = service.executions()
        wait_for_end(launcher, execution.name)


def test_a_launch_does_not_wait_for_the_execution_to_begin_and_a_pending_one_is_queued() -> None:
    with cloud_run("") as (launcher, service):
        service.hold()
        execution = launcher.launch("pose", "job", "run", tasks=1)
        assert launcher.state(execution) == "queued"
        assert service.executions()[0].start_time is None
        service.release()
        wait_for_end(launcher, execution)


def test_a_pending_execution_can_be_cancelled(notes: Path) -> None:
    with cloud_run(program(notes, 'note("ran")')) as (launcher, service):
        service.hold()
        execution = launcher.launch("pose", "job", "run", tasks=2)
        launcher.cancel(execution)
        wait_for_end(launcher, execution)
        assert service.executions()[0].cancelled_count == 2
        assert noted(notes) == []


def test_an_execution_all_of_whose_tasks_failed_has_ended() -> None:
    with cloud_run(FAILS) as (launcher, service):
        execution = launcher.launch("pose", "job", "run", tasks=2)
        wait_for_end(launcher, execution)
        assert (service.executions()[0].failed_count, service.executions()[0].retried_count) == (2, 2 * RETRIES)
        launcher.cancel(execution)
        assert launcher.state(execution) == "ended"


def test_cancelling_a_running_execution_twice_is_no_error() -> None:
    with cloud_run(SLEEPS) as (launcher, _):
        execution = launcher.launch("pose", "job", "run", tasks=1)
        launcher.cancel(execution)
        launcher.cancel(execution)
        wait_for_end(launcher, execution)
        launcher.cancel(execution)


def test_a_deleted_execution_has_ended() -> None:
    with cloud_run("") as (launcher, service):
        execution = launcher.launch("pose", "job", "run", tasks=1)
        wait_for_end(launcher, execution)
        clients = GoogleClients(GoogleSettings(run_emulator_host=service.address))
        clients.run_executions.delete_execution(name=execution)
        assert launcher.state(execution) == "ended"
        launcher.cancel(execution)
        clients.close()


def test_an_execution_of_another_project_is_nobody_s() -> None:
    with cloud_run("") as (launcher, service):
        for name in (f"projects/else/locations/{REGION}/jobs/montage-pose/executions/montage-pose-abcde", "pose\n"):
            assert launcher.state(name) == "ended"
            launcher.cancel(name)
        assert service.calls("GetExecution") == service.calls("CancelExecution") == 0


def test_a_missing_job_is_named() -> None:
    with cloud_run("") as (launcher, _), pytest.raises(MontageError, match="montage-transcribe") as caught:
        launcher.launch("transcribe", "job", "run", tasks=1)
    assert caught.value.code == "no_job"


def test_a_service_that_is_away_is_worth_another_try() -> None:
    with cloud_run("") as (launcher, service):
        execution = launcher.launch("pose", "job", "run", tasks=1)
        address = service.address
    clients = GoogleClients(GoogleSettings(run_emulator_host=address))
    jobs, executions = clients.run_jobs, clients.run_executions
    away = CloudRunJobs(jobs, executions, project=PROJECT, region=REGION, job_prefix="montage-", timeout_s=0.4)
    for call in (lambda: away.state(execution), lambda: away.cancel(execution)):
        with pytest.raises(TryAgain, match="failed for now"):
            call()
    with pytest.raises(TryAgain, match="failed for now"):
        away.launch("pose", "job", "run", tasks=1)
    clients.close()


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ({"task_count": 3}, False),
        ({"task_count": 3, "running_count": 1, "succeeded_count": 2}, False),
        ({"task_count": 3, "succeeded_count": 1, "failed_count": 1, "cancelled_count": 1}, True),
        ({"task_count": 3, "completion_time": {"seconds": 1}}, True),
        ({}, False),
    ],
)
def test_an_execution_has_ended_once_it_is_complete_or_every_task_is_counted(
    counts: dict[str, object], expected: bool
) -> None:
    assert has_ended(Execution(counts)) is expected
