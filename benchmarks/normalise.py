"""Text made comparable, and how many words of it are wrong.

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
from collections.abc import Sequence

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
    expected = normalise(reference)
    if not expected:
        raise ValueError("a reference without words has no error rate")
    return _edits(expected, normalise(recognised)) / len(expected)


def _edits(expected: Sequence[str], found: Sequence[str]) -> int:
    """Return the Levenshtein distance in words."""
    row = list(range(len(found) + 1))
    for i, wanted in enumerate(expected, 1):
        above, row = row, [i]
        for j, word in enumerate(found, 1):
            row.append(min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (wanted != word)))
    return row[-1]
