"""Every recording's reel is as loud as it should be, measured in the finished file; prints a table."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from shared.domain.edit_list import Clip, EditList
from shared.domain.sound import Sound
from shared.domain.span import span
from shared.domain.video import Video
from shared.media.probe import probe_media
from shared.media.render_sound import render_sound
from shared.media.sound import SoundSettings
from tests.sounds import metered, read_sound

KINDS = (".wav", ".m4a", ".flac", ".mp4")


def recordings(folder: Path) -> list[Path]:
    inside = [each for name in ("speech", "motion", "faces") for each in sorted((folder / name).iterdir())]
    return [folder / "raw_session_mixed_720p.mp4", *(each for each in inside if each.suffix in KINDS)]


def as_sound(media: Video | Sound) -> Sound:
    """Return a video's sound as if it had no picture: that is rendered fastest, and its sound is the same."""
    return Sound(container=media.container, duration_s=media.duration_s, start_s=media.start_s, audio=media.audio)


@pytest.mark.slow
def test_reels_of_real_recordings_are_as_loud_as_they_should_be(
    media_file: Callable[[str], Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows, wrong = [], []
    for path in recordings(media_file("raw_session_mixed_720p.mp4").parent):
        with path.open("rb") as file:
            media = as_sound(probe_media(file, name=path.name))
            if not media.audio:
                continue
            whole = span(0, media.duration_s)
            edit = EditList(render="encode", clips=(Clip(wanted=whole, actual=whole, score=1.0, reasons=()),))
            reel = tmp_path / "reel.m4a"
            began_s = time.process_time()
            made = render_sound(
                file,
                media,
                edit,
                reel,
                sound=SoundSettings(),
                on_progress=lambda _: None,
            )
            took_s = time.process_time() - began_s
        heard = metered(read_sound(reel))
        codes = ", ".join(each.split(":")[0] for each in made.warnings)
        speed = media.duration_s / took_s
        said = f"{heard.lufs:6.1f} LUFS {heard.dbtp:6.2f} dBTP x{speed:.0f} {codes}"
        rows.append(f"{path.name:32} {media.duration_s:6.1f} s {said}")
        is_right = abs(heard.lufs + 14) <= 1 and heard.dbtp <= -1
        if not is_right and "loudness_skipped" not in codes:
            wrong.append(rows[-1])
    with capsys.disabled():
        print("", *rows, sep="\n")
    assert rows
    assert wrong == []
