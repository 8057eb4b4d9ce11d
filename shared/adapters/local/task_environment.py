"""What a task knows of the world: Cloud Run's variables, the settings, and a little of its parent's environment."""

import os
from collections.abc import Mapping
from pathlib import Path

from shared.adapters.local.execution_files import ExecutionRecord
from shared.lifeline import LIFELINE_VARIABLE
from shared.settings import Settings

ROOT = Path(__file__).resolve().parents[3]
"""Where the packages `jobs` and `shared` lie."""

# Where programs, files and certificates are, language and time zone, and the way to the internet for model files.
# Anything else could make two runs differ.
_PLACES = {"PATH", "HOME", "USER", "LOGNAME", "SHELL", "TMPDIR", "TEMP", "TMP", "LD_LIBRARY_PATH", "VIRTUAL_ENV"}
_TONGUE = {"LANG", "LANGUAGE", "TZ", "PYTHONPATH"}
_NETWORK = {"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NETRC"}
_PREFIXES = ("LC_", "XDG_", "SSL_", "PIP_", "UV_", "HF_")


def task_environment(
    record: ExecutionRecord, *, index: int, attempt: int, lifeline: int, settings: Settings
) -> Mapping[str, str]:
    """Return the environment of one attempt (from 0) of one task."""
    inherited = {name: value for name, value in os.environ.items() if _is_inherited(name)}
    return {
        **inherited,
        **settings.as_environment(),
        "CLOUD_RUN_JOB": f"montage-{record.stage}",
        "CLOUD_RUN_EXECUTION": record.execution,
        "CLOUD_RUN_TASK_INDEX": str(index),
        "CLOUD_RUN_TASK_COUNT": str(record.tasks),
        "CLOUD_RUN_TASK_ATTEMPT": str(attempt),
        "PYTHONPATH": os.pathsep.join(filter(None, (str(ROOT), inherited.get("PYTHONPATH")))),
        "PYTHONSAFEPATH": "1",  # a folder of videos that we are called from may hold a jobs.py
        "PYTHONUNBUFFERED": "1",  # a killed task's log keeps its last lines
        LIFELINE_VARIABLE: str(lifeline),
    }


def _is_inherited(name: str) -> bool:
    return name.upper() in _PLACES | _TONGUE | _NETWORK or name.startswith(_PREFIXES)
