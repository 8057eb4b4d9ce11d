"""Words as running text, by the rules of their script: where spaces are, how wide it is, what can stand alone."""

import unicodedata
from collections.abc import Sequence

from shared.domain.transcript import Word

NARROW, WIDE = 8, 21  # so that a line holds 42 narrow characters or 16 wide ones
SPACELESS = ("THAI", "LAO", "KHMER", "MYANMAR")
"""Narrow scripts that put no space between words (by the beginning of the character's name); so do the wide ones."""
NEVER_FIRST = frozenset(
    "、。，．：；？！・‥…」』）】〉》〕］｝〟ー〜～゠ゝゞヽヾ々〻％"
    "ぁぃぅぇぉっゃゅょゎゕゖァィゥェォッャュョヮヵヶㇰㇱㇲㇳㇴㇵㇶㇷㇸㇹㇺㇻㇼㇽㇾㇿ｡､･ｰ｣ﾞﾟｧｨｩｪｫｬｭｮｯ"
    "ๆฯะาำๅຯະາຳໆៗ។៕၊။"
)
"""What begins no line (JIS X 4051 and its like: kinsoku shori), and vowels that are written behind their letter."""
NEVER_LAST = frozenset("「『（【〈《〔［｛〝｢＄￥เแโใไເແໂໃໄ")
"""What ends no line, and vowels that are written before their letter."""

CLOSING = frozenset(".,;:!?…%»›)]}”’\"'،؛؟۔।")
"""Narrow signs of which a word may be made that belongs to the one before it, as the "?" that French parts from it."""


def joined(words: Sequence[Word]) -> str:
    """Return words as running text: with spaces, but for the scripts that write none."""
    return "".join(
        word.text if at == 0 or not has_space(words[at - 1], word) else f" {word.text}" for at, word in enumerate(words)
    )


def has_space(before: Word, after: Word) -> bool:
    """Return whether a space parts two words: as it was heard, else by the script."""
    if after.space_before is not None:
        return after.space_before
    if not before.text or not after.text:
        return True
    last, first = before.text[-1], after.text[0]
    if is_spaceless(last) and is_spaceless(first):
        return False
    return not (_is_wide_sign(last) or _is_wide_sign(first))


def is_torn(before: Word, after: Word) -> bool:
    """Return whether a border between two words would tear what is written together.

    So before "」" or a small "っ", behind "「", before a mark of the letter before it, and inside a word in pieces: one
    of Latin letters or digits ("You", "Tube") or of katakana ("スケ", "ート").
    """
    if not before.text or not after.text:
        return False
    last, first = before.text[-1], after.text[0]
    if last in NEVER_LAST or first in NEVER_FIRST or _is_mark(first) or is_silent(after):
        return True
    if has_space(before, after):
        return False
    return (is_katakana(last) and is_katakana(first)) or not (is_spaceless(last) or is_spaceless(first))


def is_silent(word: Word) -> bool:
    """Return whether a word is nothing but signs that belong to the word before it."""
    return all(char in CLOSING or (char in NEVER_FIRST and not char.isalpha()) for char in word.text)


def text_width(text: str) -> int:
    """Return how wide a text is, in units of which a narrow letter has `NARROW`; marks on a letter take no room."""
    return sum(map(_char_width, text))


def is_spaceless(char: str) -> bool:
    name = unicodedata.name(char, "")
    return name.startswith(SPACELESS) or (_char_width(char) == WIDE and not name.startswith("HANGUL"))


def is_hiragana(char: str) -> bool:
    return "\u3041" <= char <= "\u309f"


def is_katakana(char: str) -> bool:
    return "\u30a1" <= char <= "\u30fa" or char == "ー"


def is_ideograph(char: str) -> bool:
    return unicodedata.name(char, "").startswith("CJK") and char.isalpha()


def _char_width(char: str) -> int:
    if unicodedata.category(char) in ("Mn", "Me", "Cf"):
        return 0
    return WIDE if unicodedata.east_asian_width(char) in ("W", "F") else NARROW


def _is_wide_sign(char: str) -> bool:
    return _char_width(char) == WIDE and unicodedata.category(char).startswith("P")


def _is_mark(char: str) -> bool:
    return unicodedata.category(char) in ("Mn", "Mc", "Me") or char == "\u200d"
