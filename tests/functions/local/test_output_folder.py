import errno
import fcntl
import json
import os
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path

import pytest

from functions.local.output_folder import MARKER, holder, reserve, store
from tests.contracts.racing import race_in_processes, race_in_threads

RIDE = Path("/videos/ride.mp4")
FORKS = pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name != MARKER)


def test_a_source_keeps_its_folder_and_another_gets_the_next(tmp_path: Path) -> None:
    one, other = Path("/videos/ride.mp4"), Path("/elsewhere/ride.mov")
    assert reserve(tmp_path, one) == tmp_path / "ride"
    assert reserve(tmp_path, other) == tmp_path / "ride-2"
    assert reserve(tmp_path, one) == tmp_path / "ride"
    assert reserve(tmp_path, other) == tmp_path / "ride-2"


def test_a_file_or_a_foreign_folder_in_the_way_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "ride").write_text("a file")
    (tmp_path / "ride-2").mkdir()
    (tmp_path / "ride-2" / "notes.txt").write_text("mine")
    assert reserve(tmp_path, Path("/videos/ride.mp4")) == tmp_path / "ride-3"
    assert names(tmp_path / "ride-2") == ["notes.txt"]


def test_an_empty_folder_is_free_to_take(tmp_path: Path) -> None:
    (tmp_path / "ride").mkdir()
    assert reserve(tmp_path, Path("/videos/ride.mp4")) == tmp_path / "ride"


def test_many_sources_of_one_name_at_once_get_a_folder_each(tmp_path: Path) -> None:
    sources = [Path(f"/videos/{number}/ride.mp4") for number in range(16)]
    with ThreadPoolExecutor(16) as threads:
        folders = list(threads.map(lambda source: reserve(tmp_path, source), sources))
    assert len(set(folders)) == 16


def test_one_source_many_times_at_once_gets_one_folder(tmp_path: Path) -> None:
    for number in range(50):
        folders = race_in_threads(8, lambda _, out=tmp_path / str(number): reserve(out, RIDE))  # type: ignore[misc]
        assert set(folders) == {tmp_path / str(number) / "ride"}


@pytest.mark.parametrize("damaged", [b"", b"{}", b"[1]", b'{"source": "/vid', b"\xff\xfe", b'{"source": null}'])
def test_a_marker_that_says_nothing_is_nobodys(tmp_path: Path, damaged: bytes) -> None:
    (tmp_path / "ride").mkdir()
    (tmp_path / "ride" / MARKER).write_bytes(damaged)  # as its writer, killed in the middle, may leave it
    assert reserve(tmp_path, RIDE) == tmp_path / "ride"
    assert reserve(tmp_path, Path("/elsewhere/ride.mov")) == tmp_path / "ride-2"
    assert reserve(tmp_path, RIDE) == tmp_path / "ride"


def test_a_damaged_marker_among_files_of_whomever_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "ride").mkdir()
    (tmp_path / "ride" / MARKER).touch()
    (tmp_path / "ride" / "notes.txt").write_text("mine")
    assert reserve(tmp_path, RIDE) == tmp_path / "ride-2"


def test_many_sources_at_a_marker_that_says_nothing_get_a_folder_each(tmp_path: Path) -> None:
    for number in range(20):
        out = tmp_path / str(number)
        (out / "ride").mkdir(parents=True)
        (out / "ride" / MARKER).touch()
        folders = race_in_threads(8, lambda each, out=out: reserve(out, Path(f"/{each}/ride.mp4")))  # type: ignore[misc]
        assert len(set(folders)) == 8 and out / "ride" in folders


def test_where_there_are_no_links_a_source_keeps_its_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_links(*_: object, **__: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", no_links)
    assert reserve(tmp_path, RIDE) == tmp_path / "ride"
    assert reserve(tmp_path, Path("/elsewhere/ride.mov")) == tmp_path / "ride-2"
    assert reserve(tmp_path, RIDE) == tmp_path / "ride"
    assert list((tmp_path / "ride").iterdir()) == [tmp_path / "ride" / MARKER]


@pytest.mark.parametrize("name", ["..mp4", "...mp4"])
def test_a_name_that_would_lead_elsewhere_becomes_video(tmp_path: Path, name: str) -> None:
    out = tmp_path / "out"
    assert reserve(out, Path("/videos") / name) == out / "video"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_name_with_control_characters_stays_as_it_is(tmp_path: Path) -> None:
    assert reserve(tmp_path, Path("/videos/a\nb\x07.mp4")) == tmp_path / "a\nb\x07"


def test_results_replace_those_before_and_what_is_no_longer_made_goes(tmp_path: Path) -> None:
    folder = reserve(tmp_path, Path("/videos/ride.mp4"))
    (folder / "notes.txt").write_text("mine")
    store({"reel.mp4": BytesIO(b"one"), "captions.srt": BytesIO(b"words")}, folder, of="job-1", created_at=1.0)
    store({"reel.mp4": BytesIO(b"two")}, folder, of="job-2", created_at=2.0)
    assert names(folder) == ["notes.txt", "reel.mp4"]
    assert (folder / "reel.mp4").read_bytes() == b"two"
    assert holder(folder) == "job-2"
    assert reserve(tmp_path, Path("/videos/ride.mp4")) == folder


def test_a_write_that_fails_leaves_the_old_result_whole(tmp_path: Path) -> None:
    class Breaking(BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            raise OSError(28, "No space left on device")

    folder = reserve(tmp_path, Path("/videos/ride.mp4"))
    store({"reel.mp4": BytesIO(b"one")}, folder, of="job-1", created_at=1.0)
    with pytest.raises(OSError, match="No space"):
        store({"reel.mp4": Breaking()}, folder, of="job-2", created_at=2.0)
    assert names(folder) == ["reel.mp4"]
    assert (folder / "reel.mp4").read_bytes() == b"one"


def test_no_file_gets_its_name_before_all_are_written(tmp_path: Path) -> None:
    class Looking(BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            seen.append(((folder / "captions.srt").read_bytes(), (folder / "reel.mp4").exists(), holder(folder)))
            return super().read(size)

    seen: list[tuple[bytes, bool, str | None]] = []
    folder = reserve(tmp_path, RIDE)
    store({"captions.srt": BytesIO(b"one")}, folder, of="job-1", created_at=1.0)
    store({"captions.srt": Looking(b"two"), "reel.mp4": Looking(b"two")}, folder, of="job-2", created_at=2.0)
    assert set(seen) == {(b"one", False, "job-1")}
    assert names(folder) == ["captions.srt", "reel.mp4"]


def test_results_of_a_later_job_are_not_replaced_by_an_earlier_ones(tmp_path: Path) -> None:
    folder = reserve(tmp_path, RIDE)
    assert store({"reel.mp4": BytesIO(b"two"), "captions.srt": BytesIO(b"two")}, folder, of="job-2", created_at=2.0)
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.iterdir()}
    assert not store({"reel.mp4": BytesIO(b"one")}, folder, of="job-1", created_at=1.0)
    assert {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.iterdir()} == before
    assert json.loads((folder / MARKER).read_text()) == {
        "source": str(RIDE),
        "job": "job-2",
        "created_at": 2.0,
        "results": ["captions.srt", "reel.mp4"],
    }


def test_a_job_s_results_may_be_stored_again(tmp_path: Path) -> None:
    folder = reserve(tmp_path, RIDE)
    for _ in range(2):
        assert store({"reel.mp4": BytesIO(b"one")}, folder, of="job-1", created_at=1.0)
        (folder / "reel.mp4").unlink()


def test_a_marker_that_names_files_elsewhere_removes_none(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    folder = reserve(tmp_path, RIDE)
    results = ["../mine.txt", "..", ".", "", "a\0b", MARKER, 7]
    (folder / MARKER).write_text(json.dumps({"source": str(RIDE), "results": results}))
    assert store({"reel.mp4": BytesIO(b"one")}, folder, of="job-1", created_at=1.0)
    assert (tmp_path / "mine.txt").exists() and holder(folder) == "job-1"


def test_a_folder_with_the_name_of_an_old_result_stays(tmp_path: Path) -> None:
    folder = reserve(tmp_path, RIDE)
    store({"reel.mp4": BytesIO(b"one"), "extra": BytesIO(b"one")}, folder, of="job-1", created_at=1.0)
    (folder / "extra").unlink()
    (folder / "extra").mkdir()
    assert store({"reel.mp4": BytesIO(b"two")}, folder, of="job-2", created_at=2.0)
    assert names(folder) == ["extra", "reel.mp4"]


class Killing(BytesIO):
    """A file during whose reading the process is killed."""

    def read(self, size: int | None = -1) -> bytes:
        os.kill(os.getpid(), signal.SIGKILL)
        return b""


def in_a_child(act: Callable[[], object]) -> None:
    pid = os.fork()
    if pid == 0:
        try:
            act()
        finally:
            os._exit(1)
    assert os.WTERMSIG(os.waitpid(pid, 0)[1]) == signal.SIGKILL


@FORKS
def test_what_a_killed_writer_left_is_swept(tmp_path: Path) -> None:
    folder = reserve(tmp_path, RIDE)
    (folder / "mine.part").touch()
    objects = {"captions.srt": BytesIO(b"one"), "reel.mp4": Killing()}
    in_a_child(lambda: store(objects, folder, of="job-1", created_at=1.0))
    assert names(folder) != ["mine.part"] and holder(folder) is None
    assert store({"reel.mp4": BytesIO(b"two")}, folder, of="job-2", created_at=2.0)
    assert names(folder) == ["mine.part", "reel.mp4"]


def test_where_a_folder_cannot_be_locked_nobody_s_parts_are_swept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_locks(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", no_locks)
    folder = reserve(tmp_path, RIDE)
    of_another = folder / f".montage-{'0' * 16}.part"
    of_another.touch()
    assert store({"reel.mp4": BytesIO(b"one")}, folder, of="job-1", created_at=1.0)
    assert names(folder) == [of_another.name, "reel.mp4"]


@FORKS
def test_a_folder_whose_reserver_was_killed_is_not_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(os, "link", lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL))
        in_a_child(lambda: reserve(tmp_path, RIDE))
    assert reserve(tmp_path, RIDE) == tmp_path / "ride"


@FORKS
def test_a_set_that_was_replaced_half_way_is_no_job_s(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    replace = os.replace

    def killed_before_reel(old: Path, new: Path) -> None:
        if new.name == "reel.mp4":
            os.kill(os.getpid(), signal.SIGKILL)
        replace(old, new)

    folder = reserve(tmp_path, RIDE)
    store({"captions.srt": BytesIO(b"1"), "reel.mp4": BytesIO(b"1")}, folder, of="job-1", created_at=1.0)
    objects = {"captions.srt": BytesIO(b"2"), "chapters.txt": BytesIO(b"2"), "reel.mp4": BytesIO(b"2")}
    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", killed_before_reel)
        in_a_child(lambda: store(objects, folder, of="job-2", created_at=2.0))
    assert holder(folder) is None
    assert reserve(tmp_path, RIDE) == folder
    assert store({"captions.srt": BytesIO(b"1"), "reel.mp4": BytesIO(b"1")}, folder, of="job-1", created_at=1.0)
    assert names(folder) == ["captions.srt", "reel.mp4"]
    assert holder(folder) == "job-1"


STORED = 25


def store_often(folder: Path, writer: str) -> int:
    """Store sets of three files, each with the job's id, and one that is the job's own; return how many."""
    count = 0
    for number in range(STORED):
        job_id = f"{writer}-{number}"
        files = ["reel.mp4", "captions.srt", "chapters.txt", f"only-{writer}.txt"]
        objects = {name: BytesIO(job_id.encode() * 10_000) for name in files}
        count += store(objects, folder, of=job_id, created_at=5.0)
    return count


def test_processes_storing_at_once_leave_one_job_s_set(tmp_path: Path) -> None:
    folder = reserve(tmp_path, RIDE)
    assert race_in_processes(store_often, [(folder, writer) for writer in "abc"]) == [STORED] * 3
    job_id = holder(folder)
    assert job_id is not None
    assert names(folder) == ["captions.srt", "chapters.txt", f"only-{job_id[0]}.txt", "reel.mp4"]
    assert {(folder / name).read_bytes() for name in names(folder)} == {job_id.encode() * 10_000}
    assert reserve(tmp_path, RIDE) == folder


def store_in_order(folder: Path, first: int) -> None:
    for number in range(first, 60, 3):
        store({"reel.mp4": BytesIO(str(number).encode())}, folder, of=f"job-{number}", created_at=float(number))


def test_of_processes_storing_at_once_the_latest_job_stays(tmp_path: Path) -> None:
    folder = reserve(tmp_path, RIDE)
    race_in_processes(store_in_order, [(folder, first) for first in range(3)])
    assert (holder(folder), (folder / "reel.mp4").read_bytes()) == ("job-59", b"59")


def test_a_very_long_name_still_gets_a_folder(tmp_path: Path) -> None:
    folder = reserve(tmp_path, Path("/videos") / ("漢" * 83 + ".mp4"))
    assert folder.is_dir()
    assert len(os.fsencode(folder.name)) <= 255
