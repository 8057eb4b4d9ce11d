"""Every minute: look after unfinished jobs, because events get lost."""

from typing import TYPE_CHECKING

from functions.serving import Answer, answer, check_push, process
from shared.pipeline.watch import watch

if TYPE_CHECKING:
    from flask import Request


def watchdog(request: "Request") -> Answer:
    """Look after every unfinished job when Scheduler asks, and tell how many there were."""
    return answer(request.headers, "watchdog", lambda: _watch(request))


def _watch(request: "Request") -> Answer:
    check_push(request.headers)
    watched = watch(process().cloud)
    return {"jobs": watched.jobs, "failed": watched.failed}, 200, {}
