"""What settings refuse, and names no file system would take: as names of uploads they harm nobody."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from functions.local.output_folder import reserve
from functions.local.run_jobs import new_job_id
from shared.adapters.local.folder_store import FolderStore
from shared.domain.job import Job, Source
from shared.domain.object_names import source
from shared.domain.options import Options
from shared.settings import Settings
from tests.clips import ClipSpec, make_clip
from tests.one_machine import OneMachine, one_machine

NO_FILE_NAMES = ["..", "../../x.mp4", "/etc/x.mp4", "nul\0.mp4", "x" * 300 + ".mp4", "new\nline\tand tab.mp4", ""]


@pytest.fixture(scope="session")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_clip(tmp_path_factory.mktemp("clips"), ClipSpec(seconds=3.0, fps=Fraction(10), has_sound=False))


@pytest.mark.parametrize(
    ("setting", "code", "message"),
    [
        ("MONTAGE_MAX_SOURCE_S", "too_long", "clip.mp4: 3 s long, at most 2 s are taken; cut it into parts."),
        ("MONTAGE_MAX_SOURCE_BYTES", "too_large", " are taken; cut it into parts or export it smaller."),
    ],
)
def test_a_source_beyond_a_setting_is_refused(
    tmp_path: Path, video: Path, monkeypatch: pytest.MonkeyPatch, setting: str, code: str, message: str
) -> None:
    monkeypatch.setenv(setting, "2")
    machine = one_machine(tmp_path)
    machine.cloud = replace(machine.cloud, limits=Settings().limits)
    job = machine.run_to_the_end(machine.submit(video).id)
    assert job.state == "failed"
    assert job.error is not None
    assert (job.error.code, job.error.is_input) == (code, True)
    assert job.error.message.startswith("clip.mp4: ")
    assert job.error.message.endswith(message)


@pytest.mark.parametrize("name", NO_FILE_NAMES)
def test_an_upload_may_be_called_anything(tmp_path: Path, video: Path, name: str) -> None:
    home = tmp_path / "a" / "b" / "home"
    machine = one_machine(home)
    job = Job(id=new_job_id(), source=Source(file_name=name), options=Options(), created_at=machine.clock.now)
    assert machine.cloud.jobs.create(job)
    machine.cloud.uploads.upload(video, source(job.id))
    ended = machine.run_to_the_end(job.id)
    assert (ended.state, ended.source.file_name) == ("done", name)
    assert all(path.is_relative_to(home) for path in tmp_path.rglob("*") if path.is_file())


@pytest.mark.parametrize("name", NO_FILE_NAMES)
def test_no_object_can_be_called_like_that(tmp_path: Path, name: str) -> None:
    store = one_machine(tmp_path).cloud.work
    with pytest.raises(ValueError):  # whatever it says of the name
        store.write(name, b"")


@pytest.mark.parametrize("name", ["..", "../../x.mp4", "/etc/x.mp4", "x" * 250 + ".mp4"])
def test_an_output_folder_stays_where_outputs_are(tmp_path: Path, name: str) -> None:
    out = tmp_path / "out"
    assert reserve(out, Path(name)).parent == out


def declared(machine: OneMachine, video: Path, **said: Any) -> Job:
    """Return the end of a job whose source was uploaded as video/mp4 by somebody who said this about it before."""
    job = Job(
        id=new_job_id(),
        source=Source(file_name="clip.mp4", **said),
        options=Options(mode="motion"),
        created_at=machine.clock.now,
    )
    assert machine.cloud.jobs.create(job)
    store = machine.cloud.uploads
    assert isinstance(store, FolderStore)
    copy = machine.home / "copy.mp4"
    copy.write_bytes(video.read_bytes())
    store.adopt(copy, source(job.id), content_type="video/mp4")
    return machine.run_to_the_end(job.id)


@pytest.mark.parametrize(
    ("said", "code", "words"),
    [
        ({"declared_bytes": 5}, "size_mismatch", " bytes arrived where 5 were said to come; upload it again."),
        (
            {"content_type": "video/quicktime"},
            "wrong_type",
            "clip.mp4: it was uploaded as video/mp4 and not, as was said, as video/quicktime.",
        ),
    ],
)
def test_a_source_that_is_not_as_its_owner_said_is_refused_unread(
    tmp_path: Path, video: Path, monkeypatch: pytest.MonkeyPatch, said: dict[str, Any], code: str, words: str
) -> None:
    monkeypatch.setattr(FolderStore, "open", None)
    job = declared(one_machine(tmp_path), video, **said)
    assert (job.state, job.error is not None and job.error.code) == ("failed", code)
    assert job.error is not None and job.error.is_input and job.error.message.endswith(words)


def test_a_source_that_is_as_its_owner_said_is_taken(tmp_path: Path, video: Path) -> None:
    said = {"declared_bytes": video.stat().st_size, "content_type": "Video/MP4; codecs=avc1"}
    assert declared(one_machine(tmp_path), video, **said).state == "done"
