"""The real models on real recordings."""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import pytest

from jobs.transcribe.recognizer import WhisperRecognizer
from shared.domain.speech_units import SPEECH_UNIT_S
from shared.domain.units import ChunkPlan, plan_chunks
from shared.media.speech_sound import SoundTrack
from shared.models.fetch import ensure
from shared.pipeline.transcribe import JoinedSpeech, find_language, join_parts, transcribe_chunk
from shared.settings import Settings

Transcribe = Callable[[WhisperRecognizer, Path, float], JoinedSpeech]
"""(recognizer, source with sound only, chunk_s) → what is said in all its chunks."""


@pytest.fixture(scope="session")
def tiny() -> WhisperRecognizer:
    """Return the small English model: quick, and wrong more often."""
    return WhisperRecognizer(ensure("whisper_tiny_en", cache_dir=Settings().models), model_version="test", threads=2)


@pytest.fixture(scope="session")
def base() -> WhisperRecognizer:
    """Return the model that Montage uses."""
    return WhisperRecognizer(ensure("whisper_base", cache_dir=Settings().models), model_version="test", threads=2)


@pytest.fixture(scope="session")
def transcribe() -> Transcribe:
    def run(recognizer: WhisperRecognizer, path: Path, chunk_s: float) -> JoinedSpeech:
        track, duration_s = sound_of(path)
        plan: ChunkPlan = plan_chunks(duration_s=duration_s, unit_s=SPEECH_UNIT_S, chunk_s=chunk_s, max_tasks=200)
        with open(path, "rb") as file:
            language = find_language(
                file, track, plan=plan, duration_s=duration_s, recognizer=recognizer, name=path.name
            )
            return join_parts(
                transcribe_chunk(
                    file,
                    track,
                    plan=plan,
                    chunk=chunk,
                    duration_s=duration_s,
                    language=language,
                    recognizer=recognizer,
                    name=path.name,
                    on_progress=lambda _: None,
                )
                for chunk in range(plan.chunks)
            )

    return run


def sound_of(path: Path) -> tuple[SoundTrack, float]:
    """Return the only track of a recording and how long it lasts."""
    with av.open(str(path)) as container:
        stream = container.streams.audio[0]
        start_s = float((stream.start_time or 0) * (stream.time_base or Fraction(1)))
        return SoundTrack(stream_index=stream.index, start_s=start_s), (container.duration or 0) / av.time_base
