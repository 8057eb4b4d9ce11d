"""The transcribe stage: cut the sound where nobody speaks, and write down each piece by itself.

A unit is heard, and a border found, the same way whether a task has one unit or all of them: each is a function of
its own stretch of sound, heard afresh.
"""

import json
import logging
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import BinaryIO

import numpy as np

from shared.domain.heard_words import HeardWord, at_their_place, in_source_time, without_guesses, worth_hearing
from shared.domain.object_names import spoken_language
from shared.domain.record import from_dict, to_dict
from shared.domain.sound_level import LEVEL_STEP_S, SoundLevel
from shared.domain.span import Span, span, total_s
from shared.domain.speech_units import border_s, is_found_by_listening, margin
from shared.domain.transcript import Transcript, Word
from shared.domain.units import ChunkPlan, unit_span
from shared.errors import AlreadyThere, NotFound
from shared.media.speech_sound import SPEECH_RATE_HZ, Samples, SoundTrack, hear, sound_levels_db
from shared.media.timeline import Damage
from shared.ports import Cloud, SpeechRecognizer

log = logging.getLogger(__name__)

READING = 0.1  # of a unit's progress; the rest is writing down what is said, if anything is
NOTHING = np.empty(0, np.float32)
LEAST_SPEECH_S = 0.2  # less is no word, and a recognizer that is given silence invents some
LANGUAGE_AT = (0.5, 0.25, 0.75, 0.125, 0.375, 0.625, 0.875, 0.0)
"""Which units the language is listened for in, as shares of the source; its beginning, often music, comes last."""
LANGUAGE_LEAST_SPEECH_S = 1.0
LANGUAGE_SPEECH_S = 13.0  # as much as fits Whisper's quickest window: while it listens, everybody waits
LANGUAGE_SURE = 0.9  # summed probability: one clear window, or several that are less so


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeechPart:
    """What one chunk of the transcribe stage heard."""

    first_unit: int
    borders_s: tuple[float, ...]
    """Where its units begin, and where the last one ends; the neighbours' parts must agree."""
    words: tuple[Word, ...]
    language: str | None
    """The source's, or where that is unknown the one most words of this part are in; None when nobody speaks."""
    decode_errors: int
    """Packets of sound that could not be read or decoded; there is silence in their place."""
    heard_samples: int
    """How much of its units' sound could be decoded, at SPEECH_RATE_HZ."""
    models: dict[str, str]
    """Model names and versions."""
    levels_db: tuple[tuple[float, ...], ...] = ()
    """How loud each unit is, from its beginning on, as `sound_levels_db` tells."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinedSpeech:
    """The parts of all chunks as one."""

    transcript: Transcript
    warnings: tuple[str, ...]
    """Each of the form "code: sentence"."""
    decode_errors: int
    heard_s: float
    """How much sound could be decoded."""
    models: dict[str, str]
    levels: tuple[SoundLevel, ...]
    """How loud the source is, in order of time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Listener:
    """Hears stretches of one source, and what is silent in them."""

    file: BinaryIO
    track: SoundTrack
    recognizer: SpeechRecognizer
    name: str
    damage: Damage
    plan: ChunkPlan
    duration_s: float

    def border_s(self, border: int) -> float:
        """Return where a border lies, a function of the sound in its margin alone."""
        if not is_found_by_listening(border, self.plan):
            return 0.0 if border == 0 else self.duration_s
        around = margin(border, duration_s=self.duration_s)
        _, silences = self.hear(around)
        shifted = (span(around.start_s + each.start_s, around.start_s + each.end_s) for each in silences)
        return border_s(border, shifted, duration_s=self.duration_s)

    def unit(self, index: int, place: Span) -> "_Unit":
        samples, silences = self.hear(place)
        return _Unit(
            index=index,
            place=place,
            silences=silences,
            stretches=worth_hearing(silences, len(samples) / SPEECH_RATE_HZ),
            samples=samples,
        )

    def hear(self, stretch: Span) -> tuple[Samples, list[Span]]:
        """Return the stretch's samples and its silences, in seconds from its start."""
        samples = hear(
            self.file,
            self.track,
            start_s=stretch.start_s,
            end_s=stretch.end_s,
            name=self.name,
            damage=self.damage,
        )
        return samples, [span(start_s, end_s) for start_s, end_s in self.recognizer.silences(samples)]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Unit:
    """One unit's sound, and what of it is worth hearing; the stretches are in seconds from its start."""

    index: int
    place: Span
    silences: list[Span]
    stretches: tuple[Span, ...]
    samples: Samples

    @property
    def speech_s(self) -> float:
        return len(self.samples) / SPEECH_RATE_HZ - total_s(self.silences)

    @property
    def piece(self) -> Samples:
        """What the recognizer is given: the stretches worth hearing, end to end."""
        steps = [(round(s.start_s * SPEECH_RATE_HZ), round(s.end_s * SPEECH_RATE_HZ)) for s in self.stretches]
        return np.concatenate([self.samples[first:beyond] for first, beyond in steps])

    def words(self, heard: Sequence[HeardWord]) -> tuple[Word, ...]:
        placed = without_guesses(at_their_place(heard, self.stretches), self.silences)
        return in_source_time(placed, self.place, self.silences)


def transcribe_chunk(
    file: BinaryIO,
    track: SoundTrack,
    *,
    plan: ChunkPlan,
    chunk: int,
    duration_s: float,
    language: str | None,
    recognizer: SpeechRecognizer,
    name: str,
    on_progress: Callable[[float], None],
    hints: Sequence[str] = (),
) -> SpeechPart:
    """Return the words of every unit in the chunk, in order, and the units' borders.

    `plan` has units of SPEECH_UNIT_S; `language` is what `find_language` found, `hints` are names and terms that may be
    said. `on_progress` is told a share in [0, 1], after each unit that is read and each that is written down, and may
    raise to stop. Raises BadVideo when the file cannot be opened or has no such track.
    """
    units = plan.units_of(chunk)
    listener = _Listener(
        file=file,
        track=track,
        recognizer=recognizer,
        name=name,
        damage=Damage(),
        plan=plan,
        duration_s=duration_s,
    )
    margins = replace(listener, damage=Damage())
    borders_s = [margins.border_s(units.start)]
    spoken: deque[tuple[_Unit, str]] = deque()
    levels_db: list[tuple[float, ...]] = []
    done = 0

    def tell_progress() -> None:
        on_progress((READING * len(levels_db) + (1 - READING) * done) / len(units))

    def pieces() -> Iterator[tuple[Samples, str]]:
        for border in range(units.start + 1, units.stop + 1):
            borders_s.append(margins.border_s(border))
            unit = listener.unit(border - 1, span(*borders_s[-2:]))
            levels_db.append(sound_levels_db(unit.samples))
            tell_progress()
            if unit.speech_s >= LEAST_SPEECH_S:
                piece = unit.piece
                spoken.append((replace(unit, samples=NOTHING), language or _likeliest(recognizer, piece)))
                yield piece, spoken[-1][1]

    words: list[Word] = []
    languages: Counter[str] = Counter()
    on_progress(0.0)
    for heard in recognizer.transcribe_all(pieces(), hints=hints):
        unit, unit_language = spoken.popleft()
        found = unit.words(heard)
        languages[unit_language] += len(found)
        words += found
        done = unit.index + 1 - units.start
        tell_progress()
    on_progress(1.0)
    return SpeechPart(
        first_unit=units.start,
        borders_s=tuple(borders_s),
        words=tuple(words),
        language=language or _most_heard(languages),
        decode_errors=sum(each.decode_errors + each.read_errors for each in (margins.damage, listener.damage)),
        heard_samples=listener.damage.heard_samples,
        models=recognizer.versions,
        levels_db=tuple(levels_db),
    )


def find_language(
    file: BinaryIO,
    track: SoundTrack,
    *,
    plan: ChunkPlan,
    duration_s: float,
    recognizer: SpeechRecognizer,
    name: str,
) -> str | None:
    """Return the language most likely spoken in the source (ISO 639-1), None when nobody is heard.

    It is a function of the source alone: units' places on the grid are listened to in a fixed order until it is sure.
    """
    listener = _Listener(
        file=file,
        track=track,
        recognizer=recognizer,
        name=name,
        damage=Damage(),
        plan=plan,
        duration_s=duration_s,
    )
    likely: dict[str, float] = {}
    for unit in dict.fromkeys(min(plan.units - 1, int(share * plan.units)) for share in LANGUAGE_AT):
        found = listener.unit(unit, unit_span(unit, unit_s=plan.unit_s, duration_s=duration_s))
        if found.speech_s < LANGUAGE_LEAST_SPEECH_S:
            continue
        heard = found.piece if plan.units == 1 else found.piece[: round(LANGUAGE_SPEECH_S * SPEECH_RATE_HZ)]
        for language, probability in recognizer.languages(heard).items():
            likely[language] = likely.get(language, 0.0) + probability
        if max(likely.values()) >= LANGUAGE_SURE:
            break
    return _most_heard(likely)


def share_language(cloud: Cloud, job_id: str, find: Callable[[], str | None]) -> str | None:
    """Return the language that the first of the job's tasks to know it wrote down; `find` is asked when none has."""
    name = spoken_language(job_id)
    try:
        return _stored_language(cloud, name)
    except NotFound:
        found = find()
    try:
        cloud.work.write(name, json.dumps({"language": found}).encode(), only_if_absent=True)
    except AlreadyThere:
        return _stored_language(cloud, name)
    return found


def part_to_json(part: SpeechPart) -> bytes:
    """Return the part as it is stored."""
    return json.dumps(to_dict(part), separators=(",", ":"), ensure_ascii=False).encode()


def part_from_json(data: bytes) -> SpeechPart:
    """Return the part that `part_to_json` stored."""
    return from_dict(SpeechPart, json.loads(data))


def join_parts(parts: Iterable[SpeechPart]) -> JoinedSpeech:
    """Return the words of all chunks in the order spoken.

    Neighbours have found the same border between them. Should they not, words are taken from the left one up to the
    widest pause that both heard there, and from the right one after it, with a warning.
    """
    ordered = sorted(parts, key=lambda part: part.first_unit)
    words: list[Word] = []
    warnings: list[str] = []
    for before, part in zip([None, *ordered], ordered, strict=False):
        if before is not None and before.borders_s[-1] != part.borders_s[0]:
            cut_s = _common_pause_s(before, part)
            words = [word for word in words if _middle_s(word) < cut_s]
            words += [word for word in part.words if _middle_s(word) >= cut_s]
            warnings.append(
                f"speech_borders_differ: Two parts of the transcript meet at {before.borders_s[-1]:.2f} s and at "
                f"{part.borders_s[0]:.2f} s; a word there may be wrong."
            )
        else:
            words += part.words
    languages: Counter[str] = Counter()
    for part in ordered:
        if part.language is not None:
            languages[part.language] += len(part.words)
    errors = sum(part.decode_errors for part in ordered)
    if errors:
        warnings.append(f"damaged_sound: {errors} pieces of the sound cannot be decoded; they count as silence.")
    return JoinedSpeech(
        transcript=Transcript(language=_most_heard(languages) if words else None, words=_none_overlapping(words)),
        warnings=tuple(warnings),
        decode_errors=errors,
        heard_s=sum(part.heard_samples for part in ordered) / SPEECH_RATE_HZ,
        models={name: version for part in ordered for name, version in part.models.items()},
        levels=tuple(level for part in ordered for level in _levels(part)),
    )


def _likeliest(recognizer: SpeechRecognizer, piece: Samples) -> str:
    return max(sorted((probability, name) for name, probability in recognizer.languages(piece).items()))[1]


def _levels(part: SpeechPart) -> Iterator[SoundLevel]:
    for start_s, levels_db in zip(part.borders_s, part.levels_db, strict=False):
        for at, level_db in enumerate(levels_db):
            yield SoundLevel(start_s=round(start_s + at * LEVEL_STEP_S, 3), level_db=level_db)


def _stored_language(cloud: Cloud, name: str) -> str | None:
    language: str | None = json.loads(cloud.work.read(name))["language"]
    return language


def _most_heard(languages: Mapping[str, float]) -> str | None:
    """Return the language that counts most, of equals the first by name; None when none counts."""
    counted = sorted((-count, language) for language, count in languages.items() if language and count > 0)
    return counted[0][1] if counted else None


def _common_pause_s(before: SpeechPart, after: SpeechPart) -> float:
    """Return the middle of the widest pause between words that both parts have around their borders."""
    low_s, high_s = sorted((before.borders_s[-1], after.borders_s[0]))
    busy = sorted((w.start_s, w.end_s) for w in (*before.words, *after.words) if w.end_s > low_s and w.start_s < high_s)
    pauses = list(_pauses(busy, low_s, high_s))
    return max(pauses, key=lambda pause: pause.duration_s).middle_s if pauses else (low_s + high_s) / 2


def _pauses(busy: Iterable[tuple[float, float]], low_s: float, high_s: float) -> Iterator[Span]:
    at_s = low_s
    for start_s, end_s in busy:
        if start_s > at_s:
            yield span(at_s, min(start_s, high_s))
        at_s = max(at_s, end_s)
    if at_s < high_s:
        yield span(at_s, high_s)


def _none_overlapping(words: Iterable[Word]) -> tuple[Word, ...]:
    ordered: list[Word] = []
    for word in words:
        if not ordered or word.start_s >= ordered[-1].end_s:
            ordered.append(word)
    return tuple(ordered)


def _middle_s(word: Word) -> float:
    return (word.start_s + word.end_s) / 2
