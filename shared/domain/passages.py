"""Speech as it is shown: whole sentences that belong together, with a lead-in."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from statistics import median

from shared.domain.candidate import Passage, is_question
from shared.domain.clip_lengths import ROUNDING_S, ClipLengths
from shared.domain.shortening import LEAD_IN_S, RUN_OUT_S
from shared.domain.sound_peaks import SoundPeak, with_laughter
from shared.domain.span import Span, span
from shared.domain.transcript import LONGEST_PAUSE_S, Sentence

SHORTEST_S = 4.0
LONGEST_S = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """A passage and what is shown of the source for it."""

    passage: Passage
    span: Span


def placed_passages(
    found: Sequence[Sentence],
    peaks: Sequence[SoundPeak],
    *,
    duration_s: float,
    lengths: ClipLengths,
    is_wanted: Callable[[Passage], bool],
) -> tuple[Placed, ...]:
    """Return passages of whole sentences, in order of time, none overlapping.

    Sentences are put together up to `LONGEST_S`, less where clips are to be shorter, more where they are to be longer;
    a single sentence may last longer. Each passage has up to `LEAD_IN_S` before its first word and `RUN_OUT_S` after
    its last, or after the laughter that it earns, never into another word; it leaves the next one its lead-in, or its
    share where there is not room for both. One shorter than `SHORTEST_S` is given the silence around it, one below the
    shortest clip also that lead-in; what is below it even then is passed over, unless it `is_wanted` or there is
    nothing else.
    """
    rule = _Rule.of(lengths)
    passages = _with_density(_groups(found, rule))
    rooms = _rooms(passages, found, peaks, duration_s=duration_s, rule=rule)
    return _placed(passages, rooms, rule, is_wanted) or _placed(passages, rooms, rule, lambda _: True)


def parted(whole: Placed, shortest_s: float) -> tuple[Placed, Placed] | None:
    """Return a passage as two of whole sentences, both at least `shortest_s` long; None when that cannot be.

    Of several ways the one nearest to its middle; a question stays with its answer.
    """
    said = whole.passage.sentences
    ways: list[tuple[float, int]] = []
    for n in range(1, len(said)):
        pause = span(said[n - 1].span.end_s, said[n].span.start_s)
        cut_s = pause.start_s + pause.duration_s * RUN_OUT_S / (RUN_OUT_S + LEAD_IN_S)
        is_long_enough = min(cut_s - whole.span.start_s, whole.span.end_s - cut_s) >= shortest_s - ROUNDING_S
        if is_long_enough and not is_question(said[n - 1]):
            ways.append((cut_s, n))
    if not ways:
        return None
    cut_s, n = min(ways, key=lambda way: (abs(way[0] - whole.span.middle_s), way[0]))
    return (
        Placed(passage=replace(whole.passage, sentences=said[:n]), span=span(whole.span.start_s, cut_s)),
        Placed(passage=replace(whole.passage, sentences=said[n:]), span=span(cut_s, whole.span.end_s)),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rule:
    """How long a passage is, in seconds."""

    least_s: float
    """What is shorter is no clip."""
    shortest_s: float
    """What is shorter grows, if it can."""
    longest_s: float

    @classmethod
    def of(cls, lengths: ClipLengths) -> "_Rule":
        longest_s = min(lengths.longest_s, max(LONGEST_S, 2 * lengths.shortest_s))
        shortest_s = max(lengths.shortest_s, min(SHORTEST_S, longest_s / 2))
        return cls(least_s=lengths.shortest_s, shortest_s=shortest_s, longest_s=longest_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Room:
    """What is to be shown of a passage, and the room around it in which nobody speaks."""

    core: Span
    """Its words, and the laughter that they earn."""
    room: Span
    """Without the next one's lead-in."""
    next_s: float
    """When the next one begins."""


def _groups(found: Sequence[Sentence], rule: _Rule) -> list[list[Sentence]]:
    """Return the sentences in groups: a question with its answer, short ones with their neighbours."""
    groups: list[list[Sentence]] = []
    for sentence in found:
        if groups and _goes_on(groups[-1], sentence, rule):
            groups[-1].append(sentence)
        else:
            groups.append([sentence])
    return _without_orphans(groups, rule)


def _without_orphans(groups: Sequence[list[Sentence]], rule: _Rule) -> list[list[Sentence]]:
    """Return the groups, what is too short to stand alone added to the one before it, or after it, that has room."""
    kept: list[list[Sentence]] = []
    for group in groups:
        is_short = bool(kept) and min(_length_s(kept[-1]), _length_s(group)) < rule.shortest_s
        if is_short and _may_join(kept[-1], group, rule):
            kept[-1] = kept[-1] + group
        else:
            kept.append(group)
    return kept


def _goes_on(group: Sequence[Sentence], sentence: Sentence, rule: _Rule) -> bool:
    """Return whether a sentence belongs to the group before it."""
    if not _may_join(group, [sentence], rule):
        return False
    if is_question(group[-1]):
        return True
    return _length_s(group) < rule.shortest_s and not is_question(sentence)


def _may_join(group: Sequence[Sentence], more: Sequence[Sentence], rule: _Rule) -> bool:
    pause_s = more[0].span.start_s - group[-1].span.end_s
    longest_s = rule.longest_s - LEAD_IN_S - RUN_OUT_S
    return pause_s <= LONGEST_PAUSE_S and more[-1].span.end_s - group[0].span.start_s <= longest_s


def _length_s(group: Sequence[Sentence]) -> float:
    return group[-1].span.end_s - group[0].span.start_s


def _with_density(groups: Sequence[Sequence[Sentence]]) -> list[Passage]:
    passages = [Passage(sentences=tuple(group)) for group in groups]
    usual = median([_letters_per_s(each) for each in passages]) if passages else 0.0
    return [replace(each, density=_letters_per_s(each) / usual if usual else 1.0) for each in passages]


def _letters_per_s(passage: Passage) -> float:
    return sum(len(word.text) for word in passage.words) / max(0.1, passage.spoken.duration_s)


def _rooms(
    passages: Sequence[Passage],
    found: Sequence[Sentence],
    peaks: Sequence[SoundPeak],
    *,
    duration_s: float,
    rule: _Rule,
) -> list[_Room]:
    laughed = with_laughter([each.span for each in found], peaks)
    last_of = list(accumulate(len(each.sentences) for each in passages))
    rooms = []
    for at, each in enumerate(passages):
        spoken = each.spoken
        before_s = passages[at - 1].spoken.end_s if at else 0.0
        after_s = passages[at + 1].spoken.start_s if at + 1 < len(passages) else duration_s
        end_s = max(spoken.end_s, min(laughed[last_of[at] - 1].end_s, after_s))
        is_too_long = end_s - spoken.start_s > rule.longest_s - LEAD_IN_S - RUN_OUT_S
        core = span(spoken.start_s, spoken.end_s if is_too_long else end_s)
        next_s = after_s
        if at + 1 < len(passages):
            after_s -= min(LEAD_IN_S, max(0.0, after_s - core.end_s) * LEAD_IN_S / (LEAD_IN_S + RUN_OUT_S))
        room = span(min(before_s, core.start_s), max(after_s, core.end_s))
        rooms.append(_Room(core=core, room=room, next_s=max(next_s, core.end_s)))
    return rooms


def _placed(
    passages: Sequence[Passage], rooms: Sequence[_Room], rule: _Rule, is_wanted: Callable[[Passage], bool]
) -> tuple[Placed, ...]:
    """Return the passages that can be shown, with their places."""
    placed: list[Placed] = []
    for each, around in zip(passages, rooms, strict=True):
        after_s = placed[-1].span.end_s if placed else 0.0
        room = span(min(max(after_s, around.room.start_s), around.core.start_s), around.room.end_s)
        place = _place(around.core, room, rule)
        if place.duration_s < rule.least_s:  # better the next one without a lead-in than this one left out
            place = span(place.start_s, max(place.end_s, min(around.next_s, place.start_s + rule.least_s)))
        if place.duration_s >= rule.least_s - ROUNDING_S or is_wanted(each):
            placed.append(Placed(passage=each, span=place))
    return tuple(placed)


def _place(core: Span, room: Span, rule: _Rule) -> Span:
    """Return what is shown of a passage: its words, padded inside the room."""
    spare_s = max(0.0, rule.longest_s - core.duration_s)
    share = min(1.0, spare_s / (LEAD_IN_S + RUN_OUT_S))
    start_s = max(room.start_s, core.start_s - share * LEAD_IN_S)
    end_s = min(room.end_s, core.end_s + share * RUN_OUT_S)
    end_s = min(room.end_s, max(end_s, start_s + rule.shortest_s))  # silence after it first: the thought can sink in
    return span(max(room.start_s, min(start_s, end_s - rule.shortest_s)), end_s)
