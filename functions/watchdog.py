"""Every minute in the cloud, every few seconds on one machine: look after unfinished jobs."""

from collections.abc import Iterable

from shared.pipeline.watch import watch
from shared.ports import Cloud


def watchdog(cloud: Cloud, job_ids: Iterable[str] | None = None) -> None:
    """Look after every unfinished job, or just these."""
    watch(cloud, job_ids)
