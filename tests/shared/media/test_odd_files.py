"""Each odd file comes to what tests/odd_expected.json says: a reel, a reel with a warning, or a clear refusal."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from shared.domain.edit_list import Clip, EditList
from shared.domain.highlight import fallback_highlight
from shared.domain.job import warned
from shared.domain.span import span
from shared.domain.units import POSE_UNIT_S, plan_chunks
from shared.errors import BadVideo
from shared.media.decode import frame_at
from shared.media.encoder import EncodeSettings
from shared.media.poster import write_poster
from shared.media.probe import probe
from shared.media.render import render_reel
from shared.media.sound import SoundSettings
from shared.pipeline.analyse_pose import analyse_chunk, join_parts
from shared.pipeline.judge_damage import judge_damage
from tests.contact_sheet import write_contact_sheet
from tests.nobody import Nobody
from tests.odd_sheet import looks

ROOT = Path(__file__).parents[3]
MEDIA = Path(os.environ.get("MONTAGE_MEDIA") or ROOT.parent / "shared" / "media")
EXPECTED: dict[str, dict[str, Any]] = json.loads((ROOT / "tests" / "odd_expected.json").read_text())
PROBE_S = 20.0


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


def test_the_table_names_every_odd_file() -> None:
    if not odd_files():
        pytest.skip(f"no test media at {MEDIA} (set MONTAGE_MEDIA)")
    assert sorted(EXPECTED) == odd_files()


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_an_odd_file_comes_to_what_the_table_says(name: str, media_file: Callable[[str], Path], tmp_path: Path) -> None:
    path = media_file(f"odd/{name}")
    try:
        found = _reel_of(path, tmp_path / "reel.mp4")
    except BadVideo as error:
        found = {"outcome": "error", "code": error.code}
        assert is_a_sentence_about(error.message, name)
    assert found == {key: EXPECTED[name][key] for key in ("outcome", "code")}


def _reel_of(path: Path, reel_path: Path) -> dict[str, str | None]:
    """Go the way of a job with a detector that finds nobody, and return the outcome."""
    with path.open("rb") as file:
        began_s = time.monotonic()
        try:
            video = probe(file, name=path.name)
        finally:
            assert time.monotonic() - began_s < PROBE_S
        plan = plan_chunks(duration_s=video.duration_s, unit_s=POSE_UNIT_S, chunk_s=60, max_tasks=200)
        part = analyse_chunk(
            file, video, plan=plan, chunk=0, detector=Nobody(), name=path.name, on_progress=lambda _: None
        )
        warnings = judge_damage(part.decoded, video, name=path.name)
        highlight = fallback_highlight(join_parts([part]), duration_s=video.duration_s)
        assert highlight.span.duration_s <= video.duration_s
        shown = span(0.3, min(video.duration_s, 1.0))
        edit = EditList(render="encode", clips=(Clip(wanted=shown, actual=shown, score=1, reasons=()),))
        settings = EncodeSettings(preset="ultrafast")
        sound = SoundSettings(loudness="keep")  # so short a reel cannot be measured, which would be a warning
        reel = render_reel(file, video, edit, reel_path, settings=settings, sound=sound, name=path.name)
    assert reel.duration_s == pytest.approx(shown.duration_s, abs=1.01 / float(reel.fps))
    assert reel.has_sound == bool(video.audio)
    codes = [each.code for each in (*warnings, *map(warned, video.warnings + reel.warnings))]
    return {"outcome": "ok_with_warning" if codes else "ok", "code": codes[0] if codes else None}


def is_a_sentence_about(message: str, name: str) -> bool:
    """Return whether it names the file, says on one line what is wrong and, behind a semicolon, what to do."""
    said = message.removeprefix(f"{name}: ")
    return said != message and "\n" not in said and said.endswith(".") and "; " in said


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


def test_the_poster_looks_like_the_reel(media_file: Callable[[str], Path], tmp_path: Path) -> None:
    """High dynamic range is mapped in both; interlaced fields are woven in neither."""
    path = media_file("odd/hdr10_sdr_container.mp4")
    with path.open("rb") as file:
        video = probe(file, name=path.name)
        write_poster(file, video, 0.3, tmp_path / "poster.jpg", max_side_px=320)
        edit = EditList(
            render="encode", clips=(Clip(wanted=span(0.3, 0.9), actual=span(0.3, 0.9), score=1, reasons=()),)
        )
        render_reel(file, video, edit, tmp_path / "reel.mp4", settings=EncodeSettings(preset="ultrafast"))
    with (tmp_path / "reel.mp4").open("rb") as file:
        reel = frame_at(file, probe(file, name="reel"), 0.0, name="reel")
    assert reel is not None
    poster = np.asarray(Image.open(tmp_path / "poster.jpg"), np.int16)
    assert poster.shape == (180, 320, 3)
    assert np.abs(poster - reel.rgb(None, 320)).mean() < 8


def test_the_poster_of_an_interlaced_source_has_no_stripes(media_file: Callable[[str], Path], tmp_path: Path) -> None:
    path = media_file("odd/interlaced_anamorphic_576i.mkv")
    with path.open("rb") as file:
        video = probe(file, name=path.name)
        write_poster(file, video, 2.0, tmp_path / "poster.jpg")
        woven = frame_at(file, video, 2.0, name=path.name)
    assert woven is not None
    assert _stripes(np.asarray(Image.open(tmp_path / "poster.jpg").convert("L"))) < 0.8 * _stripes(woven.grey(1047))


def _stripes(grey: NDArray[np.uint8]) -> float:
    """Return how much neighbouring lines differ beyond what the lines next to them differ."""
    lines = grey.astype(np.int16)
    return float((np.abs(lines[1:-1] - lines[:-2]) - np.abs(lines[2:] - lines[:-2])).clip(0).mean())


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(name for name, said in EXPECTED.items() if said["outcome"] != "error"))
def test_the_reels_of_an_odd_file_play_to_their_end(
    name: str, media_file: Callable[[str], Path], tmp_path: Path
) -> None:
    path = media_file(f"odd/{name}")
    for look in looks(path, tmp_path):
        assert all(source is not None and reel is not None for source, reel in look.pairs)
        with av.open(str(tmp_path / f"{look.mode}.mp4"), options={"err_detect": "explode"}) as container:
            stream = container.streams.video[0]
            pictures = [frame.time for frame in container.decode(stream)]
            assert stream.width % 2 == stream.height % 2 == 0
        assert len(pictures) == stream.frames
        assert pictures == sorted(set(pictures))
        assert pictures[-1] + 1.5 / look.fps >= look.wanted_s
        assert pictures[-1] <= look.wanted_s
        with av.open(str(tmp_path / f"{look.mode}.mp4")) as container:
            sound_s = sum(f.samples / f.sample_rate for a in container.streams.audio for f in container.decode(a))
        assert sound_s == 0 or abs(sound_s - look.wanted_s) < 1.5 / look.fps + 0.05
