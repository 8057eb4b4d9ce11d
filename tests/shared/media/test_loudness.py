"""How loud a reel is: the target, the peaks, and what is left alone."""

import io
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from shared.domain.edit_list import Clip, EditList
from shared.domain.sound import Sound as Media
from shared.domain.span import span
from shared.media.limiter import CEILING_DBTP, limited
from shared.media.loudness import (
    TARGET_LUFS,
    Mastering,
    apply_mastering,
    mastered,
    measured,
    plan_mastering,
)
from shared.media.probe import probe_media
from shared.media.render_sound import render_sound
from shared.media.sound import RATE_HZ, Block, SoundSettings
from shared.media.timeline import Damage
from tests.sounds import Sound, metered, read_sound, write_wav

SECONDS = 4


def speechlike(level: float, *, seconds: float = SECONDS, seed: int = 5) -> Sound:
    """Return dull noise in syllables: loud and quiet by turns, with peaks well above its loudness."""
    t = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    bell = np.hanning(16)
    carrier = np.convolve(np.random.default_rng(seed).laplace(0, 0.3, t.size), bell / np.linalg.norm(bell), "same")
    syllables = np.maximum(0.02, np.sin(2 * np.pi * 1.7 * t) * np.sin(2 * np.pi * 0.31 * t)) ** 2
    return np.asarray(np.tile(level * carrier * syllables, (2, 1)), np.float32)


def tone(level: float, *, seconds: float = SECONDS, pitch_hz: float = 997.0) -> Sound:
    t = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    return np.asarray(np.tile(level * np.sin(2 * np.pi * pitch_hz * t), (2, 1)), np.float32)


def blocks(sound: Sound, size: int = RATE_HZ) -> Iterator[Block]:
    for begin in range(0, sound.shape[1], size):
        yield sound[:, begin : begin + size]


def how_to(sound: Sound) -> Mastering:
    return plan_mastering(lambda: blocks(sound), sound.shape[1], on_progress=lambda _: None)


def made(sound: Sound, how: Mastering) -> Sound:
    return np.concatenate([*apply_mastering(blocks(sound), sound.shape[1], how)], axis=1)


def reel_of(sound: Sound, folder: Path, *, layout: str = "stereo", rate_hz: int = RATE_HZ) -> tuple[Path, list[str]]:
    """Render the whole sound and return the reel and its warnings' codes."""
    file = io.BytesIO(write_wav(folder / "source.wav", sound, layout=layout, rate_hz=rate_hz).read_bytes())
    media = probe_media(file, name="source.wav")
    assert isinstance(media, Media)
    whole = span(0, sound.shape[1] / rate_hz)
    edit = EditList(render="encode", clips=(Clip(wanted=whole, actual=whole, score=1.0, reasons=()),))
    reel, told = folder / "reel.m4a", list[float]()
    rendered = render_sound(file, media, edit, reel, sound=SoundSettings(), on_progress=told.append)
    assert all(a <= b for a, b in pairwise(told))
    assert told[-1] == 1.0
    return reel, [each.split(":")[0] for each in rendered.warnings]


SOUNDS = {
    "quiet": speechlike(0.02),
    "loud": speechlike(1.0),
    "clipping": np.clip(speechlike(8.0), -1, 1),
    "tone": tone(0.05),
}


@pytest.mark.parametrize("kind", SOUNDS)
def test_a_reel_has_the_target_loudness_and_no_peak_too_high(tmp_path: Path, kind: str) -> None:
    reel, warnings = reel_of(SOUNDS[kind], tmp_path)
    heard = metered(read_sound(reel))
    assert heard.lufs == pytest.approx(TARGET_LUFS, abs=1)
    assert heard.dbtp <= -1
    assert warnings == []


@pytest.mark.parametrize(
    ("layout", "channels", "rate_hz"), [("mono", 1, 8_000), ("mono", 1, 44_100), ("5.1", 6, 48_000)]
)
def test_any_layout_and_rate_reaches_the_target(tmp_path: Path, layout: str, channels: int, rate_hz: int) -> None:
    one = speechlike(0.2)[:1, : SECONDS * rate_hz]
    reel, warnings = reel_of(np.tile(one, (channels, 1)), tmp_path, layout=layout, rate_hz=rate_hz)
    heard = metered(read_sound(reel))
    assert heard.lufs == pytest.approx(TARGET_LUFS, abs=1)
    assert heard.dbtp <= -1
    assert warnings == []


@pytest.mark.parametrize(
    "sound", [np.zeros((2, 4 * RATE_HZ), np.float32), speechlike(0.0005), speechlike(0.3, seconds=2.9)]
)
def test_silent_faint_and_short_reels_are_left_alone_and_told(tmp_path: Path, sound: Sound) -> None:
    reel, warnings = reel_of(sound, tmp_path)
    assert warnings == ["loudness_skipped"]
    heard = read_sound(reel)[:, : sound.shape[1]]
    assert float((heard**2).mean()) == pytest.approx(float((sound**2).mean()), rel=0.2, abs=1e-9)


def test_without_limiting_every_sample_gets_the_same_gain() -> None:
    sound = tone(0.02)
    how = how_to(sound)
    assert not how.is_limited
    assert np.allclose(made(sound, how), sound * 10 ** (how.gain_db / 20), rtol=1e-6)
    assert metered(made(sound, how)).lufs == pytest.approx(TARGET_LUFS, abs=0.1)


def test_the_limiter_touches_only_what_is_near_a_peak() -> None:
    sound = tone(0.1)
    sound[:, 3 * RATE_HZ] = 1.0
    out = np.concatenate([*limited(blocks(sound), sound.shape[1], 6.0)], axis=1)
    gain = np.float32(10 ** (6 / 20))
    away = np.r_[0 : 3 * RATE_HZ - 1500, 3 * RATE_HZ + 1500 : sound.shape[1]]
    assert np.array_equal(out[:, away], (sound * gain)[:, away])
    assert metered(out).dbtp == pytest.approx(CEILING_DBTP, abs=0.1)


@pytest.mark.parametrize("size", [1, 47, 1024, 48_000, 100_001])
def test_the_limiter_does_the_same_whatever_blocks_come(size: int) -> None:
    sound = speechlike(2.0, seconds=0.1 if size < 1024 else 2.0)
    whole = np.concatenate([*limited([sound], sound.shape[1], 8.0)], axis=1)
    assert whole.shape == sound.shape
    assert np.allclose(np.concatenate([*limited(blocks(sound, size), sound.shape[1], 8.0)], axis=1), whole, atol=1e-6)


@pytest.mark.parametrize("pitch_hz", [60.0, 997.0, 5000.0, 12_000.0])
def test_peaks_between_samples_are_found(pitch_hz: float) -> None:
    sound = tone(0.5, seconds=1, pitch_hz=pitch_hz)
    found = measured(blocks(sound), sound.shape[1])
    assert found.peak_dbtp == pytest.approx(20 * np.log10(0.5), abs=0.1)


def test_the_meter_agrees_with_another() -> None:
    sound = SOUNDS["loud"]
    found, other = measured(blocks(sound, 4096), sound.shape[1]), metered(sound)
    assert found.loudness_lufs == pytest.approx(other.lufs, abs=0.2)
    assert found.peak_dbtp == pytest.approx(other.dbtp, abs=0.1)


def test_what_limiting_would_destroy_is_made_less_loud_and_told() -> None:
    sound = speechlike(0.005)
    sound[:, :: RATE_HZ * 2] = 1.0  # clicks, far above everything else
    how = how_to(sound)
    assert [each.split(":")[0] for each in how.warnings] == ["loudness_not_reached"]
    heard = metered(made(sound, how))
    assert heard.lufs < TARGET_LUFS - 1
    assert heard.dbtp < CEILING_DBTP + 0.1


def test_sound_that_is_kept_is_played_once_and_not_changed() -> None:
    sound, plays = speechlike(0.01), list[Damage]()

    def play(damage: Damage) -> Iterator[Block]:
        plays.append(damage)
        return blocks(sound)

    damage = Damage()
    out, warnings = mastered(
        play, sound.shape[1], SoundSettings(loudness="keep"), damage=damage, on_progress=lambda _: None
    )
    assert np.array_equal(np.concatenate([*out], axis=1), sound)
    assert warnings == ()
    assert plays == [damage]


def test_measuring_tells_progress() -> None:
    told: list[float] = []
    sound = speechlike(0.1, seconds=10)
    plan_mastering(lambda: blocks(sound), sound.shape[1], on_progress=told.append)
    assert len(told) > 20
    assert all(a <= b for a, b in pairwise(told))
    assert told[-1] == 1.0
