"""The entry points' names. A function imports its own module only; without FUNCTION_TARGET all are imported."""

import os
from importlib import import_module
from typing import Any

import functions_framework

HTTP = ("on_stage_requested", "on_stage_done", "on_job_requested", "watchdog")
ENTRY_POINTS = ("on_upload", *HTTP, "api")


def _load(name: str) -> None:
    """Put the entry point here, where the framework looks for it, and say what kind it is."""
    entry = getattr(import_module(f"functions.{name}"), name)
    globals()[name] = _kind(name)(entry)


def _kind(name: str) -> Any:
    if name == "api":
        from functions_framework import aio

        return aio.http
    return functions_framework.http if name in HTTP else functions_framework.cloud_event


_target = os.environ.get("FUNCTION_TARGET")
for _name in ENTRY_POINTS:
    if not _target or _name == _target:  # the framework itself says what is wrong with another name
        _load(_name)
