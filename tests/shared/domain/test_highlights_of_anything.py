"""Whatever moves, is said and sounds: what every choice keeps to."""

import random
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from math import inf
from typing import TypeVar

from hypothesis import given
from hypothesis import strategies as st

from shared.domain.candidate import Candidate
from shared.domain.candidates import MotionEvidence, SpeechEvidence
from shared.domain.choose_highlights import choose_highlights
from shared.domain.clip_lengths import ClipLengths, clip_lengths
from shared.domain.edit_list import RenderMode
from shared.domain.highlight import Highlight
from shared.domain.material import material
from shared.domain.motion import Look
from shared.domain.options import MotionOptions
from shared.domain.render_plan import EARLIER_S, LATER_S, plan_render
from shared.domain.score_spans import score_spans
from shared.domain.shortening import LEAD_IN_S, RUN_OUT_S, Material
from shared.domain.sound_level import SoundLevel
from shared.domain.span import Span, span, total_s
from shared.domain.transcript import Word

T = TypeVar("T")
DURATION_S = 240.0
TINY_S = 1e-6
texts = st.sampled_from(
    ("so", "well,", "board.", "Why?", "internationally", "Yes!", "and", "haha", "滑板。", "kickflip")
)


@st.composite
def speech(draw: st.DrawFn) -> list[Word]:
    words: list[Word] = []
    at_ms = 0
    for text, length_ms, pause_ms in draw(
        st.lists(st.tuples(texts, st.integers(50, 1500), st.one_of(st.just(0), st.integers(0, 8000))), max_size=60)
    ):
        at_ms += pause_ms
        words.append(Word(text=text, start_s=at_ms / 1000, end_s=(at_ms + length_ms) / 1000, confidence=0.9))
        at_ms += length_ms
    return words


@st.composite
def movement(draw: st.DrawFn) -> MotionEvidence:
    events, looks, at_s = [], [], 0.0
    for gap, length, speed in draw(
        st.lists(st.tuples(st.integers(4, 60), st.integers(1, 45), st.floats(0.03, 5)), max_size=6)
    ):
        at_s += gap
        if at_s >= DURATION_S:
            break
        event = span(at_s, min(at_s + length, DURATION_S))
        events.append(event)
        looks += [
            Look(t_s=at_s + n / 4, speed=speed, energy=speed * (1 + n % 7) / 7)
            for n in range(int(event.duration_s * 4))
        ]
        at_s = event.end_s
    return MotionEvidence(events=tuple(events), looks=tuple(looks), options=MotionOptions())


@st.composite
def sounds(draw: st.DrawFn) -> list[SoundLevel]:
    parts = draw(st.lists(st.tuples(st.integers(1, 60), st.floats(-100, 0)), max_size=8))
    each_db = [level_db for length, level_db in parts for _ in range(length)]
    return [SoundLevel(start_s=at / 10, level_db=level_db) for at, level_db in enumerate(each_db)]


sizes = st.tuples(st.floats(0.5, 10), st.one_of(st.none(), st.floats(0, 20))).map(
    lambda two: clip_lengths(shortest_s=two[0], longest_s=None if two[1] is None else two[0] + two[1])
)
targets = st.one_of(st.none(), st.floats(1, 120))
SAID = ("kickflip", "滑板")
RENDERED: tuple[tuple[RenderMode, float], ...] = (("encode", 0.0), ("copy", EARLIER_S + LATER_S + 0.002))
"""How a reel is made, and how much longer keyframes may make a clip of it."""


def found(
    motion: MotionEvidence, words: list[Word], levels: list[SoundLevel], lengths: ClipLengths, target_s: float | None
) -> tuple[SpeechEvidence, tuple[Candidate, ...], tuple[Highlight, ...]]:
    scored = score_spans(motion, words, levels, duration_s=DURATION_S, keywords=SAID, lengths=lengths)
    highlights = choose_highlights(
        scored.highlights,
        target_s=target_s,
        lengths=lengths,
        material=material(motion, scored.speech, scored.candidates),
    )
    return scored.speech, scored.candidates, highlights


@given(movement(), speech(), sounds(), sizes, targets)
def test_chosen_clips_never_overlap_lie_in_the_source_and_keep_to_their_lengths(
    motion: MotionEvidence,
    words: list[Word],
    levels: list[SoundLevel],
    lengths: ClipLengths,
    target_s: float | None,
) -> None:
    _, candidates, highlights = found(motion, words, levels, lengths, target_s)
    kept = [each.span for each in highlights if each.is_chosen]
    assert bool(kept) is bool(candidates) and len(highlights) == len(candidates)
    assert all(one.end_s <= other.start_s for one, other in pairwise(kept))
    assert all(one.span.end_s <= other.span.start_s for one, other in pairwise(candidates))
    spans = [*(each.span for each in candidates), *(each.span for each in highlights)]
    assert all(each.start_s >= 0 and each.end_s <= DURATION_S for each in spans)
    assert all(0 <= each.score <= 1 and each.reasons for each in highlights)
    assert all(each.duration_s <= lengths.longest_s + TINY_S for each in kept)
    assert target_s is None or total_s(kept) <= target_s + TINY_S * len(kept)
    told = [replace(each, span=span(round(each.span.start_s, 4), round(each.span.end_s, 4))) for each in highlights]
    for render, longer_s in RENDERED:
        edit = plan_render(
            [each for each in told if each.is_chosen],
            render=render,
            why_not_copy=None,
            keyframes_s=[at * 1.9 for at in range(127)],
            duration_s=DURATION_S,
            longest_s=None if lengths.longest_s == inf else lengths.longest_s,
        )
        more_s = longer_s if edit.render == "copy" else 2e-4
        assert all(each.actual.duration_s <= lengths.longest_s + more_s + TINY_S for each in edit.clips)


@given(movement(), speech(), sizes)
def test_every_movement_is_in_the_candidates_and_a_short_one_in_one(
    motion: MotionEvidence, words: list[Word], lengths: ClipLengths
) -> None:
    _, candidates, _ = found(motion, words, [], lengths, None)
    for event in motion.events:
        parts = [
            span(max(event.start_s, each.span.start_s), min(event.end_s, each.span.end_s))
            for each in candidates
            if each.span.start_s < event.end_s and event.start_s < each.span.end_s
        ]
        assert abs(total_s(parts) - event.duration_s) < TINY_S
        assert len(parts) == 1 or event.duration_s > 20


@given(speech(), sounds(), sizes, targets)
def test_of_speech_alone_no_word_is_ever_cut(
    words: list[Word], levels: list[SoundLevel], lengths: ClipLengths, target_s: float | None
) -> None:
    nobody = MotionEvidence(options=MotionOptions())
    speech, candidates, highlights = found(nobody, words, levels, lengths, target_s)
    spoken = [span(each.start_s, each.end_s) for each in speech.words]
    assert [(each, word) for each in candidates for word in spoken if _is_cut(word, each.span)] == []
    chosen = [each.span for each in highlights if each.is_chosen]
    cut = [(each, word) for each in chosen for word in spoken if _is_cut(word, each)]
    if cut:  # the first word alone lasts longer than a clip may, and there is nothing else
        ((one, word),) = cut
        limit_s = lengths.longest_s if target_s is None else min(target_s, lengths.longest_s)
        assert chosen == [one] and one.start_s + TINY_S >= word.start_s and one.duration_s <= limit_s + TINY_S
        assert word.end_s - one.start_s > limit_s
        assert _that_fit(candidates, material(nobody, speech, candidates).sentences, limit_s) == []


@given(speech(), st.floats(0.5, 5), st.floats(0, 15), targets)
def test_what_is_chosen_of_speech_alone_begins_and_ends_at_a_sentence(
    words: list[Word], shortest_s: float, more_s: float, target_s: float | None
) -> None:
    nobody = MotionEvidence(options=MotionOptions())
    lengths = ClipLengths(shortest_s=shortest_s, longest_s=shortest_s + more_s)
    speech, candidates, highlights = found(nobody, words, [], lengths, target_s)
    known = material(nobody, speech, candidates)
    limit_s = lengths.longest_s if target_s is None else min(target_s, lengths.longest_s)
    kept = [each.span for each in highlights if each.is_chosen]
    for clip in kept:
        cut = [each.span for each in speech.sentences if _is_cut(each.span, clip)]
        if not cut:
            continue
        asked = [each for each in known.asked_for if clip.start_s <= each.middle_s <= clip.end_s]
        (shown,) = [each for each in candidates if each.span.start_s <= clip.start_s and clip.end_s <= each.span.end_s]
        whole = _that_fit([shown] if asked else candidates, known.sentences, limit_s)
        if asked:  # and no whole sentence could be a clip with something of what was asked for
            wanted = [
                each for each in whole if any(each.start_s <= one.middle_s <= each.end_s for one in known.asked_for)
            ]
            assert [each for each in wanted if each.duration_s >= shortest_s] == []
        else:
            assert (kept, whole) == ([clip], [])


def _that_fit(candidates: Sequence[Candidate], sentences: Sequence[Span], limit_s: float) -> list[Span]:
    """Return the sentences, each in a candidate, that leave room in a clip for the silence around them."""
    return [
        each
        for each in sentences
        if TINY_S < each.duration_s <= limit_s - LEAD_IN_S - RUN_OUT_S
        and any(one.span.start_s <= each.start_s and each.end_s <= one.span.end_s for one in candidates)
    ]


def _is_cut(sentence: Span, clip: Span) -> bool:
    return any(sentence.start_s + TINY_S < t < sentence.end_s - TINY_S for t in (clip.start_s, clip.end_s))


@given(movement(), speech(), sounds(), sizes, targets, st.randoms())
def test_the_order_in_which_things_come_changes_nothing(
    motion: MotionEvidence,
    words: list[Word],
    levels: list[SoundLevel],
    lengths: ClipLengths,
    target_s: float | None,
    chance: random.Random,
) -> None:
    once = found(motion, words, levels, lengths, target_s)
    mixed = MotionEvidence(
        events=tuple(_shuffled(motion.events, chance)),
        looks=tuple(_shuffled(motion.looks, chance)),
        options=motion.options,
    )
    assert found(mixed, _shuffled(words, chance), _shuffled(levels, chance), lengths, target_s) == once


spans = st.tuples(st.floats(0, 200), st.floats(0, 40)).map(lambda two: span(two[0], two[0] + two[1]))
highlights = st.builds(Highlight, span=spans, score=st.floats(0, 1), reasons=st.just(("x",)))


@given(st.lists(highlights, min_size=1, max_size=12), sizes, targets, st.randoms())
def test_of_any_candidates_even_overlapping_ones_a_choice_is_made_that_keeps_to_the_rules(
    candidates: list[Highlight], lengths: ClipLengths, target_s: float | None, chance: random.Random
) -> None:
    def kept(given: list[Highlight]) -> list[Span]:
        found = choose_highlights(given, target_s=target_s, lengths=lengths, material=Material())
        return sorted(each.span for each in found if each.is_chosen)

    clips = kept(candidates)
    assert clips
    assert all(one.end_s <= other.start_s for one, other in pairwise(clips))
    assert all(each.duration_s <= lengths.longest_s + TINY_S for each in clips)
    assert target_s is None or total_s(clips) <= target_s + TINY_S * len(clips)
    assert kept(_shuffled(candidates, chance)) == clips


def _shuffled(some: Sequence[T], chance: random.Random) -> list[T]:
    return chance.sample(list(some), len(some))
