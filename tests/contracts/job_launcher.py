"""What every JobLauncher does. An adapter joins with a subclass whose fixture `make` gives tasks a program to run."""

import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from shared.ports import JobLauncher

Make = Callable[[str], JobLauncher]
"""Returns a launcher whose tasks run this Python program, with job id and run id as arguments, at most 2 at once."""

RETRIES = 3
PATIENCE_S = 30.0  # generous, for machines that are busy with something else

PRELUDE = """
import os, pathlib, sys, time
notes = pathlib.Path({notes!r})
index, attempt = (int(os.environ["CLOUD_RUN_TASK_" + name]) for name in ("INDEX", "ATTEMPT"))
def note(word, text=""):
    path = notes / f"{{word}}-{{index}}-{{attempt}}"
    path.with_suffix(".new").write_text(str(text))
    path.with_suffix(".new").rename(path)
"""


def program(notes: Path, body: str) -> str:
    """Return a task that knows its `index` and `attempt`; `note(word, text)` leaves a file {word}-{index}-{attempt}."""
    return PRELUDE.format(notes=str(notes)) + textwrap.dedent(body)


def wait_until(is_so: Callable[[], object], *, within_s: float = PATIENCE_S) -> None:
    give_up_at = time.monotonic() + within_s
    while not is_so():
        assert time.monotonic() < give_up_at, f"did not happen within {within_s} s"
        time.sleep(0.01)


def wait_for_end(launcher: JobLauncher, execution: str) -> None:
    wait_until(lambda: launcher.state(execution) == "ended")


def noted(notes: Path) -> list[str]:
    return sorted(path.name for path in notes.iterdir() if path.suffix != ".new")


class JobLauncherContract:
    """Claims about executions and their tasks."""

    @pytest.fixture
    def notes(self, tmp_path: Path) -> Path:
        """A folder that tasks leave notes in."""
        folder = tmp_path / "notes"
        folder.mkdir()
        return folder

    def test_each_task_runs_once_and_knows_its_number(self, make: Make, notes: Path) -> None:
        launcher = make(program(notes, 'note("ran", os.environ["CLOUD_RUN_TASK_COUNT"])'))
        wait_for_end(launcher, launcher.launch("pose", "job", "run", tasks=5))
        assert noted(notes) == [f"ran-{index}-0" for index in range(5)]
        assert {path.read_text() for path in notes.iterdir()} == {"5"}

    def test_a_task_is_told_its_job_its_run_and_its_execution(self, make: Make, notes: Path) -> None:
        body = 'note("ran", [*sys.argv[-2:], os.environ["CLOUD_RUN_JOB"], os.environ["CLOUD_RUN_EXECUTION"]])'
        launcher = make(program(notes, body))
        execution = launcher.launch("merge", "some-job", "run-7", tasks=1)
        wait_for_end(launcher, execution)
        short_name = execution.rpartition("/")[2]  # a cloud's own names are paths
        assert (notes / "ran-0-0").read_text() == str(["some-job", "run-7", "montage-merge", short_name])

    def test_an_execution_runs_until_its_last_task_has_ended(self, make: Make, notes: Path) -> None:
        body = """
        while index == 1 and not (notes / "go").exists():
            time.sleep(0.01)
        note("ran")
        """
        launcher = make(program(notes, body))
        execution = launcher.launch("pose", "job", "run", tasks=2)
        wait_until(lambda: noted(notes) == ["ran-0-0"])
        assert launcher.state(execution) == "running"
        (notes / "go").touch()
        wait_for_end(launcher, execution)

    def test_launching_the_same_run_again_is_another_execution(self, make: Make, notes: Path) -> None:
        launcher = make(program(notes, "time.sleep(60)"))
        first, second = (launcher.launch("pose", "job", "run", tasks=1) for _ in range(2))
        assert first != second
        launcher.cancel(first)
        wait_for_end(launcher, first)
        assert launcher.state(second) != "ended"

    @pytest.mark.parametrize("execution", ["pose-run-unknown", "", "../../etc/passwd", "a\0b", "a/b"])
    def test_an_execution_nobody_knows_has_ended(self, make: Make, notes: Path, execution: str) -> None:
        launcher = make(program(notes, ""))
        assert launcher.state(execution) == "ended"
        launcher.cancel(execution)

    def test_a_failed_task_is_restarted_with_a_higher_attempt_and_no_other(self, make: Make, notes: Path) -> None:
        launcher = make(program(notes, 'note("ran"); sys.exit(1 if index == 1 and attempt < 2 else 0)'))
        wait_for_end(launcher, launcher.launch("pose", "job", "run", tasks=3))
        assert noted(notes) == ["ran-0-0", "ran-1-0", "ran-1-1", "ran-1-2", "ran-2-0"]

    def test_a_task_that_always_fails_is_given_up(self, make: Make, notes: Path) -> None:
        launcher = make(program(notes, 'note("ran"); raise SystemExit("no")'))
        wait_for_end(launcher, launcher.launch("pose", "job", "run", tasks=1))
        assert noted(notes) == [f"ran-0-{attempt}" for attempt in range(RETRIES + 1)]

    def test_cancelling_stops_what_runs_and_drops_what_waits(self, make: Make, notes: Path) -> None:
        launcher = make(program(notes, 'note("ran"); time.sleep(60); note("end")'))
        execution = launcher.launch("pose", "job", "run", tasks=6)
        wait_until(lambda: len(noted(notes)) == 2)
        launcher.cancel(execution)
        wait_for_end(launcher, execution)
        launcher.cancel(execution)
        time.sleep(0.2)
        assert noted(notes) == ["ran-0-0", "ran-1-0"]

    def test_an_execution_has_at_least_one_task(self, make: Make, notes: Path) -> None:
        with pytest.raises(ValueError, match="0 tasks"):
            make(program(notes, "")).launch("pose", "job", "run", tasks=0)
