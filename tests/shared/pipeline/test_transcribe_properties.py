"""Any words, any silences, any chunks: the same transcript, in order, with every word once.

The recognizer is a function of each piece of sound alone, so what is tried is the stage: borders, units, joining. Words
are written into the samples of a real file: each is a level of its own, in its middle a single sample above it, and the
reader hears the word where that sample is. So a word is never doubled by the reader, and lost only where its middle is.
"""

import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from shared.domain.heard_words import HeardWord
from shared.domain.speech_units import SPEECH_UNIT_S
from shared.domain.units import plan_chunks
from shared.media.speech_sound import SPEECH_RATE_HZ, Samples, SoundTrack
from shared.pipeline.transcribe import LEAST_SPEECH_S, JoinedSpeech, SpeechPart, join_parts, transcribe_chunk
from tests.sounds import write_wav

LEVELS = 2048
"""Word n is the level (n + 1) / LEVELS; half a level more marks its middle."""
SHORTEST_SILENCE_S = 0.1
LONGEST_UNIT_S = 30.0
OFF_S = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A word of the source."""

    number: int
    start_s: float
    end_s: float


class LevelReader:
    """Hears word n where the sound has its level."""

    def __init__(self) -> None:
        self.versions = {"levels": "1"}
        self.manner = "the same every time"

    def silences(self, samples: NDArray[np.float32]) -> Sequence[tuple[float, float]]:
        """Return silences as the voice detector does: those in a word's middle are none, nor those that are short."""
        runs = ((a, b) for level, a, b in _runs(samples) if level == 0)
        seconds = ((a / SPEECH_RATE_HZ, b / SPEECH_RATE_HZ) for a, b in runs)
        return [(start_s, end_s) for start_s, end_s in seconds if end_s - start_s >= SHORTEST_SILENCE_S]

    def languages(self, samples: NDArray[np.float32]) -> Mapping[str, float]:
        return {"en": 1.0}

    def transcribe_all(
        self, pieces: Iterable[tuple[NDArray[np.float32], str]], *, hints: Sequence[str] = ()
    ) -> Iterator[Sequence[HeardWord]]:
        for samples, _ in pieces:
            yield heard(samples)


def heard(samples: Samples) -> list[HeardWord]:
    """Return the words whose middles lie in the sound, each as long as its level lasts there."""
    runs = list(_runs(samples))
    words: list[HeardWord] = []
    for at, (level, start, end) in enumerate(runs):
        if level % 2:  # half levels: a middle
            begin = runs[at - 1][1] if at and runs[at - 1][0] == level - 1 else start
            until = runs[at + 1][2] if at + 1 < len(runs) and runs[at + 1][0] == level - 1 else end
            words.append((f" {level // 2 - 1}", begin / SPEECH_RATE_HZ, until / SPEECH_RATE_HZ, 0.9))
    return words


def _runs(samples: Samples) -> Iterator[tuple[int, int, int]]:
    """Yield (level in halves, first sample, sample after the last) of every stretch of one level."""
    levels = np.rint(samples * (2 * LEVELS)).astype(int)
    borders = [0, *(np.flatnonzero(np.diff(levels)) + 1), len(levels)] if len(levels) else []
    for start, end in pairwise(borders):
        yield int(levels[start]), int(start), int(end)


def spoken(gaps_and_words: Sequence[tuple[float, float]], end_s: float) -> tuple[Samples, list[Said]]:
    """Return the sound of words given as (silence before it, its length) in seconds, and where they are."""
    blocks: list[Samples] = []
    said: list[Said] = []
    at = 0
    for number, (gap_s, word_s) in enumerate(gaps_and_words):
        gap, length = round(gap_s * SPEECH_RATE_HZ), round(word_s * SPEECH_RATE_HZ)
        word = np.full(length, (number + 1) / LEVELS, np.float32)
        word[length // 2] += np.float32(0.5 / LEVELS)
        blocks += [np.zeros(gap, np.float32), word]
        said.append(
            Said(number=number, start_s=(at + gap) / SPEECH_RATE_HZ, end_s=(at + gap + length) / SPEECH_RATE_HZ)
        )
        at += gap + length
    return np.concatenate([*blocks, np.zeros(round(end_s * SPEECH_RATE_HZ), np.float32)]), said


def parts_of(source: Path, duration_s: float, chunk_s: float) -> list[SpeechPart]:
    plan = plan_chunks(duration_s=duration_s, unit_s=SPEECH_UNIT_S, chunk_s=chunk_s, max_tasks=200)
    reader = LevelReader()
    with source.open("rb") as file:
        return [
            transcribe_chunk(
                file,
                SoundTrack(stream_index=0, start_s=0.0),
                plan=plan,
                chunk=chunk,
                duration_s=duration_s,
                language="en",
                recognizer=reader,
                name="levels",
                on_progress=lambda _: None,
            )
            for chunk in reversed(range(plan.chunks))
        ][::-1]


SILENCES_S = st.one_of(st.just(0.0), st.floats(0.02, 1.0), st.floats(1.0, 8.0), st.floats(8.0, 30.0))
WORDS_S = st.floats(LEAST_SPEECH_S + 0.01, 1.9)  # a unit with less speech is not listened to
SPEECH = st.lists(st.tuples(SILENCES_S, WORDS_S), min_size=1, max_size=30)
WITHOUT_A_BREATH = [(0.0, 0.7)] * 80
ONE_LONG_SILENCE = [(0.0, 0.5), (70.0, 0.5)]


@given(speech=SPEECH, end_s=st.floats(0.0, 30.0))
@example(speech=WITHOUT_A_BREATH, end_s=0.0)
@example(speech=ONE_LONG_SILENCE, end_s=24.0)
@settings(max_examples=12, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_any_words_with_any_silences_in_chunks_of_any_length_are_written_down_once_each(
    speech: list[tuple[float, float]], end_s: float
) -> None:
    samples, said = spoken(speech, end_s)
    duration_s = len(samples) / SPEECH_RATE_HZ
    with tempfile.TemporaryDirectory() as folder:
        source = write_wav(Path(folder) / "levels.wav", samples[None], layout="mono", rate_hz=SPEECH_RATE_HZ)
        plans = [parts_of(source, duration_s, chunk_s) for chunk_s in (9999.0, 24.0, 72.0)]
    whole = join_parts(plans[0])
    for parts in plans:
        assert [before.borders_s[-1] for before in parts[:-1]] == [after.borders_s[0] for after in parts[1:]]
        assert join_parts(parts) == whole
    assert whole.warnings == ()
    borders_s = plans[0][0].borders_s
    assert all(0 <= end_s - start_s <= LONGEST_UNIT_S for start_s, end_s in pairwise(borders_s))
    assert_written_down(whole, said, borders_s, duration_s)


def assert_written_down(
    whole: JoinedSpeech, said: Sequence[Said], borders_s: Sequence[float], duration_s: float
) -> None:
    words = whole.transcript.words
    assert [word.text for word in words] == [str(each.number) for each in said], "none lost, doubled or moved"
    assert all(before.end_s <= after.start_s for before, after in pairwise(words))
    assert all(0 <= word.start_s <= word.end_s <= duration_s + 0.001 for word in words)
    for word, each in zip(words, said, strict=True):
        if not any(each.start_s <= border_s <= each.end_s for border_s in borders_s):
            assert abs(word.start_s - each.start_s) < OFF_S
            assert abs(word.end_s - each.end_s) < OFF_S
