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


def test_a_job_s_digests_come_back_and_nobody_else_s() -> None:
    job_id, other = new_job_id(), new_job_id()
    noted = [names.heard_for(job_id, "ab"), names.heard_for(job_id, "cd")]
    assert all(name.startswith(names.everything_of(job_id)["work"]) for name in noted)
    foreign = [names.heard_for(other, "ef"), names.heard_speech("gh"), names.spoken_language(job_id)]
    assert list(names.digests_heard_for(job_id, [*noted, *foreign])) == ["ab", "cd"]


def test_everything_of_a_job_begins_like_this() -> None:
    job_id = new_job_id()
    everything = names.everything_of(job_id)
    assert everything.keys() == {"uploads", "work", "downloads"}
    assert names.source(job_id).startswith(everything["uploads"])
    assert names.run_list(job_id, "pose", "x").startswith(everything["work"])
    assert names.artifact(job_id, 2, "reel.mp4").startswith(everything["downloads"])


@pytest.mark.parametrize("job_id", ["", "a/b", "heard"])
def test_what_is_no_job_s_id_is_no_prefix_of_others_objects(job_id: str) -> None:
    with pytest.raises(ValueError, match="id"):
        names.everything_of(job_id)
