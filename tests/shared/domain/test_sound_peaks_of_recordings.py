"""Laughter-like peaks in real recordings of speech: none in them, and one where a burst is put into a pause."""

import itertools
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest

from shared.domain.sound_level import LEVEL_STEP_S, SILENCE_DB, SoundLevel
from shared.domain.sound_peaks import sound_peaks
from shared.domain.transcript import Word
from shared.media.speech_sound import SPEECH_RATE_HZ, SoundTrack, hear

MediaFile = Callable[[str], Path]
STEP = round(SPEECH_RATE_HZ * LEVEL_STEP_S)


def levels_of(path: Path) -> list[SoundLevel]:
    with av.open(str(path)) as container:
        duration_s = (container.duration or 0) / av.time_base
    with open(path, "rb") as file:
        samples = hear(file, SoundTrack(stream_index=0, start_s=0.0), start_s=0.0, end_s=duration_s, name=path.name)
    rms = np.sqrt((samples[: samples.size // STEP * STEP].reshape(-1, STEP).astype(np.float64) ** 2).mean(axis=1))
    return [
        SoundLevel(start_s=at * LEVEL_STEP_S, level_db=20 * math.log10(each) if each > 1e-5 else SILENCE_DB)
        for at, each in enumerate(rms.tolist())
    ]


def turns_of(path: Path) -> list[Word]:
    """Return who speaks when, as one word each, from a .rttm."""
    rows = [line.split() for line in path.read_text("utf-8").splitlines() if line.startswith("SPEAKER")]
    turns = sorted((float(row[3]), float(row[3]) + float(row[4])) for row in rows)
    return [Word(text="word", start_s=start_s, end_s=end_s, confidence=1.0) for start_s, end_s in turns]


@pytest.mark.parametrize("name", ["libri_long_1spk.m4a", "dialogue_3spk.m4a", "ami_dev00_60s.wav"])
def test_read_and_free_speech_has_no_peak(media_file: MediaFile, name: str) -> None:
    path = media_file(f"speech/{name}")
    levels = levels_of(path)
    words = turns_of(media_file(f"speech/{path.stem}.rttm"))
    assert len(levels) > 250
    assert sound_peaks(levels, words) == ()
    unknown = [replace(each, end_s=each.start_s + 0.6 * (each.end_s - each.start_s)) for each in words]
    assert sound_peaks(levels, unknown) == (), "nor where the words of much of it were not heard"


@pytest.mark.parametrize("name", ["libri_long_1spk", "dialogue_3spk"])
def test_a_burst_between_two_sentences_is_found_at_its_place(media_file: MediaFile, name: str) -> None:
    levels = levels_of(media_file(f"speech/{name}.m4a"))
    words = turns_of(media_file(f"speech/{name}.rttm"))
    loud_db = float(np.quantile([each.level_db for each in levels], 0.9))
    at = round(next(a.end_s for a, b in itertools.pairwise(words) if b.start_s > a.end_s) / LEVEL_STEP_S)
    burst = [SoundLevel(start_s=0.0, level_db=loud_db + (8, 9, 2)[n % 3]) for n in range(18)]
    moved = [*levels[:at], *burst, *levels[at:]]
    later = [
        replace(w, start_s=w.start_s + 1.8, end_s=w.end_s + 1.8) if w.start_s >= at / 10 - 0.1 else w for w in words
    ]
    (one,) = sound_peaks([replace(each, start_s=n * LEVEL_STEP_S) for n, each in enumerate(moved)], later)
    assert one.span.start_s == pytest.approx(at / 10, abs=0.4)
    assert one.span.end_s == pytest.approx(at / 10 + 1.8, abs=0.4)
