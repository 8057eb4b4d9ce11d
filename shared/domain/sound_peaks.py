"""Where people laugh, cheer or clap, by the sound alone: bursts that stand out from the source's speech.

Nothing here knows how laughter sounds. It looks for what is clearly louder than people speak in this source, lasts
as long as laughter does, is hardly covered by words, and stands out on both sides; what somebody wrote down as laughter
counts, too.
"""

import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import log10
from statistics import median, quantiles

from shared.domain.sound_level import LEVEL_STEP_S, SILENCE_DB, SoundLevel
from shared.domain.span import Span, join_near, meeting, overlap_s, span, total_s
from shared.domain.transcript import Word

SMOOTHED_S = 0.5  # syllables, and the ha of laughter, come four or five a second
LOUDER_DB = 3.0  # above the loud tenth of the speech; of nine recordings of read and free speech none gets there unsaid
STANDS_OUT_DB = 5.0  # above the usual level before it and after it; loud music does not
AROUND_S = 10.0  # how far before and after
SHORTEST_S, LONGEST_S = 0.5, 10.0  # a cough or a slammed door is shorter, a song is longer
BREATH_S = 0.4  # between two bursts of one laughter
SAID_SHARE = 0.5  # of a burst, at most: what is shouted is emphasis
LEAST_SPEECH_S = 3.0  # with less of it nobody can say how loud people speak here
FOLLOWS_S = 3.0  # laughter this soon after a sentence answers it

_HA = r"(?:ha|he|hi|ho|ah|ах|ха|хе|хи)"
_LAUGHED = re.compile(
    rf"(?:a?{_HA}{{2,}}h?|(?:ja|je|ji){{3,}}|[\u314b\u110f]{{2,}}|[\u314e\u1112]{{2,}}|哈{{2,}}|呵{{2,}}|あはは+|ははは+|ハハ+|笑)"
)
_NAMED = re.compile(r"[(\[（【*♪]*(?:laugh|chuckl|giggl|applau|cheer|lach|gelächter|rire|risa|risada|смех|笑)")
_OPENERS = "([（【*"


@dataclass(frozen=True, slots=True, kw_only=True)
class SoundPeak:
    """A burst of sound that may be laughter, cheering or applause."""

    span: Span
    louder_db: float = 0.0
    """By how much it is louder than the loud tenth of the speech; 0 where it was only written down."""


def sound_peaks(levels: Sequence[SoundLevel], words: Sequence[Word]) -> tuple[SoundPeak, ...]:
    """Return the bursts in order of time, none overlapping; levels and words in any order."""
    laughed = [span(word.start_s, word.end_s) for word in words if is_laughter(word.text)]
    said = join_near(span(word.start_s, word.end_s) for word in words if not is_laughter(word.text))
    found = [*_loud_peaks(sorted(levels, key=lambda each: each.start_s), said)]
    loud = [each.span for each in found]
    for stretch in join_near(laughed, gap_s=BREATH_S):
        if not meeting(stretch, loud):
            found.append(SoundPeak(span=stretch))
    return tuple(sorted(found, key=lambda each: each.span))


def is_laughter(text: str) -> bool:
    """Return whether a word is written laughter: "haha", "(laughter)", "[Laughs]"."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    if folded.startswith(tuple(_OPENERS)) and _NAMED.match(folded):
        return True
    return _LAUGHED.fullmatch(re.sub(r"[^\w]", "", folded)) is not None


def with_laughter(sentences: Sequence[Span], peaks: Iterable[SoundPeak]) -> list[Span]:
    """Return the sentences, each to the end of the laughter that it earns, but never into the next one.

    `sentences` are in order and do not overlap.
    """
    extended = list(sentences)
    starts_s = [each.start_s for each in sentences]
    for peak in peaks:
        at = bisect_right(starts_s, peak.span.start_s) - 1
        if at >= 0 and peak.span.start_s <= sentences[at].end_s + FOLLOWS_S:
            limit_s = starts_s[at + 1] if at + 1 < len(sentences) else peak.span.end_s
            end_s = max(extended[at].end_s, min(peak.span.end_s, limit_s))
            extended[at] = span(extended[at].start_s, end_s)
    return extended


def _loud_peaks(levels: Sequence[SoundLevel], said: Sequence[Span]) -> Iterable[SoundPeak]:
    if not levels or total_s(said) < LEAST_SPEECH_S:
        return
    steps = _steps(levels)
    smooth_db = _smoothed(levels)
    speech_db = [level for level, step in zip(smooth_db, steps, strict=True) if _is_within(step.middle_s, said)]
    if len(speech_db) < LEAST_SPEECH_S / LEVEL_STEP_S:
        return
    loud_db = quantiles(speech_db, n=10)[-1]
    over = [step for step, level in zip(steps, smooth_db, strict=True) if level >= loud_db + LOUDER_DB]
    for burst in join_near(over, gap_s=BREATH_S):
        first, last = _inside(levels, burst.start_s, burst.end_s)
        really_loud = [step for step, each in zip(steps[first:last], levels[first:last], strict=True)
                       if each.level_db >= loud_db]  # fmt: skip
        if not (total_s(really_loud) >= SHORTEST_S - 1e-6 and burst.duration_s <= LONGEST_S):
            continue
        if overlap_s(burst, meeting(burst, said)) > SAID_SHARE * burst.duration_s:
            continue
        level_db = median(smooth_db[first:last])
        if level_db >= _usual_around(levels, smooth_db, burst) + STANDS_OUT_DB:
            yield SoundPeak(span=burst, louder_db=round(level_db - loud_db, 2))


def _steps(levels: Sequence[SoundLevel]) -> list[Span]:
    """Return when each level holds: until the next one, and never longer than a step."""
    ends_s = [*(each.start_s for each in levels[1:]), float("inf")]
    return [
        span(each.start_s, min(max(each.start_s, end_s), each.start_s + LEVEL_STEP_S))
        for each, end_s in zip(levels, ends_s, strict=True)
    ]


def _smoothed(levels: Sequence[SoundLevel]) -> list[float]:
    """Return the level of the mean power over `SMOOTHED_S` around each step."""
    power = [10 ** (each.level_db / 10) for each in levels]
    half = round(SMOOTHED_S / LEVEL_STEP_S) // 2
    around = [power[max(0, at - half) : at + half + 1] for at in range(len(power))]
    return [max(SILENCE_DB, 10 * log10(max(sum(each) / len(each), 1e-10))) for each in around]


def _usual_around(levels: Sequence[SoundLevel], smooth_db: Sequence[float], burst: Span) -> float:
    """Return the usual level before or after a burst, whichever is louder."""
    sides = (
        _inside(levels, burst.start_s - AROUND_S, burst.start_s),
        _inside(levels, burst.end_s, burst.end_s + AROUND_S),
    )
    return max((median(smooth_db[first:last]) for first, last in sides if last > first), default=SILENCE_DB)


def _inside(levels: Sequence[SoundLevel], start_s: float, end_s: float) -> tuple[int, int]:
    """Return the first and one past the last of the levels that begin in a stretch."""
    first, last = (bisect_left(levels, t_s - 1e-6, key=lambda each: each.start_s) for t_s in (start_s, end_s))
    return first, last


def _is_within(t_s: float, spans: Sequence[Span]) -> bool:
    at = bisect_right(spans, t_s, key=lambda each: each.start_s) - 1
    return at >= 0 and t_s < spans[at].end_s
