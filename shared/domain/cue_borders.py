"""How good a place a border is: between two cues, or between the two lines of one."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from shared.domain.running_text import (
    NARROW,
    has_space,
    is_hiragana,
    is_ideograph,
    is_spaceless,
    text_width,
)
from shared.domain.transcript import CLOSERS, SENTENCE_ENDS, Word, ends_sentence

CLAUSE_ENDS = (",", ";", ":", "—", "–", "،", "؛", "、", "，", "；", "：", *SENTENCE_ENDS)
NOTED_PAUSE_S = 0.4  # a breath: a good place for a border
TINY_WORD = 3 * NARROW  # articles and the like belong to the word after them

# What a border costs, beside what it is.
AT_CLAUSE, AT_PAUSE, AT_CONJUNCTION, AT_PHRASE, AT_NOTHING = 1.0, 1.5, 2.5, 3.4, 4.0
AFTER_TINY_WORD = 1.0  # where the language's own words are not known
AFTER_CLINGING_WORD = 2.5
IN_NAME, AFTER_NUMBER, IN_COMPOUND, BEFORE_KANA = 3.0, 1.5, 2.0, 1.5


POLITE_ENDS = ("ます", "です", "ました", "でした", "ません", "ましょう", "でしょう")
GOING_ON = ("か", "が", "ね", "よ", "の", "し", "け", "と", "わ", "な")
"""What goes on with a Japanese sentence behind a polite verb."""


@dataclass(frozen=True, slots=True)
class Small:
    """The small words of a language that say where its phrases begin."""

    conjunctions: frozenset[str]
    """A clause begins with them."""
    clinging: frozenset[str]
    """They belong to the word after them: articles, prepositions, pronouns before their verb, auxiliaries."""
    has_capital_nouns: bool = False


def _small(conjunctions: str, clinging: str, *, has_capital_nouns: bool = False) -> Small:
    return Small(frozenset(conjunctions.split()), frozenset(clinging.split()), has_capital_nouns)


SMALL = {
    "en": _small(
        "and but or nor so because although though while when where if unless until since whether which who whose as"
        " than that what how why",
        "a an the of in on at by for from with to into onto about over under between through after before without"
        " against during among upon within my your his her its our their this these those some any every each no i we"
        " they he she is are was were be been has have had will would can could should may might must do does did not"
        " don't didn't can't won't isn't wasn't i'm i've i'll we're we've it's they're he's she's very more most",
    ),
    "de": _small(
        "und aber oder denn sondern weil dass daß ob wenn als während obwohl damit bevor nachdem sobald bis wie",
        "der die das den dem des ein eine einen einem einer eines kein keine keinen mein meine dein sein seine seinen"
        " seiner seinem ihr ihre ihren ihrer unser unsere dieser diese dieses diesen diesem jeder jede jedes von vom zu"
        " zum zur in im ins an am auf aus bei beim mit nach vor für durch gegen ohne"
        " um neben unter über zwischen seit ich du"
        " er wir man sehr nicht alle allen aller",
        has_capital_nouns=True,
    ),
    "es": _small(
        "y e o u pero sino porque que cuando donde si aunque mientras como quien cuyo pues",
        "el la los las un una unos unas de del a al en con por para sin sobre entre desde hasta hacia según mi tu su"
        " mis tus sus este esta estos estas ese esa cada no se me te le les nos lo yo muy más ha he han había",
    ),
    "fr": _small(
        "et mais ou donc or ni car que qui quand où si lorsque parce puisque comme quoique dont",
        "le la les l' un une des du de d' à au aux en dans par pour sur sous avec sans chez entre vers mon ma mes"
        " ton ta tes son sa ses notre nos votre vos leur leurs ce cet cette ces je j' tu il elle on nous vous ils elles"
        " ne n' se s' me m' te t' y très plus est a ont sont",
    ),
    "it": _small(
        "e ed ma o oppure perché che quando dove se mentre come anche quindi poiché chi cui",
        "il lo la i gli le l' un uno una un' di a da in con su per tra fra del dello della dei degli delle al allo alla"
        " ai agli alle dal dalla nel nella nei sul sulla mio mia tuo suo sua questo questa ogni non si mi ti ci vi io"
        " molto più è ha ho hanno sono",
    ),
    "pt": _small(
        "e mas ou porque que quando onde se embora enquanto como quem pois",
        "o a os as um uma uns umas de do da dos das em no na nos nas por pelo pela para com sem sobre entre até ao à"
        " meu minha seu sua este esta esse essa cada não me te lhe eu muito mais é foi são",
    ),
    "nl": _small(
        "en maar of want omdat dat als toen wanneer terwijl hoewel zodat totdat die waar",
        "de het een van in op aan bij met naar voor door uit over onder tussen tegen zonder om te mijn jouw zijn haar"
        " onze hun dit deze elke geen ik je we wij hij ze niet zeer heel",
    ),
}
"""By ISO 639-1."""


def border_costs(words: Sequence[Word], language: str | None) -> list[float]:
    """Return what a border before each of the words costs, in [0, 10]: nothing at sentence ends, most inside a phrase.

    `language` (ISO 639-1) tells whose small words count; of others, and None, short words are taken for such.
    """
    small = SMALL.get(language or "")
    ends = sentence_ends(words, language)
    inner = (
        0.0 if is_end else _cost(*pair, language, small) for is_end, pair in zip(ends, pairwise(words), strict=False)
    )
    return [0.0, *inner] if words else []


def sentence_ends(words: Sequence[Word], language: str | None) -> list[bool]:
    """Return whether a sentence ends with each of the words; of the last one by its punctuation alone.

    In Japanese also behind a polite verb, as a recognizer seldom writes the "。".
    """
    texts = [word.text for word in words]
    ends = [ends_sentence(text, after) for text, after in zip(texts, (*texts[1:], None), strict=True)]
    if language != "ja":
        return ends
    return [each or _is_behind_polite_verb(words, at + 1) for at, each in enumerate(ends)]


def _cost(before: Word, after: Word, language: str | None, small: Small | None) -> float:
    if before.text.rstrip(CLOSERS).endswith(CLAUSE_ENDS):
        return AT_CLAUSE
    if is_spaceless(before.text[-1:] or " ") or is_spaceless(after.text[:1] or " "):
        cost = _cost_without_spaces(before, after, language)
    else:
        cost = _cost_in_phrase(before, after, small)
    if after.start_s - before.end_s >= NOTED_PAUSE_S:
        return min(cost, AT_PAUSE + max(0.0, cost - AT_NOTHING) / 2)
    return cost


def _cost_in_phrase(before: Word, after: Word, small: Small | None) -> float:
    one, other = _bare(before), _bare(after)
    if before.text[-1:].isdigit():
        return AT_NOTHING + AFTER_NUMBER
    if before.text[:1].isupper() and after.text[:1].isdigit():  # "Windows 11"
        return AT_NOTHING + IN_NAME
    if small is None:
        return AT_NOTHING + (AFTER_TINY_WORD if text_width(before.text) <= TINY_WORD else 0.0)
    if one in small.clinging or one in small.conjunctions:
        return AT_NOTHING + AFTER_CLINGING_WORD
    if other in small.conjunctions:
        return AT_CONJUNCTION
    if other in small.clinging:
        return AT_PHRASE
    is_name = before.text[:1].isupper() and after.text[:1].isupper() and not small.has_capital_nouns
    return AT_NOTHING + (IN_NAME if is_name else 0.0)


def _cost_without_spaces(before: Word, after: Word, language: str | None) -> float:
    """Return the cost by what the characters tell: in Japanese, phrases end in kana and begin with something else."""
    if has_space(before, after):
        return AT_CLAUSE  # written where others have a comma
    last, first = before.text[-1:], after.text[:1]
    if is_hiragana(first):
        return AT_NOTHING + BEFORE_KANA
    if is_hiragana(last):
        return AT_CONJUNCTION
    if last.isdigit():
        return AT_NOTHING + AFTER_NUMBER
    return AT_NOTHING + (IN_COMPOUND if language == "ja" and is_ideograph(last) and is_ideograph(first) else 0.0)


def _is_behind_polite_verb(words: Sequence[Word], at: int) -> bool:
    if at >= len(words):
        return False
    tail = "".join(word.text for word in words[max(0, at - 3) : at])
    return tail.endswith(POLITE_ENDS) and not words[at].text.startswith(GOING_ON)


def _bare(word: Word) -> str:
    return word.text.strip("\"'“”„«»‹›()[]¿¡").replace("’", "'").casefold()
