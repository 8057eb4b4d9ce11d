import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.local.run_jobs import new_job_id
from shared.domain import object_names as names


def test_the_upload_of_a_job_names_the_job() -> None:
    job_id = new_job_id()
    assert len(job_id) == 26
    assert names.job_of_source(names.source(job_id)) == job_id


@pytest.mark.parametrize(
    "name",
    [
        "uploads/../etc/source",
        "uploads/x/source",
        "downloads/" + "a" * 26 + "/source",
        "/uploads/" + "a" * 26 + "/source",
    ],
)
def test_a_foreign_name_belongs_to_no_job(name: str) -> None:
    assert names.job_of_source(name) is None


@given(st.text())
def test_no_text_breaks_the_parser(name: str) -> None:
    job_id = names.job_of_source(name)
    assert job_id is None or names.source(job_id) == name


def test_parts_of_two_leases_do_not_meet() -> None:
    assert names.chunk_part("j", "pose", 3, "aa") == "work/j/pose/00003.aa.json"
    assert names.chunk_part("j", "pose", 3, "aa") != names.chunk_part("j", "pose", 3, "bb")
