from dataclasses import replace
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from shared.domain.edit_list import Clip, EditList, Join, JoinKind
from shared.domain.reel_pieces import PIECE_S, reel_pieces
from shared.domain.reel_time import ReelClip, lay_out
from shared.domain.span import span

TEN = Fraction(10)


def laid(*lengths_s: float, join: JoinKind = "cut", join_s: float = 1.0, fps: Fraction = TEN) -> tuple[ReelClip, ...]:
    clips = tuple(Clip(wanted=span(0, each), actual=span(0, each), score=1.0, reasons=()) for each in lengths_s)
    return lay_out(EditList(render="encode", clips=clips, join=Join(kind=join, duration_s=join_s)), fps)


def shown(clips: tuple[ReelClip, ...]) -> list[tuple[int, float]]:
    """Return every picture as (frame of the reel, source second); a cross-fade has two of a frame."""
    return sorted((c.first_frame + n, round(c.start_s + n / 10, 6)) for c in clips for n in range(c.frames))


@given(
    lengths_s=st.lists(st.floats(0.2, 60), min_size=1, max_size=12),
    join=st.sampled_from(("cut", "crossfade", "dip")),
    keyframes_s=st.lists(st.floats(0, 60), max_size=40).map(sorted),
)
def test_the_pieces_together_show_what_the_reel_shows(
    lengths_s: list[float], join: JoinKind, keyframes_s: list[float]
) -> None:
    clips = laid(*lengths_s, join=join)
    pieces = reel_pieces(clips, TEN, join=join, keyframes_s=keyframes_s)
    assert shown(tuple(part for piece in pieces for part in piece)) == shown(clips)
    ends = [max(part.first_frame + part.frames for part in piece) for piece in pieces]
    begins = [min(part.first_frame for part in piece) for piece in pieces]
    assert begins == [0, *ends[:-1]]  # no frame is in two pieces, not even one of a cross-fade
    assert all(end - begin >= PIECE_S * 10 for begin, end in zip(begins, ends, strict=True) if end != ends[-1])
    fades = [(part.fade_in, part.fade_out) for piece in pieces for part in piece if part.fade_in or part.fade_out]
    assert sum(a + b for a, b in fades) == sum(clip.fade_in + clip.fade_out for clip in clips)


def test_a_long_clip_is_several_pieces_and_short_ones_share_one() -> None:
    second_by_second = [float(second) for second in range(60)]
    assert [len(p) for p in reel_pieces(laid(20.0), TEN, join="cut", keyframes_s=second_by_second)] == [1, 2]
    assert len(reel_pieces(laid(20.0), TEN, join="cut")) == 1  # nobody knows where a decoder could begin
    assert [len(piece) for piece in reel_pieces(laid(3.0, 3.0, 3.0, 5.0), TEN, join="cut")] == [3, 1]


def test_a_clip_is_cut_behind_a_keyframe_where_they_are_known() -> None:
    pieces = reel_pieces(laid(30.0), TEN, join="cut", keyframes_s=[0.0, 5.0, 11.0, 12.0, 29.0])
    assert [part.first_frame for piece in pieces for part in piece] == [0, 112, 292]


def test_a_piece_begins_behind_a_cross_fade() -> None:
    clips = laid(8.0, 10.0, join="crossfade")
    first, second = reel_pieces(clips, TEN, join="crossfade")
    assert [(part.first_frame, part.frames, part.fade_in) for part in first] == [(0, 80, 0), (70, 10, 10)]
    assert [(part.first_frame, part.frames, part.fade_in) for part in second] == [(80, 90, 0)]
    assert replace(second[0], frames=0) == ReelClip(1.0, 80, 0, begun_s=0.0)
