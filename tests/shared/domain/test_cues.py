import itertools
import unicodedata
from collections.abc import Sequence
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.cues import LINE_WIDTH, LONGEST_S, SHORTEST_S, Cue, cues, reel_cues
from shared.domain.edit_list import Clip, EditList, Join
from shared.domain.reel_time import shown_clips
from shared.domain.running_text import CLOSING, NEVER_FIRST, NEVER_LAST, joined, text_width
from shared.domain.span import Span, span
from shared.domain.transcript import LONGEST_PAUSE_S, Word

LATIN = ("a", "the", "board,", "over.", "Why?", "patience", "internationally", "Donaudampfschifffahrtsgesellschaft")
CJK = ("今日", "は", "天気", "が", "いい", "です、", "写真", "「本」", "ました。")
INDIC = ("नमस्ते", "आप", "कैसे", "हैं।", "மிகவும்", "நன்றி.")
ARABIC = ("مرحبا", "بكم", "في", "البرنامج،", "شكرا.")
PIECES = (*"今日はで写真っょー、。」』「（？", "スケ", "ート", "です", "ました", "見た。", "2024", "You")
THAI = ("สวัส", "ดี", "ครับ", "ถึ", "ง", "เ", "รา", "ำ", "ๆ", "่")
HEBREW = ("שלום", "לכולם,", "Windows", "11", "ב-5", "דקות.")
KOREAN = ("안녕하세요", "여러분,", "그리고", "이야기하겠습니다.")
FRENCH = ("l'homme", "prêts", "?", "»", "aujourd'hui,", "de", "la")
SCRIPTS = (LATIN, CJK, INDIC, ARABIC, PIECES, THAI, HEBREW, KOREAN, FRENCH)
LANGUAGES = (None, "en", "de", "ja", "zh", "fr", "xx")
TOO_WIDE = "x" * 60


def said(
    texts: Sequence[str], *, word_s: float = 0.3, pause_s: float = 0.05, spaces: Sequence[bool] | None = None
) -> list[Word]:
    return [
        Word(
            text=text,
            start_s=n * (word_s + pause_s),
            end_s=n * (word_s + pause_s) + word_s,
            confidence=1.0,
            space_before=spaces[n] if spaces else None,
        )
        for n, text in enumerate(texts)
    ]


def lines(found: tuple[Cue, ...]) -> list[tuple[str, ...]]:
    return [each.lines for each in found]


@st.composite
def speech(draw: st.DrawFn) -> list[Word]:
    return draw(speech_of(LATIN, CJK, INDIC, ARABIC, (*LATIN, *CJK, TOO_WIDE)))


@st.composite
def speech_of(draw: st.DrawFn, *vocabularies: Sequence[str]) -> list[Word]:
    vocabulary = draw(st.sampled_from(vocabularies))
    pauses = st.one_of(st.just(0), st.integers(0, 350), st.integers(350, 5000))
    words: list[Word] = []
    at_ms = 0
    for text, length_ms, pause_ms in draw(
        st.lists(st.tuples(st.sampled_from(vocabulary), st.integers(20, 1500), pauses), max_size=60)
    ):
        at_ms += pause_ms
        words.append(Word(text=text, start_s=at_ms / 1000, end_s=(at_ms + length_ms) / 1000, confidence=1.0))
        at_ms += length_ms
    return words


any_speech = speech_of(*SCRIPTS, tuple(itertools.chain(*SCRIPTS, (TOO_WIDE,))))


def end_of(words: list[Word]) -> float:
    return words[-1].end_s if words else 0.0


def words_of(found: tuple[Cue, ...], words: list[Word]) -> list[list[Word]]:
    """Return each cue's words, by counting: fails when a word is lost, doubled or moved."""
    left, parts = list(words), []
    for cue in found:
        text = "".join(cue.lines).replace(" ", "")
        part: list[Word] = []
        while "".join(each.text for each in part) != text:
            part.append(left.pop(0))
        parts.append(part)
    assert not left
    return parts


def pieces_of(vocabulary: tuple[str, ...]) -> st.SearchStrategy[list[str]]:
    """Return pieces that can follow each other in writing: no sign that keeps to its word after such a sign."""
    return st.lists(st.sampled_from(vocabulary), max_size=60).map(as_written)


def as_written(pieces: list[str]) -> list[str]:
    signs = NEVER_FIRST | NEVER_LAST | CLOSING
    kept: list[str] = []
    for piece in pieces:
        if not (kept and kept[-1][-1] in signs and (piece[0] in signs or is_mark(piece[0]))):
            kept.append(piece)
    return kept


def is_mark(char: str) -> bool:
    return unicodedata.category(char) in ("Mn", "Mc", "Me")


@given(speech())
def test_every_word_is_in_one_cue_in_order_and_a_cue_begins_with_its_first_word(words: list[Word]) -> None:
    found = cues(words, end_s=end_of(words))
    assert [each.start_s for each in found] == [part[0].start_s for part in words_of(found, words)]


@given(speech())
def test_cues_have_two_lines_that_fit_or_one_word_that_does_not(words: list[Word]) -> None:
    found = cues(words, end_s=end_of(words))
    for cue, part in zip(found, words_of(found, words), strict=True):
        assert len(cue.lines) <= 2 and all(cue.lines)
        assert len(part) == 1 or all(text_width(line) <= LINE_WIDTH for line in cue.lines)


@given(speech(), st.floats(0, 3))
def test_cues_never_overlap_stay_too_long_or_go_on_after_the_end(words: list[Word], more_s: float) -> None:
    end_s = end_of(words) + more_s
    found = cues(words, end_s=end_s)
    assert all(one.end_s <= other.start_s for one, other in itertools.pairwise(found))
    assert all(each.start_s < each.end_s <= min(each.start_s + LONGEST_S, end_s) + 1e-9 for each in found)


@given(speech())
def test_a_cue_is_short_only_where_nothing_could_be_added_to_it(words: list[Word]) -> None:
    found = cues(words, end_s=end_of(words))
    parts = words_of(found, words)
    for at, cue in enumerate(found):
        if cue.end_s - cue.start_s >= SHORTEST_S - 0.001:
            continue
        assert cue.end_s == (found[at + 1].start_s if at + 1 < len(found) else end_of(words))
        for one in (at - 1, at):
            if one >= 0 and one + 1 < len(found):
                both = parts[one] + parts[one + 1]
                is_paused = parts[one + 1][0].start_s - parts[one][-1].end_s > LONGEST_PAUSE_S
                assert is_paused or both[-1].end_s - both[0].start_s > LONGEST_S or not fits_two_lines(both)


@given(any_speech, st.sampled_from(LANGUAGES), st.floats(0, 3))
def test_whatever_is_said_in_whatever_scripts_the_rules_of_cues_hold(
    words: list[Word], language: str | None, more_s: float
) -> None:
    end_s = end_of(words) + more_s
    found = cues(words, end_s=end_s, language=language)
    parts = words_of(found, words)
    assert [each.start_s for each in found] == [part[0].start_s for part in parts]
    assert all(one.end_s <= other.start_s for one, other in itertools.pairwise(found))
    for cue, part in zip(found, parts, strict=True):
        assert cue.start_s < cue.end_s <= min(cue.start_s + LONGEST_S, end_s) + 1e-9
        assert len(cue.lines) <= 2 and all(line.strip() for line in cue.lines)
        assert len(part) == 1 or all(text_width(line) <= LINE_WIDTH for line in cue.lines)


@given(st.sampled_from((PIECES, THAI, FRENCH)).flatmap(pieces_of), st.sampled_from(LANGUAGES))
def test_no_line_begins_or_ends_with_what_cannot_stand_there(pieces: list[str], language: str | None) -> None:
    words = said(pieces, pause_s=0)
    rows = [line for each in cues(words, end_s=end_of(words), language=language) for line in each.lines]
    assert not [line for line in rows[1:] if line[0] in NEVER_FIRST | CLOSING or is_mark(line[0])]
    assert not [line for line in rows[:-1] if line[-1] in NEVER_LAST]


def fits_two_lines(words: list[Word]) -> bool:
    return any(
        text_width(joined(words[:at])) <= LINE_WIDTH and text_width(joined(words[at:])) <= LINE_WIDTH
        for at in range(len(words) + 1)
    )


@given(speech())
def test_nothing_stays_on_screen_through_a_long_silence(words: list[Word]) -> None:
    found = cues(words, end_s=end_of(words) + 60)
    for cue, part in zip(found, words_of(found, words), strict=True):
        read_s = text_width("".join(cue.lines)) / 8 / 20
        assert cue.end_s <= max(part[-1].end_s, cue.start_s + max(SHORTEST_S, read_s)) + 1e-9


def test_cues_break_at_sentences_and_lines_at_clauses() -> None:
    text = "Today we look at how a kickflip works, and why most people give up. It needs patience and a flat floor."
    assert lines(cues(said(text.split()), end_s=60)) == [
        ("Today we look at how a kickflip works,", "and why most people give up."),
        ("It needs patience and a flat floor.",),
    ]


def test_a_short_answer_is_not_a_flash() -> None:
    found = cues(said(["Yes.", "That", "is", "what", "I", "meant", "by", "it."], word_s=0.2), end_s=10)
    assert lines(found) == [("Yes. That is what I meant by it.",)]


def test_a_short_cue_lingers_up_to_the_next() -> None:
    words = [
        Word(text="Go!", start_s=0, end_s=0.3, confidence=1),
        Word(text="Now.", start_s=2, end_s=2.2, confidence=1),
    ]
    assert [(each.start_s, each.end_s) for each in cues(words, end_s=2.6)] == [(0, 1.0), (2, 2.6)]


def test_a_word_held_for_ten_seconds_leaves_the_screen_after_seven() -> None:
    words = [Word(text="Goooal!", start_s=5, end_s=15, confidence=1)]
    assert [(each.start_s, each.end_s) for each in cues(words, end_s=20)] == [(5, 12)]


def test_chinese_and_japanese_have_no_spaces_and_sixteen_characters_a_line() -> None:
    found = cues(
        said(
            [
                "今日は",
                "天気が",
                "とても",
                "いい",
                "です",
                "ね、",
                "だから",
                "公園に",
                "行って",
                "写真を",
                "撮り",
                "ましょう。",
            ]
        ),
        end_s=60,
    )
    assert [line for each in found for line in each.lines] == [
        "今日は天気がとてもいいですね、",
        "だから公園に行って",
        "写真を撮りましょう。",
    ]
    assert text_width("今" * 16) == LINE_WIDTH


def test_japanese_in_pieces_breaks_behind_kana_and_polite_verbs_and_never_inside_katakana() -> None:
    pieces = (
        "認識 品質 を 視 覚 的 に 検 査 する ツ ール が あります カ ス タ ム ス ピ ーチ ポ ータ ル から ア ップ ロ ード"
        " さ れた 音声 を 再生 し 提供 さ れた 結果 が 正 しい か 判断 でき ます"
    )
    assert lines(cues(said(pieces.split(), word_s=0.15, pause_s=0), end_s=60, language="ja")) == [
        ("認識品質を視覚的に", "検査するツールがあります"),
        ("カスタムスピーチポータルから", "アップロードされた"),
        ("音声を再生し提供された", "結果が正しいか判断できます"),
    ]


def test_quotes_and_long_vowels_keep_to_their_words() -> None:
    pieces = ["そして", "彼", "は", "大きな", "声", "で", "「", "本当", "に", "？", "」", "と", "言", "った", "。"]
    assert lines(cues(said(pieces, word_s=0.2), end_s=60, language="ja")) == [
        ("そして彼は大きな声で", "「本当に？」と言った。")
    ]


def test_a_word_in_pieces_is_one_word_where_its_spaces_are_known() -> None:
    words = said(
        ["これは", "You", "Tube", "で", "20", "24", "年"], spaces=[False, False, False, False, False, False, False]
    )
    assert joined(words) == "これはYouTubeで2024年"
    many = said(["You", "Tube"] * 12, spaces=[True, False] * 12)
    rows = [line for each in cues(many, end_s=60) for line in each.lines]
    assert all(line.replace("YouTube", "").strip() == "" for line in rows)


def test_a_space_that_was_heard_between_japanese_words_stays_and_is_a_place_to_break() -> None:
    words = said(["今日は天気が", "いいです", "だから公園", "に行きます"], spaces=[False, False, True, False])
    assert lines(cues(words, end_s=60)) == [("今日は天気がいいです", "だから公園に行きます")]


@pytest.mark.parametrize(
    ("language", "wanted"),
    [
        ("en", "Mr. Smith met Angela Merkel | in 2015 because the president asked"),
        ("en", "they need 20 percent more of it | than the others and nobody said so"),
        ("de", "auf und zeigt die Erkennungsergebnisse | der beiden Modelle neben der Transkription"),
        ("es", "y se indican los resultados | del reconocimiento de los dos modelos"),
        ("fr", "nous allons parler de la façon | dont on monte une vidéo. || Vous êtes prêts ?"),
    ],
)
def test_borders_keep_phrases_together(language: str, wanted: str) -> None:
    spoken = [each for each in wanted.split() if "|" not in each]
    found = cues(said(spoken), end_s=60, language=language)
    assert " || ".join(" | ".join(each.lines) for each in found) == wanted


def test_korean_keeps_its_spaces_and_marks_take_no_room() -> None:
    assert joined(said(["안녕하세요", "여러분"])) == "안녕하세요 여러분"
    assert joined(said(["Das", "本", "ist"])) == "Das 本 ist"
    assert text_width("e\u0301") == text_width("e")


def test_no_cue_goes_on_into_the_next_clip() -> None:
    words = said(
        ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"], word_s=0.4, pause_s=0.1
    )
    clips = [Clip(wanted=each, actual=each, score=1, reasons=()) for each in (span(0, 2), span(3, 5), span(0, 2))]
    found = reel_cues(words, EditList(render="encode", clips=tuple(clips)), Fraction(10))
    assert [(each.start_s, round(each.end_s, 6), each.text) for each in found] == [
        (0, 1.9, "one two three four"),
        (2, 3.9, "seven eight nine ten"),
        (4, 5.9, "one two three four"),
    ]


def test_captions_of_a_cross_fade_change_in_its_middle() -> None:
    words = said([f"w{n}." for n in range(20)], word_s=0.9, pause_s=0.1)
    clips = tuple(Clip(wanted=each, actual=each, score=1, reasons=()) for each in (span(0, 6), span(10, 16)))
    edit = EditList(render="encode", clips=clips, join=Join(kind="crossfade", duration_s=2))
    found = reel_cues(words, edit, Fraction(10))
    heard = " ".join(each.text.replace("\n", " ") for each in found).split()
    assert heard == [f"w{n}." for n in (*range(5), *range(11, 16))]
    assert all(before.end_s <= after.start_s for before, after in itertools.pairwise(found))
    assert next(each.start_s for each in found if each.text.startswith("w11")) == 5.0


clip_spans = st.tuples(st.floats(0, 60), st.floats(0.3, 15)).map(lambda pair: span(pair[0], sum(pair)))


@given(
    any_speech,
    st.lists(clip_spans, min_size=1, max_size=5),
    st.sampled_from((Join(), Join(kind="crossfade", duration_s=1), Join(kind="dip"))),
    st.sampled_from((Fraction(25), Fraction(30000, 1001))),
    st.floats(0, 0.04),
)
def test_a_cue_of_a_reel_never_lasts_over_a_border_of_its_clips(
    words: list[Word], spans: list[Span], join: Join, fps: Fraction, inside_frame_s: float
) -> None:
    clips = tuple(Clip(wanted=each, actual=each, score=1, reasons=()) for each in spans)
    edit = EditList(render="encode", clips=clips, join=join)

    def came_on_s(t_s: float) -> float:
        return max(0.0, t_s - inside_frame_s)

    borders_s = [each.reel.start_s for each in shown_clips(edit, fps, came_on_s)]
    found = reel_cues(words, edit, fps, came_on_s)
    assert all(one.end_s <= other.start_s for one, other in itertools.pairwise(found))
    assert all(0 < each.end_s - each.start_s <= LONGEST_S + 1e-9 for each in found)
    assert not [each for each in found for border_s in borders_s if each.start_s < border_s < each.end_s]


def test_no_words_are_no_cues() -> None:
    assert cues([], end_s=10) == ()
