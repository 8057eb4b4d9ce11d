import errno
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from shared.adapters.local import process_launcher, task_process
from shared.adapters.local.execution_files import ExecutionFiles, ExecutionRecord
from shared.adapters.local.process_launcher import ProcessLauncher, task_command
from shared.domain.messages import StageName
from shared.errors import TryAgain
from shared.settings import Settings
from tests.contracts.job_launcher import (
    RETRIES,
    JobLauncherContract,
    Make,
    noted,
    program,
    wait_for_end,
    wait_until,
)

MIB = 1024**2


def launcher_for(source: str, home: Path, **settings: Any) -> ProcessLauncher:
    def command(stage: StageName, job_id: str, run_id: str) -> list[str]:
        return [sys.executable, "-S", "-c", source, job_id, run_id]  # without site-packages: ten times as fast

    chosen = Settings(home=home, **{"workers": 2, **settings})
    return ProcessLauncher(chosen, home=home, clock=time.time, command=command, task_retries=RETRIES)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    folder = tmp_path / "notes"
    folder.mkdir()
    return folder


@pytest.fixture
def closed_later() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def is_gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


class TestProcessLauncher(JobLauncherContract):
    @pytest.fixture
    def make(self, home: Path, closed_later: ExitStack) -> Make:
        return lambda source: closed_later.enter_context(closing(launcher_for(source, home)))


def test_a_task_runs_the_stage_s_own_module() -> None:
    assert task_command("pose", "job", "run") == [sys.executable, "-m", "jobs.pose", "job", "run"]


def test_no_more_than_the_workers_run_at_once_over_all_executions(home: Path, notes: Path) -> None:
    body = """
    started_at = time.monotonic()
    time.sleep(0.05)
    note(f"{sys.argv[-1]}", f"{started_at} {time.monotonic()}")
    """
    with closing(launcher_for(program(notes, body), home, workers=2)) as launcher:
        executions = [launcher.launch("pose", "job", f"run{number}", tasks=4) for number in range(3)]
        for execution in executions:
            wait_for_end(launcher, execution)
    times = [tuple(map(float, (notes / name).read_text().split())) for name in noted(notes)]
    assert len(times) == 12
    assert max(sum(start <= moment < end for start, end in times) for moment, _ in times) == 2
    first, last = times[:4], times[8:]
    assert max(start for start, _ in first) < min(start for start, _ in last)  # first come, first served


def test_a_job_that_is_forgotten_leaves_no_logs(home: Path, notes: Path) -> None:
    with closing(launcher_for(program(notes, 'note("ran")'), home)) as launcher:
        for job_id in ("job", "other"):
            wait_for_end(launcher, launcher.launch("pose", job_id, "run", tasks=1))
        launcher.forget("job")
        launcher.forget("..")
    assert [path.name for path in (home / "logs").iterdir()] == ["other"]


def test_a_killed_task_is_restarted(home: Path, notes: Path) -> None:
    body = """
    note("ran")
    time.sleep(60 if attempt == 0 else 0)
    """
    with closing(launcher_for(program(notes, body), home)) as launcher:
        execution = launcher.launch("pose", "job", "run", tasks=1)
        wait_until(lambda: noted(notes) == ["ran-0-0"])
        (pid,) = launcher.pids()
        os.kill(pid, signal.SIGKILL)
        wait_for_end(launcher, execution)
    assert noted(notes) == ["ran-0-0", "ran-0-1"]


def test_a_restarted_task_goes_before_those_that_wait(home: Path, notes: Path) -> None:
    with closing(
        launcher_for(program(notes, 'note("ran", time.monotonic()); sys.exit(index == 0)'), home, workers=1)
    ) as it:
        wait_for_end(it, it.launch("pose", "job", "run", tasks=2))
    by_time = sorted(noted(notes), key=lambda name: float((notes / name).read_text()))
    assert by_time == ["ran-0-0", "ran-0-1", "ran-0-2", "ran-0-3", "ran-1-0"]


def test_what_a_dead_task_started_dies_with_it(home: Path, notes: Path) -> None:
    body = """
    import subprocess
    child = subprocess.Popen([sys.executable, "-S", "-c", "import time; time.sleep(60)"])
    note("child", child.pid)
    time.sleep(60 if attempt == 0 else 0)
    child.kill()
    """
    with closing(launcher_for(program(notes, body), home)) as launcher:
        execution = launcher.launch("pose", "job", "run", tasks=1)
        wait_until(lambda: noted(notes) == ["child-0-0"])
        os.kill(launcher.pids()[0], signal.SIGKILL)
        wait_until(lambda: is_gone(int((notes / "child-0-0").read_text())))
        wait_for_end(launcher, execution)


@pytest.mark.parametrize("holder", ["the task", "its child"])
def test_a_task_above_its_memory_is_killed_and_no_other(home: Path, notes: Path, holder: str) -> None:
    hold = "import time; data = bytearray(400 * 2**20); data[::4096] = b'1' * len(data[::4096]); time.sleep(60)"
    greedy = f"exec({hold!r})" if holder == "the task" else f"subprocess.run([sys.executable, '-S', '-c', {hold!r}])"
    body = f"""
    import subprocess
    note("ran")
    if index == 0 and attempt == 0:
        {greedy}
    while index == 1 and not (notes / "ran-0-1").exists():
        time.sleep(0.01)
    note("end")
    """
    with closing(launcher_for(program(notes, body), home, task_memory_bytes=300 * MIB)) as launcher:
        wait_for_end(launcher, launcher.launch("pose", "job", "run", tasks=2))
    assert noted(notes) == ["end-0-1", "end-1-0", "ran-0-0", "ran-0-1", "ran-1-0"]
    assert "more than the 300 MiB it may" in (home / "logs" / "job" / "pose-run-0.0.log").read_text()


def test_a_task_that_takes_too_long_is_killed(home: Path, notes: Path) -> None:
    body = 'note("ran"); time.sleep(60 if attempt == 0 else 0)'
    with closing(launcher_for(program(notes, body), home, task_timeout_s=0.3)) as launcher:
        wait_for_end(launcher, launcher.launch("pose", "job", "run", tasks=1))
    assert noted(notes) == ["ran-0-0", "ran-0-1"]
    assert "ran longer than 0.3 s" in (home / "logs" / "job" / "pose-run-0.0.log").read_text()


def test_each_attempt_has_its_log_with_both_streams(home: Path, notes: Path) -> None:
    body = 'print("out", index, attempt); print("err", file=sys.stderr); sys.exit(attempt == 0)'
    with closing(launcher_for(program(notes, body), home)) as launcher:
        wait_for_end(launcher, launcher.launch("pose", "job", "run", tasks=1))
    logs = {path.name: path.read_text() for path in (home / "logs" / "job").iterdir()}
    assert logs == {"pose-run-0.0.log": "out 0 0\nerr\n", "pose-run-0.1.log": "out 0 1\nerr\n"}


def test_a_stopped_task_may_tidy_up(home: Path, notes: Path) -> None:
    body = """
    import signal
    def tidy(*_):
        note("tidied")
        sys.exit(0)
    signal.signal(signal.SIGTERM, tidy)
    note("ran")
    time.sleep(60)
    """
    with closing(launcher_for(program(notes, body), home)) as launcher:
        execution = launcher.launch("pose", "job", "run", tasks=1)
        wait_until(lambda: noted(notes) == ["ran-0-0"])
        launcher.cancel(execution)
        wait_for_end(launcher, execution)
    assert noted(notes) == ["ran-0-0", "tidied-0-0"]


def test_a_task_that_ignores_being_stopped_is_killed(home: Path, notes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(task_process, "GRACE_S", 0.3)
    body = """
    import signal
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    note("ran")
    time.sleep(60)
    """
    with closing(launcher_for(program(notes, body), home)) as launcher:
        launcher.launch("pose", "job", "run", tasks=1)
        wait_until(lambda: noted(notes) == ["ran-0-0"])
        (pid,) = launcher.pids()
        launcher.close()
        assert not psutil.pid_exists(pid)
    assert "did not end within 0.3 s" in (home / "logs" / "job" / "pose-run-0.0.log").read_text()


def test_closing_leaves_no_process_no_zombie_no_thread_and_no_file(home: Path, notes: Path) -> None:
    threads = threading.active_count()
    descriptors = len(os.listdir("/proc/self/fd")) if Path("/proc").exists() else 0
    launcher = launcher_for(program(notes, 'note("ran"); time.sleep(60)'), home)
    assert threading.active_count() == threads
    execution = launcher.launch("pose", "job", "run", tasks=4)
    wait_until(lambda: len(noted(notes)) == 2)
    pids = launcher.pids()
    assert len(pids) == 2
    launcher.close()
    launcher.close()
    assert not any(psutil.pid_exists(pid) for pid in pids)  # a zombie would still exist
    assert threading.active_count() == threads
    assert list((home / "executions").iterdir()) == []
    assert descriptors == (len(os.listdir("/proc/self/fd")) if descriptors else 0)
    assert launcher.pids() == []
    assert launcher.state(execution) == "ended"
    with pytest.raises(TryAgain, match="closing"):
        launcher.launch("pose", "job", "run", tasks=1)


def test_ended_tasks_are_no_zombies(home: Path, notes: Path) -> None:
    with closing(launcher_for(program(notes, 'note("ran", os.getpid())'), home)) as launcher:
        wait_for_end(launcher, launcher.launch("pose", "job", "run", tasks=3))
        assert not any(psutil.pid_exists(int((notes / name).read_text())) for name in noted(notes))


def test_a_program_that_cannot_be_started_ends_the_execution(home: Path) -> None:
    settings = Settings(home=home, workers=2)
    command = ["/nowhere/python"]
    it = ProcessLauncher(settings, home=home, clock=time.time, command=lambda *_: command, task_retries=1)
    with closing(it) as launcher:
        wait_for_end(launcher, launcher.launch("pose", "job", "run", tasks=3))


@pytest.mark.parametrize(("job_id", "run_id"), [("../job", "run"), ("job", "a/b"), ("", "run"), ("job", ".hidden")])
def test_ids_that_are_paths_are_refused(home: Path, job_id: str, run_id: str) -> None:
    with closing(launcher_for("", home)) as launcher, pytest.raises(ValueError, match="cannot launch"):
        launcher.launch("pose", job_id, run_id, tasks=1)


def test_a_task_finds_the_project_and_the_settings_from_anywhere(
    home: Path, notes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (notes / "jobs.py").write_text("raise SystemExit('a file of the user s')")
    monkeypatch.chdir(notes)
    monkeypatch.setenv("SECRET_TOKEN", "x")
    monkeypatch.setenv("MONTAGE_MAX_ATTEMPTS", "9")
    source = """
import jobs, os, shared.lifeline
print(jobs.__file__)
print(sorted(os.environ))
print(os.environ["MONTAGE_MAX_ATTEMPTS"])
"""
    command = [sys.executable, "-c", source]
    settings = Settings(home=home, workers=1, max_attempts=2)
    it = ProcessLauncher(settings, home=home, clock=time.time, command=lambda *_: command, task_retries=0)
    with closing(it) as launcher:
        wait_for_end(launcher, launcher.launch("pose", "job", "run", tasks=1))
    found, names, attempts = (home / "logs" / "job" / "pose-run-0.0.log").read_text().splitlines()
    assert Path(found) == Path(__file__).parents[4] / "jobs" / "__init__.py"
    assert "SECRET_TOKEN" not in names and "MONTAGE_HOME" in names
    assert attempts == "2"


# Processes that ask for more

ASKING = """
from shared.lifeline import MoreTasks
more = MoreTasks()
while True:
    {body}
    given = more.ask()
    if given is None:
        break
    index, attempt = given.index, given.attempt
    given.log_path.write_text("begun")
note("left")
"""


def asking(notes: Path, body: str) -> str:
    """Return a task that does `body` for each index and attempt it is given, and asks for the next."""
    return program(notes, ASKING.format(body=body))


def test_a_process_that_asks_is_given_the_run_s_other_tasks(home: Path, notes: Path) -> None:
    with closing(launcher_for(asking(notes, 'note("ran", os.getpid())'), home, workers=2)) as launcher:
        wait_for_end(launcher, launcher.launch("pose", "job", "run", tasks=7))
    ran = [name for name in noted(notes) if name.startswith("ran")]
    assert ran == [f"ran-{index}-0" for index in range(7)]
    assert len({(notes / name).read_text() for name in ran}) <= 2
    assert len(list(notes.glob("left-*"))) <= 2, "all of them ended"
    assert {path.name for path in (home / "logs" / "job").iterdir()} == {
        f"pose-run-{index}.0.log" for index in range(7)
    }


def test_a_process_is_not_given_another_run_s_tasks(home: Path, notes: Path) -> None:
    with closing(launcher_for(asking(notes, "note(sys.argv[-1], os.getpid())"), home, workers=1)) as launcher:
        for execution in [launcher.launch("pose", "job", run, tasks=2) for run in ("run1", "run2")]:
            wait_for_end(launcher, execution)
    pids = {name: (notes / name).read_text() for name in noted(notes) if name.startswith("run")}
    assert pids["run1-0-0"] == pids["run1-1-0"] != pids["run2-0-0"] == pids["run2-1-0"]


def test_what_failed_or_died_in_a_process_that_was_given_more_gets_a_fresh_one(home: Path, notes: Path) -> None:
    body = (
        'note("ran", os.getpid()); index == 1 and attempt < 2 and (sys.exit(1) if attempt else os.kill(os.getpid(), 9))'
    )
    with closing(launcher_for(asking(notes, body), home, workers=1)) as launcher:
        wait_for_end(launcher, launcher.launch("pose", "job", "run", tasks=3))
    ran = [name for name in noted(notes) if name.startswith("ran")]
    assert ran == ["ran-0-0", "ran-1-0", "ran-1-1", "ran-1-2", "ran-2-0"]
    pids = [(notes / name).read_text() for name in ran]
    assert pids[0] == pids[1] and pids[3] == pids[4]
    assert len(set(pids)) == 3


def test_the_time_that_a_task_may_take_begins_anew_with_each(home: Path, notes: Path) -> None:
    body = 'note("ran", os.getpid()); time.sleep(60 if index == 3 and attempt == 0 else 0.25)'
    with closing(launcher_for(asking(notes, body), home, workers=1, task_timeout_s=0.7)) as launcher:
        wait_for_end(launcher, launcher.launch("pose", "job", "run", tasks=4))
    ran = [name for name in noted(notes) if name.startswith("ran")]
    assert ran == ["ran-0-0", "ran-1-0", "ran-2-0", "ran-3-0", "ran-3-1"]
    pids = [(notes / name).read_text() for name in ran]
    assert len(set(pids[:4])) == 1
    assert pids[4] != pids[3]
    log_text = (home / "logs" / "job" / "pose-run-3.0.log").read_text()
    assert log_text.startswith("begun") and "ran longer than 0.7 s" in log_text


def test_cancelling_ends_processes_that_were_given_more(home: Path, notes: Path) -> None:
    with closing(launcher_for(asking(notes, 'note("ran"); time.sleep(60 if index > 1 else 0)'), home)) as launcher:
        execution = launcher.launch("pose", "job", "run", tasks=8)
        wait_until(lambda: len(list(notes.glob("ran-[23]-0"))) == 2)
        pids = launcher.pids()
        launcher.cancel(execution)
        wait_for_end(launcher, execution)
        assert not any(psutil.pid_exists(pid) for pid in pids)
    assert len(list(notes.glob("ran-*"))) == 4


# Trouble that must not end the supervisor


def test_an_execution_whose_file_cannot_be_removed_has_ended(home: Path, notes: Path) -> None:
    body = """
    note("ran")
    while not (notes / "go").exists():
        time.sleep(0.01)
    """
    with closing(launcher_for(program(notes, body), home)) as launcher:
        execution = launcher.launch("pose", "job", "run", tasks=1)
        wait_until(lambda: noted(notes) == ["ran-0-0"])
        record = home / "executions" / f"{execution}.json"
        record.unlink()
        record.mkdir()  # which cannot be unlinked, whoever we are
        (notes / "go").touch()
        wait_for_end(launcher, execution)
        wait_for_end(launcher, launcher.launch("pose", "job", "run", tasks=1))
        assert launcher.state(execution) == "ended"
        assert [path.name for path in (home / "executions").iterdir()] == [record.name]


def test_a_file_that_could_not_be_removed_is_removed_later(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(launcher_for("", home)) as launcher:
        with monkeypatch.context() as patch:
            patch.setattr(ExecutionFiles, "remove", refusing)
            execution = launcher.launch("pose", "job", "run", tasks=1)
            wait_for_end(launcher, execution)
            left = [path.name for path in (home / "executions").iterdir()]
        assert left == [f"{execution}.json"]
    assert list((home / "executions").iterdir()) == []


def test_closing_on_a_disk_that_refuses_still_ends_everything(
    home: Path, notes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads = threading.active_count()
    monkeypatch.setattr(ExecutionFiles, "remove", refusing)
    monkeypatch.setattr(ExecutionFiles, "remove_orphans", refusing)
    launcher = launcher_for(program(notes, 'note("ran"); time.sleep(60)'), home)
    execution = launcher.launch("pose", "job", "run", tasks=3)
    wait_until(lambda: len(noted(notes)) == 2)
    pids = launcher.pids()
    launcher.close()
    assert not any(psutil.pid_exists(pid) for pid in pids)
    assert threading.active_count() == threads
    assert launcher.state(execution) == "ended"


def test_a_disk_that_does_not_say_who_cancelled_stops_no_execution(
    home: Path, notes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ExecutionFiles, "is_cancel_asked", refusing)
    with closing(launcher_for(program(notes, 'time.sleep(0.4); note("ran")'), home, workers=1)) as launcher:
        wait_for_end(launcher, launcher.launch("pose", "job", "run", tasks=2))
    assert noted(notes) == ["ran-0-0", "ran-1-0"]


@pytest.mark.parametrize("step", ["_settle_ended", "_watch", "_start_waiting"])
def test_a_bug_met_once_does_not_end_the_supervisor(
    home: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, step: str
) -> None:
    monkeypatch.setattr(process_launcher, "AFTER_TROUBLE_S", 0.05)
    with closing(launcher_for("", home)) as launcher:
        monkeypatch.setattr(launcher, step, failing_once(getattr(launcher, step)))
        wait_for_end(launcher, launcher.launch("pose", "job", "run", tasks=2))
    assert "RuntimeError: a bug" in caplog.text


def test_a_step_that_always_fails_stops_no_other(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process_launcher, "AFTER_TROUBLE_S", 0.05)
    with closing(launcher_for("", home)) as launcher:
        monkeypatch.setattr(launcher, "_watch", refusing)
        wait_for_end(launcher, launcher.launch("pose", "job", "run", tasks=3))


def test_a_task_that_cannot_be_started_for_whatever_reason_ends_its_execution(home: Path) -> None:
    settings, command = Settings(home=home, workers=2), ["a\0b"]  # a ValueError
    it = ProcessLauncher(settings, home=home, clock=time.time, command=lambda *_: command, task_retries=1)
    with closing(it) as launcher:
        wait_for_end(launcher, launcher.launch("pose", "job", "run", tasks=3))


def test_a_launch_without_a_thread_left_is_worth_another_try(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_thread(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with closing(launcher_for("", home)) as launcher:
        with monkeypatch.context() as patch, pytest.raises(TryAgain, match="can't start new thread"):
            patch.setattr(threading.Thread, "start", no_thread)
            launcher.launch("pose", "job", "run", tasks=1)
        assert not (home / "executions").exists()
        wait_for_end(launcher, launcher.launch("pose", "job", "run", tasks=1))


def test_what_the_disk_does_not_say_or_take_is_worth_another_try(home: Path) -> None:
    (home / "executions" / "pose-run-1.json").mkdir(parents=True)
    (home / "file").touch()
    with pytest.raises(TryAgain, match="looked up"):
        ExecutionFiles(home / "executions").running("pose-run-1")
    with pytest.raises(TryAgain, match="cancelled"):
        ExecutionFiles(home / "file").ask_to_cancel("pose-run-1")


def refusing(*_: object) -> bool:
    raise OSError(errno.EROFS, "Read-only file system")


def failing_once(step: Callable[[], None]) -> Callable[[], None]:
    failures = iter([RuntimeError("a bug")])

    def stand_in() -> None:
        for failure in failures:
            raise failure
        step()

    return stand_in


# What only shows between processes

OWNER = """
import json, sys, time
from pathlib import Path
from tests.shared.adapters.local.test_process_launcher import launcher_for
launcher = launcher_for({source!r}, Path({home!r}), workers=3)
execution = launcher.launch("pose", "job", "run", tasks=3)
while len(launcher.pids()) < 3:
    time.sleep(0.01)
print(json.dumps([execution, launcher.pids()]), flush=True)
time.sleep(600)
"""

# The grandchild does not know the lifeline.
TIED = """
from shared.lifeline import watch_lifeline
import subprocess
watch_lifeline()
child = subprocess.Popen([sys.executable, "-S", "-c", "import time; time.sleep(600)"])
note("tied", child.pid)
time.sleep(600)
"""


@pytest.fixture
def owner(home: Path, notes: Path) -> Iterator["subprocess.Popen[str]"]:
    """Another process that launched three tasks, each with a child of its own."""
    source = OWNER.format(source=program(notes, TIED), home=str(home))
    root = str(Path(__file__).parents[4])
    command = [sys.executable, "-c", source]
    with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True) as process:
        yield process
        process.kill()


def launched_by(owner: "subprocess.Popen[str]", notes: Path) -> tuple[str, list[int]]:
    """Return the execution and the pids of its tasks and their children, once all are there."""
    assert owner.stdout is not None
    execution, pids = json.loads(owner.stdout.readline())
    wait_until(lambda: len(noted(notes)) == 3)
    return execution, [*pids, *(int((notes / name).read_text()) for name in noted(notes))]


def test_tasks_die_within_two_seconds_of_their_killed_parent(
    owner: "subprocess.Popen[str]", home: Path, notes: Path
) -> None:
    execution, pids = launched_by(owner, notes)
    with closing(launcher_for("", home)) as launcher:
        assert launcher.state(execution) == "running"
        owner.kill()
        wait_until(lambda: all(is_gone(pid) for pid in pids), within_s=2.0)
        assert launcher.state(execution) == "ended"  # while the owner is a zombie, too
        launcher.cancel(execution)
        wait_for_end(launcher, launcher.launch("pose", "job", "run", tasks=1))
    assert list((home / "executions").iterdir()) == []


def test_an_execution_whose_owner_s_pid_is_used_again_has_ended(home: Path) -> None:
    parent = psutil.Process(os.getppid())
    record = ExecutionRecord(
        execution="pose-run-1",
        stage="pose",
        job_id="job",
        run_id="run",
        tasks=1,
        launched_at=0.0,
        owner_pid=parent.pid,
        owner_started_at=parent.create_time(),
    )
    files = ExecutionFiles(home / "executions")
    with closing(launcher_for("", home)) as launcher:
        files.put(record)
        assert launcher.state("pose-run-1") == "running"
        files.put(replace(record, owner_started_at=parent.create_time() - 60))
        assert launcher.state("pose-run-1") == "ended"
        (home / "executions" / "pose-run-1.json").write_text("{")
        assert launcher.state("pose-run-1") == "ended"


def test_another_process_may_cancel(owner: "subprocess.Popen[str]", home: Path, notes: Path) -> None:
    execution, pids = launched_by(owner, notes)
    with closing(launcher_for("", home)) as launcher:
        launcher.cancel(execution)
        wait_for_end(launcher, execution)
        wait_until(lambda: all(is_gone(pid) for pid in pids), within_s=5.0)
    assert owner.poll() is None
    assert list((home / "executions").iterdir()) == []
