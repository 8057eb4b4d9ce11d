"""Records of an older Montage, led forward when they are read.

A record is migrated as the plain dict it was stored as, step by step, and written back in today's form by whoever
changes it next. A field that only came to be needs no step: its default stands for it.
"""

from collections.abc import Callable, Mapping
from typing import Any

from shared.domain.job import SCHEMA_VERSION, Job
from shared.domain.record import from_dict

Step = Callable[[dict[str, Any]], dict[str, Any]]

JOB_STEPS: Mapping[int, Step] = {}
"""`JOB_STEPS[n]` makes a job's record of version n + 1 out of one of version n."""


class NewerRecord(ValueError):
    """The record is of a version that this Montage does not know."""


def migrated(record: Mapping[str, Any], *, steps: Mapping[int, Step], version: int) -> dict[str, Any]:
    """Return the record as this `version` writes it. Raises NewerRecord when it comes from a newer one.

    A record without a version is one of the first.
    """
    found = record.get("schema_version", 1)
    if not isinstance(found, int) or found < 1:
        raise ValueError(f"{found!r} is no version of a record")
    if found > version:
        raise NewerRecord(f"was written by a newer Montage (schema {found}, this one knows {version}); update Montage.")
    led = dict(record)
    for number in range(found, version):
        led = steps[number](led)
    return {**led, "schema_version": version}


def job_from_record(record: Mapping[str, Any]) -> Job:
    """Return the job that a record of this or an older Montage describes. Raises NewerRecord."""
    return from_dict(Job, migrated(record, steps=JOB_STEPS, version=SCHEMA_VERSION))
