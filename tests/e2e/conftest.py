"""The installed command, run as a user runs it, in a home of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest

from shared.settings import Settings

ROOT = Path(__file__).parents[2]


@dataclass
class Ended:
    """What a command left."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass
class Montage:
    """The command line in a folder of its own; model files come from the machine's cache."""

    folder: Path
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        own = {
            "MONTAGE_HOME": str(self.folder / "home"),
            "MONTAGE_MODELS": str(Settings().models),
            "PYTHONPATH": str(ROOT),
        }
        return {**{k: v for k, v in os.environ.items() if not k.startswith("MONTAGE_")}, **own}

    def start(self, *arguments: str | Path) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "functions.local.montage", *map(str, arguments)],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.started.append(process)
        return process

    def __call__(self, *arguments: str | Path, timeout_s: float = 110) -> Ended:
        process = self.start(*arguments)
        out, err = process.communicate(timeout=timeout_s)
        return Ended(process.returncode, out, err)

    def tasks(self) -> list[psutil.Process]:
        """Return the living task processes of this home."""
        return [process for process in psutil.process_iter() if self._is_task(process)]

    def _is_task(self, process: psutil.Process) -> bool:
        try:
            is_task = any(part.startswith("jobs.") for part in process.cmdline())
            return is_task and process.environ().get("MONTAGE_HOME") == str(self.folder / "home")
        except psutil.Error:
            return False


@pytest.fixture
def montage(tmp_path: Path) -> Iterator[Montage]:
    command = Montage(tmp_path)
    yield command
    for process in command.started:
        if process.poll() is None:
            process.kill()
        process.communicate()


@pytest.fixture(scope="session")
def reports() -> Callable[[Sequence[str]], list[dict[str, Any]]]:
    """Return a reader of reports without what may differ from run to run: ids, times, timings and versions."""

    def read(paths: Sequence[str]) -> list[dict[str, Any]]:
        loaded = [json.loads(Path(path).read_text()) for path in paths]
        return [{k: v for k, v in report.items() if k not in ("job_id", "timings", "versions")} for report in loaded]

    return read
