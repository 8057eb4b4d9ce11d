"""Text made comparable, and how many words or characters of it are wrong, and which.

The rules, in this order, for the reference and for what was recognised alike:

1. Unicode NFKC, then case-folded; typographic apostrophes become ASCII ones.
2. What stands in [brackets] is no speech and goes.
3. "&" becomes "and", "%" becomes "percent".
4. Everything but letters, marks, digits and apostrophes parts words, hyphens too: "cold-hearted" is two words.
   A point or comma between digits stays in its number without being written: "1,000" is "1000".
5. Apostrophes at a word's edge go ("'twas" is "twas"), those inside stay ("don't").
6. Where English writes a title short it is written out: mr, mrs, dr. "okay" is "ok".

Numbers are not spelled out, contractions not expanded and spellings not made American: both sides say what they say.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence

APOSTROPHES = str.maketrans({"’": "'", "‘": "'", "ʼ": "'", "`": "'"})
WRITTEN_OUT = {"mr": "mister", "mrs": "missus", "dr": "doctor", "okay": "ok"}


def normalise(text: str) -> list[str]:
    """Return the words of a text as they are compared."""
    text = unicodedata.normalize("NFKC", text).casefold().translate(APOSTROPHES)
    text = re.sub(r"\[[^\]]*\]", " ", text)
    text = text.replace("&", " and ").replace("%", " percent ")
    text = re.sub(r"(?<=\d)[.,](?=\d)", "", text)
    text = "".join(each if unicodedata.category(each)[0] in "LMN" or each == "'" else " " for each in text)
    words = (word.strip("'") for word in text.split())
    return [WRITTEN_OUT.get(word, word) for word in words if word]


def word_error_rate(reference: str, recognised: str) -> float:
    """Return the fewest substitutions, insertions and deletions per word of the reference, both normalised.

    Raises ValueError when the reference has no words.
    """
    return _rate(normalise(reference), normalise(recognised))


def character_error_rate(reference: str, recognised: str) -> float:
    """Return the same per character, for languages written without spaces.

    Both sides are made NFKC and case-folded; all but letters, marks and digits goes, spaces and punctuation too.
    Raises ValueError when nothing of the reference is left.
    """
    return _rate(_characters(reference), _characters(recognised))


def errors(reference: str, recognised: str) -> tuple[str, ...]:
    """Return what is wrong with the normalised words, in order: "wanted > found", "- missing" and "+ added".

    Of several ways to count as few errors it is one.
    """
    expected, found = normalise(reference), normalise(recognised)
    rows = list(_rows(expected, found))
    wrong: list[str] = []
    i, j = len(expected), len(found)
    while i or j:
        if i and j and rows[i][j] == rows[i - 1][j - 1] + (expected[i - 1] != found[j - 1]):
            i, j = i - 1, j - 1
            if expected[i] != found[j]:
                wrong.append(f"{expected[i]} > {found[j]}")
        elif i and rows[i][j] == rows[i - 1][j] + 1:
            i -= 1
            wrong.append(f"- {expected[i]}")
        else:
            j -= 1
            wrong.append(f"+ {found[j]}")
    return tuple(reversed(wrong))


def _characters(text: str) -> str:
    text = unicodedata.normalize("NFKC", text).casefold()
    return "".join(each for each in text if unicodedata.category(each)[0] in "LMN")


def _rate(expected: Sequence[str], found: Sequence[str]) -> float:
    if not expected:
        raise ValueError("a reference without words has no error rate")
    *_, last = _rows(expected, found)
    return last[-1] / len(expected)


def _rows(expected: Sequence[str], found: Sequence[str]) -> Iterator[list[int]]:
    """Yield the Levenshtein distances of each beginning of `expected` from all those of `found`."""
    row = list(range(len(found) + 1))
    yield row
    for i, wanted in enumerate(expected, 1):
        above, row = row, [i]
        for j, each in enumerate(found, 1):
            row.append(min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (wanted != each)))
        yield row
