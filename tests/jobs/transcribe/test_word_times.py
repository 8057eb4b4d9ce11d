"""Every recording's words come one after the other, inside the sound, each as long as a word is."""

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from jobs.transcribe.recognizer import WhisperRecognizer
from shared.domain.heard_words import LONGEST_WORD_S, SHORTEST_WORD_S
from shared.pipeline.transcribe import JoinedSpeech
from tests.jobs.transcribe.conftest import sound_of
from tests.joined_speech import SPEECH

MediaFile = Callable[[str], Path]
Transcribe = Callable[[WhisperRecognizer, Path, float], JoinedSpeech]
LONG = ("libri_long_1spk.m4a", "dialogue_3spk.m4a", "ja_28s.wav")  # take as long as all others together


@pytest.mark.models
@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", [each for each in (*SPEECH, "ami_dev00_60s.wav") if each not in LONG])
def test_words_are_in_order_inside_the_sound_and_as_long_as_words_are(
    base: WhisperRecognizer, transcribe: Transcribe, media_file: MediaFile, name: str
) -> None:
    path = media_file(f"speech/{name}")
    _, duration_s = sound_of(path)
    words = transcribe(base, path, 9999.0).transcript.words
    assert words
    assert words[0].start_s >= 0
    assert words[-1].end_s <= duration_s
    assert all(before.end_s <= after.start_s for before, after in pairwise(words))
    lengths_s = [word.end_s - word.start_s for word in words]
    assert min(lengths_s) >= SHORTEST_WORD_S - 1e-3
    assert max(lengths_s) <= LONGEST_WORD_S + 1e-3
    assert sum(each > 1.2 for each in lengths_s) <= 0.02 * len(words) + 1
    assert all(any(each.isalnum() for each in word.text) for word in words), "no mark is a word of its own"
