"""Whisper's and the voice detector's traps."""

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from jobs.transcribe.recognizer import WhisperRecognizer
from shared.domain.transcript import Word
from shared.media.speech_sound import SPEECH_RATE_HZ, Samples, SoundTrack, hear
from shared.pipeline.transcribe import JoinedSpeech

MediaFile = Callable[[str], Path]
pytestmark = pytest.mark.models


@pytest.fixture(scope="module")
def president(media_file: MediaFile) -> Samples:
    """Return 11 s of a speech: two sentences with pauses."""
    with open(media_file("speech/jfk.flac"), "rb") as file:
        return hear(file, SoundTrack(stream_index=0, start_s=0.0), start_s=0.0, end_s=11.0, name="jfk")


def test_words_come_with_times_inside_the_sound_and_sureness(tiny: WhisperRecognizer, president: Samples) -> None:
    (words,) = tiny.transcribe_all([(president, "en")])
    text = "".join(word for word, *_ in words).lower()
    assert "ask not what your country can do for you" in text
    assert all(0 <= start_s <= end_s <= 11.5 and 0 < confidence <= 1 for _, start_s, end_s, confidence in words)


def test_nothing_is_remembered_from_one_piece_to_the_next(tiny: WhisperRecognizer, president: Samples) -> None:
    (first,) = tiny.transcribe_all([(president, "en")])
    beginning = president[: 5 * SPEECH_RATE_HZ]
    (short,) = tiny.transcribe_all([(beginning, "en")])
    assert list(tiny.transcribe_all([(beginning, "en"), (president, "en")] * 3)) == [short, first] * 3, "side by side"
    assert tiny.silences(president) == tiny.silences(president)


def test_silences_and_speech_are_told_apart(tiny: WhisperRecognizer, president: Samples) -> None:
    padded = np.concatenate([np.zeros(3 * SPEECH_RATE_HZ, np.float32), president, np.zeros(48_000, np.float32)])
    silences = tiny.silences(padded)
    assert silences[0][0] == 0
    assert silences[0][1] == pytest.approx(3.3, abs=0.3)
    assert silences[-1][1] == pytest.approx(17.0)
    assert all(before[1] < after[0] for before, after in pairwise(silences))
    assert tiny.silences(np.zeros(SPEECH_RATE_HZ, np.float32)) == [(0.0, 1.0)]
    assert tiny.silences(np.zeros(0, np.float32)) == []


def test_an_english_model_hears_english(tiny: WhisperRecognizer, president: Samples) -> None:
    assert tiny.languages(president) == {"en": 1.0}


@pytest.mark.parametrize("seconds", [0.0, 0.05, 0.2, 30.0])
def test_sound_of_any_length_is_taken(tiny: WhisperRecognizer, president: Samples, seconds: float) -> None:
    long_enough = np.tile(president, 3)
    (words,) = tiny.transcribe_all([(long_enough[: round(seconds * SPEECH_RATE_HZ)], "en")])
    assert len(words) >= (seconds > 1)


def test_a_short_recording_is_written_down_with_its_times(
    tiny: WhisperRecognizer, transcribe: Callable[[WhisperRecognizer, Path, float], JoinedSpeech], media_file: MediaFile
) -> None:
    joined = transcribe(tiny, media_file("speech/jfk.flac"), 60.0)
    words: tuple[Word, ...] = joined.transcript.words
    assert joined.transcript.language == "en"
    asks = [word.start_s for word in words if word.text.lower().startswith("ask")]
    assert asks == pytest.approx([3.5, 8.2], abs=0.4)
    assert all(before.end_s <= after.start_s for before, after in pairwise(words))
