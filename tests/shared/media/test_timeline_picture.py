from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from shared.domain.highlight import Highlight
from shared.domain.motion import Look
from shared.domain.span import span
from shared.media.timeline_picture import (
    CHOSEN,
    LEFT,
    MOTION,
    NOT_CHOSEN,
    RIGHT,
    SPEECH,
    Colour,
    Spoken,
    Thumbnail,
    TimelineContent,
    clock,
    energies,
    lanes,
    listed,
    pieces,
    tenths,
    thumbnail_times_s,
    tick_step_s,
    told,
    write_timeline,
)
from shared.media.typeface import drawable, typeface

RED: Colour = (200, 30, 30)


def content(duration_s: float = 100.0, *, title: str = "clip.mp4") -> TimelineContent:
    times = thumbnail_times_s(duration_s, aspect=16 / 9)
    tenth = duration_s / 10
    return TimelineContent(
        title=title,
        duration_s=duration_s,
        reel_s=tenth,
        clips=1,
        highlights=[
            Highlight(span=span(2 * tenth, 3 * tenth), score=0.9, reasons=("movement",), is_chosen=True),
            Highlight(span=span(6 * tenth, 7 * tenth), score=0.3, reasons=("someone speaks",)),
        ],
        thumbnails=[Thumbnail(t_s=t, picture=np.full((90, 160, 3), RED, np.uint8)) for t in times],
        looks=[
            Look(t_s=n / 4, speed=0, energy=0.5 if 2 * tenth <= n / 4 < 3 * tenth else 0.0)
            for n in range(round(4 * duration_s))
        ],
        movement_threshold=0.04,
        spoken=[Spoken(span=span(6 * tenth, 7 * tenth), text="Is it hard? नमस्ते 今日は")],
    )


def drawn(path: Path, what: TimelineContent) -> NDArray[np.uint8]:
    write_timeline(path, what)
    with Image.open(path) as picture:
        assert picture.format == "PNG"
        return np.asarray(picture.convert("RGB"))


def columns_of(picture: NDArray[np.uint8], colour: Colour) -> tuple[float, float]:
    """Return between which shares of the source a colour is seen, the legend and the list of reasons left out."""
    seen = np.flatnonzero((picture[90:640, LEFT:RIGHT] == colour).all(axis=2).sum(axis=0) > 14)
    return float(seen[0]) / (RIGHT - LEFT), float(seen[-1] + 1) / (RIGHT - LEFT)


@pytest.mark.parametrize("duration_s", [20.0, 100.0, 3 * 3600.0])
def test_what_was_found_is_seen_where_it_lies(duration_s: float, tmp_path: Path) -> None:
    picture = drawn(tmp_path / "timeline.png", content(duration_s))
    assert picture.shape[1] == 1600
    assert columns_of(picture, CHOSEN) == pytest.approx((0.2, 0.3), abs=0.005)
    assert columns_of(picture, MOTION) == pytest.approx((0.2, 0.3), abs=0.02)
    assert columns_of(picture, SPEECH) == pytest.approx((0.6, 0.7), abs=0.005)
    assert columns_of(picture, RED) == pytest.approx((0.0, 1.0), abs=0.005)


def test_the_same_content_is_the_same_picture(tmp_path: Path) -> None:
    assert (drawn(tmp_path / "a.png", content()) == drawn(tmp_path / "b.png", content())).all()


def test_a_source_without_picture_or_anything_found_is_drawn_too(tmp_path: Path) -> None:
    empty = TimelineContent(title="", duration_s=0.5, reel_s=0, clips=0, highlights=(), spoken=())
    assert drawn(tmp_path / "timeline.png", empty).shape[1] == 1600


def test_what_keywords_share_is_told_once() -> None:
    assert told(["your keyword: farm", "your keyword: local", "movement"]) == "your keywords: farm, local · movement"
    assert told(["your keyword: 農場", "a whole thought"]) == "your keyword: 農場 · a whole thought"
    assert told(["laughter-like peak"]) == "laughter-like peak"


def test_clips_that_are_shown_best_first_are_listed_so(tmp_path: Path) -> None:
    early, late = (
        Highlight(span=span(at, at + 10), score=at / 100, reasons=("movement",), is_chosen=True) for at in (20, 60)
    )
    other = Highlight(span=span(40, 50), score=0.9, reasons=("movement",))
    assert listed([early, other, late], best_first=False) == [early, other, late]
    assert listed([early, other, late], best_first=True) == [late, early, other]
    by_time = replace(content(), highlights=[early, other, late], clips=2)
    pictures = [drawn(tmp_path / "t.png", replace(by_time, is_best_first=each)) for each in (False, True)]
    assert pictures[0].shape == pictures[1].shape and (pictures[0] != pictures[1]).any()


def test_quotes_without_spaces_are_broken_anywhere_but_before_a_full_stop() -> None:
    assert pieces("So it is") == ["So", " it", " is"]
    assert pieces("今日は。Mic 晴れ") == ["今", "日", "は。", "Mic", " 晴", "れ"]
    assert pieces("") == []


def test_where_no_typeface_has_the_script_that_is_said(tmp_path: Path) -> None:
    unknown = replace(content(), spoken=[Spoken(span=span(60, 70), text="\ue000\ue001")])
    silent = replace(content(), spoken=[])
    assert (drawn(tmp_path / "a.png", unknown) != drawn(tmp_path / "b.png", silent)).any()


def test_hundreds_of_candidates_do_not_make_it_taller(tmp_path: Path) -> None:
    many = [Highlight(span=span(n, n + 0.5), score=n / 400, reasons=("movement",)) for n in range(400)]
    some = TimelineContent(title="x" * 500, duration_s=400, reel_s=0, clips=0, highlights=many)
    assert drawn(tmp_path / "timeline.png", some).shape[0] < 800


def test_times_read_like_a_players() -> None:
    assert [clock(t_s) for t_s in (0, 59.6, 61, 3600, 10_921)] == ["0:00", "1:00", "1:01", "1:00:00", "3:02:01"]


@given(st.floats(0.5, 24 * 3600))
def test_the_axis_has_room_for_its_times(duration_s: float) -> None:
    assert duration_s / tick_step_s(duration_s) <= (RIGHT - LEFT) / 80


def test_a_short_peak_of_a_long_source_is_not_lost() -> None:
    looks = [Look(t_s=n / 4, speed=0, energy=float(n == 20_001)) for n in range(40_000)]
    assert max(energies(looks, 10_000, 1000)) == 1.0
    assert energies([], 10, 3) == [0, 0, 0]


def test_what_a_typeface_cannot_draw_is_left_out() -> None:
    assert drawable("a \ue000\ue001 \ue002 b", typeface(14)) == "a … b"


def test_clips_that_overlap_lie_in_lanes_of_their_own() -> None:
    spans = [span(8, 11), span(1, 3), span(1.5, 2.5), span(3, 5), span(1, 3), span(2, 2.2)]
    assert lanes(spans, most=5) == [0, 0, 1, 0, 2, 3]
    assert lanes(spans, most=2) == [0, 0, 1, 0, 1, 1]
    assert lanes(spans, most=1) == [0] * 6


def test_times_of_clips_have_tenths() -> None:
    assert [tenths(t_s) for t_s in (0, 1.25, 59.96, 3600)] == ["0:00.0", "0:01.2", "1:00.0", "1:00:00.0"]


def test_given_clips_are_drawn_where_they_lie_and_nothing_as_not_chosen(tmp_path: Path) -> None:
    what = replace(content(), is_given=True, looks=None, spoken=None)
    clips = [replace(each, is_chosen=True) for each in what.highlights]
    picture = drawn(tmp_path / "t.png", replace(what, highlights=clips[::-1]))
    bar = picture[104 + 116 + 22 + 4]  # just below the upper edge of the clips
    inside = [(LEFT + (RIGHT - LEFT) * at // 100) for at in (22, 28, 62, 68)]
    assert all(tuple(bar[x]) == CHOSEN for x in inside)
    assert tuple(bar[LEFT + (RIGHT - LEFT) * 45 // 100]) == (255, 255, 255)
    assert not (picture == NOT_CHOSEN).all(axis=-1)[60:80].any(), "a legend of what there is not"
