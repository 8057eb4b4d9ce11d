"""Jobs that were asked for together."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """The record of one batch; its jobs name it in their field `batch`."""

    id: str
    owner: str
    created_at: float
    job_ids: tuple[str, ...] = ()
    """In the order they were asked for."""
    labels: Mapping[str, str] = field(default_factory=dict)


def without(batch: Batch, job_id: str) -> Batch:
    """Return the batch without one of its jobs."""
    return replace(batch, job_ids=tuple(each for each in batch.job_ids if each != job_id))
