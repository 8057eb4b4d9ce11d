"""A recognizer that never hears the same sound twice: what it answered is kept by what the answer depends on."""

import json
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shared.domain.heard_words import HeardWord
from shared.domain.object_names import heard_speech
from shared.errors import AlreadyThere, NotFound
from shared.ports import ObjectStore, SpeechRecognizer

Samples = NDArray[np.float32]


@dataclass(slots=True, kw_only=True)
class RememberedSpeech:
    """A SpeechRecognizer whose answers lie in a store, by the hash of the samples, language, hints and its manner.

    The same sound in another job, chunk or file is not transcribed again. Silences are found anew: that costs a
    thousandth of the sound's length. What cannot be read is heard again.
    """

    recognizer: SpeechRecognizer
    store: ObjectStore
    heard: int = field(default=0, init=False)
    remembered: int = field(default=0, init=False)
    """How many pieces were transcribed, and how many had been before."""

    @property
    def versions(self) -> dict[str, str]:
        return self.recognizer.versions

    @property
    def manner(self) -> str:
        return self.recognizer.manner

    def silences(self, samples: Samples) -> Sequence[tuple[float, float]]:
        return self.recognizer.silences(samples)

    def languages(self, samples: Samples) -> Mapping[str, float]:
        key = self._key(samples, "languages")
        known = self._kept(key)
        if known is None:
            known = dict(self.recognizer.languages(samples))
            self._keep(key, known)
        return known  # type: ignore[no-any-return]

    def transcribe_all(
        self, pieces: Iterable[tuple[Samples, str]], *, hints: Sequence[str] = ()
    ) -> Iterator[Sequence[HeardWord]]:
        asked: deque[tuple[str, Sequence[HeardWord] | None]] = deque()

        def unheard() -> Iterator[tuple[Samples, str]]:
            for samples, language in pieces:
                key = self._key(samples, "words", language, *hints)
                known = self._kept(key)
                asked.append((key, None if known is None else [_word(each) for each in known]))
                if known is None:
                    yield samples, language

        for words in self.recognizer.transcribe_all(unheard(), hints=hints):
            yield from self._known(asked)
            self._keep(asked.popleft()[0], words)
            self.heard += 1
            yield words
        yield from self._known(asked)

    def _known(self, asked: deque[tuple[str, Sequence[HeardWord] | None]]) -> Iterator[Sequence[HeardWord]]:
        """Yield the answers that come before the next one to be heard."""
        while asked and (words := asked[0][1]) is not None:
            asked.popleft()
            self.remembered += 1
            yield words

    def _key(self, samples: Samples, *depends_on: str) -> str:
        about = json.dumps([self.recognizer.manner, *depends_on], ensure_ascii=False)
        return sha256(about.encode() + b"\0" + samples.tobytes()).hexdigest()

    def _kept(self, key: str) -> Any:
        with suppress(NotFound, ValueError):
            return json.loads(self.store.read(heard_speech(key)))
        return None

    def _keep(self, key: str, answer: object) -> None:
        with suppress(AlreadyThere):
            data = json.dumps(answer, separators=(",", ":"), ensure_ascii=False).encode()
            self.store.write(heard_speech(key), data, only_if_absent=True)


def _word(kept: Sequence[Any]) -> HeardWord:
    text, start_s, end_s, confidence = kept
    return text, start_s, end_s, confidence
