"""Which executions run on this machine, as files that every process can read: a file per execution, while it runs."""

import json
import os
import re
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from shared.domain.messages import StageName
from shared.errors import TryAgain

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}")
_SAME_START_S = 2.0  # a start time is computed from the boot time, which moves when the clock is set right


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionRecord:
    """An execution and the process that runs it."""

    execution: str
    stage: StageName
    job_id: str
    run_id: str
    tasks: int
    launched_at: float
    owner_pid: int
    owner_started_at: float
    """With the pid, names one process for good: pids are used again."""

    @property
    def is_owner_alive(self) -> bool:
        try:
            owner = psutil.Process(self.owner_pid)
            is_same = abs(owner.create_time() - self.owner_started_at) < _SAME_START_S
            return is_same and owner.status() != psutil.STATUS_ZOMBIE
        except psutil.Error:
            return False


class ExecutionFiles:
    """The files of a folder. An execution without one, or whose owner is gone, has ended."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, record: ExecutionRecord) -> None:
        """Say that it runs. Raises TryAgain when the disk does not take it."""
        new_path = self._folder / f".{secrets.token_hex(8)}"
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            new_path.write_text(json.dumps(asdict(record)), encoding="utf-8")
            os.replace(new_path, self._path(record.execution))
        except OSError as error:
            raise TryAgain(f"{record.execution} could not be recorded: {error.strerror}.", "disk_trouble") from error

    def running(self, execution: str) -> ExecutionRecord | None:
        """Return the record of an execution whose owner lives, None when it has ended.

        Raises TryAgain when the disk does not say.
        """
        if not is_plain_name(execution):
            return None
        try:
            record = _read(self._path(execution))
        except OSError as error:
            raise TryAgain(f"{execution} could not be looked up: {error.strerror}.", "disk_trouble") from error
        return record if record is not None and record.is_owner_alive else None

    def ask_to_cancel(self, execution: str) -> None:
        """Leave word for the owner. Raises TryAgain when the disk does not take it."""
        try:
            self._cancel_path(execution).touch()
        except OSError as error:
            raise TryAgain(f"{execution} could not be cancelled: {error.strerror}.", "disk_trouble") from error

    def is_cancel_asked(self, execution: str) -> bool:
        """Raises OSError when the disk does not say."""
        return self._cancel_path(execution).exists()

    def remove(self, execution: str) -> None:
        """Say that it has ended. Takes no space, so a full disk rarely stops it. Raises OSError when one does."""
        self._path(execution).unlink(missing_ok=True)
        self._cancel_path(execution).unlink(missing_ok=True)

    def remove_orphans(self) -> None:
        """Remove what owners that are gone left behind. Raises OSError when the disk refuses."""
        for path in self._folder.glob("*.json"):
            record = _read(path)
            if record is None or not record.is_owner_alive:
                self.remove(path.stem)
        for path in self._folder.glob("*.cancel"):
            if not self._path(path.stem).exists():
                path.unlink(missing_ok=True)

    def _path(self, execution: str) -> Path:
        return self._folder / f"{execution}.json"

    def _cancel_path(self, execution: str) -> Path:
        return self._folder / f"{execution}.cancel"


def is_plain_name(text: str) -> bool:
    """Return whether the text can be part of a file's name as it stands."""
    return _NAME.fullmatch(text) is not None


def _read(path: Path) -> ExecutionRecord | None:
    try:
        return ExecutionRecord(**json.loads(path.read_text(encoding="utf-8")))
    except (FileNotFoundError, ValueError, TypeError):  # the latter two: not written by us
        return None
