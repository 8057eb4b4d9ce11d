"""Each odd file is either described and rendered, or refused with a stable code: nothing else, and never a hang."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from shared.domain.edit_list import Clip, EditList
from shared.domain.span import span
from shared.errors import BadVideo
from shared.media.decode import sample_frames
from shared.media.picture import EncodeSettings
from shared.media.probe import probe
from shared.media.render import render_reel
from tests.contact_sheet import write_contact_sheet

ROOT = Path(__file__).parents[3]
MEDIA = Path(os.environ.get("MONTAGE_MEDIA") or ROOT.parent / "shared" / "media")
REFUSED = {
    "audio_only.mp4": "no_video_stream",
    "audio_only_alac.m4a": "no_video_stream",
    "invalid_bitstream_vp9.webm": "corrupt",
    "one_frame.mp4": "too_short",
    "rot_270.mov": "too_short",
    "rot_90.mov": "too_short",
    "text_named.mp4": "not_a_video",
    "truncated_no_moov.mp4": "truncated",
    "truncated_tail.mp4": "truncated",
    "zero_bytes.mp4": "empty_file",
}


def odd_files() -> list[str]:
    if not (MEDIA / "MANIFEST.json").exists():
        return []
    files = [each["file"] for each in json.loads((MEDIA / "MANIFEST.json").read_text())["files"]]
    return sorted(name.removeprefix("odd/") for name in files if name.startswith("odd/"))


def test_the_odd_files_are_here() -> None:
    if not odd_files():
        message = f"no test media at {MEDIA} (set MONTAGE_MEDIA)"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    assert len(odd_files()) >= 35


@pytest.mark.parametrize("name", odd_files())
def test_an_odd_file_is_rendered_or_refused(name: str, tmp_path: Path) -> None:
    with (MEDIA / "odd" / name).open("rb") as file:
        if name in REFUSED:
            with pytest.raises(BadVideo) as caught:
                probe(file, name=name)
            assert caught.value.code == REFUSED[name]
            assert caught.value.message.startswith(f"{name}: ")
            return
        video = probe(file, name=name)
        assert sum(1 for _ in sample_frames(file, video, start_s=0.3, end_s=1.3, rate_hz=10, name=name)) >= 7
        end_s = min(video.duration_s, 1.0)
        clip = Clip(wanted=span(0.3, end_s), actual=span(0.3, end_s), score=1, reasons=())
        settings = EncodeSettings(preset="ultrafast")
        reel = render_reel(file, video, EditList(render="encode", clips=(clip,)), tmp_path / "r.mp4", settings=settings)
    assert reel.duration_s == pytest.approx(end_s - 0.3, abs=1.01 / float(reel.fps))
    assert reel.has_sound == bool(video.audio)


@pytest.mark.skipif(not odd_files(), reason=f"no test media at {MEDIA} (set MONTAGE_MEDIA)")
@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("anamorphic_sar_2x3.mp4", (427, 360)),
        ("interlaced_anamorphic_576i.mkv", (1047, 576)),
        ("vfr_moviepy_rot180.mp4", (1280, 720)),
        ("cover_art_png.mp4", (640, 360)),
        ("two_audio_tracks.mp4", (480, 270)),
        ("tiny_1x1_1fps.mp4", (1, 1)),
    ],
)
def test_the_shown_size_of_odd_files(name: str, size: tuple[int, int]) -> None:
    with (MEDIA / "odd" / name).open("rb") as file:
        video = probe(file, name=name)
    assert (video.width, video.height) == size


@pytest.mark.skipif(not odd_files(), reason=f"no test media at {MEDIA} (set MONTAGE_MEDIA)")
def test_a_contact_sheet_can_be_made_of_a_turned_file(tmp_path: Path) -> None:
    with (MEDIA / "odd" / "vfr_moviepy_rot180.mp4").open("rb") as file:
        write_contact_sheet(file, "x", tmp_path / "sheet.png", columns=3, rows=2)
    assert (tmp_path / "sheet.png").stat().st_size > 10_000
