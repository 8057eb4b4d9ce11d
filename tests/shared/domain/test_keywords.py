"""Which words count as a keyword's."""

from dataclasses import replace

import pytest

from shared.domain.keywords import said_keywords
from shared.domain.span import span
from shared.domain.transcript import Word


def words(*texts: str) -> list[Word]:
    return [Word(text=text, start_s=at, end_s=at + 0.5, confidence=1.0) for at, text in enumerate(texts)]


@pytest.mark.parametrize(
    ("keyword", "said", "at"),
    [
        ("kickflip", ("A", "Kickflip,", "no", "kickflips"), [(1, 1.5)]),
        ("first try", ("On", "the", "FIRST", "try!", "first", "of", "try"), [(2, 3.5)]),
        ("ha", ("Ha", "ha", "ha."), [(0, 0.5), (1, 1.5), (2, 2.5)]),
        ("Straße", ("die", "STRASSE"), [(1, 1.5)]),
        ("Zoe\u0308", ("Zo\u00eb's",), [(0, 0.5)]),
        ("ｈａｌｆ", ("half",), [(0, 0.5)]),
        ("スケート", ("昨日", "スケ", "ート", "を"), [(1, 2.5)]),
        ("滑板", ("我喜欢滑板。",), [(0, 0.5)]),
        ("well-known", ("well", "known"), [(0, 1.5)]),
        ("हिन्दी", ("यह", "हिन्दी।"), [(1, 1.5)]),
        ("C++", ("C", "and", "C++,", "C#"), [(2, 2.5)]),
        ("c#", ("C", "and", "C++", "C#."), [(3, 3.5)]),
        ("#ollie", ("an", "ollie"), [(1, 1.5)]),
        ("Red Bull\u00ae", ("Red", "Bull"), [(0, 1.5)]),
        ("YouTube", ("昨日", "YouTubeで", "見た"), [(1, 1.5)]),
        ("cat", ("concatenate", "cats"), []),
        ("?!", ("what", "?!"), []),
    ],
)
def test_a_keyword_is_found_where_it_is_said(
    keyword: str, said: tuple[str, ...], at: list[tuple[float, float]]
) -> None:
    assert [(each.span.start_s, each.span.end_s) for each in said_keywords(words(*said), [keyword])] == at


def test_keywords_are_told_as_the_user_wrote_them_in_order_of_time() -> None:
    found = said_keywords(words("b", "...", "a"), ["A", "B", "A"])
    assert [each.keyword for each in found] == ["B", "A"]


def in_pieces(*texts: str) -> list[Word]:
    return [replace(each, space_before=False) for each in words(*texts)]


def test_a_word_in_pieces_is_found_where_no_space_was_heard() -> None:
    (one,) = said_keywords(in_pieces("昨日", "You", "Tube", "で", "見た"), ["YouTube"])
    assert one.span == span(1, 2.5)
    assert said_keywords(in_pieces("昨日", "You", "Tube", "で"), ["You", "Tube"]) == ()
    assert said_keywords(words("You", "Tube"), ["YouTube"]) == ()
    assert said_keywords(in_pieces("You", "-", "Tube,", "first"), ["YouTube", "Tubefirst"]) == ()


def test_nothing_is_said_across_a_long_pause() -> None:
    apart = [
        Word(text=text, start_s=at_s, end_s=at_s + 0.5, confidence=1) for text, at_s in (("first.", 0), ("Try", 600))
    ]
    assert said_keywords(apart, ["first try"]) == ()
    assert [each.keyword for each in said_keywords(apart, ["first", "try"])] == ["first", "try"]


def test_where_nobody_speaks_nothing_is_said() -> None:
    assert said_keywords([], ["a"]) == ()


def test_what_a_recognizer_only_guesses_is_not_said() -> None:
    invented = Word(text="kickflip", start_s=147.22, end_s=147.24, confidence=0.05)
    unsure = Word(text="Kickflip!", start_s=160.0, end_s=160.5, confidence=0.3)
    (one,) = said_keywords([invented, unsure], ["kickflip"])
    assert one.span == span(160.0, 160.5)
