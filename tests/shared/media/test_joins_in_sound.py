"""How clips are joined in the sound, sample by sample; and which track is heard."""

import io
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from shared.domain.edit_list import Clip, EditList, Join, JoinKind
from shared.domain.reel_time import lay_out
from shared.domain.span import Span, span
from shared.domain.video import Media
from shared.media.probe import probe_media
from shared.media.render_sound import SAMPLE_GRID, render_sound
from shared.media.sound import (
    FADE_S,
    RATE_HZ,
    Block,
    SoundClip,
    SoundSettings,
    copied_clips_heard,
    encoded_clips,
    joined,
    reel_sound,
    sound_stream,
)
from shared.media.source import open_source
from shared.media.speech_sound import speech_track
from shared.media.timeline import Damage
from tests.sounds import Sound, read_sound, write_wav

KEPT = SoundSettings(loudness="keep")


@dataclass(frozen=True)
class Source:
    """A file and what it is."""

    file: io.BytesIO
    media: Media


def source(path: Path) -> Source:
    file = io.BytesIO(path.read_bytes())
    return Source(file, probe_media(file, name=path.name))


def edit_list(spans: tuple[Span, ...], kind: JoinKind = "cut", join_s: float = 0.5) -> EditList:
    clips = tuple(Clip(wanted=each, actual=each, score=1.0, reasons=("said",)) for each in spans)
    return EditList(render="encode", clips=clips, join=Join(kind=kind, duration_s=join_s))


def played(source: Source, clips: tuple[SoundClip, ...]) -> Block:
    with open_source(source.file, name="tone") as container:
        stream = sound_stream(container, source.media)
        assert stream is not None
        return np.concatenate([*reel_sound(container, stream, source.media, clips, damage=Damage())], axis=1)


def on_samples(edit: EditList) -> tuple[SoundClip, ...]:
    return encoded_clips(lay_out(edit, SAMPLE_GRID), SAMPLE_GRID)


def noise(seconds: float, *, level: float = 0.1) -> Sound:
    return np.asarray(np.random.default_rng(3).normal(0, level, (2, round(seconds * RATE_HZ))), np.float32)


def tone(seconds: float, pitch_hz: float = 220.0) -> Sound:
    t = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    return np.asarray(np.tile(0.3 * np.sin(2 * np.pi * pitch_hz * t), (2, 1)), np.float32)


def power(sound: Block) -> float:
    return float((sound.astype(np.float64) ** 2).mean())


def test_a_cut_takes_each_clips_own_samples(tmp_path: Path) -> None:
    original = noise(4)
    spans = (span(2.5, 3.5), span(0.25, 1.0))
    made = played(source(write_wav(tmp_path / "noise.wav", original)), on_samples(edit_list(spans)))
    assert made.shape == (2, round(1.75 * RATE_HZ))
    ramp = round(FADE_S * RATE_HZ)
    for at, each in ((0, spans[0]), (RATE_HZ, spans[1])):
        first, beyond = round(each.start_s * RATE_HZ), round(each.end_s * RATE_HZ)
        inside = slice(at + ramp, at + beyond - first - ramp)
        assert np.array_equal(made[:, inside], original[:, first + ramp : beyond - ramp])


def test_clips_that_follow_on_each_other_in_the_source_are_not_faded(tmp_path: Path) -> None:
    original = tone(4)
    spans = (span(0.5, 1.5), span(1.5, 2.0), span(2.0, 3.0))
    clips = on_samples(edit_list(spans))
    made = played(source(write_wav(tmp_path / "tone.wav", original)), clips)
    assert len(clips) == 1
    ramp = round(FADE_S * RATE_HZ)
    assert np.array_equal(made[:, ramp:-ramp], original[:, RATE_HZ // 2 + ramp : 3 * RATE_HZ - ramp])


def test_a_run_of_clips_never_leaves_the_picture() -> None:
    late_s = 0.0004  # each begins so much later than the one before it ended
    clips = [SoundClip(n * (1 + late_s), RATE_HZ, n * RATE_HZ) for n in range(20)]
    runs = joined(clips)
    assert sum(run.samples for run in runs) == 20 * RATE_HZ
    for run in runs:
        for clip in clips:
            if run.first_sample <= clip.first_sample < run.beyond:
                heard_s = run.start_s + (clip.first_sample - run.first_sample) / RATE_HZ
                assert abs(heard_s - clip.start_s) <= 0.001


def test_a_cross_fade_keeps_the_power(tmp_path: Path) -> None:
    edit = edit_list((span(3, 5), span(0, 2), span(6, 8)), "crossfade")
    made = played(source(write_wav(tmp_path / "noise.wav", noise(8))), on_samples(edit))
    assert made.shape[1] == 5 * RATE_HZ
    inside = made[:, 1000:-1000]
    usual = power(inside)
    windows = [inside[:, at : at + RATE_HZ // 10] for at in range(0, inside.shape[1], RATE_HZ // 10)]
    assert all(power(each) == pytest.approx(usual, rel=0.15) for each in windows)


def test_a_dip_goes_through_silence(tmp_path: Path) -> None:
    edit = edit_list((span(3, 5), span(0, 2)), "dip", join_s=1.0)
    made = played(source(write_wav(tmp_path / "noise.wav", noise(6))), on_samples(edit))
    assert made.shape[1] == 4 * RATE_HZ
    border = 2 * RATE_HZ
    assert power(made[:, border - 500 : border + 500]) < 1e-4 * power(made[:, RATE_HZ // 2 : RATE_HZ])
    before = [power(made[:, at : at + 4800]) for at in range(border - RATE_HZ // 2, border, 4800)]
    assert all(a > b for a, b in pairwise(before))


@pytest.mark.parametrize("kind", ["cut", "crossfade", "dip"])
def test_no_join_clicks(tmp_path: Path, kind: JoinKind) -> None:
    spans = tuple(span(0.2 + n, 0.2 + n + 0.4513) for n in range(5))  # the tone is cut at any phase
    made = played(source(write_wav(tmp_path / "tone.wav", tone(6))), on_samples(edit_list(spans, kind, 0.2)))
    steps = np.abs(np.diff(made[0]))
    assert steps.max() < 1.5 * np.abs(np.diff(tone(1)[0])).max()


@pytest.mark.parametrize("kind", ["cut", "crossfade", "dip"])
@pytest.mark.parametrize("fps", [Fraction(30_000, 1001), Fraction(24), Fraction(60_000, 1001)])
def test_sound_lies_on_the_samples_of_the_pictures_frames(kind: JoinKind, fps: Fraction) -> None:
    spans = tuple(span(7 * n % 90 + 0.123, 7 * n % 90 + 1.0 + 0.0317 * n) for n in range(1, 40))
    laid = lay_out(edit_list(spans, kind), fps)
    clips = encoded_clips(laid, fps)
    assert [clip.first_sample for clip in clips] == [round(each.first_frame / fps * RATE_HZ) for each in laid]
    ends = [round((each.first_frame + each.frames) / fps * RATE_HZ) for each in laid]
    assert [clip.beyond for clip in clips] == ends
    for before, clip, shown in zip(clips, clips[1:], laid[1:], strict=False):
        overlap = before.beyond - clip.first_sample
        assert overlap == (clip.fade_in if kind == "crossfade" else 0)
        if shown.fade_in:
            assert clip.fade_in == pytest.approx(float(shown.fade_in / fps * RATE_HZ), abs=1)


def test_a_copied_reels_sound_does_not_drift() -> None:
    lengths_s = [1.001 + 0.0333 * (n % 7) for n in range(300)]
    spans = tuple(span(3 * n, 3 * n + length_s) for n, length_s in enumerate(lengths_s))
    clips = copied_clips_heard(edit_list(spans))
    exact_s = sum((Fraction(each.duration_s) for each in spans), Fraction(0))
    assert clips[-1].beyond == round(exact_s * RATE_HZ)
    assert all(before.beyond == clip.first_sample for before, clip in pairwise(clips))


@pytest.mark.parametrize(("rate_hz", "layout"), [(8_000, "mono"), (44_100, "stereo"), (48_000, "5.1"), (44_100, "5.1")])
def test_every_kind_of_sound_has_the_exact_length_and_place(tmp_path: Path, rate_hz: int, layout: str) -> None:
    channels = {"mono": 1, "stereo": 2, "5.1": 6}[layout]
    t = np.arange(4 * rate_hz) / rate_hz
    one = 0.3 * np.sin(2 * np.pi * 440 * t) * (t >= 2)
    path = write_wav(tmp_path / "tone.wav", np.tile(one, (channels, 1)), layout=layout, rate_hz=rate_hz)
    made = played(source(path), on_samples(edit_list((span(1.5, 3.0), span(1.75, 2.50001)))))
    assert made.shape[1] == round(2.25001 * RATE_HZ)
    begun = int(np.argmax(np.abs(made[0]) > 0.02))
    assert begun / RATE_HZ == pytest.approx(0.5, abs=0.001)


def test_the_centre_of_surround_is_heard_on_both_sides(tmp_path: Path) -> None:
    original = np.zeros((6, 2 * RATE_HZ), np.float32)
    original[2] = tone(2)[0]  # front left and right, centre
    made = played(
        source(write_wav(tmp_path / "film.wav", original, layout="5.1")), on_samples(edit_list((span(0, 2),)))
    )
    assert np.array_equal(made[0], made[1])
    assert power(made[:, 1000:-1000]) > 0.05 * power(original[2:3])


def test_a_mix_of_loud_channels_does_not_clip(tmp_path: Path) -> None:
    loud = np.asarray(np.tile(tone(2)[:1] / 0.3, (6, 1)), np.float32)
    made = played(source(write_wav(tmp_path / "film.wav", loud, layout="5.1")), on_samples(edit_list((span(0, 2),))))
    assert 0.9 < np.abs(made).max() <= 1.0001


@pytest.mark.parametrize(
    ("name", "language", "wanted"),
    [
        ("odd/two_audio_languages.mkv", None, 0),
        ("odd/two_audio_languages.mkv", "en", 0),
        ("odd/two_audio_languages.mkv", "ru", 1),
        ("odd/two_audio_languages.mkv", "fr", 0),
        ("odd/two_audio_tracks.mp4", "eng", 0),
        ("odd/two_audio_tracks.mp4", "de", 0),
    ],
)
def test_the_reel_and_the_captions_take_the_same_track(
    media_file: Callable[[str], Path], name: str, language: str | None, wanted: int
) -> None:
    one = source(media_file(name))
    index = one.media.audio[wanted].index
    with open_source(one.file, name=name) as container:
        stream = sound_stream(container, one.media, language)
        assert stream is not None
        assert stream.index == index
    track = speech_track(one.file, one.media, name=name, language=language)
    assert track is not None
    assert track.stream_index == index


def test_a_language_that_is_not_there_is_told(tmp_path: Path) -> None:
    one = source(write_wav(tmp_path / "tone.wav", tone(1)))
    edit, reel = edit_list((span(0, 1),)), tmp_path / "reel.m4a"
    settings = SoundSettings(loudness="keep", language="de")
    made = render_sound(one.file, one.media, edit, reel, sound=settings, on_progress=lambda _: None)  # type: ignore[arg-type]
    assert [each.split(":")[0] for each in made.warnings] == ["language_not_found"]


def test_sound_that_is_kept_is_as_loud_as_it_was(tmp_path: Path) -> None:
    one = source(write_wav(tmp_path / "tone.wav", tone(4)))
    edit, reel = edit_list((span(0, 4),)), tmp_path / "reel.m4a"
    made = render_sound(one.file, one.media, edit, reel, sound=KEPT, on_progress=lambda _: None)  # type: ignore[arg-type]
    assert made.warnings == ()
    assert power(read_sound(reel)) == pytest.approx(power(tone(4)), rel=0.02)
