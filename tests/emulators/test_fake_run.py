import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest
from google.api_core.exceptions import Aborted, AlreadyExists, NotFound
from google.cloud import run_v2

from shared.adapters.gcp.clients import GoogleClients
from shared.settings import GoogleSettings
from tests.contracts.job_launcher import noted, program, wait_until
from tests.emulators import run_execution
from tests.emulators.fake_run import FakeRun, fake_run

pytestmark = [pytest.mark.emulators, pytest.mark.slow]

ROOT = Path(__file__).parents[2]
PLACE = "projects/montage-test/locations/europe-west1"
JOB = f"{PLACE}/jobs/montage-pose"
DEAF = 'import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); note("ran", os.getpid()); time.sleep(60)'


@contextmanager
def service(source: str, **options: Any) -> Iterator[tuple[FakeRun, GoogleClients]]:
    commands = {"pose": [sys.executable, "-S", "-c", source]}
    options = {"environment": {}, "project": "montage-test", "region": "europe-west1", **options}
    with fake_run(commands, **options) as run:
        clients = GoogleClients(GoogleSettings(run_emulator_host=run.address))
        yield run, clients
        clients.close()


def order(**overrides: Any) -> run_v2.RunJobRequest:
    container = {key: overrides.pop(key) for key in ("args", "env", "clear_args") if key in overrides}
    return run_v2.RunJobRequest(name=JOB, overrides={"container_overrides": [container], **overrides})


def ended(operation: Any) -> Any:
    """Return the result of an operation, once there is one. Raises what it ended in."""
    return operation.result(timeout=20.0)


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    folder = tmp_path / "notes"
    folder.mkdir()
    return folder


def test_an_operation_ends_with_the_execution_when_all_is_well() -> None:
    with service("") as (_, clients):
        operation = clients.run_jobs.run_job(request=order(task_count=3))
        assert operation.metadata.name.startswith(f"{JOB}/executions/montage-pose-")
        result = ended(operation)
        assert (result.name, result.succeeded_count) == (operation.metadata.name, 3)
        assert result.completion_time >= result.start_time >= result.create_time


def test_an_operation_ends_in_an_error_when_a_task_failed() -> None:
    with service("import sys; sys.exit(3)", max_retries=0) as (_, clients):
        operation = clients.run_jobs.run_job(request=order(task_count=2))
        with pytest.raises(Aborted, match="2 tasks failed"):
            ended(operation)


def test_arguments_and_variables_are_overridden(notes: Path) -> None:
    body = 'note("ran", [sys.argv[1:], os.environ["A"], os.environ["B"]])'
    with service(program(notes, body), environment={"A": "1", "B": "1"}) as (_, clients):
        wanted = order(args=["x", "y"], env=[{"name": "B", "value": "2"}])
        ended(clients.run_jobs.run_job(request=wanted))
    assert (notes / "ran-0-0").read_text() == str([["x", "y"], "1", "2"])


def test_a_task_is_stopped_when_its_time_is_up_and_counts_as_failed(notes: Path) -> None:
    body = """
    import signal
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    note("ran")
    time.sleep(60)
    """
    with service(program(notes, body), max_retries=1) as (run, clients):
        clients.run_jobs.run_job(request=order(timeout={"seconds": 1}))
        wait_until(lambda: run.executions()[0].failed_count == 1)
    assert noted(notes) == ["ran-0-0", "ran-0-1"]


def test_a_cancelled_task_that_heeds_no_sigterm_is_killed_after_a_while(
    notes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_execution, "GRACE_S", 0.3)
    with service(program(notes, DEAF)) as (_, clients):
        execution = clients.run_jobs.run_job(request=order()).metadata.name
        wait_until(lambda: noted(notes) == ["ran-0-0"])
        result = ended(clients.run_executions.cancel_execution(name=execution))
    assert (result.cancelled_count, result.failed_count) == (1, 0)


def test_a_task_that_cannot_be_started_fails() -> None:
    commands = {"pose": ["/nowhere/pose"]}
    with fake_run(commands, environment={}, project="montage-test", region="europe-west1", max_retries=2) as run:
        clients = GoogleClients(GoogleSettings(run_emulator_host=run.address))
        clients.run_jobs.run_job(request=order())
        wait_until(lambda: run.executions()[0].failed_count == 1)
        assert run.executions()[0].retried_count == 2
        clients.close()


def test_executions_are_listed_by_page_newest_first_and_can_be_deleted() -> None:
    with service("") as (_, clients):
        names = []
        for _ in range(3):
            operation = clients.run_jobs.run_job(request=order())
            names.append(operation.metadata.name)
            ended(operation)
        for parent in (JOB, f"{PLACE}/jobs/-"):
            pager = clients.run_executions.list_executions(request={"parent": parent, "page_size": 2})
            assert [execution.name for execution in pager] == names[::-1]
        assert list(clients.run_executions.list_executions(parent=f"{PLACE}/jobs/montage")) == []
        clients.run_executions.delete_execution(name=names[0])
        with pytest.raises(NotFound):
            clients.run_executions.get_execution(name=names[0])


def test_a_job_can_be_created_once() -> None:
    with service("") as (_, clients):
        job = run_v2.Job(template={"template": {"containers": [{"image": "pose"}]}, "task_count": 2})
        made = ended(clients.run_jobs.create_job(parent=PLACE, job=job, job_id="other"))
        assert clients.run_jobs.get_job(name=made.name) == made
        assert ended(clients.run_jobs.run_job(name=made.name)).succeeded_count == 2
        with pytest.raises(AlreadyExists):
            clients.run_jobs.create_job(parent=PLACE, job=job, job_id="other")


def test_what_tasks_say_is_kept(tmp_path: Path) -> None:
    with service("print('hello')", logs=tmp_path) as (_, clients):
        execution = ended(clients.run_jobs.run_job(request=order())).name
    assert (tmp_path / f"{execution.rpartition('/')[2]}-0-0.log").read_text() == "hello\n"


def test_no_process_is_left_behind(notes: Path) -> None:
    body = """
    import subprocess
    child = subprocess.Popen([sys.executable, "-S", "-c", "import time; time.sleep(60)"])
    note("child", child.pid)
    """
    with service(program(notes, body + DEAF)) as (_, clients):
        clients.run_jobs.run_job(request=order(task_count=2))
        wait_until(lambda: len(noted(notes)) == 4)
    wait_until(lambda: not any(is_alive(int(path.read_text())) for path in notes.iterdir()), within_s=5.0)


@contextmanager
def own_process(source: str) -> Iterator["subprocess.Popen[str]"]:
    """Run the service as a process of its own, and let it run the program once."""
    command = [sys.executable, "-m", "tests.emulators.fake_run", "--project", "montage-test"]
    commands = json.dumps({"pose": [sys.executable, "-S", "-c", source]})
    with subprocess.Popen(
        [*command, "--region", "europe-west1", commands], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        clients = GoogleClients(GoogleSettings(run_emulator_host=process.stdout.readline().strip()))
        clients.run_jobs.run_job(request=order())
        clients.close()
        yield process
        process.kill()


def test_a_service_of_its_own_process_takes_its_tasks_along_on_sigterm(notes: Path) -> None:
    with own_process(program(notes, DEAF)) as process:
        wait_until(lambda: noted(notes) == ["ran-0-0"])
        process.terminate()
        assert process.wait(20.0) == 0
        assert not is_alive(int((notes / "ran-0-0").read_text()))


def test_tasks_that_heed_the_lifeline_die_even_with_a_killed_service(notes: Path) -> None:
    tied = "from shared.lifeline import watch_lifeline; watch_lifeline()\n"
    with own_process(tied + program(notes, DEAF)) as process:
        wait_until(lambda: noted(notes) == ["ran-0-0"])
        process.kill()
        wait_until(lambda: not is_alive(int((notes / "ran-0-0").read_text())), within_s=5.0)


def is_alive(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
