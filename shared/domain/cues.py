"""Captions: words become cues that can be read."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import accumulate, pairwise

from shared.domain.cue_borders import NOTED_PAUSE_S, border_costs, sentence_ends
from shared.domain.edit_list import EditList
from shared.domain.reel_time import CameOn, as_asked, reel_words
from shared.domain.running_text import NARROW, has_space, is_silent, is_torn, joined, text_width
from shared.domain.transcript import LONGEST_PAUSE_S, Word

SHORTEST_S = 1.0
LONGEST_S = 7.0
READ_PER_S = 20.0  # characters an adult reads in a second; a cue that comes and goes faster lingers if there is room
LINE_WIDTH = 42 * NARROW

# What a cue costs beside its borders: these are set so that the sum is least.
PER_CUE = 1.0
SENTENCE_ENDS_INSIDE = 1.2
PAUSE_INSIDE_PER_S = 2.0
FULLNESS = 0.5  # times the square of how full a cue is: equal cues are cheapest
UNEVEN = 10.0  # times the difference of two lines, in lines

Cost = tuple[int, float]
"""Missing milliseconds of `SHORTEST_S`, then everything else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cue:
    """What is on screen for one stretch of time."""

    start_s: float
    end_s: float
    lines: tuple[str, ...]
    """One or two."""

    @property
    def text(self) -> str:
        return "\n".join(self.lines)


def source_cues(words: Sequence[Word], *, duration_s: float, language: str | None = None) -> tuple[Cue, ...]:
    """Return the cues of a whole source, in source time; `language` is what is spoken (ISO 639-1)."""
    return cues(words, end_s=duration_s, language=language)


def reel_cues(
    words: Sequence[Word],
    edit_list: EditList,
    fps: Fraction,
    came_on_s: CameOn = as_asked,
    *,
    language: str | None = None,
) -> tuple[Cue, ...]:
    """Return the cues of a reel, in reel time, from words in source time; none goes on into the next clip."""
    clips = reel_words(words, edit_list, fps, came_on_s)
    return tuple(cue for place, heard in clips for cue in cues(heard, end_s=place.end_s, language=language))


def cues(words: Sequence[Word], *, end_s: float, language: str | None = None) -> tuple[Cue, ...]:
    """Return cues with every word in exactly one of them, in order, none overlapping the next, none after `end_s`.

    A cue begins with its first word and has at most two lines of 42 narrow or 16 wide characters; a single word that
    is wider stands alone. It stays `SHORTEST_S`, and as long as it takes to read, if the next one leaves room;
    never longer than `LONGEST_S`. Borders lie at sentence ends, clauses and pauses where the limits allow it, then
    before conjunctions and behind Japanese particles, seldom behind an article; what is written together stays so.
    """
    runs = _runs(_whole(words))
    begins = [*(run[0].start_s for run in runs), end_s][1:]
    return tuple(
        cue for run, beyond_s in zip(runs, begins, strict=True) for cue in _Run(run, beyond_s, language).cues()
    )


class _Run:
    """Words without a long pause between them, and when the next thing begins."""

    def __init__(self, words: Sequence[Word], beyond_s: float, language: str | None) -> None:
        self.words = words
        self.begins_s = [*(word.start_s for word in words), max(beyond_s, words[-1].start_s)]
        self.spaces = [0 if at == 0 or not has_space(words[at - 1], word) else NARROW for at, word in enumerate(words)]
        self.ends = sentence_ends(words, language)
        self.border_costs = [*border_costs(words, language), 0.0]
        widths = (text_width(word.text) + space for word, space in zip(words, self.spaces, strict=True))
        self.reach = [0, *accumulate(widths)]
        self.line_ends = [self._line_end(at) for at in range(len(words))]

    def cues(self) -> list[Cue]:
        borders = self._borders()
        return [self._cue(first, beyond) for first, beyond in pairwise(borders)]

    def _borders(self) -> list[int]:
        """Return where the cheapest cues begin, and the end."""
        best: list[tuple[Cost, int]] = [((0, 0.0), 0)]
        for beyond in range(1, len(self.words) + 1):
            options: list[tuple[Cost, int]] = []
            for first in range(beyond - 1, -1, -1):
                if not self._fits(first, beyond):
                    break
                (missing_ms, cost), (more_ms, more) = best[first][0], self._cost(first, beyond)
                options.append(((missing_ms + more_ms, round(cost + more, 6)), first))
            best.append(min(options))
        borders = [len(self.words)]
        while borders[-1]:
            borders.append(best[borders[-1]][1])
        return borders[::-1]

    def _fits(self, first: int, beyond: int) -> bool:
        if beyond - first == 1:
            return True
        if self.words[beyond - 1].end_s - self.words[first].start_s > LONGEST_S:
            return False
        return self._fits_line(first, beyond) or len(self._line_breaks(first, beyond)) > 0

    def _cost(self, first: int, beyond: int) -> Cost:
        missing_ms = max(0, round(1000 * (SHORTEST_S - (self.begins_s[beyond] - self.begins_s[first]))))
        inside = range(first + 1, beyond)
        ends = sum(self.ends[at - 1] for at in inside)
        pauses_s = sum(pause for at in inside if (pause := self._pause_s(at)) >= NOTED_PAUSE_S)
        full = self._width(first, beyond) / (2 * LINE_WIDTH)
        cost = PER_CUE + SENTENCE_ENDS_INSIDE * ends + PAUSE_INSIDE_PER_S * pauses_s + FULLNESS * full**2
        return missing_ms, cost + self.border_costs[beyond]

    def _cue(self, first: int, beyond: int) -> Cue:
        words = self.words[first:beyond]
        lines = self._lines(first, beyond)
        start_s = words[0].start_s
        read_s = max(SHORTEST_S, text_width("".join(lines)) / NARROW / READ_PER_S)
        end_s = min(max(words[-1].end_s, start_s + read_s), self.begins_s[beyond], start_s + LONGEST_S)
        return Cue(start_s=start_s, end_s=max(start_s, end_s), lines=lines)

    def _lines(self, first: int, beyond: int) -> tuple[str, ...]:
        words = self.words[first:beyond]
        breaks = self._line_breaks(first, beyond)
        if self._fits_line(first, beyond) or not breaks:
            return (joined(words),)
        at = min(breaks, key=lambda at: (self._line_break_cost(first, at, beyond), at))
        return joined(words[: at - first]), joined(words[at - first :])

    def _line_break_cost(self, first: int, at: int, beyond: int) -> float:
        """Return how bad it is to break the line before word `at`: at a clause, else where the lines are alike."""
        upper, lower = self._width(first, at), self._width(at, beyond)
        return UNEVEN * abs(upper - lower) / LINE_WIDTH + self.border_costs[at]

    def _line_breaks(self, first: int, beyond: int) -> range:
        """Return before which words a line can be broken so that both fit."""
        latest = min(self.line_ends[first], beyond - 1)
        earliest = latest + 1
        while earliest - 1 > first and self._fits_line(earliest - 1, beyond):
            earliest -= 1
        return range(earliest, latest + 1)

    def _line_end(self, first: int) -> int:
        """Return the first word that does not fit on the line that `first` begins."""
        return bisect_right(self.reach, LINE_WIDTH + self.reach[first] + self.spaces[first]) - 1

    def _fits_line(self, first: int, beyond: int) -> bool:
        return self._width(first, beyond) <= LINE_WIDTH

    def _width(self, first: int, beyond: int) -> int:
        return self.reach[beyond] - self.reach[first] - self.spaces[first]

    def _pause_s(self, at: int) -> float:
        return self.words[at].start_s - self.words[at - 1].end_s


def _whole(words: Sequence[Word]) -> list[Word]:
    """Return the words with those in one that no border may part, as long as such a one fits on a line."""
    whole: list[Word] = []
    for word in words:
        if whole and _belong_together(whole[-1], word):
            before = whole[-1]
            end_s = before.end_s if is_silent(word) else word.end_s
            whole[-1] = replace(before, text=joined((before, word)), end_s=end_s)
        else:
            whole.append(word)
    return whole


def _belong_together(before: Word, after: Word) -> bool:
    if not is_torn(before, after) or text_width(joined((before, after))) > LINE_WIDTH:
        return False
    if is_silent(after):
        return True
    is_scrap = min(len(before.text), len(after.text)) == 1  # of a word whose other part was put behind the pause
    may_pause_s = LONGEST_PAUSE_S if is_scrap else NOTED_PAUSE_S
    return after.start_s - before.end_s < may_pause_s and after.end_s - before.start_s <= LONGEST_S


def _runs(words: Sequence[Word]) -> list[list[Word]]:
    """Return the words parted where nobody speaks for long."""
    runs: list[list[Word]] = []
    for word in words:
        if not runs or word.start_s - runs[-1][-1].end_s > LONGEST_PAUSE_S:
            runs.append([])
        runs[-1].append(word)
    return runs
