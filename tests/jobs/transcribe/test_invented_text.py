"""Nothing is written down that nobody said, and what somebody said stays: with the model that Montage uses."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from benchmarks.normalise import normalise, word_error_rate
from jobs.transcribe.recognizer import WhisperRecognizer
from shared.media.speech_sound import SPEECH_RATE_HZ, Samples
from shared.pipeline.transcribe import JoinedSpeech
from tests.joined_speech import read_speech
from tests.sounds import VOICELESS, voiceless, write_wav

MediaFile = Callable[[str], Path]
Transcribe = Callable[[WhisperRecognizer, Path, float], JoinedSpeech]
Written = Callable[[Samples], str]
pytestmark = [pytest.mark.models, pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture
def written(base: WhisperRecognizer, transcribe: Transcribe, tmp_path: Path) -> Written:
    """Return a function from sound to what the whole stage writes down."""

    def write(samples: Samples) -> str:
        path = write_wav(tmp_path / "sound.wav", samples[None], layout="mono", rate_hz=SPEECH_RATE_HZ)
        joined = transcribe(base, path, 9999.0)
        assert joined.transcript.words or joined.transcript.language is None
        return " ".join(word.text for word in joined.transcript.words)

    return write


@pytest.fixture(scope="module")
def president(media_file: MediaFile) -> Samples:
    return read_speech(media_file("speech/jfk.flac"))


@pytest.fixture(scope="module")
def asked(media_file: MediaFile) -> str:
    return media_file("speech/jfk.txt").read_text("utf-8")


def under(speech: Samples, name: str, *, below_db: float) -> Samples:
    """Return the speech with a sound under it that is quieter by so much."""
    level_db = 20 * float(np.log10(np.sqrt(np.mean(speech**2)))) - below_db
    other = voiceless(name, len(speech) / SPEECH_RATE_HZ + 1, level_db=level_db)[: len(speech)]
    return np.asarray(np.clip(speech + other, -1, 1), np.float32)


@pytest.mark.parametrize("name", VOICELESS)
def test_the_stage_writes_nothing_where_nobody_speaks(written: Written, name: str) -> None:
    for seconds, level_db, seed in ((12, -30, 1), (26, -6, 2)):
        assert written(voiceless(name, seconds, level_db=level_db, seed=seed)) == ""


@pytest.mark.parametrize("name", VOICELESS)
def test_the_recognizer_itself_makes_next_to_nothing_of_such_sounds(base: WhisperRecognizer, name: str) -> None:
    (words,) = base.transcribe_all([(voiceless(name, 12, seed=4), "en")])
    assert len(words) <= 2


def test_a_loop_that_a_language_nobody_speaks_brings_about_is_left_out(base: WhisperRecognizer) -> None:
    assert list(base.transcribe_all([(voiceless("chords", 27, level_db=-10, seed=2), "ja")])) == [[]]


@pytest.mark.parametrize("name", ["white", "band"])
def test_noise_and_music_after_the_last_word_add_none(
    written: Written, president: Samples, asked: str, name: str
) -> None:
    found = written(np.concatenate([president, voiceless(name, 20, level_db=-15)]))
    assert len(normalise(found)) <= len(normalise(asked)) + 1
    assert word_error_rate(asked, found) <= 0.1


@pytest.mark.parametrize(("name", "below_db"), [("band", 10), ("white", 10), ("pink", 5)])
def test_words_over_music_and_noise_stay(
    written: Written, president: Samples, asked: str, name: str, below_db: float
) -> None:
    found = written(under(president, name, below_db=below_db))
    assert word_error_rate(asked, found) <= 0.15
    assert abs(len(normalise(found)) - len(normalise(asked))) <= 1


def test_quiet_and_clipped_speech_is_written_down_as_well(written: Written, president: Samples, asked: str) -> None:
    quiet = president * np.float32(0.01 / np.sqrt(np.mean(president**2)))
    assert word_error_rate(asked, written(quiet)) <= 0.05
    assert word_error_rate(asked, written(np.clip(president * 20, -1, 1))) <= 0.2


def test_a_meeting_in_a_room_keeps_its_words(written: Written, media_file: MediaFile) -> None:
    found = written(read_speech(media_file("speech/ami_dev00_60s.wav")))
    assert 45 <= len(normalise(found)) <= 75
    assert "ready to begin" in found


@pytest.mark.parametrize("times", [3, 8])
def test_what_is_said_over_and_over_is_written_so_often(written: Written, media_file: MediaFile, times: int) -> None:
    sentence = read_speech(media_file("speech/librivox_0890.wav"))
    said = media_file("speech/librivox_0890.txt").read_text("utf-8")
    found = written(np.tile(np.concatenate([sentence, np.zeros(SPEECH_RATE_HZ // 3, np.float32)]), times))
    assert len(normalise(found)) == pytest.approx(times * len(normalise(said)), rel=0.25)
    assert set(normalise(found)) == set(normalise(written(sentence)))


@pytest.mark.parametrize("times", [3, 6])
def test_a_sentence_said_over_and_over_is_not_cut_to_one(written: Written, president: Samples, times: int) -> None:
    sentence = president[round(8.15 * SPEECH_RATE_HZ) : round(10.45 * SPEECH_RATE_HZ)]
    pause = np.zeros(SPEECH_RATE_HZ // 3, np.float32)
    found = normalise(written(np.tile(np.concatenate([sentence, pause]), times)))
    assert times / 2 <= found.count("country") <= times
    assert set(found) == set(normalise("Ask what you can do for your country."))
