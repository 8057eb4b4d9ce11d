import os
import subprocess
import sys
from pathlib import Path

import pytest

from shared.lifeline import LIFELINE_VARIABLE, watch_lifeline

ROOT = Path(__file__).parents[3]
WAIT = """
import time
from shared.lifeline import watch_lifeline
watch_lifeline()
print("up", flush=True)
time.sleep(60)
"""


def tied(fd: int, *, leads_group: bool) -> "subprocess.Popen[str]":
    """Return a process that watches the descriptor."""
    return subprocess.Popen(
        [sys.executable, "-S", "-c", WAIT],
        cwd=ROOT,
        env={**os.environ, LIFELINE_VARIABLE: str(fd)},
        pass_fds=(fd,),
        start_new_session=leads_group,
        stdout=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("leads_group", [True, False])
def test_a_process_ends_when_the_other_end_closes(leads_group: bool) -> None:
    ours, theirs = os.pipe()
    with tied(ours, leads_group=leads_group) as process:
        assert process.stdout is not None and process.stdout.readline() == "up\n"
        assert process.poll() is None
        os.close(theirs)
        assert process.wait(2.0) != 0
    os.close(ours)


def test_a_process_born_after_its_parent_s_death_ends_at_once() -> None:
    ours, theirs = os.pipe()
    os.close(theirs)
    with tied(ours, leads_group=True) as process:
        assert process.wait(5.0) != 0
    os.close(ours)


def test_without_a_lifeline_nothing_is_watched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(LIFELINE_VARIABLE, raising=False)
    watch_lifeline()


def test_a_variable_that_names_no_pipe_is_an_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with (tmp_path / "file").open("wb") as file:
        monkeypatch.setenv(LIFELINE_VARIABLE, str(file.fileno()))
        with pytest.raises(ValueError, match="no pipe"):
            watch_lifeline()
    assert LIFELINE_VARIABLE not in os.environ
