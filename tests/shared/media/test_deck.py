"""A deck shows the frames a fresh decoder would show, and goes on where it stands when that is shorter."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from shared.media.deck import Deck
from shared.media.probe import probe
from shared.media.source import open_source
from shared.media.timeline import Damage, shown_at
from tests.clips import ClipMaker, ClipSpec

LEAD_S = 0.49 / 30
FRAMES = 6
LONG_GOP = ClipSpec(keyframe_s=3.0, has_sound=False)


def shown(path: Path, starts_s: Sequence[float]) -> tuple[list[list[int]], list[list[int]], int]:
    """Return the frames (times in ticks) a deck shows for clips from there, those of fresh decoders, and its seeks."""
    with path.open("rb") as file:
        video = probe(file, name=path.name)
        clips = [[start_s + n / 30 for n in range(FRAMES)] for start_s in starts_s]
        with open_source(file, name=path.name) as container:
            deck = Deck(container, video, damage=Damage(), lead_s=LEAD_S)
            played = [[each.pts for each in deck.show(times)] for times in clips]
        with open_source(file, name=path.name) as container:
            fresh = [[each.pts for _, each in shown_at(container, video, times, lead_s=LEAD_S)] for times in clips]
    return played, fresh, deck.seeks


@pytest.mark.parametrize(
    ("starts_s", "seeks"),
    [
        ((0.1, 0.5, 1.0, 2.0), 1),  # in one GOP, ascending
        ((0.1, 3.5, 4.2), 2),  # into the next GOP
        ((2.9, 3.4), 1),  # the first clip ends in the next GOP
        ((1.0, 1.0, 0.2), 3),  # a repeat, and back
        ((4.0, 0.5, 5.0), 3),
        ((1.0, 1.0 + (FRAMES - 1) / 30, 1.0 + FRAMES / 15), 1),  # begins with the last frame of the one before
        ((5.9, 5.9), 1),  # after the end
    ],
)
def test_a_deck_shows_what_a_fresh_decoder_shows(clip: ClipMaker, starts_s: Sequence[float], seeks: int) -> None:
    played, fresh, sought = shown(clip(LONG_GOP), starts_s)
    assert played == fresh
    assert sought == seeks or starts_s[0] > 5


@pytest.mark.parametrize(
    "spec",
    [
        ClipSpec(keyframe_s=3.0, open_gop=True, has_sound=False),
        ClipSpec(keyframe_s=3.0, suffix=".mkv", start_s=3600.0, has_sound=False),
        ClipSpec(keyframe_s=3.0, suffix=".ts", has_sound=False),
        ClipSpec(gaps_ms=(33, 33, 50, 100, 17), has_sound=False),
    ],
    ids=["open_gop", "mkv_hour", "ts", "variable"],
)
def test_other_containers_show_the_same_frames_too(clip: Callable[[ClipSpec], Path], spec: ClipSpec) -> None:
    played, fresh, _ = shown(clip(spec), (0.1, 0.6, 2.5, 2.95, 3.3, 5.0, 4.0, 0.2, 5.9, 5.9))
    assert played == fresh
