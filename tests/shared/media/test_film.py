"""What is put together from clips shows their seconds at the speed asked for, with the recording over them."""

from fractions import Fraction
from pathlib import Path

import av
import pytest

from shared.domain.span import span
from shared.errors import BadVideo
from shared.media.film import Part, write_film
from tests.clips import ClipMaker, ClipSpec, beeps_heard, heard, shown_times

SIZE, FPS = (160, 90), Fraction(25)
CLIP = ClipSpec(fps=FPS, has_sound=False)
SPEECH = ClipSpec(has_picture=False, suffix=".wav", sound_codec="pcm_s16le", seconds=3.0)


def test_each_part_shows_its_seconds(clip: ClipMaker, tmp_path: Path) -> None:
    parts = [Part(clip=clip(CLIP), span=span(2, 3)), Part(clip=clip(CLIP), span=span(4.04, 5.04), speed=0.5)]
    write_film(tmp_path / "film.mp4", parts, size=SIZE, fps=FPS)
    shown = shown_times(tmp_path / "film.mp4")
    assert len(shown) == 75
    wanted_s = [2 + n / 25 for n in range(25)] + [4.04 + n / 2 / 25 for n in range(50)]
    assert all(abs(at_s - n / 25) < 1e-3 for n, (at_s, _) in enumerate(shown))
    assert all(-0.0405 < seen_s - want_s < 0.002 for (_, seen_s), want_s in zip(shown, wanted_s, strict=True))


def test_a_recording_is_heard_over_its_part_only(clip: ClipMaker, tmp_path: Path) -> None:
    still = Part(clip=clip(CLIP), span=span(0, 1))
    spoken = Part(clip=clip(CLIP), span=span(1, 4), speech=clip(SPEECH), speech_from_s=-0.5)
    write_film(tmp_path / "film.mp4", [still, spoken, still], size=SIZE, fps=FPS)
    found = beeps_heard(heard(tmp_path / "film.mp4"))
    assert [second for _, second in found] == [0, 1, 2]
    assert [at_s for at_s, _ in found] == pytest.approx([1.5, 2.5, 3.5], abs=0.003)


def test_a_crop_fills_the_picture(clip: ClipMaker, tmp_path: Path) -> None:
    large = clip(ClipSpec(fps=FPS, has_sound=False, size=(320, 270)))  # the grid of blocks has three rows
    top = Part(clip=large, span=span(0, 1), crop=(0.0, 0.0, 1.0, 1 / 3))
    write_film(tmp_path / "film.mp4", [top], size=(320, 90), fps=FPS)
    with av.open(str(tmp_path / "film.mp4")) as film:
        luma = next(film.decode(video=0)).to_ndarray()[:90]
    assert luma.shape == (90, 320)
    bright = luma[45, 20::40] > 128
    assert bright.tolist() == [True, True, False, True, False, False, False, True], "the marker row alone"


def test_a_clip_that_is_too_short_leaves_no_film(clip: ClipMaker, tmp_path: Path) -> None:
    with pytest.raises(BadVideo, match="it ends after 50 of 75 pictures"):
        write_film(tmp_path / "film.mp4", [Part(clip=clip(CLIP), span=span(4, 7))], size=SIZE, fps=FPS)
    assert list(tmp_path.iterdir()) == []
