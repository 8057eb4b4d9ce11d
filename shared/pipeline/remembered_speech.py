"""A recognizer that never hears the same sound twice: what it answered is kept by what the answer depends on."""

import json
import logging
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from shared.domain.heard_words import HeardWord
from shared.domain.object_names import heard_for, heard_speech
from shared.errors import AlreadyThere, MontageError, NotFound
from shared.ports import ObjectStore, SpeechRecognizer

log = logging.getLogger(__name__)

Samples = NDArray[np.float32]
Answer = TypeVar("Answer")


@dataclass(slots=True, kw_only=True)
class RememberedSpeech:
    """A SpeechRecognizer whose answers lie in a store, by the hash of the samples, language, hints and its manner.

    The same sound in another job, chunk or file of its owner is not transcribed again. Silences are found anew: that
    costs a thousandth of the sound's length. What cannot be read is heard again, and what is no answer is replaced; a
    store that fails costs time, never the task.
    """

    recognizer: SpeechRecognizer
    store: ObjectStore
    owner: str = ""
    """Whose sound it is: what one owner's jobs have heard saves others nothing, so nobody learns what they have."""
    job_id: str = ""
    """For whom it listens: what is heard is noted below the job, so that it goes when the job is erased; "": nobody."""
    heard: int = field(default=0, init=False)
    remembered: int = field(default=0, init=False)
    """How many pieces were transcribed, and how many had been before."""
    _noted: set[str] = field(default_factory=set, init=False)
    _broken: set[str] = field(default_factory=set, init=False)
    """Keys under which something lies that is no answer."""

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
        known = self._kept(key, _languages)
        if known is None:
            known = dict(self.recognizer.languages(samples))
            self._keep(key, known)
        return known

    def transcribe_all(
        self, pieces: Iterable[tuple[Samples, str]], *, hints: Sequence[str] = ()
    ) -> Iterator[Sequence[HeardWord]]:
        asked: deque[str] = deque()
        awaited: deque[str] = deque()
        answers: dict[str, Sequence[HeardWord]] = {}

        def unheard() -> Iterator[tuple[Samples, str]]:
            for samples, language in pieces:
                key = self._key(samples, "words", language, *hints)
                asked.append(key)
                if key not in answers and key not in awaited:
                    known = self._kept(key, _words)
                    if known is None:
                        awaited.append(key)
                        yield samples, language
                        continue
                    answers[key] = known
                self.remembered += 1

        for words in self.recognizer.transcribe_all(unheard(), hints=hints):
            key = awaited.popleft()
            self._keep(key, words)
            answers[key] = words
            self.heard += 1
            while asked and asked[0] in answers:
                yield answers[asked.popleft()]
        yield from (answers[key] for key in asked)

    def _key(self, samples: Samples, *depends_on: str) -> str:
        about = json.dumps([self.owner, self.recognizer.manner, *depends_on], ensure_ascii=False)
        return sha256(about.encode() + b"\0" + samples.tobytes()).hexdigest()

    def _kept(self, key: str, read: Callable[[Any], Answer]) -> Answer | None:
        try:
            known = read(json.loads(self.store.read(heard_speech(key))))
            self._note(key)
            return known
        except NotFound:
            pass
        except (MontageError, OSError) as error:
            log.warning("what was heard before cannot be read: %s", error)
        except (ValueError, TypeError, AttributeError):
            self._broken.add(key)
        return None

    def _note(self, key: str) -> None:
        if self.job_id and key not in self._noted:
            self.store.write(heard_for(self.job_id, key), b"{}")
            self._noted.add(key)

    def _keep(self, key: str, answer: object) -> None:
        data = json.dumps(answer, separators=(",", ":"), ensure_ascii=False).encode()
        try:
            self._note(key)  # first: what was kept without a note would outlive its job
            self.store.write(heard_speech(key), data, only_if_absent=key not in self._broken)
        except AlreadyThere:
            pass
        except (MontageError, OSError) as error:
            log.warning("what was heard cannot be kept: %s", error)


def _languages(kept: Any) -> dict[str, float]:
    return {str(language): float(probability) for language, probability in kept.items()}


def _words(kept: Any) -> list[HeardWord]:
    if not isinstance(kept, list):
        raise ValueError(kept)
    return [(str(text), float(start_s), float(end_s), float(confidence)) for text, start_s, end_s, confidence in kept]
