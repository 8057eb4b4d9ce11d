from io import BytesIO
from pathlib import Path

import pytest

from functions.local.outcome import BAD_INPUT, OK, TROUBLE, Outcome, clock, exit_code, outcome_of, refused
from functions.local.output_folder import store
from shared.domain.chunk import Failure
from tests.shared.domain.records import JOB_ID, a_job

DONE = Outcome(source="a.mp4", job_id="a", state="done", outputs={"reel": "reel.mp4"})
BAD = refused("b.mp4", "not_a_video", "b.mp4: no video.")
BROKEN = Outcome(source="c.mp4", job_id="c", state="failed", error=Failure(code="internal", message="Sorry."))


@pytest.mark.parametrize(
    ("outcomes", "code"),
    [
        ([DONE], OK),
        ([DONE, BAD], BAD_INPUT),
        ([BAD, BROKEN, DONE], TROUBLE),
        ([Outcome(source="x", state="queued")], TROUBLE),
    ],
)
def test_trouble_beats_bad_input_beats_success(outcomes: list[Outcome], code: int) -> None:
    assert exit_code(outcomes) == code


def test_times_are_shown_as_people_read_them() -> None:
    assert [clock(s) for s in (0, 9.6, 72, 3600, 3725)] == ["0:00", "0:10", "1:12", "1:00:00", "1:02:05"]


def test_an_error_is_its_sentence_and_its_code() -> None:
    assert BAD.sentence() == "b.mp4: no video. [not_a_video]"
    assert BAD.to_dict()["error"] == {"code": "not_a_video", "message": "b.mp4: no video."}


def test_an_unfinished_job_says_how_to_go_on() -> None:
    assert "montage job k" in Outcome(source="a.mp4", job_id="k", state="analysing").sentence()


def test_only_files_that_are_there_and_its_own_are_outputs(tmp_path: Path) -> None:
    store({"reel.mp4": BytesIO(b"reel")}, tmp_path, of=JOB_ID, created_at=1.0)
    job = a_job(
        state="done",
        labels={"local.folder": str(tmp_path)},
        artifacts={"reel": "downloads/j/r1/reel.mp4", "poster": "downloads/j/r1/poster.jpg"},
    )
    assert outcome_of(job).outputs == {"reel": str(tmp_path / "reel.mp4")}
    store({"reel.mp4": BytesIO(b"later")}, tmp_path, of="another", created_at=2.0)
    assert outcome_of(job).outputs == {}
    assert "a later run" in outcome_of(job).sentence()
