"""The mapping of captions, held against reels whose pictures tell the source's time."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from shared.domain.edit_list import Clip, EditList
from shared.domain.reel_time import shown_clips, to_reel
from shared.domain.span import span
from shared.media.encoder import EncodeSettings
from shared.media.probe import probe
from shared.media.render import render_reel
from tests.clips import ClipMaker, ClipSpec, shown_times

QUICK = EncodeSettings(preset="ultrafast", crf=16)
SOURCES = {
    "30": ClipSpec(),
    "29.97": ClipSpec(fps=Fraction(30000, 1001)),
    "variable": ClipSpec(gaps_ms=(33, 33, 50, 100, 17)),
    "hour_ts": ClipSpec(start_s=3600.0, suffix=".ts"),
}
SPANS = {
    "encode": (span(3.21, 4.9), span(0.4, 1.35), span(1.91, 2.6), span(0.4, 1.35)),
    "copy": (span(3.0, 5.0), span(1.0, 2.0), span(3.0, 4.0)),
}


CASES = [*((source, "encode") for source in SOURCES), ("30", "copy"), ("hour_ts", "copy")]
"""Copied are those with a keyframe at every whole second."""


@pytest.mark.parametrize(("source", "render"), CASES)
def test_each_moment_is_shown_within_a_frame_of_where_it_is_said_to_be(
    source: str, render: str, clip: ClipMaker, tmp_path: Path
) -> None:
    clips = tuple(Clip(wanted=each, actual=each, score=1, reasons=()) for each in SPANS[render])
    edit = EditList(render=render, clips=clips)  # type: ignore[arg-type]
    with clip(SOURCES[source]).open("rb") as file:
        video = probe(file, name=source)
        fps = render_reel(file, video, edit, tmp_path / "reel.mp4", settings=QUICK, name=source).fps
    longest_frame_s = max(1 / 30, *(gap / 1000 for gap in SOURCES[source].gaps_ms or (0,)))
    frames = shown_times(tmp_path / "reel.mp4")
    places = [(at_s, to_reel(span(source_s, source_s), edit, fps)) for at_s, source_s in frames]
    off_s = [min(abs(each.start_s - at_s) for each in found) for at_s, found in places if found]
    assert max(off_s) <= longest_frame_s + 0.002
    assert len(off_s) >= len(frames) - len(clips)  # a clip's first frame may have come on just before it was wanted
    assert abs(frames[-1][0] + 1 / fps - shown_clips(edit, fps)[-1].reel.end_s) <= longest_frame_s
