"""The first highlight rule for speech: whole sentences, and how they meet with movement."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import median

from shared.domain.highlight import Highlight
from shared.domain.span import Span, overlap_s, span
from shared.domain.transcript import CLOSERS, LONGEST_PAUSE_S, SENTENCE_ENDS, Sentence, Transcript, Word, sentences

SHORTEST_S = 4.0
LONGEST_S = 20.0
LEAD_IN_S = 0.3
RUN_OUT_S = 0.5
ROUNDING_S = 1e-6
QUESTION_ENDS = ("?", "？", "؟")
LONGEST_JOINT_S = 30.0  # movement and speech that chain on for longer are cut between sentences
WANTED_CANDIDATES = 4

QUESTION_REASON = "a question and its answer"
DENSE_REASON = "speaks densely"
THOUGHT_REASON = "a whole thought"
SPEECH_REASON = "someone speaks"
DENSE_FROM = 1.15  # times the source's usual speed
BASE, FOR_ANSWER, FOR_THOUGHT, FOR_DENSITY = 0.3, 0.3, 0.2, 0.2  # sums to 1


@dataclass(frozen=True, slots=True, kw_only=True)
class _Passage:
    """Sentences that make one candidate, and the room around them in which nobody speaks."""

    sentences: tuple[Sentence, ...]
    room: Span

    @property
    def words(self) -> tuple[Word, ...]:
        return tuple(word for each in self.sentences for word in each.words)

    @property
    def spoken(self) -> Span:
        return span(self.sentences[0].span.start_s, self.sentences[-1].span.end_s)


def speech_highlights(transcript: Transcript, *, duration_s: float) -> tuple[Highlight, ...]:
    """Return candidates of whole sentences, `SHORTEST_S` to `LONGEST_S` long, in order of time, none overlapping.

    Each has up to `LEAD_IN_S` before its first word and `RUN_OUT_S` after its last, never into another word; one that
    is still too short is given the silence around it. A score is what speaks for it times how sure the words are.
    """
    passages = _passages(sentences(transcript.words), duration_s=duration_s)
    usual = median([_letters_per_s(each) for each in passages]) if passages else 0.0
    return tuple(
        Highlight(span=place, score=_score(each, usual), reasons=_reasons(each, usual))
        for each, place in _placed(passages)
    )


def combine(
    motion: Sequence[Highlight],
    speech: Sequence[Highlight],
    *,
    motion_score: Callable[[Span], float] | None = None,
) -> tuple[Highlight, ...]:
    """Return the candidates of both kinds in order of time, none overlapping; together they cover the same seconds.

    Where both meet there is one candidate with both reasons, and a better score than each alone. Such a joint one is
    cut between sentences when it is longer than `LONGEST_JOINT_S`; any is, when there are fewer than
    `WANTED_CANDIDATES`. `motion_score` says what a part of a movement is worth; left out, each has the whole's score.
    """
    pieces = [
        part
        for whole in _joined([*motion, *speech])
        for part in _cut_while(whole, speech, lambda one: one.duration_s > LONGEST_JOINT_S and _is_joint(one, speech))
    ]
    while len(pieces) < WANTED_CANDIDATES:
        at = max(
            (at for at, one in enumerate(pieces) if _cut_at(one, speech) is not None),
            key=lambda at: (pieces[at].duration_s, -at),
            default=None,
        )
        if at is None:
            break
        pieces[at : at + 1] = _halves(pieces[at], speech)
    return tuple(_candidate(piece, motion, speech, motion_score) for piece in pieces)


def _passages(found: Sequence[Sentence], *, duration_s: float) -> list[_Passage]:
    """Return the sentences in groups: a question with its answer, short ones with their neighbours."""
    groups: list[list[Sentence]] = []
    for sentence in found:
        if groups and _goes_on(groups[-1], sentence):
            groups[-1].append(sentence)
        else:
            groups.append([sentence])
    groups = _without_orphans(groups)
    ends = [0.0, *(group[-1].span.end_s for group in groups)]
    starts = [*(group[0].span.start_s for group in groups), duration_s][1:]
    return [
        _Passage(
            sentences=tuple(group),
            room=span(min(end_s, group[0].span.start_s), max(start_s, group[-1].span.end_s)),
        )
        for group, end_s, start_s in zip(groups, ends, starts, strict=False)
    ]


def _without_orphans(groups: Sequence[list[Sentence]]) -> list[list[Sentence]]:
    """Return the groups, what is too short to stand alone added to the one before it where that has room."""
    kept: list[list[Sentence]] = []
    for group in groups:
        if kept and _length_s(group) < SHORTEST_S and _may_join(kept[-1], group):
            kept[-1] = kept[-1] + group
        else:
            kept.append(group)
    return kept


def _goes_on(group: Sequence[Sentence], sentence: Sentence) -> bool:
    """Return whether a sentence belongs to the group before it."""
    if not _may_join(group, [sentence]):
        return False
    if _is_question(group[-1]):
        return True
    return _length_s(group) < SHORTEST_S and not _is_question(sentence)


def _may_join(group: Sequence[Sentence], more: Sequence[Sentence]) -> bool:
    pause_s = more[0].span.start_s - group[-1].span.end_s
    longest_s = LONGEST_S - LEAD_IN_S - RUN_OUT_S
    return pause_s <= LONGEST_PAUSE_S and more[-1].span.end_s - group[0].span.start_s <= longest_s


def _length_s(group: Sequence[Sentence]) -> float:
    return group[-1].span.end_s - group[0].span.start_s


def _placed(passages: Sequence[_Passage]) -> list[tuple[_Passage, Span]]:
    """Return the passages that can be shown, with their places."""
    placed: list[tuple[_Passage, Span]] = []
    for each in passages:
        after_s = placed[-1][1].end_s if placed else 0.0
        place = _place(each.spoken, span(min(max(after_s, each.room.start_s), each.spoken.start_s), each.room.end_s))
        if SHORTEST_S - ROUNDING_S <= place.duration_s <= LONGEST_S + ROUNDING_S:
            placed.append((each, place))
    return placed


def _place(spoken: Span, room: Span) -> Span:
    """Return what is shown of a passage: its words, padded inside the room."""
    spare_s = max(0.0, LONGEST_S - spoken.duration_s)
    share = min(1.0, spare_s / (LEAD_IN_S + RUN_OUT_S))
    start_s = max(room.start_s, spoken.start_s - share * LEAD_IN_S)
    end_s = min(room.end_s, spoken.end_s + share * RUN_OUT_S)
    end_s = min(room.end_s, max(end_s, start_s + SHORTEST_S))  # silence after it first: the thought can sink in
    return span(max(room.start_s, min(start_s, end_s - SHORTEST_S)), end_s)


def _score(passage: _Passage, usual: float) -> float:
    speed = _letters_per_s(passage) / usual if usual else 1.0
    dense = min(1.0, max(0.0, (speed - 0.7) / 0.8))
    points = BASE + FOR_ANSWER * _is_answered(passage) + FOR_THOUGHT * _is_thought(passage) + FOR_DENSITY * dense
    sure = sum(word.confidence for word in passage.words) / len(passage.words)
    return round(min(1.0, max(0.0, points * sure)), 4)


def _reasons(passage: _Passage, usual: float) -> tuple[str, ...]:
    is_dense = _letters_per_s(passage) >= DENSE_FROM * usual
    reasons = (
        (QUESTION_REASON, _is_answered(passage)),
        (DENSE_REASON, is_dense),
        (THOUGHT_REASON, _is_thought(passage) and not _is_answered(passage)),
    )
    return tuple(reason for reason, holds in reasons if holds) or (SPEECH_REASON,)


def _letters_per_s(passage: _Passage) -> float:
    return sum(len(word.text) for word in passage.words) / max(0.1, passage.spoken.duration_s)


def _is_answered(passage: _Passage) -> bool:
    return any(_is_question(one) and not _is_question(other) for one, other in pairwise(passage.sentences))


def _is_thought(passage: _Passage) -> bool:
    """Return whether it ends like a sentence and is long enough to say something."""
    last = passage.words[-1].text.rstrip(CLOSERS)
    return last.endswith(SENTENCE_ENDS) and not last.endswith(QUESTION_ENDS) and passage.spoken.duration_s >= SHORTEST_S


def _is_question(sentence: Sentence) -> bool:
    return sentence.words[-1].text.rstrip(CLOSERS).endswith(QUESTION_ENDS)


def _joined(highlights: Sequence[Highlight]) -> list[Span]:
    """Return the stretches that candidates cover, those that only touch kept apart."""
    joined: list[Span] = []
    for each in sorted(each.span for each in highlights):
        if joined and each.start_s < joined[-1].end_s:
            joined[-1] = span(joined[-1].start_s, max(joined[-1].end_s, each.end_s))
        else:
            joined.append(each)
    return joined


def _is_joint(one: Span, speech: Sequence[Highlight]) -> bool:
    """Return whether it is more than one movement or one passage."""
    return overlap_s(one, [each.span for each in speech]) > 0


def _cut_while(one: Span, speech: Sequence[Highlight], is_too_long: Callable[[Span], bool]) -> list[Span]:
    if not is_too_long(one) or _cut_at(one, speech) is None:
        return [one]
    return [part for half in _halves(one, speech) for part in _cut_while(half, speech, is_too_long)]


def _halves(one: Span, speech: Sequence[Highlight]) -> list[Span]:
    at_s = _cut_at(one, speech)
    assert at_s is not None
    return [span(one.start_s, at_s), span(at_s, one.end_s)]


def _cut_at(one: Span, speech: Sequence[Highlight]) -> float | None:
    """Return where a stretch is best cut: near its middle, in no passage, `SHORTEST_S` from both ends."""
    first_s, last_s = one.start_s + SHORTEST_S, one.end_s - SHORTEST_S
    passages = [each.span for each in speech if each.span.start_s < one.end_s and one.start_s < each.span.end_s]
    places = [one.middle_s, *(t for each in passages for t in (each.start_s, each.end_s))]
    free = [t for t in places if first_s <= t <= last_s and not any(each.start_s < t < each.end_s for each in passages)]
    return min(free, key=lambda t: (abs(t - one.middle_s), t), default=None)


def _candidate(
    piece: Span, motion: Sequence[Highlight], speech: Sequence[Highlight], motion_score: Callable[[Span], float] | None
) -> Highlight:
    moving = [each for each in motion if _meet(each.span, piece)]
    if motion_score is not None:
        moving = [replace(each, score=motion_score(_common(each.span, piece))) for each in moving]
    spoken = [each for each in speech if _meet(each.span, piece)]
    best_moving = max((each.score for each in moving), default=0.0)
    best_spoken = max((each.score for each in spoken), default=0.0)
    reasons = [reason for each in (*moving, *sorted(spoken, key=lambda s: -s.score)) for reason in each.reasons]
    if any(set(each.reasons) - {SPEECH_REASON} for each in spoken):
        reasons = [reason for reason in reasons if reason != SPEECH_REASON]  # a better one says as much
    return Highlight(
        span=piece,
        score=round(1 - (1 - best_moving) * (1 - best_spoken), 4),
        reasons=tuple(dict.fromkeys(reasons)),
    )


def _meet(one: Span, other: Span) -> bool:
    return one.start_s < other.end_s and other.start_s < one.end_s


def _common(one: Span, other: Span) -> Span:
    return span(max(one.start_s, other.start_s), min(one.end_s, other.end_s))
