"""Where somebody says what the user wants to hear about."""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from shared.domain.span import Span, span
from shared.domain.transcript import Word

_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
)
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
    characters stand, as a transcript's words there are pieces of any length. Inflections are other words. What was
    heard with less confidence than `SURE` was not said.
    """
    spaced, unspaced = _Said(words, between=" "), _Said(words, between="")
    found = [
        SaidKeyword(keyword=keyword, span=each)
        for keyword in dict.fromkeys(keywords)
        for each in (unspaced if _UNSPACED.search(keyword) else spaced).times(folded(keyword))
    ]
    return tuple(sorted(found, key=lambda each: (each.span, each.keyword)))


def folded(text: str) -> str:
    """Return the text as it is compared: no case, one Unicode form, all that is no letter, mark or digit a space."""
    plain = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return " ".join("".join(each if unicodedata.category(each)[0] in "LMN" else " " for each in plain).split())


class _Said:
    """All words as one folded text, with or without spaces, and whose each of its characters is."""

    def __init__(self, words: Sequence[Word], *, between: str) -> None:
        self.words = words
        self.between = between
        self.owners = [0] * len(between)
        parts = []
        for at, word in enumerate(words):
            part = folded(word.text).replace(" ", between)
            if part:
                parts.append(part)
                self.owners += [at] * (len(part) + len(between))
        self.text = between + between.join(parts) + between

    def times(self, keyword: str) -> Iterator[Span]:
        """Yield when a folded keyword is said."""
        wanted = keyword.replace(" ", self.between)
        looked_for = self.between + wanted + self.between
        at = self.text.find(looked_for) if wanted else -1
        while at >= 0:
            first = at + len(self.between)
            said = self.words[self.owners[first] : self.owners[first + len(wanted) - 1] + 1]
            if sum(each.confidence for each in said) >= SURE * len(said):
                yield span(said[0].start_s, max(said[0].start_s, said[-1].end_s))
            at = self.text.find(looked_for, at + len(wanted))
