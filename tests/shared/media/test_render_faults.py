"""What goes wrong while a reel is written: a clear error or a clean retry, and never a broken file under its name."""

from __future__ import annotations

import io
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.domain.edit_list import Clip, EditList
from shared.domain.span import span
from shared.domain.video import Video
from shared.errors import BadVideo, CannotCopy, NotFound, TryAgain
from shared.media.probe import probe
from shared.media.render import render_reel
from tests.clips import ClipMaker, ClipSpec
from tests.damage import cut_off, index_first
from tests.sync_matrix import QUICK, Mode, plan

ROOT = Path(__file__).parents[3]
SPEC = ClipSpec(seconds=12, size=(96, 54))
MODES: tuple[Mode, ...] = ("encode", "copy")


def edit_of(path: Path, mode: Mode) -> EditList:
    edit = plan(path, mode, (span(1.03, 4.8), span(6.1, 8.9), span(9.2, 11.5)))
    assert edit.render == mode
    return edit


def render(path: Path, reel: Path, mode: Mode) -> None:
    with path.open("rb") as file:
        render_reel(file, probe(file, name=path.name), edit_of(path, mode), reel, settings=QUICK, name=path.name)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of its own with room for 64 KiB."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        pytest.skip("only root can mount a small disk; a limit on the file's size stands in for it below")
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)], capture_output=True)
    if mounted.returncode != 0:
        pytest.skip(f"no small disk can be mounted here: {mounted.stderr.decode().strip()}")
    try:
        yield disk
    finally:
        subprocess.run(["umount", str(disk)], check=True)


@pytest.mark.parametrize("mode", MODES)
def test_a_full_disk_asks_for_room_and_leaves_nothing(
    mode: Mode, clip: ClipMaker, small_disk: Path, tmp_path: Path
) -> None:
    with pytest.raises(TryAgain, match="free some room"):
        render(clip(SPEC), small_disk / "reel.mp4", mode)
    assert list(small_disk.iterdir()) == []


@pytest.mark.parametrize("mode", MODES)
def test_a_limit_on_the_size_of_files_is_a_clear_error_and_leaves_nothing(
    mode: Mode, clip: ClipMaker, tmp_path: Path
) -> None:
    path = clip(SPEC)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (64 << 10, hard))  # Python ignores the signal, so writes fail
    try:
        with pytest.raises((BadVideo, TryAgain), match=r"clip\.mp4: "):
            render(path, tmp_path / "reel.mp4", mode)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert list(tmp_path.iterdir()) == []


class Vanishing(io.BytesIO):
    """A file whose storage fails after so many reads."""

    def __init__(self, data: bytes, error: Exception) -> None:
        super().__init__(data)
        self.reads_left: int | None = None
        self._error = error

    def read(self, size: int | None = -1, /) -> bytes:
        if self.reads_left is not None:
            self.reads_left -= 1
            if self.reads_left < 0:
                raise self._error
        return super().read(size)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    "error", [OSError(5, "Input/output error"), NotFound("the source is gone")], ids=["io", "gone"]
)
def test_a_source_that_vanishes_half_way_is_told_as_it_is_and_leaves_nothing(
    mode: Mode, error: Exception, clip: ClipMaker, tmp_path: Path
) -> None:
    path = clip(SPEC)
    file = Vanishing(path.read_bytes(), error)
    video, edit = probe(file, name="x"), edit_of(path, mode)

    def vanish(share: float) -> None:
        if share > 0.3 and file.reads_left is None:
            file.reads_left = 0

    with pytest.raises(type(error)) as raised:
        render_reel(file, video, edit, tmp_path / "reel.mp4", settings=QUICK, on_progress=vanish)
    assert raised.value is error
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("mode", MODES)
def test_a_source_cut_off_meanwhile_is_an_error_or_a_reel_with_a_warning(
    mode: Mode, clip: ClipMaker, tmp_path: Path
) -> None:
    whole = index_first(clip(ClipSpec(seconds=12, size=(96, 54), has_sound=False)))
    with whole.open("rb") as file:
        video = probe(file, name="x")
    reel = tmp_path / "reel.mp4"
    with cut_off(whole, share=0.5).open("rb") as file:
        try:
            made = render_reel(file, video, edit_of(whole, mode), reel, settings=QUICK)
        except BadVideo as error:
            assert error.code in {"corrupt", "render_failed", "truncated"}
            assert list(tmp_path.iterdir()) == []
        else:
            assert made.warnings


def cut_in_half(clip: ClipMaker) -> tuple[Path, Video]:
    """Return a film of 40 s whose index is whole and whose second half is not there."""
    whole = index_first(clip(ClipSpec(seconds=40, size=(96, 54), has_sound=False)))
    with whole.open("rb") as file:
        return cut_off(whole, share=0.5), probe(file, name="x")


@pytest.mark.parametrize("spans", [[(12, 26)], [(0, 40)], [(1, 4), (12, 39), (2, 5)]])
def test_where_a_source_has_no_picture_the_last_one_stays_and_it_is_said(
    spans: list[tuple[int, int]], clip: ClipMaker, tmp_path: Path
) -> None:
    half, video = cut_in_half(clip)
    with half.open("rb") as file:
        made = render_reel(file, video, whole_seconds(spans, "encode"), tmp_path / "reel.mp4", settings=QUICK)
    assert made.frames == 30 * sum(end_s - start_s for start_s, end_s in spans)
    assert any("stays on screen" in each for each in made.warnings)


def test_a_copy_of_what_is_not_there_is_refused(clip: ClipMaker, tmp_path: Path) -> None:
    half, video = cut_in_half(clip)
    with half.open("rb") as file, pytest.raises(CannotCopy, match=r"its picture ends at|it is damaged"):
        render_reel(file, video, whole_seconds([(0, 40)], "copy"), tmp_path / "reel.mp4", settings=QUICK)
    assert list(tmp_path.iterdir()) == []


def whole_seconds(spans: list[tuple[int, int]], mode: Mode) -> EditList:
    clips = tuple(Clip(wanted=span(*each), actual=span(*each), score=1.0, reasons=()) for each in spans)
    return EditList(render="copy" if mode == "copy" else "encode", clips=clips)


@pytest.mark.parametrize("mode", MODES)
def test_the_final_name_is_not_there_before_the_reel_is_whole(mode: Mode, clip: ClipMaker, tmp_path: Path) -> None:
    path, reel = clip(SPEC), tmp_path / "reel.mp4"
    seen: list[bool] = []
    with path.open("rb") as file:
        video = probe(file, name="x")
        render_reel(
            file, video, edit_of(path, mode), reel, settings=QUICK, on_progress=lambda _: seen.append(reel.exists())
        )
    assert reel.exists()
    assert not any(seen)
    assert list(tmp_path.iterdir()) == [reel]


@pytest.mark.slow
@pytest.mark.parametrize("mode", MODES)
def test_a_kill_in_the_middle_leaves_no_reel_and_the_next_try_makes_it(
    mode: Mode, clip: ClipMaker, tmp_path: Path
) -> None:
    path, reel = clip(ClipSpec(seconds=30, size=(96, 54))), tmp_path / "out" / "reel.mp4"
    reel.parent.mkdir()
    command = [sys.executable, "-m", "tests.render_child", str(path), str(reel), mode, "12"]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as child:
        assert child.stderr is not None
        for line in child.stderr:
            if line[:2] == "0." and float(line) > 0.3:
                child.send_signal(signal.SIGKILL)
                break
    assert child.returncode == -signal.SIGKILL
    killed_left = sorted(each.name for each in reel.parent.iterdir())
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=60)
    calm = tmp_path / "calm.mp4"
    subprocess.run([*command[:4], str(calm), *command[5:]], cwd=ROOT, check=True, capture_output=True, timeout=60)
    assert reel.read_bytes() == calm.read_bytes()
    assert reel.name not in killed_left
    assert [each.name for each in reel.parent.iterdir()] == [reel.name], "the next try clears up"
