"""What this machine has and lacks for Montage, one finding each, with the way to mend it."""

import http.client
import os
import shutil
import subprocess
import sys
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import psutil

from functions.local.system_check import OLDEST_PYTHON, apt_line, missing_packages
from shared.models.fetch import is_cached
from shared.models.manifest import Model, stage_models

GIB = 1 << 30
ENOUGH_DISK_BYTES = 2 * GIB  # the reel, its audio and the sampled poses of a few hours of footage
GPU_ANSWERS_S = 10.0  # a broken driver never does
SERVED_PORT = 8080  # where `montage serve` listens unless told otherwise
PORT_ANSWERS_S = 1.0
ENOUGH_MEMORY_BYTES = 2 * GIB  # what one task may take


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing looked at."""

    name: str
    ok: bool
    detail: str
    mend: str | None = None
    """What to do about it; None when it is well."""


def diagnose(*, home: Path, cache_dir: Path) -> list[Finding]:
    """Return what was found, in the order it matters; `home` keeps jobs and results, `cache_dir` the model files."""
    return [
        python_finding((sys.version_info.major, sys.version_info.minor, sys.version_info.micro)),
        libraries_finding(missing_packages()),
        disk_finding(home, _free_bytes(home)),
        memory_finding(psutil.virtual_memory().available),
        cores_finding(_usable_cores()),
        gpu_finding(_gpus()),
        port_finding(_who_listens(SERVED_PORT)),
        *(model_finding(model, is_cached(model, cache_dir=cache_dir)) for model in stage_models().values()),
    ]


def python_finding(version: tuple[int, int, int]) -> Finding:
    """Return whether this Python is new enough."""
    ok = version >= OLDEST_PYTHON
    oldest = ".".join(map(str, OLDEST_PYTHON))
    mend = None if ok else f'Install Python {oldest} or later, then "make clean setup".'
    return Finding(name="python", ok=ok, detail=".".join(map(str, version)), mend=mend)


def libraries_finding(missing: list[str]) -> Finding:
    """Return whether the system libraries load; `missing` names their packages."""
    if not missing:
        return Finding(name="system libraries", ok=True, detail="all there")
    detail = f"missing: {', '.join(missing)}; movement cannot be looked for, --mode speech works"
    return Finding(name="system libraries", ok=False, detail=detail, mend=apt_line(missing))


def disk_finding(home: Path, free_bytes: int) -> Finding:
    """Return whether the disk that holds `home` has room for a job."""
    ok = free_bytes >= ENOUGH_DISK_BYTES
    mend = None if ok else f"Free {_gib(ENOUGH_DISK_BYTES)} there, or point MONTAGE_HOME at a larger disk."
    return Finding(name="disk", ok=ok, detail=f"{_gib(free_bytes)} free for {home}", mend=mend)


def memory_finding(available_bytes: int) -> Finding:
    """Return whether one task fits into memory."""
    ok = available_bytes >= ENOUGH_MEMORY_BYTES
    mend = None if ok else f"Close other programs: a task may take {_gib(ENOUGH_MEMORY_BYTES)}."
    return Finding(name="memory", ok=ok, detail=f"{_gib(available_bytes)} available", mend=mend)


def cores_finding(count: int) -> Finding:
    """Return how many cores this process may use; one is enough."""
    return Finding(name="cores", ok=True, detail=str(count))


def gpu_finding(names: list[str]) -> Finding:
    """Return which GPUs there are; none is needed, and none is used yet."""
    found = f"{', '.join(names)}; not used yet" if names else "none seen, and none is needed"
    return Finding(name="gpu", ok=True, detail=found)


def port_finding(listener: Literal["montage", "other"] | None) -> Finding:
    """Return who listens where `montage serve` would; nobody has to be sent away, as there are other ports."""
    found = {
        None: "free for montage serve",
        "montage": "Montage answers there",
        "other": "taken by another program; montage serve --port N listens elsewhere",
    }
    return Finding(name=f"port {SERVED_PORT}", ok=True, detail=found[listener])


def model_finding(model: Model, cached: bool) -> Finding:
    """Return whether the model is there, verified."""
    size = f"{model.size_bytes / 1e6:.1f} MB"
    if cached:
        return Finding(name=f"model {model.name}", ok=True, detail=f"cached, {size}")
    return Finding(name=f"model {model.name}", ok=False, detail=f"not fetched yet, {size}", mend="montage models fetch")


def _free_bytes(folder: Path) -> int:
    """Return the free space where `folder` is or would be made."""
    return shutil.disk_usage(
        next(each for each in (folder.absolute(), *folder.absolute().parents) if each.exists())
    ).free


def _usable_cores() -> int:
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


def _who_listens(port: int) -> Literal["montage", "other"] | None:
    """Return who listens on a port of this machine; None for nobody."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PORT_ANSWERS_S)
    with closing(connection):
        try:
            connection.connect()
        except OSError:
            return None
        try:
            connection.request("GET", "/v1/health")
            return "montage" if connection.getresponse().read(100) == b'{"status":"ok"}' else "other"
        except (OSError, http.client.HTTPException):
            return "other"


def _gpus() -> list[str]:
    """Return the names of NVIDIA's GPUs, the only ones a model of ours could run on."""
    command = ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"]
    try:
        asked = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    except OSError:
        return []
    try:
        told, _ = asked.communicate(timeout=GPU_ANSWERS_S)
    except subprocess.TimeoutExpired:
        asked.kill()  # and not waited for: what waits for a broken driver cannot be killed
        return []
    return [line.strip() for line in told.splitlines() if line.strip()] if asked.returncode == 0 else []


def _gib(size_bytes: int) -> str:
    return f"{size_bytes / GIB:.1f} GiB"
