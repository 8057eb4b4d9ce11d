"""Hints help where a name is said, and nowhere else; a language that is asked for is the one written down."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from benchmarks.normalise import normalise, word_error_rate
from jobs.transcribe.recognizer import WhisperRecognizer
from shared.media.speech_sound import SPEECH_RATE_HZ, Samples
from tests.joined_speech import read_speech
from tests.sounds import voiceless

MediaFile = Callable[[str], Path]
pytestmark = [pytest.mark.models, pytest.mark.slow, pytest.mark.timeout(600)]

MANY = (
    *(
        "kickflip",
        "Shabata",
        "lindens",
        "ollie",
        "Saoirse",
        "Kubernetes",
        "Nguyen",
        "Przybylski",
        "halfpipe",
        "Siobhan",
    ),
    *("Zürich", "pneumonia", "quarterback", "Llewellyn", "espresso", "Wojciech", "velodrome", "chihuahua", "Montage"),
)


def heard(recognizer: WhisperRecognizer, samples: Samples, language: str, hints: Sequence[str] = ()) -> str:
    (words,) = recognizer.transcribe_all([(samples, language)], hints=hints)
    return "".join(text for text, *_ in words)


@pytest.fixture(scope="module")
def president(media_file: MediaFile) -> Samples:
    return read_speech(media_file("speech/jfk.flac"))


@pytest.mark.parametrize(("name", "hint"), [("libri_long_1spk", "lindens"), ("libri_long_1spk", "Shabata")])
def test_a_misheard_name_is_written_right_once_it_is_hinted_at(
    base: WhisperRecognizer, media_file: MediaFile, name: str, hint: str
) -> None:
    rows = [line.split() for line in media_file(f"speech/{name}.stm").read_text("utf-8").splitlines()]
    start_s, end_s = next((float(row[3]), float(row[4])) for row in rows if hint.lower() in " ".join(row).lower())
    samples = read_speech(media_file(f"speech/{name}.m4a"))
    sentence = samples[round(start_s * SPEECH_RATE_HZ) : round(end_s * SPEECH_RATE_HZ)]
    assert hint.lower() not in normalise(heard(base, sentence, "en"))
    assert hint.lower() in normalise(heard(base, sentence, "en", [hint]))


def test_what_nobody_says_is_not_written_for_being_hinted_at(
    base: WhisperRecognizer, president: Samples, media_file: MediaFile
) -> None:
    asked = media_file("speech/jfk.txt").read_text("utf-8")
    assert word_error_rate(asked, heard(base, president, "en", MANY)) <= 0.05
    hinted = {word for hint in MANY for word in normalise(hint)}
    for sound in (voiceless("white", 12), voiceless("band", 12), president[: SPEECH_RATE_HZ // 2]):
        assert not hinted & set(normalise(heard(base, sound, "en", MANY)))


@pytest.mark.parametrize(("name", "language"), [("de_34s", "de"), ("es_49s", "es"), ("ja_28s", "ja"), ("ru", "ru")])
def test_english_hints_leave_another_language_as_it_is(
    base: WhisperRecognizer, media_file: MediaFile, name: str, language: str
) -> None:
    samples = read_speech(media_file(f"speech/{name}.wav"))[: 14 * SPEECH_RATE_HZ]
    without, hinted = (heard(base, samples, language, hints) for hints in ((), MANY))
    if language == "ja":
        assert np.mean([each > "\u3000" for each in hinted]) > 0.75
    else:
        assert word_error_rate(without, hinted) <= 0.12


def test_a_language_asked_for_is_the_one_written(base: WhisperRecognizer, president: Samples) -> None:
    german = {"und", "was", "nicht", "dein", "ihr", "land", "das"}
    written = normalise(heard(base, president, "de"))
    assert german & set(written) and not german & set(normalise(heard(base, president, "en")))


def test_an_english_model_writes_english_whatever_it_is_asked_for(tiny: WhisperRecognizer, president: Samples) -> None:
    assert heard(tiny, president, "de") == heard(tiny, president, "en")
    assert "country" in heard(tiny, president, "ja", MANY)
