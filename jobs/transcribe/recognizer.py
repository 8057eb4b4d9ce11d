"""faster-whisper lives here only."""

import re
import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property
from hashlib import blake2b
from importlib.metadata import version
from math import ceil
from pathlib import Path
from typing import Any, TypeVar

import ctranslate2
import numpy as np
from faster_whisper import WhisperModel
from faster_whisper.tokenizer import Tokenizer
from faster_whisper.transcribe import get_compression_ratio, get_suppressed_tokens
from faster_whisper.vad import VadOptions, get_speech_timestamps, get_vad_model
from numpy.typing import NDArray

from shared.domain.heard_words import HeardWord
from shared.domain.transcript import SENTENCE_ENDS

Answer = TypeVar("Answer")

RATE_HZ = 16_000
WINDOW_S = 30  # what Whisper was trained on, and the most it takes
LEAST_WINDOW_S, ROOM_S = 17, 2
"""Encoding 17 s takes a quarter of encoding 30 s. With 2 s of silence after the words as many are wrong as in windows
of 30 s (99 or less of 2,316 English ones, and 96), without it 165; in 16 s a soft first word was lost."""
BEAMS, MORE_BEAMS = 1, 2  # of 735 words in four languages 35 are wrong with 1 beam, 37 with 2, 35 with 5
UNPUNCTUATED_S = 8.0
"""So much speech without the end of a sentence is decoded again: of six pieces of Japanese three have one with 1 beam,
four with 5 and all with 2."""
UNMARKED = ("th", "lo", "bo")  # languages that write no such mark
SHORTEST_SILENCE_S = 0.1  # shorter ones lie inside words: the closed mouth of a "p" lasts up to 0.08 s
REPEATS_ITSELF = 2.4  # Whisper's own limit of the text's length over that of its compressed form
LONGEST_TEXT = 224  # tokens, Whisper's own limit: a loop made up out of noise or music does not end before it
TOKENS_PER_S = 15  # more than anybody says; Japanese, which has the most, came to 11
SAID_NOTHING, UNSURE = 0.6, -1.0  # Whisper's own limits: probability of no speech, mean log probability of the text
SILENT, YOU = 0.85, -0.45  # silence becomes "you" at 0.93 and -0.5 to -0.6; speech stays below 0.75, or above -0.2
GUESSED = -1.2
"""Mean log probability of what is made of noise and music: -1.3 to -2.6. Of speech it lies above -0.5, with as much
noise as voice above -1.05; what fell below there had no right word in it."""
DOUBTFUL = -0.5  # real repeats lie at -0.05 to -0.4
TRANSLATED = -0.35  # with hints in another language it may translate instead of writing down: -0.4 to -1.2
FEWEST_TOKENS_PER_S = (
    1.6  # a sentence said 3 to 14 times but written once comes to 0.4 to 1.2, read speech to 3 and more
)
LEAST_PARTED_S = 4.0  # so much speech has room for a sentence twice
SHORTEST_SOUND_S = 0.1
KEPT_ENCODINGS = 8  # of 1 to 3 MB: what the language is found by is written down next
KEPT_SILENCES = 32  # a border's margin is listened to by both its neighbours, often in one process
PREPENDED, APPENDED = "\"'“¿([{-", "\"'.。,，!！?？:：”)]}、"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Text:
    """What a piece of sound was decoded to."""

    tokens: list[int]
    text: str
    sureness: float
    """Mean log probability of a token."""
    no_speech: float
    """Probability that nobody speaks."""
    instead_of_loop: bool = False
    """Whether it is the second try, after a text that went round and round."""

    @property
    def repeats_itself(self) -> bool:
        return bool(self.text) and get_compression_ratio(self.text) > REPEATS_ITSELF

    def is_loop(self, duration_s: float) -> bool:
        """Return whether it repeats itself as nobody does: without end, too fast, or doubtfully."""
        too_many = min(LONGEST_TEXT, TOKENS_PER_S * duration_s)
        return self.repeats_itself and (len(self.tokens) >= too_many or self.sureness < DOUBTFUL)

    @property
    def is_invented(self) -> bool:
        if self.instead_of_loop and (self.sureness < UNSURE or self.repeats_itself):
            return True
        return self.sureness < GUESSED or any(
            self.no_speech > silent and self.sureness < unsure
            for silent, unsure in ((SAID_NOTHING, UNSURE), (SILENT, YOU))
        )

    @property
    def ends_sentences(self) -> bool:
        return any(mark in self.text for mark in SENTENCE_ENDS)

    def only_repeats(self, hints: Sequence[str]) -> bool:
        """Return whether it says nothing but what it was told might be said: a knock is heard as that, too."""
        told = {word for hint in hints for word in re.findall(r"\w+", hint.casefold())}
        return told.issuperset(re.findall(r"\w+", self.text.casefold()))


class WhisperRecognizer:
    """Whisper without memory from one piece of sound to the next, at temperature 0: nothing depends on order or chance.

    Pieces are decoded side by side, one per thread: with two cores that is 1.6 times as fast as one piece with both.
    Batches would save another 2 % there, and with two pieces in one some words' times differed.
    The model is loaded when it is first needed. It computes in int8, on a GPU in float16.
    """

    def __init__(self, model: Path, *, model_version: str, threads: int) -> None:
        self._device, self._compute = ("cuda", "float16") if ctranslate2.get_cuda_device_count() else ("cpu", "int8")
        self.versions = {"faster-whisper": version("faster-whisper"), model.name: model_version}
        self.manner = ", ".join(
            (
                f"{model.name} {model_version} in {self._compute}",
                *(f"{package} {version(package)}" for package in ("faster-whisper", "ctranslate2")),
                blake2b(Path(__file__).read_bytes(), digest_size=8).hexdigest(),  # all that is decided in this file
            )
        )
        self._path = model
        self._threads = threads
        self._encodings: OrderedDict[bytes, ctranslate2.StorageView] = OrderedDict()
        self._silences: OrderedDict[bytes, Sequence[tuple[float, float]]] = OrderedDict()
        self._lock = threading.Lock()

    @cached_property
    def _model(self) -> WhisperModel:
        return WhisperModel(
            str(self._path),
            device=self._device,
            compute_type=self._compute,
            cpu_threads=1,
            num_workers=self._threads,
            local_files_only=True,
        )

    def load(self) -> None:
        """Load the models now; otherwise each is loaded when it is first needed."""
        get_vad_model()
        _ = self._model

    def silences(self, samples: NDArray[np.float32]) -> Sequence[tuple[float, float]]:
        return self._kept(self._silences, KEPT_SILENCES, samples, _silences)

    def languages(self, samples: NDArray[np.float32]) -> Mapping[str, float]:
        if not self._model.model.is_multilingual:
            return {"en": 1.0}
        (found,) = self._model.model.detect_language(self._encoded(samples))
        return {token.strip("<|>"): probability for token, probability in found}

    def transcribe_all(
        self, pieces: Iterable[tuple[NDArray[np.float32], str]], *, hints: Sequence[str] = ()
    ) -> Iterator[Sequence[HeardWord]]:
        pool = ThreadPoolExecutor(self._threads, thread_name_prefix="whisper")
        waiting: deque[Future[Sequence[HeardWord]]] = deque()
        try:
            for samples, language in pieces:
                model = self._model  # loaded by one thread, when there is something to hear
                waiting.append(pool.submit(self._transcribe, model, samples, language, hints))
                while len(waiting) > self._threads:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)  # who stops early does not wait for what is being decoded

    def _transcribe(
        self, model: WhisperModel, samples: NDArray[np.float32], language: str, hints: Sequence[str]
    ) -> Sequence[HeardWord]:
        if len(samples) < SHORTEST_SOUND_S * RATE_HZ:
            return []
        tokenizer = Tokenizer(model.hf_tokenizer, model.model.is_multilingual, task="transcribe", language=language)
        encoding = self._encoded(samples)
        found = self._decided(model, tokenizer, encoding, samples, hints)
        words = [] if found.is_invented else _timed(model, tokenizer, encoding, found, len(samples) / RATE_HZ)
        if words and len(found.tokens) < FEWEST_TOKENS_PER_S * len(samples) / RATE_HZ:
            return self._heard_in_halves(model, samples, language, hints) or words
        return words

    def _heard_in_halves(
        self, model: WhisperModel, samples: NDArray[np.float32], language: str, hints: Sequence[str]
    ) -> Sequence[HeardWord]:
        """Return what is heard in both halves of a piece, parted where nobody speaks; nothing if in one it is nothing.

        A sentence that is said several times may be written down once.
        """
        silences = self.silences(samples)
        speech_s = len(samples) / RATE_HZ - sum(end_s - start_s for start_s, end_s in silences)
        if speech_s < LEAST_PARTED_S:
            return []
        middle_s = len(samples) / RATE_HZ / 2
        pauses_s = ((start_s + end_s) / 2 for start_s, end_s in silences)
        at = round(min(pauses_s, key=lambda each: abs(each - middle_s), default=0.0) * RATE_HZ)
        halves = [self._transcribe(model, half, language, hints) for half in (samples[:at], samples[at:])]
        if not all(halves):
            return []
        return [*halves[0], *((text, a + at / RATE_HZ, b + at / RATE_HZ, sure) for text, a, b, sure in halves[1])]

    def _decided(
        self,
        model: WhisperModel,
        tokenizer: Tokenizer,
        encoding: ctranslate2.StorageView,
        samples: NDArray[np.float32],
        hints: Sequence[str],
    ) -> _Text:
        """Return the text of a piece, decoded again where the first one is doubtful; the same every time."""
        duration_s = len(samples) / RATE_HZ
        found = _decoded(model, tokenizer, encoding, hints=hints)
        if hints and (found.sureness < TRANSLATED or found.is_loop(duration_s) or found.only_repeats(hints)):
            unprompted = _decoded(model, tokenizer, encoding)
            if unprompted.is_invented or unprompted.is_loop(duration_s):
                found = unprompted
            elif found.sureness < TRANSLATED or found.is_loop(duration_s):
                found = max(unprompted, found, key=lambda text: (not text.is_loop(duration_s), text.sureness))
        if found.is_loop(duration_s):  # Whisper would roll dice here; forbidding repeats is the same every time
            return replace(_decoded(model, tokenizer, encoding, no_repeat=3), instead_of_loop=True)
        is_unmarked = not found.ends_sentences and tokenizer.language_code not in UNMARKED
        if is_unmarked and duration_s >= UNPUNCTUATED_S:
            better = _decoded(model, tokenizer, encoding, beams=MORE_BEAMS)
            return better if better.ends_sentences and not better.repeats_itself else found
        return found

    def _encoded(self, samples: NDArray[np.float32]) -> ctranslate2.StorageView:
        """Return the encoder's output for a piece, of shape (1, steps of 20 ms, width), in a window that suits it."""
        return self._kept(self._encodings, KEPT_ENCODINGS, samples, self._encode)

    def _encode(self, samples: NDArray[np.float32]) -> ctranslate2.StorageView:
        room = round(min(WINDOW_S, max(LEAST_WINDOW_S, ceil(10 * (len(samples) / RATE_HZ + ROOM_S)) / 10)) * RATE_HZ)
        window = np.pad(samples[:room], (0, max(0, room - len(samples))))
        features = self._model.feature_extractor(window, padding=0)
        return self._model.encode(features[:, : room // self._model.feature_extractor.hop_length])

    def _kept(
        self,
        kept: OrderedDict[bytes, Answer],
        at_most: int,
        samples: NDArray[np.float32],
        find: Callable[[NDArray[np.float32]], Answer],
    ) -> Answer:
        """Return what is found in the samples, from the last time if that is not long ago."""
        key = blake2b(samples.tobytes(), digest_size=16).digest()
        with self._lock:
            if key in kept:
                return kept[key]
        found = find(samples)
        with self._lock:
            kept[key] = found
            while len(kept) > at_most:
                kept.popitem(last=False)
        return found


def _silences(samples: NDArray[np.float32]) -> Sequence[tuple[float, float]]:
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


def _decoded(
    model: WhisperModel,
    tokenizer: Tokenizer,
    encoding: ctranslate2.StorageView,
    *,
    hints: Sequence[str] = (),
    beams: int = BEAMS,
    no_repeat: int = 0,
) -> _Text:
    prompt = model.get_prompt(
        tokenizer,
        [],
        without_timestamps=True,  # with them, words get lost
        hotwords=", ".join(hints) or None,
    )
    (result,) = model.model.generate(
        encoding,
        [prompt],
        beam_size=beams,
        no_repeat_ngram_size=no_repeat,
        max_length=model.max_length,
        suppress_blank=True,
        suppress_tokens=get_suppressed_tokens(tokenizer, [-1]),
        return_scores=True,
        return_no_speech_prob=True,
    )
    tokens = [token for token in result.sequences_ids[0] if token < tokenizer.eot]
    return _Text(
        tokens=tokens,
        text=tokenizer.decode(tokens).strip(),
        sureness=result.scores[0] * len(result.sequences_ids[0]) / (len(result.sequences_ids[0]) + 1),
        no_speech=result.no_speech_prob,
    )


def _timed(
    model: WhisperModel, tokenizer: Tokenizer, encoding: ctranslate2.StorageView, found: _Text, duration_s: float
) -> list[HeardWord]:
    """Return the words with their times, found by the model's own cross-attention."""
    if not found.tokens:
        return []
    segment: dict[str, Any] = {"tokens": found.tokens, "seek": 0, "start": 0.0, "end": duration_s}
    frames = min(ceil(duration_s), WINDOW_S) * model.frames_per_second
    model.add_word_timestamps([[segment]], tokenizer, encoding, [frames], PREPENDED, APPENDED, 0.0)
    return [
        (str(word["word"]), float(word["start"]), float(word["end"]), float(word["probability"]))  # they are numpy's
        for word in segment["words"]
    ]
