"""faster-whisper lives here only."""

from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

import numpy as np
from faster_whisper import BatchedInferencePipeline, WhisperModel
from faster_whisper.vad import VadOptions, get_speech_timestamps
from numpy.typing import NDArray

RATE_HZ = 16_000
BEAM_SIZE = 1  # of 735 words in four languages 35 are wrong with 1 beam, 37 with 2, 35 with 5
SHORTEST_SILENCE_S = 0.1  # shorter ones lie inside words: the closed mouth of a "p" lasts up to 0.08 s
REPEATS_ITSELF = 2.4  # Whisper's own limit of the text's length over that of its compressed form
SAID_NOTHING, UNSURE = 0.6, -1.0  # Whisper's own limits: probability of no speech, mean log probability of the text
SHORTEST_SOUND_S = 0.1


class WhisperRecognizer:
    """Whisper without memory from one piece of sound to the next, at temperature 0: nothing depends on order or chance.

    Each piece is decoded by itself: batches of 4 and 8 gave the same words and were at most a tenth faster.
    """

    def __init__(self, model: Path, *, model_version: str, threads: int) -> None:
        self.versions = {"faster-whisper": version("faster-whisper"), model.name: model_version}
        self._model = WhisperModel(
            str(model), device="cpu", compute_type="int8", cpu_threads=threads, local_files_only=True
        )

    def silences(self, samples: NDArray[np.float32]) -> Sequence[tuple[float, float]]:
        options = VadOptions(min_silence_duration_ms=round(SHORTEST_SILENCE_S * 1000), speech_pad_ms=0)
        found: list[tuple[float, float]] = []
        at = 0
        for speech in get_speech_timestamps(samples, options) if len(samples) else ():
            if speech["start"] > at:
                found.append((at / RATE_HZ, speech["start"] / RATE_HZ))
            at = speech["end"]
        if at < len(samples):
            found.append((at / RATE_HZ, len(samples) / RATE_HZ))
        return found

    def languages(self, samples: NDArray[np.float32]) -> Mapping[str, float]:
        if not self._model.model.is_multilingual:
            return {"en": 1.0}
        _, _, probabilities = self._model.detect_language(samples)
        return dict(probabilities)

    def transcribe(self, samples: NDArray[np.float32], *, language: str) -> Sequence[tuple[str, float, float, float]]:
        if len(samples) < SHORTEST_SOUND_S * RATE_HZ:
            return []
        words, compression = self._decode(samples, language, no_repeat=0)
        if compression > REPEATS_ITSELF:  # Whisper would roll dice here; forbidding repeats is the same every time
            words, _ = self._decode(samples, language, no_repeat=3)
        return words

    def _decode(
        self, samples: NDArray[np.float32], language: str, *, no_repeat: int
    ) -> tuple[list[tuple[str, float, float, float]], float]:
        """Return the words and how much the text repeats itself."""
        pipeline = BatchedInferencePipeline(self._model)  # it remembers when it last heard speech: a new one each time
        segments, _ = pipeline.transcribe(
            samples,
            language=language,
            beam_size=BEAM_SIZE,
            temperature=0.0,
            no_repeat_ngram_size=no_repeat,
            word_timestamps=True,
            without_timestamps=True,  # with them, words get lost
            vad_filter=False,
            clip_timestamps=[{"start": 0, "end": len(samples) / RATE_HZ}],
            batch_size=1,
        )
        heard = [each for each in segments if not (each.no_speech_prob > SAID_NOTHING and each.avg_logprob < UNSURE)]
        words = [
            (word.word, float(word.start), float(word.end), float(word.probability))  # they are numpy's
            for each in heard
            for word in each.words or ()
        ]
        return words, max((each.compression_ratio for each in heard), default=0.0)
