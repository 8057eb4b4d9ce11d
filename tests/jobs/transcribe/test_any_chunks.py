"""The same words for chunks of any length: borders found by the real voice detector in really decoded sound.

Whether the recognizer hears the same is asked in two ways. Short recordings are heard by the model that Montage uses.
Of long speech, and of formats whose decoders differ after different seeks, the very samples handed to the recognizer
are compared: it is a function of them. `make bench-transcribe BENCH_ARGS=--chunks` lets the model hear all of it.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks.transcribe_chunks import CHUNKS_S, LONGEST_UNIT_S, Comparison, compare
from jobs.transcribe.recognizer import WhisperRecognizer
from shared.domain.heard_words import HeardWord
from shared.media.speech_sound import SPEECH_RATE_HZ
from tests.joined_speech import Samples, joined_speech, read_speech, write_speech

MediaFile = Callable[[str], Path]
pytestmark = [pytest.mark.models, pytest.mark.slow, pytest.mark.timeout(600)]

LENGTH_S = 185.0  # 8 units, with what an encoder adds at the end too
LONGER_THAN_A_UNIT = ("dialogue_3spk.m4a", "de_34s.wav", "es_49s.wav", "ja_28s.wav", "ami_dev00_60s.wav")
"""Shorter ones are one chunk at any rate; the longest is that of test_real_speech.py."""
FORMATS = {
    "aac_mp4_44100": (".mp4", 44_100, "mono"),
    "aac_mp4_48000_stereo": (".mp4", 48_000, "stereo"),
    "aac_mp4_8000": (".mp4", 8_000, "mono"),
    "aac_mp4_5.1": (".mp4", 48_000, "5.1"),
    "mp3_44100_stereo": (".mp3", 44_100, "stereo"),
    "mp3_16000": (".mp3", 16_000, "mono"),
    "opus_webm": (".webm", 48_000, "mono"),
    "opus_mkv_stereo": (".mkv", 48_000, "stereo"),
    "flac_44100": (".flac", 44_100, "mono"),
    "flac_5.1": (".flac", 48_000, "5.1"),
    "aac_mpeg_ts": (".ts", 44_100, "mono"),
    "opus_ogg": (".ogg", 48_000, "mono"),
    "pcm_8000": (".wav", 8_000, "mono"),
}


class SampleReader:
    """Hears where somebody speaks as Whisper's voice detector does, and says which samples it was given there."""

    def __init__(self, detector: WhisperRecognizer) -> None:
        self.versions = {"samples": "1"}
        self.manner = "the same every time"
        self._detector = detector

    def silences(self, samples: NDArray[np.float32]) -> Sequence[tuple[float, float]]:
        return self._detector.silences(samples)

    def languages(self, samples: NDArray[np.float32]) -> Mapping[str, float]:
        return {"en": 1.0}

    def transcribe_all(
        self, pieces: Iterable[tuple[NDArray[np.float32], str]], *, hints: Sequence[str] = ()
    ) -> Iterator[Sequence[HeardWord]]:
        for samples, _ in pieces:
            end_s = len(samples) / SPEECH_RATE_HZ
            yield [(f" {sha256(samples.tobytes()).hexdigest()}", 0.0, end_s, 1.0)]


@pytest.fixture(scope="module")
def reader(tiny: WhisperRecognizer) -> SampleReader:
    return SampleReader(tiny)


@pytest.fixture(scope="module")
def speech(media_file: MediaFile) -> Path:
    return media_file("speech")


@pytest.fixture(scope="module")
def samples(speech: Path, tmp_path_factory: pytest.TempPathFactory) -> Samples:
    return read_speech(joined_speech(tmp_path_factory.mktemp("joined") / "a.flac", speech, seconds=LENGTH_S).path)


def assert_the_same(found: Comparison) -> None:
    assert found.words > 0
    assert found.longest_unit_s <= LONGEST_UNIT_S
    assert (found.borders_differ, found.transcripts_differ) == (0, 0), found


def test_half_an_hour_is_heard_the_same_and_cut_at_the_same_places(
    reader: SampleReader, speech: Path, tmp_path: Path
) -> None:
    long = joined_speech(tmp_path / "half_an_hour.m4a", speech)
    found = compare(long.path, reader, CHUNKS_S)
    assert_the_same(found)
    assert (found.units, found.plans) == (75, 4), "60 s come to the same plan as 48 s"
    assert found.margins == 74 + 37 + 24


@pytest.mark.parametrize("name", FORMATS)
def test_a_format_is_heard_the_same_after_any_seek(
    reader: SampleReader, samples: Samples, tmp_path: Path, name: str
) -> None:
    suffix, rate_hz, layout = FORMATS[name]
    source = write_speech(tmp_path / f"{name}{suffix}", samples, rate_hz=rate_hz, layout=layout)
    found = compare(source, reader, (9999.0, 24.0))
    assert_the_same(found)
    assert (found.units, found.margins) == (8, 7)


@pytest.mark.parametrize("name", LONGER_THAN_A_UNIT)
def test_the_model_writes_the_same_for_chunks_of_any_length(base: WhisperRecognizer, speech: Path, name: str) -> None:
    found = compare(speech / name, base, (9999.0, 24.0))
    assert_the_same(found)
    assert found.margins > 0
