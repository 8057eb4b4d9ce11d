import os
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path

import pytest

from functions.local.output_folder import MARKER, holder, reserve, store


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


def test_results_replace_those_before_and_what_is_no_longer_made_goes(tmp_path: Path) -> None:
    folder = reserve(tmp_path, Path("/videos/ride.mp4"))
    (folder / "notes.txt").write_text("mine")
    store({"reel.mp4": BytesIO(b"one"), "captions.srt": BytesIO(b"words")}, folder, of="job-1")
    store({"reel.mp4": BytesIO(b"two")}, folder, of="job-2")
    assert names(folder) == ["notes.txt", "reel.mp4"]
    assert (folder / "reel.mp4").read_bytes() == b"two"
    assert holder(folder) == "job-2"
    assert reserve(tmp_path, Path("/videos/ride.mp4")) == folder


def test_a_write_that_fails_leaves_the_old_result_whole(tmp_path: Path) -> None:
    class Breaking(BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            raise OSError(28, "No space left on device")

    folder = reserve(tmp_path, Path("/videos/ride.mp4"))
    store({"reel.mp4": BytesIO(b"one")}, folder, of="job-1")
    with pytest.raises(OSError, match="No space"):
        store({"reel.mp4": Breaking()}, folder, of="job-2")
    assert names(folder) == ["reel.mp4"]
    assert (folder / "reel.mp4").read_bytes() == b"one"


def test_a_very_long_name_still_gets_a_folder(tmp_path: Path) -> None:
    folder = reserve(tmp_path, Path("/videos") / ("漢" * 83 + ".mp4"))
    assert folder.is_dir()
    assert len(os.fsencode(folder.name)) <= 255
