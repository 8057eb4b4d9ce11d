from typing import Any

import pytest

from shared.domain.job import SCHEMA_VERSION
from shared.domain.migration import JOB_STEPS, NewerRecord, job_from_record, migrated
from shared.domain.record import to_dict
from tests.shared.domain.records import a_job

STEPS = {
    1: lambda record: {**record, "owner": record["user"]},
    2: lambda record: {**record, "labels": [record["owner"]]},
}
"""Once a record named a user, then an owner, then labels."""


def test_an_old_record_takes_every_step_in_order() -> None:
    assert migrated({"schema_version": 1, "user": "me"}, steps=STEPS, version=3) == {
        "schema_version": 3, "user": "me", "owner": "me", "labels": ["me"],
    }  # fmt: skip


def test_a_record_takes_only_the_steps_it_lacks() -> None:
    assert migrated({"schema_version": 2, "owner": "me"}, steps=STEPS, version=3) == {
        "schema_version": 3, "owner": "me", "labels": ["me"],
    }  # fmt: skip


def test_a_record_of_today_stays_as_it_is() -> None:
    record = {"schema_version": 3, "labels": []}
    assert migrated(record, steps=STEPS, version=3) == record


def test_a_record_without_a_version_is_of_the_first() -> None:
    assert migrated({"user": "me"}, steps=STEPS, version=2) == {"schema_version": 2, "user": "me", "owner": "me"}


def test_the_record_that_was_read_is_not_changed() -> None:
    record: dict[str, Any] = {"schema_version": 1, "user": "me"}
    migrated(record, steps=STEPS, version=3)
    assert record == {"schema_version": 1, "user": "me"}


def test_a_newer_record_is_refused_with_a_sentence() -> None:
    with pytest.raises(NewerRecord, match=r"was written by a newer Montage \(schema 4, this one knows 3\)"):
        migrated({"schema_version": 4}, steps=STEPS, version=3)


@pytest.mark.parametrize("version", [0, -1, "1", None, 1.5])
def test_what_is_no_version_is_refused(version: object) -> None:
    with pytest.raises(ValueError, match="no version"):
        migrated({"schema_version": version}, steps=STEPS, version=3)


def test_there_is_a_step_from_every_older_version() -> None:
    assert set(JOB_STEPS) == set(range(1, SCHEMA_VERSION))


def test_a_job_s_record_comes_back_as_the_job() -> None:
    assert job_from_record(to_dict(a_job())) == a_job()


def test_a_job_s_record_from_before_there_was_sound_is_a_job_without() -> None:
    record = to_dict(a_job())
    del record["sound"]
    assert job_from_record(record) == a_job()
