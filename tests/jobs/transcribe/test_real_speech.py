"""The model that Montage uses, on recordings whose words are known."""

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from faster_whisper import WhisperModel

from benchmarks.normalise import word_error_rate
from jobs.transcribe.recognizer import WhisperRecognizer
from shared.media.speech_sound import SPEECH_RATE_HZ, Samples, SoundTrack, hear
from shared.models.fetch import ensure
from shared.pipeline.transcribe import JoinedSpeech
from shared.settings import Settings

MediaFile = Callable[[str], Path]
Transcribe = Callable[[WhisperRecognizer, Path, float], JoinedSpeech]
pytestmark = [pytest.mark.models, pytest.mark.slow, pytest.mark.timeout(600)]


def text_of(joined: JoinedSpeech) -> str:
    return " ".join(word.text for word in joined.transcript.words)


def test_long_speech_has_no_more_wrong_words_than_the_librarys_defaults(
    base: WhisperRecognizer, transcribe: Transcribe, media_file: MediaFile
) -> None:
    source = media_file("speech/libri_long_1spk.m4a")
    reference = media_file("speech/libri_long_1spk.txt").read_text("utf-8")
    segments, _ = WhisperModel(str(ensure("whisper_base", cache_dir=Settings().models))).transcribe(str(source))
    usual = word_error_rate(reference, " ".join(segment.text for segment in segments))
    assert word_error_rate(reference, text_of(transcribe(base, source, 9999.0))) <= usual + 0.005


def test_chunks_of_any_length_hear_exactly_the_same(
    base: WhisperRecognizer, transcribe: Transcribe, media_file: MediaFile
) -> None:
    source = media_file("speech/libri_long_1spk.m4a")
    whole = transcribe(base, source, 9999.0)
    assert whole.warnings == ()
    assert transcribe(base, source, 24.0) == whole
    assert transcribe(base, source, 48.0) == whole


def loud_within(samples: Samples, start_s: float, end_s: float) -> tuple[float, float]:
    """Return where sound begins and ends in a stretch: a tenth of its usual loudness, in steps of 10 ms."""
    step = SPEECH_RATE_HZ // 100
    steps = samples[round(start_s * 100) * step : round(end_s * 100) * step].reshape(-1, step)
    loudness = np.sqrt((steps**2).mean(axis=1))
    loud = np.flatnonzero(loudness > 0.1 * np.quantile(loudness, 0.95))
    return start_s + float(loud[0]) / 100, start_s + float(loud[-1] + 1) / 100


def test_words_lie_where_they_are_said(base: WhisperRecognizer, transcribe: Transcribe, media_file: MediaFile) -> None:
    source = media_file("speech/libri_long_1spk.m4a")
    rows = [line.split() for line in media_file("speech/libri_long_1spk.stm").read_text("utf-8").splitlines()]
    words = transcribe(base, source, 60.0).transcript.words
    assert all(before.end_s <= after.start_s for before, after in pairwise(words))
    with open(source, "rb") as file:
        samples = hear(file, SoundTrack(stream_index=0, start_s=0.0), start_s=0.0, end_s=117.0, name="libri")
    off_s: list[float] = []
    for start_s, end_s in ((float(row[3]), float(row[4])) for row in rows if not row[0].startswith(";")):
        inside = [word for word in words if start_s <= (word.start_s + word.end_s) / 2 < end_s]
        begins_s, ends_s = loud_within(samples, start_s, end_s)
        off_s += [abs(inside[0].start_s - begins_s), abs(inside[-1].end_s - ends_s)]
    assert len(off_s) == 44
    assert sum(off_s) / len(off_s) < 0.12
    assert max(off_s) < 0.4


@pytest.mark.parametrize(
    ("name", "language", "at_most"),
    [("de_34s", "de", 0.25), ("es_49s", "es", 0.15), ("ru", "ru", 0.5), ("jfk", "en", 0.05)],
)
def test_a_language_is_found_and_written_down(
    base: WhisperRecognizer, transcribe: Transcribe, media_file: MediaFile, name: str, language: str, at_most: float
) -> None:
    source = media_file(f"speech/{name}.flac" if name == "jfk" else f"speech/{name}.wav")
    joined = transcribe(base, source, 60.0)
    assert joined.transcript.language == language
    assert word_error_rate(media_file(f"speech/{name}.txt").read_text("utf-8"), text_of(joined)) <= at_most


def test_in_a_session_only_the_one_who_speaks_is_written_down(
    base: WhisperRecognizer, transcribe: Transcribe, media_file: MediaFile
) -> None:
    joined = transcribe(base, media_file("raw_session_mixed_720p.mp4"), 9999.0)
    words = joined.transcript.words
    assert all(word.start_s > 45.3 and word.end_s < 53.0 for word in words)  # where the host is on screen
    said = [word.text.strip(".,").lower() for word in words]
    assert said[:8] == ["about", "everything", "local", "from", "the", "farm", "to", "the"]
