"""From movement, words and the level of the sound to what could go into the reel."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from statistics import median

from shared.domain.candidate import Candidate, Passage
from shared.domain.clip_lengths import ROUNDING_S, ClipLengths
from shared.domain.keywords import SaidKeyword, said_keywords
from shared.domain.motion import Look
from shared.domain.options import MotionOptions
from shared.domain.passages import SHORTEST_S, parted, placed_passages
from shared.domain.sound_level import SoundLevel
from shared.domain.sound_peaks import SoundPeak, sound_peaks
from shared.domain.span import Span, meet, meeting, padded, span
from shared.domain.transcript import Sentence, Word, sentences

LONGEST_JOINT_S = 30.0  # movement and speech that chain on for longer are cut between sentences
TOGETHER_S = 15.0  # movement and speech that meet stay together up to this long, however few candidates there are
WHOLE_EVENT_S = 20.0  # no movement up to this long is ever cut in two
WANTED_CANDIDATES = 4
JOKE_S, LAUGHED_S = 4.0, 1.0  # shown before and after laughter that answers no sentence


@dataclass(frozen=True, slots=True, kw_only=True)
class MotionEvidence:
    """When somebody moves, and how fast."""

    events: tuple[Span, ...] = ()
    """Without padding."""
    looks: tuple[Look, ...] = ()
    """Body speed over time."""
    options: MotionOptions


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeechEvidence:
    """What is said, and what else is heard, in order of time."""

    words: tuple[Word, ...] = ()
    sentences: tuple[Sentence, ...] = ()
    peaks: tuple[SoundPeak, ...] = ()
    keywords: tuple[SaidKeyword, ...] = ()


def speech_evidence(
    words: Iterable[Word], levels: Sequence[SoundLevel], *, keywords: Iterable[str], duration_s: float
) -> SpeechEvidence:
    """Return what is heard inside the source; words and levels in any order, words not overlapping."""
    ordered = tuple(
        replace(word, end_s=min(word.end_s, duration_s))
        for word in sorted(words, key=lambda each: (each.start_s, each.end_s, each.text))
        if word.start_s < duration_s
    )
    peaks = (each for each in sound_peaks(levels, ordered) if each.span.start_s < duration_s)
    return SpeechEvidence(
        words=ordered,
        sentences=sentences(ordered),
        peaks=tuple(replace(each, span=span(each.span.start_s, min(each.span.end_s, duration_s))) for each in peaks),
        keywords=said_keywords(ordered, keywords),
    )


def find_candidates(
    motion: MotionEvidence, speech: SpeechEvidence, *, duration_s: float, lengths: ClipLengths
) -> tuple[Candidate, ...]:
    """Return the candidates in order of time, none overlapping; all movement, laughter and keywords are in one.

    So is everything else that is said, but for what is below the shortest clip even with the silence around it.

    Movements keep their padding, speech is whole sentences with a lead-in, and where both meet there is one candidate.
    Such a joint one is cut between sentences when it is longer than `LONGEST_JOINT_S`; the longest ones are, from
    `TOGETHER_S` on, while there are fewer than `WANTED_CANDIDATES`, and then passages between sentences; a movement of
    up to `WHOLE_EVENT_S` never. What is below the shortest clip grows into what lies around it, where that is neither
    another one nor a part of a sentence.
    """
    finder = _Finder(motion, speech, duration_s=duration_s, lengths=lengths)
    return tuple(finder.candidate(each) for each in finder.grown(finder.pieces()))


class _Finder:
    """Holds what is asked for again and again while candidates are made."""

    def __init__(
        self, motion: MotionEvidence, speech: SpeechEvidence, *, duration_s: float, lengths: ClipLengths
    ) -> None:
        self.speech = speech
        self.duration_s = duration_s
        self.lengths = lengths
        self.looks = sorted(motion.looks, key=lambda each: each.t_s)
        self.events = sorted(motion.events)
        self.sentences = [each.span for each in speech.sentences]
        self.moving = padded(
            self.events,
            before_s=motion.options.pad_before_s,
            after_s=motion.options.pad_after_s,
            within=span(0.0, duration_s),
        )
        self.usual_speed = median([self._fastest(each) for each in self.events]) if self.events else 0.0
        self.placed = placed_passages(
            speech.sentences,
            speech.peaks,
            duration_s=duration_s,
            lengths=lengths,
            is_wanted=lambda each: bool(self._keywords(each.spoken)),
        )
        self.laughing = self._lone_laughter()
        spoken = [each.span for each in self.placed]
        self.joints = sorted([*spoken, *self.laughing])
        short_events = [each for each in self.events if each.duration_s <= WHOLE_EVENT_S]
        self.whole = sorted([*self.joints, *self.sentences, *short_events])

    def pieces(self) -> list[Span]:
        """Return the stretches of the candidates."""
        found = [
            part
            for joined in _joined([*self.moving, *self.joints])
            for part in self._cut_while(joined, lambda one: one.duration_s > LONGEST_JOINT_S and self._is_joint(one))
        ]
        while len(found) < WANTED_CANDIDATES:
            cuts = {at: self._cut_at(one) for at, one in enumerate(found) if not self._stays_together(one)}
            able = [at for at, cut_s in cuts.items() if cut_s is not None]
            if able:
                at = max(able, key=lambda at: (found[at].duration_s, -at))
                found[at : at + 1] = _halves(found[at], cuts[at])
            elif not self._part_a_passage(found):
                break
        return found

    def _part_a_passage(self, pieces: list[Span]) -> bool:
        """Part the longest piece that is nothing but a passage between two of its sentences; False when none can be."""
        for piece in sorted(pieces, key=lambda each: (-each.duration_s, each.start_s)):
            at = next((at for at, each in enumerate(self.placed) if each.span == piece), None)
            if at is None or meeting(piece, self.moving):
                continue
            parts = parted(self.placed[at], self._shortest_s)
            if parts is not None:
                self.placed = (*self.placed[:at], *parts, *self.placed[at + 1 :])
                where = pieces.index(piece)
                pieces[where : where + 1] = [each.span for each in parts]
                return True
        return False

    @property
    def _shortest_s(self) -> float:
        return max(SHORTEST_S, self.lengths.shortest_s)

    def grown(self, pieces: Sequence[Span]) -> list[Span]:
        """Return the pieces, those below the shortest clip longer where that is possible."""
        found: list[Span] = []
        for at, each in enumerate(pieces):
            before_s = found[-1].end_s if found else 0.0
            after_s = pieces[at + 1].start_s if at + 1 < len(pieces) else self.duration_s
            found.append(self._grown(each, span(min(before_s, each.start_s), max(after_s, each.end_s))))
        return found

    def candidate(self, piece: Span) -> Candidate:
        moving = [span(max(a.start_s, piece.start_s), min(a.end_s, piece.end_s)) for a in meeting(piece, self.moving)]
        first = bisect_left(self.speech.words, piece.start_s - ROUNDING_S, key=lambda each: each.start_s)
        last = bisect_right(self.speech.words, piece.end_s, key=lambda each: each.start_s)
        return Candidate(
            span=piece,
            speed=round(max((self._fastest(each) for each in moving), default=0.0), 6),
            usual_speed=round(self.usual_speed, 6),
            passages=self._passages(piece),
            peaks=tuple(each for each in self.speech.peaks if piece.start_s <= each.span.middle_s < piece.end_s),
            keywords=self._keywords(piece),
            words=tuple(each for each in self.speech.words[first:last] if each.end_s <= piece.end_s + ROUNDING_S),
        )

    def _lone_laughter(self) -> list[Span]:
        """Return laughter that is in no passage, with what comes before it as far as that is no other sentence."""
        found: list[Span] = []
        for peak in self.speech.peaks:
            is_shown = any(each.span.start_s <= peak.span.middle_s < each.span.end_s for each in self.placed)
            if is_shown:
                continue
            start_s = max(0.0, peak.span.start_s - JOKE_S)
            end_s = min(self.duration_s, peak.span.end_s + LAUGHED_S)
            for each in self.sentences:
                if meet(each, peak.span):  # said while they laugh
                    start_s, end_s = min(start_s, each.start_s), max(end_s, each.end_s)
            for each in self.sentences:
                if each.end_s <= peak.span.start_s:
                    start_s = max(start_s, each.end_s)
                elif each.start_s >= peak.span.end_s:
                    end_s = min(end_s, each.start_s)
            found.append(span(start_s, max(start_s, end_s)))
        return _joined(found)

    def _passages(self, piece: Span) -> tuple[Passage, ...]:
        first = bisect_right(self.placed, piece.start_s, key=lambda each: each.span.end_s)
        last = bisect_left(self.placed, piece.end_s, key=lambda each: each.span.start_s)
        return tuple(each.passage for each in self.placed[first:last])

    def _keywords(self, piece: Span) -> tuple[str, ...]:
        said = self.speech.keywords
        first = bisect_left(said, piece.start_s - ROUNDING_S, key=lambda each: each.span.start_s)
        last = bisect_left(said, piece.end_s, key=lambda each: each.span.start_s)
        inside = (each.keyword for each in said[first:last] if each.span.end_s <= piece.end_s + ROUNDING_S)
        return tuple(dict.fromkeys(inside))

    def _fastest(self, stretch: Span) -> float:
        first = bisect_left(self.looks, stretch.start_s, key=lambda each: each.t_s)
        last = bisect_left(self.looks, stretch.end_s, key=lambda each: each.t_s)
        return max((look.energy for look in self.looks[first:last]), default=0.0)

    def _is_joint(self, one: Span) -> bool:
        """Return whether it is more than one movement or one passage."""
        return any(meet(each, one) for each in self.joints)

    def _stays_together(self, one: Span) -> bool:
        return one.duration_s <= TOGETHER_S and self._is_joint(one) and bool(meeting(one, self.moving))

    def _cut_while(self, one: Span, is_too_long: Callable[[Span], bool]) -> list[Span]:
        cut_s = self._cut_at(one) if is_too_long(one) else None
        if cut_s is None:
            return [one]
        return [part for half in _halves(one, cut_s) for part in self._cut_while(half, is_too_long)]

    def _cut_at(self, one: Span) -> float | None:
        """Return where a stretch is best cut: near its middle, where nothing is cut, `SHORTEST_S` from both ends."""
        first_s, last_s = one.start_s + self._shortest_s, one.end_s - self._shortest_s
        blocks = [each for each in self.whole if meet(each, one)]
        places = [one.middle_s, *(t for each in blocks for t in (each.start_s, each.end_s))]
        free = [
            t for t in places if first_s <= t <= last_s and not any(each.start_s < t < each.end_s for each in blocks)
        ]
        return min(free, key=lambda t: (abs(t - one.middle_s), t), default=None)

    def _grown(self, piece: Span, room: Span) -> Span:
        missing_s = self.lengths.shortest_s - piece.duration_s
        if missing_s <= ROUNDING_S:
            return piece
        near = span(max(room.start_s, piece.start_s - 2 * missing_s), min(room.end_s, piece.end_s + 2 * missing_s))
        borders = [t for each in meeting(near, self.sentences) for t in (each.start_s, each.end_s)]
        wanted_starts = (piece.start_s, piece.start_s - missing_s / 2, piece.end_s - self.lengths.shortest_s)
        starts = [t for t in (near.start_s, *wanted_starts, *borders) if near.start_s <= t <= piece.start_s]
        options = []
        for start_s in {t for t in starts if t == piece.start_s or self._cuts_nothing(t)}:
            ends = (piece.end_s, start_s + self.lengths.shortest_s, near.end_s, *borders)
            options += [
                span(start_s, end_s)
                for end_s in {t for t in ends if piece.end_s <= t <= near.end_s}
                if end_s == piece.end_s or self._cuts_nothing(end_s)
            ]
        long_enough = [each for each in options if each.duration_s >= self.lengths.shortest_s - ROUNDING_S]
        fitting = [each for each in long_enough if self.lengths.allow(each)]
        return min(
            fitting or [piece],
            key=lambda each: (round(each.duration_s, 6), abs(each.middle_s - piece.middle_s), each.start_s),
        )

    def _cuts_nothing(self, t_s: float) -> bool:
        at = bisect_right(self.sentences, t_s, key=lambda each: each.start_s) - 1
        return at < 0 or not self.sentences[at].start_s < t_s < self.sentences[at].end_s


def _joined(spans: Iterable[Span]) -> list[Span]:
    """Return the stretches that candidates cover, those that only touch kept apart."""
    joined: list[Span] = []
    for each in sorted(spans):
        if joined and each.start_s < joined[-1].end_s:
            joined[-1] = span(joined[-1].start_s, max(joined[-1].end_s, each.end_s))
        elif each.duration_s > 0:
            joined.append(each)
    return joined


def _halves(one: Span, at_s: float | None) -> list[Span]:
    assert at_s is not None
    return [span(one.start_s, at_s), span(at_s, one.end_s)]
