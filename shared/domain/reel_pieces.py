"""A reel cut into pieces that can be encoded side by side, each by an encoder of its own."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from math import ceil

from shared.domain.edit_list import JoinKind
from shared.domain.reel_time import ReelClip

PIECE_S = 8.0  # as far apart as keyframes are anyway, so that a piece costs hardly more than what it is a piece of
INDEXED_EARLY_S = 0.15  # a picture is decoded at most some frames before it is shown

Piece = tuple[ReelClip, ...]
"""Clips, or parts of them, that follow on each other in the reel."""


def reel_pieces(
    clips: tuple[ReelClip, ...], fps: Fraction, *, join: JoinKind, keyframes_s: Sequence[float] = ()
) -> tuple[Piece, ...]:
    """Return the pieces of a reel in order: most are `PIECE_S` to twice as long, the last from half of it on.

    They are a function of the clips and the source alone. A clip is only cut behind a keyframe of the source (source
    time, ascending), so that nothing is decoded twice; where none is known it stays whole. A piece never begins or ends
    inside a fade, and all frames of a cross-fade are in one.
    """
    shortest = max(1, round(PIECE_S * fps))
    pieces: list[Piece] = []
    piece: list[ReelClip] = []
    begun = 0
    for clip in clips:
        is_overlapping = join == "crossfade" and clip.fade_in > 0
        for number, part in enumerate(_parts(clip, fps, keyframes_s, shortest, is_overlapping=is_overlapping)):
            may_begin = number > 0 or not is_overlapping
            if piece and may_begin and part.first_frame - begun >= shortest:
                pieces.append(tuple(piece))
                piece, begun = [], part.first_frame
            piece.append(part)
    if pieces and sum(part.frames for part in piece) < shortest / 2:
        return (*pieces[:-1], (*pieces[-1], *piece))
    return (*pieces, tuple(piece)) if piece else ()


def _parts(
    clip: ReelClip, fps: Fraction, keyframes_s: Sequence[float], step: int, *, is_overlapping: bool
) -> Iterator[ReelClip]:
    """Yield the clip in parts that a piece may begin with; of a cross-fade, what both clips are in comes first."""
    if not clip.frames:
        return
    places = [0, *([clip.fade_in] if is_overlapping else [])]
    for place in _behind_keyframes(clip, fps, keyframes_s):
        if place >= max(places[-1], clip.fade_in) + step and place <= clip.frames - clip.fade_out - 1:
            places.append(place)
    for begin, end in pairwise((*places, clip.frames)):
        yield _part(clip, begin, end, fps)


def _behind_keyframes(clip: ReelClip, fps: Fraction, keyframes_s: Sequence[float]) -> Iterator[int]:
    """Yield the clip's frames that come a little after a keyframe, as an index may tell its *decoding* time."""
    first = bisect_right(keyframes_s, clip.start_s)
    beyond = bisect_right(keyframes_s, clip.start_s + float(clip.frames / fps))
    for keyframe_s in keyframes_s[first:beyond]:
        yield ceil((keyframe_s + INDEXED_EARLY_S - clip.start_s) * fps)


def _part(clip: ReelClip, begin: int, end: int, fps: Fraction) -> ReelClip:
    """Return the clip's frames from `begin` to `end` (not included)."""
    return replace(
        clip,
        start_s=clip.start_s + float(begin / fps),
        begun_s=clip.start_s if begin else None,
        first_frame=clip.first_frame + begin,
        frames=end - begin,
        fade_in=0 if begin else clip.fade_in,
        fade_out=clip.fade_out if end == clip.frames else 0,
    )
