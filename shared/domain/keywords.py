"""Where somebody says what the user wants to hear about."""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

from shared.domain.running_text import has_space
from shared.domain.span import Span, span
from shared.domain.transcript import LONGEST_PAUSE_S, Word

_UNSPACED_CHARS = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
"""Thai, Lao, Burmese, Khmer, kana and Chinese characters: scripts that put no spaces between words."""

SURE = 0.2
"""A recognizer that is told what may be said invents it, unsurely, where nobody speaks: "kickflip", at 0.05. The least
sure words that were really said lie at 0.25 and above."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SaidKeyword:
    """A keyword and when it is said."""

    keyword: str
    """As the user wrote it."""
    span: Span


def said_keywords(words: Sequence[Word], keywords: Iterable[str]) -> tuple[SaidKeyword, ...]:
    """Return every time a keyword is said, in order of time.

    Whole words only, whatever their case, punctuation and Unicode form; in scripts without spaces wherever the
    characters stand, as a transcript's words there are pieces of any length. Inflections are other words, "C++" is not
    "C", and nothing is said across a pause longer than `LONGEST_PAUSE_S`. What was heard with less confidence than
    `SURE` was not said.
    """
    spaced, unspaced = _Said(words, has_spaces=True), _Said(words, has_spaces=False)
    found = [
        SaidKeyword(keyword=keyword, span=each)
        for keyword in dict.fromkeys(keywords)
        for each in (unspaced if _unspaced().search(keyword) else spaced).times(keyword)
    ]
    return tuple(sorted(found, key=lambda each: (each.span, each.keyword)))


def folded(text: str) -> str:
    """Return the text as it is compared: no case, one Unicode form, all that is no letter, mark or digit a space."""
    plain = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return " ".join("".join(each if unicodedata.category(each)[0] in "LMN" else " " for each in plain).split())


class _Said:
    """All words as one folded text, with or without spaces, and whose each of its characters is."""

    def __init__(self, words: Sequence[Word], *, has_spaces: bool) -> None:
        self.words = words
        self.between = " " if has_spaces else ""
        self.owners: list[int] = []
        chars: list[str] = []
        before: Word | None = None
        for at, word in enumerate(words):
            part = folded(word.text)
            if before is None or not _is_glued(before, word):
                part = f" {part}"
            if has_spaces:  # "YouTubeで" holds the word "YouTube"
                part = _script_changes().sub(" ", part)
            for char in part if has_spaces else part.replace(" ", ""):
                chars.append(char)
                self.owners.append(at)
            before = word if folded(word.text) else None
        self.text = "".join(chars) + self.between

    def times(self, keyword: str) -> Iterator[Span]:
        """Yield when a keyword is said."""
        wanted, signs = folded(keyword).replace(" ", self.between), _signs(keyword)
        looked_for = self.between + wanted + self.between
        at = self.text.find(looked_for) if wanted else -1
        while at >= 0:
            first = at + len(self.between)
            said = self.words[self.owners[first] : self.owners[first + len(wanted) - 1] + 1]
            if _is_sure(said) and _goes_on(said) and _has(said, signs):
                yield span(said[0].start_s, max(said[0].start_s, said[-1].end_s))
            at = self.text.find(looked_for, at + len(wanted))


def _is_sure(said: Sequence[Word]) -> bool:
    return sum(each.confidence for each in said) >= SURE * len(said)


def _goes_on(said: Sequence[Word]) -> bool:
    return all(after.start_s - before.end_s <= LONGEST_PAUSE_S for before, after in pairwise(said))


def _is_glued(before: Word, after: Word) -> bool:
    """Return whether two words are one in pieces, as "You" and "Tube" between Japanese ones are."""
    last, first = before.text[-1:], after.text[:1]
    is_one_script = bool(_unspaced().match(last)) == bool(_unspaced().match(first))
    return is_one_script and _is_said(last) and _is_said(first) and not has_space(before, after)


def _is_said(char: str) -> bool:
    return char != "" and unicodedata.category(char)[0] in "LMN"


def _signs(text: str) -> str:
    """Return the signs that make another word, those of "C++", "C#" and "$5"; not punctuation, nor a hashtag's."""
    plain = unicodedata.normalize("NFKC", text).lstrip("#")
    return "".join(each for each in plain if unicodedata.category(each) in ("Sm", "Sc") or each in "#%&")


def _has(said: Sequence[Word], signs: str) -> bool:
    return not signs or signs in "".join(_signs(each.text) for each in said)


@cache  # compiled when keywords are looked for: 9 ms that nobody else is to pay at every start
def _unspaced() -> re.Pattern[str]:
    return re.compile(f"[{_UNSPACED_CHARS}]")


@cache
def _script_changes() -> re.Pattern[str]:
    """Return what matches where a script that puts spaces between words meets one that does not."""
    return re.compile(
        f"(?<=[{_UNSPACED_CHARS}])(?=[^{_UNSPACED_CHARS} ])|(?<=[^{_UNSPACED_CHARS} ])(?=[{_UNSPACED_CHARS}])"
    )
